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
    phone.run(&format!("sessions end {PC}")).assert_done(&format!("Ended the session {PC}"));
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
