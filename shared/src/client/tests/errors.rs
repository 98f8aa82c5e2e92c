//! Failures: what they are taken for, what they say, and what they never say.

use axum::http::header::{CONTENT_TYPE, LOCATION, RETRY_AFTER};
use tokio::net::TcpListener;

use super::canned::{Answer, Canned, token};
use crate::api::{Password, PhoneLogin};
use crate::client::{Client, ClientError, IssueRequest, TransportChoice};
use crate::code::PublicUrl;
use crate::exit::Exit;
use crate::problem::{OTHER_ADDRESS, OauthCode, OauthError, Problem, ProblemCode};

fn problem(code: ProblemCode) -> Answer {
    let body = serde_json::to_string(&Problem::from(code)).unwrap();
    Answer::new(code.status()).with(CONTENT_TYPE, "application/problem+json; charset=utf-8").saying(body)
}

fn oauth(code: OauthCode) -> Answer {
    Answer::json(code.status(), serde_json::to_string(&OauthError::from(code)).unwrap())
}

fn page(status: u16) -> Answer {
    Answer::new(status).with(CONTENT_TYPE, "text/html").saying("<p>Welcome to the Grand Hotel.")
}

async fn error(answer: Answer) -> ClientError {
    Canned::new(answer).await.client.snapshot(&token()).await.unwrap_err()
}

#[tokio::test]
async fn the_server_s_failures_are_read_by_their_codes() {
    for code in ProblemCode::ALL {
        assert_eq!(error(problem(*code)).await.problem(), Some(&Problem::from(*code)));
    }
    for code in OauthCode::ALL {
        assert_eq!(error(oauth(*code)).await.oauth(), Some(*code));
    }
}

#[tokio::test]
async fn a_wait_is_read_from_the_body_or_the_header() {
    let in_header = problem(ProblemCode::RateLimited).with(RETRY_AFTER, "17");
    assert_eq!(error(in_header).await.retry_after_secs(), Some(17));
    let in_both = Problem { retry_after: Some(3), ..ProblemCode::Unavailable.into() };
    let in_both = Answer::json(503, serde_json::to_string(&in_both).unwrap()).with(RETRY_AFTER, "17");
    assert_eq!(error(in_both).await.retry_after_secs(), Some(3));
    let by_oauth = oauth(OauthCode::TemporarilyUnavailable).with(RETRY_AFTER, "17");
    assert_eq!(error(by_oauth).await.retry_after_secs(), Some(17));
    let a_date = problem(ProblemCode::RateLimited).with(RETRY_AFTER, "Wed, 21 Oct 2026 07:28:00 GMT");
    assert_eq!(error(a_date).await.retry_after_secs(), None);
}

#[test]
fn a_reason_says_nothing_of_the_wait() {
    let limited = Problem { retry_after: Some(50), ..ProblemCode::RateLimited.into() };
    let slow = |error: OauthCode| ClientError::Oauth { error: error.into(), retry_after: Some(50) };
    for (error, reason) in [
        (ClientError::Problem(limited), "too many tries"),
        (slow(OauthCode::SlowDown), "too many tries"),
        (ProblemCode::Unavailable.into(), "the server can't do this right now"),
        (slow(OauthCode::TemporarilyUnavailable), "the server can't do this right now"),
        (slow(OauthCode::AccessDenied), OauthCode::AccessDenied.title()),
    ] {
        assert_eq!(error.reason().to_string(), reason);
    }
}

#[tokio::test]
async fn that_the_server_goes_by_another_address_is_told_from_a_wrong_key() {
    for (said, is_other) in [(OTHER_ADDRESS, true), ("call me \x1b[2J by my name", false)] {
        let detail = Problem { detail: Some(said.to_owned()), ..ProblemCode::InvalidDpopProof.into() };
        let description = OauthError {
            error_description: Some(said.to_owned()),
            ..OauthError::from(OauthCode::InvalidDpopProof)
        };
        for answer in [
            Answer::json(401, serde_json::to_string(&detail).unwrap()),
            Answer::json(400, serde_json::to_string(&description).unwrap()),
        ] {
            let error = error(answer).await;
            let (exit, shown) = (error.exit(), format!("{error} {error:?}"));
            assert_eq!(error.is_other_address(), is_other, "{shown}");
            assert_eq!(exit, if is_other { Exit::Failed } else { Exit::NotLoggedIn }, "{shown}");
            assert_eq!(error.to_string().contains("public URL with --server"), is_other, "{shown}");
            assert!(!shown.contains("call me"), "{shown}");
        }
    }
}

#[tokio::test]
async fn the_login_s_status_survives_in_a_used_up_confirm_token() {
    let used = r#"{"type": "urn:saoma:confirm_token_used", "title": "Used.", "status": 410,
        "code": "confirm_token_used", "login_status": "confirmed"}"#;
    let server = Canned::new(Answer::json(410, used)).await;
    let error = server.client.phone(token()).confirm(&token()).await.unwrap_err();
    assert_eq!(error.problem().unwrap().login_status, Some(crate::api::Status::Confirmed));
}

#[tokio::test]
async fn what_stands_before_the_server_is_told_from_it() {
    for status in [502, 504] {
        assert!(error(page(status)).await.is_unreachable(), "HTTP {status}");
    }
    let busy = error(page(503).with(RETRY_AFTER, "5")).await;
    assert_eq!(
        busy.problem().map(|busy| (busy.code, busy.retry_after)),
        Some((ProblemCode::Unavailable, Some(5)))
    );
    let limited = error(page(429)).await;
    assert_eq!(limited.problem().map(|limited| limited.code), Some(ProblemCode::RateLimited));
    let good_but_for_its_length =
        format!(r#"{{"status": "scanned", "version": 1, "expires_in": 1}}{}"#, " ".repeat(2 * 1024 * 1024));
    for strange in [
        page(200),
        page(401),
        page(403),
        page(407),
        page(418),
        page(500),
        Answer::new(302).with(LOCATION, "http://hotel.example/"),
        Answer::new(204),
        Answer::json(200, "{}"),
        Answer::json(200, r#"{"status": "snoozing", "version": 1, "expires_in": 1}"#),
        Answer::json(401, r#"{"error": "some_other_api"}"#),
        Answer::json(200, good_but_for_its_length),
    ] {
        let error = error(strange).await;
        assert!(matches!(error, ClientError::Unexpected(_)), "{error:?}");
        assert_eq!(error.exit(), Exit::Failed);
    }
}

#[tokio::test]
async fn no_redirect_takes_a_secret_elsewhere() {
    let elsewhere = Canned::new(Answer::new(204)).await;
    let to = format!("{}/v1/login", elsewhere.client.server()).leak();
    for status in [301, 302, 303, 307, 308] {
        let error = error(Answer::new(status).with(LOCATION, to)).await;
        assert!(matches!(error, ClientError::Unexpected(_)), "{error:?}");
    }
    assert_eq!(elsewhere.asked(), "");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = PublicUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    drop(listener);
    let error = Client::new(server.clone(), "test").unwrap().snapshot(&token()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("the server at {server} can't be reached (connection refused); is it running?")
    );
    assert_eq!(error.exit(), Exit::Unreachable);
}

#[tokio::test]
async fn a_server_that_hangs_up_is_unreachable() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let server = PublicUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let hanging_up = tokio::spawn(async move { while listener.accept().await.is_ok() {} });
    let error = Client::new(server, "test").unwrap().snapshot(&token()).await.unwrap_err();
    assert!(error.to_string().contains("(the connection broke off)"), "{error}");
    hanging_up.abort();
}

#[test]
fn a_user_agent_that_no_header_can_have_is_refused() {
    let server = PublicUrl::parse("http://127.0.0.1:1").unwrap();
    let error = Client::new(server, "two\nlines").unwrap_err();
    assert!(matches!(error, ClientError::Unexpected(_)));
}

/// A server that says back whatever it is told, wherever it can, with escape sequences around it.
#[tokio::test]
async fn no_error_says_a_secret_or_anything_that_the_server_chose() {
    let device_code = token::<crate::secret::DeviceCode>();
    let secret = &device_code.expose()[3..];
    let echo = format!("\x1b[31m{secret} correct horse");
    let text = serde_json::to_string(&echo).unwrap();
    let echoes = [
        format!(r#"{{"type": {text}, "title": {text}, "status": 401, "code": "unauthenticated"}}"#),
        format!(r#"{{"error": "invalid_grant", "error_description": {text}}}"#),
        format!(r#"{{"error": {text}, "code": {text}}}"#),
        text.clone(),
    ];
    for (status, body) in
        [200, 400, 401, 500, 502].into_iter().flat_map(|status| echoes.iter().map(move |e| (status, e)))
    {
        for answer in [Answer::json(status, body), Answer::new(status).saying(body)] {
            let server = Canned::new(answer).await;
            let client = &server.client;
            let login = PhoneLogin {
                username: "alice".to_owned(),
                password: Password::new("correct horse".to_owned()),
                device_name: None,
            };
            let phone = client.phone(token());
            for error in [
                client.issue(&IssueRequest::default()).await.unwrap_err(),
                client.redeem("pc-tui", &device_code, None).await.unwrap_err(),
                client.refresh("pc-tui", &token()).await.unwrap_err(),
                client.snapshot(&device_code).await.unwrap_err(),
                client.log_in(&login).await.unwrap_err(),
                phone.confirm(&token()).await.unwrap_err(),
            ] {
                let said = format!("{error} {error:?}");
                assert!(!said.contains(secret) && !said.contains("horse"), "{said}");
                assert!(!said.contains('\x1b') && !said.contains("\\u{1b}"), "{said}");
            }
            let shown = format!(
                "{client:?} {phone:?} {:?}",
                client.follow(device_code.clone(), TransportChoice::default())
            );
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}

#[test]
fn every_failure_has_its_exit_and_its_words() {
    let problems = ProblemCode::ALL.iter().map(|code| ClientError::from(*code)).map(|error| {
        let code = error.problem().unwrap().code.as_str();
        format!("{} {code}: {error}", error.exit() as u8)
    });
    let oauth = OauthCode::ALL.iter().map(|code| {
        let error = ClientError::Oauth { error: (*code).into(), retry_after: Some(5) };
        format!("{} {}: {error}", error.exit() as u8, code.as_str())
    });
    insta::assert_snapshot!(problems.chain([String::new()]).chain(oauth).collect::<Vec<_>>().join("\n"));
}
