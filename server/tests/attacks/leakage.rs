//! Secrets, where somebody could read them.

use std::fs::File;
use std::path::Path;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::GRANT_DEVICE_CODE;

use crate::Backend;
use crate::scene::{Scene, seen, text};
use crate::support::PASSWORD;
use crate::support::program::{Program, command, run};

pub(crate) async fn read_the_phones_owner_off_the_pc(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alexandra").await;
    let (_, me) = server.call(Method::GET, "/v1/me", &phone, Value::Null).await;
    let issued = server.issue().await;
    let look = async || {
        let asks = server.request(Method::GET, "/v1/login").bearer_auth(issued.device_code.expose());
        let answer: Value = asks.send().await.unwrap().json().await.unwrap();
        // And what the code itself tells whoever sees the screen: nothing.
        let page = server.request(Method::GET, &format!("/Q/{}", server.scan_code(&issued)));
        let page = String::from_utf8_lossy(&seen(page).await.body).into_owned();
        (answer, format!("{page}{}", server.redeem(&issued).await.1))
    };
    let (before, _) = look().await;
    assert_eq!(before, json!({"status": "unscanned", "version": 1, "expires_in": 120}));
    let confirm_token = server.scan(&phone, &issued).await;
    for (state, version) in [("scanned", 2), ("confirmed", 3)] {
        if state == "confirmed" {
            let body = json!({"confirm_token": confirm_token});
            server.call(Method::POST, "/v1/scans/confirm", &phone, body).await;
        }
        let left = if state == "scanned" { 120 } else { 60 };
        let asks = server.request(Method::GET, "/v1/login").bearer_auth(issued.device_code.expose());
        let answer: Value = asks.send().await.unwrap().json().await.unwrap();
        let masked = json!({"status": state, "version": version, "expires_in": left, "scanned_by": "a***a"});
        assert_eq!(answer, masked);
        if state == "scanned" {
            let (_, beside) = look().await;
            for secret in ["alexandra", text(&me, "id"), text(&me, "session_id"), &phone, &confirm_token] {
                assert!(!beside.contains(secret), "{beside}");
            }
        }
    }
}

pub(crate) async fn read_a_secret_off_an_error(on: Backend) {
    let Scene { server, issued, phone, confirm_token } = Scene::set(on).await;
    let mallory = server.phone_token("mallory").await;
    let scan_code = server.scan_code(&issued);
    let device_code = issued.device_code.expose();
    let user_code = issued.user_code.dashed();
    let post = |path: &str, body: Value| server.request(Method::POST, path).bearer_auth(&mallory).json(&body);
    let form = |path: &str, fields: &[(&str, &str)]| server.request(Method::POST, path).form(fields);
    let requests = [
        post("/v1/scans", json!({"scan_code": scan_code})),
        post("/v1/scans", json!({"user_code": user_code})),
        post("/v1/scans", json!({"scan_code": scan_code, "user_code": user_code})),
        post("/v1/scans", json!({"scan_code": [scan_code]})),
        post("/v1/scans/confirm", json!({"confirm_token": confirm_token})),
        post("/v1/scans/confirm", json!({"confirm_token": device_code})),
        post("/v1/scans/confirm", json!({"confirm_token": {"x": phone}})),
        post("/v1/phones", json!({"username": "alice", "password": "not this one"})),
        post("/v1/phones", json!({"username": "alice", "password": ["not this one"]})),
        post("/v1/accounts", json!({"username": "alice", "password": "not this one"})),
        form(
            "/oauth/token",
            &[("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "x")],
        ),
        form("/oauth/token", &[("grant_type", phone.as_str()), ("client_id", "x")]),
        form("/oauth/introspect", &[("token", &phone)]).basic_auth("files", Some(device_code)),
        server.request(Method::GET, "/v1/login").bearer_auth(&phone),
        server.request(Method::GET, "/v1/sessions").bearer_auth(device_code),
        server.request(Method::GET, &format!("/v1/{phone}")),
        server.request(Method::PATCH, &format!("/Q/{scan_code}")),
        server.request(Method::DELETE, &format!("/v1/sessions/{phone}")).bearer_auth(&mallory),
        server.request(Method::GET, &format!("/v1/notifications?after={phone}")).bearer_auth(&mallory),
    ];
    for (n, request) in requests.into_iter().enumerate() {
        let answer = seen(request).await;
        assert!(answer.status.is_client_error(), "{n}: {answer:?}");
        let told = format!("{:?}{}", answer.headers, String::from_utf8_lossy(&answer.body));
        for secret in [&scan_code, device_code, &user_code, &phone, &confirm_token, &mallory, "not this one"]
        {
            assert!(!told.contains(secret), "{n}: {told}");
        }
    }
}

/// Everything that must be readable nowhere.
#[derive(Default)]
struct Secrets(Vec<String>);

impl Secrets {
    /// Keeps a secret, and what would be as good as it: itself without its kind.
    fn add(&mut self, secret: &str) {
        self.0.push(secret.to_owned());
        if let Some((kind, rest)) = secret.split_once('_').filter(|(kind, _)| kind.len() == 2) {
            assert!(rest.len() > 40, "{kind}");
            self.0.push(rest.to_owned());
        }
    }

    fn assert_not_in(&self, bytes: &[u8], what: &str) {
        for secret in &self.0 {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{} is in {what}", &secret[..4]);
        }
    }
}

/// Passwords that occur nowhere by chance.
const PASSWORDS: [&str; 4] = ["pw-first-0f3b6c", "pw-wrong-0f3b6c", "pw-other-0f3b6c", "pw-admin-0f3b6c"];

#[tokio::test(flavor = "multi_thread")]
async fn read_a_secret_off_the_log_or_the_disk() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("saoma.db");
    let log = directory.path().join("log");
    let more = ["--log", "json", "--log-level", "trace"];
    let program = Program::start_logging(&database, "127.0.0.1:0", &more, File::create(&log).unwrap());
    let mut secrets = Secrets::default();
    live(&program, &database, &mut secrets).await;
    // While it runs, with all that it has not folded into the database yet.
    search_files(directory.path(), &secrets);
    assert_eq!(program.terminate(), Some(0));
    let files = search_files(directory.path(), &secrets);
    assert!(files.contains(&"saoma.db".to_owned()) && files.contains(&"log".to_owned()), "{files:?}");
    let log = std::fs::read_to_string(&log).unwrap();
    // It did log: the audit at the least.
    assert!(log.contains("refresh_token_replayed") && log.contains("\"event\":\"logged_in\""), "{log}");
}

/// A whole life of accounts, phones and PCs, with failures.
async fn live(program: &Program, database: &Path, secrets: &mut Secrets) {
    let http = crate::support::http();
    let url = |path: &str| program.url.join(path);
    let call = async |method: Method, path: &str, token: &str, body: Value| {
        let answer = http.request(method, url(path)).bearer_auth(token).json(&body).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap_or(Value::Null))
    };
    let form = async |path: &str, fields: &[(&str, &str)]| {
        let answer = http.post(url(path)).form(fields).send().await.unwrap();
        (answer.status(), answer.json::<Value>().await.unwrap_or(Value::Null))
    };
    for password in PASSWORDS {
        secrets.add(password);
    }
    let [first, wrong, other, admin] = PASSWORDS;
    let account = |password: &str| json!({"username": "alice", "password": password});
    call(Method::POST, "/v1/accounts", "x", account(first)).await;
    call(Method::POST, "/v1/phones", "x", account(wrong)).await;
    let (_, phone) = call(Method::POST, "/v1/phones", "x", account(first)).await;
    let phone = text(&phone, "phone_token").to_owned();
    secrets.add(&phone);
    let mut logged_in = Vec::new();
    for _ in 0..2 {
        let (_, issued) = form("/oauth/device_authorization", &[("client_id", "tests")]).await;
        let device_code = text(&issued, "device_code").to_owned();
        let scan_code = text(&issued, "verification_uri_complete").rsplit('/').next().unwrap().to_owned();
        let user_code = text(&issued, "user_code").to_owned();
        http.get(url(&format!("/Q/{scan_code}"))).send().await.unwrap();
        http.get(url(&format!("/Q/{scan_code}.png"))).send().await.unwrap();
        let (_, scanned) = call(Method::POST, "/v1/scans", &phone, json!({"user_code": user_code})).await;
        let confirm_token = text(&scanned, "confirm_token").to_owned();
        let redeem =
            [("grant_type", GRANT_DEVICE_CODE), ("device_code", &device_code), ("client_id", "tests")];
        form("/oauth/token", &redeem).await;
        call(Method::GET, "/v1/login", &device_code, Value::Null).await;
        let decision = json!({"confirm_token": confirm_token});
        assert_eq!(call(Method::POST, "/v1/scans/confirm", &phone, decision).await.0, StatusCode::OK);
        let (_, tokens) = form("/oauth/token", &redeem).await;
        call(Method::GET, "/v1/me", text(&tokens, "access_token"), Value::Null).await;
        for secret in [&device_code, &scan_code, &user_code, &user_code.replace('-', ""), &confirm_token] {
            secrets.add(secret);
        }
        for token in ["access_token", "refresh_token"] {
            secrets.add(text(&tokens, token));
        }
        logged_in.push((tokens, device_code));
    }
    let refresh = text(&logged_in[0].0, "refresh_token");
    let spend = [("grant_type", "refresh_token"), ("refresh_token", refresh), ("client_id", "tests")];
    let (_, fresh) = form("/oauth/token", &spend).await;
    secrets.add(text(&fresh, "access_token"));
    secrets.add(text(&fresh, "refresh_token"));
    assert_eq!(form("/oauth/token", &spend).await.0, StatusCode::BAD_REQUEST);
    // A replay of the device code, and secrets where they don't belong.
    let replay =
        [("grant_type", GRANT_DEVICE_CODE), ("device_code", &logged_in[1].1), ("client_id", "tests")];
    assert_eq!(form("/oauth/token", &replay).await.0, StatusCode::BAD_REQUEST);
    call(Method::GET, &format!("/v1/{phone}?token={phone}"), &phone, Value::Null).await;
    call(Method::POST, "/v1/scans/confirm", &phone, json!({"confirm_token": {"x": refresh}})).await;
    let change = |old: &str, new: &str| json!({"old": old, "new": new});
    call(Method::PUT, "/v1/account/password", &phone, change(wrong, other)).await;
    let changed = call(Method::PUT, "/v1/account/password", &phone, change(first, other)).await;
    assert_eq!(changed.0, StatusCode::NO_CONTENT);
    // A resource server's secret, which is shown once by the program beside.
    let store = format!("sqlite:{}", database.display());
    let shown = run(&["client", "add", "files", "--store", &store], "").stdout;
    let secret = String::from_utf8(shown).unwrap().trim().to_owned();
    secrets.add(&secret);
    let asks = http.post(url("/oauth/introspect")).basic_auth("files", Some(&secret));
    assert_eq!(asks.form(&[("token", &phone)]).send().await.unwrap().status(), StatusCode::OK);
    let set = run(&["account", "password", "alice", "--store", &store], &format!("{admin}\n"));
    assert!(set.status.success());
    assert!(!is_in_any(&secrets.0, &set.stdout) && !is_in_any(&secrets.0, &set.stderr));
}

fn is_in_any(secrets: &[String], bytes: &[u8]) -> bool {
    let shown = String::from_utf8_lossy(bytes);
    secrets.iter().any(|secret| shown.contains(secret))
}

/// Searches every file there is, and answers their names.
fn search_files(directory: &Path, secrets: &Secrets) -> Vec<String> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        secrets.assert_not_in(&std::fs::read(&path).unwrap(), &name);
        names.push(name);
    }
    names
}

#[cfg(target_os = "linux")]
#[test]
fn read_a_password_off_the_list_of_processes() {
    use std::io::Write as _;
    use std::process::Stdio;

    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("saoma.db");
    let program = Program::start(&database, "127.0.0.1:0", &[]);
    let store = format!("sqlite:{}", database.display());
    let mut child =
        command(&["account", "add", "alice", "--store", &store]).stdin(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    writeln!(stdin, "{PASSWORD}").unwrap();
    let secret = std::fs::read_to_string(directory.path().join("saoma.secret")).unwrap();
    for process in [program.child.id(), child.id()] {
        for what in ["cmdline", "environ"] {
            // The child may have ended already; until it is waited for, there is nothing to read.
            let bytes = std::fs::read(format!("/proc/{process}/{what}")).unwrap_or_default();
            let shown = String::from_utf8_lossy(&bytes);
            assert!(!shown.contains(PASSWORD) && !shown.contains(secret.trim()), "{what}");
        }
    }
    drop(stdin);
    assert!(child.wait_with_output().unwrap().status.success());
    // As an argument it is refused, rather than taken from where everybody can read it.
    let out = run(&["account", "add", "bob", PASSWORD, "--store", &store], "");
    assert_eq!(out.status.code(), Some(2));
}
