//! The program: its arguments, its files, its signals, and what is done beside it.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::PASSWORD;
use crate::support::program::{Program, run};
use serde_json::{Value, json};
use shared::api::{Password, PhoneLogin, Status};
use shared::client::{ClientError, News, Transport, TransportChoice};
use shared::problem::ProblemCode;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn help() {
    let out = run(&["--help"], "");
    assert!(out.status.success());
    insta::assert_snapshot!(text(&out.stdout));
}

#[test]
fn bad_usage_is_two_and_says_what_to_do() {
    for (args, words) in [
        (&["--code-lifetime", "0s"][..], "1s to 10m"),
        (&["--listen", "0.0.0.0:0"], "--public-url"),
        (&["--store", "mysql:x"], "sqlite:PATH"),
        (&["--public-url", "http://login.example.com"], "plain http"),
        (&["--no-such"], "--no-such"),
        (&["account", "fly"], "fly"),
    ] {
        let out = run(args, "");
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        assert!(text(&out.stderr).contains(words), "{}", text(&out.stderr));
    }
}

#[test]
fn what_can_not_start_says_why_and_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let store = format!("sqlite:{}", path("saoma.db").display());
    std::fs::write(path("bad.secret"), "not a secret").unwrap();
    let bad_secret = path("bad.secret").display().to_string();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (args, words) in [
        (&["--store", &store, "--listen", &taken][..], "another address with --listen"),
        (
            &["--store", &store, "--listen", "127.0.0.1:0", "--admin-listen", &taken],
            "another address with --admin-listen",
        ),
        (&["--store", &store, "--listen", "127.0.0.1:0", "--secret-file", &bad_secret], "server secret"),
        (
            &[
                "--store",
                &store,
                "--listen",
                "127.0.0.1:0",
                "--tls-cert",
                "/nowhere",
                "--tls-key",
                "/nowhere",
            ],
            "certificate",
        ),
        (&["--store", "sqlite:/nowhere/saoma.db", "--listen", "127.0.0.1:0"], "/nowhere"),
    ] {
        let out = run(args, "");
        let stderr = text(&out.stderr);
        assert_eq!((out.status.code(), stderr.contains(words)), (Some(1), true), "{args:?}: {stderr}");
        assert!(out.stdout.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn it_prints_one_line_keeps_its_files_to_itself_and_stops_when_told() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("saoma.db");
    let mut program = Program::start(&database, "127.0.0.1:0", &[]);
    for file in ["saoma.db", "saoma.secret"] {
        let mode = std::fs::metadata(directory.path().join(file)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    // A second server on the same database is refused.
    let store = format!("sqlite:{}", database.display());
    let second = run(&["--store", &store, "--listen", "127.0.0.1:0"], "");
    assert_eq!(second.status.code(), Some(1), "{}", text(&second.stderr));

    // A waiter is told to come back, on each transport, and finds its login on the next server.
    let client = program.client();
    let issued = client.issue(&crate::support::pc()).await.unwrap();
    let mut feeds = Vec::new();
    for transport in [Transport::WebSocket, Transport::LongPoll] {
        let mut feed = client.follow(issued.device_code.clone(), TransportChoice::Only(transport));
        assert!(matches!(feed.next().await, Some(News::Snapshot { .. })));
        feeds.push(feed);
    }
    let listen = program.addr.clone();
    let mut stdout = program.child.stdout.take().unwrap();
    assert_eq!(program.terminate(), Some(0));
    let mut rest = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
    assert_eq!(rest, "");

    let program = Program::start(&database, &listen, &[]);
    program.client().cancel(&issued.device_code).await.unwrap();
    for feed in &mut feeds {
        loop {
            match feed.next().await {
                Some(News::Snapshot { snapshot, .. }) if snapshot.status == Status::Cancelled => break,
                Some(News::Gone(error)) => panic!("{error}"),
                None => panic!("the feed ended early"),
                Some(_) => {}
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn accounts_and_clients_are_managed_beside_a_running_server() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("saoma.db");
    let store = format!("sqlite:{}", database.display());
    let admin = |args: &[&str], stdin: &str| {
        let out = run(&[args, &["--store", &store]].concat(), stdin);
        (out.status.code().unwrap(), text(&out.stdout), text(&out.stderr))
    };
    // Also before there is a server.
    assert_eq!(admin(&["account", "add", "alice"], &format!("{PASSWORD}\n")).0, 0);
    assert_eq!(admin(&["account", "add", "alice"], &format!("{PASSWORD}\n")).0, 1);
    assert_eq!(admin(&["account", "add", "bob"], "short\n").0, 1);
    assert_eq!(admin(&["account", "add", "bob"], "").0, 1);

    let program = Program::start(&database, "127.0.0.1:0", &[]);
    let client = program.client();
    let log_in = async |password: &str| {
        let password = Password::new(password.to_owned());
        client.log_in(&PhoneLogin { username: "alice".to_owned(), password, device_name: None }).await
    };
    let refused = |outcome: Result<_, ClientError>| matches!(outcome, Err(ClientError::Problem(problem)) if problem.code == ProblemCode::Unauthenticated);
    let phone = client.phone(log_in(PASSWORD).await.unwrap().phone_token);
    phone.me().await.unwrap();
    assert_eq!(admin(&["account", "disable", "alice"], "").0, 0);
    assert!(refused(phone.me().await.map(drop)));
    assert!(refused(log_in(PASSWORD).await.map(drop)));
    assert!(admin(&["account", "list"], "").1.contains("disabled"));
    assert_eq!(admin(&["account", "enable", "alice"], "").0, 0);
    // Enabled again, but what was ended stays ended.
    assert!(refused(phone.me().await.map(drop)));
    assert_eq!(admin(&["account", "password", "alice"], "another password\n").0, 0);
    assert!(refused(log_in(PASSWORD).await.map(drop)));
    let phone = client.phone(log_in("another password").await.unwrap().phone_token);

    // Whoever waits hears of it too.
    let issued = client.issue(&crate::support::pc()).await.unwrap();
    let code = program.url.scan_code_in(&issued.verification_uri_complete).unwrap();
    phone.scan(&shared::api::ScanRequest::scan_code(&code)).await.unwrap();
    let mut feed = client.follow(issued.device_code.clone(), TransportChoice::Only(Transport::WebSocket));
    assert!(matches!(feed.next().await, Some(News::Snapshot { .. })));
    assert_eq!(admin(&["account", "remove", "alice"], "").0, 0);
    assert!(
        matches!(feed.next().await, Some(News::Snapshot { snapshot, .. }) if snapshot.status == Status::Denied)
    );
    assert_eq!(admin(&["account", "remove", "alice"], "").0, 1);

    let (code, secret, _) = admin(&["client", "add", "files"], "");
    assert_eq!(code, 0);
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let introspect = async || {
        let request =
            http.post(program.url.join("/oauth/introspect")).basic_auth("files", Some(secret.trim()));
        request.form(&[("token", "x")]).send().await.unwrap().json::<Value>().await.unwrap()
    };
    assert_eq!(introspect().await, json!({"active": false}));
    assert_eq!(admin(&["client", "add", "files"], "").0, 1);
    assert!(admin(&["client", "list"], "").1.starts_with("files "));
    assert_eq!(admin(&["client", "remove", "files"], "").0, 0);
    assert_eq!(introspect().await["error"], "invalid_client");
}
