//! What an account's owner sees: what is logged in, and what happened.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::id::SessionId;

bodies! {
    /// A session's kind.
    #[derive(Copy, PartialEq, Eq)]
    #[serde(rename_all = "snake_case")]
    pub enum SessionKind {
        /// A phone.
        Phone,
        /// A PC.
        Pc,
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

    /// `GET /v1/sessions`, answered.
    pub struct Sessions {
        /// Phones and PCs, newest first.
        pub sessions: Vec<Session>,
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

    /// `GET /v1/notifications`, answered.
    pub struct Notifications {
        /// The oldest first, 100 at most.
        pub notifications: Vec<Notification>,
    }
}
