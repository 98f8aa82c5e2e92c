//! Which failures pass by themselves, and how long to wait for that.

use shared::client::ClientError;
use shared::problem::{OauthCode, ProblemCode};

/// The longest pause that the program makes on its own account, in seconds.
const OWN_PAUSE_AT_MOST: u64 = 30;
/// The longest pause that a server may ask for, in seconds. Beyond that it is tried anyway.
const ASKED_PAUSE_AT_MOST: u64 = 600;

/// How long to wait after the `failures`-th failure in a row: 1, 2, 4 … 30 seconds, or as long as the
/// server says.
pub(super) fn pause_secs(failures: u32, error: &ClientError) -> u64 {
    let doubled = 1_u64.checked_shl(failures.saturating_sub(1)).unwrap_or(OWN_PAUSE_AT_MOST);
    let asked = error.retry_after_secs().unwrap_or_default();
    doubled.min(OWN_PAUSE_AT_MOST).max(asked.min(ASKED_PAUSE_AT_MOST))
}

/// Whether it is worth the same try again later.
pub(super) fn may_pass(error: &ClientError) -> bool {
    match error {
        ClientError::Unreachable(_) => true,
        ClientError::Problem(problem) => {
            matches!(problem.code, ProblemCode::Unavailable | ProblemCode::RateLimited)
        }
        ClientError::Oauth { error, .. } => {
            // The nonce that the server asked for is in the next proof.
            let passing = [OauthCode::SlowDown, OauthCode::TemporarilyUnavailable, OauthCode::UseDpopNonce];
            passing.contains(&error.error)
        }
        ClientError::Unexpected(_) => false,
    }
}
