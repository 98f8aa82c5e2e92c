//! The phone's plane: accounts, phones, scans.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use shared::api::{
    Account, AccountMade, ConfirmRequest, Decided, DenyRequest, LoginRequest, Me, PasswordChange,
    PhoneLoggedIn, PhoneLogin, Registration, ScanRequest, Scanned, Status,
};
use shared::code::{ScanCode, UserCode};
use shared::login::{Login, Scanner};
use shared::name::clean_claim;
use shared::problem::{Problem, ProblemCode};
use shared::secret::{ConfirmToken, PhoneToken, Token};

use super::caller::{self, At, Body, Member, Phone};
use super::failure::{Answer, Failure};
use crate::App;
use crate::address::{Address, Origin};
use crate::audit::{Audit, CodeKind};
use crate::logins::{LoginError, SeenCode};
use crate::store::{Ending, PhoneSession, Valid};

/// Makes an account, where the server lets anybody.
#[utoipa::path(post, path = "/v1/accounts", tag = "phone", request_body = Registration,
    responses((status = 201, body = AccountMade), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn register(
    State(app): State<Arc<App>>,
    At(origin): At,
    Body(body): Body<Registration>,
) -> Answer<(StatusCode, Json<AccountMade>)> {
    if !app.settings.open_registration {
        return Err(ProblemCode::RegistrationClosed.into());
    }
    let made = app.accounts.register(&body.username, body.password, origin).await?;
    let account = Account { id: made.id, username: made.username };
    Ok((StatusCode::CREATED, Json(AccountMade { account })))
}

/// Logs a phone in.
#[utoipa::path(post, path = "/v1/phones", tag = "phone", request_body = PhoneLogin,
    responses((status = 201, body = PhoneLoggedIn), (status = 401, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    At(origin): At,
    Body(body): Body<PhoneLogin>,
) -> Answer<(StatusCode, Json<PhoneLoggedIn>)> {
    let account = app.accounts.check(&body.username, body.password, origin).await?;
    let device_name = body.device_name.as_deref().map(clean_claim).filter(|name| !name.is_empty());
    // None if the password was changed between its check and this: then it was the wrong one.
    let begun = app.sessions.begin_phone(&account, device_name, origin).await?;
    let (phone_token, session) = begun.ok_or(ProblemCode::Unauthenticated)?;
    let account = Account { id: account.id, username: account.username };
    Ok((StatusCode::CREATED, Json(PhoneLoggedIn { phone_token, account, session_id: session.id })))
}

/// Logs this phone out; the PC sessions that it granted end with it.
#[utoipa::path(delete, path = "/v1/phones/current", tag = "phone", security(("phone token" = [])),
    responses((status = 204, description = "Logged out."), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn log_out(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    phone: Answer<Phone>,
) -> Answer<StatusCode> {
    let Phone(Valid { session, .. }) = match phone {
        Ok(phone) => phone,
        Err(failure) => {
            // It may have logged out a moment ago, by a call that it knows no outcome of, and takes this for one.
            if let Ok(token) = caller::token::<PhoneToken>(&headers) {
                app.store.settle(token.tag()).await?;
            }
            return Err(failure);
        }
    };
    app.sessions.end(session.account, Ending::One(session.id), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Scans a code, from a QR or typed. The account is the phone's: nothing in the body can name another.
#[utoipa::path(post, path = "/v1/scans", tag = "phone", request_body = ScanRequest, security(("phone token" = [])),
    responses((status = 200, body = Scanned), (status = 401, body = Problem), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn scan(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    At(origin): At,
    Body(body): Body<ScanRequest>,
) -> Answer<Json<Scanned>> {
    let (login, confirm_token) = match (body.scan_code, body.user_code) {
        (Some(code), None) => scan_qr(&app, &phone, origin, code.expose()).await?,
        (None, Some(code)) => scan_typed(&app, &phone, origin, code.expose()).await?,
        _ => return Err(ProblemCode::Unprocessable.into()),
    };
    let expires_in = login.expires_in(app.clock.now());
    let known_pc = known_pc(&app, &phone, &login).await?;
    Ok(Json(Scanned { confirm_token, expires_in, login: shown(login, origin, known_pc) }))
}

type ScanAnswer = Answer<(Login, Token<ConfirmToken>)>;

/// Only unknown codes count against the limit.
async fn scan_qr(app: &App, phone: &Valid<PhoneSession>, origin: Origin, code: &str) -> ScanAnswer {
    let counted = app.limits.scan(phone.session.id).await?;
    let outcome = match ScanCode::parse(code) {
        Ok(code) => app.logins.scan(&SeenCode::Scan(code), scanner(phone), origin.ip).await,
        Err(_) => Err(LoginError::Unknown),
    };
    if matches!(outcome, Err(LoginError::Unknown)) {
        unknown(phone, origin, CodeKind::Scan);
    } else {
        app.limits.give_back(counted).await;
    }
    outcome.map_err(|error| Failure::of_login(error, false))
}

/// Whatever is wrong with a typed code counts and looks alike: it may be a guess.
async fn scan_typed(app: &App, phone: &Valid<PhoneSession>, origin: Origin, code: &str) -> ScanAnswer {
    let counted = app.limits.user_code(phone.session.account, origin.address).await?;
    let outcome = match UserCode::parse(code) {
        Ok(code) => app.logins.scan_typed(code, scanner(phone), origin.ip).await,
        Err(_) => Err(LoginError::Unknown),
    };
    let wrong = matches!(&outcome, Err(error) if error.problem(true) == Some(ProblemCode::CodeNotFound));
    if wrong {
        unknown(phone, origin, CodeKind::User);
    } else {
        app.limits.give_back(counted).await;
    }
    outcome.map_err(|error| Failure::of_login(error, true))
}

fn unknown(phone: &Valid<PhoneSession>, origin: Origin, code: CodeKind) {
    let (account, phone) = (phone.session.account, phone.session.id);
    Audit::CodeRefused { code, account, phone, ip: origin.ip }.log();
}

fn scanner(Valid { session, username }: &Valid<PhoneSession>) -> Scanner {
    Scanner { account: session.account, username: username.clone(), phone: session.id }
}

/// When a PC was seen last, if it is known; nothing at all if it has proved no key.
type Known = Option<Option<Timestamp>>;

async fn known_pc(app: &App, phone: &Valid<PhoneSession>, login: &Login) -> Answer<Known> {
    let Some(key) = login.request.key else { return Ok(None) };
    Ok(Some(app.store.known_pc(phone.session.account, key).await?))
}

/// Who asks: what the PC claims, and what the server saw.
fn shown(login: Login, phone: Origin, known_pc: Known) -> LoginRequest {
    let request = login.request;
    LoginRequest {
        requested_at: login.issued_at,
        ip: request.ip.map(|ip| ip.to_string()),
        same_network: Address::same_network(request.ip, phone.ip),
        device_name: request.device_name,
        device_os: request.device_os,
        device_app: request.device_app,
        known_pc: known_pc.map(|seen| seen.is_some()),
        last_seen_at: known_pc.flatten(),
        scope: request.scope,
    }
}

/// Confirms the login that this phone scanned, once.
#[utoipa::path(post, path = "/v1/scans/confirm", tag = "phone", request_body = ConfirmRequest, security(("phone token" = [])),
    responses((status = 200, body = Decided), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem)))]
pub(super) async fn confirm(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    Body(body): Body<ConfirmRequest>,
) -> Answer<Json<Decided>> {
    let token = confirm_token(body.confirm_token.expose(), &phone.session)?;
    let confirmed = app.logins.confirm(&token, phone.session.id).await;
    let login = confirmed.map_err(|error| undecided(error, &phone.session))?;
    let check_code = login.state.check().map(|check| check.code);
    Ok(Json(Decided { status: Status::Confirmed, check_code }))
}

/// Denies the login that this phone scanned, once.
#[utoipa::path(post, path = "/v1/scans/deny", tag = "phone", request_body = DenyRequest, security(("phone token" = [])),
    responses((status = 200, body = Decided), (status = 401, body = Problem), (status = 403, body = Problem), (status = 409, body = Problem), (status = 410, body = Problem)))]
pub(super) async fn deny(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    Body(body): Body<DenyRequest>,
) -> Answer<Json<Decided>> {
    let token = confirm_token(body.confirm_token.expose(), &phone.session)?;
    let denied = app.logins.deny(&token, phone.session.id).await;
    let login = denied.map_err(|error| undecided(error, &phone.session))?;
    if body.report == Some(true) {
        let (account, pc_ip) = (phone.session.account, login.request.ip);
        if let Some(key) = login.request.key {
            app.store.forget_pc(account, key).await?;
        }
        Audit::Reported { login: login.id, account, pc_ip }.log();
    }
    Ok(Json(Decided { status: Status::Denied, check_code: None }))
}

fn confirm_token(text: &str, phone: &PhoneSession) -> Answer<Token<ConfirmToken>> {
    Token::parse(text).map_err(|_| undecided(LoginError::Unknown, phone))
}

/// For a decision, an unknown token is a bad credential rather than a bad code.
fn undecided(error: LoginError, phone: &PhoneSession) -> Failure {
    match error {
        LoginError::Unknown => {
            Audit::ConfirmTokenUnknown { account: phone.account, phone: phone.id }.log();
            ProblemCode::ConfirmTokenInvalid.into()
        }
        error => Failure::of_login(error, false),
    }
}

/// Changes the password; every other session of the account ends.
#[utoipa::path(put, path = "/v1/account/password", tag = "phone", request_body = PasswordChange, security(("phone token" = [])),
    responses((status = 204, description = "Changed."), (status = 401, body = Problem), (status = 422, body = Problem), (status = 429, body = Problem)))]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    At(origin): At,
    Body(body): Body<PasswordChange>,
) -> Answer<StatusCode> {
    let Valid { session, username } = phone;
    let ended = app.accounts.change_password(&username, body.old, body.new, session.id, origin).await?;
    app.sessions.ended(&ended).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Who asks: for a phone, and for a PC that is logged in.
#[utoipa::path(get, path = "/v1/me", tag = "phone", security(("phone token" = []), ("pc token" = [])),
    responses((status = 200, body = Me), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn me(member: Member) -> Json<Me> {
    Json(Me { id: member.account, username: member.username, session_id: member.session })
}
