//! Who waits for what, in this process. Every store wakes its waiters through this.
//!
//! A waiter subscribes, then reads, then waits. Whatever changes after the
//! subscription wakes it, also if that happens before it begins to wait.

use std::fmt;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shared::id::{AccountId, LoginId};
use tokio::sync::watch;

use super::Map;
use crate::clock::Clock;

/// What can be waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// Changes of a login.
    Login(LoginId),
    /// New notices and ended sessions of an account.
    Account(AccountId),
}

/// All that is waited for. Cheap to clone.
#[derive(Clone)]
pub struct Hub(Arc<Topics>);

struct Topics {
    /// Each with when it was woken last.
    watched: Mutex<Map<Topic, watch::Sender<Duration>>>,
    clock: Clock,
}

impl Hub {
    /// Nobody waits yet. When somebody is woken is noted by `clock`.
    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self(Arc::new(Topics { watched: Mutex::default(), clock }))
    }

    /// Begins to listen.
    #[must_use]
    pub fn watch(&self, topic: Topic) -> Watch {
        let changes = self.topics().entry(topic).or_default().subscribe();
        Watch { changes: Some(changes), topic, hub: self.clone() }
    }

    /// Wakes whoever listens to this.
    pub fn wake(&self, topic: Topic) {
        if let Some(sender) = self.topics().get(&topic) {
            sender.send_replace(self.0.clock.counted());
        }
    }

    /// Wakes everybody: something changed, and nobody knows what.
    pub fn wake_all(&self) {
        let now = self.0.clock.counted();
        for sender in self.topics().values() {
            sender.send_replace(now);
        }
    }

    /// Wakes a share of everybody, one in `of`: with every `turn` below that once, all.
    pub fn wake_share(&self, turn: u64, of: u64) {
        for (topic, sender) in &*self.topics() {
            let mut hash = DefaultHasher::new();
            topic.hash(&mut hash);
            if hash.finish() % of == turn {
                sender.send_replace(self.0.clock.counted());
            }
        }
    }

    /// How many topics somebody listens to.
    #[must_use]
    pub fn len(&self) -> usize {
        self.topics().len()
    }

    /// Whether nobody listens.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.topics().is_empty()
    }

    fn topics(&self) -> std::sync::MutexGuard<'_, Map<Topic, watch::Sender<Duration>>> {
        // The map is whole after every statement, so a panic elsewhere can't have broken it.
        self.0.watched.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One waiter's ear.
pub struct Watch {
    changes: Option<watch::Receiver<Duration>>,
    topic: Topic,
    hub: Hub,
}

impl Watch {
    /// Waits for a change since the last call, or since the subscription. Cancel-safe.
    pub async fn changed(&mut self) {
        if let Some(changes) = &mut self.changes
            && changes.changed().await.is_ok()
        {
            return;
        }
        std::future::pending::<()>().await;
    }

    /// When it was woken last, by [`Clock::counted`].
    #[must_use]
    pub fn woken_at(&self) -> Duration {
        self.changes.as_ref().map(|changes| *changes.borrow()).unwrap_or_default()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut topics = self.hub.topics();
        self.changes = None;
        if topics.get(&self.topic).is_some_and(|sender| sender.receiver_count() == 0) {
            topics.remove(&self.topic);
        }
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("topic", &self.topic).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use shared::random::OsRandom;

    use super::*;

    #[tokio::test]
    async fn everybody_is_woken_by_one_of_the_shares() {
        let hub = Hub::new(Clock::held(jiff::Timestamp::UNIX_EPOCH));
        let login = || Topic::Login(LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &OsRandom));
        let mut watches: Vec<Watch> = (0..100).map(|_| hub.watch(login())).collect();
        hub.wake_share(0, 5);
        let is_woken = |watch: &Watch| watch.changes.as_ref().unwrap().has_changed().unwrap();
        let woken = watches.iter().filter(|watch| is_woken(watch)).count();
        assert!((1..60).contains(&woken), "{woken} of 100 are a fifth");
        (1..5).for_each(|turn| hub.wake_share(turn, 5));
        for watch in &mut watches {
            watch.changed().await;
        }
    }

    #[tokio::test]
    async fn a_change_between_subscription_and_wait_is_heard_and_the_map_empties() {
        let clock = Clock::held(jiff::Timestamp::UNIX_EPOCH);
        let hub = Hub::new(clock.clone());
        let login = || Topic::Login(LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &OsRandom));
        let (mine, other) = (login(), login());
        let mut watch = hub.watch(mine);
        let second = hub.watch(mine);
        hub.wake(other);
        clock.advance(Duration::from_secs(1));
        hub.wake(mine);
        clock.advance(Duration::from_secs(1));
        watch.changed().await;
        assert_eq!(watch.woken_at(), Duration::from_secs(1));
        drop(second);
        assert_eq!(hub.len(), 1);
        drop(watch);
        assert!(hub.is_empty());
    }
}
