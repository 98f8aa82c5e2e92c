//! The phone plane: what a phone does without a session, and with one.

use std::time::Duration;

use reqwest::header::HeaderName;
use reqwest::{Method, RequestBuilder};

use super::http::{ANSWER_WITHIN, Http};
use super::{Client, ClientError, NotificationFeed};
use crate::api::{
    AccountMade, ConfirmRequest, Decided, DenyRequest, MAX_WAIT_SECS, Me, Notifications, PasswordChange,
    PhoneLoggedIn, PhoneLogin, Registration, ScanRequest, Scanned, Sessions, Unread,
};
use crate::id::SessionId;
use crate::secret::{ConfirmToken, PhoneToken, Token};

/// `Prefer: wait=25` (RFC 7240).
const PREFER: HeaderName = HeaderName::from_static("prefer");

impl Client {
    /// Makes an account, where the server allows it.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn register(&self, body: &Registration) -> Result<AccountMade, ClientError> {
        self.http.send(self.http.request(Method::POST, "/v1/accounts").json(body)).await?.json()
    }

    /// Logs a phone in.
    ///
    /// # Errors
    /// As the server says (`unauthenticated` for a wrong name or password), or because it can't be reached.
    pub async fn log_in(&self, body: &PhoneLogin) -> Result<PhoneLoggedIn, ClientError> {
        self.http.send(self.http.request(Method::POST, "/v1/phones").json(body)).await?.json()
    }

    /// What a phone with this session may do.
    #[must_use]
    pub fn phone(&self, token: Token<PhoneToken>) -> Phone {
        Phone { client: self.clone(), token }
    }
}

/// A phone with a session. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Phone {
    client: Client,
    token: Token<PhoneToken>,
}

impl Phone {
    /// Ends this session, and the PC sessions that it granted.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn log_out(&self) -> Result<(), ClientError> {
        self.http().send(self.request(Method::DELETE, "/v1/phones/current")).await?.done()
    }

    /// Scans a code: who asks to be logged in, and the token to decide with.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn scan(&self, body: &ScanRequest) -> Result<Scanned, ClientError> {
        self.http().send(self.request(Method::POST, "/v1/scans").json(body)).await?.json()
    }

    /// Lets the PC in.
    ///
    /// # Errors
    /// As the server says (`confirm_token_used`, with the login's status, when an earlier answer was lost),
    /// or because it can't be reached.
    pub async fn confirm(&self, token: &Token<ConfirmToken>) -> Result<Decided, ClientError> {
        let body = ConfirmRequest { confirm_token: Unread::new(token.expose().to_owned()) };
        self.http().send(self.request(Method::POST, "/v1/scans/confirm").json(&body)).await?.json()
    }

    /// Keeps the PC out, and with `report` says that it was an attack.
    ///
    /// # Errors
    /// As [`confirm`](Self::confirm).
    pub async fn deny(&self, token: &Token<ConfirmToken>, report: bool) -> Result<Decided, ClientError> {
        let body = DenyRequest {
            confirm_token: Unread::new(token.expose().to_owned()),
            report: report.then_some(true),
        };
        self.http().send(self.request(Method::POST, "/v1/scans/deny").json(&body)).await?.json()
    }

    /// The account's phones and PCs.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn sessions(&self) -> Result<Sessions, ClientError> {
        self.http().send(self.request(Method::GET, "/v1/sessions")).await?.json()
    }

    /// Ends one of them.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn end_session(&self, id: SessionId) -> Result<(), ClientError> {
        self.http().send(self.request(Method::DELETE, &format!("/v1/sessions/{id}"))).await?.done()
    }

    /// Ends all but this one.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn end_other_sessions(&self) -> Result<(), ClientError> {
        self.http().send(self.request(Method::DELETE, "/v1/sessions?others=true")).await?.done()
    }

    /// What happened after the notification `after` (0: from the beginning), oldest first, 100 at a time.
    /// With `wait`, an empty list comes only when nothing has happened for that long (55 s at most).
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn notifications(
        &self,
        after: u64,
        wait: Option<Duration>,
    ) -> Result<Notifications, ClientError> {
        let request = self.request(Method::GET, &format!("/v1/notifications?after={after}"));
        let request = match wait {
            Some(wait) => prefer_wait(request, wait),
            None => request,
        };
        let answer = self.http().send(request).await?;
        if answer.is_not_modified() { Ok(Notifications { notifications: Vec::new() }) } else { answer.json() }
    }

    /// What happens from now on, and what happened after the notification `after` before that.
    /// Nothing is sent before the first [`NotificationFeed::next`].
    #[must_use]
    pub fn follow_notifications(&self, after: u64) -> NotificationFeed {
        NotificationFeed::new(&self.client, self.token.clone(), after)
    }

    /// Changes the password. Every other session of the account ends.
    ///
    /// # Errors
    /// As the server says (`unauthenticated` when the old one is wrong), or because it can't be reached.
    pub async fn change_password(&self, body: &PasswordChange) -> Result<(), ClientError> {
        self.http().send(self.request(Method::PUT, "/v1/account/password").json(body)).await?.done()
    }

    /// Who this phone is logged in as.
    ///
    /// # Errors
    /// As the server says, or because it can't be reached.
    pub async fn me(&self) -> Result<Me, ClientError> {
        self.http().send(self.request(Method::GET, "/v1/me")).await?.json()
    }

    fn http(&self) -> &Http {
        &self.client.http
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http().request(method, path).bearer_auth(self.token.expose())
    }
}

/// Asks the server to answer when there is something new, `wait` long at most, and waits for it.
pub(super) fn prefer_wait(request: RequestBuilder, wait: Duration) -> RequestBuilder {
    let wait_secs = wait.as_secs().min(MAX_WAIT_SECS);
    request
        .header(PREFER, format!("wait={wait_secs}"))
        .timeout(Duration::from_secs(wait_secs) + ANSWER_WITHIN)
}
