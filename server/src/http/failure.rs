//! Failures on their way out: each kind becomes an answer here, and nowhere else.
//!
//! Details go to the log, once, at this border; the body never has them.

use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use shared::dpop::NONCE_HEADER;
use shared::login::{Refusal, Standing, Status};
use shared::problem::{OTHER_ADDRESS, OauthCode, OauthError, Problem, ProblemCode};

use super::proof::Unproved;
use crate::accounts::AccountError;
use crate::limits::Limited;
use crate::logins::LoginError;
use crate::store::StoreError;

/// The seconds after which it is worth asking a server again that could not answer.
const AWAY_RETRY_SECS: u64 = 2;

/// What the person at the PC is to do.
const TYPE_THE_DIGITS: &str = "The phone shows two digits; send them as check_code.";

/// What handlers outside `/oauth/*` answer.
pub(super) type Answer<T> = Result<T, Failure>;
/// What handlers of `/oauth/*` answer.
pub(super) type OauthAnswer<T> = Result<T, OauthFailure>;

/// A failure outside `/oauth/*`: problem details (RFC 9457).
#[derive(Debug)]
pub(super) struct Failure {
    problem: Box<Problem>,
    /// For a proof that is not of now.
    nonce: Option<String>,
    /// Whether the call takes tokens that need a proof.
    takes_proofs: bool,
}

/// A failure of `/oauth/*` (RFC 6749 §5.2).
#[derive(Debug)]
pub(super) struct OauthFailure {
    error: Box<OauthError>,
    status: StatusCode,
    retry_after: Option<u64>,
    /// For a proof that is not of now.
    nonce: Option<String>,
}

impl Failure {
    pub(super) fn too_many(wait: Duration) -> Self {
        Problem { retry_after: Some(whole_secs(wait)), ..ProblemCode::RateLimited.into() }.into()
    }

    pub(super) fn unavailable() -> Self {
        Problem { retry_after: Some(AWAY_RETRY_SECS), ..ProblemCode::Unavailable.into() }.into()
    }

    /// The same failure, of a call that takes tokens with a proof as well.
    pub(super) fn of_pc(self) -> Self {
        Self { takes_proofs: true, ..self }
    }

    /// What a phone is told about a login. `typed`: about a code that was typed.
    pub(super) fn of_login(error: LoginError, typed: bool) -> Self {
        match (error.problem(typed), error) {
            (_, LoginError::Away(away)) => away.into(),
            (Some(code), LoginError::Refused(Refusal::ConfirmTokenUsed(Some(standing)))) => {
                let Standing { status, check_code } = standing;
                Problem { login_status: Some(status), check_code, ..code.into() }.into()
            }
            (code, _) => code.unwrap_or(ProblemCode::BadRequest).into(),
        }
    }
}

impl From<ProblemCode> for Failure {
    fn from(code: ProblemCode) -> Self {
        Problem::from(code).into()
    }
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self { problem: Box::new(problem), nonce: None, takes_proofs: false }
    }
}

impl From<Unproved> for Failure {
    fn from(unproved: Unproved) -> Self {
        let detail = (unproved == Unproved::OtherAddress).then(|| OTHER_ADDRESS.to_owned());
        let problem = Problem { detail, ..ProblemCode::InvalidDpopProof.into() };
        Self { nonce: unproved.nonce(), ..problem.into() }
    }
}

impl From<StoreError> for Failure {
    fn from(away: StoreError) -> Self {
        tracing::error!(detail = %away, "the store is away");
        Self::unavailable()
    }
}

impl From<Limited> for Failure {
    fn from(limited: Limited) -> Self {
        match limited {
            Limited::TooMany(wait) => Self::too_many(wait),
            Limited::Away(away) => away.into(),
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::WrongPassword => ProblemCode::Unauthenticated.into(),
            AccountError::BadPassword | AccountError::BadUsername(_) => ProblemCode::Unprocessable.into(),
            AccountError::Taken => ProblemCode::UsernameTaken.into(),
            AccountError::TooMany(wait) => Self::too_many(wait),
            AccountError::Busy => Self::unavailable(),
            AccountError::Away(away) => away.into(),
        }
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self { problem, nonce, takes_proofs } = self;
        let challenges = challenges(problem.code, nonce.is_some(), takes_proofs);
        let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let retry_after = problem.retry_after;
        let mut response = (status, Json(problem)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if status == StatusCode::UNAUTHORIZED {
            for challenge in challenges {
                headers.append(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
            }
        }
        insert_nonce(headers, nonce);
        insert_retry_after(headers, retry_after);
        response
    }
}

impl OauthFailure {
    /// The same failure with another HTTP status.
    pub(super) fn with_status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// 429, which only the issue of logins may answer.
    pub(super) fn too_many(wait: Duration) -> Self {
        let failure = Self::from(OauthCode::SlowDown).with_status(StatusCode::TOO_MANY_REQUESTS);
        Self { retry_after: Some(whole_secs(wait)), ..failure }
    }

    pub(super) fn unavailable() -> Self {
        Self { retry_after: Some(AWAY_RETRY_SECS), ..OauthCode::TemporarilyUnavailable.into() }
    }

    /// A login that is pending, with the state that it is in.
    pub(super) fn pending(status: Status) -> Self {
        let mut failure = Self::from(OauthCode::AuthorizationPending);
        failure.error.status = Some(status);
        failure
    }

    /// A login that is confirmed, but whose digits are missing or wrong.
    pub(super) fn unchecked(tries_left: u8) -> Self {
        let mut failure = Self::pending(Status::Confirmed);
        failure.error.error_description = Some(TYPE_THE_DIGITS.to_owned());
        failure.error.tries_left = Some(tries_left);
        failure
    }
}

impl From<OauthCode> for OauthFailure {
    fn from(code: OauthCode) -> Self {
        let status = StatusCode::from_u16(code.status()).unwrap_or(StatusCode::BAD_REQUEST);
        Self { error: Box::new(code.into()), status, retry_after: None, nonce: None }
    }
}

impl From<Unproved> for OauthFailure {
    fn from(unproved: Unproved) -> Self {
        let is_elsewhere = unproved == Unproved::OtherAddress;
        let nonce = unproved.nonce();
        let code = if nonce.is_some() { OauthCode::UseDpopNonce } else { OauthCode::InvalidDpopProof };
        let mut failure = Self { nonce, ..code.into() };
        if is_elsewhere {
            failure.error.error_description = Some(OTHER_ADDRESS.to_owned());
        }
        failure
    }
}

impl From<StoreError> for OauthFailure {
    fn from(away: StoreError) -> Self {
        tracing::error!(detail = %away, "the store is away");
        Self::unavailable()
    }
}

impl IntoResponse for OauthFailure {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.error)).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let basic = HeaderValue::from_static("Basic realm=\"saoma\"");
            response.headers_mut().insert(header::WWW_AUTHENTICATE, basic);
        }
        insert_retry_after(response.headers_mut(), self.retry_after);
        insert_nonce(response.headers_mut(), self.nonce);
        response
    }
}

/// How to authenticate (RFC 9449 §7.1). Who has shown no good token may have one of either kind.
fn challenges(code: ProblemCode, wants_nonce: bool, takes_proofs: bool) -> &'static [&'static str] {
    match (code, wants_nonce) {
        (ProblemCode::InvalidDpopProof, true) => &[r#"DPoP error="use_dpop_nonce", algs="ES256 EdDSA""#],
        (ProblemCode::InvalidDpopProof, false) => &[r#"DPoP error="invalid_dpop_proof", algs="ES256 EdDSA""#],
        _ if takes_proofs => &["Bearer", r#"DPoP algs="ES256 EdDSA""#],
        _ => &["Bearer"],
    }
}

fn insert_nonce(headers: &mut http::HeaderMap, nonce: Option<String>) {
    if let Some(nonce) = nonce.and_then(|nonce| HeaderValue::try_from(nonce).ok()) {
        headers.insert(NONCE_HEADER, nonce);
    }
}

fn insert_retry_after(headers: &mut http::HeaderMap, secs: Option<u64>) {
    if let Some(secs) = secs {
        headers.insert(header::RETRY_AFTER, secs.into());
    }
}

/// Rounded up, and never zero: a client that waits that long is not too early again.
fn whole_secs(wait: Duration) -> u64 {
    u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).max(1)
}
