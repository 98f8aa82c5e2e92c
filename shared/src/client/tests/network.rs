//! A server that keeps one login, behind a network that may meddle with each request.
//!
//! ```text
//! client --> meddle(what, how often before) --> the server: 1. subscribe, 2. read, 3. wait
//!                    |
//!                    '--> any answer, none at all, or a socket that breaks in some way
//! ```

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::api::{Snapshot, Status};
use crate::client::feed::Pace;
use crate::client::http::Http;
use crate::client::{Client, Feed, News, TransportChoice};
use crate::code::PublicUrl;
use crate::id::LoginId;
use crate::random::OsRandom;
use crate::secret::{DeviceCode, Token};

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Socket,
    Wait,
    Read,
}

/// What becomes of a request.
pub(super) enum Fate {
    /// The server answers it.
    Pass,
    /// Something else answers it.
    Answer(Response),
    /// The connection is closed without an answer.
    Drop,
    /// Nothing ever comes back.
    Hang,
    /// The server has nothing new to tell at the end of so long a wait.
    NothingNewFor(Duration),
    /// The socket is opened, shows the present, and then…
    Open(After),
    /// The socket sends these frames, whatever the login is.
    Frames(Vec<String>),
}

/// …what becomes of it.
#[derive(Clone, Copy, Debug)]
pub(super) enum After {
    /// It breaks without a word.
    Cut,
    /// It is closed with this code.
    Close(u16),
    /// It stays open, and nothing comes any more.
    Mute,
    /// The same, after a ping.
    PingThenMute,
    /// Nothing comes, not even the first frame.
    MuteFromTheStart,
}

type Meddle = Box<dyn Fn(Ask, usize) -> Fate + Send + Sync>;

struct Shared {
    login: watch::Sender<Snapshot>,
    meddle: Meddle,
    seen: Mutex<Vec<(Ask, HeaderMap, String)>>,
    /// Sockets that are open.
    sockets: watch::Sender<usize>,
    /// Pings that were answered.
    pongs: watch::Sender<usize>,
    stopped: watch::Sender<bool>,
}

/// The server, and the network before it.
pub(super) struct Network {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
    pub(super) url: PublicUrl,
}

impl Drop for Network {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

pub(super) fn snapshot(version: u64, status: Status) -> Snapshot {
    Snapshot { status, version, expires_in: 100, scanned_by: None, username: None }
}

pub(super) fn device_code() -> Token<DeviceCode> {
    let tag = LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &OsRandom).tag();
    Token::generate(tag, &OsRandom)
}

impl Network {
    pub(super) async fn start(meddle: impl Fn(Ask, usize) -> Fate + Send + Sync + 'static) -> Self {
        Self::start_at(TcpListener::bind("127.0.0.1:0").await.unwrap(), meddle)
    }

    pub(super) fn start_at(
        listener: TcpListener,
        meddle: impl Fn(Ask, usize) -> Fate + Send + Sync + 'static,
    ) -> Self {
        let url = PublicUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shared = Arc::new(Shared {
            login: watch::Sender::new(snapshot(1, Status::Unscanned)),
            meddle: Box::new(meddle),
            seen: Mutex::default(),
            sockets: watch::Sender::new(0),
            pongs: watch::Sender::new(0),
            stopped: watch::Sender::new(false),
        });
        let app = Router::new()
            .route("/v1/login", get(login))
            .route("/v1/login/events", get(events))
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        Self { shared, serving, url }
    }

    /// Goes away, with all its connections.
    pub(super) async fn stop(mut self) {
        self.serving.abort();
        let _ = (&mut self.serving).await;
        self.shared.stopped.send_replace(true);
        self.sockets(0).await;
    }

    /// The login goes on.
    pub(super) fn set(&self, version: u64, status: Status) {
        self.shared.login.send_replace(snapshot(version, status));
    }

    /// What was asked so far.
    pub(super) fn asked(&self) -> Vec<Ask> {
        self.shared.seen.lock().unwrap().iter().map(|(ask, ..)| *ask).collect()
    }

    /// How often this was asked so far.
    pub(super) fn count(&self, ask: Ask) -> usize {
        self.asked().iter().filter(|asked| **asked == ask).count()
    }

    /// The headers and addresses of what was asked so far.
    pub(super) fn seen(&self) -> Vec<(Ask, HeaderMap, String)> {
        self.shared.seen.lock().unwrap().clone()
    }

    /// Waits until so many sockets are open.
    pub(super) async fn sockets(&self, open: usize) {
        let mut sockets = self.shared.sockets.subscribe();
        in_time(sockets.wait_for(|sockets| *sockets == open)).await.unwrap();
    }

    /// Waits until a ping was answered.
    pub(super) async fn pong(&self) {
        in_time(self.shared.pongs.subscribe().wait_for(|pongs| *pongs > 0)).await.unwrap();
    }

    pub(super) fn client(&self, pace: Pace) -> Client {
        Client { http: Http::new(self.url.clone(), "test").unwrap(), pace }
    }

    pub(super) fn feed(&self, choice: TransportChoice) -> Feed {
        self.client(HASTE).follow(device_code(), choice)
    }
}

/// As the real pace, but without its patience. What must not happen in a test takes as long as ever.
pub(super) const HASTE: Pace = Pace {
    first_pause: Duration::from_millis(4),
    longest_pause: Duration::from_millis(32),
    poll_interval: Duration::from_millis(20),
    wait: Duration::from_secs(25),
    wait_margin: Duration::from_secs(15),
    greeting: Duration::from_secs(15),
    silence: Duration::from_secs(45),
    settled: Duration::from_secs(10),
};

/// The next news, or a failed test where a feed would wait for ever.
pub(super) async fn next(feed: &mut Feed) -> Option<News> {
    in_time(feed.next()).await
}

/// What must come at once comes in time on the busiest machine.
pub(super) async fn in_time<T>(coming: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), coming).await.expect("it never comes")
}

async fn login(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let wait = request.headers().contains_key("prefer");
    let ask = if wait { Ask::Wait } else { Ask::Read };
    match shared.fate(ask, &request) {
        Fate::Answer(response) => response,
        Fate::Drop => std::panic::resume_unwind(Box::new("the connection breaks off")),
        Fate::Hang => std::future::pending().await,
        Fate::NothingNewFor(wait) => {
            tokio::time::sleep(wait).await;
            StatusCode::NOT_MODIFIED.into_response()
        }
        Fate::Pass | Fate::Open(_) | Fate::Frames(_) => {
            let known = request.headers().get(header::IF_NONE_MATCH);
            let known = known.map(|etag| etag.to_str().unwrap().trim_matches('"').parse::<u64>().unwrap());
            let mut login = shared.login.subscribe();
            let snapshot = match known {
                Some(known) if wait => login.wait_for(|login| login.version != known).await.unwrap().clone(),
                _ => login.borrow().clone(),
            };
            axum::Json(snapshot).into_response()
        }
    }
}

async fn events(
    State(shared): State<Arc<Shared>>,
    upgrade: Result<WebSocketUpgrade, axum::extract::ws::rejection::WebSocketUpgradeRejection>,
    request: Request,
) -> Response {
    let fate = shared.fate(Ask::Socket, &request);
    match fate {
        Fate::Answer(response) => response,
        Fate::Drop => std::panic::resume_unwind(Box::new("the connection breaks off")),
        Fate::Hang | Fate::NothingNewFor(_) => std::future::pending().await,
        Fate::Pass | Fate::Open(_) | Fate::Frames(_) => upgrade.unwrap().on_upgrade(async move |socket| {
            shared.sockets.send_modify(|sockets| *sockets += 1);
            let mut stopped = shared.stopped.subscribe();
            tokio::select! {
                _ = talk(&shared, socket, fate) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
            shared.sockets.send_modify(|sockets| *sockets -= 1);
        }),
    }
}

async fn talk(shared: &Shared, mut socket: WebSocket, fate: Fate) -> Result<(), axum::Error> {
    let frame = |snapshot: &Snapshot| Message::text(serde_json::to_string(snapshot).unwrap());
    let mut login = shared.login.subscribe();
    if let Fate::Frames(frames) = fate {
        for frame in frames {
            socket.send(Message::text(frame)).await?;
        }
        return hush(shared, &mut socket).await;
    }
    if let Fate::Open(After::MuteFromTheStart) = fate {
        return hush(shared, &mut socket).await;
    }
    let present = login.borrow_and_update().clone();
    socket.send(frame(&present)).await?;
    match fate {
        Fate::Open(After::Cut) => return Ok(()),
        Fate::Open(After::Close(code)) => {
            socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await?;
            return hush(shared, &mut socket).await;
        }
        Fate::Open(After::PingThenMute) => {
            socket.send(Message::Ping("there?".into())).await?;
            return hush(shared, &mut socket).await;
        }
        Fate::Open(_) => return hush(shared, &mut socket).await,
        _ => {}
    }
    loop {
        tokio::select! {
            changed = login.changed() => {
                if changed.is_err() { return Ok(()); }
                let present = login.borrow_and_update().clone();
                socket.send(frame(&present)).await?;
                if present.status.is_terminal() {
                    socket.send(Message::Close(None)).await?;
                }
            }
            message = socket.recv() => match message {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}

/// Reads until the other side goes, and says nothing.
async fn hush(shared: &Shared, socket: &mut WebSocket) -> Result<(), axum::Error> {
    while let Some(message) = socket.recv().await {
        if let Message::Pong(_) = message? {
            shared.pongs.send_modify(|pongs| *pongs += 1);
        }
    }
    Ok(())
}

impl Shared {
    fn fate(&self, ask: Ask, request: &Request) -> Fate {
        let mut seen = self.seen.lock().unwrap();
        let before = seen.iter().filter(|(asked, ..)| *asked == ask).count();
        seen.push((ask, request.headers().clone(), request.uri().to_string()));
        drop(seen);
        (self.meddle)(ask, before)
    }
}

/// A page, such as a gateway or a hotel's network answers with.
pub(super) fn page(status: u16) -> Fate {
    let body = "<!DOCTYPE html><title>Hello</title><p>Welcome to the Grand Hotel.";
    let response =
        Response::builder().status(status).header(header::CONTENT_TYPE, "text/html; charset=utf-8");
    Fate::Answer(response.body(Body::from(body)).unwrap())
}

/// A problem, as the server words it.
pub(super) fn problem(code: crate::problem::ProblemCode, retry_after: Option<u64>) -> Fate {
    let problem = crate::problem::Problem { retry_after, ..code.into() };
    let response = Response::builder()
        .status(StatusCode::from_u16(problem.status).unwrap())
        .header(header::CONTENT_TYPE, "application/problem+json");
    Fate::Answer(response.body(Body::from(serde_json::to_vec(&problem).unwrap())).unwrap())
}
