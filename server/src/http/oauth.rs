//! The PC's plane: OAuth 2.0 Device Authorization Grant (RFC 8628), refresh and revocation.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::extract::State;
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use shared::api::{
    DeviceAuthorization, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN, POLL_INTERVAL_SECS, TokenAnswer,
};
use shared::dpop::SCHEME;
use shared::login::{CheckCode, Refusal, Request};
use shared::name::{Username, clean_claim};
use shared::problem::{OauthCode, OauthError};
use shared::secret::{DeviceCode, PcToken, RefreshToken, Token};

use super::caller::At;
use super::failure::{OauthAnswer, OauthFailure};
use super::form::Form;
use super::proof::Unproved;
use crate::App;
use crate::address::Origin;
use crate::audit::{Audit, Who};
use crate::limits::Limited;
use crate::logins::{Issued, LoginError, Proved, Tokens};
use crate::sessions::{Fresh, NoTokens};
use crate::store::{Ending, FirstUse, PC_TOKEN_LIFE, StoreError, Valid};

/// How long a redeem is held while the store is away: stock clients give up on anything but `slow_down`.
const HOLD: Duration = Duration::from_secs(5);
/// How long to wait between two tries of a held redeem.
const HOLD_STEP: Duration = Duration::from_millis(250);
/// The longest `scope`.
const MAX_SCOPE: usize = 512;

/// The head of a form, if it may hold a proof of possession. It is looked at late: to check a signature costs
/// more than what is refused before.
pub(super) struct Head(Option<Parts>);

impl<S: Sync> FromRequestParts<S> for Head {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self(parts.headers.contains_key(SCHEME).then(|| parts.clone())))
    }
}

impl Head {
    fn proved(&self, app: &App) -> OauthAnswer<Option<Proved>> {
        Ok(match &self.0 {
            Some(parts) => Proved::of(parts, app, None)?,
            None => None,
        })
    }
}

/// Issues a login: a device code for the PC, a scan code and a user code for the phone.
#[utoipa::path(post, path = "/oauth/device_authorization", tag = "pc",
    request_body(content_type = "application/x-www-form-urlencoded", description = "client_id; optionally scope, device_name, device_os, device_app, login_hint, check_code=1"),
    responses((status = 200, body = DeviceAuthorization), (status = 400, body = OauthError), (status = 401, body = OauthError), (status = 429, body = OauthError), (status = 503, body = OauthError)))]
pub(super) async fn issue(
    State(app): State<Arc<App>>,
    At(origin): At,
    head: Head,
    form: Form,
) -> OauthAnswer<Json<DeviceAuthorization>> {
    // 400, as RFC 6749 §5.2 has all errors but a bad client: stock clients show what it says.
    if !app.settings.may_issue(origin.ip) {
        Audit::PcNotAllowed { ip: origin.ip }.log();
        return Err(OauthCode::AccessDenied.into());
    }
    let request = request(&app, &form, origin)?;
    match app.limits.issue(origin.address).await {
        Ok(_) => {}
        Err(Limited::TooMany(wait)) => return Err(OauthFailure::too_many(wait)),
        Err(Limited::Away(away)) => return Err(away.into()),
    }
    let proof = head.proved(&app)?;
    if let Some(proof) = &proof {
        match proof.use_up(&*app.store, app.clock.now()).await? {
            FirstUse::Yes => {}
            FirstUse::No => return Err(Unproved::Bad.into()),
            FirstUse::Full => return Err(OauthFailure::unavailable()),
        }
    }
    let request = Request { key: proof.map(|proof| proof.key()), ..request };
    let issued = app.logins.issue(request).await.map_err(|error| not_issued(&app, origin, error))?;
    let Issued { login, scan_code, user_code, device_code } = issued;
    let url = &app.settings.public_url;
    Ok(Json(DeviceAuthorization {
        device_code,
        user_code,
        verification_uri: url.join("/D"),
        verification_uri_complete: url.scan_url(&scan_code),
        expires_in: login.expires_in(login.issued_at),
        interval: POLL_INTERVAL_SECS,
    }))
}

fn not_issued(app: &App, origin: Origin, error: LoginError) -> OauthFailure {
    if let LoginError::Away(away) = error {
        return away.into();
    }
    Audit::Limited { limit: "open", who: Who::at(origin.address) }.log();
    app.metrics.refused("open");
    // Room comes when a login of this address ends, at the latest when one expires.
    OauthFailure::too_many(app.settings.code_lifetime)
}

/// What a PC may say about its login; what is not known is ignored.
fn request(app: &App, form: &Form, origin: Origin) -> OauthAnswer<Request> {
    let claim = |name| form.field(name).map(clean_claim).filter(|claim| !claim.is_empty());
    let login_hint = form.field("login_hint").map(Username::parse).transpose();
    let scope = form.field("scope").map(str::to_owned);
    if !scope.as_deref().is_none_or(is_scope) {
        return Err(OauthCode::InvalidScope.into());
    }
    let client_id = form.client_id()?.to_owned();
    // A PC that can't ask its person for the digits would never get its tokens.
    let check_code = app.settings.requires_check_code;
    if check_code && form.field("check_code") != Some("1") {
        return Err(OauthCode::InvalidRequest.into());
    }
    Ok(Request {
        client_id,
        scope,
        device_name: claim("device_name"),
        device_os: claim("device_os"),
        device_app: claim("device_app"),
        login_hint: login_hint.map_err(|_| OauthCode::InvalidRequest)?,
        check_code,
        key: None,
        ip: origin.ip,
    })
}

/// Words of printable ASCII but quotes and backslashes, one space apart (RFC 6749 §3.3).
fn is_scope(text: &str) -> bool {
    let is_word =
        |word: &str| !word.is_empty() && word.bytes().all(|c| matches!(c, b'!' | b'#'..=b'[' | b']'..=b'~'));
    text.len() <= MAX_SCOPE && text.split(' ').all(is_word)
}

/// Redeems a confirmed login, or a refresh token.
#[utoipa::path(post, path = "/oauth/token", tag = "pc",
    request_body(content_type = "application/x-www-form-urlencoded", description = "grant_type with device_code (and check_code, where it is asked for) or refresh_token; client_id"),
    responses((status = 200, body = TokenAnswer), (status = 400, body = OauthError), (status = 401, body = OauthError)))]
pub(super) async fn token(
    State(app): State<Arc<App>>,
    At(origin): At,
    head: Head,
    form: Form,
) -> OauthAnswer<Json<TokenAnswer>> {
    let client_id = form.client_id()?;
    let grant = match form.required("grant_type")? {
        GRANT_DEVICE_CODE => Grant::DeviceCode(form.required("device_code")?),
        GRANT_REFRESH_TOKEN => Grant::RefreshToken(form.required("refresh_token")?),
        _ => return Err(OauthCode::UnsupportedGrantType.into()),
    };
    let give_up_at = app.clock.now() + HOLD;
    let (proof, fresh) = (head.proved(&app)?, Fresh::default());
    let tokens = hold(&app, give_up_at, || async {
        match grant {
            Grant::DeviceCode(code) => redeem(&app, origin, &form, code, client_id, proof.as_ref()).await,
            Grant::RefreshToken(token) => {
                refresh(&app, &form, token, client_id, proof.as_ref(), &fresh).await
            }
        }
    });
    Ok(Json(answer(tokens.await?)))
}

/// What tokens are asked for with.
#[derive(Clone, Copy)]
enum Grant<'a> {
    DeviceCode(&'a str),
    RefreshToken(&'a str),
}

/// Tries again while the store is away, for as long as a stock client can be held.
async fn hold<T, F: Future<Output = Result<T, Refused>>>(
    app: &App,
    give_up_at: Timestamp,
    attempt: impl Fn() -> F,
) -> OauthAnswer<T> {
    loop {
        match attempt().await {
            Ok(done) => return Ok(done),
            Err(Refused::Oauth(failure)) => return Err(failure),
            Err(Refused::Away(away)) if app.clock.now() + HOLD_STEP > give_up_at => {
                tracing::error!(detail = %away, "the store is away");
                return Err(OauthCode::SlowDown.into());
            }
            Err(Refused::Away(_)) => app.clock.sleep(HOLD_STEP).await,
        }
    }
}

/// Why there are no tokens: for a reason that the client is told, or because nobody knows.
enum Refused {
    Oauth(OauthFailure),
    Away(StoreError),
}

impl From<StoreError> for Refused {
    fn from(away: StoreError) -> Self {
        Self::Away(away)
    }
}

async fn redeem(
    app: &App,
    origin: Origin,
    form: &Form,
    device_code: &str,
    client_id: &str,
    proof: Option<&Proved>,
) -> Result<Tokens, Refused> {
    // Whatever else was typed is a wrong try.
    let typed = |text| CheckCode::parse(text).unwrap_or(CheckCode::NEVER_RIGHT);
    let check = form.field("check_code").map(typed);
    let error = match Token::<DeviceCode>::parse(device_code) {
        Ok(device) => match app.logins.redeem(&device, client_id, check, proof).await {
            Ok(tokens) => return Ok(tokens),
            Err(error) => error,
        },
        Err(_) => LoginError::Unknown,
    };
    let code = match error {
        LoginError::Away(away) => return Err(away.into()),
        LoginError::Refused(Refusal::Pending(status)) => {
            return Err(Refused::Oauth(OauthFailure::pending(status)));
        }
        LoginError::Refused(Refusal::Unchecked { tries_left }) => {
            return Err(Refused::Oauth(OauthFailure::unchecked(tries_left)));
        }
        LoginError::Refused(Refusal::AccessDenied) => OauthCode::AccessDenied,
        LoginError::Refused(Refusal::Expired) => OauthCode::ExpiredToken,
        LoginError::Refused(Refusal::OtherKey) | LoginError::ProofUsed => OauthCode::InvalidDpopProof,
        // Said at once, not held as an absent store is: whoever fills the memory of proofs would hold calls too.
        LoginError::SlowDown | LoginError::FullOfProofs => OauthCode::SlowDown,
        LoginError::Unknown => {
            Audit::DeviceCodeUnknown { from: origin.address }.log();
            match app.limits.device_code(origin.address).await {
                Ok(_) => OauthCode::InvalidGrant,
                Err(Limited::TooMany(_)) => OauthCode::SlowDown,
                Err(Limited::Away(away)) => return Err(away.into()),
            }
        }
        _ => OauthCode::InvalidGrant,
    };
    Err(Refused::Oauth(code.into()))
}

async fn refresh(
    app: &App,
    form: &Form,
    token: &str,
    client_id: &str,
    proof: Option<&Proved>,
    fresh: &Fresh,
) -> Result<Tokens, Refused> {
    let refused = |code: OauthCode| Refused::Oauth(code.into());
    let token = Token::<RefreshToken>::parse(token).map_err(|_| refused(OauthCode::InvalidGrant))?;
    let tokens = app.sessions.refresh(token.digest(), client_id, proof, form.field("scope"), fresh).await?;
    tokens.map_err(|no_tokens| match no_tokens {
        NoTokens::NoGrant => refused(OauthCode::InvalidGrant),
        NoTokens::OtherKey | NoTokens::ProofUsed => refused(OauthCode::InvalidDpopProof),
        NoTokens::WiderScope => refused(OauthCode::InvalidScope),
        NoTokens::FullOfProofs => refused(OauthCode::SlowDown),
    })
}

/// How a token is to be shown.
pub(super) fn token_type(is_bound: bool) -> &'static str {
    if is_bound { SCHEME } else { "Bearer" }
}

fn answer(tokens: Tokens) -> TokenAnswer {
    TokenAnswer {
        access_token: tokens.access,
        token_type: token_type(tokens.is_bound).to_owned(),
        expires_in: PC_TOKEN_LIFE.as_secs(),
        refresh_token: tokens.refresh,
        scope: tokens.scope,
    }
}

/// Ends a PC's session by either of its tokens (RFC 7009). A token that is not known needs no revoking.
#[utoipa::path(post, path = "/oauth/revoke", tag = "pc",
    request_body(content_type = "application/x-www-form-urlencoded", description = "token, client_id"),
    responses((status = 200, description = "The token is no longer good."), (status = 400, body = OauthError), (status = 401, body = OauthError)))]
pub(super) async fn revoke(State(app): State<Arc<App>>, form: Form) -> OauthAnswer<StatusCode> {
    let (client_id, token) = (form.client_id()?, form.required("token")?);
    let (found, tag) = if let Ok(token) = Token::<PcToken>::parse(token) {
        (app.sessions.by_access(token.digest()).await?, token.tag())
    } else if let Ok(token) = Token::<RefreshToken>::parse(token) {
        (app.sessions.by_refresh(token.digest()).await?, token.tag())
    } else {
        return Ok(StatusCode::OK);
    };
    // Without a proof, also where the session is bound to a key: RFC 9449 asks for none here, so stock clients send
    // none, and whoever comes upon a token can do no better than to end it.
    if let Some(Valid { session, .. }) = found {
        if session.client_id != client_id {
            return Err(OauthCode::InvalidGrant.into());
        }
        app.sessions.end(session.account, Ending::One(session.id), None).await?;
    } else {
        // It may have ended a moment ago, by a call that nobody knows the outcome of.
        app.store.settle(tag).await?;
    }
    Ok(StatusCode::OK)
}
