//! Whoever attacks wants nobody to notice. Every refused attempt and every decision is in the audit log.

mod limits;
mod thefts;

use std::fs::File;
use std::path::{Path, PathBuf};

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::{GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};

use crate::scene::text;
use crate::support::program::{Program, run};

const OFFICE: &str = "192.0.2.7";
const ELSEWHERE: &str = "198.51.100.9";
const PASSWORDS: [&str; 4] = ["pw-first-51c7ae", "pw-wrong-51c7ae", "pw-other-51c7ae", "pw-admin-51c7ae"];

/// The real server, somebody who talks to it, and every secret that came up.
struct World {
    program: Program,
    http: reqwest::Client,
    secrets: Vec<String>,
    log: PathBuf,
}

impl World {
    /// Starts the server, behind a proxy here, so that requests come from wherever they say.
    fn start(directory: &Path, more: &[&str]) -> Self {
        let log = directory.join("log");
        let more = [&["--log", "json", "--trusted-proxy", "127.0.0.0/8"], more].concat();
        let to = File::create(&log).unwrap();
        let program = Program::start_logging(&directory.join("saoma.db"), "127.0.0.1:0", &more, to);
        let secrets = PASSWORDS.map(str::to_owned).to_vec();
        Self { program, http: crate::support::http(), secrets, log }
    }

    /// Stops the server. Answers all that was logged, here and `beside`: there is no secret in it.
    fn end(self, beside: &str) -> Vec<Value> {
        assert_eq!(self.program.terminate(), Some(0));
        let log = std::fs::read_to_string(&self.log).unwrap() + beside;
        for secret in self.secrets.iter().filter(|secret| !secret.is_empty()) {
            assert!(!log.contains(secret.as_str()), "{secret} in {log}");
        }
        log.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    async fn call(&mut self, path: &str, token: &str, body: Value) -> (StatusCode, Value) {
        self.call_from(OFFICE, Method::POST, path, token, body).await
    }

    async fn call_from(
        &mut self,
        from: &str,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self.http.request(method, self.program.url.join(path)).bearer_auth(token);
        self.answer(request.header("x-forwarded-for", from).json(&body)).await
    }

    async fn form(&mut self, from: &str, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        let request = self.http.post(self.program.url.join(path));
        self.answer(request.header("x-forwarded-for", from).form(fields)).await
    }

    /// What comes back; what is secret in it must never be logged.
    async fn answer(&mut self, request: reqwest::RequestBuilder) -> (StatusCode, Value) {
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.json().await.unwrap_or(Value::Null));
        for name in
            ["phone_token", "device_code", "user_code", "confirm_token", "access_token", "refresh_token"]
        {
            self.secrets.extend(body[name].as_str().map(str::to_owned));
        }
        (status, body)
    }

    async fn phone(&mut self, name: &str) -> String {
        let body = json!({"username": name, "password": PASSWORDS[0]});
        self.call("/v1/accounts", "x", body.clone()).await;
        text(&self.call("/v1/phones", "x", body).await.1, "phone_token").to_owned()
    }

    /// A login of the office's PC: its device code and its scan code.
    async fn issue(&mut self) -> (String, String) {
        let fields = [("client_id", "tests"), ("check_code", "1"), ("login_hint", "alice")];
        let (_, issued) = self.form(OFFICE, "/oauth/device_authorization", &fields).await;
        let scan_code = text(&issued, "verification_uri_complete").rsplit('/').next().unwrap().to_owned();
        self.secrets.push(scan_code.clone());
        (text(&issued, "device_code").to_owned(), scan_code)
    }

    async fn scan(&mut self, phone: &str, scan_code: &str) -> String {
        let (_, scanned) = self.call("/v1/scans", phone, json!({"scan_code": scan_code})).await;
        text(&scanned, "confirm_token").to_owned()
    }

    async fn decide(&mut self, what: &str, phone: &str, confirm_token: &str) -> Value {
        let body = json!({"confirm_token": confirm_token, "report": true});
        self.call(&format!("/v1/scans/{what}"), phone, body).await.1
    }

    async fn redeem(&mut self, client_id: &str, device_code: &str, check_code: &str) -> Value {
        let fields = [
            ("grant_type", GRANT_DEVICE_CODE),
            ("device_code", device_code),
            ("client_id", client_id),
            ("check_code", check_code),
        ];
        self.form(OFFICE, "/oauth/token", &fields).await.1
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn go_unnoticed() {
    let directory = tempfile::tempdir().unwrap();
    let more = [
        "--issue-from",
        "192.0.2.0/24",
        "--check-code",
        "require",
        "--limit-scan",
        "1/1m",
        "--require-same-network",
    ];
    let mut world = World::start(directory.path(), &more);
    let (alice, session) = attack(&mut world).await;
    refuse_and_end(&mut world, &alice, &session).await;
    let beside = administer(&mut world, &directory.path().join("saoma.db"));
    assert_all_there(&world.end(&beside));
}

/// Attempts on a login, up to one that goes well. Answers alice's phone, and the PC's refresh token.
async fn attack(world: &mut World) -> (String, String) {
    let (alice, second, bob) =
        (world.phone("alice").await, world.phone("alice").await, world.phone("bob").await);
    world.form(ELSEWHERE, "/oauth/device_authorization", &[("client_id", "tests")]).await;
    let (device_code, scan_code) = world.issue().await;
    let body = json!({"scan_code": scan_code});
    world.call_from(ELSEWHERE, Method::POST, "/v1/scans", &alice, body.clone()).await;
    world.call("/v1/scans", &bob, body.clone()).await;
    let replaced = world.scan(&alice, &scan_code).await;
    let confirm_token = world.scan(&alice, &scan_code).await;
    world.call("/v1/scans", &second, body).await;
    world.decide("confirm", &second, &confirm_token).await;
    world.decide("confirm", &alice, &replaced).await;
    world.decide("confirm", &alice, "ct_7KAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    let confirmed = world.decide("confirm", &alice, &confirm_token).await;
    let digits = text(&confirmed, "check_code").to_owned();
    world.redeem("mallory", &device_code, &digits).await;
    world.redeem("tests", &device_code, "00").await;
    let tokens = world.redeem("tests", &device_code, &digits).await;
    let access = text(&tokens, "access_token").to_owned();
    world.call_from(OFFICE, Method::GET, "/v1/me", &access, Value::Null).await;
    world.redeem("tests", &device_code, &digits).await;

    // Another login, whose refresh token is stolen.
    let (device_code, scan_code) = world.issue().await;
    let confirm_token = world.scan(&alice, &scan_code).await;
    let digits = text(&world.decide("confirm", &alice, &confirm_token).await, "check_code").to_owned();
    let tokens = world.redeem("tests", &device_code, &digits).await;
    (alice, text(&tokens, "refresh_token").to_owned())
}

/// What is refused besides, a denial, and the end of sessions.
async fn refuse_and_end(world: &mut World, alice: &str, refresh: &str) {
    let spend = [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", refresh), ("client_id", "tests")];
    world.form(OFFICE, "/oauth/token", &spend).await;
    world.form(OFFICE, "/oauth/token", &spend).await;
    let (_, scan_code) = world.issue().await;
    let confirm_token = world.scan(alice, &scan_code).await;
    world.decide("deny", alice, &confirm_token).await;
    for _ in 0..2 {
        world.call("/v1/scans", alice, json!({"scan_code": "7K0123456789ABCDEFGHJKMNPQ"})).await;
    }
    world.call("/v1/scans", alice, json!({"user_code": "BBBB-BBBB"})).await;
    world.redeem("tests", "dc_7KAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "10").await;
    // A password in the wrong field, and a wrong one.
    for (username, password) in [(PASSWORDS[0], "x"), ("alice", PASSWORDS[1])] {
        world.call("/v1/phones", "x", json!({"username": username, "password": password})).await;
    }
    world.call_from(OFFICE, Method::DELETE, "/v1/sessions?others=true", alice, Value::Null).await;
    let change = json!({"old": PASSWORDS[0], "new": PASSWORDS[2]});
    world.call_from(OFFICE, Method::PUT, "/v1/account/password", alice, change).await;
}

/// What whoever runs the server does beside it; answers what that logs.
fn administer(world: &mut World, database: &Path) -> String {
    let store = format!("sqlite:{}", database.display());
    let mut log = String::new();
    for args in [
        &["account", "add", "carol"][..],
        &["account", "disable", "bob"],
        &["account", "enable", "bob"],
        &["account", "remove", "bob"],
        &["client", "add", "files"],
        &["client", "remove", "files"],
    ] {
        let out =
            run(&[&["--log", "json", "--store", &store], args].concat(), &format!("{}\n", PASSWORDS[3]));
        assert!(out.status.success(), "{args:?}");
        if args[..2] == ["client", "add"] {
            world.secrets.push(String::from_utf8(out.stdout).unwrap().trim().to_owned());
        }
        log += &String::from_utf8(out.stderr).unwrap();
    }
    log
}

/// Each event, with the fields that it must have and the values that are known.
fn assert_all_there(lines: &[Value]) {
    let (warned, done) = ("WARN", "INFO");
    for (level, event, fields) in [
        (warned, "pc_not_allowed", json!({"ip": ELSEWHERE})),
        (warned, "other_network", json!({"ip": ELSEWHERE, "pc_ip": OFFICE, "login": null, "account": null})),
        (warned, "other_user", json!({"login": null, "account": null, "phone": null})),
        (warned, "second_scan", json!({"login": null, "owner": null, "account": null, "phone": null})),
        (warned, "other_phone", json!({"login": null, "owner": null, "phone": null})),
        (warned, "confirm_token_used", json!({"login": null, "owner": null, "phone": null})),
        (warned, "confirm_token_unknown", json!({"account": null, "phone": null})),
        (warned, "other_client", json!({"login": null, "owner": null})),
        (warned, "wrong_check_code", json!({"login": null, "account": null, "tries_left": 2})),
        (warned, "device_code_replayed", json!({"login": null, "owner": null, "session": null})),
        (warned, "refresh_token_replayed", json!({"account": null, "session": null})),
        (warned, "code_refused", json!({"code": "scan_code", "account": null, "phone": null, "ip": OFFICE})),
        (warned, "code_refused", json!({"code": "user_code", "account": null, "phone": null, "ip": OFFICE})),
        (warned, "limited", json!({"limit": "scan", "phone": null})),
        (warned, "device_code_unknown", json!({"from": OFFICE})),
        (warned, "wrong_password", json!({"ip": OFFICE, "account": null})),
        (warned, "reported", json!({"login": null, "account": null, "pc_ip": OFFICE})),
        (done, "login_confirmed", json!({"login": null, "account": null, "phone": null, "pc_ip": OFFICE})),
        (done, "login_denied", json!({"login": null, "account": null, "phone": null, "pc_ip": OFFICE})),
        (done, "logged_in", json!({"login": null, "account": null, "session": null})),
        (done, "sessions_ended", json!({"account": null, "sessions": 1})),
        (done, "password_changed", json!({"account": null, "ip": OFFICE})),
        (done, "account_added", json!({"account": null})),
        (done, "account_disabled", json!({"account": null})),
        (done, "account_enabled", json!({"account": null})),
        (done, "account_removed", json!({"account": null})),
        (done, "client_added", json!({"name": "files"})),
        (done, "client_removed", json!({"name": "files"})),
    ] {
        assert_ne!(events(lines, level, event, &fields).count(), 0, "no {event} {fields} in {lines:#?}");
    }
    // Of a name that is nobody's, only where it came from is told.
    let of_nobody = |line: &&Value| line["event"] == "wrong_password" && line["account"].is_null();
    assert_eq!(lines.iter().find(of_nobody).unwrap()["ip"], OFFICE, "{lines:#?}");
}

/// The events of a kind with these values; null is any value.
fn events<'a>(
    lines: &'a [Value],
    level: &str,
    event: &str,
    fields: &Value,
) -> impl Iterator<Item = &'a Value> {
    let is_it = move |line: &&Value| {
        let has = |(name, value): (&String, &Value)| match value {
            Value::Null => !line[name].is_null(),
            value => line[name] == *value,
        };
        line["target"] == "audit"
            && line["event"] == event
            && line["level"] == level
            && fields.as_object().unwrap().iter().all(has)
    };
    lines.iter().filter(is_it)
}
