//! A PC that proves a key, and the calls that need the proof.

use reqwest::{Method, Response, StatusCode};
use serde_json::Value;
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};
use shared::dpop::Key;
use shared::random::OsRandom;

use crate::scene::{decide, text};
use crate::support::Server;

pub(crate) const TOKEN: &str = "/oauth/token";
pub(crate) const ISSUE: &str = "/oauth/device_authorization";
pub(crate) const LOGIN: &str = "/v1/login";

/// Somebody with a key, at a server.
pub(crate) struct Holder<'a> {
    pub(crate) server: &'a Server,
    pub(crate) key: Key,
}

impl<'a> Holder<'a> {
    pub(crate) fn new(server: &'a Server) -> Self {
        Self { server, key: Key::generate(&OsRandom) }
    }

    pub(crate) fn proof(
        &self,
        method: &Method,
        path: &str,
        token: Option<&str>,
        nonce: Option<&str>,
    ) -> String {
        let (url, now) = (self.server.url.join(path), self.server.clock.now());
        self.key.prove((method.as_str(), &url), token, nonce, now, &OsRandom)
    }

    pub(crate) async fn form(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        send_form(self.server, path, fields, Some(&self.proof(&Method::POST, path, None, None))).await
    }

    pub(crate) async fn issue(&self) -> DeviceAuthorization {
        let (status, issued) = self.form(ISSUE, &[("client_id", "tests"), ("device_name", "desk")]).await;
        assert_eq!(status, StatusCode::OK, "{issued}");
        serde_json::from_value(issued).unwrap()
    }

    pub(crate) async fn redeem(&self, issued: &DeviceAuthorization) -> (StatusCode, Value) {
        self.form(TOKEN, &redeem_fields(issued)).await
    }

    pub(crate) async fn refresh(&self, token: &str) -> (StatusCode, Value) {
        self.form(TOKEN, &refresh_fields(token)).await
    }

    pub(crate) async fn call(&self, method: Method, path: &str, token: &str) -> Response {
        let proof = self.proof(&method, path, Some(token), None);
        show(self.server, method, path, &format!("DPoP {token}"), Some(&proof)).await
    }

    /// A whole login of this PC for a phone; answers its tokens.
    pub(crate) async fn log_in(&self, phone: &str) -> (DeviceAuthorization, Value) {
        let issued = self.issue().await;
        confirm(self.server, phone, &issued).await;
        let (status, tokens) = self.redeem(&issued).await;
        assert_eq!((status, text(&tokens, "token_type")), (StatusCode::OK, "DPoP"), "{tokens}");
        (issued, tokens)
    }
}

pub(crate) fn redeem_fields(issued: &DeviceAuthorization) -> [(&str, &str); 3] {
    [("grant_type", GRANT_DEVICE_CODE), ("device_code", issued.device_code.expose()), ("client_id", "tests")]
}

pub(crate) fn refresh_fields(token: &str) -> [(&str, &str); 3] {
    [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", token), ("client_id", "tests")]
}

pub(crate) fn revoke_fields(token: &str) -> [(&str, &str); 2] {
    [("token", token), ("client_id", "tests")]
}

pub(crate) async fn send_form(
    server: &Server,
    path: &str,
    fields: &[(&str, &str)],
    proof: Option<&str>,
) -> (StatusCode, Value) {
    let mut request = server.request(Method::POST, path).form(fields);
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    let response = request.send().await.unwrap();
    // A revocation has nothing to say.
    (response.status(), response.json().await.unwrap_or_default())
}

pub(crate) async fn show(
    server: &Server,
    method: Method,
    path: &str,
    shown: &str,
    proof: Option<&str>,
) -> Response {
    let mut request = server.request(method, path).header("authorization", shown);
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    request.send().await.unwrap()
}

pub(crate) async fn confirm(server: &Server, phone: &str, issued: &DeviceAuthorization) {
    let confirm_token = server.scan(phone, issued).await;
    assert_eq!(decide(server, "confirm", phone, &confirm_token).await.0, 200);
}
