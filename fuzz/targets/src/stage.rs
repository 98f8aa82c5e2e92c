//! A server on a real socket, with a clock that is held, for as long as it is fresh.
//!
//! ```text
//! on_stage --> House { server, scene, connection } --> play one input --> is all as it should be?
//!                 ^                                                              |
//!                 '--- kept for the next input; anew after PLAYS, or after a panic
//! ```
//!
//! The time, the chance and the order of everything are given, so that an input does the same each time.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use server::clock::Clock;
use server::limits::LimitSettings;
use server::store::sqlite::SqliteStore;
use server::store::{OpenCaps, Rate, ResourceServer, Store as _};
use server::{App, Listener, Settings};
use sha2::{Digest as _, Sha256};
use shared::code::PublicUrl;
use shared::id::AccountId;
use shared::random::Random;
use shared::secret::{ClientSecret, ServerSecret, Token};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;

use crate::answer::Answer;
use crate::scene::Scene;

/// Inputs until a server has grown enough and makes room for a new one.
const PLAYS: u32 = 2000;
/// How far the clock moves from one input to the next: so far that a PC may poll again.
const BETWEEN_PLAYS: Duration = Duration::from_secs(2);
/// The longest that anything may take in earnest; far more than it does on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(20);
/// How far the clock is moved for whoever waits: past the longest wait that a client may ask for.
const NUDGE: Duration = Duration::from_secs(56);
/// When that is done, in earnest. Once would do, if it were known that the server has begun to wait.
const NUDGES_AFTER: [Duration; 4] =
    [Duration::from_millis(3), Duration::from_millis(30), Duration::from_millis(300), Duration::from_secs(3)];
/// A name for the server that no socket address is, so that links and proofs are the same each time.
const PUBLIC_URL: &str = "https://login.example.com";
/// The resource server that is registered.
pub(crate) const RESOURCE_SERVER: &str = "shop";

/// Plays one input. The house is kept for the next one, unless this one ends in a panic.
pub(crate) fn on_stage(play: impl AsyncFnOnce(&mut House)) {
    thread_local! {
        static STAGE: RefCell<Option<Stage>> = const { RefCell::new(None) };
    }
    let kept = STAGE.take().filter(|stage| stage.plays < PLAYS);
    let mut stage = kept.unwrap_or_else(Stage::build);
    stage.plays += 1;
    stage.runtime.block_on(async {
        stage.house.clock.advance(BETWEEN_PLAYS);
        stage.house.freshen().await;
        play(&mut stage.house).await;
    });
    STAGE.set(Some(stage));
}

struct Stage {
    house: House,
    plays: u32,
    runtime: Runtime,
}

impl Stage {
    fn build() -> Self {
        let runtime = Builder::new_current_thread().enable_all().build().expect("a runtime");
        let house = runtime.block_on(House::open());
        Self { house, plays: 0, runtime }
    }
}

/// A server, and who uses it.
pub(crate) struct House {
    pub(crate) addr: SocketAddr,
    pub(crate) url: PublicUrl,
    pub(crate) clock: Clock,
    pub(crate) scene: Scene,
    /// The phones of two people, whose tokens outlive scenes.
    pub(crate) phones: [String; 2],
    /// The secret of [`RESOURCE_SERVER`].
    pub(crate) client_secret: String,
    line: Option<SendRequest<Full<Bytes>>>,
    /// Dropped with the house, which the server takes for the sign to stop.
    _stop: oneshot::Sender<()>,
}

impl House {
    async fn open() -> Self {
        let clock = Clock::held(Timestamp::from_second(1_800_000_000).expect("a time"));
        let random = Chance::default();
        let store = Arc::new(SqliteStore::in_memory(clock.clone()).expect("a store in memory"));
        let secret =
            Token::<ClientSecret>::generate(AccountId::generate(clock.now(), &random).tag(), &random);
        let (name, digest) = (RESOURCE_SERVER.to_owned(), secret.digest());
        let client = ResourceServer { name, secret: digest, created_at: clock.now() };
        assert!(store.add_client(client).await.expect("a store in memory"), "a new name");
        let socket = TcpListener::bind("127.0.0.1:0").await.expect("a socket on this machine");
        let addr = socket.local_addr().expect("a bound socket");
        let url = PublicUrl::parse(PUBLIC_URL).expect("a server's address");
        let server_secret = ServerSecret::generate(&random);
        let app = App::new(settings(&url), store, clock.clone(), Arc::new(random), server_secret);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(server::serve(Listener { socket, tls: None }, app, async move {
            // The sender says nothing; that it is dropped is enough.
            _ = stopped.await;
        }));
        let client_secret = secret.expose().to_owned();
        let (scene, phones, line) = (Scene::default(), Default::default(), None);
        let mut house = Self { addr, url, clock, scene, phones, client_secret, line, _stop: stop };
        for (at, name) in ["alice", "bobby"].into_iter().enumerate() {
            house.phones[at] = Scene::phone(&mut house, name).await;
        }
        house
    }

    /// Sets the scene anew, if what was played has used it up.
    async fn freshen(&mut self) {
        if self.scene.is_over(self.clock.now()) {
            self.scene = Scene::set(self).await;
        }
    }

    /// Sends a request and takes the answer, which is checked for what holds of all answers.
    pub(crate) async fn send(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let answer = tokio::time::timeout(AT_ONCE, self.exchange(request)).await.expect("an answer at once");
        answer.check();
        answer
    }

    /// Sends a request that may be held until the clock moves, and moves it: then there must be an answer.
    pub(crate) async fn send_and_wait(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let clock = self.clock.clone();
        let nudge = async {
            for after in NUDGES_AFTER {
                tokio::time::sleep(after).await;
                clock.advance(NUDGE);
            }
            std::future::pending().await
        };
        tokio::select! {
            answer = self.send(request) => answer,
            never = nudge => never,
        }
    }

    async fn exchange(&mut self, request: Request<Full<Bytes>>) -> Answer {
        let path = request.uri().path().to_owned();
        let kept = self.line.take();
        let mut response = None;
        if let Some(mut line) = kept.filter(|line| !line.is_closed())
            && line.ready().await.is_ok()
        {
            // The server may have closed the connection in this moment, and not have seen the request.
            response = line.send_request(request.clone()).await.ok().map(|response| (response, line));
        }
        let (response, line) = if let Some(response) = response {
            response
        } else {
            let mut line = self.connect().await;
            (line.send_request(request).await.expect("an answer"), line)
        };
        let (head, body) = response.into_parts();
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            return Answer { path, status: head.status, headers: head.headers, body: Bytes::new() };
        }
        let body = body.collect().await.expect("a whole answer").to_bytes();
        self.line = Some(line);
        Answer { path, status: head.status, headers: head.headers, body }
    }

    async fn connect(&self) -> SendRequest<Full<Bytes>> {
        let stream = TcpStream::connect(self.addr).await.expect("a connection to this machine");
        stream.set_nodelay(true).expect("a connected socket");
        let (line, connection) = http1::handshake(TokioIo::new(stream)).await.expect("a connection");
        // How it ends is seen by whoever asks.
        tokio::spawn(async move { _ = connection.with_upgrades().await });
        line
    }
}

/// A request without a body.
pub(crate) fn request(method: &Method, path: &str) -> Request<Full<Bytes>> {
    with_body(method, path, "", Bytes::new())
}

/// A request with a body of some type, which is not named if it is empty.
pub(crate) fn with_body(method: &Method, path: &str, kind: &str, body: Bytes) -> Request<Full<Bytes>> {
    let request = Request::builder().method(method).uri(path).header(header::HOST, "login.example.com");
    let request = if kind.is_empty() { request } else { request.header(header::CONTENT_TYPE, kind) };
    request.body(Full::new(body)).expect("a request")
}

/// Limits that let everything through that costs little; passwords, which cost much, are limited as usual.
fn settings(url: &PublicUrl) -> Settings {
    let usual = LimitSettings::default();
    let often = Rate { count: 1_000_000, per: Duration::from_mins(1) };
    let limits = LimitSettings {
        issue: often,
        open: OpenCaps { per_address: 1_000_000, total: 1_000_000 },
        register: Rate { count: 2, per: Duration::from_mins(30) },
        ..usual
    };
    Settings {
        open_registration: true,
        code_lifetime: Duration::from_mins(10),
        limits,
        // The fuzzer's own address: what it says of others is read.
        trusted_proxies: vec!["127.0.0.0/8".parse().expect("a network")],
        ..Settings::new(url.clone())
    }
}

/// Bytes that look like chance and are the same each time.
#[derive(Clone, Default)]
struct Chance(Arc<AtomicU64>);

impl Random for Chance {
    fn fill(&self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(32) {
            let block = Sha256::digest(self.0.fetch_add(1, Ordering::Relaxed).to_le_bytes());
            chunk.copy_from_slice(&block[..chunk.len()]);
        }
    }
}
