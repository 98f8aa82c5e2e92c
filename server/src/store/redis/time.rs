//! The time: that of Redis, so that nodes whose clocks differ agree on what is over.
//!
//! ```text
//!  asked ------------------ Redis says 12:00:07.250 ------------------ answered
//!    |<------------- the quickest of a few tries ------------->|
//!                 at 12:00:07.250 it was half-way, more or less
//! ```

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::AbortHandle;

use super::link::Link;
use super::unreadable;
use crate::clock::Clock;
use crate::store::Result;

/// How often the clock is looked at again. Two clocks drift apart by a few milliseconds in that time.
const LOOK_EVERY: Duration = Duration::from_mins(1);
/// How many tries the quickest is taken of.
const TRIES: usize = 5;

/// Has a clock keep to the time of Redis.
pub(super) async fn keep(link: &Link, clock: &Clock) -> Result<()> {
    let mut best: Option<(SignedDuration, SignedDuration)> = None;
    for _ in 0..TRIES {
        let asked = clock.now();
        let (secs, micros): (i64, i32) = link.ask(&redis::cmd("TIME")).await?;
        let answered = clock.now();
        let theirs = Timestamp::new(secs, micros * 1000).map_err(|_| unreadable("the time"))?;
        let took = answered.duration_since(asked);
        let ahead = theirs.duration_since(asked + took / 2);
        if best.is_none_or(|(quickest, _)| took < quickest) {
            best = Some((took, ahead));
        }
    }
    if let Some((_, ahead)) = best {
        clock.keep_to(clock.now() + ahead);
    }
    Ok(())
}

/// Goes on doing so.
pub(super) fn start(link: Link, clock: Clock) -> AbortHandle {
    let task = tokio::spawn(async move {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            if let Err(away) = keep(&link, &clock).await {
                tracing::debug!(detail = %away, "the time of Redis is asked for later");
            }
        }
    });
    task.abort_handle()
}
