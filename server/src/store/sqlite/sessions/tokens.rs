//! A PC session's tokens: given once, rotated at each refresh, told from what was used before.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, params};
use shared::dpop::Thumbprint;
use shared::id::SessionId;
use shared::secret::{Digest, RefreshToken};

use super::Standing;
use crate::store::sqlite::columns::ip_text;
use crate::store::sqlite::known;
use crate::store::sqlite::writer::{Effect, Outcome, Tx};
use crate::store::{PcSession, PcTokens, Refresh};

/// Nothing is inserted if the phone that grants it is gone.
const BEGIN: &str = "
    INSERT INTO pcs (id, account, granted_by, login, client_id, scope, device_name, ip, created_at, last_seen_at,
                     access, access_until, refresh, refresh_until, used, key)
    SELECT ?1, account, id, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16
    FROM phones WHERE id = ?3 AND account = ?2";
const MAY_BEGIN: &str = "
    SELECT NOT EXISTS (SELECT * FROM pcs WHERE id = ?1)
           AND EXISTS (SELECT * FROM phones WHERE id = ?2 AND account = ?3)";
const REISSUE: &str =
    "UPDATE pcs SET access = ?2, access_until = ?3, refresh = ?4, refresh_until = ?5 WHERE id = ?1";
const ROTATE: &str = "
    UPDATE pcs SET access = ?2, access_until = ?3, refresh = ?4, refresh_until = ?5, used = 1 WHERE id = ?1";
const SPEND: &str = "INSERT INTO spent (refresh, session, until) VALUES (?1, ?2, ?3)";
const PC_BY_REFRESH: &str = "SELECT * FROM standing_pcs WHERE refresh = ?1";
const SPENT: &str = "SELECT session FROM spent WHERE refresh = ?1 AND until > ?2";

/// Whether the phone that would grant a session is there, and its account's; and the session is not.
pub(in super::super) fn may_begin(tx: &Tx<'_>, session: &PcSession) -> Result<bool> {
    let row = params![session.id.to_bytes(), session.granted_by.to_bytes(), session.account.to_bytes()];
    let in_tables = tx.db.prepare_cached(MAY_BEGIN)?.query_row(row, |row| row.get(0))?;
    Ok(in_tables && !tx.has_begun(session.id))
}

/// Begins a session, if the phone that grants it is still there.
pub(in super::super) fn begin(db: &Connection, session: &PcSession) -> Result<()> {
    let row = params![
        session.id.to_bytes(),
        session.account.to_bytes(),
        session.granted_by.to_bytes(),
        session.login.to_bytes(),
        session.client_id,
        session.scope,
        session.device_name,
        ip_text(session.ip),
        session.created_at.as_millisecond(),
        session.last_seen_at.as_millisecond(),
        session.tokens.access.as_bytes(),
        session.tokens.access_until.as_millisecond(),
        session.tokens.refresh.as_bytes(),
        session.tokens.refresh_until.as_millisecond(),
        session.used,
        session.key.as_ref().map(Thumbprint::as_bytes),
    ];
    let has_begun = db.prepare_cached(BEGIN)?.execute(row)? == 1;
    if let Some(key) = session.key.filter(|_| has_begun) {
        known::meet(db, session.account, key, session.created_at)?;
    }
    Ok(())
}

/// Replaces tokens that nobody has used; false if somebody has. From here until they are durable, a use waits.
pub(in super::super) fn reissue(
    tx: &mut Tx<'_>,
    session: SessionId,
    tokens: &PcTokens,
    now: Timestamp,
) -> Result<bool> {
    let found = tx.standing(now).pc_by_id(session)?;
    if found.is_none_or(|pc| pc.session.used) || !tx.memory.uses.doubt(session) {
        return Ok(false);
    }
    tx.then(Effect::Settle(session));
    replace(tx, REISSUE, session, tokens)?;
    Ok(true)
}

pub(in super::super) fn rotate(
    tx: &mut Tx<'_>,
    session: SessionId,
    spent: Digest<RefreshToken>,
    tokens: &PcTokens,
    now: Timestamp,
) -> Result<Outcome<bool>> {
    let found = tx.standing(now).pc_by_id(session)?;
    let Some(before) = found.map(|pc| pc.session.tokens).filter(|tokens| tokens.refresh == spent) else {
        return Ok(Outcome::Keep(false));
    };
    replace(tx, ROTATE, session, tokens)?;
    let row = params![spent.as_bytes(), session.to_bytes(), before.refresh_until.as_millisecond()];
    tx.db.prepare_cached(SPEND)?.execute(row)?;
    Ok(Outcome::Keep(true))
}

fn replace(tx: &mut Tx<'_>, sql: &str, session: SessionId, tokens: &PcTokens) -> Result<()> {
    let row = params![
        session.to_bytes(),
        tokens.access.as_bytes(),
        tokens.access_until.as_millisecond(),
        tokens.refresh.as_bytes(),
        tokens.refresh_until.as_millisecond(),
    ];
    tx.then(Effect::SessionChanged(session));
    tx.db.prepare_cached(sql)?.execute(row).map(drop)
}

pub(in super::super) fn refresh_token(
    standing: Standing<'_>,
    token: Digest<RefreshToken>,
) -> Result<Refresh> {
    if let Some(current) = standing.pc_where(PC_BY_REFRESH, token.as_bytes())? {
        return Ok(Refresh::Current(current));
    }
    let row = params![token.as_bytes(), standing.now.as_millisecond()];
    let spent = standing.db.prepare_cached(SPENT)?.query_row(row, |row| row.get(0)).optional()?;
    let session = match spent {
        Some(session) => standing.pc_by_id(SessionId::from_bytes(session))?,
        None => None,
    };
    Ok(session.map_or(Refresh::Unknown, |pc| Refresh::Spent(pc.session)))
}
