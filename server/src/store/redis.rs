//! The store that many servers share: Redis 7, one instance or a cluster.
//!
//! ```text
//!  node 1 ---- scripts ----> +----------- Redis ------------+ <---- scripts ---- node 2
//!    ^                       | {7K} {7M} …   1,024 partitions |                    ^
//!    '------ 7K: login … ----| {open} names limits …          |---- 7K: login … ---'
//!                            +------------------------------+
//! ```
//!
//! - Whatever belongs to a login, its PC session included, lives in the
//!   login's partition, and so in one slot: one script commits it, all or
//!   nothing. An account with its phones, notices and lists has a partition,
//!   too. Every token names its partition, so that a look-up is one call.
//! - What a change brings for another partition (a notice, mostly) is put into
//!   the outbox of its own in the same breath, and delivered right after; once,
//!   however often it is tried. What a node that died has left there, any other
//!   delivers.
//! - A list of another partition is written before what it lists. So it may
//!   name what never came to be, which a look-up tells, but it misses nothing.
//! - Each script knows its own repetition, by the write's id. So a call whose
//!   answer was lost is simply sent again.
//! - A change is published in its partition's channel, in the same breath, and
//!   each node hears all channels. Whenever that hearing may have had a gap,
//!   everybody who waits looks again.
//! - A script names all keys that it begins with, and the link adds one that
//!   never is: so it is not begun while its slot is moving to another node.
//! - What was read may be old when something is done about it. So nothing is
//!   taken back by who has merely read: an entry goes for a time that is over,
//!   or for good.
//! - Keys expire by themselves a while after what they hold is over. That is
//!   housekeeping: what is over is judged by each reader, by the clock.

mod accounts;
mod calls;
mod hearing;
mod keys;
mod limits;
mod link;
mod logins;
mod notices;
mod open;
mod place;
mod rows;
mod scripts;
mod sessions;
mod time;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shared::random::Random;
use shared::secret::ServerSecret;
use tokio::task::AbortHandle;

use super::hub::Hub;
use super::{Result, StoreError};
use crate::clock::Clock;
use keys::Keys;
use link::Link;
pub use place::{BadPlace, Place};

/// How long a key outlives what it holds, so that no reader's clock matters.
const MARGIN: Duration = Duration::from_mins(1);

/// How a store uses its Redis.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// What every key begins with: who shares a Redis with others sets one.
    pub namespace: String,
    /// How many replicas must have a confirm, a redeem, and every ending of a session, before it counts as done.
    /// Without any, a failover may take back what was acknowledged in the second before it.
    pub replicas: u8,
}

/// A store in Redis.
pub struct RedisStore {
    link: Link,
    keys: Arc<Keys>,
    hub: Hub,
    clock: Clock,
    /// What the time is where the data is, which a held clock differs from.
    real: Clock,
    random: Arc<dyn Random>,
    tasks: [AbortHandle; 2],
    sweep: logins::Sweep,
}

impl RedisStore {
    /// Connects, and begins to hear of changes. From then on the system's clock keeps to the time of Redis.
    ///
    /// # Errors
    /// [`StoreError`] when Redis can't be reached, or is too old.
    pub async fn open(
        place: &Place,
        options: &Options,
        clock: Clock,
        random: Arc<dyn Random>,
    ) -> Result<Self> {
        let link = Link::connect(place, options.replicas).await?;
        link.check_version().await?;
        let keys = Arc::new(Keys::new(&options.namespace));
        let hub = Hub::new(clock.clone());
        let hearing = hearing::start(place.clone(), keys.clone(), hub.clone()).await?;
        let real = if clock.is_held() { Clock::system() } else { clock.clone() };
        time::keep(&link, &real).await?;
        let tasks = [hearing, time::start(link.clone(), real.clone())];
        Ok(Self { link, keys, hub, clock, real, random, tasks, sweep: logins::Sweep::default() })
    }

    /// Whether a server's secret is that of all who share this store. The first to ask makes it so.
    ///
    /// # Errors
    /// [`StoreError`] when Redis can't be reached.
    pub async fn is_of(&self, secret: &ServerSecret) -> Result<bool> {
        let mark = keys::text(&secret.seal("the secret of all nodes", ""));
        let mut set = redis::cmd("SET");
        set.arg(self.keys.secret()).arg(&mark).arg("NX").arg("GET");
        let theirs: Option<String> = self.link.ask(&set).await?;
        Ok(theirs.is_none_or(|theirs| theirs == mark))
    }

    /// An id of one write, by which a script knows its repetition.
    fn write_id(&self) -> String {
        written(self.number())
    }

    /// A number that nobody has had.
    fn number(&self) -> u128 {
        let mut id = [0; 16];
        self.random.fill(&mut id);
        u128::from_be_bytes(id)
    }

    /// By how much the clock that was passed in is ahead of the real one, in milliseconds.
    fn ahead(&self) -> i64 {
        millis_between(self.real.now(), self.clock.now())
    }
}

impl Drop for RedisStore {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// A write's id as it is written: of one length.
fn written(id: u128) -> String {
    format!("{id:032x}")
}

fn millis_between(from: Timestamp, to: Timestamp) -> i64 {
    to.as_millisecond() - from.as_millisecond()
}

/// How long a key is to be kept, in milliseconds, whose content is over at `until`.
fn kept(now: Timestamp, until: Timestamp) -> i64 {
    let margin = i64::try_from(MARGIN.as_millis()).unwrap_or_default();
    millis_between(now, until).max(0) + margin
}

fn unreadable(what: &str) -> StoreError {
    StoreError(format!("{what} in Redis is not as this version writes it"))
}

#[cfg(test)]
mod tests;
