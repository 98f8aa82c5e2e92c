//! The bodies on the wire: one struct each, for both sides.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::code::{ScanCode, UserCode};
use crate::dpop::Thumbprint;
use crate::id::{AccountId, SessionId};
pub use crate::login::{CheckCode, Status};
use crate::name::Username;
use crate::secret::{ConfirmToken, DeviceCode, PcToken, PhoneToken, RefreshToken, Token};

macro_rules! bodies {
    ($($(#[$meta:meta])* pub $what:ident $name:ident {$($body:tt)*})*) => {$(
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$meta])*
        pub $what $name {$($body)*}
    )*};
}

/// The grant type of RFC 8628.
pub const GRANT_DEVICE_CODE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// The grant type of RFC 6749 §6.
pub const GRANT_REFRESH_TOKEN: &str = "refresh_token";
/// The seconds between two polls.
pub const POLL_INTERVAL_SECS: u64 = 2;
/// The longest wait that `Prefer: wait=` may ask for, in seconds.
pub const MAX_WAIT_SECS: u64 = 55;

/// WebSocket close codes beyond the standard ones.
pub mod close {
    /// The end of the story.
    pub const DONE: u16 = 1000;
    /// This node is restarting: come back now.
    pub const RESTARTING: u16 = 1012;
    /// The client sent a frame that it must not send.
    pub const BAD_FRAME: u16 = 4400;
    /// The session that the socket belongs to has ended.
    pub const SESSION_ENDED: u16 = 4401;
    /// A newer waiter took its place: don't come back.
    pub const REPLACED: u16 = 4409;
}

bodies! {
    /// `POST /oauth/device_authorization`, answered (RFC 8628 §3.2).
    pub struct DeviceAuthorization {
        /// The PC's secret for this login.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub device_code: Token<DeviceCode>,
        /// The short form of the code, for typing.
        #[cfg_attr(feature = "openapi", schema(value_type = String, example = "WDJB-MJHT"))]
        pub user_code: UserCode,
        /// Where a person types the user code.
        pub verification_uri: String,
        /// What the QR holds.
        pub verification_uri_complete: String,
        /// The login's life in seconds.
        pub expires_in: u64,
        /// The least seconds between two polls.
        pub interval: u64,
    }

    /// `POST /oauth/token`, answered (RFC 6749 §5.1).
    pub struct TokenAnswer {
        /// The PC's access token.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub access_token: Token<PcToken>,
        /// `Bearer`, or `DPoP` where the token is bound to a key.
        pub token_type: String,
        /// The access token's life in seconds.
        pub expires_in: u64,
        /// Buys the next access token, once.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub refresh_token: Token<RefreshToken>,
        /// The scope, if one was asked for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scope: Option<String>,
    }

    /// What the PC sees of its login.
    #[derive(PartialEq, Eq)]
    pub struct Snapshot {
        /// Where it stands.
        pub status: Status,
        /// Goes up by one at each transition.
        pub version: u64,
        /// The seconds left in this state; 0 when ended.
        pub expires_in: u64,
        /// Who scanned it, masked: `a***e`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scanned_by: Option<String>,
        /// Who is logged in.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub username: Option<Username>,
    }

    /// An account, as its owner sees it.
    #[derive(PartialEq, Eq)]
    pub struct Account {
        /// Its id.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub id: AccountId,
        /// Its name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub username: Username,
    }

    /// `POST /v1/accounts`, answered.
    pub struct AccountMade {
        /// The new account.
        pub account: Account,
    }

    /// `POST /v1/phones`, answered.
    pub struct PhoneLoggedIn {
        /// The phone's session.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub phone_token: Token<PhoneToken>,
        /// Whose it is.
        pub account: Account,
        /// The session's id, for the list of sessions.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub session_id: SessionId,
    }

    /// `POST /v1/scans`: exactly one of the two.
    pub struct ScanRequest {
        /// What the QR held.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub scan_code: Option<Unread>,
        /// What was typed.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub user_code: Option<Unread>,
    }

    /// `POST /v1/scans`, answered.
    pub struct Scanned {
        /// Confirms or denies this login, once, from this phone.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub confirm_token: Token<ConfirmToken>,
        /// The seconds left to decide.
        pub expires_in: u64,
        /// Who asks.
        pub login: LoginRequest,
    }

    /// Who asks to be logged in: three claims of the PC, the rest as the server saw it.
    #[derive(PartialEq, Eq)]
    pub struct LoginRequest {
        /// When the code was issued.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub requested_at: Timestamp,
        /// Where the PC's request came from.
        pub ip: Option<String>,
        /// Whether the phone is in the same network as the PC; null where the server can't tell.
        pub same_network: Option<bool>,
        /// The PC's claim of its name.
        pub device_name: Option<String>,
        /// The PC's claim of its operating system.
        pub device_os: Option<String>,
        /// The PC's claim of its program.
        pub device_app: Option<String>,
        /// Whether this PC, by its key, was logged in to this account before; null without a proof.
        pub known_pc: Option<bool>,
        /// When it was, last.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, format = DateTime))]
        pub last_seen_at: Option<Timestamp>,
        /// The OAuth scope that it asks for.
        pub scope: Option<String>,
    }

    /// `POST /v1/scans/confirm`.
    pub struct ConfirmRequest {
        /// From the scan's answer.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub confirm_token: Unread,
    }

    /// `POST /v1/scans/deny`.
    pub struct DenyRequest {
        /// From the scan's answer.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub confirm_token: Unread,
        /// Whether the person reports the request as an attack.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub report: Option<bool>,
    }

    /// A confirm or deny, answered.
    #[derive(PartialEq, Eq)]
    pub struct Decided {
        /// Where the login stands now.
        pub status: Status,
        /// Two digits for the person to type on the PC, which gets its tokens for them.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "47"))]
        pub check_code: Option<CheckCode>,
    }

    /// `POST /v1/accounts`.
    pub struct Registration {
        /// The name.
        pub username: String,
        /// 8 to 256 characters, any.
        pub password: Password,
    }

    /// `POST /v1/phones`.
    pub struct PhoneLogin {
        /// The name.
        pub username: String,
        /// The password.
        pub password: Password,
        /// What the phone is called in the list of sessions.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub device_name: Option<String>,
    }

    /// `PUT /v1/account/password`.
    pub struct PasswordChange {
        /// The password as it is.
        pub old: Password,
        /// The password to be.
        pub new: Password,
    }

    /// A phone or a PC that is logged in.
    #[derive(PartialEq, Eq)]
    pub struct Session {
        /// To end it by.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub id: SessionId,
        /// Which of the two.
        pub kind: SessionKind,
        /// What it calls itself.
        pub device_name: Option<String>,
        /// Where it was logged in from.
        pub ip: Option<String>,
        /// Since when.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub created_at: Timestamp,
        /// When it was last used, to the minute.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub last_seen_at: Timestamp,
        /// For a PC: the phone session that let it in.
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub granted_by: Option<SessionId>,
        /// Whether it is the one that asks.
        pub current: bool,
    }

    /// A session's kind.
    #[derive(Copy, PartialEq, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum SessionKind {
        /// A phone.
        Phone,
        /// A PC.
        Pc,
    }

    /// `GET /v1/sessions`, answered.
    pub struct Sessions {
        /// Phones and PCs, newest first.
        pub sessions: Vec<Session>,
    }

    /// Something that happened to an account.
    #[derive(PartialEq, Eq)]
    pub struct Notification {
        /// Where to go on reading.
        pub id: u64,
        /// What happened.
        pub kind: NoticeKind,
        /// When it happened first.
        #[cfg_attr(feature = "openapi", schema(value_type = String, format = DateTime))]
        pub at: Timestamp,
        /// How often.
        pub count: u64,
        /// The device it is about, as it calls itself.
        pub device_name: Option<String>,
        /// Where it came from.
        pub ip: Option<String>,
        /// The session to end if that was not you.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        #[cfg_attr(feature = "openapi", schema(value_type = Option<String>))]
        pub session_id: Option<SessionId>,
        /// What to do about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub advice: Option<String>,
    }

    /// What a notification is about.
    #[derive(Copy, PartialEq, Eq, Hash)]
    #[serde(rename_all = "snake_case")]
    pub enum NoticeKind {
        /// A phone of yours confirmed a login.
        LoginConfirmed,
        /// A PC is logged in as you.
        LoggedIn,
        /// A login that you scanned was denied.
        LoginDenied,
        /// Another phone tried to scan a code that yours had scanned.
        SecondScanRefused,
        /// Another phone tried to decide about a login that yours had scanned.
        ConfirmFromAnotherPhone,
        /// A token of yours was used a second time; its session has ended.
        TokenReplayed,
        /// A PC never finished the login that you confirmed.
        LoginNotFinished,
        /// Your password was changed.
        PasswordChanged,
    }

    /// `GET /v1/notifications`, answered.
    pub struct Notifications {
        /// The oldest first, 100 at most.
        pub notifications: Vec<Notification>,
    }

    /// `GET /v1/me`, answered.
    #[derive(PartialEq, Eq)]
    pub struct Me {
        /// The account's id.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub id: AccountId,
        /// The account's name.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub username: Username,
        /// The session that asks.
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub session_id: SessionId,
    }

    /// `POST /oauth/introspect`, answered (RFC 7662 §2.2).
    #[derive(PartialEq, Eq)]
    pub struct Introspection {
        /// Whether the token is good now. If not, nothing else is said.
        pub active: bool,
        /// The scope.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub scope: Option<String>,
        /// The client that it was issued to.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub client_id: Option<String>,
        /// The account's name.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub username: Option<String>,
        /// `Bearer`, or `DPoP` where the token is bound to a key.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub token_type: Option<String>,
        /// When it ends, in Unix seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub exp: Option<i64>,
        /// When the session began, in Unix seconds.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub iat: Option<i64>,
        /// The account's id.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sub: Option<String>,
        /// The server.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub iss: Option<String>,
        /// The PC's session.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub sid: Option<String>,
        /// What the sender of the token must prove besides (RFC 9449 §6.2).
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub cnf: Option<Confirmation>,
    }

    /// The key that a token is bound to.
    #[derive(PartialEq, Eq)]
    pub struct Confirmation {
        /// Its thumbprint (RFC 7638).
        #[cfg_attr(feature = "openapi", schema(value_type = String))]
        pub jkt: Thumbprint,
    }
}

impl ScanRequest {
    /// For what a QR held.
    #[must_use]
    pub fn scan_code(code: &ScanCode) -> Self {
        Self { scan_code: Some(Unread::new(code.as_str().to_owned())), user_code: None }
    }

    /// For what was typed.
    #[must_use]
    pub fn user_code(code: &UserCode) -> Self {
        Self { scan_code: None, user_code: Some(Unread::new(code.dashed())) }
    }
}

/// What was sent in a secret's place: it may be one, or anything. Zeroed when dropped, and never shown.
#[derive(Clone, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Unread(String);

impl Unread {
    /// Takes a text that is to be read as a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, to be read.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unread")
    }
}

/// A password on its way. Zeroed when dropped, and never shown.
#[derive(Clone, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// The fewest characters of a new one.
    pub const MIN_CHARS: usize = 8;
    /// The most characters of a new one.
    pub const MAX_CHARS: usize = 256;

    /// Takes a text as a password.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The password itself, to be hashed or sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it may be chosen: 8 to 256 characters, any.
    #[must_use]
    pub fn is_acceptable(&self) -> bool {
        (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&self.0.chars().count())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}
