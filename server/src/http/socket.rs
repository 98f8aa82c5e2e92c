//! What both sockets have in common: pings, close codes, and small buffers, since most of them only wait.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::response::Response;
use http::{HeaderMap, header};
use shared::api::close;
use shared::code::PublicUrl;
use shared::problem::ProblemCode;

use super::caller::Peer;
use super::failure::Answer;
use crate::clock::Clock;

/// How often a waiting socket is pinged.
const PING_EVERY: Duration = Duration::from_secs(20);
/// How many pings may go unanswered before the other end counts as gone.
const PINGS_UNANSWERED: u32 = 2;
/// How long a frame may take to be sent; a peer that reads more slowly is let go.
const SEND_WITHIN: Duration = Duration::from_secs(10);
/// Clients send nothing but pongs and a close.
const MAX_FRAME: usize = 512;

/// Refuses a browser page of another site, which could otherwise speak in its visitor's name.
pub(super) fn check_origin(headers: &HeaderMap, own: &PublicUrl) -> Answer<()> {
    match headers.get(header::ORIGIN) {
        Some(origin) if !origin.as_bytes().eq_ignore_ascii_case(own.as_str().as_bytes()) => {
            Err(ProblemCode::RefusedByPolicy.into())
        }
        _ => Ok(()),
    }
}

/// Upgrades a request. With the default buffers each socket would cost 136 KB; so it costs 3.
/// It keeps its connection's place for as long as it is open.
pub(super) fn accept<F, Fut>(upgrade: WebSocketUpgrade, peer: Peer, serve: F) -> Response
where
    F: FnOnce(WebSocket) -> Fut + Send + 'static,
    Fut: Future<Output = ()> + Send + 'static,
{
    upgrade
        .read_buffer_size(1024)
        .write_buffer_size(0)
        .max_message_size(MAX_FRAME)
        .max_frame_size(MAX_FRAME)
        .on_upgrade(move |socket| async move {
            serve(socket).await;
            drop(peer);
        })
}

/// A socket that pushes, and listens only for its end.
pub(super) struct Socket {
    inner: WebSocket,
    clock: Clock,
    unanswered: u32,
}

impl Socket {
    pub(super) fn new(socket: WebSocket, clock: Clock) -> Self {
        Self { inner: socket, clock, unanswered: 0 }
    }

    /// Sends a frame; false if the other end is gone.
    pub(super) async fn send(&mut self, message: Message) -> bool {
        matches!(tokio::time::timeout(SEND_WITHIN, self.inner.send(message)).await, Ok(Ok(())))
    }

    /// Keeps the connection alive until it ends, and answers the code to close it with. Cancel-safe.
    pub(super) async fn ended(&mut self) -> u16 {
        let Err(code) = self.listen().await;
        code
    }

    async fn listen(&mut self) -> Result<Infallible, u16> {
        loop {
            let ping_at = self.clock.now() + PING_EVERY;
            let clock = self.clock.clone();
            tokio::select! {
                message = self.inner.recv() => match message {
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => self.unanswered = 0,
                    // An error is a frame that is none, or a connection that broke and hears no code anyway.
                    Some(Ok(Message::Text(_) | Message::Binary(_)) | Err(_)) => return Err(close::BAD_FRAME),
                    Some(Ok(Message::Close(_))) | None => return Err(close::DONE),
                },
                () = clock.sleep_until(ping_at) => {
                    self.unanswered += 1;
                    if self.unanswered > PINGS_UNANSWERED || !self.send(Message::Ping(axum::body::Bytes::new())).await {
                        // Whoever can still hear it may come back.
                        return Err(close::RESTARTING);
                    }
                }
            }
        }
    }

    /// Says why, and closes. The other end may be gone already.
    pub(super) async fn close(mut self, code: u16) {
        let reason = match code {
            close::RESTARTING => "come back now",
            close::BAD_FRAME => "this socket only listens",
            close::REPLACED => "a newer waiter took this place",
            close::SESSION_ENDED => "the session has ended",
            _ => "",
        };
        let frame = CloseFrame { code, reason: reason.into() };
        // Fails if the other end closed first. Then its close is still to be answered, which reading does.
        let _ = self.send(Message::Close(Some(frame))).await;
        // Waits for the answering close, so that the frame is not lost to a reset.
        let answered = async { while let Some(Ok(_)) = self.inner.recv().await {} };
        let _ = tokio::time::timeout(Duration::from_secs(1), answered).await;
    }
}
