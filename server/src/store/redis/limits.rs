//! Limits, and proofs that were used: counted in one place for all nodes.

use std::time::Duration;

use jiff::Timestamp;

use super::{RedisStore, scripts, unreadable, written};
use crate::store::{LimitKey, ProofId, Rate, Result, Taken, Use};

/// How long a proof is remembered. It is good for a minute on either side of its own time, or for as long as its nonce,
/// which is two.
const PROOF_KEPT: Duration = Duration::from_mins(3);

/// How long a use may take to be given back: a password is checked meanwhile.
const NEW: Duration = Duration::from_secs(1);

impl RedisStore {
    pub(super) async fn count(&self, key: &LimitKey, rate: Rate, now: Timestamp) -> Result<Taken> {
        if rate.count == 0 {
            return Ok(Taken::Refused(rate.per));
        }
        let id = self.number();
        let args = [
            now.as_millisecond().to_string(),
            rate.per.as_millis().to_string(),
            rate.count.to_string(),
            written(id),
        ];
        let (counted, millis, newest): (u8, i64, i64) =
            self.link.run(&scripts::TAKE, &[self.keys.limit(key)], &args).await?;
        if counted == 1 {
            let at = Timestamp::from_millisecond(millis).map_err(|_| unreadable("a limit"))?;
            return Ok(Taken::Counted(Use { at, id }));
        }
        let room_in = Duration::from_millis(u64::try_from(millis).unwrap_or_default());
        let age = u64::try_from(now.as_millisecond() - newest).unwrap_or_default();
        let is_new = Duration::from_millis(age) < NEW;
        Ok(if is_new { Taken::Contended(room_in) } else { Taken::Refused(room_in) })
    }

    pub(super) async fn uncount(&self, key: &LimitKey, counted: Use) -> Result<()> {
        let mut remove = redis::cmd("ZREM");
        remove.arg(self.keys.limit(key)).arg(written(counted.id));
        self.link.ask(&remove).await
    }

    pub(super) async fn remember(&self, proof: &ProofId) -> Result<bool> {
        let args = [self.write_id(), PROOF_KEPT.as_millis().to_string()];
        self.link.run(&scripts::FIRST_USE, &[self.keys.proof(proof)], &args).await
    }
}
