//! The real server, and what a PC had of it before it had a key.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use server::clock::Clock;
use server::store::sqlite::SqliteStore;
use server::{App, Listener, Settings};
use shared::api::{Password, PhoneLogin, Registration, ScanRequest, TokenAnswer};
use shared::client::{Client, IssueRequest, Phone, Redeemed};
use shared::code::PublicUrl;
use shared::random::OsRandom;
use shared::secret::ServerSecret;
use tokio::net::TcpListener;

/// Starts a server, which ends with the test, and alice's phone.
pub(crate) async fn start() -> (Client, Phone) {
    let clock = Clock::system();
    let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = PublicUrl::parse(&format!("http://{}", socket.local_addr().unwrap())).unwrap();
    let settings = Settings { open_registration: true, ..Settings::new(url.clone()) };
    let store = Arc::new(SqliteStore::in_memory(clock.clone()).unwrap());
    let app = App::new(settings, store, clock, Arc::new(OsRandom), ServerSecret::generate(&OsRandom));
    tokio::spawn(server::serve(Listener { socket, tls: None }, app, std::future::pending()));

    let client = Client::new(url, "tests").unwrap();
    let password = Password::new("correct horse battery staple".to_owned());
    let body = Registration { username: "alice".to_owned(), password: password.clone() };
    client.register(&body).await.unwrap();
    let body = PhoneLogin { username: "alice".to_owned(), password, device_name: None };
    let phone = client.phone(client.log_in(&body).await.unwrap().phone_token);
    (client, phone)
}

/// Scans what a QR holds, and confirms.
pub(crate) async fn lets_in(phone: &Phone, client: &Client, link: &str) {
    let code = client.server().scan_code_in(link).unwrap();
    let scanned = phone.scan(&ScanRequest::scan_code(&code)).await.unwrap();
    phone.confirm(&scanned.confirm_token).await.unwrap();
}

/// Logs this PC in as its program did before it had a key, and keeps the session as it did. Where it is old,
/// its access token is due for a new one.
pub(crate) async fn was_logged_in_without_a_key(client: &Client, phone: &Phone, folder: &Path, is_old: bool) {
    let request = IssueRequest { client_id: "pc-tui".to_owned(), ..IssueRequest::default() };
    let issued = client.issue(&request).await.unwrap();
    lets_in(phone, client, &issued.verification_uri_complete).await;
    let redeemed = client.redeem("pc-tui", &issued.device_code, None).await.unwrap();
    let Redeemed::Tokens(tokens) = redeemed else { panic!("{redeemed:?}") };
    assert_eq!(tokens.token_type, "Bearer");
    let TokenAnswer { access_token, refresh_token, .. } = tokens;
    #[expect(clippy::disallowed_methods, reason = "the program goes by the real clock, too")]
    let now = Timestamp::now();
    let since = now - SignedDuration::from_hours(if is_old { 2 } else { 0 });
    let session = json!({
        "server": client.server().as_str(),
        "since": since,
        "access_token": access_token,
        "access_since": since,
        "access_until": since + SignedDuration::from_hours(1),
        "refresh_token": refresh_token,
    });
    let name = client.server().as_str().replace("://", "@").replace(':', "@");
    fs::write(folder.join(format!("pc-tui.{name}.json")), session.to_string()).unwrap();
}
