//! The machine's clock, set by an hour either way while the server is down.
//!
//! ```text
//!   12:00  issue, scan, log in             on the disk: times, which stay what they are
//!   12:01  stop
//!   11:01  start: set back by an hour      what has not come yet is as far off as its time says
//!   13:01  start: set forward by one       what has come meanwhile is over
//! ```
//!
//! A running server counts time by itself and does not notice. One that starts again goes by the new time: what has
//! come in the meantime is over, what has not is what it was, and whatever was ended stays so.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::clock::Clock;
use server::store::LoginKey;
use server::store::sqlite::SqliteStore;
use shared::api::DeviceAuthorization;
use shared::random::OsRandom;
use shared::secret::ServerSecret;
use tempfile::TempDir;

use crate::scene::{decide, is_good, refresh, said, text};
use crate::support::{NOW, Server};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// A deployment: what is left of a server while it is down.
struct Deployment {
    directory: TempDir,
    secret: ServerSecret,
}

impl Deployment {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap(), secret: ServerSecret::generate(&OsRandom) }
    }

    /// Starts the server at a time.
    async fn start(&self, now: Timestamp) -> Server {
        let clock = Clock::held(now);
        let path: &Path = &self.directory.path().join("saoma.db");
        let store = Arc::new(SqliteStore::open(path, clock.clone()).unwrap());
        Server::start_from(clock, store, self.secret.clone(), |_| {}).await
    }

    /// Stops the server, sets the clock, and starts it again.
    async fn step(&self, server: Server, by: SignedDuration) -> Server {
        let then = server.clock.now() + by;
        server.stop().await;
        self.start(then).await
    }
}

/// A login and the codes of it, which name a server that has moved meanwhile.
struct Coded {
    issued: DeviceAuthorization,
    scan_code: String,
    confirm_token: String,
}

impl Coded {
    async fn issue(server: &Server) -> Self {
        let issued = server.issue().await;
        Self { scan_code: server.scan_code(&issued), issued, confirm_token: String::new() }
    }

    async fn scanned(server: &Server, phone: &str) -> Self {
        let mut coded = Self::issue(server).await;
        coded.confirm_token = server.scan(phone, &coded.issued).await;
        coded
    }

    async fn decided(server: &Server, phone: &str, what: &str) -> Self {
        let coded = Self::scanned(server, phone).await;
        assert_eq!(decide(server, what, phone, &coded.confirm_token).await.0, 200);
        coded
    }

    async fn scan(&self, server: &Server, phone: &str) -> (u16, String) {
        let body = json!({"scan_code": self.scan_code});
        said(server.call(Method::POST, "/v1/scans", phone, body).await)
    }

    async fn redeem(&self, server: &Server) -> (u16, String) {
        said(server.redeem(&self.issued).await)
    }

    /// The seconds that it has left, and when that is.
    async fn left(&self, server: &Server) -> (u64, Timestamp) {
        let key = LoginKey::Device(self.issued.device_code.digest());
        let at = server
            .store
            .find(key)
            .await
            .unwrap()
            .map(std::sync::Arc::unwrap_or_clone)
            .unwrap()
            .runs_out_at()
            .unwrap();
        (server.client().snapshot(&self.issued.device_code).await.unwrap().expires_in, at)
    }
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

/// Everything that can have an end, and has.
struct Ended {
    denied: Coded,
    cancelled: Coded,
    expired: Coded,
    unfinished: Coded,
    used: Coded,
    phone: String,
    tokens: Vec<String>,
    spent: String,
}

impl Ended {
    /// As of a time two minutes before `server`'s.
    async fn on(server: &Server, alice: &str) -> Self {
        let expired = Coded::scanned(server, alice).await;
        let unfinished = Coded::decided(server, alice, "confirm").await;
        server.advance_secs(120);
        // Told of once, which is when it is written down.
        assert_eq!(expired.scan(server, alice).await, refused(410, "code_expired"));
        assert_eq!(unfinished.redeem(server).await, refused(400, "expired_token"));
        let cancelled = Coded::issue(server).await;
        server.client().cancel(&cancelled.issued.device_code).await.unwrap();
        let used = Coded::decided(server, alice, "confirm").await;
        let (_, of_used) = server.redeem(&used.issued).await;
        assert!(is_good(server, text(&of_used, "access_token")).await);
        let mut tokens = vec![text(&of_used, "access_token").to_owned()];
        // Redeemed once more than it may be.
        assert_eq!(used.redeem(server).await, refused(400, "invalid_grant"));
        // Logged out, with the PC that hung on it; revoked; replayed.
        let phone = server.log_in("alice").await;
        tokens.push(text(&server.log_pc_in(&phone).await, "access_token").to_owned());
        server.call(Method::DELETE, "/v1/phones/current", &phone, Value::Null).await;
        let revoked = text(&server.log_pc_in(alice).await, "access_token").to_owned();
        server.form("/oauth/revoke", &[("token", &revoked), ("client_id", "tests")]).await;
        tokens.push(revoked);
        let first = server.log_pc_in(alice).await;
        let spent = text(&first, "refresh_token").to_owned();
        let (_, second) = refresh(server, &spent).await;
        assert_eq!(refresh(server, &spent).await.0, StatusCode::BAD_REQUEST);
        tokens.push(text(&second, "access_token").to_owned());
        let denied = Coded::decided(server, alice, "deny").await;
        Self { denied, cancelled, expired, unfinished, used, phone, tokens, spent }
    }

    /// None of it has come back, and what is still known of it is what was.
    async fn assert_ended(&self, server: &Server, alice: &str, is_forgotten: bool) {
        let or_forgotten =
            |known: (u16, String), unknown: (u16, String)| if is_forgotten { unknown } else { known };
        let no_code = refused(404, "code_not_found");
        let no_grant = refused(400, "invalid_grant");
        for (coded, scanned, redeemed) in [
            (&self.denied, refused(409, "login_closed"), refused(400, "access_denied")),
            (&self.cancelled, refused(409, "login_closed"), refused(400, "access_denied")),
            (&self.expired, refused(410, "code_expired"), refused(400, "expired_token")),
            (&self.unfinished, refused(410, "code_expired"), refused(400, "expired_token")),
            (&self.used, refused(409, "login_closed"), no_grant.clone()),
        ] {
            assert_eq!(coded.scan(server, alice).await, or_forgotten(scanned, no_code.clone()));
            assert_eq!(coded.redeem(server).await, or_forgotten(redeemed, no_grant.clone()));
        }
        for coded in [&self.denied, &self.expired, &self.unfinished, &self.used] {
            for what in ["confirm", "deny"] {
                assert!(decide(server, what, alice, &coded.confirm_token).await.0 >= 400, "{what}");
            }
        }
        assert!(!is_good(server, &self.phone).await);
        for token in &self.tokens {
            assert!(!is_good(server, token).await);
        }
        assert_eq!(refresh(server, &self.spent).await.0, StatusCode::BAD_REQUEST);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn revive_what_has_ended_by_setting_the_clock() {
    for by in [-HOUR, HOUR] {
        let deployment = Deployment::new();
        let server = deployment.start(NOW.parse().unwrap()).await;
        let alice = server.phone_token("alice").await;
        let ended = Ended::on(&server, &alice).await;
        ended.assert_ended(&server, &alice, false).await;
        let server = deployment.step(server, by).await;
        ended.assert_ended(&server, &alice, by > SignedDuration::ZERO).await;
        // Nor by setting it back to what it was.
        let server = deployment.step(server, -by).await;
        ended.assert_ended(&server, &alice, by > SignedDuration::ZERO).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn move_a_deadline_by_setting_the_clock_back() {
    let deployment = Deployment::new();
    let server = deployment.start(NOW.parse().unwrap()).await;
    let alice = server.phone_token("alice").await;
    let tokens = server.log_pc_in(&alice).await;
    server.advance_secs(60);
    let unscanned = Coded::issue(&server).await;
    let scanned = Coded::scanned(&server, &alice).await;
    let confirmed = Coded::decided(&server, &alice, "confirm").await;
    let waiting = [(&unscanned, 120), (&scanned, 120), (&confirmed, 60)];
    let mut ends_at = Vec::new();
    for (coded, secs) in waiting {
        let (left, at) = coded.left(&server).await;
        assert_eq!((left, at), (secs, server.clock.now() + Duration::from_secs(secs)));
        ends_at.push(at);
    }
    let server = deployment.step(server, -HOUR).await;
    for ((coded, secs), at) in waiting.iter().zip(&ends_at) {
        assert_eq!(coded.left(&server).await, (3600 + secs, *at));
    }
    // Use moves none of them, neither now nor when they come.
    assert_eq!(scanned.scan(&server, &alice).await.0, 200);
    assert_eq!(unscanned.redeem(&server).await, refused(400, "authorization_pending"));
    let access = text(&tokens, "access_token");
    assert!(is_good(&server, access).await);
    server.advance_secs(3600 + 59);
    assert_eq!(confirmed.left(&server).await, (1, ends_at[2]));
    server.advance_secs(1);
    assert_eq!(confirmed.redeem(&server).await, refused(400, "expired_token"));
    assert_eq!(scanned.left(&server).await, (60, ends_at[1]));
    server.advance_secs(60);
    for coded in [&unscanned, &scanned] {
        assert_eq!(coded.scan(&server, &alice).await, refused(410, "code_expired"));
        assert_eq!(coded.redeem(&server).await, refused(400, "expired_token"));
    }
    // The access token ends an hour after its issue, by the clock that it was issued by.
    let ends = NOW.parse::<Timestamp>().unwrap() + HOUR;
    let secs = u64::try_from(ends.duration_since(server.clock.now()).as_secs()).unwrap();
    server.advance_secs(secs - 1);
    assert!(is_good(&server, access).await);
    server.advance_secs(1);
    assert!(!is_good(&server, access).await);
    assert_eq!(refresh(&server, text(&tokens, "refresh_token")).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn move_a_deadline_by_setting_the_clock_forward() {
    let deployment = Deployment::new();
    let server = deployment.start(NOW.parse().unwrap()).await;
    let alice = server.phone_token("alice").await;
    let tokens = server.log_pc_in(&alice).await;
    let unscanned = Coded::issue(&server).await;
    let scanned = Coded::scanned(&server, &alice).await;
    let confirmed = Coded::decided(&server, &alice, "confirm").await;
    let server = deployment.step(server, HOUR).await;
    // All of it is over, and most of it forgotten.
    for coded in [&unscanned, &scanned] {
        assert_eq!(coded.scan(&server, &alice).await, refused(404, "code_not_found"));
        assert_eq!(coded.redeem(&server).await, refused(400, "invalid_grant"));
    }
    assert_ne!(confirmed.redeem(&server).await.0, 200);
    assert_eq!(decide(&server, "confirm", &alice, &scanned.confirm_token).await.0, 401);
    let told = server.notices(&alice).await;
    assert!(told.contains(&("login_not_finished".to_owned(), 1)), "{told:?}");
    // Sessions have what they had, less the hour: the access token's hour is over, the rest has long to go.
    assert!(!is_good(&server, text(&tokens, "access_token")).await);
    assert!(is_good(&server, &alice).await);
    let (status, fresh) = refresh(&server, text(&tokens, "refresh_token")).await;
    assert_eq!(status, StatusCode::OK);
    // The clock is set right, and what ended in the meantime stays so.
    let server = deployment.step(server, -HOUR).await;
    for coded in [&unscanned, &scanned, &confirmed] {
        assert_ne!(coded.scan(&server, &alice).await.0, 200);
        assert_ne!(coded.redeem(&server).await.0, 200);
    }
    assert_eq!(refresh(&server, text(&tokens, "refresh_token")).await.0, StatusCode::BAD_REQUEST);
    assert!(!is_good(&server, text(&fresh, "access_token")).await, "it was a replay");
}
