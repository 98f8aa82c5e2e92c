//! Why a call about a login fails, and what a phone is told of it.

use shared::login::Refusal;
use shared::problem::ProblemCode;

use crate::store::StoreError;

/// Why a call about a login fails.
#[derive(Debug, thiserror::Error)]
pub enum LoginError {
    /// No login has this code or token.
    #[error("no login has this code or token")]
    Unknown,
    /// The login does not allow it.
    #[error("the login refuses: {0:?}")]
    Refused(Refusal),
    /// The session of the phone that asks has ended.
    #[error("the phone's session has ended")]
    PhoneGone,
    /// This address has too many open logins.
    #[error("too many open logins")]
    TooManyOpen,
    /// The proof was used before.
    #[error("the proof was used before")]
    ProofUsed,
    /// There is no room for another used proof.
    #[error("too many proofs to remember")]
    FullOfProofs,
    /// The PC polls a pending login too soon.
    #[error("polled too soon")]
    SlowDown,
    /// The phone is not in the PC's network, or nobody can tell.
    #[error("the phone is not in the PC's network")]
    OtherNetwork,
    /// The store is away: the outcome is unknown.
    #[error(transparent)]
    Away(#[from] StoreError),
}

impl LoginError {
    /// What a phone is told. `typed` hides everything about a code that is not good: a guess must not learn
    /// which codes exist.
    #[must_use]
    pub fn problem(&self, typed: bool) -> Option<ProblemCode> {
        Some(match self {
            Self::Unknown => ProblemCode::CodeNotFound,
            Self::PhoneGone => ProblemCode::Unauthenticated,
            Self::Refused(Refusal::OtherKey) | Self::ProofUsed => ProblemCode::InvalidDpopProof,
            Self::Refused(Refusal::OtherUserExpected) => ProblemCode::RefusedByPolicy,
            // A typed code may be a guess from anywhere, and "not from there" would say that it exists.
            Self::Refused(_) | Self::OtherNetwork if typed => ProblemCode::CodeNotFound,
            Self::OtherNetwork => ProblemCode::RefusedByPolicy,
            Self::Refused(Refusal::AlreadyScanned) => ProblemCode::AlreadyScanned,
            Self::Refused(Refusal::NotYourScan) => ProblemCode::NotYourScan,
            Self::Refused(Refusal::ConfirmTokenUsed(_)) => ProblemCode::ConfirmTokenUsed,
            Self::Refused(Refusal::Expired) => ProblemCode::CodeExpired,
            Self::Refused(_) => ProblemCode::LoginClosed,
            Self::TooManyOpen | Self::SlowDown | Self::FullOfProofs => ProblemCode::RateLimited,
            Self::Away(_) => return None,
        })
    }
}
