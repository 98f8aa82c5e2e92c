//! Logins: their records on disk.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, Result, params};
use shared::login::Login;

use super::columns::{Columns, int, unreadable};
use super::live::{Live, forgettable_at};
use super::writer::{Effect, Outcome, Tx};
use super::{notices, sessions};
use crate::store::{Change, Committed, Inserted, OpenCaps, SessionWrite, Topic};

const LOAD: &str = "SELECT record FROM logins";
const FORGET_ALL: &str = "DELETE FROM logins WHERE forgettable_at <= ?1";
const INSERT: &str =
    "INSERT INTO logins (id, revision, status, forgettable_at, record) VALUES (?1, ?2, ?3, ?4, ?5)";
const REPLACE: &str = "UPDATE logins SET revision = ?2, status = ?3, forgettable_at = ?4, record = ?5
                       WHERE id = ?1 AND revision = ?2 - 1";
const FORGET: &str = "DELETE FROM logins WHERE id = ?1 AND forgettable_at <= ?2";

/// A login, and how the disk keeps it.
pub(super) struct Record {
    login: Arc<Login>,
    json: String,
}

impl Record {
    /// Made by the caller, so that the writer has that much less to do.
    pub(super) fn of(login: Login) -> serde_json::Result<Self> {
        let json = serde_json::to_string(&login)?;
        Ok(Self { login: Arc::new(login), json })
    }

    fn write(&self, db: &Connection, sql: &str) -> Result<bool> {
        let Self { login, json } = self;
        let status = login.state.status().as_str();
        let forgettable_at = forgettable_at(login).map(Timestamp::as_millisecond);
        let row = params![login.id.to_bytes(), int(login.revision), status, forgettable_at, json];
        Ok(db.prepare_cached(sql)?.execute(row)? == 1)
    }
}

/// All logins, but those that were forgotten while no server ran.
pub(super) fn load(db: &Connection, now: Timestamp) -> Result<Live> {
    db.execute(FORGET_ALL, [now.as_millisecond()])?;
    let mut live = Live::default();
    let mut rows = db.prepare(LOAD)?;
    let mut rows = rows.query([])?;
    while let Some(row) = rows.next()? {
        let json: String = row.plain("record")?;
        let login = serde_json::from_str(&json).map_err(|error| unreadable(Type::Text, error))?;
        live.replace(Arc::new(login));
    }
    Ok(live)
}

pub(super) fn insert(tx: &mut Tx<'_>, record: &Record, caps: OpenCaps) -> Result<Outcome<Inserted>> {
    let login = &record.login;
    let inserted = tx.memory.live_mut().reserve(login, caps);
    if inserted == Inserted::Done {
        tx.then(Effect::Show(login.id));
        record.write(tx.db, INSERT)?;
    }
    Ok(Outcome::Keep(inserted))
}

/// Changes a login as `record` says, and with it all that the change brings along.
pub(super) fn commit(
    tx: &mut Tx<'_>,
    record: &Record,
    change: &Change,
    now: Timestamp,
) -> Result<Outcome<Committed>> {
    if !record.write(tx.db, REPLACE)? {
        return Ok(Outcome::Undo(Committed::Stale));
    }
    if let Some(phone) = change.phone
        && !tx.standing(now).phone_is_valid(phone)?
    {
        return Ok(Outcome::Undo(Committed::PhoneGone));
    }
    let written = match &change.session {
        None => Committed::Done,
        Some(SessionWrite::Begin(session)) => sessions::begin(tx, session)?,
        Some(SessionWrite::Reissue(session, tokens)) => sessions::reissue(tx, *session, tokens, now)?,
    };
    if written != Committed::Done {
        return Ok(Outcome::Undo(written));
    }
    if let Some(notice) = &change.notice {
        notices::add(tx.db, notice)?;
        tx.then(Effect::Wake(Topic::Account(notice.account)));
    }
    tx.then(Effect::Replace(record.login.clone()));
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
