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

const COUNT: &str = "
    UPDATE notices SET count = count + 1 WHERE account = ?1 AND kind = ?2 AND subject = ?3 AND is_counted";
/// An account that is gone has nobody to be told.
const LAST: &str = "
    SELECT coalesce((SELECT max(id) FROM notices WHERE account = ?1), 0) FROM accounts WHERE id = ?1";
const ADD: &str = "
    INSERT INTO notices (account, id, kind, subject, at, count, device_name, ip, session, is_counted)
    VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6, ?7, ?8, ?9)";
/// Ids are given without gaps, so this leaves as many as are kept.
const TRIM: &str = "DELETE FROM notices WHERE account = ?1 AND id <= ?2";
const READ: &str = "
    SELECT * FROM notices
    WHERE account = ?1 AND id > max(?2, (SELECT max(id) FROM notices WHERE account = ?1) - ?4)
    ORDER BY id LIMIT ?3";

/// How many notices of an account are deleted at once, of those that are past what is kept.
const TRIMMED_AT_ONCE: i64 = 64;

/// Adds a notice, or counts it up.
pub(super) fn add(db: &Connection, notice: &Notice) -> Result<()> {
    let row = params![notice.account.to_bytes(), kind_text(notice.kind), notice.subject];
    if db.prepare_cached(COUNT)?.execute(row)? > 0 { Ok(()) } else { append(db, [notice], true) }
}

/// Adds notices to one account, each of which comes of a step of a login, and so just once: none has to be looked for.
pub(super) fn add_of_steps<'a>(db: &Connection, notices: impl IntoIterator<Item = &'a Notice>) -> Result<()> {
    append(db, notices, false)
}

fn append<'a>(
    db: &Connection,
    notices: impl IntoIterator<Item = &'a Notice>,
    is_counted: bool,
) -> Result<()> {
    let mut notices = notices.into_iter().peekable();
    let Some(account) = notices.peek().map(|notice| notice.account.to_bytes()) else { return Ok(()) };
    let last: Option<i64> = db.prepare_cached(LAST)?.query_row([account], |row| row.get(0)).optional()?;
    let Some(before) = last else { return Ok(()) };
    let mut last = before;
    let mut add = db.prepare_cached(ADD)?;
    for notice in notices {
        last += 1;
        add.execute(params![
            account,
            last,
            kind_text(notice.kind),
            notice.subject,
            notice.at.as_millisecond(),
            notice.device_name,
            ip_text(notice.ip),
            notice.session.map(SessionId::to_bytes),
            is_counted,
        ])?;
    }
    if last / TRIMMED_AT_ONCE > before / TRIMMED_AT_ONCE {
        db.prepare_cached(TRIM)?.execute(params![account, last - int(NOTICES_KEPT)])?;
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
    let which = params![account.to_bytes(), int(after), int(NOTICES_READ), int(NOTICES_KEPT)];
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
