//! Connections: accepted, bounded, and brought to an end.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use crate::http::{Peer, router};
use crate::{App, Stage};

/// How long a client may take to send a request's head, or to shake hands.
const HEAD_WITHIN: Duration = Duration::from_secs(10);
/// The largest head of a request, in bytes. Hyper's least.
const HEAD_MAX: usize = 8 * 1024;
/// The most headers of a request.
const HEADERS_MAX: usize = 64;
/// How long a stopping server lets what is in hand be finished.
const DRAIN_WITHIN: Duration = Duration::from_secs(7);
/// How often what ran out is written down: well within the second in which it must be known.
const TIDY_EVERY: Duration = Duration::from_millis(500);
/// How often the store forgets what is over. Nothing waits for that, and it looks at every session.
const PURGE_EVERY: Duration = Duration::from_mins(1);

/// Where a server listens, and whether it speaks TLS there.
pub struct Listener {
    /// The socket, bound.
    pub socket: TcpListener,
    /// The server's side of TLS.
    pub tls: Option<TlsAcceptor>,
}

/// Serves until `shutdown` resolves; then tells waiters to come back, finishes what is in hand, and closes
/// the store.
///
/// # Errors
/// When the socket fails for good.
pub async fn serve(listener: Listener, app: Arc<App>, shutdown: impl Future<Output = ()>) -> io::Result<()> {
    let tidying = tokio::spawn(tidy(app.clone()));
    let places = u32::try_from(app.settings.max_connections).unwrap_or(u32::MAX);
    let room = Arc::new(Semaphore::new(app.settings.max_connections));
    let service = router(app.clone());
    tokio::pin!(shutdown);
    loop {
        let accepted = async {
            // Past the most, clients wait in the kernel's queue until one ends.
            let place = room.clone().acquire_owned().await.map_err(io::Error::other)?;
            let (stream, addr) = accept(&listener.socket).await;
            io::Result::Ok((stream, addr, place))
        };
        let (stream, addr, place) = tokio::select! {
            accepted = accepted => accepted?,
            () = &mut shutdown => break,
        };
        let peer = Peer { addr, _place: Arc::new((place, app.metrics.connection())) };
        let connection = connection(stream, peer, listener.tls.clone(), service.clone(), app.clone());
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                // A failed connection is the client's affair.
                tracing::trace!(error, "a connection failed");
            }
        });
    }
    tracing::info!("stopping");
    app.stage.send_replace(Stage::Draining);
    drop(listener);
    // Every place is free again when every connection has ended, sockets included.
    if tokio::time::timeout(DRAIN_WITHIN, room.acquire_many(places)).await.is_err() {
        tracing::warn!("stopped with connections still open");
    }
    tidying.abort();
    app.store.close().await;
    Ok(())
}

/// Takes the next connection. Cancel-safe.
pub(crate) async fn accept(socket: &TcpListener) -> (TcpStream, SocketAddr) {
    loop {
        match socket.accept().await {
            Ok(accepted) => return accepted,
            Err(error) => {
                // Out of descriptors, or the client is gone already: either passes.
                tracing::warn!(%error, "can't accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

/// HTTP as both planes speak it: a head is small, and comes soon.
pub(crate) fn http1() -> http1::Builder {
    let mut http1 = http1::Builder::new();
    http1
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .max_buf_size(HEAD_MAX)
        .max_headers(HEADERS_MAX);
    http1
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

async fn connection(
    stream: TcpStream,
    peer: Peer,
    tls: Option<TlsAcceptor>,
    service: axum::Router,
    app: Arc<App>,
) -> Result<(), Failed> {
    // Answers are small and must leave at once.
    stream.set_nodelay(true)?;
    match tls {
        None => speak(stream, peer, service, app).await,
        Some(tls) => {
            let stream = tokio::time::timeout(HEAD_WITHIN, tls.accept(stream)).await??;
            speak(stream, peer, service, app).await
        }
    }
}

async fn speak<S>(stream: S, peer: Peer, service: axum::Router, app: Arc<App>) -> Result<(), Failed>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        request.extensions_mut().insert(peer.clone());
        service.clone().oneshot(request.map(axum::body::Body::new))
    });
    let connection = http1().serve_connection(TokioIo::new(stream), service).with_upgrades();
    let mut connection = std::pin::pin!(connection);
    tokio::select! {
        done = connection.as_mut() => return done.map_err(Into::into),
        () = app.draining() => connection.as_mut().graceful_shutdown(),
    }
    connection.await.map_err(Into::into)
}

/// Housekeeping, for as long as the server runs.
async fn tidy(app: Arc<App>) {
    let mut purge_at = app.clock.now() + PURGE_EVERY;
    loop {
        app.clock.sleep(TIDY_EVERY).await;
        let mut tidied = app.logins.tidy().await;
        let now = app.clock.now();
        if now >= purge_at {
            tidied = tidied.and(app.store.purge(now).await);
            purge_at = now + PURGE_EVERY;
        }
        if let Err(away) = tidied {
            tracing::error!(detail = %away, "the store is away");
        }
    }
}
