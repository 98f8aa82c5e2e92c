//! The steps of logins, until the tables have them.
//!
//! ```text
//!  a step ------> journal ------ one sync ------> durable
//!  a step ------>    |
//!                    | posted: when there are many, when nothing else is to be done,
//!                    v         and before anybody looks at the tables
//!    logins, pcs, known_pcs, notices
//! ```
//!
//! In the tables a login costs some twenty pages all over the file, in the
//! journal a few hundred bytes at its end; and of its four steps the tables
//! need only the last. The journal is a table as well: a step is entered, and
//! steps are posted, in transactions like any other, so none is lost or posted
//! twice, whatever ends the server in between.
//!
//! Whoever needs the tables has the journal posted first: within the
//! transaction, or by a job before a read. Sessions that were not yet posted
//! are also in memory ([`Kept`](super::kept::Kept)), since their PCs come at once.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::sync::Arc;

use rusqlite::types::Type;
use rusqlite::{Connection, Result, Row, params};
use serde::de::DeserializeOwned;
use shared::id::{AccountId, LoginId};
use shared::login::Login;

use super::columns::{Columns, int, unreadable};
use super::live::forgettable_at;
use super::logins::{self, Record};
use super::{notices, sessions};
use crate::store::{Map, Notice, PcSession, SessionWrite};

const ENTER: &str = "
    INSERT INTO journal (number, login, revision, version, status, forgettable_at, issued, state, session, notice)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";
const LOAD: &str = "SELECT * FROM journal ORDER BY number";
const STRIKE: &str = "DELETE FROM journal WHERE number <= ?1";

/// A step of a login, and what it brings along.
#[derive(Clone)]
pub(super) struct Entry(Arc<Step>);

struct Step {
    record: Record,
    session: Option<(Arc<PcSession>, String)>,
    notice: Option<(Notice, String)>,
}

impl Entry {
    /// The entry of a new login. Made by the caller, so that the writer has that much less to do.
    pub(super) fn issued(login: &Login) -> serde_json::Result<Self> {
        let record = Record::issued(login, forgettable_at(login))?;
        Ok(Self(Arc::new(Step { record, session: None, notice: None })))
    }

    /// The entry of a change.
    pub(super) fn changed(
        login: &Login,
        session: Option<SessionWrite>,
        notice: Option<Notice>,
    ) -> serde_json::Result<Self> {
        let session = match session {
            Some(SessionWrite::Begin(session)) => Some(Arc::<PcSession>::from(session)),
            Some(SessionWrite::Reissue(..)) | None => None,
        };
        let with_text =
            |session: Arc<PcSession>| serde_json::to_string(&*session).map(|text| (session, text));
        let session = session.map(with_text).transpose()?;
        let with_text = |notice: Notice| serde_json::to_string(&notice).map(|text| (notice, text));
        let notice = notice.map(with_text).transpose()?;
        let record = Record::changed(login, forgettable_at(login))?;
        Ok(Self(Arc::new(Step { record, session, notice })))
    }

    /// The login's id.
    pub(super) fn login(&self) -> LoginId {
        self.0.record.id
    }

    /// The login's revision.
    pub(super) fn revision(&self) -> u64 {
        self.0.record.revision
    }

    /// A session that begins.
    pub(super) fn session(&self) -> Option<&Arc<PcSession>> {
        self.0.session.as_ref().map(|(session, _)| session)
    }

    /// What an owner is told.
    pub(super) fn notice(&self) -> Option<&Notice> {
        self.0.notice.as_ref().map(|(notice, _)| notice)
    }

    /// The account of which the tables lack something until this is posted.
    pub(super) fn account(&self) -> Option<AccountId> {
        let session = self.session().map(|session| session.account);
        session.or(self.notice().map(|notice| notice.account))
    }

    fn write(&self, db: &Connection, number: i64) -> Result<()> {
        let Step { record, session, notice } = &*self.0;
        let row = params![
            number,
            record.id.to_bytes(),
            int(record.revision),
            int(record.version),
            record.status,
            record.forgettable_at,
            record.issued,
            record.state,
            session.as_ref().map(|(_, text)| text),
            notice.as_ref().map(|(_, text)| text),
        ];
        db.prepare_cached(ENTER)?.execute(row).map(drop)
    }

    fn read(row: &Row<'_>) -> Result<Self> {
        let record = Record {
            id: row.id("login", LoginId::from_bytes)?,
            revision: row.count("revision")?,
            version: row.count("version")?,
            status: Cow::Owned(row.plain("status")?),
            forgettable_at: row.plain("forgettable_at")?,
            issued: row.plain("issued")?,
            state: row.plain("state")?,
        };
        let session = with_text(row.plain("session")?)?.map(|(session, text)| (Arc::new(session), text));
        let notice = with_text(row.plain("notice")?)?;
        Ok(Self(Arc::new(Step { record, session, notice })))
    }
}

/// What a text says, if there is one.
fn with_text<T: DeserializeOwned>(text: Option<String>) -> Result<Option<(T, String)>> {
    let Some(text) = text else { return Ok(None) };
    let said = serde_json::from_str(&text).map_err(|error| unreadable(Type::Text, error))?;
    Ok(Some((said, text)))
}

/// The entries that are not posted, oldest first, as a transaction sees them.
#[derive(Default)]
pub(super) struct Journal {
    entries: VecDeque<Entry>,
    /// The number of the next one.
    next: i64,
    /// How many of the oldest were posted in this transaction.
    posted: usize,
    /// How many of all are from before this transaction.
    durable: usize,
}

/// How far a journal had come.
#[derive(Clone, Copy)]
pub(super) struct Mark {
    entered: usize,
    posted: usize,
}

impl Journal {
    /// What the disk has.
    pub(super) fn load(db: &Connection) -> Result<Self> {
        let mut numbered = db.prepare_cached(LOAD)?;
        let numbered = numbered.query_map([], |row| Ok((row.get::<_, i64>("number")?, Entry::read(row)?)))?;
        let (numbers, entries): (Vec<_>, VecDeque<_>) =
            numbered.collect::<Result<Vec<_>>>()?.into_iter().unzip();
        let next = numbers.last().map_or(0, |last| last + 1);
        Ok(Self { next, posted: 0, durable: entries.len(), entries })
    }

    /// How many are to be posted.
    pub(super) fn len(&self) -> usize {
        self.entries.len() - self.posted
    }

    /// Those that are to be posted.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().skip(self.posted)
    }

    /// Those that were entered in this transaction, and not posted.
    pub(super) fn entered_now(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().skip(self.durable.max(self.posted))
    }

    /// Writes a step down.
    pub(super) fn enter(&mut self, db: &Connection, entry: Entry) -> Result<()> {
        entry.write(db, self.next)?;
        self.next += 1;
        self.entries.push_back(entry);
        Ok(())
    }

    /// Brings the tables up to date, by the oldest steps, `at_most` of them. Answers those.
    pub(super) fn post(&mut self, db: &Connection, at_most: usize) -> Result<Vec<Entry>> {
        let count = self.len().min(at_most);
        let entries: Vec<Entry> = self.iter().take(count).cloned().collect();
        if entries.is_empty() {
            return Ok(entries);
        }
        for (first, last) in logins_of(&entries) {
            logins::write(db, first, last)?;
        }
        for session in entries.iter().filter_map(Entry::session) {
            sessions::begin(db, session)?;
        }
        let mut notices: Vec<&Notice> = entries.iter().filter_map(Entry::notice).collect();
        // Stable: those of an account stay in their order.
        notices.sort_by_key(|notice| notice.account);
        for of_one in notices.chunk_by(|one, other| one.account == other.account) {
            notices::add_of_steps(db, of_one.iter().copied())?;
        }
        self.posted += count;
        let first_kept = self.next - i64::try_from(self.len()).unwrap_or(i64::MAX);
        db.prepare_cached(STRIKE)?.execute([first_kept - 1])?;
        Ok(entries)
    }

    /// The transaction is durable.
    pub(super) fn committed(&mut self) {
        self.entries.drain(..self.posted);
        self.posted = 0;
        self.durable = self.entries.len();
    }

    /// The transaction was undone.
    pub(super) fn rolled_back(&mut self) {
        self.return_to(Mark { entered: self.durable, posted: 0 });
    }

    /// Where it stands.
    pub(super) fn mark(&self) -> Mark {
        Mark { entered: self.entries.len(), posted: self.posted }
    }

    /// What came after a mark was undone.
    pub(super) fn return_to(&mut self, mark: Mark) {
        self.next -= i64::try_from(self.entries.len() - mark.entered).unwrap_or_default();
        self.entries.truncate(mark.entered);
        self.posted = mark.posted;
    }
}

/// The first and the last of each login's steps, in the order of the logins.
fn logins_of(entries: &[Entry]) -> Vec<(&Record, &Record)> {
    let mut first_and_last: Map<LoginId, (&Record, &Record)> = Map::default();
    for Entry(step) in entries {
        let record = &step.record;
        first_and_last.entry(record.id).and_modify(|(_, last)| *last = record).or_insert((record, record));
    }
    let mut logins: Vec<_> = first_and_last.into_values().collect();
    logins.sort_unstable_by_key(|(first, _)| first.id);
    logins
}
