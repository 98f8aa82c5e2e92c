//! How many may wait for the same thing at once, on this node: past that, the oldest one ends.

use std::collections::VecDeque;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use crate::store::Map;

type Places<K> = Map<K, VecDeque<oneshot::Sender<()>>>;

/// Who waits for what. Cheap to clone.
pub struct Waiters<K: Copy + Eq + Hash> {
    places: Arc<Mutex<Places<K>>>,
    most: usize,
}

/// A waiter's place. It is lost to newer waiters, and given up when dropped.
pub struct Place<K: Copy + Eq + Hash> {
    key: K,
    lost: oneshot::Receiver<()>,
    waiters: Waiters<K>,
}

impl<K: Copy + Eq + Hash> Waiters<K> {
    /// Lets `most` wait for each thing.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self { places: Arc::default(), most }
    }

    /// Takes a place, if need be the oldest one's.
    #[must_use]
    pub fn join(&self, key: K) -> Place<K> {
        let (keep, lost) = oneshot::channel();
        let mut places = self.lock();
        let waiting = places.entry(key).or_default();
        waiting.push_back(keep);
        if waiting.len() > self.most {
            waiting.pop_front();
        }
        drop(places);
        Place { key, lost, waiters: self.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, Places<K>> {
        // The map is whole after every statement, so a panic elsewhere can't have broken it.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Copy + Eq + Hash> Clone for Waiters<K> {
    fn clone(&self) -> Self {
        Self { places: self.places.clone(), most: self.most }
    }
}

impl<K: Copy + Eq + Hash> Place<K> {
    /// Resolves when a newer waiter has taken the place. Cancel-safe.
    pub async fn lost(&mut self) {
        // The sender never sends: it is dropped.
        let _ = (&mut self.lost).await;
    }
}

impl<K: Copy + Eq + Hash> Drop for Place<K> {
    fn drop(&mut self) {
        self.lost.close();
        let mut places = self.waiters.lock();
        if let Some(waiting) = places.get_mut(&self.key) {
            waiting.retain(|place| !place.is_closed());
            if waiting.is_empty() {
                places.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_oldest_gives_way_and_nothing_is_left_behind() {
        let waiters = Waiters::new(2);
        let mut first = waiters.join(1);
        let (second, third) = (waiters.join(1), waiters.join(1));
        first.lost().await;
        drop((first, third));
        let mut fourth = waiters.join(1);
        assert!(futures_util::FutureExt::now_or_never(fourth.lost()).is_none());
        drop((second, fourth));
        assert!(waiters.lock().is_empty());
    }
}
