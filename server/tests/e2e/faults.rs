//! A store that is away: nobody is told "pending", nobody gets a second session, nothing that was done is lost.

use std::sync::Arc;

use crate::support::faulty::{Fault, Faulty};
use crate::support::{PASSWORD, Server};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use server::store::Store;
use shared::api::DeviceAuthorization;

async fn start() -> (Server, Arc<Faulty>) {
    let mut faulty = None;
    let wrap = |store| faulty.insert(Faulty::over(store)).clone() as Arc<dyn Store>;
    let server = Server::start_on(wrap, |_| {}).await;
    (server, faulty.unwrap())
}

async fn confirm(server: &Server, phone: &str, token: &str) -> (StatusCode, Value) {
    server.call(Method::POST, "/v1/scans/confirm", phone, json!({"confirm_token": token})).await
}

/// A redeem that the server holds, with the clock moved on until it is answered.
async fn held_redeem(
    server: &Server,
    issued: &DeviceAuthorization,
    meanwhile: impl FnMut(),
) -> (StatusCode, Value) {
    held(server, server.redeem(issued), meanwhile).await
}

/// Any call that the server holds.
async fn held<T>(server: &Server, call: impl Future<Output = T>, mut meanwhile: impl FnMut()) -> T {
    let mut call = std::pin::pin!(call);
    loop {
        tokio::select! {
            biased;
            answer = &mut call => return answer,
            () = tokio::task::yield_now() => {
                server.clock.advance(std::time::Duration::from_millis(1));
                meanwhile();
            }
        }
    }
}

#[tokio::test]
async fn every_call_is_503_and_says_when_to_come_back() {
    let (server, faulty) = start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let token = server.scan(&phone, &issued).await;
    faulty.set(Fault::Away);
    let device = issued.device_code.expose();
    for (method, path, credential, body) in [
        (Method::GET, "/v1/login", device, Value::Null),
        (Method::DELETE, "/v1/login", device, Value::Null),
        (Method::POST, "/v1/scans", phone.as_str(), json!({"scan_code": server.scan_code(&issued)})),
        (Method::POST, "/v1/scans/confirm", phone.as_str(), json!({"confirm_token": token})),
        (Method::POST, "/v1/scans/deny", phone.as_str(), json!({"confirm_token": token})),
        (Method::GET, "/v1/me", phone.as_str(), Value::Null),
        (Method::GET, "/v1/sessions", phone.as_str(), Value::Null),
        (Method::GET, "/v1/notifications", phone.as_str(), Value::Null),
        (Method::DELETE, "/v1/phones/current", phone.as_str(), Value::Null),
        (Method::POST, "/v1/phones", "", json!({"username": "alice", "password": PASSWORD})),
        (Method::POST, "/v1/accounts", "", json!({"username": "bob", "password": PASSWORD})),
    ] {
        let request = server.request(method.clone(), path).bearer_auth(credential).json(&body);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{method} {path}");
        assert!(response.headers().contains_key(header::RETRY_AFTER));
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "unavailable");
    }
    let response = server.form("/oauth/device_authorization", &[("client_id", "x")]).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "temporarily_unavailable");

    faulty.set(Fault::None);
    assert_eq!(confirm(&server, &phone, &token).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_redeem_is_held_and_then_slowed_down_never_pending() {
    let (server, faulty) = start().await;
    let issued = server.issue().await;
    faulty.set(Fault::Away);
    let before = server.clock.now();
    let (status, answer) = held_redeem(&server, &issued, || {}).await;
    assert_eq!((status, &answer["error"]), (StatusCode::BAD_REQUEST, &json!("slow_down")));
    let held = server.clock.now().duration_since(before).as_millis();
    assert!((4_500..5_500).contains(&held), "{held} ms");
}

#[tokio::test]
async fn a_redeem_goes_through_when_the_store_comes_back_in_time() {
    let (server, faulty) = start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let token = server.scan(&phone, &issued).await;
    confirm(&server, &phone, &token).await;
    faulty.set(Fault::Away);
    let back_at = server.clock.now() + std::time::Duration::from_secs(2);
    let (status, _) = held_redeem(&server, &issued, || {
        if server.clock.now() >= back_at {
            faulty.set(Fault::None);
        }
    })
    .await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_confirm_whose_answer_was_lost_is_found_done() {
    let (server, faulty) = start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let token = server.scan(&phone, &issued).await;
    faulty.set(Fault::LostAnswer);
    assert_eq!(confirm(&server, &phone, &token).await.0, StatusCode::SERVICE_UNAVAILABLE);
    faulty.set(Fault::None);
    let (status, answer) = confirm(&server, &phone, &token).await;
    assert_eq!((status, &answer["login_status"]), (StatusCode::GONE, &json!("confirmed")));
}

#[tokio::test]
async fn a_confirm_that_was_decided_in_time_and_written_too_late_is_expired() {
    let (server, faulty) = start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let token = server.scan(&phone, &issued).await;
    server.advance_secs(119);
    let clock = server.clock.clone();
    faulty.before_next_commit(move || clock.advance(std::time::Duration::from_secs(1)));
    let (status, answer) = confirm(&server, &phone, &token).await;
    assert_eq!((status, &answer["code"]), (StatusCode::GONE, &json!("code_expired")));
    assert_eq!(server.notices(&phone).await, []);
}

#[tokio::test]
async fn a_redeem_whose_commit_answered_nothing_gives_one_session() {
    let (server, faulty) = start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let token = server.scan(&phone, &issued).await;
    confirm(&server, &phone, &token).await;
    faulty.set(Fault::LostAnswer);
    let back_at = server.clock.now() + std::time::Duration::from_secs(1);
    let (status, tokens) = held_redeem(&server, &issued, || {
        if server.clock.now() >= back_at {
            faulty.set(Fault::None);
        }
    })
    .await;
    assert_eq!(status, StatusCode::OK);
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(server.call(Method::GET, "/v1/me", access, Value::Null).await.0, StatusCode::OK);
    let (_, sessions) = server.call(Method::GET, "/v1/sessions", &phone, Value::Null).await;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 2);
    let notices = server.notices(&phone).await;
    assert_eq!(notices, [("login_confirmed".to_owned(), 1), ("logged_in".to_owned(), 1)]);
}

/// A refresh that tries again, since it was told nothing, finds the refresh token spent: by itself.
#[tokio::test]
async fn a_refresh_whose_rotation_answered_nothing_is_no_replay() {
    let (server, faulty) = start().await;
    let phone = server.phone_token("alice").await;
    let tokens = server.log_pc_in(&phone).await;
    let client = server.client();
    let refresh = shared::secret::Token::parse(tokens["refresh_token"].as_str().unwrap()).unwrap();
    faulty.set(Fault::LostAnswer);
    let back_at = server.clock.now() + std::time::Duration::from_secs(1);
    let refreshed = held(&server, client.refresh("tests", &refresh), || {
        if server.clock.now() >= back_at {
            faulty.set(Fault::None);
        }
    });
    let fresh = refreshed.await.unwrap();
    client.me(&fresh.access_token).await.unwrap();
    let notices = server.notices(&phone).await;
    assert_eq!(notices, [("login_confirmed".to_owned(), 1), ("logged_in".to_owned(), 1)]);
    // Whereas somebody else who uses it again is a thief, or the one who was robbed.
    let replayed = client.refresh("tests", &refresh).await.unwrap_err();
    assert_eq!(replayed.oauth(), Some(shared::problem::OauthCode::InvalidGrant));
    assert!(client.me(&fresh.access_token).await.is_err());
}

/// However often it is tried behind the scenes, it is one call, and its proof is of first use.
#[tokio::test]
async fn a_held_redeem_uses_its_proof_up_once() {
    use shared::client::Redeemed;

    let (server, faulty) = start().await;
    let phone = server.phone_token("alice").await;
    let key = Arc::new(shared::dpop::Key::generate(&shared::random::OsRandom));
    let pc = server.client().with_key(key, || "2026-11-23T12:00:00Z".parse().unwrap());
    let issued = pc.issue(&crate::support::pc()).await.unwrap();
    let token = server.scan(&phone, &issued).await;
    confirm(&server, &phone, &token).await;
    let before = faulty.proofs_kept();
    faulty.set(Fault::LostAnswer);
    let back_at = server.clock.now() + std::time::Duration::from_secs(1);
    let redeemed = held(&server, pc.redeem("tests", &issued.device_code, None), || {
        if server.clock.now() >= back_at {
            faulty.set(Fault::None);
        }
    });
    assert!(matches!(redeemed.await, Ok(Redeemed::Tokens(_))));
    assert_eq!(faulty.proofs_kept(), before + 1);
}
