//! What a login is: its record, its states, and how it looks at a given time.

use std::borrow::Cow;
use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{Check, KEPT_AFTER_END, REDEEM_WITHIN};
use crate::api::Snapshot;
use crate::dpop::Thumbprint;
use crate::id::{AccountId, LoginId, SessionId};
use crate::name::Username;
use crate::secret::{ConfirmToken, DeviceCode, Digest, User};

/// One attempt of one PC to be logged in, from issue to end.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Login {
    /// Its id, which also names its partition.
    pub id: LoginId,
    /// Counts every write. A store replaces a login only if this is what the writer saw.
    pub revision: u64,
    /// Counts transitions, from 1 at issue. Clients see it.
    pub version: u64,
    /// What its codes are looked up by.
    pub digests: Digests,
    /// What the PC asked for.
    pub request: Request,
    /// When it was issued.
    pub issued_at: Timestamp,
    /// When its codes stop working. Nothing extends it.
    pub deadline: Timestamp,
    /// Where it stands.
    pub state: State,
}

/// The digests of a login's codes.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Digests {
    /// Of the scan code.
    pub scan: Digest<crate::secret::Scan>,
    /// Of the user code.
    pub user: Digest<User>,
    /// Of the device code.
    pub device: Digest<DeviceCode>,
}

/// What the PC asked for, and what the server saw of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// The OAuth client. It proves nothing, but the login is redeemed by the same one.
    pub client_id: String,
    /// The OAuth scope, if one was asked for.
    pub scope: Option<String>,
    /// The PC's claim of its name.
    pub device_name: Option<String>,
    /// The PC's claim of its operating system.
    pub device_os: Option<String>,
    /// The PC's claim of its program.
    pub device_app: Option<String>,
    /// Only this user may scan.
    pub login_hint: Option<Username>,
    /// Whether the PC must send a check code.
    #[serde(default)]
    pub check_code: bool,
    /// The key that the PC proved when it asked, and must prove in all that follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Thumbprint>,
    /// Where the request came from, if the server can tell.
    pub ip: Option<IpAddr>,
}

/// Where a login stands. Each state carries what is known in it, and nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum State {
    /// Shown, and waiting for a phone.
    Unscanned,
    /// A phone has scanned it and may confirm.
    Scanned(Scan),
    /// The phone has confirmed; the PC may redeem.
    Confirmed(Confirmation),
    /// The PC is logged in.
    LoggedIn {
        /// Who scanned it.
        scan: Scan,
        /// The PC session that came of it.
        session: SessionId,
        /// The key that its tokens need: the one of the issue, or else one that was first proved with the redeem.
        /// Kept apart from the request's: whoever stole the device code can bring the second, but not the first.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        key: Option<Thumbprint>,
        /// When it was redeemed first.
        at: Timestamp,
    },
    /// The phone said no, or its session ended before the PC was logged in.
    Denied {
        /// Who scanned it.
        scan: Scan,
        /// When.
        at: Timestamp,
    },
    /// The PC gave up.
    Cancelled {
        /// Who had scanned it.
        scan: Option<Scan>,
        /// When.
        at: Timestamp,
    },
    /// Its time ran out.
    Expired {
        /// Who had scanned it.
        scan: Option<Scan>,
        /// When.
        at: Timestamp,
    },
}

/// A scan: who, and the tokens that it was answered with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scan {
    /// The phone that scanned.
    pub by: Scanner,
    /// The confirm token that works.
    pub confirm: Digest<ConfirmToken>,
    /// The ones it replaced, oldest first, so that they are told from unknown ones.
    pub replaced: Vec<Digest<ConfirmToken>>,
}

/// A confirmed login, waiting for its PC.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Confirmation {
    /// Who scanned and confirmed it.
    pub scan: Scan,
    /// When it expires unredeemed.
    pub until: Timestamp,
    /// What the PC must send for its tokens, if it was to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check: Option<Check>,
}

/// The phone that scanned, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Scanner {
    /// The account that the PC will be logged in to.
    pub account: AccountId,
    /// Its name.
    pub username: Username,
    /// The phone's session: scan and confirm are tied to it.
    pub phone: SessionId,
}

/// A state's name, as clients see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Waiting for a phone.
    Unscanned,
    /// Waiting for the phone to confirm.
    Scanned,
    /// Waiting for the PC to redeem.
    Confirmed,
    /// The PC is logged in.
    LoggedIn,
    /// Refused by the phone.
    Denied,
    /// Given up by the PC.
    Cancelled,
    /// Out of time.
    Expired,
}

impl Status {
    /// As on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unscanned => "unscanned",
            Self::Scanned => "scanned",
            Self::Confirmed => "confirmed",
            Self::LoggedIn => "logged_in",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
        }
    }

    /// Whether it comes of a phone's decision.
    #[must_use]
    pub fn is_decided(self) -> bool {
        matches!(self, Self::Confirmed | Self::LoggedIn | Self::Denied)
    }

    /// Whether nothing can follow.
    #[must_use]
    pub fn is_terminal(self) -> bool {
        matches!(self, Self::LoggedIn | Self::Denied | Self::Cancelled | Self::Expired)
    }
}

impl State {
    /// Its name.
    #[must_use]
    pub fn status(&self) -> Status {
        match self {
            Self::Unscanned => Status::Unscanned,
            Self::Scanned(_) => Status::Scanned,
            Self::Confirmed(_) => Status::Confirmed,
            Self::LoggedIn { .. } => Status::LoggedIn,
            Self::Denied { .. } => Status::Denied,
            Self::Cancelled { .. } => Status::Cancelled,
            Self::Expired { .. } => Status::Expired,
        }
    }

    /// What its PC must send for its tokens, if anything.
    #[must_use]
    pub fn check(&self) -> Option<&Check> {
        match self {
            Self::Confirmed(confirmation) => confirmation.check.as_ref(),
            _ => None,
        }
    }

    /// Who scanned it, if anybody has.
    #[must_use]
    pub fn scan(&self) -> Option<&Scan> {
        match self {
            Self::Unscanned => None,
            Self::Scanned(scan)
            | Self::Confirmed(Confirmation { scan, .. })
            | Self::LoggedIn { scan, .. }
            | Self::Denied { scan, .. } => Some(scan),
            Self::Cancelled { scan, .. } | Self::Expired { scan, .. } => scan.as_ref(),
        }
    }
}

impl Login {
    /// A login as it begins.
    #[must_use]
    pub fn new(id: LoginId, digests: Digests, request: Request, now: Timestamp, lifetime: Duration) -> Self {
        Self {
            id,
            revision: 1,
            version: 1,
            digests,
            request,
            issued_at: now,
            deadline: now + lifetime,
            state: State::Unscanned,
        }
    }

    /// The key that its PC must prove now.
    #[must_use]
    pub fn key(&self) -> Option<Thumbprint> {
        match self.state {
            State::LoggedIn { key, .. } => key.or(self.request.key),
            _ => self.request.key,
        }
    }

    /// The login as it is at `now`: expired, if its time has run out meanwhile.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Cow<'_, Self> {
        let Some(at) = self.runs_out_at().filter(|at| now >= *at) else { return Cow::Borrowed(self) };
        let mut login = self.clone();
        login.state = State::Expired { scan: self.state.scan().cloned(), at };
        login.version += 1;
        Cow::Owned(login)
    }

    /// When this state runs out by itself, if it does.
    #[must_use]
    pub fn runs_out_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Unscanned | State::Scanned(_) => Some(self.deadline),
            State::Confirmed(confirmation) => Some(confirmation.until),
            _ => None,
        }
    }

    /// When somebody must write down that it ran out, because its owner is to be told of it.
    #[must_use]
    pub fn due_at(&self) -> Option<Timestamp> {
        match &self.state {
            State::Confirmed(confirmation) => Some(confirmation.until),
            _ => None,
        }
    }

    /// When it is forgotten: a while after its end, so that late calls get a true answer.
    #[must_use]
    pub fn forgotten_at(&self) -> Timestamp {
        let end = match &self.state {
            State::Unscanned | State::Scanned(_) => self.deadline,
            State::Confirmed(confirmation) => confirmation.until,
            State::LoggedIn { at, .. }
            | State::Denied { at, .. }
            | State::Cancelled { at, .. }
            | State::Expired { at, .. } => *at,
        };
        end + KEPT_AFTER_END
    }

    /// What the PC sees of it at `now`.
    #[must_use]
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        let login = self.at(now);
        let status = login.state.status();
        let by = login.state.scan().map(|scan| &scan.by.username);
        let logged_in = status == Status::LoggedIn;
        Snapshot {
            status,
            version: login.version,
            expires_in: login.runs_out_at().map_or(0, |at| seconds_left(now, at)),
            scanned_by: by.filter(|_| !logged_in).map(Username::masked),
            username: by.filter(|_| logged_in).cloned(),
        }
    }

    /// The seconds until its codes stop working, rounded up.
    #[must_use]
    pub fn expires_in(&self, now: Timestamp) -> u64 {
        seconds_left(now, self.deadline)
    }

    /// When a login that is confirmed now expires unredeemed.
    pub(super) fn redeem_until(now: Timestamp) -> Timestamp {
        now + REDEEM_WITHIN
    }
}

/// Rounded up, so that a client which waits that long is never early.
fn seconds_left(now: Timestamp, end: Timestamp) -> u64 {
    let left = end.duration_since(now);
    let secs = left.as_secs() + i64::from(left.subsec_nanos() > 0);
    u64::try_from(secs).unwrap_or_default()
}
