//! Accounts.

use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use shared::id::{AccountId, SessionId};
use shared::name::Username;

use super::columns::{Columns, int};
use super::writer::{Effect, Outcome, Tx};
use super::{known, notices, sessions};
use crate::store::{Account, Notice, Topic};

const ADD: &str = "
    INSERT INTO accounts (id, username, password, password_version, enabled, created_at)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (username) DO NOTHING";
const FIND: &str = "SELECT * FROM accounts WHERE username = ?1";
const ALL: &str = "SELECT * FROM accounts ORDER BY username";
const SET_ENABLED: &str = "UPDATE accounts SET enabled = ?2 WHERE username = ?1 RETURNING id";
const SET_PASSWORD: &str = "
    UPDATE accounts SET password = ?3, password_version = password_version + 1
    WHERE id = ?1 AND password_version = ?2";
const REMOVE: &str = "DELETE FROM accounts WHERE username = ?1 RETURNING id";

pub(super) fn add(tx: &mut Tx<'_>, account: &Account) -> Result<Outcome<bool>> {
    let row = params![
        account.id.to_bytes(),
        account.username.as_str(),
        account.password,
        int(account.password_version),
        account.enabled,
        account.created_at.as_millisecond(),
    ];
    Ok(Outcome::Keep(tx.db.prepare_cached(ADD)?.execute(row)? == 1))
}

pub(super) fn find(db: &Connection, username: &Username) -> Result<Option<Account>> {
    db.prepare_cached(FIND)?.query_row([username.as_str()], account).optional()
}

pub(super) fn all(db: &Connection) -> Result<Vec<Account>> {
    db.prepare_cached(ALL)?.query_map([], account)?.collect()
}

pub(super) fn set_enabled(tx: &mut Tx<'_>, username: &Username, enabled: bool) -> Result<Outcome<bool>> {
    let row = params![username.as_str(), enabled];
    let account = tx.db.prepare_cached(SET_ENABLED)?.query_row(row, id).optional()?;
    if let Some(account) = account {
        if !enabled {
            drop(sessions::end_all(tx, account)?);
            known::forget(tx.db, account)?;
        }
        tx.then(Effect::Wake(Topic::Account(account)));
    }
    Ok(Outcome::Keep(account.is_some()))
}

/// A new password, and what else becomes true with it.
pub(super) struct NewPassword {
    pub(super) account: AccountId,
    /// The version of the password that it takes the place of.
    pub(super) version: u64,
    pub(super) hash: String,
    pub(super) keep: Option<SessionId>,
    pub(super) notice: Notice,
}

pub(super) fn set_password(tx: &mut Tx<'_>, new: &NewPassword) -> Result<Outcome<Option<Vec<SessionId>>>> {
    let row = params![new.account.to_bytes(), int(new.version), new.hash];
    if tx.db.prepare_cached(SET_PASSWORD)?.execute(row)? == 0 {
        return Ok(Outcome::Keep(None));
    }
    let ended = match new.keep {
        Some(keep) => sessions::end_others(tx, new.account, keep)?,
        None => sessions::end_all(tx, new.account)?,
    };
    known::forget(tx.db, new.account)?;
    notices::add(tx.db, &new.notice)?;
    tx.then(Effect::Wake(Topic::Account(new.account)));
    Ok(Outcome::Keep(Some(ended)))
}

pub(super) fn remove(tx: &mut Tx<'_>, username: &Username) -> Result<Outcome<bool>> {
    let account = tx.db.prepare_cached(REMOVE)?.query_row([username.as_str()], id).optional()?;
    if let Some(account) = account {
        tx.then(Effect::SessionsChanged);
        tx.then(Effect::Wake(Topic::Account(account)));
    }
    Ok(Outcome::Keep(account.is_some()))
}

fn id(row: &Row<'_>) -> Result<AccountId> {
    row.id("id", AccountId::from_bytes)
}

fn account(row: &Row<'_>) -> Result<Account> {
    Ok(Account {
        id: id(row)?,
        username: row.username()?,
        password: row.plain("password")?,
        password_version: row.count("password_version")?,
        enabled: row.plain("enabled")?,
        created_at: row.time("created_at")?,
    })
}
