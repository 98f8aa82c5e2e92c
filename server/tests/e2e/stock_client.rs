//! A client that nobody here wrote, unchanged: the device flow of the `oauth2` crate.

use std::sync::Mutex;
use std::time::Duration;

use oauth2::basic::{BasicClient, BasicTokenResponse};

use crate::support::Server;
use oauth2::{
    AuthType, ClientId, DeviceAuthorizationUrl, DeviceCodeErrorResponseType, EndpointNotSet, EndpointSet,
    HttpRequest, HttpResponse, RefreshToken, RequestTokenError, Scope, StandardDeviceAuthorizationResponse,
    TokenResponse as _, TokenUrl,
};
use serde_json::json;

type StockClient =
    oauth2::basic::BasicClient<EndpointNotSet, EndpointSet, EndpointNotSet, EndpointNotSet, EndpointSet>;
type Polled = Result<
    BasicTokenResponse,
    RequestTokenError<reqwest::Error, oauth2::StandardErrorResponse<DeviceCodeErrorResponseType>>,
>;

/// How the crate is given its HTTP client: it builds and reads everything itself.
async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let request = http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    let response = request.send().await?;
    let mut answer = http::Response::builder().status(response.status());
    *answer.headers_mut().unwrap() = response.headers().clone();
    Ok(answer.body(response.bytes().await?.to_vec()).unwrap())
}

struct Stock {
    server: Server,
    client: StockClient,
    phone: String,
    details: StandardDeviceAuthorizationResponse,
}

impl Stock {
    async fn start(auth: AuthType) -> Self {
        let server = Server::start().await;
        let client = BasicClient::new(ClientId::new("a stock client".to_owned()))
            .set_auth_type(auth)
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new(server.url.join("/oauth/device_authorization")).unwrap(),
            )
            .set_token_uri(TokenUrl::new(server.url.join("/oauth/token")).unwrap());
        let http = server.http.clone();
        let sender = move |request| send(http.clone(), request);
        let request = client.exchange_device_code().add_scope(Scope::new("files".to_owned()));
        let details: StandardDeviceAuthorizationResponse = request.request_async(&sender).await.unwrap();
        let phone = server.phone_token("alice").await;
        Self { server, client, phone, details }
    }

    async fn scan(&self) -> String {
        let url = self.details.verification_uri_complete().unwrap().secret();
        let body = json!({"scan_code": self.server.url.scan_code_in(url).unwrap()});
        let (_, answer) = self.server.call(reqwest::Method::POST, "/v1/scans", &self.phone, body).await;
        answer["confirm_token"].as_str().unwrap().to_owned()
    }

    async fn decide(&self, what: &str) {
        let body = json!({"confirm_token": self.scan().await});
        let path = format!("/v1/scans/{what}");
        let (status, answer) = self.server.call(reqwest::Method::POST, &path, &self.phone, body).await;
        assert_eq!(status, 200, "{answer}");
    }

    /// Polls as the crate does; each of its sleeps is handed to `sleep` with its number.
    async fn poll(&self, sleep: impl AsyncFn(u32, Duration)) -> (Polled, Vec<Duration>) {
        let http = self.server.http.clone();
        let sender = move |request| send(http.clone(), request);
        let slept = Mutex::new(Vec::new());
        let sleep = |wait| {
            let n = {
                let mut slept = slept.lock().unwrap();
                slept.push(wait);
                u32::try_from(slept.len()).unwrap()
            };
            sleep(n, wait)
        };
        let polled =
            self.client.exchange_device_access_token(&self.details).request_async(&sender, sleep, None).await;
        let slept = slept.lock().unwrap().clone();
        (polled, slept)
    }
}

#[tokio::test]
async fn it_waits_is_logged_in_and_refreshes() {
    for auth in [AuthType::RequestBody, AuthType::BasicAuth] {
        let stock = Stock::start(auth).await;
        let (polled, slept) = stock
            .poll(async |n, wait| {
                stock.server.clock.advance(wait);
                if n == 3 {
                    stock.decide("confirm").await;
                }
            })
            .await;
        let tokens = polled.unwrap();
        assert_eq!(slept, [Duration::from_secs(2); 3]);
        assert_eq!(tokens.scopes().unwrap()[0].as_str(), "files");
        let me =
            stock.server.request(reqwest::Method::GET, "/v1/me").bearer_auth(tokens.access_token().secret());
        assert_eq!(me.send().await.unwrap().json::<serde_json::Value>().await.unwrap()["username"], "alice");

        let refresh = RefreshToken::new(tokens.refresh_token().unwrap().secret().clone());
        let http = stock.server.http.clone();
        let sender = move |request| send(http.clone(), request);
        let fresh = stock.client.exchange_refresh_token(&refresh).request_async(&sender).await.unwrap();
        assert_ne!(fresh.access_token().secret(), tokens.access_token().secret());
    }
}

#[tokio::test]
async fn it_slows_down_when_told() {
    let stock = Stock::start(AuthType::RequestBody).await;
    let (polled, slept) = stock
        .poll(async |n, wait| match n {
            // A clock that stands still: to the server, the client is too fast.
            1 | 2 => {}
            3 => stock.server.clock.advance(wait),
            _ => {
                stock.server.clock.advance(wait);
                stock.decide("confirm").await;
            }
        })
        .await;
    assert!(polled.is_ok());
    let secs: Vec<u64> = slept.iter().map(Duration::as_secs).collect();
    assert_eq!(secs, [2, 7, 12, 12]);
}

#[tokio::test]
async fn it_is_told_of_a_denial() {
    let stock = Stock::start(AuthType::RequestBody).await;
    let (polled, _) = stock.poll(async |_, _| stock.decide("deny").await).await;
    let Err(RequestTokenError::ServerResponse(error)) = polled else { panic!("{polled:?}") };
    assert_eq!(*error.error(), DeviceCodeErrorResponseType::AccessDenied);
}

#[tokio::test]
async fn it_is_told_of_the_expiry() {
    let stock = Stock::start(AuthType::RequestBody).await;
    let (polled, _) = stock.poll(async |_, _| stock.server.advance_secs(120)).await;
    let Err(RequestTokenError::ServerResponse(error)) = polled else { panic!("{polled:?}") };
    assert_eq!(*error.error(), DeviceCodeErrorResponseType::ExpiredToken);
}
