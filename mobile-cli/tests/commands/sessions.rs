use serde_json::json;
use shared::problem::ProblemCode;

use crate::fake::Fake;
use crate::phone::{PHONE_TOKEN, Phone, SESSION};

const PC: &str = "01ARZ3NDEKTSV4RRFFQ69G5FB1";

fn list() -> serde_json::Value {
    json!({"sessions": [
        {"id": PC, "kind": "pc", "device_name": "Think\u{202e}Pad", "ip": "192.0.2.7", "granted_by": SESSION,
         "created_at": "2026-11-23T12:18:00Z", "last_seen_at": "2026-11-23T12:20:00Z", "current": false},
        {"id": SESSION, "kind": "phone", "device_name": "mobile-cli", "ip": "192.0.2.1", "granted_by": null,
         "created_at": "2026-11-23T12:00:00Z", "last_seen_at": "2026-11-23T12:18:00Z", "current": true},
    ]})
}

#[test]
fn sessions_are_listed() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.answers("GET /v1/sessions", 200, list()).answers("GET /v1/sessions", 200, list());
    let ran = phone.run("sessions");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
    assert_eq!(phone.run("sessions --json").json(), list());
    assert_eq!(fake.seen()[1].authorization, Some(format!("Bearer {PHONE_TOKEN}")));
}

#[test]
fn one_session_is_ended_or_all_others() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.answers(&format!("DELETE /v1/sessions/{PC}"), 204, json!(null))
        .answers("DELETE /v1/sessions?others=true", 204, json!(null))
        .answers("DELETE /v1/sessions?others=true", 204, json!(null));
    phone.run(&format!("sessions end {PC}")).assert_done(&format!(
        "Ended the session {PC}, and what hung on it.\nIf it was not yours, change the password as well: mobile-cli"
    ));
    phone.run("sessions end --others").assert_done("Ended all sessions but this phone's");
    assert_eq!(phone.run("--json sessions end --others").json(), json!({}));
    assert!(phone.is_logged_in());
}

#[test]
fn a_session_that_is_not_there_is_said() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.refuses(&format!("DELETE /v1/sessions/{PC}"), ProblemCode::NotFound);
    phone
        .run(&format!("sessions end {PC}"))
        .assert_failed(1, "this account has no such session, or no longer; its sessions: mobile-cli");
    assert_eq!(phone.run("sessions end not-an-id").exit, 2);
}

#[test]
fn who_ends_this_phone_s_session_is_logged_out() {
    let fake = Fake::start();
    let phone = Phone::with_a_scan(&fake);
    fake.answers(&format!("DELETE /v1/sessions/{SESSION}"), 204, json!(null));
    phone.run(&format!("sessions end {SESSION}")).assert_done("Ended the session");
    assert!(phone.files().is_empty());
}

/// What the server tells after a number.
fn told(fake: &Fake, after: u64, notices: &serde_json::Value) {
    fake.answers(&format!("GET /v1/notifications?after={after}"), 200, json!({"notifications": notices}));
}

fn notice(id: u64, kind: &str, session: Option<&str>) -> serde_json::Value {
    json!({"id": id, "kind": kind, "at": "2026-11-23T12:18:00Z", "count": 1, "device_name": "ThinkPad",
        "ip": "192.0.2.7", "session_id": session})
}

#[test]
fn whoever_was_not_that_ends_it_with_the_command_that_the_notification_shows() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let news = json!([notice(12, "logged_in", Some(PC)), notice(13, "login_denied", None)]);
    told(&fake, 0, &news);
    told(&fake, 13, &json!([]));
    let shown = phone.run("notifications").stdout;
    let (_, command) = shown
        .lines()
        .next()
        .unwrap()
        .split_once("If that was not you, change the password, and: mobile-cli ")
        .unwrap();
    assert_eq!(command, "--server SERVER sessions end 12");

    told(&fake, 11, &news);
    fake.answers(&format!("DELETE /v1/sessions/{PC}"), 204, json!(null));
    let says = "change the password as well: mobile-cli --server SERVER password\n";
    phone.run("sessions end 12").assert_done(says);
    assert!(phone.is_logged_in());
    // A second time there is nothing left to end, but the advice still holds.
    told(&fake, 11, &news);
    fake.refuses(&format!("DELETE /v1/sessions/{PC}"), ProblemCode::NotFound);
    phone.run("sessions end 12").assert_failed(1, "that session is over already; if it was not yours");
}

#[test]
fn a_notification_that_tells_of_no_pc_ends_nothing() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    // The second names a session, but it is this phone's own.
    for (kind, session) in [("login_denied", None), ("password_changed", Some(SESSION)), ("logged_in", None)]
    {
        told(&fake, 6, &json!([notice(7, kind, session)]));
        let says = "notification 7 tells of no PC that was logged in; this account's sessions: mobile-cli";
        phone.run("sessions end 7").assert_failed(1, says);
    }
    for others in [json!([]), json!([notice(8, "logged_in", Some(PC))])] {
        told(&fake, 6, &others);
        let says = "this account has no notification 7, or no longer; its notifications: mobile-cli";
        phone.run("sessions end 7").assert_failed(1, says);
    }
    assert!(!fake.calls().iter().any(|call| call.starts_with("DELETE")));
    assert!(phone.is_logged_in());
}
