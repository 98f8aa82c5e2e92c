//! Logins: their records on disk.

use std::borrow::Cow;
use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Result, Row, Transaction, TransactionBehavior, params};
use serde::{Deserialize, Serialize};
use shared::id::{LoginId, SessionId};
use shared::login::{Digests, Login, Request};

use super::columns::{Columns, int, unreadable};
use super::journal::{Entry, Journal};
use super::live::Live;
use super::sessions;
use super::writer::{Effect, Outcome, Tx};
use crate::store::{Committed, Inserted, OpenCaps, PcTokens, Topic};

const LOAD: &str = "SELECT * FROM logins";
const FORGET_ALL: &str = "DELETE FROM logins WHERE forgettable_at <= ?1";
const ADD: &str = "
    INSERT INTO logins (id, revision, version, status, forgettable_at, state, issued)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
const CHANGE: &str = "
    UPDATE logins SET revision = ?2, version = ?3, status = ?4, forgettable_at = ?5, state = ?6 WHERE id = ?1";
const FORGET: &str = "DELETE FROM logins WHERE id = ?1 AND forgettable_at <= ?2";

/// A login after a step, as the disk has it.
pub(super) struct Record {
    pub(super) id: LoginId,
    pub(super) revision: u64,
    pub(super) version: u64,
    pub(super) status: Cow<'static, str>,
    /// In milliseconds.
    pub(super) forgettable_at: Option<i64>,
    /// What never changes; only in the first record of a login.
    pub(super) issued: Option<String>,
    pub(super) state: String,
}

/// What never changes of a login.
#[derive(Serialize, Deserialize)]
struct Unchanging<D = Digests, R = Request> {
    digests: D,
    request: R,
    issued_at: Timestamp,
    deadline: Timestamp,
}

impl Record {
    /// The first of a login.
    pub(super) fn issued(login: &Login, forgettable_at: Option<Timestamp>) -> serde_json::Result<Self> {
        let Login { digests, request, issued_at, deadline, .. } = login;
        let issued = Unchanging { digests, request, issued_at: *issued_at, deadline: *deadline };
        let issued = Some(serde_json::to_string(&issued)?);
        Ok(Self { issued, ..Self::changed(login, forgettable_at)? })
    }

    /// A later one.
    pub(super) fn changed(login: &Login, forgettable_at: Option<Timestamp>) -> serde_json::Result<Self> {
        Ok(Self {
            id: login.id,
            revision: login.revision,
            version: login.version,
            status: Cow::Borrowed(login.state.status().as_str()),
            forgettable_at: forgettable_at.map(Timestamp::as_millisecond),
            issued: None,
            state: serde_json::to_string(&login.state)?,
        })
    }
}

/// Writes what came of a login from one of its steps to another.
pub(super) fn write(db: &Connection, first: &Record, last: &Record) -> Result<()> {
    let Record { id, revision, version, status, forgettable_at, state, .. } = last;
    let (id, revision, version) = (id.to_bytes(), int(*revision), int(*version));
    let changed = params![id, revision, version, status, forgettable_at, state];
    match &first.issued {
        Some(issued) => {
            let added = params![id, revision, version, status, forgettable_at, state, issued];
            db.prepare_cached(ADD)?.execute(added)
        }
        None => db.prepare_cached(CHANGE)?.execute(changed),
    }
    .map(drop)
}

fn read(row: &Row<'_>) -> Result<Login> {
    let json = |column| row.plain::<String>(column);
    let unreadable = |error| unreadable(Type::Text, error);
    let Unchanging { digests, request, issued_at, deadline } =
        serde_json::from_str::<Unchanging>(&json("issued")?).map_err(unreadable)?;
    Ok(Login {
        id: row.id("id", LoginId::from_bytes)?,
        revision: row.count("revision")?,
        version: row.count("version")?,
        digests,
        request,
        issued_at,
        deadline,
        state: serde_json::from_str(&json("state")?).map_err(unreadable)?,
    })
}

/// All logins, but those that were forgotten while no server ran.
pub(super) fn load(db: &Connection, now: Timestamp) -> Result<Live> {
    let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
    Journal::load(&tx)?.post(&tx, usize::MAX)?;
    tx.execute(FORGET_ALL, [now.as_millisecond()])?;
    tx.commit()?;
    let mut live = Live::default();
    let mut rows = db.prepare(LOAD)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        live.replace(Arc::new(read(row)?));
    }
    Ok(live)
}

pub(super) fn insert(
    tx: &mut Tx<'_>,
    login: &Arc<Login>,
    entry: &Entry,
    caps: OpenCaps,
) -> Result<Outcome<Inserted>> {
    let inserted = tx.memory.live_mut().reserve(login, caps);
    if inserted == Inserted::Done {
        tx.then(Effect::Show(login.id));
        tx.enter(entry)?;
    }
    Ok(Outcome::Keep(inserted))
}

/// Fresh tokens for a session.
pub(super) type Reissue = (SessionId, PcTokens);

/// Changes a login, and with it all that the change brings along, if `phone` is valid.
pub(super) fn commit(
    tx: &mut Tx<'_>,
    login: &Arc<Login>,
    entry: &Entry,
    phone: Option<SessionId>,
    reissue: Option<&Reissue>,
    now: Timestamp,
) -> Result<Outcome<Committed>> {
    if tx.revision(login.id).map(|seen| seen + 1) != Some(login.revision) {
        return Ok(Outcome::Undo(Committed::Stale));
    }
    if let Some(phone) = phone
        && !tx.phone_is_valid(phone, now)?
    {
        return Ok(Outcome::Undo(Committed::PhoneGone));
    }
    if let Some(session) = entry.session()
        && !sessions::may_begin(tx, session)?
    {
        return Ok(Outcome::Undo(Committed::PhoneGone));
    }
    if let Some((session, tokens)) = reissue
        && !sessions::reissue(tx, *session, tokens, now)?
    {
        return Ok(Outcome::Undo(Committed::Stale));
    }
    tx.enter(entry)?;
    tx.then(Effect::Replace(login.clone()));
    if let Some(notice) = entry.notice() {
        tx.then(Effect::Wake(Topic::Account(notice.account)));
    }
    Ok(Outcome::Keep(Committed::Done))
}

/// Forgets some logins whose time has come. Answers whether there may be more.
pub(super) fn purge(tx: &mut Tx<'_>, now: Timestamp, at_most: usize) -> Result<Outcome<bool>> {
    let over = tx.memory.live().forgettable(now, at_most);
    for login in &over {
        // It may have changed earlier in this transaction, which memory does not show yet.
        let row = params![login.to_bytes(), now.as_millisecond()];
        if tx.db.prepare_cached(FORGET)?.execute(row)? == 1 {
            tx.then(Effect::Forget(*login));
        }
    }
    Ok(Outcome::Keep(over.len() == at_most))
}
