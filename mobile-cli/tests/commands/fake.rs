//! A server that answers what a test tells it to.

use std::collections::{HashMap, VecDeque};
use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::any;
use axum::serve::ListenerExt as _;
use serde_json::{Value, json};
use shared::problem::{Problem, ProblemCode};

/// A request, as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// `POST /v1/scans`, with the query.
    pub(crate) call: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Value,
}

enum Answer {
    Body(u16, Value),
    /// The connection breaks off.
    Lost,
}

#[derive(Default)]
struct Script {
    answers: HashMap<String, VecDeque<Answer>>,
    frames: Vec<Value>,
    seen: Vec<Seen>,
}

/// The server. It ends with the test.
pub(crate) struct Fake {
    address: SocketAddr,
    script: Arc<Mutex<Script>>,
    connections: Arc<AtomicUsize>,
}

impl Fake {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        listener.set_nonblocking(true).unwrap();
        let fake = Self { address, script: Arc::default(), connections: Arc::default() };
        let routes = Router::new()
            .route("/v1/notifications/events", any(frames))
            .fallback(answer)
            .with_state(Arc::clone(&fake.script));
        let connections = Arc::clone(&fake.connections);
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let counted = listener.tap_io(move |_| {
                    connections.fetch_add(1, Ordering::Relaxed);
                });
                axum::serve(counted, routes).await.unwrap();
            });
        });
        fake
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The text of a QR code of this server.
    pub(crate) fn scan_url(&self, code: &str) -> String {
        format!("{}/Q/{code}", self.url().to_uppercase())
    }

    /// Says what the next such call is answered with, after what was said before.
    pub(crate) fn answers(&self, call: &str, status: u16, body: Value) -> &Self {
        self.push(call, Answer::Body(status, body))
    }

    pub(crate) fn refuses(&self, call: &str, code: ProblemCode) -> &Self {
        self.refuses_with(call, &code.into())
    }

    pub(crate) fn refuses_with(&self, call: &str, problem: &Problem) -> &Self {
        self.push(call, Answer::Body(problem.status, json!(problem)))
    }

    /// The next such call is heard, and its answer gets lost.
    pub(crate) fn loses(&self, call: &str) -> &Self {
        self.push(call, Answer::Lost)
    }

    /// Forgets what was told and not asked for.
    pub(crate) fn forget(&self) {
        self.script.lock().unwrap().answers.clear();
    }

    /// What every WebSocket brings.
    pub(crate) fn sends(&self, frame: Value) -> &Self {
        self.script.lock().unwrap().frames.push(frame);
        self
    }

    /// The requests so far.
    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.script.lock().unwrap().seen.clone()
    }

    /// The calls so far, without what was in them.
    pub(crate) fn calls(&self) -> Vec<String> {
        self.seen().into_iter().map(|seen| seen.call).collect()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    fn push(&self, call: &str, answer: Answer) -> &Self {
        self.script.lock().unwrap().answers.entry(call.to_owned()).or_default().push_back(answer);
        self
    }
}

/// Answers as it was told to, or lets the connection break off.
async fn answer(State(script): State<Arc<Mutex<Script>>>, request: Request) -> Response {
    let call = format!("{} {}", request.method(), request.uri());
    let authorization = request.headers().get(header::AUTHORIZATION);
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    let body: Bytes = to_bytes(request.into_body(), 1 << 20).await.unwrap();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    let answer = {
        let mut script = script.lock().unwrap();
        script.seen.push(Seen { call: call.clone(), authorization, body });
        script.answers.get_mut(&call).and_then(VecDeque::pop_front)
    };
    match answer {
        Some(Answer::Body(204, _)) => StatusCode::NO_CONTENT.into_response(),
        Some(Answer::Body(status, body)) => (
            StatusCode::from_u16(status).unwrap(),
            [(header::CONTENT_TYPE, "application/json")],
            body.to_string(),
        )
            .into_response(),
        // Takes the connection down with it, without a panic's noise.
        Some(Answer::Lost) => std::panic::resume_unwind(Box::new(())),
        None => (StatusCode::IM_A_TEAPOT, format!("no answer was told for {call}")).into_response(),
    }
}

/// Sends the frames, unless it was told to answer otherwise.
async fn frames(script: State<Arc<Mutex<Script>>>, upgrade: WebSocketUpgrade, request: Request) -> Response {
    let call = format!("{} {}", request.method(), request.uri());
    if script.lock().unwrap().answers.get(&call).is_some_and(|answers| !answers.is_empty()) {
        return answer(script, request).await;
    }
    let frames = script.lock().unwrap().frames.clone();
    upgrade.on_upgrade(async move |mut socket: WebSocket| {
        for frame in frames {
            socket.send(Message::text(frame.to_string())).await.unwrap();
        }
        while let Some(Ok(_)) = socket.recv().await {}
    })
}
