//! Values that the server alone may choose.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::DeviceAuthorization;

use crate::Backend;
use crate::scene::{Scene, is_good, said, seen, status, text};
use crate::support::{PASSWORD, Server};

/// Well formed, and chosen by the attacker.
const SCAN_CODE: &str = "00000000000000000000000000";
const DEVICE_CODE: &str = "dc_00AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
const PHONE_TOKEN: &str = "ph_00AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Every name that a value of the server might have.
const WISHES: &[(&str, &str)] = &[
    ("scan_code", SCAN_CODE),
    ("code", SCAN_CODE),
    ("device_code", DEVICE_CODE),
    ("user_code", "BBBB-BBBB"),
    ("verification_uri", "https://evil.example"),
    ("verification_uri_complete", "https://evil.example"),
    ("expires_in", "999999"),
    ("lifetime", "999999"),
    ("interval", "0"),
    ("deadline", "2099-01-01T00:00:00Z"),
    ("state", "confirmed"),
    ("status", "confirmed"),
    ("version", "3"),
    ("account", "alice"),
    ("username", "alice"),
    ("session", "01JD0000000000000000000000"),
    ("session_id", "01JD0000000000000000000000"),
    ("ip", "192.0.2.1"),
    ("same_network", "true"),
    ("known_pc", "true"),
    ("requested_at", "2020-01-01T00:00:00Z"),
];

pub(crate) async fn choose_a_code_a_state_a_lifetime_or_an_account(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let query = WISHES.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&");
    let mut request = server.request(Method::POST, &format!("/oauth/device_authorization?{query}"));
    for (name, value) in WISHES {
        request = request.header(format!("x-{}", name.replace('_', "-")), *value);
    }
    let fields = [&[("client_id", "tests")], WISHES].concat();
    let response = request.header("cookie", query).form(&fields).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    let issued: DeviceAuthorization = response.json().await.unwrap();
    let (scan_code, device_code) = (server.scan_code(&issued), issued.device_code.expose());
    assert!(scan_code != SCAN_CODE && device_code != DEVICE_CODE);
    assert_ne!(issued.user_code.dashed(), "BBBB-BBBB");
    assert_eq!((issued.expires_in, issued.interval), (120, 2));
    assert_eq!(issued.verification_uri, server.url.join("/D"));
    assert_eq!(status(&server, &issued).await, ("unscanned".to_owned(), 1));
    // What the phone is shown is what the server saw.
    let (_, scanned) = server.call(Method::POST, "/v1/scans", &phone, json!({"scan_code": scan_code})).await;
    assert_eq!(scanned["login"]["ip"], "127.0.0.1");
    assert_eq!(scanned["login"]["known_pc"], Value::Null);
    assert_eq!(scanned["login"]["requested_at"], server.clock.now().to_string());
}

pub(crate) async fn name_the_account_in_a_scan(on: Backend) {
    let server = on.server().await;
    server.phone_token("alice").await;
    let mallory = server.phone_token("mallory").await;
    let issued = server.issue().await;
    let mut body = json!({});
    for (name, value) in WISHES.iter().filter(|(name, _)| *name != "user_code") {
        body[name] = json!(value);
    }
    body["scan_code"] = json!(server.scan_code(&issued));
    let (http, scanned) = server.call(Method::POST, "/v1/scans", &mallory, body).await;
    assert_eq!((http, &scanned["expires_in"]), (StatusCode::OK, &json!(120)));
    let snapshot = server.client().snapshot(&issued.device_code).await.unwrap();
    assert_eq!(snapshot.scanned_by.as_deref(), Some("m***y"));
    let body = json!({"confirm_token": text(&scanned, "confirm_token"), "status": "logged_in", "account": "alice", "username": "alice"});
    let (_, decided) = server.call(Method::POST, "/v1/scans/confirm", &mallory, body).await;
    assert_eq!(decided, json!({"status": "confirmed"}));
}

pub(crate) async fn say_a_field_twice(on: Backend) {
    let Scene { server, issued, phone, confirm_token } = Scene::set(on).await;
    let other = server.issue().await;
    // Whoever stands in between may have read the other one.
    let json_body = async |path: &str, body: String| {
        let request = server.request(Method::POST, path).bearer_auth(&phone).body(body);
        let response = request.header("content-type", "application/json").send().await.unwrap();
        response.status()
    };
    let twice = format!(r#"{{"scan_code": "{0}", "scan_code": "{0}"}}"#, server.scan_code(&other));
    assert_eq!(json_body("/v1/scans", twice).await, StatusCode::UNPROCESSABLE_ENTITY);
    let twice = format!(r#"{{"confirm_token": "{confirm_token}", "confirm_token": "{confirm_token}"}}"#);
    assert_eq!(json_body("/v1/scans/confirm", twice).await, StatusCode::UNPROCESSABLE_ENTITY);
    for fields in [
        &[("client_id", "tests"), ("client_id", "tests")][..],
        &[("client_id", "tests"), ("device_name", "a"), ("device_name", "b")],
    ] {
        assert_eq!(
            server.form("/oauth/device_authorization", fields).await.status(),
            StatusCode::BAD_REQUEST
        );
    }
    // Nor two credentials at once.
    let request = server.request(Method::GET, "/v1/me").bearer_auth(&phone).bearer_auth(&phone);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(status(&server, &issued).await, ("scanned".to_owned(), 2));
    assert_eq!(status(&server, &other).await, ("unscanned".to_owned(), 1));
}

pub(crate) async fn choose_ones_own_session(on: Backend) {
    let server = on.server().await;
    server.phone_token("alice").await;
    let mut body = json!({"username": "alice", "password": PASSWORD, "phone_token": PHONE_TOKEN});
    for name in ["session_id", "id", "token", "account"] {
        body[name] = json!("01JD0000000000000000000000");
    }
    let response = server.request(Method::POST, "/v1/phones").json(&body).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    assert_ne!(text(&answer, "phone_token"), PHONE_TOKEN);
    assert_ne!(text(&answer, "session_id"), "01JD0000000000000000000000");
    assert!(!is_good(&server, PHONE_TOKEN).await);
}

pub(crate) async fn keep_a_session_from_before_the_log_in(on: Backend) {
    let Scene { server, issued, phone, confirm_token } = Scene::set(on).await;
    let body = json!({"confirm_token": confirm_token});
    assert_eq!(server.call(Method::POST, "/v1/scans/confirm", &phone, body).await.0, StatusCode::OK);
    let (_, tokens) = server.redeem(&issued).await;
    // What was there before the log-in opens nothing after it.
    for before in [issued.device_code.expose(), &confirm_token] {
        let refused = server.call(Method::GET, "/v1/me", before, Value::Null).await;
        assert_eq!(said(refused), (403, "wrong_token_kind".to_owned()));
    }
    // And two log-ins at the same PC have nothing in common.
    let again = server.log_pc_in(&phone).await;
    for member in ["access_token", "refresh_token"] {
        assert_ne!(tokens[member], again[member]);
    }
    let session = async |tokens: &Value| {
        server.call(Method::GET, "/v1/me", text(tokens, "access_token"), Value::Null).await.1["session_id"]
            .clone()
    };
    assert_ne!(session(&tokens).await, session(&again).await);
}

pub(crate) async fn put_another_host_into_the_qr(on: Backend) {
    let server = on.server().await;
    let lies =
        [("host", "evil.example"), ("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example")];
    for (method, path) in [
        (Method::POST, "/oauth/device_authorization"),
        (Method::GET, "/.well-known/oauth-authorization-server"),
        (Method::GET, "/Q/00000000000000000000000000"),
        (Method::GET, "/D"),
    ] {
        let mut request = server.request(method, path).form(&[("client_id", "tests")]);
        for (name, value) in lies {
            request = request.header(name, value);
        }
        let answer = seen(request).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let body = String::from_utf8_lossy(&answer.body).to_lowercase();
        assert!(body.contains(&server.addr.to_string()) && !body.contains("evil"), "{path}: {body}");
    }
}

pub(crate) async fn provoke_a_failure_with_a_number_at_the_edge(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    for number in [
        "0",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-1",
        "1e9",
        "0x10",
        "",
    ] {
        let path = format!("/v1/notifications?after={number}");
        let (http, _) = server.call(Method::GET, &path, &phone, Value::Null).await;
        assert!(http == StatusCode::OK || http == StatusCode::BAD_REQUEST, "{number}: {http}");
        let tagged = server.request(Method::GET, "/v1/login").bearer_auth(issue(&server).await);
        let tagged = tagged.header("if-none-match", format!("\"{number}\""));
        assert_eq!(tagged.send().await.unwrap().status(), StatusCode::OK, "{number}");
    }
}

async fn issue(server: &Server) -> String {
    server.issue().await.device_code.expose().to_owned()
}
