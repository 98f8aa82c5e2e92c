//! What is measured, for whoever runs the server.
//!
//! Every label is a word of this program's own text: the type `Label` can hold nothing else. So no name, address,
//! id or code can get into a metric, and there are only so many series, whoever does what.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::{ConstGauge, Gauge};
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use shared::login::{Event, Login, Status};

use crate::clock::Clock;
use crate::store::Map;

/// A label's name, and its value.
type Label = (&'static str, &'static str);
type Counters = Family<[Label; 1], Counter>;
type Gauges = Family<[Label; 2], Gauge>;
type Histograms = Family<[Label; 2], Histogram>;

/// The upper bounds of what is told apart, in seconds: from a look into memory to a client's patience.
const LATENCIES: [f64; 16] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// What becomes of logins.
const OUTCOMES: [&str; 5] = ["issued", "logged_in", "denied", "cancelled", "expired"];
/// What moves a login on.
const TRANSITIONS: [&str; 9] =
    ["scan", "confirm", "redeem", "deny", "cancel", "expire", "evict", "phone_ended", "check_failed"];
/// The limits by which something can be refused.
const LIMITS: [&str; 13] = [
    "issue",
    "open",
    "scan",
    "user-code",
    "user-code-ip",
    "device-code",
    "poll",
    "password",
    "password-ip",
    "password-account",
    "register",
    "body",
    "in-hand",
];

/// All that is measured.
pub struct Metrics {
    registry: Registry,
    clock: Clock,
    logins: Counters,
    transitions: Counters,
    refused: Counters,
    waiters: Gauges,
    pushes: Histograms,
    store_calls: Histograms,
    /// Those of `store_calls` that were used, by where the words of their labels are: to find one there takes longer
    /// than a look into memory.
    used: RwLock<Map<[usize; 2], Histogram>>,
    connections: Gauge,
    in_hand: Gauge,
}

/// What somebody waits for, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Waiting {
    /// A PC for its login, with a WebSocket.
    LoginSocket,
    /// A PC for its login, with a long poll.
    LoginLongPoll,
    /// A phone for notifications, with a WebSocket.
    NoticeSocket,
    /// A phone for notifications, with a long poll.
    NoticeLongPoll,
}

impl Waiting {
    const ALL: [Self; 4] = [Self::LoginSocket, Self::LoginLongPoll, Self::NoticeSocket, Self::NoticeLongPoll];

    fn labels(self) -> [Label; 2] {
        let (feed, transport) = match self {
            Self::LoginSocket => ("login", "websocket"),
            Self::LoginLongPoll => ("login", "long_poll"),
            Self::NoticeSocket => ("notifications", "websocket"),
            Self::NoticeLongPoll => ("notifications", "long_poll"),
        };
        [("feed", feed), ("transport", transport)]
    }
}

/// One of those that a gauge counts, for as long as it is there.
#[derive(Debug)]
pub(crate) struct Present(Gauge);

impl Present {
    fn of(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Present {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A call of the store, until it is over. One that is dropped before its answer was given up.
struct Call<'a> {
    metrics: &'a Metrics,
    name: &'static str,
    outcome: &'static str,
    began: Duration,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.metrics.called(self.name, self.outcome, self.began);
    }
}

impl Metrics {
    /// Nothing yet. What is measured in seconds goes by `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Arc<Self> {
        let histograms = || Histograms::new_with_constructor(|| Histogram::new(LATENCIES));
        let metrics = Self {
            registry: Registry::default(),
            logins: Counters::default(),
            transitions: Counters::default(),
            refused: Counters::default(),
            waiters: Gauges::default(),
            pushes: histograms(),
            store_calls: histograms(),
            used: RwLock::default(),
            connections: Gauge::default(),
            in_hand: Gauge::default(),
            clock,
        };
        metrics.begin_at_zero();
        Arc::new(Self { registry: metrics.registered(), ..metrics })
    }

    /// Makes the series that are known beforehand: the first time that something happens is a rise, too.
    fn begin_at_zero(&self) {
        for outcome in OUTCOMES {
            drop(self.logins.get_or_create(&[("outcome", outcome)]));
        }
        for kind in TRANSITIONS {
            drop(self.transitions.get_or_create(&[("kind", kind)]));
        }
        for limit in LIMITS {
            drop(self.refused.get_or_create(&[("limit", limit)]));
        }
        for waiting in Waiting::ALL {
            drop(self.waiters.get_or_create(&waiting.labels()));
            drop(self.pushes.get_or_create(&waiting.labels()));
        }
    }

    /// The names and the words. The crate ends each text with a full stop, and each counter with `_total`.
    fn registered(&self) -> Registry {
        let mut all = Registry::default();
        let started_at = self.clock.now().as_duration().as_secs_f64();
        let help = "When the server started, in seconds since 1970";
        all.register("process_start_time_seconds", help, ConstGauge::new(started_at));
        let ours = all.sub_registry_with_prefix("saoma");
        ours.register("build", "The version that runs", Info::new([("version", env!("CARGO_PKG_VERSION"))]));
        ours.register("logins", LOGINS_HELP, self.logins.clone());
        ours.register("transitions", TRANSITIONS_HELP, self.transitions.clone());
        ours.register("refused", "What a limit refused, by limit", self.refused.clone());
        ours.register("waiters", "Who waits now, by what for and how", self.waiters.clone());
        ours.register("connections", CONNECTIONS_HELP, self.connections.clone());
        ours.register("requests_in_hand", IN_HAND_HELP, self.in_hand.clone());
        ours.register_with_unit("push", PUSH_HELP, Unit::Seconds, self.pushes.clone());
        ours.register_with_unit("store_call", STORE_CALL_HELP, Unit::Seconds, self.store_calls.clone());
        all
    }

    /// A login was issued.
    pub(crate) fn issued(&self) {
        self.logins.get_or_create(&[("outcome", "issued")]).inc();
    }

    /// A step was committed. A scan that is repeated, a wrong digit and a repeated redeem are no transitions.
    pub(crate) fn stepped(&self, before: &Login, after: &Login, event: &Event) {
        if before.version == after.version {
            return;
        }
        let status = after.state.status();
        self.transitions.get_or_create(&[("kind", kind(event, status))]).inc();
        if status.is_terminal() {
            self.logins.get_or_create(&[("outcome", status.as_str())]).inc();
        }
    }

    /// A limit refused something.
    pub(crate) fn refused(&self, limit: &'static str) {
        debug_assert!(LIMITS.contains(&limit), "{limit} is not among the limits that begin at zero");
        self.refused.get_or_create(&[("limit", limit)]).inc();
    }

    /// Somebody waits, until this is dropped.
    pub(crate) fn waits(&self, waiting: Waiting) -> Present {
        Present::of(&self.waiters.get_or_create(&waiting.labels()))
    }

    /// A waiter was sent what it waited for. It had heard at that time that there is something; None if it found that
    /// without waiting, which is no push.
    pub(crate) fn pushed(&self, waiting: Waiting, heard_at: Option<Duration>) {
        if let Some(heard_at) = heard_at {
            self.observe(&self.pushes, waiting.labels(), heard_at);
        }
    }

    /// A connection is open, until this is dropped.
    pub(crate) fn connection(&self) -> Present {
        Present::of(&self.connections)
    }

    /// A request is worked on, until this is dropped.
    pub(crate) fn in_hand(&self) -> Present {
        Present::of(&self.in_hand)
    }

    /// Makes a call of the store, and notes how long it took and what became of it.
    pub(crate) async fn store_call<T, E>(
        &self,
        name: &'static str,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let mut call = Call { metrics: self, name, outcome: "abandoned", began: self.clock.counted() };
        let answer = answer.await;
        call.outcome = if answer.is_ok() { "ok" } else { "failed" };
        answer
    }

    fn called(&self, name: &'static str, outcome: &'static str, since: Duration) {
        let words = [name, outcome].map(|word| word.as_ptr().addr());
        let took = self.clock.counted().saturating_sub(since).as_secs_f64();
        if let Some(histogram) = self.used.read().unwrap_or_else(PoisonError::into_inner).get(&words) {
            return histogram.observe(took);
        }
        let histogram = self.store_calls.get_or_create(&[("call", name), ("outcome", outcome)]).clone();
        histogram.observe(took);
        self.used.write().unwrap_or_else(PoisonError::into_inner).insert(words, histogram);
    }

    fn observe(&self, histograms: &Histograms, labels: [Label; 2], since: Duration) {
        let took = self.clock.counted().saturating_sub(since);
        histograms.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// All of it, as OpenMetrics has it written.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // A string takes whatever is written to it.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

const LOGINS_HELP: &str = "Logins that this server issued, and logins that it brought to an end, by outcome";

const TRANSITIONS_HELP: &str = "Transitions of logins that this server committed, by what caused them";

const CONNECTIONS_HELP: &str = "Connections that are open now, those of the admin plane not counted";

const IN_HAND_HELP: &str = "Requests that are worked on now; those that only wait are not counted";

const PUSH_HELP: &str = "From when this server learned of a change to when a waiter was sent it. Learned of: a change \
    made here when it was durable, one made by another server when its message arrived (or, if that was lost, when it \
    was looked for), a login's running out when the waiter's timer rang. Sent: a frame when the system has taken it, a \
    long poll's answer when it was handed over to be written. What was there already when the waiter came is not \
    counted";

const STORE_CALL_HELP: &str = "How long calls of the store took, by call and outcome: ok, failed (the store is away), \
    or abandoned (whoever asked has gone, or would wait no longer)";

fn kind(event: &Event, after: Status) -> &'static str {
    match event {
        Event::Scan { .. } => "scan",
        Event::Confirm { .. } => "confirm",
        Event::Deny { .. } => "deny",
        // The last of the wrong digits.
        Event::Redeem { .. } if after == Status::Denied => "check_failed",
        Event::Redeem { .. } => "redeem",
        Event::Cancel => "cancel",
        Event::PhoneEnded => "phone_ended",
        Event::Evict => "evict",
        Event::Tick => "expire",
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_push_is_timed_from_when_it_was_heard_of() {
        let clock = Clock::held(Timestamp::UNIX_EPOCH);
        let metrics = Metrics::new(clock.clone());
        let heard_at = clock.counted();
        clock.advance(Duration::from_secs(2));
        metrics.pushed(Waiting::LoginSocket, Some(heard_at));
        metrics.pushed(Waiting::LoginSocket, None);
        let text = metrics.text();
        for line in [
            r#"saoma_push_seconds_count{feed="login",transport="websocket"} 1"#,
            r#"saoma_push_seconds_sum{feed="login",transport="websocket"} 2.0"#,
            r#"saoma_push_seconds_bucket{le="1.0",feed="login",transport="websocket"} 0"#,
            r#"saoma_push_seconds_bucket{le="2.5",feed="login",transport="websocket"} 1"#,
            r#"saoma_push_seconds_count{feed="notifications",transport="long_poll"} 0"#,
        ] {
            assert!(text.lines().any(|said| said == line), "no {line} in {text}");
        }
    }

    /// `cargo test --release -p server --lib -- --ignored --nocapture what_measuring_costs`
    #[tokio::test]
    #[ignore = "a measurement, to be looked at"]
    async fn what_measuring_costs() {
        const TIMES: u32 = 1_000_000;
        let clock = Clock::system();
        let metrics = Metrics::new(clock.clone());
        let measure = |what: &str, began: Duration, times: u32| {
            println!("{what:<28} {:>12?}", clock.counted().saturating_sub(began) / times);
        };
        let began = clock.counted();
        for _ in 0..TIMES {
            metrics.store_call("find", async { Ok::<_, ()>(std::hint::black_box(7)) }).await.unwrap();
        }
        measure("a call of the store", began, TIMES);
        let began = clock.counted();
        for _ in 0..TIMES {
            drop(std::hint::black_box(metrics.in_hand()));
        }
        measure("a request in hand", began, TIMES);
        let began = clock.counted();
        for _ in 0..TIMES {
            metrics.refused("issue");
        }
        measure("what a limit refused", began, TIMES);
        for call in ["insert", "commit", "phone", "pc", "take", "due", "purge", "ping", "seen", "notices"] {
            metrics.store_call(call, async { Ok::<_, ()>(()) }).await.unwrap();
        }
        let began = clock.counted();
        for _ in 0..1000 {
            std::hint::black_box(metrics.text());
        }
        measure("/metrics", began, 1000);
        println!("{:<28} {:>12}", "its bytes", metrics.text().len());
    }

    #[tokio::test]
    async fn a_call_that_is_given_up_is_timed_as_well() {
        let clock = Clock::held(Timestamp::UNIX_EPOCH);
        let metrics = Metrics::new(clock.clone());
        let mut call = Box::pin(metrics.store_call("ping", std::future::pending::<Result<(), ()>>()));
        assert!(futures_util::FutureExt::now_or_never(&mut call).is_none());
        clock.advance(Duration::from_secs(3));
        drop(call);
        let text = metrics.text();
        let line = r#"saoma_store_call_seconds_sum{call="ping",outcome="abandoned"} 3.0"#;
        assert!(text.lines().any(|said| said == line), "{text}");
    }
}
