//! The exit codes that all three programs share.

/// How a program ends. A script tells the outcomes apart by these numbers, so
/// they never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed, for a reason that has no number of its own.
    Failed = 1,
    /// Bad usage.
    Usage = 2,
    /// Not logged in, or the credentials were refused.
    NotLoggedIn = 3,
    /// The code expired.
    Expired = 4,
    /// The login was denied.
    Denied = 5,
    /// The login was cancelled.
    Cancelled = 6,
    /// The picture holds no QR code that can be read.
    NoQrCode = 7,
    /// The server can't be reached.
    Unreachable = 8,
}

impl From<Exit> for std::process::ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
