//! Why a call failed, in words for the person who reads them.

use crate::exit::Exit;
use crate::problem::{OTHER_ADDRESS, OauthCode, OauthError, Problem, ProblemCode};
use crate::to_say;
use crate::words::Text;

/// Why a call failed. What it shows is a sentence for people, and says what to do next; it never
/// repeats what was sent, nor any text that the server chose.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// There was no answer of the server, or only one of a gateway that can't reach it either.
    #[error("{0}")]
    Unreachable(Text),
    /// The server said no, in its own words.
    #[error("{}", words(.0))]
    Problem(Problem),
    /// The server said no, in OAuth's words.
    #[error("{}", oauth_words(error, *retry_after))]
    Oauth {
        /// What it said.
        error: OauthError,
        /// The seconds to wait before the next try, from the answer's header.
        retry_after: Option<u64>,
    },
    /// An answer outside the contract.
    #[error("{0}")]
    Unexpected(Text),
}

impl ClientError {
    /// The sentence that it shows, in every language.
    #[must_use]
    pub fn text(&self) -> Text {
        match self {
            Self::Unreachable(text) | Self::Unexpected(text) => text.clone(),
            Self::Problem(problem) => words(problem),
            Self::Oauth { error, retry_after } => oauth_words(error, *retry_after),
        }
    }

    /// The same without the wait that the server asked for, for who shows how much of it is left.
    #[must_use]
    pub fn reason(&self) -> Text {
        match self {
            _ if self.is_other_address() => self.text(),
            Self::Problem(Problem { code: ProblemCode::RateLimited, .. })
            | Self::Oauth { error: OauthError { error: OauthCode::SlowDown, .. }, .. } => to_say!(limited()),
            Self::Problem(Problem { code: ProblemCode::Unavailable, .. })
            | Self::Oauth { error: OauthError { error: OauthCode::TemporarilyUnavailable, .. }, .. } => {
                to_say!(unable())
            }
            _ => self.text(),
        }
    }

    /// How a program ends that can do no better about it.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            _ if self.is_other_address() => Exit::Failed,
            Self::Unreachable(_) => Exit::Unreachable,
            Self::Problem(problem) => match problem.code {
                ProblemCode::Unauthenticated
                | ProblemCode::WrongTokenKind
                | ProblemCode::InvalidDpopProof => Exit::NotLoggedIn,
                ProblemCode::CodeExpired => Exit::Expired,
                // For a script it is the same whether the server is away or only its store: try again later.
                ProblemCode::Unavailable => Exit::Unreachable,
                _ => Exit::Failed,
            },
            Self::Oauth { error, .. } => match error.error {
                OauthCode::InvalidGrant | OauthCode::InvalidClient | OauthCode::InvalidDpopProof => {
                    Exit::NotLoggedIn
                }
                OauthCode::ExpiredToken => Exit::Expired,
                OauthCode::AccessDenied => Exit::Denied,
                OauthCode::TemporarilyUnavailable => Exit::Unreachable,
                _ => Exit::Failed,
            },
            Self::Unexpected(_) => Exit::Failed,
        }
    }

    /// Whether there was no answer at all.
    #[must_use]
    pub fn is_unreachable(&self) -> bool {
        matches!(self, Self::Unreachable(_))
    }

    /// Whether nothing is wrong but that the server goes by another address than the one that was called: what is
    /// kept for it is still good.
    #[must_use]
    pub fn is_other_address(&self) -> bool {
        match self {
            Self::Problem(problem) => problem.detail.as_deref() == Some(OTHER_ADDRESS),
            Self::Oauth { error, .. } => error.error_description.as_deref() == Some(OTHER_ADDRESS),
            Self::Unreachable(_) | Self::Unexpected(_) => false,
        }
    }

    /// What the server said, outside `/oauth/*`.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }

    /// What the server said, in `/oauth/*`.
    #[must_use]
    pub fn oauth(&self) -> Option<OauthCode> {
        match self {
            Self::Oauth { error, .. } => Some(error.error),
            _ => None,
        }
    }

    /// The seconds that the server asked to wait before the next try.
    #[must_use]
    pub fn retry_after_secs(&self) -> Option<u64> {
        match self {
            Self::Problem(problem) => problem.retry_after,
            Self::Oauth { retry_after, .. } => *retry_after,
            Self::Unreachable(_) | Self::Unexpected(_) => None,
        }
    }
}

impl From<ProblemCode> for ClientError {
    fn from(code: ProblemCode) -> Self {
        Self::Problem(code.into())
    }
}

/// A problem's sentence, with the wait in it where there is one.
fn words(problem: &Problem) -> Text {
    match (problem.code, problem.retry_after) {
        _ if problem.detail.as_deref() == Some(OTHER_ADDRESS) => to_say!(other_address()),
        (ProblemCode::RateLimited, secs) => to_say!(too_many_tries(secs.unwrap_or_default())),
        (ProblemCode::Unavailable, secs) => to_say!(not_now(secs.unwrap_or_default())),
        (code, _) => to_say!(problem(code)),
    }
}

fn oauth_words(error: &OauthError, retry_after: Option<u64>) -> Text {
    match (error.error, retry_after) {
        _ if error.error_description.as_deref() == Some(OTHER_ADDRESS) => to_say!(other_address()),
        (OauthCode::SlowDown, Some(secs)) => to_say!(too_many_tries(secs)),
        (OauthCode::TemporarilyUnavailable, secs) => to_say!(not_now(secs.unwrap_or_default())),
        (code, _) => to_say!(oauth(code)),
    }
}
