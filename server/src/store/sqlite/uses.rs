//! Which sessions were used, and when: seen at once, written down once a minute.
//!
//! ```text
//!   seen ---> mark in memory ---> at most once a minute ---> the disk
//!               ^
//!               | "has a token of it been used?"
//!   a repeated redeem, which may replace only tokens that nobody has used
//! ```
//!
//! That question and [`Uses::mark`] can't miss each other: from the answer
//! "unused" until the fresh tokens are durable, or are not, the session is in
//! doubt, and a use of it waits for that. It is one sync of the disk, and only
//! for a session whose PC repeats its redeem while it uses what it got.

use std::collections::HashSet;
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use shared::id::SessionId;

use crate::store::Map;

/// How long a session that was seen is not written down again.
const WRITTEN_EVERY: Duration = Duration::from_mins(1);

/// The uses that the disk may not know of yet.
#[derive(Default)]
pub(super) struct Uses {
    marks: Mutex<Marks>,
    settled: Condvar,
}

#[derive(Default)]
struct Marks {
    by_session: Map<SessionId, Mark>,
    /// What the disk should be told.
    due: Vec<(SessionId, Timestamp)>,
    in_doubt: HashSet<SessionId>,
}

struct Mark {
    last: Timestamp,
    written: Written,
}

/// What the disk knows of a mark.
enum Written {
    /// Nothing, and nobody is about to tell it.
    No,
    /// It is to be told of the use at this time.
    Soon(Timestamp),
    /// It has the use at this time.
    Yes(Timestamp),
}

impl Uses {
    /// Notes a use.
    pub(super) fn mark(&self, session: SessionId, now: Timestamp) {
        let in_doubt = |marks: &mut Marks| marks.in_doubt.contains(&session);
        let marks = self.settled.wait_while(self.marks(), in_doubt);
        let mut marks = marks.unwrap_or_else(PoisonError::into_inner);
        let marks = &mut *marks;
        let mark = marks.by_session.entry(session).or_insert(Mark { last: now, written: Written::No });
        mark.last = mark.last.max(now);
        let is_due = match mark.written {
            Written::No => true,
            Written::Soon(at) | Written::Yes(at) => now >= at + WRITTEN_EVERY,
        };
        if is_due {
            mark.written = Written::Soon(now);
            marks.due.push((session, now));
        }
    }

    /// The uses that the disk should be told of. Each is to be [`told`](Self::told), or [not](Self::not_told).
    pub(super) fn take_due(&self) -> Vec<(SessionId, Timestamp)> {
        mem::take(&mut self.marks().due)
    }

    /// The disk has the use at `at`.
    pub(super) fn told(&self, session: SessionId, at: Timestamp) {
        if let Some(mark) = self.marks().by_session.get_mut(&session) {
            mark.written = Written::Yes(at);
        }
    }

    /// The disk could not be told. It still should be.
    pub(super) fn not_told(&self, session: SessionId, at: Timestamp) {
        self.marks().due.push((session, at));
    }

    /// When a session was last used, if that may be news to the disk.
    pub(super) fn last(&self, session: SessionId) -> Option<Timestamp> {
        self.marks().by_session.get(&session).map(|mark| mark.last)
    }

    /// Puts a session in doubt, unless a use of it is known.
    pub(super) fn doubt(&self, session: SessionId) -> bool {
        let mut marks = self.marks();
        !marks.by_session.contains_key(&session) && marks.in_doubt.insert(session)
    }

    /// It is no longer in doubt: its fresh tokens are durable, or will never be.
    pub(super) fn settle(&self, session: SessionId) {
        self.marks().in_doubt.remove(&session);
        self.settled.notify_all();
    }

    /// Nothing is in doubt any more: the writer is gone.
    pub(super) fn settle_all(&self) {
        self.marks().in_doubt.clear();
        self.settled.notify_all();
    }

    /// Forgets the marks that the disk has had for a while. Answers whose.
    pub(super) fn purge(&self, now: Timestamp) -> Vec<SessionId> {
        let is_old = |mark: &mut Mark| matches!(mark.written, Written::Yes(at) if now >= at + WRITTEN_EVERY);
        self.marks().by_session.extract_if(|_, mark| is_old(mark)).map(|(session, _)| session).collect()
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        // Nothing that is done under the lock can panic half-way.
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use shared::random::OsRandom;

    use super::*;

    fn at(secs: i64) -> Timestamp {
        Timestamp::from_second(secs).unwrap()
    }

    fn session() -> SessionId {
        SessionId::generate(at(0), &OsRandom)
    }

    #[test]
    fn the_disk_is_told_once_a_minute_and_again_if_it_could_not_be_told() {
        let (uses, session) = (Uses::default(), session());
        let due_after = |secs| {
            uses.mark(session, at(secs));
            uses.take_due()
        };
        assert_eq!(due_after(0), [(session, at(0))]);
        assert_eq!(due_after(59), []);
        uses.told(session, at(0));
        assert_eq!(due_after(59), []);
        assert_eq!(due_after(60), [(session, at(60))]);
        uses.not_told(session, at(60));
        assert_eq!(due_after(61), [(session, at(60))]);
    }

    #[test]
    fn only_what_the_disk_has_had_for_a_minute_is_forgotten() {
        let (uses, session) = (Uses::default(), session());
        uses.mark(session, at(0));
        assert_eq!(uses.purge(at(1000)), []);
        assert_eq!(uses.last(session), Some(at(0)));
        uses.told(session, at(0));
        assert_eq!(uses.purge(at(59)), []);
        assert_eq!(uses.last(session), Some(at(0)));
        assert_eq!(uses.purge(at(60)), [session]);
        assert_eq!(uses.last(session), None);
    }

    #[test]
    fn a_used_session_is_beyond_doubt_and_a_doubtful_one_is_not_used_before_it_is_settled() {
        let (uses, session) = (Arc::new(Uses::default()), session());
        assert!(uses.doubt(session));
        let other = std::thread::spawn({
            let uses = uses.clone();
            move || uses.mark(session, at(1))
        });
        // Whatever the other thread has done by now, it has not marked the session.
        assert_eq!(uses.last(session), None);
        uses.settle(session);
        other.join().unwrap();
        assert_eq!(uses.last(session), Some(at(1)));
        assert!(!uses.doubt(session));
    }
}
