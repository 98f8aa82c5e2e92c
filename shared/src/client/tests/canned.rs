//! A server that answers without looking, mostly the same to everything, and remembers what it was asked.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::http::header::{CONTENT_TYPE, HeaderName};
use axum::http::request::Parts;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::client::Client;
use crate::code::PublicUrl;
use crate::id::{LoginId, Tag};
use crate::random::Random;
use crate::secret::{Token, TokenKind};

/// An answer, as the server gives it.
#[derive(Clone)]
pub(super) struct Answer {
    status: u16,
    headers: Vec<(HeaderName, &'static str)>,
    body: String,
}

impl Answer {
    pub(super) fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: String::new() }
    }

    pub(super) fn json(status: u16, body: impl Into<String>) -> Self {
        Self::new(status).with(CONTENT_TYPE, "application/json").saying(body)
    }

    pub(super) fn with(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    pub(super) fn saying(mut self, body: impl Into<String>) -> Self {
        self.body = body.into();
        self
    }

    fn response(self) -> Response {
        let response = Response::builder().status(self.status);
        let response =
            self.headers.into_iter().fold(response, |response, (name, value)| response.header(name, value));
        response.body(Body::from(self.body)).unwrap()
    }
}

/// The server.
pub(super) struct Canned {
    pub(super) client: Client,
    asked: Arc<Mutex<Vec<(Parts, String)>>>,
    serving: JoinHandle<()>,
}

impl Drop for Canned {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Canned {
    pub(super) async fn new(answer: Answer) -> Self {
        Self::with(move |_| answer.clone()).await
    }

    /// Answers the first, the second and so on as `answer` says for 0, 1 and so on.
    pub(super) async fn with(answer: impl Fn(usize) -> Answer + Clone + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = PublicUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let app = Router::new().fallback({
            let asked = Arc::clone(&asked);
            async move |request: Request| {
                let described = describe(request).await;
                let mut asked = asked.lock().unwrap();
                asked.push(described);
                answer(asked.len() - 1).response()
            }
        });
        let serving = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { client: Client::new(server, "test").unwrap(), asked, serving }
    }

    /// What it was asked, one request a paragraph.
    pub(super) fn asked(&self) -> String {
        let asked = self.asked.lock().unwrap();
        asked.iter().map(|(_, described)| described.as_str()).collect::<Vec<_>>().join("\n\n")
    }

    /// The heads of what it was asked.
    pub(super) fn heads(&self) -> Vec<Parts> {
        self.asked.lock().unwrap().iter().map(|(head, _)| head.clone()).collect()
    }
}

async fn describe(request: Request) -> (Parts, String) {
    let mut lines = vec![format!("{} {}", request.method(), request.uri())];
    for name in ["authorization", "prefer", "content-type"] {
        if let Some(value) = request.headers().get(name) {
            lines.push(format!("{name}: {}", value.to_str().unwrap()));
        }
    }
    let (head, body) = request.into_parts();
    let body = to_bytes(body, 16 * 1024).await.unwrap();
    lines.push(String::from_utf8(body.to_vec()).unwrap());
    (head, lines.join("\n").trim_end().to_owned())
}

/// No chance at all, so that what is sent can be written down.
struct Zeros;

impl Random for Zeros {
    fn fill(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// The one token of its kind in these tests: its prefix, `00`, and 43 letters A.
pub(super) fn token<K: TokenKind>() -> Token<K> {
    let tag: Tag = LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &Zeros).tag();
    Token::generate(tag, &Zeros)
}
