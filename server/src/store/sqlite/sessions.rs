//! Sessions, of phones and of PCs.
//!
//! ```text
//!  account --+-- phone --+-- pc         found only while all of its line stands:
//!            |           +-- pc         the row is there, the account enabled, no time over
//!            +-- phone
//! ```
//!
//! Ending a session deletes its row, and the keys take along what hangs on it.

mod ending;
mod tokens;

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Result, Row, params};
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId};
use shared::secret::{Digest, PcToken, PhoneToken};

use super::columns::{Columns, int, ip_text};
use super::uses::Uses;
use super::writer::{Outcome, Tx};
use crate::store::{AnySession, PcSession, PcTokens, PhoneSession, Valid, phone_ends_at};

pub(super) use ending::{end, end_all, end_others, over, purge};
pub(super) use tokens::{begin, may_begin, refresh_token, reissue, rotate};

const ADD_PHONE: &str = "
    INSERT INTO phones (id, account, token, device_name, ip, created_at, last_seen_at)
    SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM accounts WHERE id = ?2 AND enabled AND password_version = ?8";
const PHONE_BY_TOKEN: &str = "SELECT * FROM standing_phones WHERE token = ?1";
const PHONE_BY_ID: &str = "SELECT * FROM standing_phones WHERE id = ?1";
const PHONES_OF: &str = "SELECT * FROM standing_phones WHERE account = ?1";
const PC_BY_TOKEN: &str = "SELECT * FROM standing_pcs WHERE access = ?1";
const PC_BY_ID: &str = "SELECT * FROM standing_pcs WHERE id = ?1";
const PCS_OF: &str =
    "SELECT * FROM standing_pcs WHERE granted_by IN (SELECT id FROM phones WHERE account = ?1)";
const SEEN_PHONE: &str = "UPDATE phones SET last_seen_at = max(last_seen_at, ?2) WHERE id = ?1";
const SEEN_PC: &str = "UPDATE pcs SET last_seen_at = max(last_seen_at, ?2), used = 1 WHERE id = ?1";

pub(super) fn add_phone(tx: &mut Tx<'_>, session: &PhoneSession, version: u64) -> Result<Outcome<bool>> {
    let row = params![
        session.id.to_bytes(),
        session.account.to_bytes(),
        session.token.as_bytes(),
        session.device_name,
        ip_text(session.ip),
        session.created_at.as_millisecond(),
        session.last_seen_at.as_millisecond(),
        int(version),
    ];
    Ok(Outcome::Keep(tx.db.prepare_cached(ADD_PHONE)?.execute(row)? == 1))
}

/// The sessions as they stand at a time, with the uses that the disk has not heard of.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    pub(super) db: &'a Connection,
    pub(super) uses: &'a Uses,
    pub(super) now: Timestamp,
}

impl Standing<'_> {
    pub(super) fn phone(self, token: Digest<PhoneToken>) -> Result<Option<Valid<PhoneSession>>> {
        self.phone_where(PHONE_BY_TOKEN, token.as_bytes())
    }

    pub(super) fn phone_by_id(self, phone: SessionId) -> Result<Option<Valid<PhoneSession>>> {
        self.phone_where(PHONE_BY_ID, &phone.to_bytes())
    }

    pub(super) fn pc(self, token: Digest<PcToken>) -> Result<Option<Valid<PcSession>>> {
        let found = self.pc_where(PC_BY_TOKEN, token.as_bytes())?;
        Ok(found.filter(|pc| self.now < pc.session.tokens.access_until))
    }

    pub(super) fn pc_by_id(self, session: SessionId) -> Result<Option<Valid<PcSession>>> {
        self.pc_where(PC_BY_ID, &session.to_bytes())
    }

    /// All of an account, newest first.
    pub(super) fn of(self, account: AccountId) -> Result<Vec<AnySession>> {
        let account = account.to_bytes();
        let mut found = Vec::new();
        for phone in
            self.db.prepare_cached(PHONES_OF)?.query_and_then([&account], |row| self.read_phone(row))?
        {
            found.extend(phone?.map(|phone| AnySession::Phone(phone.session)));
        }
        for pc in self.db.prepare_cached(PCS_OF)?.query_and_then([&account], |row| self.read_pc(row))? {
            found.extend(pc?.map(|pc| AnySession::Pc(pc.session)));
        }
        found.sort_by_key(|session| {
            std::cmp::Reverse(match session {
                AnySession::Phone(phone) => (phone.created_at, phone.id),
                AnySession::Pc(pc) => (pc.created_at, pc.id),
            })
        });
        Ok(found)
    }

    fn phone_where(self, sql: &str, key: &[u8]) -> Result<Option<Valid<PhoneSession>>> {
        let found = self.db.prepare_cached(sql)?.query_row([key], |row| self.read_phone(row)).optional()?;
        Ok(found.flatten())
    }

    fn pc_where(self, sql: &str, key: &[u8]) -> Result<Option<Valid<PcSession>>> {
        let found = self.db.prepare_cached(sql)?.query_row([key], |row| self.read_pc(row)).optional()?;
        Ok(found.flatten())
    }

    fn read_phone(self, row: &Row<'_>) -> Result<Option<Valid<PhoneSession>>> {
        let mut session = PhoneSession {
            id: row.id("id", SessionId::from_bytes)?,
            account: row.id("account", AccountId::from_bytes)?,
            token: row.digest("token")?,
            device_name: row.plain("device_name")?,
            ip: row.ip("ip")?,
            created_at: row.time("created_at")?,
            last_seen_at: row.time("last_seen_at")?,
        };
        if let Some(at) = self.uses.last(session.id) {
            session.last_seen_at = session.last_seen_at.max(at);
        }
        let valid = self.now < session.ends_at();
        valid.then(|| Ok(Valid { session, username: row.username()? })).transpose()
    }

    fn read_pc(self, row: &Row<'_>) -> Result<Option<Valid<PcSession>>> {
        let mut session = PcSession {
            id: row.id("id", SessionId::from_bytes)?,
            account: row.id("account", AccountId::from_bytes)?,
            granted_by: row.id("granted_by", SessionId::from_bytes)?,
            login: row.id("login", LoginId::from_bytes)?,
            client_id: row.plain("client_id")?,
            scope: row.plain("scope")?,
            device_name: row.plain("device_name")?,
            ip: row.ip("ip")?,
            key: row.plain::<Option<[u8; 32]>>("key")?.map(Thumbprint::from_bytes),
            created_at: row.time("created_at")?,
            last_seen_at: row.time("last_seen_at")?,
            tokens: PcTokens {
                access: row.digest("access")?,
                access_until: row.time("access_until")?,
                refresh: row.digest("refresh")?,
                refresh_until: row.time("refresh_until")?,
            },
            used: row.plain("used")?,
        };
        if let Some(at) = self.uses.last(session.id) {
            session.last_seen_at = session.last_seen_at.max(at);
            session.used = true;
        }
        let valid = self.now < session.ends_at() && self.phone_of_pc_stands(&session, row)?;
        valid.then(|| Ok(Valid { session, username: row.username()? })).transpose()
    }

    /// Whether the time of the phone that let a PC in is not over.
    fn phone_of_pc_stands(self, pc: &PcSession, row: &Row<'_>) -> Result<bool> {
        let (created_at, last_seen_at) = (row.time("phone_created_at")?, row.time("phone_last_seen_at")?);
        let last_seen_at = self.uses.last(pc.granted_by).map_or(last_seen_at, |at| last_seen_at.max(at));
        Ok(self.now < phone_ends_at(created_at, last_seen_at))
    }
}

/// Writes down that a session was used.
pub(super) fn seen(db: &Connection, session: SessionId, at: Timestamp) -> Result<()> {
    let row = params![session.to_bytes(), at.as_millisecond()];
    if db.prepare_cached(SEEN_PC)?.execute(row)? == 0 {
        db.prepare_cached(SEEN_PHONE)?.execute(row)?;
    }
    Ok(())
}
