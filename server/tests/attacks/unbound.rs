//! Credentials that should be tied to something, used apart from it.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::GRANT_DEVICE_CODE;
use shared::name::Username;

use crate::Backend;
use crate::scene::{Scene, change_password, is_good, said, text};
use crate::support::PASSWORD;

pub(crate) async fn confirm_with_somebody_elses_phone(on: Backend) {
    let scene = Scene::set(on).await;
    let mallory = scene.server.phone_token("mallory").await;
    refused_by_token_alone(&scene, &mallory).await;
}

pub(crate) async fn confirm_with_ones_own_second_phone(on: Backend) {
    let scene = Scene::set(on).await;
    let second = scene.server.log_in("alice").await;
    refused_by_token_alone(&scene, &second).await;
}

/// The confirm token alone does nothing, is not used up, and its owner hears of it.
async fn refused_by_token_alone(scene: &Scene, other: &str) {
    for what in ["confirm", "deny"] {
        assert_eq!(scene.decide(what, other).await, (403, "not_your_scan".to_owned()));
    }
    assert_eq!(scene.status().await, ("scanned".to_owned(), 2));
    assert_eq!(scene.decide("confirm", &scene.phone).await.0, 200);
    let told = scene.server.notices(&scene.phone).await;
    assert!(told.contains(&("confirm_from_another_phone".to_owned(), 2)), "{told:?}");
}

pub(crate) async fn confirm_after_logging_out(on: Backend) {
    let scene = Scene::set(on).await;
    let left = scene.server.call(Method::DELETE, "/v1/phones/current", &scene.phone, Value::Null).await;
    assert_eq!(left.0, StatusCode::NO_CONTENT);
    // Neither with the token of the session that ended, nor with that of the next one.
    let again = scene.server.log_in("alice").await;
    lost(&scene, &again).await;
}

pub(crate) async fn confirm_after_the_password_was_changed(on: Backend) {
    let scene = Scene::set(on).await;
    let owner = scene.server.log_in("alice").await;
    let changed = change_password(&scene.server, &owner, PASSWORD, "another good password").await;
    assert_eq!(changed, StatusCode::NO_CONTENT);
    lost(&scene, &owner).await;
}

pub(crate) async fn confirm_after_the_account_was_disabled(on: Backend) {
    let scene = Scene::set(on).await;
    let alice = Username::parse("alice").unwrap();
    assert!(scene.server.store.set_enabled(&alice, false).await.unwrap());
    assert_eq!(scene.decide("confirm", &scene.phone).await, (401, "unauthenticated".to_owned()));
    assert!(scene.server.store.set_enabled(&alice, true).await.unwrap());
    let again = scene.server.log_in("alice").await;
    lost(&scene, &again).await;
}

/// The session that scanned is gone, and with it the login, whoever tries to confirm it.
async fn lost(scene: &Scene, other: &str) {
    assert_eq!(scene.decide("confirm", &scene.phone).await, (401, "unauthenticated".to_owned()));
    assert_eq!(scene.decide("confirm", other).await, (409, "login_closed".to_owned()));
    assert_eq!(scene.status().await.0, "denied");
    assert_eq!(said(scene.server.redeem(&scene.issued).await), (400, "access_denied".to_owned()));
}

pub(crate) async fn redeem_after_the_account_was_disabled(on: Backend) {
    let scene = Scene::set(on).await;
    let alice = Username::parse("alice").unwrap();
    assert_eq!(scene.decide("confirm", &scene.phone).await.0, 200);
    assert!(scene.server.store.set_enabled(&alice, false).await.unwrap());
    assert!(scene.server.store.set_enabled(&alice, true).await.unwrap());
    assert_eq!(said(scene.server.redeem(&scene.issued).await), (400, "access_denied".to_owned()));
}

pub(crate) async fn redeem_with_another_client_id(on: Backend) {
    let scene = Scene::set(on).await;
    assert_eq!(scene.decide("confirm", &scene.phone).await.0, 200);
    let device_code = scene.issued.device_code.expose();
    for client_id in ["mallory", "Tests", "tests "] {
        let fields =
            [("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", client_id)];
        let response = scene.server.form("/oauth/token", &fields).await;
        let answer = (response.status(), response.json().await.unwrap());
        assert_eq!(said(answer), (400, "invalid_grant".to_owned()));
    }
    assert_eq!(scene.status().await, ("confirmed".to_owned(), 3));
    // Nor after the log-in, where it would otherwise count as a replay and end the session.
    let (_, tokens) = scene.server.redeem(&scene.issued).await;
    let fields = [("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "mallory")];
    assert_eq!(scene.server.form("/oauth/token", &fields).await.status(), StatusCode::BAD_REQUEST);
    assert!(is_good(&scene.server, text(&tokens, "access_token")).await);
}

pub(crate) async fn refresh_with_another_client_id(on: Backend) {
    let server = on.server().await;
    let tokens = server.log_pc_in(&server.phone_token("alice").await).await;
    let token = text(&tokens, "refresh_token");
    let fields = [("grant_type", "refresh_token"), ("refresh_token", token), ("client_id", "mallory")];
    for _ in 0..2 {
        let response = server.form("/oauth/token", &fields).await;
        let answer = (response.status(), response.json().await.unwrap());
        assert_eq!(said(answer), (400, "invalid_grant".to_owned()));
    }
    assert!(is_good(&server, text(&tokens, "access_token")).await);
    assert_eq!(crate::scene::refresh(&server, token).await.0, StatusCode::OK);
}

pub(crate) async fn revoke_with_another_client_id(on: Backend) {
    let server = on.server().await;
    let tokens = server.log_pc_in(&server.phone_token("alice").await).await;
    for token in ["access_token", "refresh_token"] {
        let fields = [("token", text(&tokens, token)), ("client_id", "mallory")];
        assert_eq!(server.form("/oauth/revoke", &fields).await.status(), StatusCode::BAD_REQUEST);
    }
    assert!(is_good(&server, text(&tokens, "access_token")).await);
}

pub(crate) async fn scan_for_somebody_else(on: Backend) {
    let server = on.server().await;
    let (mallory, alice) = (server.phone_token("mallory").await, server.phone("alice").await);
    let victim = alice.me().await.unwrap();
    let issued = server.issue().await;
    let mut body = json!({"scan_code": server.scan_code(&issued)});
    for member in ["account", "account_id", "user", "username", "sub", "by", "owner"] {
        body[member] = json!(victim.username);
    }
    for member in ["phone", "session", "session_id", "sid"] {
        body[member] = json!(victim.session_id);
    }
    let path =
        format!("/v1/scans?account={0}&username={0}&session_id={1}", victim.username, victim.session_id);
    let request = server.request(Method::POST, &path).bearer_auth(&mallory).json(&body);
    let request = request.header("x-user", "alice").header("x-forwarded-user", "alice");
    let answer: Value =
        request.header("cookie", "username=alice").send().await.unwrap().json().await.unwrap();
    let mut body = json!({"confirm_token": text(&answer, "confirm_token")});
    body["account"] = json!(victim.id);
    body["username"] = json!("alice");
    let confirmed = server.call(Method::POST, "/v1/scans/confirm", &mallory, body).await;
    assert_eq!(confirmed.0, StatusCode::OK);
    let (_, tokens) = server.redeem(&issued).await;
    let (_, me) = server.call(Method::GET, "/v1/me", text(&tokens, "access_token"), Value::Null).await;
    assert_eq!(me["username"], "mallory");
    assert!(alice.notifications(0, None).await.unwrap().notifications.is_empty());
}
