//! What an account's owner is told.

use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use serde::Deserialize;
use serde::de::value::{Error as NotAKind, StrDeserializer};
use shared::api::NoticeKind;
use shared::id::{AccountId, SessionId};

use super::columns::{Columns, int, ip_text, unreadable};
use super::writer::{Effect, Outcome, Tx};
use crate::store::{KeptNotice, NOTICES_KEPT, NOTICES_READ, Notice, Topic};

const COUNT: &str = "UPDATE notices SET count = count + 1 WHERE account = ?1 AND kind = ?2 AND subject = ?3";
/// An account that is gone has nobody to be told.
const ADD: &str = "
    INSERT INTO notices (account, id, kind, subject, at, count, device_name, ip, session)
    SELECT accounts.id, 1 + coalesce((SELECT max(id) FROM notices WHERE account = accounts.id), 0),
           ?2, ?3, ?4, 1, ?5, ?6, ?7
    FROM accounts WHERE id = ?1
    RETURNING id";
/// Ids are given without gaps, so this leaves as many as are kept.
const TRIM: &str = "DELETE FROM notices WHERE account = ?1 AND id <= ?2";
const READ: &str = "SELECT * FROM notices WHERE account = ?1 AND id > ?2 ORDER BY id LIMIT ?3";

/// Adds a notice, or counts it up.
pub(super) fn add(db: &Connection, notice: &Notice) -> Result<()> {
    let account = notice.account.to_bytes();
    let kind = kind_text(notice.kind);
    if db.prepare_cached(COUNT)?.execute(params![account, kind, notice.subject])? > 0 {
        return Ok(());
    }
    let row = params![
        account,
        kind,
        notice.subject,
        notice.at.as_millisecond(),
        notice.device_name,
        ip_text(notice.ip),
        notice.session.map(SessionId::to_bytes),
    ];
    let id: Option<i64> = db.prepare_cached(ADD)?.query_row(row, |row| row.get(0)).optional()?;
    if let Some(last_gone) = id.map(|id| id - int(NOTICES_KEPT)).filter(|id| *id > 0) {
        db.prepare_cached(TRIM)?.execute(params![account, last_gone])?;
    }
    Ok(())
}

/// Tells an account's owner something by itself.
pub(super) fn notify(tx: &mut Tx<'_>, notice: &Notice) -> Result<Outcome<()>> {
    add(tx.db, notice)?;
    tx.then(Effect::Wake(Topic::Account(notice.account)));
    Ok(Outcome::Keep(()))
}

/// Notices with ids above `after`.
pub(super) fn read(db: &Connection, account: AccountId, after: u64) -> Result<Vec<KeptNotice>> {
    let which = params![account.to_bytes(), int(after), int(NOTICES_READ)];
    db.prepare_cached(READ)?.query_map(which, |row| notice(row, account))?.collect()
}

fn notice(row: &Row<'_>, account: AccountId) -> Result<KeptNotice> {
    let kind: String = row.plain("kind")?;
    let notice = Notice {
        account,
        kind: kind_of(&kind)?,
        subject: row.plain("subject")?,
        at: row.time("at")?,
        device_name: row.plain("device_name")?,
        ip: row.ip("ip")?,
        session: row.plain::<Option<_>>("session")?.map(SessionId::from_bytes),
    };
    Ok(KeptNotice { id: row.count("id")?, count: row.count("count")?, notice })
}

/// A kind as the disk and the wire have it.
fn kind_text(kind: NoticeKind) -> &'static str {
    match kind {
        NoticeKind::LoginConfirmed => "login_confirmed",
        NoticeKind::LoggedIn => "logged_in",
        NoticeKind::LoginDenied => "login_denied",
        NoticeKind::SecondScanRefused => "second_scan_refused",
        NoticeKind::ConfirmFromAnotherPhone => "confirm_from_another_phone",
        NoticeKind::TokenReplayed => "token_replayed",
        NoticeKind::LoginNotFinished => "login_not_finished",
        NoticeKind::PasswordChanged => "password_changed",
    }
}

fn kind_of(text: &str) -> Result<NoticeKind> {
    NoticeKind::deserialize(StrDeserializer::<NotAKind>::new(text))
        .map_err(|error| unreadable(Type::Text, error))
}
