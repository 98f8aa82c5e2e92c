//! The bodies on the wire: one struct each, for both sides.

macro_rules! bodies {
    ($($(#[$meta:meta])* pub $what:ident $name:ident {$($body:tt)*})*) => {$(
        #[derive(Clone, Debug, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        $(#[$meta])*
        pub $what $name {$($body)*}
    )*};
}

mod pc;
mod phone;
mod sessions;
mod text;

pub use crate::login::{CheckCode, Status};
pub use pc::{Confirmation, DeviceAuthorization, Introspection, Snapshot, TokenAnswer};
pub use phone::{
    Account, AccountMade, ConfirmRequest, Decided, DenyRequest, LoginRequest, Me, PasswordChange,
    PhoneLoggedIn, PhoneLogin, Registration, ScanRequest, Scanned,
};
pub use sessions::{NoticeKind, Notification, Notifications, Session, SessionKind, Sessions};
pub use text::{Password, Unread};

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
