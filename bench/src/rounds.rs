//! Many who work at once, for a while, and what came of it.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;

use crate::now;
use crate::servers::Measured;

/// How long the server is loaded before anything counts.
const WARM_UP: Duration = Duration::from_millis(300);

/// Something that is done again and again.
pub(crate) trait Work {
    async fn once(&mut self) -> anyhow::Result<()>;
}

/// What came of a round.
pub(crate) struct Round {
    pub(crate) per_sec: f64,
    /// What the server's processor took for each.
    pub(crate) cpu_micros: f64,
    /// How long one took, for half of them and for all but one in a hundred.
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
}

/// Has all of them work, as fast as they can.
pub(crate) async fn run<W: Work>(
    server: &Measured,
    workers: &mut [W],
    lasts: Duration,
) -> anyhow::Result<Round> {
    let begins = now() + WARM_UP;
    let ends = begins + lasts;
    let awake = tokio::spawn(stay_awake());
    let used_before = async {
        tokio::time::sleep_until(begins.into()).await;
        server.used()
    };
    let work = try_join_all(workers.iter_mut().map(|worker| until(worker, begins, ends)));
    let (before, took) = tokio::join!(used_before, work);
    awake.abort();
    let (before, after) = (before?, server.used()?);
    let mut took: Vec<Duration> = took?.into_iter().flatten().collect();
    anyhow::ensure!(!took.is_empty(), "nothing was done in {lasts:?}");
    took.sort_unstable();
    #[expect(clippy::cast_precision_loss, reason = "nobody counts as far as that")]
    let count = took.len() as f64;
    Ok(Round {
        per_sec: count / lasts.as_secs_f64(),
        cpu_micros: after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / count,
        p50: took[took.len() / 2],
        p99: took[took.len() * 99 / 100],
    })
}

/// Keeps the load's core busy. Else the server pays for waking it with each answer, and the more so the less it is asked:
/// a price that it pays to nobody whose clients are elsewhere.
async fn stay_awake() {
    loop {
        tokio::task::yield_now().await;
    }
}

/// How long each took that was done between two moments.
async fn until<W: Work>(worker: &mut W, begins: Instant, ends: Instant) -> anyhow::Result<Vec<Duration>> {
    let mut took = Vec::new();
    loop {
        let began = now();
        if began >= ends {
            return Ok(took);
        }
        worker.once().await?;
        let ended = now();
        if began >= begins && ended <= ends {
            took.push(ended - began);
        }
    }
}
