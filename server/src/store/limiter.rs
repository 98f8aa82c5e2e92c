//! Counters of a sliding window, in memory.
//!
//! ```text
//!  rate 3 in 10 s       now - 10 s                        now
//!  ------+--------+---------(-----+-------------+----------]-->
//!     lapsed   lapsed             counted     counted      room for one more
//! ```
//!
//! Exact: every use is remembered until it lapses, so that no window of that
//! length, wherever it begins, holds more than the rate allows. A bucket that
//! refills or a window that starts over would let twice as many through.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{LimitKey, Rate, Taken, Use};

/// The most keys that each limit counts at once: one for each of as many addresses as there may be open logins by
/// default, and some; about 25 MB. Past it new keys are refused, since a limiter that forgets under pressure
/// is one that can be made to forget. Each limit has that room to itself: whoever tries a hundred thousand
/// made-up names keeps nobody from asking for a login, scanning or polling.
const KEYS_MAX: usize = 125_000;

/// What a new key is told while there are too many.
const CROWDED: Duration = Duration::from_secs(1);

/// How many known keys are looked at for each new one, to be dropped if they have lapsed. Two, so that the
/// lapsed ones go faster than new ones come.
const LOOKED_AT: usize = 2;

/// Counts uses of limits.
pub(super) struct Limiter {
    keys_max: usize,
    limits: Mutex<HashMap<&'static str, Windows>>,
}

/// What one limit counts.
#[derive(Default)]
struct Windows {
    by_key: HashMap<Arc<LimitKey>, Window>,
    /// Every key once, in the order in which they will be looked at.
    round: VecDeque<Arc<LimitKey>>,
}

/// The uses that have not lapsed, oldest first.
struct Window {
    uses: VecDeque<Timestamp>,
    per: Duration,
}

impl Limiter {
    /// A limiter that has counted nothing.
    pub(super) fn new() -> Self {
        Self::with_room_for(KEYS_MAX)
    }

    fn with_room_for(keys_max: usize) -> Self {
        Self { keys_max, limits: Mutex::default() }
    }

    /// Counts one, if there is room for it.
    pub(super) fn take(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Taken {
        if rate.count == 0 {
            return Taken::Refused(rate.per);
        }
        let mut limits = self.limits();
        let windows = limits.entry(key.limit).or_default();
        if !windows.by_key.contains_key(key) {
            windows.look_around(now);
            if windows.by_key.len() >= self.keys_max {
                return Taken::Refused(CROWDED);
            }
            windows.begin(key.clone(), rate.per);
        }
        match windows.by_key.get_mut(key) {
            Some(window) => window.take(rate, now),
            None => unreachable!("it was there, or has just begun"),
        }
    }

    /// Takes one back.
    pub(super) fn give_back(&self, key: &LimitKey, counted: Timestamp) {
        if let Some(window) = self.limits().get_mut(key.limit).and_then(|windows| windows.by_key.get_mut(key))
            && let Some(at) = window.uses.iter().rposition(|used| *used == counted)
        {
            window.uses.remove(at);
        }
    }

    /// Forgets every key that has lapsed.
    pub(super) fn purge(&self, now: Timestamp) {
        for Windows { by_key, round } in self.limits().values_mut() {
            by_key.retain(|_, window| !window.has_lapsed(now));
            round.retain(|key| by_key.contains_key(key));
            by_key.shrink_to_fit();
            round.shrink_to_fit();
        }
    }

    fn limits(&self) -> MutexGuard<'_, HashMap<&'static str, Windows>> {
        // Nothing that is done under the lock can panic half-way.
        self.limits.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Windows {
    fn begin(&mut self, key: LimitKey, per: Duration) {
        let key = Arc::new(key);
        self.by_key.insert(key.clone(), Window { uses: VecDeque::new(), per });
        self.round.push_back(key);
    }

    /// Drops lapsed keys, a few at a time, so that nobody has to sweep for the map to stay small.
    fn look_around(&mut self, now: Timestamp) {
        for _ in 0..LOOKED_AT {
            let Some(key) = self.round.pop_front() else { return };
            if self.by_key.get(&key).is_some_and(|window| window.has_lapsed(now)) {
                self.by_key.remove(&key);
            } else {
                self.round.push_back(key);
            }
        }
    }
}

impl Window {
    fn take(&mut self, rate: Rate, now: Timestamp) -> Taken {
        self.per = rate.per;
        // Two callers may read the clock in one order and arrive in the other. The uses must stay sorted.
        let now = self.uses.back().map_or(now, |newest| now.max(*newest));
        while self.uses.front().is_some_and(|used| *used + rate.per <= now) {
            self.uses.pop_front();
        }
        let count = rate.count as usize;
        if let Some(over) = self.uses.len().checked_sub(count) {
            // When this one lapses, there is room.
            let room_at = self.uses[over] + rate.per;
            return Taken::Refused(Duration::try_from(room_at.duration_since(now)).unwrap_or_default());
        }
        self.uses.push_back(now);
        Taken::Counted(Use { at: now, id: 0 })
    }

    fn has_lapsed(&self, now: Timestamp) -> bool {
        self.uses.back().is_none_or(|newest| *newest + self.per <= now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { count: 1, per: Duration::from_secs(10) };

    fn key(subject: usize) -> LimitKey {
        LimitKey { limit: "test", subject: subject.to_string() }
    }

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    #[test]
    fn lapsed_keys_go_as_new_ones_come() {
        let limiter = Limiter::new();
        for second in 0..10_000 {
            limiter.take(&key(second), RATE, at(i64::try_from(second).unwrap()));
        }
        let limits = limiter.limits();
        let windows = &limits["test"];
        assert!(windows.by_key.len() < 50, "{}", windows.by_key.len());
        assert_eq!(windows.by_key.len(), windows.round.len());
    }

    #[test]
    fn too_many_keys_are_refused_without_forgetting_any() {
        let limiter = Limiter::with_room_for(100);
        for subject in 0..100 {
            assert_eq!(limiter.take(&key(subject), RATE, at(0)), Taken::Counted(Use { at: at(0), id: 0 }));
        }
        assert_eq!(limiter.take(&key(100), RATE, at(5)), Taken::Refused(CROWDED));
        for subject in 0..100 {
            assert_eq!(limiter.take(&key(subject), RATE, at(5)), Taken::Refused(Duration::from_secs(5)));
        }
        assert_eq!(limiter.take(&key(100), RATE, at(10)), Taken::Counted(Use { at: at(10), id: 0 }));
    }

    #[test]
    fn a_crowded_limit_takes_no_room_from_another() {
        let limiter = Limiter::with_room_for(100);
        for subject in 0..=100 {
            limiter.take(&key(subject), RATE, at(0));
        }
        let of = |limit| LimitKey { limit, subject: "new".to_owned() };
        assert_eq!(limiter.take(&of("test"), RATE, at(0)), Taken::Refused(CROWDED));
        assert_eq!(limiter.take(&of("other"), RATE, at(0)), Taken::Counted(Use { at: at(0), id: 0 }));
        limiter.give_back(&of("other"), at(0));
        assert_eq!(limiter.take(&of("other"), RATE, at(0)), Taken::Counted(Use { at: at(0), id: 0 }));
    }

    #[test]
    fn a_purge_forgets_what_has_lapsed_and_nothing_else() {
        let limiter = Limiter::new();
        limiter.take(&key(1), RATE, at(0));
        limiter.take(&key(2), RATE, at(5));
        limiter.purge(at(10));
        assert_eq!(limiter.limits()["test"].by_key.len(), 1);
        assert_eq!(limiter.limits()["test"].round.len(), 1);
        assert_eq!(limiter.take(&key(2), RATE, at(14)), Taken::Refused(Duration::from_secs(1)));
    }
}
