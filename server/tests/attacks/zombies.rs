//! Sessions that should be dead.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::{Password, PhoneLogin, ScanRequest, close};
use shared::name::Username;
use tokio_tungstenite::tungstenite::Message;

use crate::Backend;
use crate::scene::{change_password, decide, end_others, is_good, refresh, said, status, text};
use crate::support::program::{Program, run};
use crate::support::socket::{self, Ws, close_code};
use crate::support::{PASSWORD, Server};

/// A socket that is not closed by then will not be.
const PATIENCE: Duration = Duration::from_secs(20);

/// A way in which a session ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    LogOut,
    ByAnotherPhone,
    OthersByAnotherPhone,
    PasswordByAnotherPhone,
    Disabled,
    DisabledAndEnabled,
    Removed,
    // Of the PC alone:
    PasswordByItsPhone,
    RevokeAccess,
    RevokeRefresh,
    Replay,
    RefreshReuse,
    ByItsPhone,
}

const ENDS: [End; 13] = [
    End::LogOut,
    End::ByAnotherPhone,
    End::OthersByAnotherPhone,
    End::PasswordByAnotherPhone,
    End::Disabled,
    End::DisabledAndEnabled,
    End::Removed,
    End::PasswordByItsPhone,
    End::RevokeAccess,
    End::RevokeRefresh,
    End::Replay,
    End::RefreshReuse,
    End::ByItsPhone,
];

impl End {
    fn is_of_the_phone(self) -> bool {
        ENDS.iter().position(|end| *end == self)
            < ENDS.iter().position(|end| *end == Self::PasswordByItsPhone)
    }
}

/// A phone, the PC that it let in, and a login that it has scanned.
struct Household {
    server: Server,
    phone: String,
    /// Of the same account.
    second: String,
    issued: shared::api::DeviceAuthorization,
    /// The PC's tokens, the oldest first.
    tokens: Vec<Value>,
    scanned: shared::api::DeviceAuthorization,
    confirm_token: String,
}

impl Household {
    async fn set(on: Backend) -> Self {
        let server = on.server().await;
        let phone = server.phone_token("alice").await;
        let second = server.log_in("alice").await;
        let issued = server.issue().await;
        let confirm_token = server.scan(&phone, &issued).await;
        assert_eq!(decide(&server, "confirm", &phone, &confirm_token).await.0, 200);
        let (_, first) = server.redeem(&issued).await;
        let (_, rotated) = refresh(&server, text(&first, "refresh_token")).await;
        let scanned = server.issue().await;
        let confirm_token = server.scan(&phone, &scanned).await;
        Self { server, phone, second, issued, tokens: vec![first, rotated], scanned, confirm_token }
    }

    fn pc(&self) -> &str {
        text(&self.tokens[1], "access_token")
    }

    async fn session_of(&self, token: &str) -> String {
        let (_, me) = self.server.call(Method::GET, "/v1/me", token, Value::Null).await;
        text(&me, "session_id").to_owned()
    }

    async fn end_session(&self, by: &str, of: &str) {
        let path = format!("/v1/sessions/{}", self.session_of(of).await);
        assert_eq!(self.server.call(Method::DELETE, &path, by, Value::Null).await.0, StatusCode::NO_CONTENT);
    }

    async fn revoke(&self, token: &str) {
        let fields = [("token", text(&self.tokens[1], token)), ("client_id", "tests")];
        assert_eq!(self.server.form("/oauth/revoke", &fields).await.status(), StatusCode::OK);
    }

    async fn end(&self, end: End) {
        let Self { server, phone, second, .. } = self;
        let alice = Username::parse("alice").unwrap();
        match end {
            End::LogOut => {
                let left = server.call(Method::DELETE, "/v1/phones/current", phone, Value::Null).await;
                assert_eq!(left.0, StatusCode::NO_CONTENT);
            }
            End::ByAnotherPhone => self.end_session(second, phone).await,
            End::OthersByAnotherPhone => end_others(server, second).await,
            End::PasswordByAnotherPhone | End::PasswordByItsPhone => {
                let by = if end == End::PasswordByItsPhone { phone } else { second };
                let changed = change_password(server, by, PASSWORD, "another good password").await;
                assert_eq!(changed, StatusCode::NO_CONTENT);
            }
            End::Disabled => assert!(server.store.set_enabled(&alice, false).await.unwrap()),
            End::DisabledAndEnabled => {
                assert!(server.store.set_enabled(&alice, false).await.unwrap());
                assert!(server.store.set_enabled(&alice, true).await.unwrap());
            }
            End::Removed => assert!(server.store.remove_account(&alice).await.unwrap()),
            End::RevokeAccess => self.revoke("access_token").await,
            End::RevokeRefresh => self.revoke("refresh_token").await,
            End::Replay => {
                assert_eq!(said(server.redeem(&self.issued).await), (400, "invalid_grant".to_owned()));
            }
            End::RefreshReuse => {
                let spent = text(&self.tokens[0], "refresh_token");
                assert_eq!(refresh(server, spent).await.0, StatusCode::BAD_REQUEST);
            }
            End::ByItsPhone => self.end_session(phone, self.pc()).await,
        }
    }

    async fn sockets(&self) -> (Ws, Ws) {
        let mut feed = self.server.socket("/v1/login/events", self.scanned.device_code.expose()).await;
        assert!(matches!(feed.next().await, Some(Ok(Message::Text(_)))));
        // Past what happened so far, so that it waits.
        (self.server.socket("/v1/notifications/events?after=1000", &self.phone).await, feed)
    }
}

pub(crate) async fn outlive_any_end_of_the_session(on: Backend) {
    // A few at a time: each costs the hashes of two log-ins.
    let lives = futures_util::stream::iter(ENDS).map(async |end| {
        let within = tokio::time::timeout(PATIENCE, outlive(on, end)).await;
        within.unwrap_or_else(|_| panic!("{end:?}: a socket is still open"));
    });
    lives.buffer_unordered(4).collect::<()>().await;
}

async fn outlive(on: Backend, end: End) {
    let home = Household::set(on).await;
    let (mut told, mut feed) = home.sockets().await;
    assert!(is_good(&home.server, home.pc()).await);
    home.end(end).await;
    // At the very next request, in every use that there is of each token.
    for tokens in &home.tokens {
        assert!(!is_good(&home.server, text(tokens, "access_token")).await, "{end:?}");
        let bought = refresh(&home.server, text(tokens, "refresh_token")).await;
        assert_eq!(said(bought), (400, "invalid_grant".to_owned()), "{end:?}");
    }
    assert_ne!(home.server.redeem(&home.issued).await.0, StatusCode::OK, "{end:?}");
    assert_eq!(is_good(&home.server, &home.phone).await, !end.is_of_the_phone(), "{end:?}");
    if end.is_of_the_phone() {
        let scan = json!({"scan_code": home.server.scan_code(&home.server.issue().await)});
        for (method, path, body) in [
            (Method::POST, "/v1/scans", scan),
            (Method::POST, "/v1/scans/confirm", json!({"confirm_token": home.confirm_token})),
            (Method::GET, "/v1/sessions", Value::Null),
            (Method::GET, "/v1/notifications", Value::Null),
            (Method::DELETE, "/v1/sessions?others=true", Value::Null),
        ] {
            let refused = home.server.call(method, path, &home.phone, body).await;
            assert_eq!(said(refused), (401, "unauthenticated".to_owned()), "{end:?} {path}");
        }
        assert_eq!(close_code(&mut told).await, Some(close::SESSION_ENDED), "{end:?}");
        assert_eq!(status(&home.server, &home.scanned).await.0, "denied", "{end:?}");
        let Some(Ok(Message::Text(frame))) = feed.next().await else { panic!("{end:?}") };
        assert_eq!(serde_json::from_str::<Value>(&frame).unwrap()["status"], "denied", "{end:?}");
        assert_eq!(close_code(&mut feed).await, Some(close::DONE), "{end:?}");
    }
}

/// Accounts are disabled and removed by another process, which the sockets' server has to hear of.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn outlive_the_account_beside() {
    for what in ["disable", "remove", "password"] {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("saoma.db");
        let store = format!("sqlite:{}", database.display());
        let admin =
            |what: &str| run(&["account", what, "alice", "--store", &store], &format!("{PASSWORD}\n"));
        assert!(admin("add").status.success());
        let program = Program::start(&database, "127.0.0.1:0", &[]);
        let client = program.client();
        let password = Password::new(PASSWORD.to_owned());
        let body = PhoneLogin { username: "alice".to_owned(), password, device_name: None };
        let token = client.log_in(&body).await.unwrap().phone_token;
        let issued = client.issue(&crate::support::pc()).await.unwrap();
        let scan_code = program.url.scan_code_in(&issued.verification_uri_complete).unwrap();
        client.phone(token.clone()).scan(&ScanRequest::scan_code(&scan_code)).await.unwrap();
        let told = "/v1/notifications/events?after=1000";
        let mut told = socket::open(&program.url, told, token.expose()).await;
        let mut feed = socket::open(&program.url, "/v1/login/events", issued.device_code.expose()).await;
        assert!(matches!(feed.next().await, Some(Ok(Message::Text(_)))));
        assert!(admin(what).status.success(), "{what}");
        let closed = async { (close_code(&mut told).await, close_code(&mut feed).await) };
        let closed = tokio::time::timeout(PATIENCE, closed).await;
        assert_eq!(closed, Ok((Some(close::SESSION_ENDED), Some(close::DONE))), "{what}");
        assert!(client.phone(token).me().await.is_err(), "{what}");
    }
}

pub(crate) async fn outlive_the_phone_that_lapsed(on: Backend) {
    const DAY: u64 = 24 * 3600;
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let mut tokens = server.log_pc_in(&phone).await;
    for _ in 0..3 {
        server.advance_secs(29 * DAY);
        let (http, fresh) = refresh(&server, text(&tokens, "refresh_token")).await;
        assert_eq!(http, StatusCode::OK);
        tokens = fresh;
    }
    // Day 90: the PC was refreshed three days ago, and the phone that let it in is gone.
    server.advance_secs(3 * DAY);
    assert!(!is_good(&server, text(&tokens, "access_token")).await);
    assert_eq!(refresh(&server, text(&tokens, "refresh_token")).await.0, StatusCode::BAD_REQUEST);
    assert!(!is_good(&server, &phone).await);
}

pub(crate) async fn log_in_with_a_password_that_is_being_changed(on: Backend) {
    let server = on.server().await;
    let owner = server.phone_token("alice").await;
    let log_in = async || {
        let body = json!({"username": "alice", "password": PASSWORD});
        let response = server.request(Method::POST, "/v1/phones").json(&body).send().await.unwrap();
        let http = response.status();
        (http, response.json::<Value>().await.unwrap())
    };
    let log_ins = join_all((0..8).map(|_| log_in()));
    let change = change_password(&server, &owner, PASSWORD, "another good password");
    let (changed, begun) = tokio::join!(change, log_ins);
    assert_eq!(changed, StatusCode::NO_CONTENT);
    for (http, answer) in begun {
        match http {
            // Let in before the change, and out with it.
            StatusCode::CREATED => assert!(!is_good(&server, text(&answer, "phone_token")).await),
            StatusCode::UNAUTHORIZED | StatusCode::TOO_MANY_REQUESTS => {}
            other => panic!("{other}"),
        }
    }
    assert!(is_good(&server, &owner).await);
}
