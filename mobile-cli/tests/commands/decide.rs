use serde_json::json;
use shared::api::{CheckCode, Status};
use shared::problem::{Problem, ProblemCode};

use crate::fake::Fake;
use crate::phone::{CONFIRM_TOKEN, PHONE_TOKEN, Phone};

const CONFIRM: &str = "POST /v1/scans/confirm";
const DENY: &str = "POST /v1/scans/deny";

fn used(status: Option<Status>) -> Problem {
    Problem { login_status: status, ..ProblemCode::ConfirmTokenUsed.into() }
}

#[test]
fn the_last_scan_is_confirmed_once() {
    let fake = Fake::start();
    let phone = Phone::with_a_scan(&fake);
    fake.answers(CONFIRM, 200, json!({"status": "confirmed"}));
    phone.run("confirm --yes").assert_done("Confirmed: the PC is being logged in as alice.");
    let seen = &fake.seen()[2];
    assert_eq!(seen.body, json!({"confirm_token": CONFIRM_TOKEN}));
    assert_eq!(seen.authorization, Some(format!("Bearer {PHONE_TOKEN}")));

    let before = fake.connections();
    phone.run("confirm --yes").assert_failed(1, "no login is waiting to be decided; scan a code first");
    phone.run("deny --yes").assert_failed(1, "no login is waiting");
    assert_eq!(fake.connections(), before);
}

#[test]
fn the_last_scan_is_denied_and_reported() {
    let fake = Fake::start();
    for (words, body) in [
        ("deny --yes", json!({"confirm_token": CONFIRM_TOKEN})),
        ("deny --yes --report", json!({"confirm_token": CONFIRM_TOKEN, "report": true})),
    ] {
        let phone = Phone::with_a_scan(&fake);
        fake.answers(DENY, 200, json!({"status": "denied"}));
        phone.run(words).assert_done("Denied: this PC is not logged in.");
        assert_eq!(fake.seen().last().unwrap().body, body);
        assert!(!phone.has_a_scan());
    }
    let phone = Phone::with_a_scan(&fake);
    fake.answers(DENY, 200, json!({"status": "denied"}));
    assert_eq!(phone.run("deny --yes --json").json(), json!({"status": "denied"}));
}

#[test]
fn without_a_terminal_nothing_is_decided_without_yes() {
    let fake = Fake::start();
    let phone = Phone::with_a_scan(&fake);
    let before = fake.connections();
    phone.run_with("confirm", b"y\n").assert_failed(2, "there is no terminal to ask on");
    phone.run_with("deny", b"y\n").assert_failed(2, "give --yes");
    let ran = phone.run_with("confirm --json", b"y\n");
    assert_eq!((ran.exit, ran.json()["error"]["code"].clone()), (2, json!("bad_usage")));
    assert_eq!(fake.connections(), before);
    assert!(phone.has_a_scan());
}

#[test]
fn a_lost_answer_can_be_repeated() {
    let fake = Fake::start();
    for status in [Status::Confirmed, Status::LoggedIn] {
        let phone = Phone::with_a_scan(&fake);
        fake.loses(CONFIRM)
            .refuses(CONFIRM, ProblemCode::Unavailable)
            .refuses_with(CONFIRM, &used(Some(status)));
        phone.run("confirm --yes").assert_failed(8, "can't be reached");
        assert!(phone.has_a_scan());
        phone.run("confirm --yes").assert_failed(8, "try again in");
        assert!(phone.has_a_scan());
        phone.run("confirm --yes").assert_done("Confirmed already");
        assert!(!phone.has_a_scan());
    }
    let phone = Phone::with_a_scan(&fake);
    fake.loses(DENY).refuses(DENY, ProblemCode::LoginClosed);
    phone.run("deny --yes").assert_failed(8, "can't be reached");
    assert!(phone.has_a_scan());
    phone.run("deny --yes").assert_done("Already over: this login was denied or cancelled");
    assert!(!phone.has_a_scan());
}

#[test]
fn the_digits_for_the_pc_are_shown_also_when_the_first_answer_was_lost() {
    let fake = Fake::start();
    let confirmed = json!({"status": "confirmed", "check_code": "47"});
    let phone = Phone::with_a_scan(&fake);
    fake.answers(CONFIRM, 200, confirmed.clone());
    phone.run("confirm --yes").assert_done(
        "Type 47 on the PC:\n\n        4 7\n\nThen it is logged in as alice. Tell nobody else: whoever asks",
    );

    let phone = Phone::with_a_scan(&fake);
    fake.answers(CONFIRM, 200, confirmed.clone());
    assert_eq!(phone.run("confirm --yes --json").json(), confirmed);

    let check_code = CheckCode::parse("47").ok();
    let lost = Problem { check_code, ..used(Some(Status::Confirmed)) };
    let phone = Phone::with_a_scan(&fake);
    fake.refuses_with(CONFIRM, &lost);
    phone.run("confirm --yes").assert_done("Type 47 on the PC");
    let phone = Phone::with_a_scan(&fake);
    fake.refuses_with(CONFIRM, &lost);
    assert_eq!(phone.run("confirm --yes --json").json(), confirmed);
}

#[test]
fn what_has_ended_otherwise_is_said_with_its_exit_code() {
    let fake = Fake::start();
    let cases = [
        (used(Some(Status::Denied)), "confirm", 5, "this login was denied"),
        (used(Some(Status::Cancelled)), "confirm", 6, "the PC has given this login up"),
        (used(Some(Status::Expired)), "confirm", 4, "this login has expired"),
        (used(Some(Status::Scanned)), "confirm", 1, "scanned again"),
        (used(None), "confirm", 1, "used or replaced"),
        (ProblemCode::CodeExpired.into(), "confirm", 4, "the code has expired"),
        (ProblemCode::LoginClosed.into(), "confirm", 1, "this login is over"),
        (ProblemCode::ConfirmTokenInvalid.into(), "confirm", 1, "scan the code again"),
        (ProblemCode::NotYourScan.into(), "confirm", 1, "another phone scanned this code"),
        (used(Some(Status::LoggedIn)), "deny", 1, "confirmed before; end the PC's session"),
        (used(Some(Status::Expired)), "deny", 4, "this login has expired"),
        (ProblemCode::CodeExpired.into(), "deny", 4, "the code has expired"),
    ];
    for (problem, words, exit, says) in cases {
        let phone = Phone::with_a_scan(&fake);
        fake.refuses_with(&format!("POST /v1/scans/{words}"), &problem);
        phone.run(&format!("{words} --yes")).assert_failed(exit, says);
        assert!(!phone.has_a_scan(), "{says}");
        assert!(phone.is_logged_in(), "{says}");
    }
}

#[cfg(unix)]
#[test]
fn a_person_is_shown_what_it_is_about_and_no_is_the_default() {
    let fake = Fake::start();
    for (words, question) in [
        ("confirm", "  d  deny it        y  log it in        Enter  decide nothing "),
        ("deny", "Deny it? [y/N] "),
    ] {
        let phone = Phone::with_a_scan(&fake);
        let before = fake.connections();
        let (exit, screen) = crate::terminal::run(phone.command(words), "\n");
        assert_eq!(exit, 0, "{screen}");
        assert!(
            screen.contains("ThinkPad") && screen.contains("192.0.2.7") && screen.contains(question),
            "{screen}"
        );
        assert!(screen.contains("Nothing was decided"), "{screen}");
        assert_eq!(fake.connections(), before);
        assert!(phone.has_a_scan());

        fake.answers(&format!("POST /v1/scans/{words}"), 200, json!({"status": "confirmed"}));
        let (exit, screen) = crate::terminal::run(phone.command(words), "yes\n");
        assert_eq!(exit, 0, "{screen}");
        assert!(!phone.has_a_scan(), "{screen}");
    }
}

#[cfg(unix)]
#[test]
fn whoever_has_doubts_when_asked_to_confirm_can_deny_at_once() {
    let fake = Fake::start();
    for types in ["d\n", "deny\n"] {
        let phone = Phone::with_a_scan(&fake);
        fake.answers(DENY, 200, json!({"status": "denied"}));
        let (exit, screen) = crate::terminal::run(phone.command("confirm"), types);
        assert_eq!(exit, 0, "{screen}");
        assert!(screen.contains("Denied: this PC is not logged in."), "{screen}");
        assert!(!phone.has_a_scan());
    }
    assert!(!fake.calls().contains(&CONFIRM.to_owned()));
}
