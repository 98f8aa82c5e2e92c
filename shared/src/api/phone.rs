//! What phones send and hear: accounts, scans and decisions.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Password, Unread};
use crate::code::{ScanCode, UserCode};
use crate::id::{AccountId, SessionId};
use crate::login::{CheckCode, Status};
use crate::name::Username;
use crate::secret::{ConfirmToken, PhoneToken, Token};

bodies! {
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

    /// `PUT /v1/account/password`.
    pub struct PasswordChange {
        /// The password as it is.
        pub old: Password,
        /// The password to be.
        pub new: Password,
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
