//! The phone's plane: accounts, log-in, sessions, notifications, and the limits on them.

use std::time::Duration;

use crate::support::{PASSWORD, Server};
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use shared::api::{NoticeKind, Password, PasswordChange, ScanRequest, SessionKind};
use shared::client::ClientError;
use shared::problem::ProblemCode;

fn code<T: std::fmt::Debug>(outcome: Result<T, ClientError>) -> ProblemCode {
    match outcome {
        Err(ClientError::Problem(problem)) => problem.code,
        other => panic!("not a problem: {other:?}"),
    }
}

#[tokio::test]
async fn an_account_is_made_once_and_only_where_that_is_open() {
    let server = Server::start().await;
    let register = async |body: Value| {
        let response = server.request(Method::POST, "/v1/accounts").json(&body).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap())
    };
    let (status, made) = register(json!({"username": "Alice", "password": PASSWORD})).await;
    assert_eq!((status, &made["account"]["username"]), (201, &json!("alice")));
    for (body, expected) in [
        (json!({"username": "alice", "password": PASSWORD}), (409, "username_taken")),
        (json!({"username": "a b", "password": PASSWORD}), (422, "unprocessable")),
        (json!({"username": "bob", "password": "short"}), (422, "unprocessable")),
        (json!({"username": "bob", "password": "x".repeat(257)}), (422, "unprocessable")),
        (json!({"username": "bob"}), (422, "unprocessable")),
        (json!({"username": 7, "password": PASSWORD}), (422, "unprocessable")),
    ] {
        let (status, answer) = register(body.clone()).await;
        assert_eq!((status, answer["code"].as_str().unwrap()), expected, "{body}");
    }
    let closed = Server::start_with(|settings| settings.open_registration = false).await;
    let body = json!({"username": "alice", "password": PASSWORD});
    let response = closed.request(Method::POST, "/v1/accounts").json(&body).send().await.unwrap();
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "registration_closed");
}

#[tokio::test]
async fn a_wrong_name_and_a_wrong_password_look_alike_and_are_limited() {
    let server = Server::start().await;
    let phone = server.phone("alice").await;
    let log_in = async |username: &str, password: &str| {
        let body = json!({"username": username, "password": password});
        let response = server.request(Method::POST, "/v1/phones").json(&body).send().await.unwrap();
        let retry_after = response.headers().get(header::RETRY_AFTER).is_some();
        (response.status().as_u16(), retry_after, response.json::<Value>().await.unwrap())
    };
    let (wrong_password, wrong_name) = (log_in("alice", "wrong").await, log_in("nobody", "wrong").await);
    assert_eq!(wrong_password, wrong_name);
    assert_eq!((wrong_name.0, &wrong_name.2["code"]), (401, &json!("unauthenticated")));
    for _ in 0..4 {
        assert_eq!(log_in("alice", "wrong").await.0, 401);
        assert_eq!(log_in("alice2", PASSWORD).await.0, 401);
    }
    // Past the limit the right password is refused too, for this account from this address.
    let (status, retry_after, answer) = log_in("alice", PASSWORD).await;
    assert_eq!((status, retry_after, &answer["code"]), (429, true, &json!("rate_limited")));
    assert!(answer["retry_after"].as_u64().unwrap() <= 600);
    // A phone that is logged in notices nothing, but can't guess the old password either.
    assert_eq!(phone.me().await.unwrap().username.as_str(), "alice");
    let change =
        PasswordChange { old: Password::new(PASSWORD.into()), new: Password::new("another one".into()) };
    assert_eq!(code(phone.change_password(&change).await), ProblemCode::RateLimited);
    server.advance_secs(601);
    assert_eq!(log_in("alice", PASSWORD).await.0, 201);
}

#[tokio::test]
async fn right_passwords_are_never_limited() {
    let server = Server::start().await;
    server.phone("alice").await;
    for _ in 0..8 {
        server.another_phone("alice").await;
    }
}

#[tokio::test]
async fn unknown_scan_codes_and_wrong_user_codes_are_limited_and_good_ones_are_not() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let scan = async |body: Value| {
        let (status, answer) = server.call(Method::POST, "/v1/scans", &phone, body).await;
        (status.as_u16(), answer["code"].as_str().unwrap_or("-").to_owned())
    };
    for _ in 0..12 {
        let issued = server.issue().await;
        assert_eq!(scan(json!({"scan_code": server.scan_code(&issued)})).await.0, 200);
    }
    let unknown = "0123456789ABCDEFGHJKMNPQRS";
    for _ in 0..10 {
        assert_eq!(scan(json!({"scan_code": unknown})).await, (404, "code_not_found".to_owned()));
    }
    assert_eq!(scan(json!({"scan_code": unknown})).await, (429, "rate_limited".to_owned()));
    for _ in 0..5 {
        assert_eq!(scan(json!({"user_code": "BBBB-BBBB"})).await, (404, "code_not_found".to_owned()));
    }
    assert_eq!(scan(json!({"user_code": "BBBB-BBBB"})).await, (429, "rate_limited".to_owned()));
    for body in [json!({}), json!({"scan_code": unknown, "user_code": "BBBB-BBBB"}), json!({"scan_code": 7})]
    {
        assert_eq!(scan(body).await, (422, "unprocessable".to_owned()));
    }
}

#[tokio::test]
async fn new_logins_are_limited_by_rate_and_by_how_many_are_open() {
    let server = Server::start_with(|settings| settings.limits.open.per_address = 65).await;
    let issue = async || {
        let response = server.form("/oauth/device_authorization", &[("client_id", "x")]).await;
        let retry_after =
            response.headers().get(header::RETRY_AFTER).map(|v| v.to_str().unwrap().parse::<u64>().unwrap());
        (response.status().as_u16(), retry_after, response.json::<Value>().await.unwrap()["error"].clone())
    };
    for _ in 0..60 {
        assert_eq!(issue().await.0, 200);
    }
    assert_eq!(issue().await, (429, Some(60), json!("slow_down")));
    server.advance_secs(60);
    for _ in 0..5 {
        assert_eq!(issue().await.0, 200);
    }
    assert_eq!(issue().await, (429, Some(120), json!("slow_down")));
    server.advance_secs(60);
    assert_eq!(issue().await.0, 200);
}

#[tokio::test]
async fn when_all_places_are_taken_the_busiest_address_loses_its_oldest_login() {
    let server = Server::start_with(|settings| {
        settings.limits.open.total = 3;
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    })
    .await;
    let issue = async |ip: &str| {
        // Each a second later, so that there is an oldest.
        server.advance_secs(1);
        let request =
            server.request(Method::POST, "/oauth/device_authorization").header("x-forwarded-for", ip);
        let response = request.form(&[("client_id", "x")]).send().await.unwrap();
        response.json::<shared::api::DeviceAuthorization>().await.unwrap()
    };
    let busy = [issue("192.0.2.1").await, issue("192.0.2.1").await];
    let quiet = issue("192.0.2.2").await;
    let new = issue("192.0.2.3").await;
    let status = async |issued: &shared::api::DeviceAuthorization| {
        server.client().snapshot(&issued.device_code).await.unwrap().status.as_str()
    };
    assert_eq!(status(&busy[0]).await, "expired");
    for issued in [&busy[1], &quiet, &new] {
        assert_eq!(status(issued).await, "unscanned");
    }
}

#[tokio::test]
async fn sessions_are_listed_and_ended_by_their_owner_alone() {
    let server = Server::start().await;
    let alice = server.phone("alice").await;
    let second = server.another_phone("alice").await;
    let bob = server.phone("bob").await;
    let issued = server.issue().await;
    let scan_code = server.url.scan_code_in(&issued.verification_uri_complete).unwrap();
    let scanned = second.scan(&ScanRequest::scan_code(&scan_code)).await.unwrap();
    second.confirm(&scanned.confirm_token).await.unwrap();
    let (_, tokens) = server.redeem(&issued).await;
    let pc_token = tokens["access_token"].as_str().unwrap();

    let sessions = alice.sessions().await.unwrap().sessions;
    assert_eq!(sessions.len(), 3);
    let pc = sessions.iter().find(|s| s.kind == SessionKind::Pc).unwrap();
    let granting = sessions.iter().find(|s| Some(s.id) == pc.granted_by).unwrap();
    assert_eq!((granting.current, pc.device_name.as_deref()), (false, Some("desk")));
    assert_eq!(sessions.iter().filter(|s| s.current).count(), 1);

    assert_eq!(code(bob.end_session(pc.id).await), ProblemCode::NotFound);
    assert_eq!(
        server.call(Method::DELETE, "/v1/sessions/nonsense", "x", Value::Null).await.0,
        StatusCode::UNAUTHORIZED
    );
    // The second phone goes, and the PC that it let in goes with it.
    alice.end_session(granting.id).await.unwrap();
    assert_eq!(code(second.me().await), ProblemCode::Unauthenticated);
    assert_eq!(server.call(Method::GET, "/v1/me", pc_token, Value::Null).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(alice.sessions().await.unwrap().sessions.len(), 1);
    assert_eq!(code(alice.end_session(granting.id).await), ProblemCode::NotFound);
    // Not even by accident.
    let token = server.log_in("alice").await;
    assert_eq!(
        server.call(Method::DELETE, "/v1/sessions", &token, Value::Null).await.0,
        StatusCode::BAD_REQUEST
    );
    assert_eq!(
        server.call(Method::DELETE, "/v1/sessions/nonsense", &token, Value::Null).await.0,
        StatusCode::NOT_FOUND
    );
    alice.end_other_sessions().await.unwrap();
    assert_eq!(alice.sessions().await.unwrap().sessions.len(), 1);
}

#[tokio::test]
async fn a_password_change_ends_every_other_session() {
    let server = Server::start().await;
    let alice = server.phone("alice").await;
    let second = server.another_phone("alice").await;
    let change = |old: &str, new: &str| PasswordChange {
        old: Password::new(old.into()),
        new: Password::new(new.into()),
    };
    assert_eq!(
        code(alice.change_password(&change("wrong", "a new password")).await),
        ProblemCode::Unauthenticated
    );
    assert_eq!(code(alice.change_password(&change(PASSWORD, "short")).await), ProblemCode::Unprocessable);
    alice.change_password(&change(PASSWORD, "a new password")).await.unwrap();
    assert_eq!(code(second.me().await), ProblemCode::Unauthenticated);
    assert_eq!(
        alice.notifications(0, None).await.unwrap().notifications[0].kind,
        NoticeKind::PasswordChanged
    );
    let body = json!({"username": "alice", "password": PASSWORD});
    let response = server.request(Method::POST, "/v1/phones").json(&body).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_login_is_told_step_by_step_with_what_to_do_about_it() {
    let server = Server::start().await;
    let phone = server.phone("alice").await;
    let token = server.log_in("alice").await;
    let mut feed = phone.follow_notifications(0);
    server.log_pc_in(&token).await;
    let confirmed = feed.next().await.unwrap();
    let logged_in = feed.next().await.unwrap();
    assert_eq!((confirmed.kind, logged_in.kind), (NoticeKind::LoginConfirmed, NoticeKind::LoggedIn));
    assert!(logged_in.advice.unwrap().contains("change the password"));
    assert_eq!(
        (logged_in.device_name.as_deref(), logged_in.ip.as_deref()),
        (Some("desk"), Some("127.0.0.1"))
    );
    // Its id is the session to end.
    phone.end_session(logged_in.session_id.unwrap()).await.unwrap();
    assert!(phone.notifications(logged_in.id, None).await.unwrap().notifications.is_empty());
}

#[tokio::test]
async fn a_wait_for_notifications_ends_with_news_or_with_time_or_with_the_session() {
    let server = Server::start().await;
    let phone = server.phone("alice").await;
    let token = server.log_in("alice").await;
    let wait = |phone: &shared::client::Phone| {
        let phone = phone.clone();
        tokio::spawn(async move { phone.notifications(0, Some(Duration::from_secs(25))).await })
    };
    let waiting = wait(&phone);
    server.advance_secs(25);
    // The wait may begin after the clock moved; then it moves again.
    while !waiting.is_finished() {
        server.advance_secs(25);
        tokio::task::yield_now().await;
    }
    assert!(waiting.await.unwrap().unwrap().notifications.is_empty());

    let waiting = wait(&phone);
    server.log_pc_in(&token).await;
    assert_eq!(waiting.await.unwrap().unwrap().notifications[0].kind, NoticeKind::LoginConfirmed);

    let mut feed = server.another_phone("alice").await.follow_notifications(2);
    let sessions = phone.sessions().await.unwrap().sessions;
    let newest = sessions.iter().find(|s| s.kind == SessionKind::Phone).unwrap();
    phone.end_session(newest.id).await.unwrap();
    assert_eq!(code(feed.next().await), ProblemCode::Unauthenticated);
}

#[tokio::test]
async fn a_phone_session_ends_ninety_days_after_its_last_use() {
    let server = Server::start().await;
    let phone = server.phone("alice").await;
    for _ in 0..3 {
        server.advance_secs(89 * 24 * 3600);
        phone.me().await.unwrap();
    }
    server.advance_secs(90 * 24 * 3600);
    assert_eq!(code(phone.me().await), ProblemCode::Unauthenticated);
}

#[tokio::test]
async fn each_kind_of_token_opens_its_own_doors_only() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let tokens = server.log_pc_in(&phone).await;
    let issued = server.issue().await;
    let confirm = server.scan(&phone, &issued).await;
    let (pc, refresh) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    let device = issued.device_code.expose();
    let all = [phone.as_str(), pc, refresh, device, confirm.as_str()];
    for (method, path, takes) in [
        (Method::GET, "/v1/sessions", &[phone.as_str()][..]),
        (Method::GET, "/v1/notifications", &[phone.as_str()]),
        (Method::POST, "/v1/scans", &[phone.as_str()]),
        (Method::GET, "/v1/me", &[phone.as_str(), pc]),
        (Method::GET, "/v1/login", &[device]),
    ] {
        for token in all {
            let (status, answer) = server.call(method.clone(), path, token, json!({})).await;
            let refused = (status, &answer["code"]) == (StatusCode::FORBIDDEN, &json!("wrong_token_kind"));
            assert_eq!(refused, !takes.contains(&token), "{method} {path}: {answer}");
        }
        let (status, answer) = server.call(method, path, "nonsense", json!({})).await;
        assert_eq!((status, &answer["code"]), (StatusCode::UNAUTHORIZED, &json!("unauthenticated")));
    }
}
