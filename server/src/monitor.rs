//! The admin plane: whether the server is alive, whether it should be sent work, and what it measures.
//!
//! ```text
//! GET /healthz   200 ok                it runs
//! GET /readyz    200 ready             send it work
//!                503 and why           it stops, or its store is away
//! GET /metrics   200                   OpenMetrics text
//! ```
//!
//! It has a listener of its own, for loopback or a private network: nobody is asked who they are, so it tells nothing
//! about anybody. It also has connections of its own, a few, each of which carries one request and ends soon, and the
//! oldest gives way: whoever floods it takes no room from PCs and phones. But a balancer that gets no answer here sends
//! nobody here, so whoever can reach this port can do harm.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use crate::App;
use crate::serve::{accept, http1};

/// The most connections at once: a few monitors and balancers with a few each.
const MAX_CONNECTIONS: usize = 64;
/// How long a connection may be open in all, so that one that reads slowly, too, gives its place up. Longer than the
/// store may take.
const CONNECTION_WITHIN: Duration = Duration::from_secs(4);
/// How long the store may take to answer, before it counts as away.
const PING_WITHIN: Duration = Duration::from_secs(2);
/// How often the store is asked at most, since with SQLite it costs a write: whoever asks sooner is told what was found last.
const PING_EVERY: Duration = Duration::from_secs(1);

/// What is said of a server that takes no more work.
const STOPPING: &str = "stopping";
/// What is said of one that can't work.
const AWAY: &str = "the store is away";

/// Serves the admin plane of `app` without end; it is to be dropped when the server has stopped, and not before: that
/// it stops is among what it tells.
pub async fn serve(socket: TcpListener, app: Arc<App>) {
    let monitor = Arc::new(Monitor { app, asked: Mutex::default() });
    let mut open: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        let (stream, _) = accept(&socket).await;
        open.retain(|connection| !connection.is_finished());
        if open.len() >= MAX_CONNECTIONS
            && let Some(oldest) = open.pop_front()
        {
            oldest.abort();
        }
        let connection = connection(stream, monitor.clone());
        let connection = tokio::spawn(async move {
            if timeout(CONNECTION_WITHIN, connection).await.is_err() {
                tracing::trace!("a connection of the admin plane took too long");
            }
        });
        open.push_back(connection.abort_handle());
    }
}

async fn connection(stream: TcpStream, monitor: Arc<Monitor>) {
    let service = service_fn(move |request: Request<hyper::body::Incoming>| {
        let monitor = monitor.clone();
        async move { Ok::<_, Infallible>(monitor.answer(&request).await) }
    });
    if let Err(error) = http1().keep_alive(false).serve_connection(TokioIo::new(stream), service).await {
        // A failed connection is the client's affair.
        tracing::trace!(%error, "a connection of the admin plane failed");
    }
}

struct Monitor {
    app: Arc<App>,
    /// What came of asking the store, and when. Held while it is asked, so that a crowd asks once.
    asked: Mutex<Option<Asked>>,
}

#[derive(Clone, Copy)]
struct Asked {
    at: Duration,
    answered: bool,
}

impl Monitor {
    async fn answer<B>(&self, request: &Request<B>) -> Response<Full<Bytes>> {
        let reads = matches!(*request.method(), Method::GET | Method::HEAD);
        match request.uri().path() {
            "/healthz" if reads => plain(StatusCode::OK, "ok"),
            "/readyz" if reads => match self.ready().await {
                Ok(()) => plain(StatusCode::OK, "ready"),
                Err(why) => plain(StatusCode::SERVICE_UNAVAILABLE, why),
            },
            "/metrics" if reads => open_metrics(self.app.metrics.text()),
            _ => plain(StatusCode::NOT_FOUND, "not found"),
        }
    }

    /// Whether the server should be sent work, or else why not.
    async fn ready(&self) -> Result<(), &'static str> {
        // Before and after: the store may take its time, and is closed in the end.
        if self.app.is_leaving() {
            return Err(STOPPING);
        }
        let answered = self.store_answers().await;
        if self.app.is_leaving() {
            return Err(STOPPING);
        }
        if answered { Ok(()) } else { Err(AWAY) }
    }

    async fn store_answers(&self) -> bool {
        let mut asked = self.asked.lock().await;
        let clock = &self.app.clock;
        if let Some(last) = *asked
            && clock.counted().saturating_sub(last.at) < PING_EVERY
        {
            return last.answered;
        }
        let answered = matches!(timeout(PING_WITHIN, self.app.store.ping()).await, Ok(Ok(())));
        *asked = Some(Asked { at: clock.counted(), answered });
        answered
    }
}

fn plain(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let body = Full::new(Bytes::from_static(text.as_bytes()));
    answer(status, "text/plain; charset=utf-8", body)
}

fn open_metrics(text: String) -> Response<Full<Bytes>> {
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    answer(StatusCode::OK, kind, Full::new(text.into()))
}

fn answer(status: StatusCode, kind: &'static str, body: Full<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}
