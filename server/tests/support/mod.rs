//! A server on a real socket, with a clock that the test holds, and people to use it.

#![allow(dead_code, reason = "each test file uses its own part of this")]

pub(crate) mod faulty;
pub(crate) mod nodes;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod redis;
pub(crate) mod socket;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use server::clock::Clock;
use server::store::Store;
use server::store::sqlite::SqliteStore;
use server::{App, Listener, Settings};
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE, Password, PhoneLogin, Registration};
use shared::client::{Client, IssueRequest, Phone};
use shared::code::PublicUrl;
use shared::random::OsRandom;
use shared::secret::ServerSecret;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The password of everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// When everything here begins, by the clock that the test holds.
pub(crate) const NOW: &str = "2026-11-23T12:00:00Z";

/// When a held clock begins.
pub(crate) const START: &str = "2026-11-23T12:00:00Z";

/// A server that stops with its test.
pub(crate) struct Server {
    pub(crate) url: PublicUrl,
    pub(crate) addr: SocketAddr,
    pub(crate) clock: Clock,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) http: reqwest::Client,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    /// With open registration, in memory.
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With settings of the test's own.
    pub(crate) async fn start_with(set: impl FnOnce(&mut Settings)) -> Self {
        Self::start_on(|store| store, set).await
    }

    /// With a store in memory that the test wraps in something.
    pub(crate) async fn start_on(
        wrap: impl FnOnce(Arc<dyn Store>) -> Arc<dyn Store>,
        set: impl FnOnce(&mut Settings),
    ) -> Self {
        Self::start_over(|clock| wrap(in_memory(clock)), set).await
    }

    /// With a store of the test's own, which goes by the clock that it is given.
    pub(crate) async fn start_over(
        make: impl FnOnce(Clock) -> Arc<dyn Store>,
        set: impl FnOnce(&mut Settings),
    ) -> Self {
        let clock = Clock::held(NOW.parse().unwrap());
        let store = make(clock.clone());
        Self::start_from(clock, store, ServerSecret::generate(&OsRandom), set).await
    }

    /// With all that a server finds when it starts.
    pub(crate) async fn start_from(
        clock: Clock,
        store: Arc<dyn Store>,
        secret: ServerSecret,
        set: impl FnOnce(&mut Settings),
    ) -> Self {
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = socket.local_addr().unwrap();
        let url = PublicUrl::parse(&format!("http://{addr}")).unwrap();
        let mut settings = Settings { open_registration: true, ..Settings::new(url.clone()) };
        set(&mut settings);
        let app = App::new(settings, store.clone(), clock.clone(), Arc::new(OsRandom), secret);
        let (stop, stopped) = oneshot::channel();
        let served = tokio::spawn(server::serve(Listener { socket, tls: None }, app, async move {
            let _ = stopped.await;
        }));
        Self { url, addr, clock, store, http: http(), stop: Some(stop), served }
    }

    /// Stops as SIGTERM would, and waits for the end.
    pub(crate) async fn stop(mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        (&mut self.served).await.unwrap().unwrap();
    }

    /// Moves the held clock on.
    pub(crate) fn advance_secs(&self, secs: u64) {
        self.clock.advance(Duration::from_secs(secs));
    }

    /// The typed client.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url.clone(), "tests").unwrap()
    }

    /// A phone of a new account.
    pub(crate) async fn phone(&self, username: &str) -> Phone {
        let password = Password::new(PASSWORD.to_owned());
        let body = Registration { username: username.to_owned(), password };
        self.client().register(&body).await.unwrap();
        self.another_phone(username).await
    }

    /// Another phone of an account.
    pub(crate) async fn another_phone(&self, username: &str) -> Phone {
        let password = Password::new(PASSWORD.to_owned());
        let device_name = Some(format!("{username}'s phone"));
        let body = PhoneLogin { username: username.to_owned(), password, device_name };
        let logged_in = self.client().log_in(&body).await.unwrap();
        self.client().phone(logged_in.phone_token)
    }

    /// A login of a PC.
    pub(crate) async fn issue(&self) -> DeviceAuthorization {
        self.client().issue(&pc()).await.unwrap()
    }

    /// The scan code in the QR of a login.
    pub(crate) fn scan_code(&self, issued: &DeviceAuthorization) -> String {
        self.url.scan_code_in(&issued.verification_uri_complete).unwrap().as_str().to_owned()
    }

    /// A request with nothing but what is said.
    pub(crate) fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        self.http.request(method, self.url.join(path))
    }

    /// A form, to `/oauth/*`.
    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Response {
        self.request(Method::POST, path).form(fields).send().await.unwrap()
    }

    /// A redeem, with its HTTP status and body.
    pub(crate) async fn redeem(&self, issued: &DeviceAuthorization) -> (StatusCode, Value) {
        let device_code = issued.device_code.expose();
        let fields =
            [("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "tests")];
        let response = self.form("/oauth/token", &fields).await;
        (response.status(), response.json().await.unwrap())
    }

    /// A JSON call of a phone, with its HTTP status and body.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Value,
    ) -> (StatusCode, Value) {
        let request = self.request(method, path).bearer_auth(token).json(&body);
        let response = request.send().await.unwrap();
        let status = response.status();
        (status, response.json().await.unwrap_or(Value::Null))
    }

    /// A phone's token for a new account, for raw calls.
    pub(crate) async fn phone_token(&self, username: &str) -> String {
        let body = json!({"username": username, "password": PASSWORD});
        self.request(Method::POST, "/v1/accounts").json(&body).send().await.unwrap();
        self.log_in(username).await
    }

    /// A phone's token for an account, for raw calls.
    pub(crate) async fn log_in(&self, username: &str) -> String {
        let body = json!({"username": username, "password": PASSWORD, "device_name": "phone"});
        let response = self.request(Method::POST, "/v1/phones").json(&body).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        response.json::<Value>().await.unwrap()["phone_token"].as_str().unwrap().to_owned()
    }

    /// A scan by a phone's token; answers the confirm token.
    pub(crate) async fn scan(&self, phone: &str, issued: &DeviceAuthorization) -> String {
        let body = json!({"scan_code": self.scan_code(issued)});
        let (status, answer) = self.call(Method::POST, "/v1/scans", phone, body).await;
        assert_eq!(status, StatusCode::OK, "{answer}");
        answer["confirm_token"].as_str().unwrap().to_owned()
    }

    /// A whole login for a phone's token; answers the PC's token answer.
    pub(crate) async fn log_pc_in(&self, phone: &str) -> Value {
        let issued = self.issue().await;
        let confirm_token = self.scan(phone, &issued).await;
        let body = json!({"confirm_token": confirm_token});
        let (status, _) = self.call(Method::POST, "/v1/scans/confirm", phone, body).await;
        assert_eq!(status, StatusCode::OK);
        let (status, tokens) = self.redeem(&issued).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        tokens
    }

    /// The kinds of an account's notices, oldest first, with their counts.
    pub(crate) async fn notices(&self, phone: &str) -> Vec<(String, u64)> {
        let (_, body) = self.call(Method::GET, "/v1/notifications", phone, Value::Null).await;
        let notices = body["notifications"].as_array().unwrap();
        notices
            .iter()
            .map(|n| (n["kind"].as_str().unwrap().to_owned(), n["count"].as_u64().unwrap()))
            .collect()
    }
}

/// A client that adds nothing and follows nothing.
pub(crate) fn http() -> reqwest::Client {
    // reqwest was built without a provider of its own.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap()
}

/// SQLite, as a trial has it.
pub(crate) fn in_memory(clock: Clock) -> Arc<dyn Store> {
    Arc::new(SqliteStore::in_memory(clock).unwrap())
}

/// What the PCs here say of themselves.
pub(crate) fn pc() -> IssueRequest {
    IssueRequest {
        client_id: "tests".to_owned(),
        device_name: Some("desk".to_owned()),
        device_os: Some("Linux".to_owned()),
        device_app: Some("tests".to_owned()),
        ..IssueRequest::default()
    }
}
