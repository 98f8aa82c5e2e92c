use serde_json::{Value, json};
use shared::problem::ProblemCode;

use crate::fake::Fake;
use crate::phone::{Phone, me};

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
fn follow_does_not_begin_without_server_or_session() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.loses("GET /v1/me").refuses("GET /v1/me", ProblemCode::Unauthenticated);
    phone.run("notifications --follow").assert_failed(8, "can't be reached");
    phone.run("notifications --follow").assert_failed(3, "this phone's session has ended");
}

#[test]
fn follow_ends_with_the_session() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.answers("GET /v1/me", 200, me());
    fake.refuses("GET /v1/notifications/events?after=0", ProblemCode::Unauthenticated);
    phone.run("notifications --follow").assert_failed(3, "this phone's session has ended");
    assert!(!phone.is_logged_in());
}

#[cfg(unix)]
mod followed {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Child, ChildStdout, Command, Stdio};

    use super::*;

    /// A command that goes on, and what it prints, line by line.
    fn start(phone: &Phone, words: &str) -> (Child, std::io::Lines<BufReader<ChildStdout>>) {
        let mut command = phone.command(words);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        (child, lines)
    }

    /// Presses Ctrl-C: the exit code, and what was on standard error.
    fn interrupt(mut child: Child) -> (Option<i32>, String) {
        assert!(Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap().success());
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        (child.wait().unwrap().code(), stderr)
    }

    #[test]
    fn it_goes_on_until_ctrl_c() {
        let fake = Fake::start();
        let phone = Phone::of_alice(&fake);
        fake.sends(json!({"notifications": [notice(3, "login_confirmed")]})).sends(logged_in(7));
        for (words, first) in [
            ("notifications --follow", "2026-11-23 12:18  A phone of yours"),
            ("notifications --follow --json", "{\"id\":3"),
        ] {
            fake.answers("GET /v1/me", 200, me());
            let (child, mut lines) = start(&phone, words);
            assert!(lines.next().unwrap().unwrap().starts_with(first));
            assert!(lines.next().unwrap().unwrap().contains("01ARZ3NDEKTSV4RRFFQ69G5FB1"));
            assert_eq!(interrupt(child), (Some(0), String::new()));
            assert!(lines.next().is_none());
        }
    }

    #[test]
    fn a_server_that_was_lost_is_said_once_and_found_again() {
        let fake = Fake::start();
        let phone = Phone::of_alice(&fake);
        fake.answers("GET /v1/me", 200, me()).sends(logged_in(7));
        fake.loses("GET /v1/notifications/events?after=0");
        for _ in 0..3 {
            fake.loses("GET /v1/notifications?after=0");
        }
        fake.answers("GET /v1/notifications?after=0", 200, json!({"notifications": []}));
        let (child, mut lines) = start(&phone, "notifications --follow");
        assert!(lines.next().unwrap().unwrap().contains("A PC is logged in as you"));
        let (exit, stderr) = interrupt(child);
        assert_eq!((exit, stderr.lines().count()), (Some(0), 1), "{stderr}");
        assert!(stderr.contains("can't be reached") && stderr.contains("(trying on)"), "{stderr}");
    }
}
