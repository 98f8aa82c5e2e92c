//! Form bodies of `/oauth/*`, and the client that sends them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use http::{HeaderMap, header};
use shared::problem::OauthCode;

use super::caller::{credentials, has_content_type};
use super::failure::{OauthAnswer, OauthFailure};
use crate::App;

/// The longest `client_id`.
const MAX_CLIENT_ID: usize = 128;

/// A form-encoded body, and what HTTP Basic says beside it.
pub(super) struct Form {
    fields: HashMap<String, String>,
    basic: Option<(String, String)>,
}

impl FromRequest<Arc<App>> for Form {
    type Rejection = OauthFailure;

    async fn from_request(request: Request, app: &Arc<App>) -> OauthAnswer<Self> {
        let basic = basic(request.headers())?;
        if !has_content_type(request.headers(), "application/x-www-form-urlencoded") {
            return Err(OauthCode::InvalidRequest.into());
        }
        // Whole, and not too large: the guard saw to that.
        let bytes = Bytes::from_request(request, app).await.map_err(|_| OauthCode::InvalidRequest)?;
        let mut fields = HashMap::new();
        for (name, value) in url::form_urlencoded::parse(&bytes) {
            // A parameter without a value counts as not sent, and none may be sent twice (RFC 6749 §3.1).
            if !value.is_empty() && fields.insert(name.into_owned(), value.into_owned()).is_some() {
                return Err(OauthCode::InvalidRequest.into());
            }
        }
        Ok(Self { fields, basic })
    }
}

impl Form {
    /// A parameter, if it was sent.
    pub(super) fn field(&self, name: &str) -> Option<&str> {
        self.fields.get(name).map(String::as_str)
    }

    /// A parameter that must be there.
    pub(super) fn required(&self, name: &str) -> OauthAnswer<&str> {
        self.field(name).ok_or_else(|| OauthCode::InvalidRequest.into())
    }

    /// The public client that asks: `client_id` in the body, or the user of HTTP Basic with an empty password.
    pub(super) fn client_id(&self) -> OauthAnswer<&str> {
        let basic = match &self.basic {
            Some((name, password)) if password.is_empty() => Some(name.as_str()),
            Some(_) => return Err(OauthCode::InvalidClient.into()),
            None => None,
        };
        let id = match (self.field("client_id"), basic) {
            (Some(body), Some(basic)) if body != basic => return Err(OauthCode::InvalidRequest.into()),
            (body, basic) => body.or(basic).ok_or(OauthCode::InvalidClient)?,
        };
        let well_formed =
            (1..=MAX_CLIENT_ID).contains(&id.len()) && id.bytes().all(|c| matches!(c, b' '..=b'~'));
        well_formed.then_some(id).ok_or_else(|| OauthCode::InvalidClient.into())
    }

    /// The resource server that asks, with its secret: HTTP Basic.
    pub(super) fn resource_server(&self) -> OauthAnswer<(&str, &str)> {
        let basic = self.basic.as_ref().map(|(name, secret)| (name.as_str(), secret.as_str()));
        basic.ok_or_else(|| OauthCode::InvalidClient.into())
    }
}

/// HTTP Basic (RFC 7617), with both parts form-encoded (RFC 6749 §2.3.1).
fn basic(headers: &HeaderMap) -> OauthAnswer<Option<(String, String)>> {
    if !headers.contains_key(header::AUTHORIZATION) {
        return Ok(None);
    }
    let decoded = || {
        let bytes = BASE64_STANDARD.decode(credentials(headers, "Basic")?).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (name, password) = text.split_once(':')?;
        Some((form_decoded(name), form_decoded(password)))
    };
    decoded().map(Some).ok_or_else(|| OauthCode::InvalidClient.into())
}

fn form_decoded(text: &str) -> String {
    // As a form's only name: no '&' or '=' is left in it that could end it.
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    url::form_urlencoded::parse(escaped.as_bytes())
        .next()
        .map(|(name, _)| name.into_owned())
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_credentials_are_form_decoded() {
        assert_eq!(form_decoded("a%20b+c"), "a b c");
        assert_eq!(form_decoded("a&b=c"), "a&b=c");
        assert_eq!(form_decoded(""), "");
    }
}
