//! Who asks: the credentials and the body of a request, checked at the edge.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Request};
use http::request::Parts;
use http::{HeaderMap, header};
use serde::de::DeserializeOwned;
use shared::dpop::SCHEME;
use shared::id::SessionId;
use shared::name::Username;
use shared::problem::ProblemCode;
use shared::secret::{ConfirmToken, DeviceCode, PcToken, PhoneToken, RefreshToken, Token, TokenKind};
use tokio::sync::OwnedSemaphorePermit;

use super::failure::Failure;
use super::proof::Unproved;
use crate::App;
use crate::address::Origin;
use crate::audit::Audit;
use crate::logins::Proved;
use crate::metrics::Present;
use crate::store::{PhoneSession, Valid};

/// The connection that a request comes over. [`serve`](crate::serve()) notes it with every request.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    /// The other end.
    pub(crate) addr: SocketAddr,
    /// The connection's place among those that may be open at once. A socket holds on to it.
    pub(crate) _place: Arc<(OwnedSemaphorePermit, Present)>,
}

/// Where a request comes from.
pub(super) struct At(pub(super) Origin);

impl FromRequestParts<Arc<App>> for At {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let peer = parts.extensions.get::<Peer>().ok_or_else(Failure::unavailable)?;
        Ok(Self(Origin::of(peer.addr.ip(), &parts.headers, &app.settings.trusted_proxies)))
    }
}

/// A phone that is logged in.
pub(super) struct Phone(pub(super) Valid<PhoneSession>);

impl FromRequestParts<Arc<App>> for Phone {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let token = token::<PhoneToken>(&parts.headers)?;
        let valid = app.sessions.phone(token.digest()).await?;
        valid.map(Self).ok_or_else(|| ProblemCode::Unauthenticated.into())
    }
}

/// A phone or a PC that is logged in.
pub(super) struct Member {
    pub(super) account: shared::id::AccountId,
    pub(super) username: Username,
    pub(super) session: SessionId,
}

impl FromRequestParts<Arc<App>> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        Self::of(parts, app).await.map_err(Failure::of_pc)
    }
}

impl Member {
    async fn of(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let (text, key) = shown(parts, app)?;
        if let Ok(token) = Token::<PcToken>::parse(text) {
            let valid = app.sessions.by_access(token.digest()).await?.ok_or(ProblemCode::Unauthenticated)?;
            let Valid { session, username } = valid;
            if session.key != key {
                Audit::OtherKey {
                    login: session.login,
                    owner: Some(session.account),
                    session: Some(session.id),
                }
                .log();
                return Err(ProblemCode::InvalidDpopProof.into());
            }
            app.sessions.used(&session, app.clock.now()).await?;
            return Ok(Self { account: session.account, username, session: session.id });
        }
        let Phone(Valid { session, username }) = Phone::from_request_parts(parts, app).await?;
        Ok(Self { account: session.account, username, session: session.id })
    }
}

/// A PC, by the device code of its login. Whether there is such a login is for the handler to find out.
/// Whether its login is bound to the key, too.
pub(super) struct Pc(pub(super) Token<DeviceCode>, pub(super) crate::logins::ProvedKey);

impl FromRequestParts<Arc<App>> for Pc {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let (text, key) = shown(parts, app).map_err(Failure::of_pc)?;
        Ok(Self(of_kind(text).map_err(Failure::of_pc)?, key))
    }
}

/// The bearer token of a request (RFC 6750 §2.1), if it is of the kind that the call takes.
pub(super) fn token<K: TokenKind>(headers: &HeaderMap) -> Result<Token<K>, Failure> {
    of_kind(credentials(headers, "Bearer").ok_or(ProblemCode::Unauthenticated)?)
}

/// A token that stands by itself, or one that comes with a proof (RFC 9449 §7.1), and the key of that.
fn shown<'a>(parts: &'a Parts, app: &App) -> Result<(&'a str, crate::logins::ProvedKey), Failure> {
    let Some(text) = credentials(&parts.headers, SCHEME) else {
        let text = credentials(&parts.headers, "Bearer").ok_or(ProblemCode::Unauthenticated)?;
        return Ok((text, None));
    };
    // A device code is no access token, and its proof need not name it.
    let must_name_it = !text.starts_with(DeviceCode::PREFIX);
    let proved = Proved::of(parts, app, Some((text, must_name_it)))?.ok_or(Unproved::Bad)?;
    Ok((text, Some(proved.key())))
}

fn of_kind<K: TokenKind>(text: &str) -> Result<Token<K>, Failure> {
    Token::<K>::parse(text).map_err(|_| {
        let code =
            if is_of_some_kind(text) { ProblemCode::WrongTokenKind } else { ProblemCode::Unauthenticated };
        code.into()
    })
}

fn is_of_some_kind(text: &str) -> bool {
    Token::<DeviceCode>::parse(text).is_ok()
        || Token::<ConfirmToken>::parse(text).is_ok()
        || Token::<PhoneToken>::parse(text).is_ok()
        || Token::<PcToken>::parse(text).is_ok()
        || Token::<RefreshToken>::parse(text).is_ok()
}

/// What follows the scheme in the one `Authorization` header of a request.
pub(super) fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return None };
    let (given, rest) = line.to_str().ok()?.split_once(' ')?;
    given.eq_ignore_ascii_case(scheme).then(|| rest.trim_matches(' '))
}

/// Whether a body is said to be of a type, whatever its parameters.
pub(super) fn has_content_type(headers: &HeaderMap, expected: &str) -> bool {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.unwrap_or_default().split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case(expected)
}

/// A JSON body.
pub(super) struct Body<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        if !has_content_type(request.headers(), "application/json") {
            return Err(ProblemCode::UnsupportedMediaType.into());
        }
        // Whole, and not too large: the guard saw to that.
        let bytes = Bytes::from_request(request, app).await.map_err(|_| ProblemCode::BadRequest)?;
        // JSON is UTF-8 (RFC 8259 §8.1), what is ignored in it included.
        let text = std::str::from_utf8(&bytes).map_err(|_| ProblemCode::BadRequest)?;
        let is_object = text.trim_ascii_start().starts_with('{');
        match serde_json::from_str(text) {
            Ok(body) if is_object => Ok(Self(body)),
            Err(error) if !error.is_data() => Err(ProblemCode::BadRequest.into()),
            Ok(_) | Err(_) => Err(ProblemCode::Unprocessable.into()),
        }
    }
}
