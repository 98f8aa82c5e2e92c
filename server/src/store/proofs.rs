//! Proofs of possession that were used, in memory.
//!
//! ```text
//!   older: [ id id id ]     newer: [ id id ]  <-- a new one
//!   every KEPT, the older ones are dropped: by then no clock would let them in again
//! ```

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;

use super::{FirstUse, ProofId};

/// How long a proof is remembered at least. It is good for a minute on either side of its own time, or for as
/// long as its nonce, which is two.
const KEPT: Duration = Duration::from_mins(3);
/// The most that are remembered: 100 MB. Past it new ones are refused, since a memory that forgets under
/// pressure is one that can be made to forget.
const KEPT_MAX: usize = 1_500_000;

/// Remembers proofs.
pub(super) struct Proofs {
    kept_max: usize,
    seen: Mutex<Generations>,
}

#[derive(Default)]
struct Generations {
    newer: HashSet<ProofId>,
    older: HashSet<ProofId>,
    turned_at: Option<Timestamp>,
}

impl Default for Proofs {
    fn default() -> Self {
        Self::with_room_for(KEPT_MAX)
    }
}

impl Proofs {
    fn with_room_for(kept_max: usize) -> Self {
        Self { kept_max, seen: Mutex::default() }
    }

    /// Remembers one.
    pub(super) fn remember(&self, proof: ProofId, now: Timestamp) -> FirstUse {
        // Nothing that is done under the lock can panic half-way.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(now);
        if seen.older.contains(&proof) || seen.newer.contains(&proof) {
            return FirstUse::No;
        }
        if seen.newer.len() + seen.older.len() >= self.kept_max {
            return FirstUse::Full;
        }
        seen.newer.insert(proof);
        FirstUse::Yes
    }
}

impl Generations {
    fn turn(&mut self, now: Timestamp) {
        let since = *self.turned_at.get_or_insert(now);
        if now >= since + KEPT {
            self.older = mem::take(&mut self.newer);
            if now >= since + KEPT + KEPT {
                self.older = HashSet::new();
            }
            self.turned_at = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_remembered_for_as_long_as_it_could_be_used_and_no_longer_than_twice() {
        let proofs = Proofs::default();
        let first = |secs| proofs.remember([1; 32], Timestamp::from_second(secs).unwrap());
        assert_eq!(first(100), FirstUse::Yes);
        for secs in [100, 279, 280, 459] {
            assert_eq!(first(secs), FirstUse::No, "{secs}");
        }
        assert_eq!(first(460), FirstUse::Yes);
        assert_eq!(first(460), FirstUse::No);
    }

    #[test]
    fn a_full_memory_forgets_none_and_knows_those_it_has() {
        let proofs = Proofs::with_room_for(2);
        let first = |id, secs| proofs.remember([id; 32], Timestamp::from_second(secs).unwrap());
        assert_eq!([first(1, 0), first(2, 100)], [FirstUse::Yes; 2]);
        assert_eq!(
            [first(3, 100), first(1, 100), first(2, 200)],
            [FirstUse::Full, FirstUse::No, FirstUse::No]
        );
        assert_eq!(first(3, 380), FirstUse::Yes);
    }
}
