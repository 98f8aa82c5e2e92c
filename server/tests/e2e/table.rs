//! The table of `PROTOCOL` §3, cell by cell, over a real socket.

use crate::support::Server;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::DeviceAuthorization;

/// A login in some state, and the phones around it.
struct Scene {
    server: Server,
    issued: DeviceAuthorization,
    /// The phone that scanned, if any has.
    mine: String,
    /// Another phone, of another account.
    other: String,
    /// The token that `mine` got for its scan.
    confirm_token: String,
}

/// The states of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Unscanned,
    Scanned,
    Confirmed,
    LoggedIn,
    Denied,
    Cancelled,
    ExpiredUnscanned,
    ExpiredScanned,
}

impl Scene {
    async fn set(state: Stage) -> Self {
        let server = Server::start().await;
        let (mine, other) = (server.phone_token("alice").await, server.phone_token("bob").await);
        let issued = server.issue().await;
        let mut scene = Self { server, issued, mine, other, confirm_token: String::new() };
        if !matches!(state, Stage::Unscanned | Stage::ExpiredUnscanned) {
            scene.confirm_token = scene.server.scan(&scene.mine, &scene.issued).await;
        }
        match state {
            Stage::Unscanned | Stage::Scanned => {}
            Stage::Confirmed => scene.expect_decision("confirm", &scene.mine, StatusCode::OK).await,
            Stage::LoggedIn => {
                scene.expect_decision("confirm", &scene.mine, StatusCode::OK).await;
                assert_eq!(scene.server.redeem(&scene.issued).await.0, StatusCode::OK);
            }
            Stage::Denied => scene.expect_decision("deny", &scene.mine, StatusCode::OK).await,
            Stage::Cancelled => scene.server.client().cancel(&scene.issued.device_code).await.unwrap(),
            Stage::ExpiredUnscanned | Stage::ExpiredScanned => scene.server.advance_secs(120),
        }
        scene
    }

    async fn scan(&self, phone: &str) -> (StatusCode, Value) {
        let body = json!({"scan_code": self.server.scan_code(&self.issued)});
        self.server.call(Method::POST, "/v1/scans", phone, body).await
    }

    async fn scan_typed(&self, phone: &str) -> (StatusCode, Value) {
        let body = json!({"user_code": self.issued.user_code.dashed()});
        self.server.call(Method::POST, "/v1/scans", phone, body).await
    }

    async fn decide(&self, what: &str, phone: &str, token: &str) -> (StatusCode, Value) {
        let body = json!({"confirm_token": token});
        self.server.call(Method::POST, &format!("/v1/scans/{what}"), phone, body).await
    }

    async fn expect_decision(&self, what: &str, phone: &str, status: StatusCode) {
        assert_eq!(self.decide(what, phone, &self.confirm_token).await.0, status);
    }

    async fn status(&self) -> (String, u64) {
        let snapshot = self.server.client().snapshot(&self.issued.device_code).await.unwrap();
        (snapshot.status.as_str().to_owned(), snapshot.version)
    }
}

fn problem(answer: &(StatusCode, Value)) -> (u16, &str) {
    (answer.0.as_u16(), answer.1["code"].as_str().unwrap_or("-"))
}

#[tokio::test]
async fn scan_by_the_phone_that_may() {
    for (state, expected) in [
        (Stage::Unscanned, (200, "-")),
        (Stage::Scanned, (200, "-")),
        (Stage::Confirmed, (409, "login_closed")),
        (Stage::LoggedIn, (409, "login_closed")),
        (Stage::Denied, (409, "login_closed")),
        (Stage::Cancelled, (409, "login_closed")),
        (Stage::ExpiredUnscanned, (410, "code_expired")),
        (Stage::ExpiredScanned, (410, "code_expired")),
    ] {
        let scene = Scene::set(state).await;
        assert_eq!(problem(&scene.scan(&scene.mine).await), expected, "{state:?}");
    }
}

#[tokio::test]
async fn scan_by_another_phone() {
    for (state, expected) in [
        (Stage::Unscanned, (200, "-")),
        (Stage::Scanned, (409, "already_scanned")),
        (Stage::Confirmed, (409, "login_closed")),
        (Stage::LoggedIn, (409, "login_closed")),
        (Stage::Denied, (409, "login_closed")),
        (Stage::Cancelled, (409, "login_closed")),
        (Stage::ExpiredScanned, (410, "code_expired")),
    ] {
        let scene = Scene::set(state).await;
        let before = scene.status().await;
        assert_eq!(problem(&scene.scan(&scene.other).await), expected, "{state:?}");
        if state != Stage::Unscanned {
            assert_eq!(scene.status().await, before, "{state:?}");
        }
        // A typed code tells nothing but that it is no good.
        if state != Stage::Unscanned {
            assert_eq!(problem(&scene.scan_typed(&scene.other).await), (404, "code_not_found"), "{state:?}");
        }
    }
}

#[tokio::test]
async fn a_typed_code_of_ones_own_scan_is_answered() {
    let scene = Scene::set(Stage::Scanned).await;
    assert_eq!(problem(&scene.scan_typed(&scene.mine).await), (200, "-"));
}

#[tokio::test]
async fn a_scan_again_replaces_the_token_and_is_no_transition() {
    let scene = Scene::set(Stage::Scanned).await;
    let before = scene.status().await;
    let (status, answer) = scene.scan(&scene.mine).await;
    assert_eq!((status, scene.status().await), (StatusCode::OK, before));
    let old = scene.decide("confirm", &scene.mine, &scene.confirm_token).await;
    assert_eq!(problem(&old), (410, "confirm_token_used"));
    let new = answer["confirm_token"].as_str().unwrap();
    assert_eq!(
        scene.decide("confirm", &scene.mine, new).await,
        (StatusCode::OK, json!({"status": "confirmed"}))
    );
}

#[tokio::test]
async fn decide_by_the_phone_that_scanned() {
    for what in ["confirm", "deny"] {
        for (state, expected) in [
            (Stage::Scanned, (200, "-")),
            (Stage::Confirmed, (410, "confirm_token_used")),
            (Stage::LoggedIn, (410, "confirm_token_used")),
            (Stage::Denied, (409, "login_closed")),
            (Stage::Cancelled, (409, "login_closed")),
            (Stage::ExpiredScanned, (410, "code_expired")),
        ] {
            let scene = Scene::set(state).await;
            let answer = scene.decide(what, &scene.mine, &scene.confirm_token).await;
            assert_eq!(problem(&answer), expected, "{what} {state:?}");
            let login_status = match state {
                Stage::Confirmed => json!("confirmed"),
                Stage::LoggedIn => json!("logged_in"),
                _ => Value::Null,
            };
            assert_eq!(answer.1["login_status"], login_status, "{what} {state:?}");
        }
    }
}

#[tokio::test]
async fn decide_by_another_phone_uses_nothing_up() {
    for what in ["confirm", "deny"] {
        let scene = Scene::set(Stage::Scanned).await;
        let before = scene.status().await;
        let answer = scene.decide(what, &scene.other, &scene.confirm_token).await;
        assert_eq!(problem(&answer), (403, "not_your_scan"));
        assert_eq!(scene.status().await, before);
        // Neither does the same person's other phone.
        let second = scene.server.log_in("alice").await;
        let answer = scene.decide(what, &second, &scene.confirm_token).await;
        assert_eq!(problem(&answer), (403, "not_your_scan"));
        scene.expect_decision(what, &scene.mine, StatusCode::OK).await;
        let refused = scene.server.notices(&scene.mine).await;
        assert!(refused.contains(&("confirm_from_another_phone".to_owned(), 2)), "{refused:?}");
    }
}

#[tokio::test]
async fn a_used_token_tells_a_stranger_nothing() {
    let scene = Scene::set(Stage::Confirmed).await;
    let (status, answer) = scene.decide("confirm", &scene.other, &scene.confirm_token).await;
    assert_eq!((status, &answer["login_status"]), (StatusCode::GONE, &Value::Null));
}

#[tokio::test]
async fn an_unknown_confirm_token_is_a_bad_credential() {
    let scene = Scene::set(Stage::Scanned).await;
    let forged = format!("{}AAAA", &scene.confirm_token[..scene.confirm_token.len() - 4]);
    for token in [forged.as_str(), "", "ct_", scene.issued.device_code.expose()] {
        let answer = scene.decide("confirm", &scene.mine, token).await;
        assert_eq!(problem(&answer), (401, "confirm_token_invalid"), "{token}");
    }
}

#[tokio::test]
async fn redeem() {
    for (state, status, error, pending) in [
        (Stage::Unscanned, 400, json!("authorization_pending"), json!("unscanned")),
        (Stage::Scanned, 400, json!("authorization_pending"), json!("scanned")),
        (Stage::Confirmed, 200, Value::Null, Value::Null),
        (Stage::LoggedIn, 200, Value::Null, Value::Null),
        (Stage::Denied, 400, json!("access_denied"), Value::Null),
        (Stage::Cancelled, 400, json!("access_denied"), Value::Null),
        (Stage::ExpiredUnscanned, 400, json!("expired_token"), Value::Null),
        (Stage::ExpiredScanned, 400, json!("expired_token"), Value::Null),
    ] {
        let scene = Scene::set(state).await;
        let (got, answer) = scene.server.redeem(&scene.issued).await;
        assert_eq!(
            (got.as_u16(), &answer["error"], &answer["status"]),
            (status, &error, &pending),
            "{state:?}"
        );
    }
}

#[tokio::test]
async fn cancel_changes_the_first_two_states_only() {
    for (state, after, version) in [
        (Stage::Unscanned, "cancelled", 2),
        (Stage::Scanned, "cancelled", 3),
        (Stage::Confirmed, "confirmed", 3),
        (Stage::LoggedIn, "logged_in", 4),
        (Stage::Denied, "denied", 3),
        (Stage::Cancelled, "cancelled", 3),
        (Stage::ExpiredUnscanned, "expired", 2),
        (Stage::ExpiredScanned, "expired", 3),
    ] {
        let scene = Scene::set(state).await;
        let device_code = scene.issued.device_code.expose();
        let response =
            scene.server.request(Method::DELETE, "/v1/login").bearer_auth(device_code).send().await;
        assert_eq!(response.unwrap().status(), StatusCode::NO_CONTENT, "{state:?}");
        assert_eq!(scene.status().await, (after.to_owned(), version), "{state:?}");
    }
}

#[tokio::test]
async fn a_confirmed_login_that_nobody_redeems_expires_and_its_phone_is_told() {
    let scene = Scene::set(Stage::Confirmed).await;
    scene.server.advance_secs(59);
    assert_eq!(scene.status().await, ("confirmed".to_owned(), 3));
    scene.server.advance_secs(1);
    assert_eq!(scene.status().await, ("expired".to_owned(), 4));
    assert_eq!(scene.server.redeem(&scene.issued).await.1["error"], "expired_token");
    let phone = scene.server.client().phone(shared::secret::Token::parse(&scene.mine).unwrap());
    // The confirmation is the first notice. Housekeeping, which runs by the same clock, writes the second.
    let told = loop {
        let told = phone.notifications(1, None).await.unwrap().notifications;
        if let Some(notice) = told.first() {
            break notice.kind;
        }
        scene.server.advance_secs(1);
    };
    assert_eq!(told, shared::api::NoticeKind::LoginNotFinished);
}

#[tokio::test]
async fn an_ended_login_is_answered_for_five_minutes_and_then_unknown() {
    let scene = Scene::set(Stage::Denied).await;
    scene.server.advance_secs(299);
    assert_eq!(problem(&scene.scan(&scene.mine).await), (409, "login_closed"));
    assert_eq!(scene.server.redeem(&scene.issued).await.1["error"], "access_denied");
    scene.server.advance_secs(1);
    assert_eq!(problem(&scene.scan(&scene.mine).await), (404, "code_not_found"));
    assert_eq!(scene.server.redeem(&scene.issued).await.1["error"], "invalid_grant");
}

#[tokio::test]
async fn a_login_is_denied_when_the_phone_that_scanned_it_is_no_more() {
    for state in [Stage::Scanned, Stage::Confirmed] {
        for ended_by in ["log-out", "another phone", "password"] {
            let scene = Scene::set(state).await;
            let second = scene.server.log_in("alice").await;
            let (method, path, by, body) = match ended_by {
                "log-out" => (Method::DELETE, "/v1/phones/current", &scene.mine, Value::Null),
                "another phone" => (Method::DELETE, "/v1/sessions?others=true", &second, Value::Null),
                _ => {
                    let body = json!({"old": crate::support::PASSWORD, "new": "another good password"});
                    (Method::PUT, "/v1/account/password", &second, body)
                }
            };
            assert_eq!(scene.server.call(method, path, by, body).await.0, StatusCode::NO_CONTENT);
            assert_eq!(scene.status().await.0, "denied", "{state:?} {ended_by}");
            assert_eq!(scene.server.redeem(&scene.issued).await.1["error"], "access_denied");
            assert_eq!(problem(&scene.scan(&scene.mine).await), (401, "unauthenticated"));
        }
    }
}
