//! Where the program stands. Each stage carries what is known in it, and nothing else.

use std::sync::Arc;

use jiff::Timestamp;
use shared::api::{CheckCode, Me, Status};
use shared::client::{ClientError, Transport};
use shared::exit::Exit;
use shared::secret::{DeviceCode, Token};
use shared::words::Text;

use super::Issued;
use crate::keep::Session;

/// Where the program stands.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Asking the server for a code.
    Asking(Asking),
    /// A code is shown.
    Pending(Pending),
    /// There is a session: proved, or about to be.
    Held(Held),
    /// The login ended without success, and waits for a key.
    Over(Outcome),
}

/// Asking for a code.
#[derive(Debug, Default)]
pub(crate) struct Asking {
    /// How often it failed in a row.
    pub(crate) failures: u32,
    /// Why it failed last; without it, the answer is awaited.
    pub(crate) trouble: Option<Trouble>,
}

/// That the server is not there, or asks to wait, and when it is tried again.
#[derive(Debug)]
pub(crate) struct Trouble {
    /// What is wrong.
    pub(crate) why: Text,
    /// Whether the server is there.
    pub(crate) is_answered: bool,
    /// When the next try is.
    pub(crate) retry_at: Timestamp,
}

impl Trouble {
    /// That a call failed, and when the next try is.
    pub(crate) fn new(error: &ClientError, retry_at: Timestamp) -> Self {
        Self { why: error.reason(), is_answered: !error.is_unreachable(), retry_at }
    }
}

/// A login that is under way.
#[derive(Debug)]
pub(crate) struct Pending {
    /// What is shown.
    pub(crate) issued: Arc<Issued>,
    /// The PC's secret for it.
    pub(super) device_code: Token<DeviceCode>,
    /// When the codes stop working.
    pub(crate) deadline: Timestamp,
    /// How far it has come.
    pub(crate) progress: Progress,
    /// The version that was told last.
    pub(super) version: u64,
    /// Whether it has been told of, and is followed.
    pub(super) announced: bool,
    /// What carries the feed.
    pub(crate) transport: Option<Transport>,
    /// Whether the feed is cut off.
    pub(crate) trouble: Option<Trouble>,
}

impl Pending {
    /// Whether its code may be used: not once it is confirmed.
    pub(crate) fn is_open(&self) -> bool {
        !matches!(self.progress, Progress::Redeeming(_))
    }
}

/// How far a login has come.
#[derive(Debug)]
pub(crate) enum Progress {
    /// It waits for a phone.
    Unscanned,
    /// It waits for the phone to confirm.
    Scanned {
        /// Who scanned it, masked.
        by: Option<String>,
    },
    /// It is confirmed; its tokens are being asked for.
    Redeeming(Redeeming),
}

/// A redeem that may take more than one try.
#[derive(Debug)]
pub(crate) struct Redeeming {
    /// Who confirmed it, masked.
    pub(crate) by: Option<String>,
    /// When the tokens were first asked for.
    pub(super) first_at: Timestamp,
    /// When to ask again; without it, the answer is awaited.
    pub(super) retry_at: Option<Timestamp>,
    /// The digits that were typed and sent.
    pub(super) sent: Option<CheckCode>,
    /// That the person is to type them, and how far that has come.
    pub(crate) asked: Option<Asked>,
}

/// The person is asked for the digits that the phone shows.
#[derive(Debug)]
pub(crate) struct Asked {
    /// How many wrong ones are left, until the login is denied.
    pub(crate) tries_left: u8,
    /// Whether the last ones were wrong.
    pub(crate) was_wrong: bool,
    /// What has been typed so far.
    pub(crate) first_digit: Option<u8>,
}

/// A session that this PC holds.
#[derive(Debug)]
pub(crate) struct Held {
    /// Its tokens.
    pub(crate) session: Session,
    /// Whether this run logged it in, rather than an earlier one.
    pub(crate) is_fresh: bool,
    /// Whose it is, once the server has said so.
    pub(crate) who: Option<Me>,
    /// What is being asked, if anything.
    pub(super) step: Step,
    /// How often asking failed in a row.
    pub(super) failures: u32,
    /// Why it failed last.
    pub(crate) trouble: Option<Trouble>,
}

/// What the server is being asked about a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Who it is; `renewed` if the tokens are so new that a refusal is final.
    Meeting {
        /// Whether the tokens have just been bought.
        renewed: bool,
    },
    /// For new tokens.
    Refreshing,
    /// Nothing, until then.
    Resting {
        /// When to look again.
        until: Timestamp,
    },
}

/// How a login ended without success.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The phone said no.
    Denied,
    /// The time ran out, and no further code is asked for.
    Expired,
    /// Somebody gave it up: the server, to make room.
    Cancelled,
    /// It can't go on.
    Failed {
        /// Why.
        why: Text,
        /// The exit code that says so.
        exit: Exit,
    },
}

impl Outcome {
    /// The exit code that says so.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Denied => Exit::Denied,
            Self::Expired => Exit::Expired,
            Self::Cancelled => Exit::Cancelled,
            Self::Failed { exit, .. } => *exit,
        }
    }
    /// The status that the login ended in, as far as it is known.
    pub(crate) fn status(&self) -> Option<Status> {
        match self {
            Self::Denied => Some(Status::Denied),
            Self::Expired => Some(Status::Expired),
            Self::Cancelled => Some(Status::Cancelled),
            Self::Failed { .. } => None,
        }
    }
}
