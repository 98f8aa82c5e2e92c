//! Resource servers: whose is this token (RFC 7662)?

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use shared::api::{Confirmation, Introspection};
use shared::problem::{OauthCode, OauthError};
use shared::secret::{ClientSecret, PcToken, Token};

use super::failure::OauthAnswer;
use super::form::Form;
use super::oauth::token_type;
use crate::App;
use crate::store::{PcSession, Valid};

/// Tells a resource server whether an access token is good, and whose it is (RFC 7662). Only access tokens
/// ever are: a refresh token that passed as one would be a master key.
#[utoipa::path(post, path = "/oauth/introspect", tag = "resource server",
    request_body(content_type = "application/x-www-form-urlencoded", description = "token"),
    security(("basic" = [])),
    responses((status = 200, body = Introspection), (status = 400, body = OauthError), (status = 401, body = OauthError)))]
pub(super) async fn introspect(State(app): State<Arc<App>>, form: Form) -> OauthAnswer<Json<Introspection>> {
    let (name, secret) = form.resource_server()?;
    let secret = Token::<ClientSecret>::parse(secret).map_err(|_| OauthCode::InvalidClient)?;
    let client = app.store.client(name).await?.filter(|client| client.secret == secret.digest());
    client.ok_or(OauthCode::InvalidClient)?;
    let valid = match Token::<PcToken>::parse(form.required("token")?) {
        Ok(token) => app.sessions.introspected(token.digest()).await?,
        Err(_) => None,
    };
    Ok(Json(valid.map_or_else(inactive, |valid| active(&app, valid))))
}

fn inactive() -> Introspection {
    Introspection {
        active: false,
        scope: None,
        client_id: None,
        username: None,
        token_type: None,
        exp: None,
        iat: None,
        sub: None,
        iss: None,
        sid: None,
        cnf: None,
    }
}

fn active(app: &App, Valid { session, username }: Valid<PcSession>) -> Introspection {
    Introspection {
        active: true,
        scope: session.scope,
        client_id: Some(session.client_id),
        username: Some(username.to_string()),
        token_type: Some(token_type(session.key.is_some()).to_owned()),
        exp: Some(session.tokens.access_until.as_second()),
        iat: Some(session.created_at.as_second()),
        sub: Some(session.account.to_string()),
        iss: Some(app.settings.public_url.to_string()),
        sid: Some(session.id.to_string()),
        cnf: session.key.map(|jkt| Confirmation { jkt }),
    }
}
