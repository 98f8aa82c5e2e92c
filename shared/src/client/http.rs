//! One request, one answer. Here, and only here, bytes become values or a [`ClientError`].

use std::error::Error;
use std::io::ErrorKind;
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER, WWW_AUTHENTICATE};
use reqwest::{Method, Request, RequestBuilder, Response, StatusCode};
use serde::de::DeserializeOwned;
use tokio_tungstenite::tungstenite::http;

use super::ClientError;
use super::prover::Prover;
use crate::code::PublicUrl;
use crate::dpop::SCHEME;
use crate::problem::{OTHER_ADDRESS, OauthCode, OauthError, Problem, ProblemCode};
use crate::words::Text;
use crate::{say, to_say};

/// How long a connection may take to come about, TLS included.
const CONNECT_WITHIN: Duration = Duration::from_secs(5);
/// How long an answer may take, beyond what the request itself asked to wait.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(15);
/// An idle connection is given up before the server closes it, which it does after ten seconds, or any usual
/// gateway does, so that no request is sent into one that is closing.
const IDLE_AT_MOST: Duration = Duration::from_secs(5);
/// The longest answer that is read. The longest of the contract, a full list of sessions, is far below.
const MAX_ANSWER_BYTES: usize = 1024 * 1024;

/// The way to one server.
#[derive(Clone, Debug)]
pub(super) struct Http {
    server: PublicUrl,
    inner: reqwest::Client,
    prover: Option<Arc<Prover>>,
}

impl Http {
    pub(super) fn new(server: PublicUrl, user_agent: &str) -> Result<Self, ClientError> {
        // Whoever comes first sets it, and all programs of this workspace set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(user_agent)
            .http1_only()
            .redirect(reqwest::redirect::Policy::none())
            .referer(false)
            .tcp_nodelay(true)
            .connect_timeout(CONNECT_WITHIN)
            .timeout(ANSWER_WITHIN)
            .pool_idle_timeout(IDLE_AT_MOST);
        if server.is_loopback() {
            builder = builder.no_proxy();
        }
        if !server.is_https() {
            // No certificate will be looked at, so a machine without a certificate store is fine.
            builder = builder.tls_certs_only([]);
        }
        let inner = builder.build().map_err(|error| {
            let cause = causes(&error).last().map_or_else(|| error.to_string(), ToString::to_string);
            ClientError::Unexpected(to_say!(no_set_up(&server, &cause)))
        })?;
        Ok(Self { server, inner, prover: None })
    }

    pub(super) fn server(&self) -> &PublicUrl {
        &self.server
    }

    pub(super) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.inner.request(method, self.server.join(path))
    }

    /// Sends a request and reads the whole answer.
    pub(super) async fn send(&self, request: RequestBuilder) -> Result<Answer<'_>, ClientError> {
        let response = self.open(request).await?;
        self.read(response).await
    }

    /// The same way, for whoever has this key.
    pub(super) fn proving(self, prover: Prover) -> Self {
        Self { prover: Some(Arc::new(prover)), ..self }
    }

    /// Whether each request proves a key.
    pub(super) fn proves(&self) -> bool {
        self.prover.is_some()
    }

    /// Shows a token that is worth nothing without the key, where there is one.
    pub(super) fn show(&self, request: RequestBuilder, token: &str) -> RequestBuilder {
        if !self.proves() {
            return request.bearer_auth(token);
        }
        // A token has no character that a header can't have.
        let Ok(mut line) = HeaderValue::try_from(format!("{SCHEME} {token}")) else { return request };
        line.set_sensitive(true);
        request.header(AUTHORIZATION, line)
    }

    /// Sends a request and reads the head of its answer. A proof that the server finds too old is made once
    /// more, with the server's own nonce.
    pub(super) async fn open(&self, request: RequestBuilder) -> Result<Response, ClientError> {
        let mut request = request.build().map_err(|error| self.unreachable(&error))?;
        let Some(prover) = &self.prover else { return self.execute(request).await };
        let again = request.try_clone();
        let had = prover.prove(&mut request);
        let response = self.execute(request).await?;
        let is_new = prover.learn(response.headers(), had.as_deref());
        let Some(mut again) = again.filter(|_| is_new) else { return Ok(response) };
        let (response, asks) = self.asks_for_nonce(response).await?;
        if !asks {
            return Ok(response);
        }
        let had = prover.prove(&mut again);
        let response = self.execute(again).await?;
        prover.learn(response.headers(), had.as_deref());
        Ok(response)
    }

    async fn execute(&self, request: Request) -> Result<Response, ClientError> {
        self.inner.execute(request).await.map_err(|error| self.unreachable(&error))
    }

    /// Whether an answer says that the proof lacks the server's nonce (RFC 9449 §8 and §9). Any other
    /// refusal has counted, so its request must not be repeated.
    async fn asks_for_nonce(&self, mut response: Response) -> Result<(Response, bool), ClientError> {
        let status = response.status();
        if !matches!(status, StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED) {
            return Ok((response, false));
        }
        if challenges_for_nonce(response.headers()) {
            return Ok((response, true));
        }
        if !is_json(response.headers()) {
            return Ok((response, false));
        }
        let headers = std::mem::take(response.headers_mut());
        let body = self.whole(response).await?;
        let asks = serde_json::from_slice(&body)
            .is_ok_and(|OauthError { error, .. }| error == OauthCode::UseDpopNonce);
        let mut whole = http::Response::new(body);
        *whole.status_mut() = status;
        *whole.headers_mut() = headers;
        Ok((whole.into(), asks))
    }

    /// Reads what follows the head.
    pub(super) async fn read(&self, response: Response) -> Result<Answer<'_>, ClientError> {
        Ok(Answer {
            http: self,
            status: response.status(),
            is_json: is_json(response.headers()),
            retry_after: retry_after_secs(response.headers()),
            body: self.whole(response).await?,
        })
    }

    async fn whole(&self, mut response: Response) -> Result<Vec<u8>, ClientError> {
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if body.len() + chunk.len() > MAX_ANSWER_BYTES {
                return Err(self.unexpected(&to_say!(endless())));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    /// The error for a request that got no answer.
    fn unreachable(&self, error: &reqwest::Error) -> ClientError {
        if error.is_builder() {
            return ClientError::Unexpected(to_say!(no_request(&self.server)));
        }
        ClientError::Unreachable(reason(error, &self.server))
    }

    /// The error for an answer outside the contract.
    pub(super) fn unexpected(&self, what: &Text) -> ClientError {
        ClientError::Unexpected(what.map(|lang, what| say!(lang, strange(&self.server, what))))
    }
}

/// An answer, whole.
pub(super) struct Answer<'a> {
    http: &'a Http,
    status: StatusCode,
    is_json: bool,
    retry_after: Option<u64>,
    body: Vec<u8>,
}

impl Answer<'_> {
    pub(super) fn is_not_modified(&self) -> bool {
        self.status == StatusCode::NOT_MODIFIED
    }

    /// The value that a successful answer holds.
    pub(super) fn json<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        if !self.status.is_success() {
            return Err(self.failure());
        }
        let value = self.is_json.then(|| serde_json::from_slice(&self.body).ok()).flatten();
        value.ok_or_else(|| self.strange())
    }

    /// That a call without a value has succeeded.
    pub(super) fn done(self) -> Result<(), ClientError> {
        match self.status {
            StatusCode::NO_CONTENT => Ok(()),
            // RFC 7009 §2.2: revocation answers 200. A page in the server's place has a body.
            StatusCode::OK if self.body.is_empty() || self.is_json => Ok(()),
            status if status.is_success() => Err(self.strange()),
            _ => Err(self.failure()),
        }
    }

    /// Why the server, or what stands in front of it, said no. Of its words only those are kept that this
    /// program knows: a text could hold escape sequences, or what was sent.
    pub(super) fn failure(&self) -> ClientError {
        if self.is_json {
            if let Ok(Problem { code, detail, retry_after, login_status, check_code, .. }) =
                serde_json::from_slice(&self.body)
            {
                let retry_after = retry_after.or(self.retry_after);
                let detail = detail.filter(|detail| detail == OTHER_ADDRESS);
                return ClientError::Problem(Problem {
                    detail,
                    retry_after,
                    login_status,
                    check_code,
                    ..code.into()
                });
            }
            if let Ok(OauthError { error, error_description, status, tries_left }) =
                serde_json::from_slice(&self.body)
            {
                let mut error = OauthError { status, tries_left, ..error.into() };
                if error_description.as_deref() == Some(OTHER_ADDRESS) {
                    error.error_description = error_description;
                }
                return ClientError::Oauth { error, retry_after: self.retry_after };
            }
        }
        let by_gateway = |code: ProblemCode| {
            ClientError::Problem(Problem { retry_after: self.retry_after, ..code.into() })
        };
        match self.status {
            status @ (StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT) => {
                ClientError::Unreachable(to_say!(by_gateway(&self.http.server, status)))
            }
            StatusCode::SERVICE_UNAVAILABLE => by_gateway(ProblemCode::Unavailable),
            StatusCode::TOO_MANY_REQUESTS => by_gateway(ProblemCode::RateLimited),
            _ => self.strange(),
        }
    }

    fn strange(&self) -> ClientError {
        let status = self.status.as_u16();
        let what = if self.is_json { to_say!(other_json(status)) } else { to_say!(no_json(status)) };
        self.http.unexpected(&what)
    }
}

/// `application/json`, `application/problem+json`, whatever follows.
fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// `WWW-Authenticate: DPoP error="use_dpop_nonce"`, whatever else is in it.
fn challenges_for_nonce(headers: &HeaderMap) -> bool {
    let wanted = format!("error=\"{}\"", OauthCode::UseDpopNonce.as_str());
    let challenges = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|value| value.to_str().ok());
    challenges
        .filter_map(|challenge| challenge.split_at_checked(SCHEME.len()))
        .any(|(scheme, rest)| scheme.eq_ignore_ascii_case(SCHEME) && rest.contains(&wanted))
}

/// Only the form in seconds: the form with a date would depend on this machine's clock.
fn retry_after_secs(headers: &HeaderMap) -> Option<u64> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()
}

/// Why there was no answer, and what to look at. The causes of an error hold addresses and libraries' words;
/// of these only the kind is kept.
fn reason(error: &reqwest::Error, server: &PublicUrl) -> Text {
    if error.is_dns() {
        return to_say!(no_such_host(server));
    }
    for cause in causes(error) {
        match cause.downcast_ref::<rustls::Error>() {
            None => {}
            Some(rustls::Error::InvalidCertificate(_)) => return to_say!(not_trusted(server)),
            Some(rustls::Error::InvalidMessage(_)) => return to_say!(no_tls(server)),
            Some(_) => return to_say!(not_secure(server)),
        }
        match cause.downcast_ref::<std::io::Error>().map(std::io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => return to_say!(refused(server)),
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::UnexpectedEof) => {
                return to_say!(broke_off(server));
            }
            Some(ErrorKind::NetworkUnreachable | ErrorKind::HostUnreachable) => {
                return to_say!(no_way(server));
            }
            _ => {}
        }
    }
    if error.is_timeout() {
        to_say!(no_answer(server))
    } else if error.is_connect() {
        to_say!(no_connection(server))
    } else {
        to_say!(broke_off(server))
    }
}

/// The causes of an error, from the outermost. An I/O error shows as its source not what it wraps, but
/// what is below that.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| match cause.downcast_ref::<std::io::Error>() {
        Some(io) => io.get_ref().map(|inner| inner as &(dyn Error + 'static)),
        None => cause.source(),
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn plain_http_where_tls_should_be_is_told_as_such() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = PublicUrl::parse(&format!("https://{}", listener.local_addr().unwrap())).unwrap();
        let plain = tokio::spawn(async move {
            let (mut connection, _) = listener.accept().await.unwrap();
            connection.read_u8().await.unwrap();
            connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            connection.flush().await.unwrap();
            let _ = connection.read_to_end(&mut Vec::new()).await;
        });
        let _ = rustls::crypto::ring::default_provider().install_default();
        // No certificates, so that the test needs none on the machine.
        let inner = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let http = Http { server, inner, prover: None };
        let error = http.open(http.request(Method::GET, "/v1/login")).await.unwrap_err();
        assert!(
            error.to_string().ends_with("(it does not speak TLS); is it http instead of https?"),
            "{error}"
        );
        plain.await.unwrap();
    }
}
