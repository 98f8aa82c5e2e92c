//! Sockets that the server pushes to.

use futures_util::StreamExt as _;
use shared::code::PublicUrl;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use super::Server;

/// The client's end of a socket.
pub(crate) type Ws = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Server {
    /// A socket that a token opens.
    pub(crate) async fn socket(&self, path: &str, token: &str) -> Ws {
        open(&self.url, path, token).await
    }
}

/// A socket of the server at `url`, that a token opens.
pub(crate) async fn open(url: &PublicUrl, path: &str, token: &str) -> Ws {
    let mut request = url.join(path).replacen("http", "ws", 1).into_client_request().unwrap();
    request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
    tokio_tungstenite::connect_async(request).await.unwrap().0
}

/// The code that a socket is closed with, whatever comes before.
pub(crate) async fn close_code(socket: &mut Ws) -> Option<u16> {
    while let Some(Ok(message)) = socket.next().await {
        if let Message::Close(frame) = message {
            return frame.map(|frame| frame.code.into());
        }
    }
    None
}
