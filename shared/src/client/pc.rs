//! The PC plane: OAuth 2.0 Device Authorization Grant, and what a logged-in PC may call.

use reqwest::Method;

use super::{Client, ClientError, Feed, TransportChoice};
use crate::api::{
    CheckCode, DeviceAuthorization, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN, Me, Snapshot, Status, TokenAnswer,
};
use crate::dpop::SCHEME;
use crate::name::Username;
use crate::problem::OauthCode;
use crate::secret::{DeviceCode, PcToken, RefreshToken, Token};
use crate::to_say;

/// What a PC asks for when it asks for a login.
#[derive(Clone, Debug, Default)]
pub struct IssueRequest {
    /// The OAuth client. The same one must redeem.
    pub client_id: String,
    /// The OAuth scope.
    pub scope: Option<String>,
    /// The PC's name, as the phone will show it.
    pub device_name: Option<String>,
    /// The PC's operating system.
    pub device_os: Option<String>,
    /// The program that asks.
    pub device_app: Option<String>,
    /// Only this user may scan.
    pub login_hint: Option<Username>,
    /// Whether the PC can ask its person for the digits that the phone shows.
    pub check_code: bool,
}

/// What a redeem came to.
#[derive(Clone, Debug)]
pub enum Redeemed {
    /// The PC is logged in.
    Tokens(TokenAnswer),
    /// No tokens yet.
    Pending {
        /// Where the login stands, if the server says so.
        status: Option<Status>,
        /// For a confirmed login: that the digits that the phone shows are missing or wrong, and how many
        /// wrong ones are left until the login is denied.
        tries_left: Option<u8>,
    },
    /// Too soon: wait five seconds longer between polls.
    SlowDown,
}

/// What a server gave for a grant.
enum Given {
    /// Tokens that nobody else can use, as far as this client can see to it.
    Ours(TokenAnswer),
    /// Tokens that whoever copies them can use, although a key was proved. They are given back.
    Anybodys,
}

impl Client {
    /// Asks for a login.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn issue(&self, request: &IssueRequest) -> Result<DeviceAuthorization, ClientError> {
        let fields = [
            ("client_id", Some(request.client_id.as_str())),
            ("scope", request.scope.as_deref()),
            ("device_name", request.device_name.as_deref()),
            ("device_os", request.device_os.as_deref()),
            ("device_app", request.device_app.as_deref()),
            ("login_hint", request.login_hint.as_ref().map(Username::as_str)),
            ("check_code", request.check_code.then_some("1")),
        ];
        let form: Vec<_> = fields.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
        let request = self.http.request(Method::POST, "/oauth/device_authorization").form(&form);
        self.http.send(request).await?.json()
    }

    /// Asks for the tokens of a confirmed login, with the digits that its phone shows where they are asked
    /// for. When the answer is lost it may be repeated within 30 s.
    ///
    /// # Errors
    /// As the server says (`access_denied`, `expired_token`, `invalid_grant` end the login), or because
    /// it can't be reached.
    pub async fn redeem(
        &self,
        client_id: &str,
        device_code: &Token<DeviceCode>,
        check_code: Option<CheckCode>,
    ) -> Result<Redeemed, ClientError> {
        let digits = check_code.map(|code| code.digits());
        let mut form = vec![
            ("grant_type", GRANT_DEVICE_CODE),
            ("client_id", client_id),
            ("device_code", device_code.expose()),
        ];
        form.extend(digits.as_deref().map(|digits| ("check_code", digits)));
        match self.token(client_id, &form).await {
            Ok(Given::Ours(tokens)) => Ok(Redeemed::Tokens(tokens)),
            Ok(Given::Anybodys) => Err(self.http.unexpected(&to_say!(unbound_tokens()))),
            Err(ClientError::Oauth { error, .. }) if error.error == OauthCode::AuthorizationPending => {
                Ok(Redeemed::Pending { status: error.status, tries_left: error.tries_left })
            }
            Err(error) if error.oauth() == Some(OauthCode::SlowDown) => Ok(Redeemed::SlowDown),
            Err(error) => Err(error),
        }
    }

    /// Buys new tokens. The refresh token is used up by it; a second use ends the session. So does a session
    /// that is not bound to this client's key, where it has one: such a session stays without for ever.
    ///
    /// # Errors
    /// As the server says (`invalid_grant`: the session is over), or because it can't be reached.
    pub async fn refresh(
        &self,
        client_id: &str,
        refresh_token: &Token<RefreshToken>,
    ) -> Result<TokenAnswer, ClientError> {
        let form = [
            ("grant_type", GRANT_REFRESH_TOKEN),
            ("client_id", client_id),
            ("refresh_token", refresh_token.expose()),
        ];
        match self.token(client_id, &form).await? {
            Given::Ours(tokens) => Ok(tokens),
            // It was given back, and so it is what the server will say of it from now on.
            Given::Anybodys => {
                Err(ClientError::Oauth { error: OauthCode::InvalidGrant.into(), retry_after: None })
            }
        }
    }

    async fn token(&self, client_id: &str, form: &[(&str, &str)]) -> Result<Given, ClientError> {
        let request = self.http.request(Method::POST, "/oauth/token").form(form);
        let tokens: TokenAnswer = self.http.send(request).await?.json()?;
        // Who had stripped the proofs on their way could use these tokens. Whether or not the server hears
        // that they are given back, they are used no further.
        if self.http.proves() && !tokens.token_type.eq_ignore_ascii_case(SCHEME) {
            _ = self.revoke(client_id, tokens.refresh_token.expose()).await;
            return Ok(Given::Anybodys);
        }
        Ok(Given::Ours(tokens))
    }

    /// Ends the session that an access or refresh token belongs to. An unknown token is fine (RFC 7009).
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn revoke(&self, client_id: &str, token: &str) -> Result<(), ClientError> {
        let form = [("client_id", client_id), ("token", token)];
        let request = self.http.request(Method::POST, "/oauth/revoke").form(&form);
        self.http.send(request).await?.done()
    }

    /// Where the login stands, now.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn snapshot(&self, device_code: &Token<DeviceCode>) -> Result<Snapshot, ClientError> {
        let request = self.http.show(self.http.request(Method::GET, "/v1/login"), device_code.expose());
        self.http.send(request).await?.json()
    }

    /// Gives the login up. Fine in any state.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn cancel(&self, device_code: &Token<DeviceCode>) -> Result<(), ClientError> {
        let request = self.http.show(self.http.request(Method::DELETE, "/v1/login"), device_code.expose());
        self.http.send(request).await?.done()
    }

    /// The login's status feed. Nothing is sent before the first [`Feed::next`].
    #[must_use]
    pub fn follow(&self, device_code: Token<DeviceCode>, transport: TransportChoice) -> Feed {
        Feed::new(self.http.clone(), self.pace, device_code, transport)
    }

    /// Who the PC is logged in as.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn me(&self, token: &Token<PcToken>) -> Result<Me, ClientError> {
        let request = self.http.show(self.http.request(Method::GET, "/v1/me"), token.expose());
        self.http.send(request).await?.json()
    }
}
