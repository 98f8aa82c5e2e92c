use serde_json::json;
use shared::problem::ProblemCode;

use crate::fake::Fake;
use crate::phone::{ACCOUNT, PHONE_TOKEN, Phone, SESSION, logged_in, me};

#[test]
fn register_makes_an_account_and_says_how_to_log_in() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    let made = json!({"account": {"id": ACCOUNT, "username": "alice"}});
    fake.answers("POST /v1/accounts", 201, made.clone()).answers("POST /v1/accounts", 201, made.clone());
    let ran = phone.run_with("register Alice --password-stdin", "pässword 1\n".as_bytes());
    ran.assert_done("The account alice is made at SERVER. Next: mobile-cli --server SERVER login alice");
    assert_eq!(fake.seen()[0].body, json!({"username": "alice", "password": "pässword 1"}));
    assert_eq!(phone.run_with("--json register alice --password-stdin", b"password").json(), made);
    assert!(!phone.is_logged_in());
}

#[test]
fn a_name_that_is_taken_or_not_allowed_is_said() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    fake.refuses("POST /v1/accounts", ProblemCode::UsernameTaken)
        .refuses("POST /v1/accounts", ProblemCode::RegistrationClosed);
    let register = || phone.run_with("register alice --password-stdin", b"password");
    register().assert_failed(1, "taken; choose another");
    register().assert_failed(1, "ask whoever runs it");
    assert_eq!(phone.run("register al/ice").exit, 2);
}

#[test]
fn what_can_not_be_a_password_is_bad_usage_and_sent_to_nobody() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    phone.run_with("register alice --password-stdin", b"short").assert_failed(2, "8 to 256 characters");
    phone.run_with("register alice --password-stdin", b"").assert_failed(2, "no (further) password");
    phone.run_with("login alice --password-stdin", b"\xff\xfe").assert_failed(2, "UTF-8");
    assert_eq!(fake.connections(), 0);
}

#[test]
fn login_keeps_the_session_and_shows_no_token() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    fake.answers("POST /v1/phones", 201, logged_in()).answers("POST /v1/phones", 201, logged_in());
    let ran = phone.run_with("login alice --device-name Pixel --password-stdin", b"secret\nnot read");
    ran.assert_done("Logged in at SERVER as alice");
    let seen = fake.seen();
    assert_eq!(seen[0].body, json!({"username": "alice", "password": "secret", "device_name": "Pixel"}));
    assert_eq!(seen[0].authorization, None);
    assert!(phone.is_logged_in());

    let ran = phone.run_with("--json login alice --password-stdin", b"secret");
    assert_eq!(ran.json(), json!({"account": {"id": ACCOUNT, "username": "alice"}, "session_id": SESSION}));

    fake.answers("GET /v1/me", 200, me());
    phone.run("whoami").assert_done("alice at SERVER, session 01ARZ3NDEKTSV4RRFFQ69G5FAV");
    assert_eq!(fake.seen()[2].authorization, Some(format!("Bearer {PHONE_TOKEN}")));
}

#[test]
fn a_wrong_password_is_said_and_logs_nobody_in() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    fake.refuses("POST /v1/phones", ProblemCode::Unauthenticated)
        .refuses("POST /v1/phones", ProblemCode::Unauthenticated);
    let ran = phone.run_with("login alice --password-stdin", b"wrong");
    ran.assert_failed(3, "the name or the password is wrong; try again");
    let ran = phone.run_with("login alice --password-stdin --json", b"wrong");
    assert_eq!(ran.exit, 3);
    let title = "the name or the password is wrong; try again";
    assert_eq!(ran.json(), json!({"error": {"code": "unauthenticated", "title": title}}));
    assert_eq!(ran.stderr, format!("mobile-cli: {title}\n"));
    assert!(!phone.is_logged_in());
}

#[test]
fn a_session_that_can_not_be_kept_is_ended_again() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    phone.put("state", b"a file where a directory is to be");
    fake.answers("POST /v1/phones", 201, logged_in()).answers("DELETE /v1/phones/current", 204, json!(null));
    let ran = phone.run_with("login alice --password-stdin", b"secret");
    ran.assert_failed(1, "choose another place with --state-dir");
    assert_eq!(fake.calls(), ["POST /v1/phones", "DELETE /v1/phones/current"]);
}

#[test]
fn password_reads_the_old_one_then_the_new() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.answers("PUT /v1/account/password", 204, json!(null));
    let ran = phone.run_with("password --password-stdin", b"correct horse\nbattery staple\n");
    ran.assert_done("The password of alice is changed");
    assert_eq!(fake.seen()[1].body, json!({"old": "correct horse", "new": "battery staple"}));
    phone.run_with("password --password-stdin", b"only one").assert_failed(2, "no (further) password");
}

#[test]
fn a_wrong_old_password_does_not_log_the_phone_out() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.refuses("PUT /v1/account/password", ProblemCode::Unauthenticated).answers("GET /v1/me", 200, me());
    let change = || phone.run_with("password --password-stdin", b"wrong\nbattery staple");
    change().assert_failed(3, "the old password is wrong");
    assert!(phone.is_logged_in());

    fake.refuses("PUT /v1/account/password", ProblemCode::Unauthenticated)
        .refuses("GET /v1/me", ProblemCode::Unauthenticated);
    change().assert_failed(3, "this phone's session has ended");
    assert!(!phone.is_logged_in());
}

#[test]
fn logout_forgets_the_session_when_the_server_has_ended_it() {
    let fake = Fake::start();
    let phone = Phone::with_a_scan(&fake);
    fake.loses("DELETE /v1/phones/current");
    phone.run("logout").assert_failed(8, "can't be reached");
    assert!(phone.is_logged_in());

    fake.answers("DELETE /v1/phones/current", 204, json!(null));
    phone.run("logout").assert_done("Logged out");
    assert!(phone.files().is_empty(), "{:?}", phone.files());
    phone.run("logout").assert_failed(3, "log in first");
}

#[test]
fn a_session_that_has_ended_is_forgotten() {
    let fake = Fake::start();
    for command in ["whoami", "scan --code WDJB-MJHT", "confirm --yes", "sessions", "notifications", "logout"]
    {
        let phone = Phone::with_a_scan(&fake);
        for call in [
            "GET /v1/me",
            "POST /v1/scans",
            "POST /v1/scans/confirm",
            "GET /v1/sessions",
            "GET /v1/notifications?after=0",
            "DELETE /v1/phones/current",
        ] {
            fake.refuses(call, ProblemCode::Unauthenticated);
        }
        let says = "this phone's session has ended; log in again: mobile-cli --server SERVER login alice";
        phone.run(command).assert_failed(3, says);
        assert!(phone.files().is_empty(), "{command}");
        let before = fake.connections();
        phone.run(command).assert_failed(3, "not logged in at SERVER; log in first");
        assert_eq!(fake.connections(), before);
        fake.forget();
    }
}

#[test]
fn other_refusals_leave_the_session() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for (code, exit) in [
        (ProblemCode::WrongTokenKind, 3),
        (ProblemCode::RateLimited, 1),
        (ProblemCode::Unavailable, 8),
        (ProblemCode::NotFound, 1),
    ] {
        fake.refuses("GET /v1/me", code);
        assert_eq!(phone.run("whoami").exit, exit, "{code:?}");
    }
    // A page of somebody else's in the server's place.
    assert_eq!(phone.run("whoami").exit, 1);
    assert!(phone.is_logged_in());
}

#[test]
fn without_a_session_nothing_is_sent() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    for command in [
        "whoami",
        "logout",
        "password --password-stdin",
        "scan --code WDJB-MJHT",
        "confirm --yes",
        "deny --yes",
        "sessions",
        "sessions end --others",
        "notifications",
        "notifications --follow",
    ] {
        phone
            .run(command)
            .assert_failed(3, "not logged in at SERVER; log in first: mobile-cli --server SERVER login NAME");
    }
    assert_eq!(fake.connections(), 0);
}

#[test]
fn a_server_that_is_not_there_is_said() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran = phone.run_with(&format!("login alice --password-stdin --server http://{nobody}"), b"secret");
    ran.assert_failed(8, "can't be reached (connection refused); is it running?");
}

#[test]
fn plain_http_to_another_machine_is_refused() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let ran = phone.run("whoami --server http://login.example.com");
    ran.assert_failed(2, "--server http://login.example.com: plain http would send secrets");
    // Allowed, the answer is another one: there is no session there.
    phone
        .run("whoami --insecure-http --server http://login.example.com")
        .assert_failed(3, "not logged in at");
}

#[test]
fn programs_are_told_of_bad_usage_too() {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    let ran = phone.run("scan --json");
    assert_eq!((ran.exit, ran.json()["error"]["code"].clone()), (2, json!("bad_usage")));
    assert!(ran.stderr.starts_with("error: the following required arguments were not provided"), "{ran:?}");
    let ran = phone.run("--help");
    assert!(ran.exit == 0 && ran.stdout.contains("Exit codes:") && ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn the_state_directory_can_be_chosen() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    phone.run("whoami --state-dir elsewhere").assert_failed(3, "not logged in");
    fake.answers("POST /v1/phones", 201, logged_in()).answers("GET /v1/me", 200, me());
    assert_eq!(phone.run_with("login alice --password-stdin --state-dir a/b", b"secret").exit, 0);
    phone.run("whoami --state-dir a/b").assert_done("alice");
}
