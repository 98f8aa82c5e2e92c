//! The PC's plane beyond a plain login: limits on polls, replays, rotation, revocation, introspection.

use crate::support::Server;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use server::store::ResourceServer;
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};
use shared::id::LoginId;
use shared::random::OsRandom;
use shared::secret::{ClientSecret, Token};

async fn confirmed(server: &Server, phone: &str) -> DeviceAuthorization {
    let issued = server.issue().await;
    let body = json!({"confirm_token": server.scan(phone, &issued).await});
    assert_eq!(server.call(Method::POST, "/v1/scans/confirm", phone, body).await.0, StatusCode::OK);
    issued
}

async fn me(server: &Server, tokens: &Value) -> StatusCode {
    let token = tokens["access_token"].as_str().unwrap();
    server.call(Method::GET, "/v1/me", token, Value::Null).await.0
}

async fn refresh(server: &Server, tokens: &Value) -> (StatusCode, Value) {
    let token = tokens["refresh_token"].as_str().unwrap();
    let fields = [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", token), ("client_id", "tests")];
    let response = server.form("/oauth/token", &fields).await;
    (response.status(), response.json().await.unwrap())
}

#[tokio::test]
async fn a_poll_too_soon_is_slowed_down_and_counts_for_nothing() {
    let server = Server::start().await;
    let issued = server.issue().await;
    let poll = async || server.redeem(&issued).await.1["error"].as_str().unwrap().to_owned();
    assert_eq!(poll().await, "authorization_pending");
    for _ in 0..3 {
        server.clock.advance(std::time::Duration::from_millis(499));
        assert_eq!(poll().await, "slow_down");
    }
    server.clock.advance(std::time::Duration::from_millis(3));
    assert_eq!(poll().await, "authorization_pending");
}

#[tokio::test]
async fn a_lost_answer_is_repaired_and_the_first_tokens_die() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let issued = confirmed(&server, &phone).await;
    let (_, first) = server.redeem(&issued).await;
    server.advance_secs(29);
    let (status, second) = server.redeem(&issued).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(me(&server, &first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&server, &second).await, StatusCode::OK);
}

#[tokio::test]
async fn any_other_repeat_is_a_replay_and_costs_the_session() {
    for used_first in [true, false] {
        let server = Server::start().await;
        let phone = server.phone_token("alice").await;
        let issued = confirmed(&server, &phone).await;
        let (_, tokens) = server.redeem(&issued).await;
        if used_first {
            assert_eq!(me(&server, &tokens).await, StatusCode::OK);
        } else {
            server.advance_secs(30);
        }
        let (status, answer) = server.redeem(&issued).await;
        assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
        assert_eq!(me(&server, &tokens).await, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&server, &tokens).await.1["error"], "invalid_grant");
        let notices = server.notices(&phone).await;
        assert_eq!(notices.last(), Some(&("token_replayed".to_owned(), 1)));
    }
}

#[tokio::test]
async fn introspection_counts_as_a_use() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let issued = confirmed(&server, &phone).await;
    let (_, tokens) = server.redeem(&issued).await;
    let secret = resource_server(&server).await;
    assert_eq!(introspect(&server, &secret, tokens["access_token"].as_str().unwrap()).await["active"], true);
    assert_eq!(server.redeem(&issued).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_login_is_redeemed_by_its_own_client_only() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let issued = confirmed(&server, &phone).await;
    let device_code = issued.device_code.expose();
    let fields = [("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "another")];
    let response = server.form("/oauth/token", &fields).await;
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_grant");
    assert_eq!(server.redeem(&issued).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_works_once_and_a_second_use_ends_the_session() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let first = server.log_pc_in(&phone).await;
    let (status, second) = refresh(&server, &first).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(me(&server, &first).await, StatusCode::UNAUTHORIZED);
    assert_eq!(me(&server, &second).await, StatusCode::OK);

    assert_eq!(refresh(&server, &first).await.1["error"], "invalid_grant");
    assert_eq!(me(&server, &second).await, StatusCode::UNAUTHORIZED);
    assert_eq!(refresh(&server, &second).await.1["error"], "invalid_grant");
    assert_eq!(server.notices(&phone).await.last(), Some(&("token_replayed".to_owned(), 1)));
}

#[tokio::test]
async fn another_client_can_neither_refresh_nor_end_a_session_by_trying() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let tokens = server.log_pc_in(&phone).await;
    let token = tokens["refresh_token"].as_str().unwrap();
    for _ in 0..2 {
        let fields =
            [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", token), ("client_id", "another")];
        let response = server.form("/oauth/token", &fields).await;
        assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_grant");
    }
    let response = server.form("/oauth/revoke", &[("token", token), ("client_id", "another")]).await;
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_grant");
    assert_eq!(refresh(&server, &tokens).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_access_token_lives_an_hour_and_a_refresh_token_thirty_days() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let tokens = server.log_pc_in(&phone).await;
    assert_eq!(tokens["expires_in"], 3600);
    server.advance_secs(3599);
    assert_eq!(me(&server, &tokens).await, StatusCode::OK);
    server.advance_secs(1);
    assert_eq!(me(&server, &tokens).await, StatusCode::UNAUTHORIZED);
    let (_, tokens) = refresh(&server, &tokens).await;
    server.advance_secs(30 * 24 * 3600);
    assert_eq!(refresh(&server, &tokens).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn revoking_either_token_ends_the_session_and_is_never_an_error() {
    for which in ["access_token", "refresh_token"] {
        let server = Server::start().await;
        let phone = server.phone_token("alice").await;
        let tokens = server.log_pc_in(&phone).await;
        for token in
            [tokens[which].as_str().unwrap(), tokens[which].as_str().unwrap(), "unknown", phone.as_str()]
        {
            let response = server.form("/oauth/revoke", &[("token", token), ("client_id", "tests")]).await;
            assert_eq!(response.status(), StatusCode::OK, "{token}");
        }
        assert_eq!(me(&server, &tokens).await, StatusCode::UNAUTHORIZED);
        assert_eq!(refresh(&server, &tokens).await.0, StatusCode::BAD_REQUEST);
    }
}

async fn resource_server(server: &Server) -> String {
    let now = server.clock.now();
    let secret = Token::<ClientSecret>::generate(LoginId::generate(now, &OsRandom).tag(), &OsRandom);
    let client = ResourceServer { name: "files".to_owned(), secret: secret.digest(), created_at: now };
    assert!(server.store.add_client(client).await.unwrap());
    secret.expose().to_owned()
}

async fn introspect(server: &Server, secret: &str, token: &str) -> Value {
    let request = server.request(Method::POST, "/oauth/introspect").basic_auth("files", Some(secret));
    request.form(&[("token", token)]).send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_resource_server_learns_whose_a_pc_token_is_and_of_nothing_else() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let tokens = server.log_pc_in(&phone).await;
    let secret = resource_server(&server).await;
    let answer = introspect(&server, &secret, tokens["access_token"].as_str().unwrap()).await;
    assert_eq!(
        (&answer["active"], &answer["username"], &answer["client_id"]),
        (&json!(true), &json!("alice"), &json!("tests"))
    );
    assert_eq!((&answer["iss"], &answer["token_type"]), (&json!(server.url.as_str()), &json!("Bearer")));
    for token in [tokens["refresh_token"].as_str().unwrap(), phone.as_str(), "", "nonsense"] {
        let answer = introspect(&server, &secret, token).await;
        if token.is_empty() {
            assert_eq!(answer["error"], "invalid_request");
        } else {
            assert_eq!(answer, json!({"active": false}), "{token}");
        }
    }
    for (name, secret) in [("files", "cs_wrong"), ("other", secret.as_str()), ("files", "")] {
        let request = server.request(Method::POST, "/oauth/introspect").basic_auth(name, Some(secret));
        let response = request.form(&[("token", "x")]).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert!(response.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("Basic"));
        assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_client");
    }
}

#[tokio::test]
async fn what_a_client_sends_chooses_nothing_and_bad_input_is_named() {
    let server = Server::start().await;
    let issue = async |fields: &[(&str, &str)]| {
        let response = server.form("/oauth/device_authorization", fields).await;
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, answer) = issue(&[
        ("client_id", "x"),
        ("device_code", "dc_mine"),
        ("user_code", "BBBB-BBBB"),
        ("expires_in", "9999"),
        ("username", "alice"),
    ])
    .await;
    assert_eq!((status, &answer["expires_in"], &answer["interval"]), (200, &json!(120), &json!(2)));
    assert_ne!(answer["user_code"], "BBBB-BBBB");
    let long = "x".repeat(129);
    for (fields, expected) in [
        (&[][..], (401, "invalid_client")),
        (&[("client_id", "")], (401, "invalid_client")),
        (&[("client_id", long.as_str())], (401, "invalid_client")),
        (&[("client_id", "ünicode")], (401, "invalid_client")),
        (&[("client_id", "x"), ("client_id", "y")], (400, "invalid_request")),
        (&[("client_id", "x"), ("scope", "a\"b")], (400, "invalid_scope")),
        (&[("client_id", "x"), ("scope", "a  b")], (400, "invalid_scope")),
        (&[("client_id", "x"), ("login_hint", "not a name")], (400, "invalid_request")),
    ] {
        let (status, answer) = issue(fields).await;
        assert_eq!((status, answer["error"].as_str().unwrap()), expected, "{fields:?}");
    }
}

#[tokio::test]
async fn an_expected_user_keeps_everybody_else_out() {
    let server = Server::start().await;
    let (alice, bob) = (server.phone_token("alice").await, server.phone_token("bob").await);
    let response =
        server.form("/oauth/device_authorization", &[("client_id", "tests"), ("login_hint", "Alice")]).await;
    let issued: DeviceAuthorization = response.json().await.unwrap();
    let body = json!({"scan_code": server.scan_code(&issued)});
    let (status, answer) = server.call(Method::POST, "/v1/scans", &bob, body).await;
    assert_eq!((status, &answer["code"]), (StatusCode::FORBIDDEN, &json!("refused_by_policy")));
    server.scan(&alice, &issued).await;
}

#[tokio::test]
async fn every_answer_is_oauth_json_and_nothing_is_cached() {
    let server = Server::start().await;
    let large = "x".repeat(17 * 1024);
    let post = |path: &str| server.request(Method::POST, path);
    for (request, status) in [
        (server.request(Method::GET, "/oauth/token"), 405),
        (post("/oauth/nothing"), 404),
        (post("/oauth/token"), 400),
        (post("/oauth/token").json(&json!({"client_id": "x"})), 400),
        (post("/oauth/token").form(&[("client_id", "x")]), 400),
        (post("/oauth/token").form(&[("client_id", "x"), ("grant_type", "password")]), 400),
        (post("/oauth/token").form(&[("client_id", "x"), ("pad", large.as_str())]), 413),
        (post("/oauth/token").header(header::AUTHORIZATION, "Basic !!").form(&[("a", "b")]), 401),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        assert!(response.json::<Value>().await.unwrap()["error"].is_string());
    }
}

#[tokio::test]
async fn wrong_device_codes_are_slowed_down_and_right_ones_always_pass() {
    let server = Server::start().await;
    let issued = server.issue().await;
    let wrong = async || {
        let fields = [("grant_type", GRANT_DEVICE_CODE), ("device_code", "dc_wrong"), ("client_id", "tests")];
        let response = server.form("/oauth/token", &fields).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        response.json::<Value>().await.unwrap()["error"].as_str().unwrap().to_owned()
    };
    for _ in 0..30 {
        assert_eq!(wrong().await, "invalid_grant");
    }
    assert_eq!(wrong().await, "slow_down");
    assert_eq!(server.redeem(&issued).await.1["error"], "authorization_pending");
}

#[tokio::test]
async fn the_metadata_names_the_public_url_whatever_the_host_header_says() {
    let server = Server::start().await;
    for path in ["/.well-known/oauth-authorization-server", "/.well-known/openid-configuration"] {
        let request = server.request(Method::GET, path).header(header::HOST, "evil.example");
        let metadata: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(metadata["issuer"], server.url.as_str());
        assert_eq!(metadata["device_authorization_endpoint"], server.url.join("/oauth/device_authorization"));
    }
}

/// Whoever has shown no good token may have one of either kind (RFC 9449 §7.1); a phone has only one.
#[tokio::test]
async fn a_challenge_names_every_scheme_that_the_call_takes() {
    let server = Server::start().await;
    let (dead_token, dead_code) = (format!("Bearer pc_7K{:0>43}", 1), format!("Bearer dc_7K{:0>43}", 1));
    let dpop = "DPoP algs=\"ES256 EdDSA\"";
    for (path, shown, expected) in [
        ("/v1/me", None, vec!["Bearer", dpop]),
        ("/v1/me", Some(&dead_token), vec!["Bearer", dpop]),
        ("/v1/login", None, vec!["Bearer", dpop]),
        ("/v1/login", Some(&dead_code), vec!["Bearer", dpop]),
        ("/v1/sessions", None, vec!["Bearer"]),
    ] {
        let mut request = server.request(Method::GET, path);
        if let Some(shown) = shown {
            request = request.header(header::AUTHORIZATION, shown);
        }
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{path} {shown:?}");
        let challenges = response.headers().get_all(header::WWW_AUTHENTICATE).iter();
        assert_eq!(challenges.collect::<Vec<_>>(), expected, "{path} {shown:?}");
    }
}
