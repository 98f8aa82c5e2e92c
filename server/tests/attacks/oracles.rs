//! Answers that tell more than they say.

mod work;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::store::ResourceServer;
use shared::api::DeviceAuthorization;
use shared::id::{LoginId, SessionId};
use shared::name::Username;
use shared::random::OsRandom;
use shared::secret::{ClientSecret, Token};

use crate::Backend;
use crate::scene::{Seen, decide, seen, text};
use crate::support::{PASSWORD, Server};

pub(crate) use work::{
    learn_by_the_work_what_was_good_once, learn_by_the_work_which_names_and_ids_exist,
    learn_by_the_work_which_typed_codes_exist,
};

/// A server on which alice has an account, bob's is disabled, and nobody has none.
async fn three_names(on: Backend) -> Server {
    let server = on.server_with(|settings| settings.limits.password.count = 50).await;
    server.phone_token("alice").await;
    server.phone_token("bob").await;
    assert!(server.store.set_enabled(&Username::parse("bob").unwrap(), false).await.unwrap());
    server
}

async fn log_in(server: &Server, username: &str, password: &str) -> Seen {
    let body = json!({"username": username, "password": password});
    seen(server.request(Method::POST, "/v1/phones").json(&body)).await
}

/// What is not let in, and why.
const REFUSED: [(&str, &str); 6] = [
    ("alice", "wrong password"),
    ("nobody", "wrong password"),
    ("nobody", PASSWORD),
    ("bob", PASSWORD),
    ("no name at all", PASSWORD),
    ("alice", ""),
];

pub(crate) async fn learn_which_accounts_exist(on: Backend) {
    let server = three_names(on).await;
    let expected = log_in(&server, "alice", "wrong password").await;
    assert_eq!(expected.status, StatusCode::UNAUTHORIZED);
    for (username, password) in REFUSED {
        assert_eq!(log_in(&server, username, password).await, expected, "{username}");
    }
    // Past the limit too, which counts a name that does not exist like any other.
    let server = on.server().await;
    server.phone_token("alice").await;
    for _ in 0..5 {
        log_in(&server, "alice", "wrong").await;
        log_in(&server, "nobody", "wrong").await;
    }
    let expected = log_in(&server, "alice", PASSWORD).await;
    assert_eq!(expected.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(log_in(&server, "nobody", PASSWORD).await, expected);
}

async fn type_code(server: &Server, phone: &str, code: &str) -> Seen {
    let body = json!({"user_code": code});
    seen(server.request(Method::POST, "/v1/scans").bearer_auth(phone).json(&body)).await
}

pub(crate) async fn learn_which_typed_codes_exist(on: Backend) {
    let server = on
        .server_with(|settings| {
            settings.limits.user_code.count = 100;
            settings.limits.user_code_per_ip.count = 100;
        })
        .await;
    let (alice, mallory) = (server.phone_token("alice").await, server.phone_token("mallory").await);
    let typed = |issued: &DeviceAuthorization| issued.user_code.dashed();
    let [scanned, confirmed, logged_in, denied, cancelled, expired] = [
        server.issue().await,
        server.issue().await,
        server.issue().await,
        server.issue().await,
        server.issue().await,
        server.issue().await,
    ];
    server.advance_secs(119);
    let unscanned_late = server.issue().await;
    server.scan(&alice, &scanned).await;
    for (issued, what) in [(&confirmed, "confirm"), (&logged_in, "confirm"), (&denied, "deny")] {
        let token = server.scan(&alice, issued).await;
        assert_eq!(decide(&server, what, &alice, &token).await.0, 200);
    }
    assert_eq!(server.redeem(&logged_in).await.0, StatusCode::OK);
    server.client().cancel(&cancelled.device_code).await.unwrap();
    let expected = type_code(&server, &mallory, "BBBB-BBBB").await;
    assert_eq!(expected.status, StatusCode::NOT_FOUND);
    for (what, issued) in [
        ("another's scan", &scanned),
        ("confirmed", &confirmed),
        ("logged in", &logged_in),
        ("denied", &denied),
        ("cancelled", &cancelled),
    ] {
        assert_eq!(type_code(&server, &mallory, &typed(issued)).await, expected, "{what}");
    }
    server.advance_secs(1);
    assert_eq!(type_code(&server, &mallory, &typed(&expired)).await, expected, "expired");
    assert_eq!(type_code(&server, &mallory, "no code").await, expected, "malformed");
    assert_eq!(type_code(&server, &mallory, "").await, expected, "empty");
    assert_eq!(type_code(&server, &mallory, &typed(&unscanned_late)).await.status, StatusCode::OK);
}

pub(crate) async fn learn_which_sessions_exist(on: Backend) {
    let server = on.server().await;
    let (alice, mallory) = (server.phone("alice").await, server.phone_token("mallory").await);
    let theirs = alice.me().await.unwrap().session_id;
    let never = SessionId::generate(server.clock.now(), &OsRandom);
    let end = async |id: &str| {
        seen(server.request(Method::DELETE, &format!("/v1/sessions/{id}")).bearer_auth(&mallory)).await
    };
    let expected = end(&never.to_string()).await;
    assert_eq!(expected.status, StatusCode::NOT_FOUND);
    assert_eq!(end(&theirs.to_string()).await, expected);
    assert_eq!(end("nonsense").await, expected);
    alice.me().await.unwrap();
}

/// A resource server's name and secret.
async fn resource_server(server: &Server) -> String {
    let now = server.clock.now();
    let secret = Token::<ClientSecret>::generate(LoginId::generate(now, &OsRandom).tag(), &OsRandom);
    let client = ResourceServer { name: "files".to_owned(), secret: secret.digest(), created_at: now };
    assert!(server.store.add_client(client).await.unwrap());
    secret.expose().to_owned()
}

pub(crate) async fn learn_about_a_token_by_introspection(on: Backend) {
    let server = on.server().await;
    let secret = resource_server(&server).await;
    let phone = server.phone_token("alice").await;
    let ended = server.log_pc_in(&phone).await;
    server.form("/oauth/revoke", &[("token", text(&ended, "access_token")), ("client_id", "tests")]).await;
    let tokens = server.log_pc_in(&phone).await;
    let introspect = async |token: &str| {
        let request = server.request(Method::POST, "/oauth/introspect").basic_auth("files", Some(&secret));
        seen(request.form(&[("token", token)])).await
    };
    let expected = introspect("nonsense").await;
    assert_eq!((expected.status, &expected.body[..]), (StatusCode::OK, &br#"{"active":false}"#[..]));
    let issued = server.issue().await;
    let confirm_token = server.scan(&phone, &issued).await;
    let (refresh, access) = (text(&tokens, "refresh_token"), text(&tokens, "access_token"));
    for token in [
        &phone,
        &confirm_token,
        issued.device_code.expose(),
        refresh,
        text(&ended, "access_token"),
        text(&ended, "refresh_token"),
        &secret,
        &server.scan_code(&issued),
    ] {
        assert_eq!(introspect(token).await, expected);
    }
    let active: Value = serde_json::from_slice(&introspect(access).await.body).unwrap();
    assert_eq!(active["active"], true);
    // To ask is no use of the token: it is not what a repeated redeem, or its owner, looks at.
    server.advance_secs(3600);
    assert_eq!(introspect(access).await, expected);
}

pub(crate) async fn learn_which_clients_exist(on: Backend) {
    let server = on.server().await;
    let secret = resource_server(&server).await;
    let ask = async |name: &str, secret: &str| {
        let request = server.request(Method::POST, "/oauth/introspect").basic_auth(name, Some(secret));
        seen(request.form(&[("token", "x")])).await
    };
    let expected = ask("nobody", &secret).await;
    assert_eq!(expected.status, StatusCode::UNAUTHORIZED);
    let wrong = "cs_00AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    for (name, secret) in [("files", wrong), ("files", ""), ("nobody", wrong), ("", "")] {
        assert_eq!(ask(name, secret).await, expected, "{name}");
    }
    assert_eq!(ask("files", &secret).await.status, StatusCode::OK);
}
