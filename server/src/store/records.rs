//! What a store keeps beside logins: accounts, sessions, notices, resource servers. Plain records, with how
//! long each lives.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::api::NoticeKind;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId};
use shared::name::Username;
use shared::secret::{ClientSecret, Digest, PcToken, PhoneToken, RefreshToken};

/// An account.
#[derive(Clone)]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// Its name, which never changes.
    pub username: Username,
    /// The password's hash, as a PHC string.
    pub password: String,
    /// Counts password changes, from 1. A log-in that checked an older password is refused.
    pub password_version: u64,
    /// Whether it may be used.
    pub enabled: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("id", &self.id)
            .field("enabled", &self.enabled)
            .finish_non_exhaustive()
    }
}

/// A phone's session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhoneSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// What its token is looked up by.
    pub token: Digest<PhoneToken>,
    /// What the phone calls itself.
    pub device_name: Option<String>,
    /// Where it was logged in from.
    pub ip: Option<IpAddr>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
}

/// How long a phone's session lives after its last use.
pub const PHONE_IDLE: Duration = Duration::from_hours(90 * 24);
/// How long a PC's access token lives.
pub const PC_TOKEN_LIFE: Duration = Duration::from_hours(1);
/// How long a refresh token lives.
pub const REFRESH_LIFE: Duration = Duration::from_hours(30 * 24);
/// How long any session lives at most.
pub const SESSION_LIFE: Duration = Duration::from_hours(365 * 24);
/// How many notices an account keeps; the oldest go first.
pub const NOTICES_KEPT: usize = 1000;
/// How many notices are read at once.
pub const NOTICES_READ: usize = 100;

impl PhoneSession {
    /// When it ends, if it is not used again.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        phone_ends_at(self.created_at, self.last_seen_at)
    }
}

/// When a phone's session ends, if it is not used again.
pub(crate) fn phone_ends_at(created_at: Timestamp, last_seen_at: Timestamp) -> Timestamp {
    (last_seen_at + PHONE_IDLE).min(created_at + SESSION_LIFE)
}

/// A PC's session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PcSession {
    /// Its id.
    pub id: SessionId,
    /// Whose it is.
    pub account: AccountId,
    /// The phone session that let it in; it lives no longer than that one.
    pub granted_by: SessionId,
    /// The login that it came of.
    pub login: LoginId,
    /// The OAuth client.
    pub client_id: String,
    /// The OAuth scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// What the PC calls itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Where its login was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The key that it must prove at each use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Thumbprint>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    pub last_seen_at: Timestamp,
    /// Its tokens, as they are now.
    pub tokens: PcTokens,
    /// Whether a token of it has ever been used.
    pub used: bool,
}

impl PcSession {
    /// When it ends, if it is not refreshed.
    #[must_use]
    pub fn ends_at(&self) -> Timestamp {
        self.tokens.refresh_until.min(self.created_at + SESSION_LIFE)
    }
}

/// A PC session's tokens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PcTokens {
    /// What the access token is looked up by.
    pub access: Digest<PcToken>,
    /// When the access token ends.
    pub access_until: Timestamp,
    /// What the refresh token is looked up by.
    pub refresh: Digest<RefreshToken>,
    /// When the refresh token ends.
    pub refresh_until: Timestamp,
}

/// A valid session, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Valid<S> {
    /// The session.
    pub session: S,
    /// The owner's name.
    pub username: Username,
}

/// What a refresh token turned out to be.
#[derive(Clone, Debug)]
pub enum Refresh {
    /// Not known, or of a session that is not valid (any more).
    Unknown,
    /// The current one of a valid session.
    Current(Valid<PcSession>),
    /// One that was used before, of a session that still stands.
    Spent(PcSession),
}

/// A session of an account, for its list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AnySession {
    /// A phone's.
    Phone(PhoneSession),
    /// A PC's.
    Pc(PcSession),
}

/// Which sessions of an account to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// This one, with all that it granted.
    One(SessionId),
    /// All but this one.
    Others(SessionId),
}

/// Something that an account's owner is told. There is one per account, kind and subject, counted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Whom.
    pub account: AccountId,
    /// What happened.
    pub kind: NoticeKind,
    /// What it is about: a login's id, or a fresh id where each time counts by itself.
    pub subject: [u8; 16],
    /// When.
    pub at: Timestamp,
    /// The device it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub device_name: Option<String>,
    /// Where that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ip: Option<IpAddr>,
    /// The session that came of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
}

/// A notice as it was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptNotice {
    /// Rises within an account.
    pub id: u64,
    /// How often it happened.
    pub count: u64,
    /// What happened; `at` is the first time.
    pub notice: Notice,
}

/// A resource server that may introspect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourceServer {
    /// Its name, which is its OAuth client id.
    pub name: String,
    /// What its secret is compared with.
    pub secret: Digest<ClientSecret>,
    /// When it was made.
    pub created_at: Timestamp,
}
