//! Every failure, once: its name, its HTTP status, and words that say what to do next.
//!
//! `/oauth/*` speaks OAuth ([`OauthError`], RFC 6749 §5.2); everything else
//! speaks problem details ([`Problem`], RFC 9457). Neither ever repeats what
//! the caller sent.

use serde::{Deserialize, Serialize};

use crate::login::{CheckCode, Status};

macro_rules! codes {
    ($(#[$meta:meta])* $enum:ident {$($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*}) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
        pub enum $enum {$(
            $(#[$doc])*
            #[doc = concat!("`", $text, "`, HTTP ", stringify!($status), ": ", $title)]
            #[serde(rename = $text)]
            $name,
        )*}

        impl $enum {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            /// As on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status that it comes with.
            #[must_use]
            pub fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// One sentence for people: what is wrong, and what to do next.
            #[must_use]
            pub fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }

        impl std::fmt::Display for $enum {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.title())
            }
        }
    };
}

codes! {
    /// What can go wrong outside `/oauth/*`.
    ProblemCode {
        BadRequest = "bad_request", 400, "The request is not well formed; see the API's description.";
        Unauthenticated = "unauthenticated", 401, "The credentials are missing, wrong or no longer valid; log in again.";
        ConfirmTokenInvalid = "confirm_token_invalid", 401, "The confirm token is not known; scan the code again.";
        InvalidDpopProof = "invalid_dpop_proof", 401, "The proof of possession is missing or wrong; make a new one with the same key.";
        WrongTokenKind = "wrong_token_kind", 403, "This kind of token can't do that; use the one that the call asks for.";
        NotYourScan = "not_your_scan", 403, "Another phone scanned this code; decide on that phone, or ask the PC for a new code.";
        RegistrationClosed = "registration_closed", 403, "This server makes no accounts by itself; ask whoever runs it.";
        RefusedByPolicy = "refused_by_policy", 403, "The PC or the server does not allow this account or network; check who is to log in.";
        NotFound = "not_found", 404, "There is nothing here; check the address or the id.";
        CodeNotFound = "code_not_found", 404, "The code is not known or no longer good; ask the PC for a new one.";
        MethodNotAllowed = "method_not_allowed", 405, "This address does not take that method; see the Allow header.";
        AlreadyScanned = "already_scanned", 409, "Another phone has scanned this code; ask the PC for a new one.";
        LoginClosed = "login_closed", 409, "This login is over; ask the PC for a new code.";
        UsernameTaken = "username_taken", 409, "This user name is taken; choose another.";
        CodeExpired = "code_expired", 410, "The code has expired; ask the PC for a new one.";
        ConfirmTokenUsed = "confirm_token_used", 410, "The confirm token was used or replaced; if the login is not as you want it, scan a new code.";
        PayloadTooLarge = "payload_too_large", 413, "The body is too large; 16 KiB is the most.";
        UnsupportedMediaType = "unsupported_media_type", 415, "The body must be application/json.";
        Unprocessable = "unprocessable", 422, "A value is missing or not allowed; see the API's description.";
        RateLimited = "rate_limited", 429, "Too many tries; wait as long as Retry-After says.";
        Unavailable = "unavailable", 503, "The server can't do this right now; try again as Retry-After says.";
    }
}

codes! {
    /// What can go wrong in `/oauth/*` (RFC 6749 §5.2, RFC 8628 §3.5, RFC 9449 §5).
    OauthCode {
        AuthorizationPending = "authorization_pending", 400, "The person has not decided yet; poll again after the interval.";
        SlowDown = "slow_down", 400, "Too soon; wait five seconds longer between polls.";
        AccessDenied = "access_denied", 400, "The login was denied or cancelled; start a new one.";
        ExpiredToken = "expired_token", 400, "The code has expired; start a new login.";
        InvalidGrant = "invalid_grant", 400, "The code or token is wrong, used or revoked; start a new login.";
        InvalidClient = "invalid_client", 401, "The client is missing or not known; send client_id, or HTTP Basic where the call asks for it.";
        InvalidRequest = "invalid_request", 400, "A parameter is missing, repeated or not well formed.";
        InvalidScope = "invalid_scope", 400, "The scope is not well formed.";
        UnsupportedGrantType = "unsupported_grant_type", 400, "Only the device code and refresh token grants are known here.";
        TemporarilyUnavailable = "temporarily_unavailable", 503, "The server can't do this right now; try again as Retry-After says.";
        InvalidDpopProof = "invalid_dpop_proof", 400, "The proof of possession is missing or wrong; make a new one with the same key.";
        UseDpopNonce = "use_dpop_nonce", 400, "Make a new proof with the nonce of the DPoP-Nonce header.";
    }
}

/// What is said beside `invalid_dpop_proof` where the proof is good but for the address in it. There the client
/// has nothing wrong but the server's name, and its session is as good as ever.
pub const OTHER_ADDRESS: &str =
    "The proof names another address than the server's public URL; call it by that one.";

/// Problem details (RFC 9457), `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// `urn:saoma:` and the code.
    #[serde(rename = "type")]
    pub kind: String,
    /// One sentence for people.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What went wrong.
    pub code: ProblemCode,
    /// More about it, in one sentence for people, where there is more to say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The seconds to wait before the next try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
    /// With `confirm_token_used`, for the phone that scanned: where the login stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub login_status: Option<Status>,
    /// With `confirm_token_used`, for the phone that scanned a login that is confirmed: the digits for the PC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<String>, example = "47"))]
    pub check_code: Option<CheckCode>,
}

impl From<ProblemCode> for Problem {
    fn from(code: ProblemCode) -> Self {
        Self {
            kind: format!("urn:saoma:{}", code.as_str()),
            title: code.title().to_owned(),
            status: code.status(),
            code,
            detail: None,
            retry_after: None,
            login_status: None,
            check_code: None,
        }
    }
}

/// An OAuth error (RFC 6749 §5.2).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct OauthError {
    /// What went wrong.
    pub error: OauthCode,
    /// One sentence for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_description: Option<String>,
    /// With `authorization_pending`: where the login stands.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// With `authorization_pending` for a confirmed login: how many wrong check codes are left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tries_left: Option<u8>,
}

impl From<OauthCode> for OauthError {
    fn from(error: OauthCode) -> Self {
        Self { error, error_description: Some(error.title().to_owned()), status: None, tries_left: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_has_its_status_and_words() {
        let problems = ProblemCode::ALL
            .iter()
            .map(|code| format!("{} {} {}", code.status(), code.as_str(), code.title()));
        let oauth =
            OauthCode::ALL.iter().map(|code| format!("{} {} {}", code.status(), code.as_str(), code.title()));
        insta::assert_snapshot!(problems.chain([String::new()]).chain(oauth).collect::<Vec<_>>().join("\n"));
    }

    #[test]
    fn a_problem_is_written_as_rfc_9457_says() {
        let problem = Problem { retry_after: Some(3), ..ProblemCode::RateLimited.into() };
        assert_eq!(
            serde_json::to_value(problem).unwrap(),
            serde_json::json!({
                "type": "urn:saoma:rate_limited", "title": ProblemCode::RateLimited.title(),
                "status": 429, "code": "rate_limited", "retry_after": 3,
            })
        );
    }
}
