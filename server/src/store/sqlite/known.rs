//! The PCs that have logged in to an account before, by their keys.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, params};
use shared::dpop::Thumbprint;
use shared::id::{AccountId, SessionId};

use super::columns::Columns;
use super::uses::Uses;

const MEET: &str = "
    INSERT INTO known_pcs (account, key, last_seen_at) VALUES (?1, ?2, ?3)
    ON CONFLICT DO UPDATE SET last_seen_at = max(last_seen_at, excluded.last_seen_at)";
/// The least recent ones go first.
const FORGET_OLDEST: &str = "
    DELETE FROM known_pcs WHERE account = ?1 AND key IN (
        SELECT key FROM known_pcs WHERE account = ?1 ORDER BY last_seen_at DESC LIMIT -1 OFFSET ?2)";
const FIND: &str = "SELECT last_seen_at FROM known_pcs WHERE account = ?1 AND key = ?2";
const SESSIONS: &str = "
    SELECT id, last_seen_at FROM pcs
    WHERE granted_by IN (SELECT id FROM phones WHERE account = ?1) AND key = ?2";
const FORGET: &str = "DELETE FROM known_pcs WHERE account = ?1";
const FORGET_ONE: &str = "DELETE FROM known_pcs WHERE account = ?1 AND key = ?2";

/// How many an account has at most. More than anybody has, and few enough to be looked through.
const KEPT_MAX: i64 = 100;

/// Notes that a PC has logged in.
pub(super) fn meet(db: &Connection, account: AccountId, key: Thumbprint, at: Timestamp) -> Result<()> {
    db.prepare_cached(MEET)?.execute(params![account.to_bytes(), key.as_bytes(), at.as_millisecond()])?;
    db.prepare_cached(FORGET_OLDEST)?.execute(params![account.to_bytes(), KEPT_MAX]).map(drop)
}

/// When a PC was seen last, if it has ever logged in: also by uses of its sessions that the disk has not heard of.
pub(super) fn find(
    db: &Connection,
    uses: &Uses,
    account: AccountId,
    key: Thumbprint,
) -> Result<Option<Timestamp>> {
    let (account, key) = (account.to_bytes(), key.as_bytes());
    let met = db.prepare_cached(FIND)?.query_row(params![account, key], |row| row.time("last_seen_at"));
    let Some(mut seen) = met.optional()? else { return Ok(None) };
    let mut sessions = db.prepare_cached(SESSIONS)?;
    let times = sessions.query_map(params![account, key], |row| {
        let last = uses.last(row.id("id", SessionId::from_bytes)?);
        Ok(row.time("last_seen_at")?.max(last.unwrap_or(Timestamp::MIN)))
    })?;
    for at in times {
        seen = seen.max(at?);
    }
    Ok(Some(seen))
}

/// Forgets one.
pub(super) fn forget_one(db: &Connection, account: AccountId, key: Thumbprint) -> Result<()> {
    db.prepare_cached(FORGET_ONE)?.execute(params![account.to_bytes(), key.as_bytes()]).map(drop)
}

/// Forgets them all: whoever changes a password does not trust what was let in before.
pub(super) fn forget(db: &Connection, account: AccountId) -> Result<()> {
    db.prepare_cached(FORGET)?.execute(params![account.to_bytes()]).map(drop)
}
