//! How sessions end: by somebody's will, or by time.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, Result, params, params_from_iter};
use shared::id::{AccountId, SessionId};

use crate::store::sqlite::columns::Columns;
use crate::store::sqlite::notices;
use crate::store::sqlite::writer::{Effect, Outcome, Tx};
use crate::store::{Ending, Notice, PHONE_IDLE, SESSION_LIFE, Topic};

// PCs before their phones, so that each statement names all that it ends.
const END_PC: &str = "DELETE FROM pcs WHERE account = ?1 AND (id = ?2 OR granted_by = ?2) RETURNING id";
const END_PHONE: &str = "DELETE FROM phones WHERE account = ?1 AND id = ?2 RETURNING id";
const END_PCS: &str =
    "DELETE FROM pcs WHERE granted_by IN (SELECT id FROM phones WHERE account = ?1) RETURNING id";
const END_OTHER_PHONES: &str = "DELETE FROM phones WHERE account = ?1 AND id <> ?2 RETURNING id";
const END_PHONES: &str = "DELETE FROM phones WHERE account = ?1 RETURNING id";

const PHONES_OVER: &str = "SELECT id FROM phones WHERE last_seen_at <= ?1 OR created_at <= ?2";
const PCS_OVER: &str = "SELECT id FROM pcs WHERE refresh_until <= ?1 OR created_at <= ?2";
const SPENT_OVER: &str = "SELECT refresh FROM spent WHERE until <= ?1";
const FORGET_PHONE: &str = "DELETE FROM phones WHERE id = ?3 AND (last_seen_at <= ?1 OR created_at <= ?2)";
const FORGET_PC: &str = "DELETE FROM pcs WHERE id = ?3 AND (refresh_until <= ?1 OR created_at <= ?2)";
const FORGET_SPENT: &str = "DELETE FROM spent WHERE refresh = ?1";

pub(in super::super) fn end(
    tx: &mut Tx<'_>,
    account: AccountId,
    ending: Ending,
    notice: Option<&Notice>,
) -> Result<Outcome<Vec<SessionId>>> {
    let ended = match ending {
        Ending::One(session) => {
            let which = [account.to_bytes(), session.to_bytes()];
            ids(tx, [(END_PC, &which), (END_PHONE, &which)])?
        }
        Ending::Others(kept) => end_others(tx, account, kept)?,
    };
    if let Some(notice) = notice {
        notices::add(tx.db, notice)?;
    }
    tx.then(Effect::Wake(Topic::Account(account)));
    Ok(Outcome::Keep(ended))
}

/// Ends all sessions of an account but one: every PC hangs on a phone, so a phone is what can be kept.
pub(in super::super) fn end_others(
    tx: &mut Tx<'_>,
    account: AccountId,
    kept: SessionId,
) -> Result<Vec<SessionId>> {
    let (account, kept) = (account.to_bytes(), kept.to_bytes());
    ids(tx, [(END_PCS, &[account]), (END_OTHER_PHONES, &[account, kept])])
}

/// Ends all sessions of an account: with the phones go their PCs.
pub(in super::super) fn end_all(tx: &mut Tx<'_>, account: AccountId) -> Result<Vec<SessionId>> {
    let account = [account.to_bytes()];
    ids(tx, [(END_PCS, &account), (END_PHONES, &account)])
}

/// Runs statements that end sessions. Answers which.
fn ids(tx: &mut Tx<'_>, endings: [(&str, &[[u8; 16]]); 2]) -> Result<Vec<SessionId>> {
    let mut ended = Vec::new();
    for (sql, which) in endings {
        let id = |row: &rusqlite::Row<'_>| row.id("id", SessionId::from_bytes);
        for id in tx.db.prepare_cached(sql)?.query_map(params_from_iter(which), id)? {
            ended.push(id?);
        }
    }
    for id in &ended {
        tx.then(Effect::SessionChanged(*id));
    }
    Ok(ended)
}

/// What is over by a time, and may be forgotten.
#[derive(Clone, Copy)]
pub(in super::super) enum Over {
    Phone([u8; 16]),
    Pc([u8; 16]),
    Spent([u8; 32]),
}

/// Finds all that is over. This looks at every session, so it is not for the writer.
pub(in super::super) fn over(db: &Connection, now: Timestamp) -> Result<Vec<Over>> {
    let Limits { now, idle, old } = Limits::at(now);
    let mut over = Vec::new();
    let mut phones = db.prepare_cached(PHONES_OVER)?;
    for id in phones.query_map([idle, old], |row| row.get(0))? {
        over.push(Over::Phone(id?));
    }
    let mut pcs = db.prepare_cached(PCS_OVER)?;
    for id in pcs.query_map([now, old], |row| row.get(0))? {
        over.push(Over::Pc(id?));
    }
    let mut spent = db.prepare_cached(SPENT_OVER)?;
    for refresh in spent.query_map([now], |row| row.get(0))? {
        over.push(Over::Spent(refresh?));
    }
    Ok(over)
}

/// Forgets what is still over.
pub(in super::super) fn purge(tx: &mut Tx<'_>, over: &[Over], now: Timestamp) -> Result<Outcome<()>> {
    let Limits { now, idle, old } = Limits::at(now);
    for over in over {
        match over {
            Over::Phone(id) => tx.db.prepare_cached(FORGET_PHONE)?.execute(params![idle, old, id])?,
            Over::Pc(id) => tx.db.prepare_cached(FORGET_PC)?.execute(params![now, old, id])?,
            Over::Spent(refresh) => tx.db.prepare_cached(FORGET_SPENT)?.execute(params![refresh])?,
        };
        if let Over::Phone(id) | Over::Pc(id) = over {
            tx.then(Effect::SessionChanged(SessionId::from_bytes(*id)));
        }
    }
    Ok(Outcome::Keep(()))
}

/// The times, in milliseconds, at which a session is over that was last seen, or made, then.
struct Limits {
    now: i64,
    idle: i64,
    old: i64,
}

impl Limits {
    fn at(now: Timestamp) -> Self {
        let before = |span| {
            let span = SignedDuration::try_from(span).unwrap_or(SignedDuration::MAX);
            now.saturating_sub(span).unwrap_or(Timestamp::MIN).as_millisecond()
        };
        Self { now: now.as_millisecond(), idle: before(PHONE_IDLE), old: before(SESSION_LIFE) }
    }
}
