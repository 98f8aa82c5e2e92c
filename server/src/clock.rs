//! The time, passed in: the system's, or one that a test holds.
//!
//! The system's clock is read once, at the start; from then on time is that
//! reading plus what a monotonic clock has counted. Whoever steps the system's
//! clock moves no deadline. A store that many nodes share has them all keep to
//! its own time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

/// Tells the time, and waits for it. To the millisecond, which is what a store keeps.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    System { start: Timestamp, since: Instant, corrected_millis: Arc<AtomicI64> },
    Held(Arc<watch::Sender<Timestamp>>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in")]
    pub fn system() -> Self {
        Self(Source::System {
            start: Timestamp::now(),
            since: Instant::now(),
            corrected_millis: Arc::default(),
        })
    }

    /// A clock that stands still until [`advance`](Self::advance) moves it.
    #[must_use]
    pub fn held(at: Timestamp) -> Self {
        Self(Source::Held(Arc::new(watch::Sender::new(to_millis(at)))))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System { start, since, corrected_millis } => {
                let corrected = SignedDuration::from_millis(corrected_millis.load(Ordering::Relaxed));
                to_millis(*start + since.elapsed() + corrected)
            }
            Source::Held(time) => *time.borrow(),
        }
    }

    /// How much time has passed since some moment, to the nanosecond: for measuring how long something took, which
    /// neither the grain of [`now`](Self::now) nor its being corrected may spoil.
    #[must_use]
    pub fn counted(&self) -> Duration {
        match &self.0 {
            Source::System { since, .. } => since.elapsed(),
            Source::Held(time) => Duration::try_from(time.borrow().as_duration()).unwrap_or_default(),
        }
    }

    /// Sets the system's clock, for all who share this one, to what it would be if it were `time` now. One that is
    /// held stays as it is.
    pub fn keep_to(&self, time: Timestamp) {
        if let Source::System { corrected_millis, .. } = &self.0 {
            let by = time.as_millisecond() - self.now().as_millisecond();
            corrected_millis.fetch_add(by, Ordering::Relaxed);
        }
    }

    /// Whether a test holds it.
    #[must_use]
    pub fn is_held(&self) -> bool {
        matches!(self.0, Source::Held(_))
    }

    /// Moves a held clock on, and wakes whoever waited for that.
    ///
    /// # Panics
    /// When it is the system's clock.
    pub fn advance(&self, by: Duration) {
        match &self.0 {
            Source::System { .. } => panic!("only a held clock can be moved"),
            Source::Held(time) => time.send_modify(|time| *time += by),
        }
    }

    /// Waits until it is `at`. May be dropped and called again at any time.
    pub async fn sleep_until(&self, at: Timestamp) {
        match &self.0 {
            Source::System { .. } => {
                let wait = at.duration_since(self.now());
                // A timer may fire within the millisecond before; whoever waits wants it past.
                let wait = Duration::try_from(wait).unwrap_or_default() + Duration::from_millis(1);
                tokio::time::sleep(wait).await;
            }
            Source::Held(time) => {
                let mut time = time.subscribe();
                // The sender lives as long as `self`, so this can't fail.
                let _ = time.wait_for(|now| *now >= at).await;
            }
        }
    }

    /// Waits for a while.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.now() + duration).await;
    }
}

fn to_millis(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_systems_clock_keeps_to_another_with_all_who_share_it() {
        let clock = Clock::system();
        let shared = clock.clone();
        let hour = Duration::from_hours(1);
        let ahead = clock.now() + hour;
        clock.keep_to(ahead);
        assert!(shared.now() >= ahead && shared.now() < ahead + hour);
        clock.keep_to(ahead - 2 * hour);
        assert!(shared.now() < ahead - hour);
        let held = Clock::held(Timestamp::UNIX_EPOCH);
        held.keep_to(ahead);
        assert_eq!(held.now(), Timestamp::UNIX_EPOCH);
    }

    #[tokio::test]
    async fn a_held_clock_moves_only_when_told_and_wakes_its_sleepers() {
        let clock = Clock::held(Timestamp::UNIX_EPOCH);
        let sleeper = tokio::spawn({
            let clock = clock.clone();
            async move { clock.sleep(Duration::from_secs(5)).await }
        });
        tokio::task::yield_now().await;
        clock.advance(Duration::from_secs(4));
        tokio::task::yield_now().await;
        assert!(!sleeper.is_finished());
        clock.advance(Duration::from_secs(1));
        sleeper.await.unwrap();
        assert_eq!(clock.now(), Timestamp::from_second(5).unwrap());
    }
}
