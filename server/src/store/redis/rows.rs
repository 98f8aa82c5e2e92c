//! What is kept, as JSON, and how it is read.

use std::collections::HashMap;
use std::net::IpAddr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::api::NoticeKind;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId};
use shared::name::Username;
use shared::secret::{ClientSecret, Digest};

use super::keys::{bytes, text};
use super::unreadable;
use crate::store::{
    Account, KeptNotice, Notice, PcSession, PcTokens, PhoneSession, ResourceServer, Result, StoreError,
};

pub(super) fn json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| StoreError(error.to_string()))
}

pub(super) fn from_json<'a, T: Deserialize<'a>>(what: &str, json: &'a str) -> Result<T> {
    serde_json::from_str(json).map_err(|_| unreadable(what))
}

pub(super) fn time(what: &str, millis: &str) -> Result<Timestamp> {
    let millis = millis.parse().ok().and_then(|millis| Timestamp::from_millisecond(millis).ok());
    millis.ok_or_else(|| unreadable(what))
}

/// What of a phone's session never changes.
#[derive(Serialize, Deserialize)]
pub(super) struct PhoneRow {
    id: SessionId,
    account: AccountId,
    token: String,
    device_name: Option<String>,
    ip: Option<IpAddr>,
    created_at: Timestamp,
}

impl PhoneRow {
    pub(super) fn of(phone: &PhoneSession) -> Self {
        let PhoneSession { id, account, token, device_name, ip, created_at, last_seen_at: _ } = phone.clone();
        Self { id, account, token: text(token.as_bytes()), device_name, ip, created_at }
    }

    pub(super) fn session(self, last_seen_at: Timestamp) -> Result<PhoneSession> {
        let Self { id, account, token, device_name, ip, created_at } = self;
        let token = Digest::from_bytes(bytes(&token).ok_or_else(|| unreadable("a phone's session"))?);
        Ok(PhoneSession { id, account, token, device_name, ip, created_at, last_seen_at })
    }
}

/// What of a PC's session never changes.
#[derive(Serialize, Deserialize)]
pub(super) struct PcRow {
    id: SessionId,
    pub(super) account: AccountId,
    granted_by: SessionId,
    login: LoginId,
    client_id: String,
    scope: Option<String>,
    device_name: Option<String>,
    ip: Option<IpAddr>,
    pub(super) key: Option<Thumbprint>,
    created_at: Timestamp,
}

/// A PC's session, and of which generation its phone was when it let it in.
pub(super) struct FoundPc {
    pub(super) session: PcSession,
    pub(super) generation: u64,
}

impl PcRow {
    pub(super) fn of(pc: &PcSession) -> Self {
        let pc = pc.clone();
        Self {
            id: pc.id,
            account: pc.account,
            granted_by: pc.granted_by,
            login: pc.login,
            client_id: pc.client_id,
            scope: pc.scope,
            device_name: pc.device_name,
            ip: pc.ip,
            key: pc.key,
            created_at: pc.created_at,
        }
    }

    /// From a session's hash; none, if there is none.
    pub(super) fn found(hash: &HashMap<String, String>) -> Result<Option<FoundPc>> {
        const WHAT: &str = "a PC's session";
        let field = |name: &str| hash.get(name).map(String::as_str).ok_or_else(|| unreadable(WHAT));
        let Some(row) = hash.get("record") else { return Ok(None) };
        let row: Self = from_json(WHAT, row)?;
        let tokens = PcTokens {
            access: Digest::from_bytes(bytes(field("access")?).ok_or_else(|| unreadable(WHAT))?),
            access_until: time(WHAT, field("access_until")?)?,
            refresh: Digest::from_bytes(bytes(field("refresh")?).ok_or_else(|| unreadable(WHAT))?),
            refresh_until: time(WHAT, field("refresh_until")?)?,
        };
        let session = PcSession {
            id: row.id,
            account: row.account,
            granted_by: row.granted_by,
            login: row.login,
            client_id: row.client_id,
            scope: row.scope,
            device_name: row.device_name,
            ip: row.ip,
            key: row.key,
            created_at: row.created_at,
            last_seen_at: time(WHAT, field("seen")?)?,
            tokens,
            used: field("used")? == "1",
        };
        let generation = field("generation")?.parse().map_err(|_| unreadable(WHAT))?;
        Ok(Some(FoundPc { session, generation }))
    }
}

/// A notice.
#[derive(Serialize, Deserialize)]
pub(super) struct NoticeRow {
    kind: NoticeKind,
    subject: String,
    at: Timestamp,
    device_name: Option<String>,
    ip: Option<IpAddr>,
    session: Option<SessionId>,
}

impl NoticeRow {
    pub(super) fn of(notice: &Notice) -> Self {
        let Notice { account: _, kind, subject, at, device_name, ip, session } = notice.clone();
        Self { kind, subject: text(&subject), at, device_name, ip, session }
    }

    pub(super) fn kept(self, account: AccountId, id: u64, count: u64) -> Result<KeptNotice> {
        let Self { kind, subject, at, device_name, ip, session } = self;
        let subject = bytes(&subject).ok_or_else(|| unreadable("a notice"))?;
        Ok(KeptNotice { id, count, notice: Notice { account, kind, subject, at, device_name, ip, session } })
    }
}

/// A resource server.
#[derive(Serialize, Deserialize)]
pub(super) struct ClientRow {
    secret: Digest<ClientSecret>,
    created_at: Timestamp,
}

impl ClientRow {
    pub(super) fn of(client: &ResourceServer) -> Self {
        Self { secret: client.secret, created_at: client.created_at }
    }

    pub(super) fn client(self, name: &str) -> ResourceServer {
        ResourceServer { name: name.to_owned(), secret: self.secret, created_at: self.created_at }
    }
}

/// An account's fields, as `HMGET` answers them for [`ACCOUNT_FIELDS`].
pub(super) type AccountFields =
    (Option<String>, Option<String>, Option<String>, Option<String>, Option<String>);

pub(super) const ACCOUNT_FIELDS: [&str; 5] = ["username", "password", "version", "enabled", "created_at"];

/// An account, if there is one.
pub(super) fn account(id: AccountId, fields: AccountFields) -> Result<Option<Account>> {
    const WHAT: &str = "an account";
    let (Some(username), Some(password), Some(version), Some(enabled), Some(created_at)) = fields else {
        return Ok(None);
    };
    Ok(Some(Account {
        id,
        username: Username::parse(&username).map_err(|_| unreadable(WHAT))?,
        password,
        password_version: version.parse().map_err(|_| unreadable(WHAT))?,
        enabled: enabled == "1",
        created_at: time(WHAT, &created_at)?,
    }))
}
