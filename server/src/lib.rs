//! The Saoma server.
//!
//! ```text
//! main ---> config ---> App ---> serve, monitor
//!                        |
//! http/ ---> logins ---> shared::login      what comes of an event: pure
//!   |           \-----> store               what is kept: one commit per step
//!   \--> accounts, sessions, notices, limits ---^
//! ```
//!
//! Begin with [`logins`]: whoever has read a step of it has read the server.

// What the tests in here share with those outside names this crate as they do.
#[cfg(test)]
extern crate self as server;

pub mod accounts;
pub mod address;
pub mod admin;
mod audit;
pub mod clock;
pub mod config;
pub mod http;
pub mod limits;
pub mod logins;
pub mod metrics;
pub mod monitor;
pub mod notices;
mod serve;
pub mod sessions;
pub mod store;
pub mod telemetry;
pub mod waiters;
mod words;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use shared::code::PublicUrl;
use shared::id::SessionId;
use shared::random::Random;
use shared::secret::ServerSecret;
use tokio::sync::{Semaphore, watch};

pub use serve::{Listener, serve};

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::limits::{LimitSettings, Limits};
use crate::logins::Logins;
use crate::metrics::Metrics;
use crate::notices::Notices;
use crate::sessions::Sessions;
use crate::store::{Measured, Store};
use crate::waiters::Waiters;

/// How many may wait for notifications in one phone session's name.
const READERS_PER_SESSION: usize = 4;

/// What a running server may be told.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where clients reach it: the issuer, and what stands in the QR.
    pub public_url: PublicUrl,
    /// Whether anybody may make an account.
    pub open_registration: bool,
    /// How long a login's codes live.
    pub code_lifetime: Duration,
    /// Whether a PC gets its tokens only for the digits that the phone shows.
    pub requires_check_code: bool,
    /// Whether a phone may scan only from the PC's own network.
    pub requires_same_network: bool,
    /// The networks whose PCs may ask to be logged in. Empty: all.
    pub issue_from: Vec<IpNet>,
    /// Proxies whose word about the client's address is taken.
    pub trusted_proxies: Vec<IpNet>,
    /// How often anybody may try what.
    pub limits: LimitSettings,
    /// The largest body of a request, in bytes.
    pub body_limit: usize,
    /// The most connections at once.
    pub max_connections: usize,
    /// The most requests that are worked on at once; what is over is turned away early, rather than late.
    pub max_in_hand: usize,
}

impl Settings {
    /// The defaults, for a server at `public_url`.
    #[must_use]
    pub fn new(public_url: PublicUrl) -> Self {
        Self {
            public_url,
            open_registration: false,
            code_lifetime: Duration::from_mins(2),
            requires_check_code: false,
            requires_same_network: false,
            issue_from: Vec::new(),
            trusted_proxies: Vec::new(),
            limits: LimitSettings::default(),
            body_limit: 16 * 1024,
            max_connections: 50_000,
            max_in_hand: 4096,
        }
    }
}

impl Settings {
    /// Whether a PC at this address may ask to be logged in. Where only some may, one whose address the server
    /// can't tell may not.
    #[must_use]
    pub fn may_issue(&self, from: Option<IpAddr>) -> bool {
        self.issue_from.is_empty()
            || from.is_some_and(|ip| self.issue_from.iter().any(|net| net.contains(&ip)))
    }
}

/// How far a server has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It works.
    Serving,
    /// It works, and says that it is about to stop.
    Leaving,
    /// It finishes what is in hand.
    Draining,
}

/// A running server's parts.
pub struct App {
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) secret: ServerSecret,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) limits: Limits,
    pub(crate) logins: Arc<Logins>,
    pub(crate) accounts: Accounts,
    pub(crate) sessions: Sessions,
    pub(crate) notices: Notices,
    pub(crate) readers: Waiters<SessionId>,
    pub(crate) in_hand: Semaphore,
    pub(crate) metrics: Arc<Metrics>,
    stage: watch::Sender<Stage>,
}

impl App {
    /// Puts the parts together.
    pub fn new(
        settings: Settings,
        store: Arc<dyn Store>,
        clock: Clock,
        random: Arc<dyn Random>,
        secret: ServerSecret,
    ) -> Arc<Self> {
        let metrics = Metrics::new(clock.clone());
        let store: Arc<dyn Store> = Arc::new(Measured::new(store, metrics.clone()));
        let limits = Limits::new(settings.limits, store.clone(), clock.clone(), metrics.clone());
        let logins = Arc::new(Logins::new(
            store.clone(),
            clock.clone(),
            random.clone(),
            secret.clone(),
            limits.clone(),
            metrics.clone(),
            &settings,
        ));
        Arc::new(Self {
            accounts: Accounts::new(store.clone(), clock.clone(), random.clone(), limits.clone()),
            sessions: Sessions::new(store.clone(), clock.clone(), random, logins.clone()),
            notices: Notices::new(store.clone()),
            readers: Waiters::new(READERS_PER_SESSION),
            in_hand: Semaphore::new(settings.max_in_hand),
            metrics,
            stage: watch::Sender::new(Stage::Serving),
            settings,
            clock,
            secret,
            store,
            limits,
            logins,
        })
    }

    /// Resolves when the server begins to stop: whoever waits is told to come back.
    pub(crate) async fn draining(&self) {
        // The sender lives as long as `self`, so this can't fail.
        let _ = self.stage.subscribe().wait_for(|stage| *stage == Stage::Draining).await;
    }

    /// From now on the admin plane says that this server should be sent nobody. It serves on.
    pub fn leave(&self) {
        self.stage.send_replace(Stage::Leaving);
    }

    /// Whether the server stops, or is about to.
    pub(crate) fn is_leaving(&self) -> bool {
        *self.stage.borrow() != Stage::Serving
    }
}
