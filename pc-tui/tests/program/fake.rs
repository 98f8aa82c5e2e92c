//! A stand-in for the server: one login at a time, moved on by the test.

use std::collections::{BTreeSet, HashMap};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::json;
use shared::api::{Snapshot, Status};
use shared::dpop::{Proof, Thumbprint};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::time::timeout;

/// Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The session that every login earns.
pub(crate) const SESSION: &str = "01JC0000000000000000000S7K";

/// A server, and what was asked of it.
#[derive(Clone)]
pub(crate) struct Fake {
    pub(crate) address: SocketAddr,
    stage: Arc<Stage>,
}

struct Stage {
    address: SocketAddr,
    login: watch::Sender<Snapshot>,
    calls: watch::Sender<Vec<String>>,
    mood: Mutex<Mood>,
}

/// How the server behaves.
#[derive(Default)]
struct Mood {
    /// How many logins were issued.
    issued: u64,
    /// The number of the tokens that are good.
    tokens: u64,
    /// How many redeems to carry out without an answer.
    lost_redeems: u64,
    /// How many wrong check codes are left, where one is wanted.
    tries_left: Option<u8>,
    /// Whether the session was ended from the phone.
    session_ended: bool,
    /// The keys that were proved.
    keys: BTreeSet<Thumbprint>,
    /// Whether the tokens are good without a key.
    gives_bearer_tokens: bool,
    /// What the server sends for the QR, instead of what it should.
    link: Option<String>,
    /// What it says of who scanned, and who logged in, instead of what it should.
    scanner: Option<String>,
    username: Option<String>,
    /// Whether it leaves the question open whose session it is.
    holds_back: bool,
    /// What it refuses to issue a login with, and to tell of one.
    refusals: HashMap<&'static str, (u16, serde_json::Value)>,
}

impl Fake {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let stage = Arc::new(Stage {
            address,
            login: watch::Sender::new(unscanned()),
            calls: watch::Sender::new(Vec::new()),
            mood: Mutex::default(),
        });
        let app = Router::new()
            .route("/oauth/device_authorization", post(issue))
            .route("/oauth/token", post(token))
            .route("/oauth/revoke", post(revoke))
            .route("/v1/login", get(status).delete(cancel))
            .route("/v1/me", get(me))
            .with_state(Arc::clone(&stage));
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { address, stage }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What the QR of the `number`-th login holds.
    pub(crate) fn link(&self, number: u64) -> String {
        link(self.address, number)
    }

    /// The phone, or the time, moves the login on.
    pub(crate) fn moves_to(&self, status: Status) {
        self.stage.login.send_modify(|login| {
            login.status = status;
            login.version += 1;
            let scanner = self.stage.mood.lock().unwrap().scanner.clone();
            login.scanned_by = Some(scanner.unwrap_or_else(|| "a***e".to_owned()));
            login.expires_in = if status.is_terminal() { 0 } else { 60 };
        });
    }

    /// Carries out the next redeem, but loses the answer.
    pub(crate) fn loses_an_answer(&self) {
        self.stage.mood.lock().unwrap().lost_redeems = 1;
    }

    /// Gives tokens for the check code 47 only.
    pub(crate) fn wants_digits(&self) {
        self.stage.mood.lock().unwrap().tries_left = Some(3);
    }

    /// How many keys were proved so far.
    pub(crate) fn keys(&self) -> usize {
        self.stage.mood.lock().unwrap().keys.len()
    }

    /// Gives tokens that whoever copies them can use.
    pub(crate) fn gives_bearer_tokens(&self) {
        self.stage.mood.lock().unwrap().gives_bearer_tokens = true;
    }

    pub(crate) fn ends_the_session(&self) {
        self.stage.mood.lock().unwrap().session_ended = true;
    }

    pub(crate) fn sends_as_link(&self, link: &str) {
        self.stage.mood.lock().unwrap().link = Some(link.to_owned());
    }

    /// Says of whoever scans that it is this.
    pub(crate) fn names_the_scanner(&self, name: &str) {
        self.stage.mood.lock().unwrap().scanner = Some(name.to_owned());
    }

    /// Says of whoever is logged in that it is this.
    pub(crate) fn names_the_user(&self, name: &str) {
        self.stage.mood.lock().unwrap().username = Some(name.to_owned());
    }

    /// Leaves every question open whose session it is, or no longer.
    pub(crate) fn holds_back_who_it_is(&self, holds_back: bool) {
        self.stage.mood.lock().unwrap().holds_back = holds_back;
    }

    /// Refuses `issue` or `status` with an answer of the test's own.
    pub(crate) fn refuses(&self, call: &'static str, status: u16, body: serde_json::Value) {
        self.stage.mood.lock().unwrap().refusals.insert(call, (status, body));
    }

    /// What was asked so far, but for the status.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.stage.calls.borrow().clone()
    }

    /// Waits until something was asked.
    pub(crate) async fn is_asked(&self, call: &str) {
        let mut calls = self.stage.calls.subscribe();
        let asked = calls.wait_for(|calls| calls.iter().any(|asked| asked == call));
        timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("nobody asked {call}")).unwrap();
    }
}

fn unscanned() -> Snapshot {
    Snapshot { status: Status::Unscanned, version: 1, expires_in: 120, scanned_by: None, username: None }
}

fn link(address: SocketAddr, number: u64) -> String {
    format!("HTTP://{address}/Q/7K{number:0>24}")
}

fn secret(prefix: &str, number: u64) -> String {
    format!("{prefix}7K{number:0>43}")
}

impl Stage {
    /// Whoever calls proves a key, and the same one every time that it is the same PC.
    fn meet(&self, headers: &HeaderMap, method: &str, path: &str) {
        let proof = Proof::read(headers["dpop"].to_str().unwrap()).unwrap();
        proof.is_for(method, &format!("http://{}{path}", self.address)).unwrap();
        if let Some(shown) = headers.get(header::AUTHORIZATION) {
            let (_, token) = shown.to_str().unwrap().split_once(' ').unwrap();
            proof.is_with(token, true).unwrap();
        }
        self.mood.lock().unwrap().keys.insert(proof.key);
    }

    fn refusal(&self, call: &str) -> Option<Response> {
        let mood = self.mood.lock().unwrap();
        let (status, body) = mood.refusals.get(call)?;
        let kind = [(header::CONTENT_TYPE, "application/json")];
        Some((StatusCode::from_u16(*status).unwrap(), kind, body.to_string()).into_response())
    }

    fn note(&self, call: impl Into<String>) {
        self.calls.send_modify(|calls| calls.push(call.into()));
    }
}

type Fields = Form<HashMap<String, String>>;

async fn issue(State(stage): State<Arc<Stage>>, Form(fields): Fields) -> Response {
    if let Some(refusal) = stage.refusal("issue") {
        return refusal;
    }
    let field = |name: &str| fields.get(name).map_or("-", String::as_str);
    let [client, name, hint] = ["client_id", "device_name", "login_hint"].map(field);
    stage.login.send_replace(unscanned());
    let mut mood = stage.mood.lock().unwrap();
    mood.issued += 1;
    stage.note(format!("issue for {client} on {name} to {hint}"));
    Json(json!({
        "device_code": secret("dc_", mood.issued),
        "user_code": "WDJB-MJHT",
        "verification_uri": format!("http://{}/D", stage.address),
        "verification_uri_complete": mood.link.clone().unwrap_or_else(|| link(stage.address, mood.issued)),
        "expires_in": 120,
        "interval": 2,
    }))
    .into_response()
}

/// Long polls only: a stand-in needs no sockets, and they are the client's own affair.
async fn status(State(stage): State<Arc<Stage>>, headers: HeaderMap) -> Response {
    let known = headers.get(header::IF_NONE_MATCH).map(|tag| tag.to_str().unwrap().to_owned());
    if let Some(refusal) = stage.refusal("status") {
        return refusal;
    }
    let tag = |login: &Snapshot| format!("\"{}\"", login.version);
    let mut login = stage.login.subscribe();
    let login = login.wait_for(|login| known != Some(tag(login))).await.unwrap().clone();
    ([(header::ETAG, tag(&login))], Json(login)).into_response()
}

async fn cancel(State(stage): State<Arc<Stage>>) -> StatusCode {
    stage.note("cancel");
    StatusCode::NO_CONTENT
}

async fn token(State(stage): State<Arc<Stage>>, headers: HeaderMap, Form(fields): Fields) -> Response {
    stage.meet(&headers, "POST", "/oauth/token");
    let refused = |error: &str| (StatusCode::BAD_REQUEST, Json(json!({ "error": error }))).into_response();
    let mut mood = stage.mood.lock().unwrap();
    if let Some(refresh_token) = fields.get("refresh_token") {
        stage.note("refresh");
        if mood.session_ended || *refresh_token != secret("rt_", mood.tokens) {
            return refused("invalid_grant");
        }
    } else {
        stage.note("redeem");
        if stage.login.borrow().status != Status::Confirmed {
            return refused("authorization_pending");
        }
        let typed = fields.get("check_code").map(String::as_str);
        if let Some(tries_left) = mood.tries_left.as_mut().filter(|_| typed != Some("47")) {
            *tries_left -= u8::from(typed.is_some());
            let body =
                json!({ "error": "authorization_pending", "status": "confirmed", "tries_left": tries_left });
            return (StatusCode::BAD_REQUEST, Json(body)).into_response();
        }
    }
    mood.tokens += 1;
    if mood.lost_redeems > 0 {
        mood.lost_redeems -= 1;
        return StatusCode::BAD_GATEWAY.into_response();
    }
    Json(json!({
        "access_token": secret("pc_", mood.tokens),
        "token_type": if mood.gives_bearer_tokens { "Bearer" } else { "DPoP" },
        "expires_in": 3600,
        "refresh_token": secret("rt_", mood.tokens),
    }))
    .into_response()
}

async fn me(State(stage): State<Arc<Stage>>, headers: HeaderMap) -> Response {
    stage.note("me");
    stage.meet(&headers, "GET", "/v1/me");
    if stage.mood.lock().unwrap().holds_back {
        std::future::pending::<()>().await;
    }
    let mood = stage.mood.lock().unwrap();
    let good = format!("DPoP {}", secret("pc_", mood.tokens));
    if mood.session_ended || headers.get(header::AUTHORIZATION).is_none_or(|shown| *shown != *good) {
        let problem = shared::problem::Problem::from(shared::problem::ProblemCode::Unauthenticated);
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        return (StatusCode::UNAUTHORIZED, kind, serde_json::to_string(&problem).unwrap()).into_response();
    }
    let id = "01JC000000000000000000007K";
    let username = mood.username.as_deref().unwrap_or("alice");
    Json(json!({ "id": id, "username": username, "session_id": SESSION })).into_response()
}

async fn revoke(State(stage): State<Arc<Stage>>, Form(fields): Fields) -> StatusCode {
    let is_current = fields["token"] == secret("rt_", stage.mood.lock().unwrap().tokens);
    stage.note(if is_current { "revoke" } else { "revoke something else" });
    StatusCode::OK
}
