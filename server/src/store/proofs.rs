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

use super::{ProofId, Result, StoreError};

/// How long a proof is remembered at least. It is good for a minute on either side of its own time, or for as
/// long as its nonce, which is two.
const KEPT: Duration = Duration::from_mins(3);
/// The most that are remembered: 100 MB. Past it new ones are refused, since a memory that forgets under
/// pressure is one that can be made to forget.
const KEPT_MAX: usize = 1_500_000;

/// Remembers proofs.
#[derive(Default)]
pub(super) struct Proofs(Mutex<Generations>);

#[derive(Default)]
struct Generations {
    newer: HashSet<ProofId>,
    older: HashSet<ProofId>,
    turned_at: Option<Timestamp>,
}

impl Proofs {
    /// Remembers one; false if it was there.
    pub(super) fn remember(&self, proof: ProofId, now: Timestamp) -> Result<bool> {
        // Nothing that is done under the lock can panic half-way.
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.turn(now);
        if seen.older.contains(&proof) {
            return Ok(false);
        }
        if seen.newer.len() + seen.older.len() >= KEPT_MAX {
            return Err(StoreError("too many proofs of possession to remember".into()));
        }
        Ok(seen.newer.insert(proof))
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
        let first = |secs| proofs.remember([1; 32], Timestamp::from_second(secs).unwrap()).unwrap();
        assert!(first(100));
        for secs in [100, 279, 280, 459] {
            assert!(!first(secs), "{secs}");
        }
        assert!(first(460));
        assert!(!first(460));
    }
}
