//! Tries that were counted and may yet be given back.
//!
//! ```text
//! take ---> counted ---> open ----> settled: it counts, or was given back
//!   \-----> refused ---> is any open? --no--> too many
//!              ^              \-yes-> wait for one to settle --.
//!              '-----------------------------------------------'
//! ```
//!
//! Without this, a family of right passwords that arrive at once would be
//! refused for wrong ones that nobody sent.

use std::collections::{HashMap, hash_map};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::store::{LimitKey, Use};

/// What is known of every key that somebody tries, on this node. Cheap to clone.
#[derive(Clone, Default)]
pub(super) struct Tries(Arc<Mutex<HashMap<LimitKey, Entry>>>);

/// A key, and how many tries of it there are. Counted here, under the map's lock: of two that end at the same moment
/// one must find itself the last.
#[derive(Default)]
struct Entry {
    key: Arc<Key>,
    tries: usize,
}

/// One key that is tried.
#[derive(Default)]
pub(super) struct Key {
    open: AtomicUsize,
    /// Notified as often as an open try settles.
    pub(super) settled: Notify,
}

impl Key {
    /// Whether some try is counted that may yet be given back.
    pub(super) fn is_open(&self) -> bool {
        self.open.load(Ordering::Acquire) > 0
    }
}

/// A try. It settles when it is dropped.
pub(super) struct Try {
    name: LimitKey,
    counted: Option<Use>,
    key: Arc<Key>,
    tries: Tries,
}

impl Tries {
    /// Begins a try, which is not counted yet.
    pub(super) fn begin(&self, name: LimitKey) -> Try {
        let key = {
            let mut keys = self.keys();
            let entry = keys.entry(name.clone()).or_default();
            entry.tries += 1;
            entry.key.clone()
        };
        Try { name, counted: None, key, tries: self.clone() }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<LimitKey, Entry>> {
        // The map is whole after every statement, so a panic elsewhere can't have broken it.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Try {
    /// What it tries.
    pub(super) fn key(&self) -> Arc<Key> {
        self.key.clone()
    }

    /// The store has counted it, as this use.
    pub(super) fn open(&mut self, counted: Use) {
        self.counted = Some(counted);
        self.key.open.fetch_add(1, Ordering::Release);
    }

    /// What to give back to the store, if it was counted.
    pub(super) fn counted(&self) -> Option<(LimitKey, Use)> {
        self.counted.map(|used| (self.name.clone(), used))
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        if self.counted.is_some() {
            self.key.open.fetch_sub(1, Ordering::Release);
            self.key.settled.notify_waiters();
        }
        if let hash_map::Entry::Occupied(mut entry) = self.tries.keys().entry(self.name.clone()) {
            entry.get_mut().tries -= 1;
            if entry.get().tries == 0 {
                entry.remove();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_tries_that_have_settled() {
        let tries = Tries::default();
        let name = LimitKey { limit: "test", subject: "x".to_owned() };
        let (mut first, second) = (tries.begin(name.clone()), tries.begin(name));
        assert!(!first.key.is_open());
        first.open(Use { at: jiff::Timestamp::UNIX_EPOCH, id: 0 });
        assert!(second.key.is_open());
        drop(first);
        assert!(!second.key.is_open());
        drop(second);
        assert!(tries.keys().is_empty());
    }

    /// Of two that settle at the same moment, the first has left the map and still holds the key when the second
    /// leaves it.
    #[test]
    fn nothing_is_left_of_tries_that_settle_at_the_same_moment() {
        let tries = Tries::default();
        let name = LimitKey { limit: "test", subject: "x".to_owned() };
        let (first, second) = (tries.begin(name.clone()), tries.begin(name));
        let held_for_a_moment_more = first.key();
        drop(first);
        assert_eq!(tries.keys().len(), 1);
        drop(second);
        assert!(tries.keys().is_empty());
        drop(held_for_a_moment_more);
    }
}
