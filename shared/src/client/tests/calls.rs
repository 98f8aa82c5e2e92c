//! Each call: what it sends, and what it makes of the answer.

use std::time::Duration;

use axum::http::header::CONTENT_TYPE;

use super::canned::{Answer, Canned, token};
use crate::api::{
    CheckCode, Password, PasswordChange, PhoneLogin, Registration, ScanRequest, SessionKind, Status,
};
use crate::client::{IssueRequest, Redeemed};
use crate::code::{ScanCode, UserCode};
use crate::name::Username;

const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

fn password(text: &str) -> Password {
    Password::new(text.to_owned())
}

#[tokio::test]
async fn the_pc_sends_exactly_this() {
    let server = Canned::new(Answer::new(503)).await;
    let client = &server.client;
    let bare = IssueRequest { client_id: "pc-tui".to_owned(), ..IssueRequest::default() };
    let full = IssueRequest {
        scope: Some("read write".to_owned()),
        device_name: Some("Zoë's PC & more".to_owned()),
        device_os: Some("Plan 9".to_owned()),
        device_app: Some("pc-tui 0.1.0".to_owned()),
        login_hint: Some(Username::parse("alice").unwrap()),
        check_code: true,
        ..bare.clone()
    };
    client.issue(&bare).await.unwrap_err();
    client.issue(&full).await.unwrap_err();
    client.redeem("pc-tui", &token(), None).await.unwrap_err();
    let digits = CheckCode::parse("47").unwrap();
    client.redeem("pc-tui", &token(), Some(digits)).await.unwrap_err();
    client.refresh("pc-tui", &token()).await.unwrap_err();
    client.revoke("pc-tui", "pc_00anything").await.unwrap_err();
    client.snapshot(&token()).await.unwrap_err();
    client.cancel(&token()).await.unwrap_err();
    client.me(&token()).await.unwrap_err();
    insta::assert_snapshot!(server.asked());
}

#[tokio::test]
async fn the_phone_sends_exactly_this() {
    let server = Canned::new(Answer::new(503)).await;
    let client = &server.client;
    let username = "alice".to_owned();
    let registration = Registration { username: username.clone(), password: password("correct horse") };
    client.register(&registration).await.unwrap_err();
    let login = PhoneLogin {
        username,
        password: password("correct horse"),
        device_name: Some("Alice's phone".to_owned()),
    };
    client.log_in(&login).await.unwrap_err();

    let phone = client.phone(token());
    phone.me().await.unwrap_err();
    let scan_code = ScanCode::parse(ID).unwrap();
    phone.scan(&ScanRequest::scan_code(&scan_code)).await.unwrap_err();
    let user_code = UserCode::parse("wdjb mjht").unwrap();
    phone.scan(&ScanRequest::user_code(&user_code)).await.unwrap_err();
    phone.confirm(&token()).await.unwrap_err();
    phone.deny(&token(), false).await.unwrap_err();
    phone.deny(&token(), true).await.unwrap_err();
    phone.sessions().await.unwrap_err();
    phone.end_session(ID.parse().unwrap()).await.unwrap_err();
    phone.end_other_sessions().await.unwrap_err();
    phone.notifications(7, None).await.unwrap_err();
    phone.notifications(7, Some(Duration::from_secs(25))).await.unwrap_err();
    phone.notifications(7, Some(Duration::from_hours(1))).await.unwrap_err();
    let change = PasswordChange { old: password("correct horse"), new: password("battery staple") };
    phone.change_password(&change).await.unwrap_err();
    phone.log_out().await.unwrap_err();
    insta::assert_snapshot!(server.asked());
}

#[tokio::test]
async fn a_login_is_issued() {
    let code = token::<crate::secret::DeviceCode>();
    let body = format!(
        r#"{{"device_code": "{}", "user_code": "WDJB-MJHT", "verification_uri": "https://x.example/D",
            "verification_uri_complete": "HTTPS://X.EXAMPLE/Q/{ID}", "expires_in": 120, "interval": 2,
            "something_new": true}}"#,
        code.expose()
    );
    let server = Canned::new(Answer::json(200, body)).await;
    let issued = server.client.issue(&IssueRequest::default()).await.unwrap();
    assert_eq!(issued.device_code.digest(), code.digest());
    assert_eq!((issued.user_code.dashed().as_str(), issued.expires_in), ("WDJB-MJHT", 120));
}

#[tokio::test]
async fn a_redeem_is_pending_too_soon_or_done() {
    let redeem = async |answer| Canned::new(answer).await.client.redeem("pc-tui", &token(), None).await;
    let pending = |status: &str| {
        Answer::json(400, format!(r#"{{"error": "authorization_pending", "status": "{status}"}}"#))
    };
    let told = redeem(pending("scanned")).await.unwrap();
    assert!(
        matches!(told, Redeemed::Pending { status: Some(Status::Scanned), tries_left: None }),
        "{told:?}"
    );
    let told = redeem(Answer::json(400, r#"{"error": "authorization_pending"}"#)).await.unwrap();
    assert!(matches!(told, Redeemed::Pending { status: None, tries_left: None }), "{told:?}");
    let unchecked = r#"{"error": "authorization_pending", "status": "confirmed", "tries_left": 2}"#;
    let told = redeem(Answer::json(400, unchecked)).await.unwrap();
    let expected = matches!(told, Redeemed::Pending { status: Some(Status::Confirmed), tries_left: Some(2) });
    assert!(expected, "{told:?}");
    let told = redeem(Answer::json(400, r#"{"error": "slow_down"}"#)).await.unwrap();
    assert!(matches!(told, Redeemed::SlowDown), "{told:?}");

    let access_token = token::<crate::secret::PcToken>();
    let refresh_token = token::<crate::secret::RefreshToken>();
    let body = format!(
        r#"{{"access_token": "{}", "token_type": "Bearer", "expires_in": 3600, "refresh_token": "{}"}}"#,
        access_token.expose(),
        refresh_token.expose()
    );
    let Redeemed::Tokens(tokens) = redeem(Answer::json(200, body)).await.unwrap() else {
        panic!("no tokens")
    };
    assert_eq!(tokens.access_token.digest(), access_token.digest());
    assert_eq!(tokens.refresh_token.digest(), refresh_token.digest());
}

#[tokio::test]
async fn what_the_server_knows_is_read() {
    let me = format!(r#"{{"id": "{ID}", "username": "alice", "session_id": "{ID}"}}"#);
    let server = Canned::new(Answer::json(200, me)).await;
    assert_eq!(server.client.me(&token()).await.unwrap().username.as_str(), "alice");
    assert_eq!(server.client.phone(token()).me().await.unwrap().session_id.to_string(), ID);

    let status = r#"{"status": "scanned", "version": 2, "expires_in": 99, "scanned_by": "a***e"}"#;
    let server = Canned::new(Answer::json(200, status)).await;
    let snapshot = server.client.snapshot(&token()).await.unwrap();
    assert_eq!((snapshot.status, snapshot.scanned_by.as_deref()), (Status::Scanned, Some("a***e")));

    let sessions = format!(
        r#"{{"sessions": [{{"id": "{ID}", "kind": "pc", "device_name": "den", "ip": "127.0.0.1",
            "created_at": "2026-11-02T10:00:00Z", "last_seen_at": "2026-11-02T10:01:00Z",
            "granted_by": "{ID}", "current": false}}]}}"#
    );
    let server = Canned::new(Answer::json(200, sessions)).await;
    let sessions = server.client.phone(token()).sessions().await.unwrap().sessions;
    assert!(matches!(sessions[..], [ref pc] if pc.kind == SessionKind::Pc && !pc.current));
}

#[tokio::test]
async fn nothing_new_is_an_empty_list() {
    let server = Canned::new(Answer::new(304)).await;
    let page = server.client.phone(token()).notifications(7, Some(Duration::from_secs(1))).await.unwrap();
    assert!(page.notifications.is_empty());
}

#[tokio::test]
async fn what_answers_nothing_is_done_only_if_the_server_says_so() {
    for done in [Answer::new(204), Answer::new(200), Answer::json(200, "{}")] {
        let server = Canned::new(done).await;
        server.client.revoke("pc-tui", "rt_00").await.unwrap();
        server.client.cancel(&token()).await.unwrap();
        server.client.phone(token()).log_out().await.unwrap();
    }
    let page = Answer::new(200).with(CONTENT_TYPE, "text/html").saying("<p>Welcome to the Grand Hotel.");
    let server = Canned::new(page).await;
    server.client.cancel(&token()).await.unwrap_err();
    server.client.phone(token()).log_out().await.unwrap_err();
}

#[tokio::test]
async fn a_confirmation_brings_the_digits_for_the_pc_also_when_its_answer_was_lost() {
    let server = Canned::new(Answer::json(200, r#"{"status": "confirmed", "check_code": "47"}"#)).await;
    let decided = server.client.phone(token()).confirm(&token()).await.unwrap();
    assert_eq!(decided.check_code.unwrap().digits(), "47");
    assert!(!format!("{decided:?}").contains("47"));

    let used = r#"{"type": "urn:saoma:confirm_token_used", "title": "Used.", "status": 410,
                   "code": "confirm_token_used", "login_status": "confirmed", "check_code": "47"}"#;
    let server = Canned::new(Answer::json(410, used)).await;
    let error = server.client.phone(token()).confirm(&token()).await.unwrap_err();
    let problem = error.problem().unwrap();
    assert_eq!(
        (problem.login_status, problem.check_code.unwrap().digits().as_str()),
        (Some(Status::Confirmed), "47")
    );
}
