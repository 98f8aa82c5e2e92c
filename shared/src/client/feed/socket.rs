//! One WebSocket, on the HTTP client's own connection, so that TLS, time limits and proxies are set up in
//! one place.

use std::time::Duration;

use data_encoding::BASE64;
use futures_util::StreamExt;
use reqwest::header::{
    CONNECTION, HeaderValue, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use reqwest::{RequestBuilder, Response, StatusCode, Upgraded};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};

use super::course::{Loss, Pace};
use crate::api::close;
use crate::client::ClientError;
use crate::client::http::Http;
use crate::problem::ProblemCode;
use crate::random::{self, Random};
use crate::to_say;

/// The longest frame or message. The longest of the contract, one notification, is below 1 KiB.
const MAX_MESSAGE_BYTES: usize = 64 * 1024;

/// An open WebSocket, from the client's side.
pub(super) struct Socket {
    stream: WebSocketStream<Upgraded>,
    opened_at: Instant,
    /// How many messages have come, pings included.
    heard: u32,
}

impl Socket {
    /// Opens the socket that `request` asks for.
    pub(super) async fn open(
        http: &Http,
        request: RequestBuilder,
        pace: &Pace,
        random: &dyn Random,
    ) -> Result<Self, Loss> {
        let key = BASE64.encode(&random::bytes::<16>(random));
        let request = request
            .header(CONNECTION, "Upgrade")
            .header(UPGRADE, "websocket")
            .header(SEC_WEBSOCKET_VERSION, "13")
            .header(SEC_WEBSOCKET_KEY, &key)
            .timeout(pace.greeting);
        let response = http.open(request).await.map_err(Loss::Cut)?;
        if response.status() != StatusCode::SWITCHING_PROTOCOLS {
            return Err(refusal(http, response).await);
        }
        let accepted = response.headers().get(SEC_WEBSOCKET_ACCEPT).map(HeaderValue::as_bytes);
        if accepted != Some(derive_accept_key(key.as_bytes()).as_bytes()) {
            return Err(Loss::Refused(http.unexpected(&to_say!(uninvited_socket()))));
        }
        let connection = response.upgrade().await.map_err(|_| Loss::Cut(broke_off(http)))?;
        let config = WebSocketConfig::default()
            .read_buffer_size(4 * 1024)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_MESSAGE_BYTES))
            .max_frame_size(Some(MAX_MESSAGE_BYTES));
        let stream = WebSocketStream::from_raw_socket(connection, Role::Client, Some(config)).await;
        Ok(Self { stream, opened_at: Instant::now(), heard: 0 })
    }

    /// How long it has been open.
    pub(super) fn lived(&self) -> Duration {
        self.opened_at.elapsed()
    }

    /// The next text frame; `None` for a ping or pong, which only shows that the other side lives. Pings
    /// are answered underneath.
    pub(super) async fn next(
        &mut self,
        http: &Http,
        pace: &Pace,
        greets: bool,
    ) -> Result<Option<String>, Loss> {
        let patience = if greets && self.heard == 0 { pace.greeting } else { pace.silence };
        let Ok(message) = timeout(patience, self.stream.next()).await else {
            let error = ClientError::Unreachable(to_say!(went_silent(http.server())));
            // A network that opens a socket, and then holds back what comes on it, does not carry sockets.
            let held_back = self.heard <= u32::from(greets);
            return Err(if held_back { Loss::Refused(error) } else { Loss::Cut(error) });
        };
        self.heard += 1;
        match message {
            Some(Ok(Message::Text(text))) => Ok(Some(text.as_str().to_owned())),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Ok(Message::Binary(_))) => Err(Loss::Cut(http.unexpected(&to_say!(binary_frame())))),
            Some(Ok(Message::Close(frame))) => Err(closed(http, frame.map(|frame| frame.code.into()))),
            Some(Err(_)) | None => Err(Loss::Cut(broke_off(http))),
        }
    }
}

/// What an answer other than 101 says. Only the server itself can say for good that the credential is no
/// good; any other answer may be the network's.
async fn refusal(http: &Http, response: Response) -> Loss {
    let status = response.status();
    let error = match http.read(response).await {
        Ok(answer) => answer.failure(),
        Err(error) => return Loss::Cut(error),
    };
    let by_server = error.problem().is_some();
    match status.as_u16() {
        401 | 403 if by_server => Loss::Gone(error),
        429 | 502..=504 => Loss::Cut(error),
        _ => Loss::Refused(error),
    }
}

/// What a close frame says.
fn closed(http: &Http, code: Option<u16>) -> Loss {
    match code {
        Some(close::RESTARTING) => Loss::Restart,
        Some(close::BAD_FRAME) => Loss::Gone(ProblemCode::BadRequest.into()),
        Some(close::SESSION_ENDED) => Loss::Gone(ProblemCode::Unauthenticated.into()),
        Some(close::REPLACED) => Loss::Gone(ClientError::Unexpected(to_say!(taken_over()))),
        _ => Loss::Cut(broke_off(http)),
    }
}

fn broke_off(http: &Http) -> ClientError {
    ClientError::Unreachable(to_say!(broke_off(http.server())))
}
