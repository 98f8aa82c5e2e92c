use serde_json::{Value, json};
use shared::problem::ProblemCode;

use crate::fake::Fake;
use crate::phone::Phone;

fn notice(id: u64, kind: &str) -> Value {
    json!({"id": id, "kind": kind, "at": "2026-11-23T12:18:00Z", "count": 1, "device_name": "ThinkPad", "ip": "192.0.2.7"})
}

fn logged_in(id: u64) -> Value {
    let mut notice = notice(id, "logged_in");
    notice["session_id"] = json!("01ARZ3NDEKTSV4RRFFQ69G5FB1");
    notice["advice"] = json!("If this was not you, end this session and change your password.");
    notice
}

#[test]
fn all_pages_are_listed_the_oldest_first() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for _ in 0..2 {
        fake.answers(
            "GET /v1/notifications?after=0",
            200,
            json!({"notifications": [notice(3, "login_confirmed")]}),
        )
        .answers("GET /v1/notifications?after=3", 200, json!({"notifications": [logged_in(7)]}))
        .answers("GET /v1/notifications?after=7", 200, json!({"notifications": []}));
    }
    let ran = phone.run("notifications");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
    let all = json!({"notifications": [notice(3, "login_confirmed"), logged_in(7)]});
    assert_eq!(phone.run("notifications --json").json(), all);
}

#[test]
fn a_server_that_repeats_itself_is_not_asked_for_ever() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.answers("GET /v1/notifications?after=0", 200, json!({"notifications": [logged_in(7)]})).answers(
        "GET /v1/notifications?after=7",
        200,
        json!({"notifications": [logged_in(7)]}),
    );
    assert_eq!(phone.run("notifications").stdout.lines().count(), 1);
}

#[test]
fn nothing_is_said_to_be_nothing() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for _ in 0..2 {
        fake.answers("GET /v1/notifications?after=0", 200, json!({"notifications": []}));
    }
    phone.run("notifications").assert_done("Nothing has happened yet.");
    assert_eq!(phone.run("notifications --json").json(), json!({"notifications": []}));
}

#[test]
fn follow_ends_with_the_session() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.refuses("GET /v1/notifications/events?after=0", ProblemCode::Unauthenticated);
    phone.run("notifications --follow").assert_failed(3, "this phone's session has ended");
    assert!(!phone.is_logged_in());
}

#[cfg(unix)]
#[test]
fn follow_goes_on_until_ctrl_c() {
    use std::io::{BufRead as _, BufReader};
    use std::process::{Command, Stdio};

    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.sends(notice(3, "login_confirmed")).sends(logged_in(7));
    for (words, first) in [
        ("notifications --follow", "2026-11-23 12:18  A phone"),
        ("notifications --follow --json", "{\"id\":3"),
    ] {
        let mut command = phone.command(words);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert!(lines.next().unwrap().unwrap().starts_with(first));
        assert!(lines.next().unwrap().unwrap().contains("01ARZ3NDEKTSV4RRFFQ69G5FB1"));
        let interrupted = Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
        assert!(interrupted.success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert!(lines.next().is_none());
    }
}
