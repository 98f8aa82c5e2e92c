//! What most attacks need: somebody's login, half done, and short words for calls.

use axum::http::HeaderMap;
use bytes::Bytes;
use reqwest::{Method, RequestBuilder, StatusCode, header};
use serde_json::{Value, json};
use shared::api::{DeviceAuthorization, GRANT_REFRESH_TOKEN};

use crate::Backend;
use crate::support::Server;

/// A login that alice's phone has scanned.
pub(crate) struct Scene {
    pub(crate) server: Server,
    pub(crate) issued: DeviceAuthorization,
    pub(crate) phone: String,
    pub(crate) confirm_token: String,
}

impl Scene {
    pub(crate) async fn set(on: Backend) -> Self {
        let server = on.server().await;
        let phone = server.phone_token("alice").await;
        let issued = server.issue().await;
        let confirm_token = server.scan(&phone, &issued).await;
        Self { server, issued, phone, confirm_token }
    }

    /// A decision by some phone: its HTTP status, and the problem's code if it is one.
    pub(crate) async fn decide(&self, what: &str, phone: &str) -> (u16, String) {
        decide(&self.server, what, phone, &self.confirm_token).await
    }

    pub(crate) async fn status(&self) -> (String, u64) {
        status(&self.server, &self.issued).await
    }
}

/// A decision about a scan: its HTTP status, and the problem's code if it is one.
pub(crate) async fn decide(server: &Server, what: &str, phone: &str, confirm_token: &str) -> (u16, String) {
    let body = json!({"confirm_token": confirm_token});
    said(server.call(Method::POST, &format!("/v1/scans/{what}"), phone, body).await)
}

/// An answer's status, and its problem's code or its error, if it is one.
pub(crate) fn said((status, body): (StatusCode, Value)) -> (u16, String) {
    let code = body["code"].as_str().or(body["error"].as_str()).unwrap_or("-");
    (status.as_u16(), code.to_owned())
}

/// Where a login stands, as its PC sees it.
pub(crate) async fn status(server: &Server, issued: &DeviceAuthorization) -> (String, u64) {
    let snapshot = server.client().snapshot(&issued.device_code).await.unwrap();
    (snapshot.status.as_str().to_owned(), snapshot.version)
}

/// A refresh, with its HTTP status and body.
pub(crate) async fn refresh(server: &Server, token: &str) -> (StatusCode, Value) {
    let fields = [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", token), ("client_id", "tests")];
    let response = server.form("/oauth/token", &fields).await;
    (response.status(), response.json().await.unwrap())
}

/// Whether a phone's or a PC's token is good.
pub(crate) async fn is_good(server: &Server, token: &str) -> bool {
    match server.call(Method::GET, "/v1/me", token, Value::Null).await.0 {
        StatusCode::OK => true,
        StatusCode::UNAUTHORIZED => false,
        status => panic!("{status}"),
    }
}

/// A member of a JSON answer that is a text.
pub(crate) fn text<'a>(answer: &'a Value, member: &str) -> &'a str {
    answer[member].as_str().unwrap_or_else(|| panic!("no {member} in {answer}"))
}

/// Another phone or PC of this account ends everything but itself.
pub(crate) async fn end_others(server: &Server, phone: &str) {
    let ended = server.call(Method::DELETE, "/v1/sessions?others=true", phone, Value::Null).await;
    assert_eq!(ended.0, StatusCode::NO_CONTENT);
}

/// A password change, with its HTTP status.
pub(crate) async fn change_password(server: &Server, phone: &str, old: &str, new: &str) -> StatusCode {
    let body = json!({"old": old, "new": new});
    server.call(Method::PUT, "/v1/account/password", phone, body).await.0
}

/// All of an answer that an attacker could tell from another: status, headers but the time, body.
#[derive(Debug, PartialEq)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// Sends a request and keeps all of its answer.
pub(crate) async fn seen(request: RequestBuilder) -> Seen {
    let response = request.send().await.unwrap();
    let (status, mut headers) = (response.status(), response.headers().clone());
    headers.remove(header::DATE);
    Seen { status, headers, body: response.bytes().await.unwrap() }
}
