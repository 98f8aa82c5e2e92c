//! The PC's status, three ways.
//!
//! ```text
//! GET /v1/login                              short poll: the snapshot, at once
//! GET /v1/login   Prefer: wait=25            long poll: as soon as the version differs,
//!                 If-None-Match: "2"         else 304 at the end of the wait
//! GET /v1/login/events                       WebSocket: one frame per transition
//! ```

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use shared::api::{Snapshot, close};
use shared::login::Refusal;
use shared::problem::{Problem, ProblemCode};
use shared::secret::{DeviceCode, Token};

use super::caller::{Pc, Peer};
use super::failure::{Answer, Failure};
use super::socket::{self, Socket};
use super::waiting::{self, Waits};
use crate::App;
use crate::logins::{Follow, LoginError, News, ProvedKey};
use crate::metrics::Waiting;

/// The PC's view of its login. With `Prefer: wait=` and `If-None-Match`, as soon as it changes.
#[utoipa::path(get, path = "/v1/login", tag = "pc", security(("device code" = [])),
    params(("Prefer" = Option<String>, Header, description = "wait=25: how long to wait for a change, in seconds, 55 at most"),
        ("If-None-Match" = Option<String>, Header, description = "the version that the client has seen")),
    responses((status = 200, body = Snapshot), (status = 304, description = "Nothing changed."), (status = 401, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn status(
    State(app): State<Arc<App>>,
    Pc(device, key): Pc,
    Waits { seen, wait }: Waits,
) -> Answer<Response> {
    let snapshot = match (seen, wait) {
        // In a box: whoever does not wait need not carry what a wait takes.
        (Some(seen), Some(wait)) => Box::pin(changed(&app, &device, key, seen, wait)).await,
        _ => app.logins.snapshot(&device, key).await,
    };
    let snapshot = snapshot.map_err(unknown)?;
    let etag = HeaderValue::from_str(&format!("\"{}\"", snapshot.version)).ok();
    let mut response = match seen {
        Some(seen) if seen == snapshot.version => StatusCode::NOT_MODIFIED.into_response(),
        _ => Json(snapshot).into_response(),
    };
    if let Some(etag) = etag {
        response.headers_mut().insert(header::ETAG, etag);
    }
    Ok(response)
}

/// The login as soon as its version is another than the one that was seen, or at the end of the wait.
async fn changed(
    app: &Arc<App>,
    device: &Token<DeviceCode>,
    key: ProvedKey,
    seen: u64,
    wait: Duration,
) -> Result<Snapshot, LoginError> {
    let _waits = app.metrics.waits(Waiting::LoginLongPoll);
    let mut follow = app.logins.follow(device, key).await?;
    let begun_at = app.clock.now();
    Ok(tokio::select! {
        news = follow.past(seen) => match news? {
            News::Snapshot(snapshot) => {
                app.metrics.pushed(Waiting::LoginLongPoll, follow.heard_at());
                snapshot
            }
            News::Replaced => {
                waiting::replaced(&app.clock, begun_at).await;
                follow.snapshot().clone()
            }
        },
        () = app.clock.sleep_until(begun_at + wait) => follow.snapshot().clone(),
        () = app.draining() => follow.snapshot().clone(),
    })
}

/// Gives the login up. One that is past that stays as it is.
#[utoipa::path(delete, path = "/v1/login", tag = "pc", security(("device code" = [])),
    responses((status = 204, description = "Cancelled, or past that."), (status = 401, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn cancel(State(app): State<Arc<App>>, Pc(device, key): Pc) -> Answer<StatusCode> {
    app.logins.cancel(&device, key).await.map_err(unknown)?;
    Ok(StatusCode::NO_CONTENT)
}

/// The PC's view of its login as a WebSocket: the snapshot, then one frame per transition.
#[utoipa::path(get, path = "/v1/login/events", tag = "pc", security(("device code" = [])),
    responses((status = 101, description = "Snapshots follow as text frames."), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem), (status = 503, body = Problem)))]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Pc(device, key): Pc,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    socket::check_origin(&headers, &app.settings.public_url)?;
    // Found before the upgrade: a bad credential is an answer, not a socket that closes.
    let follow = app.logins.follow(&device, key).await.map_err(unknown)?;
    let upgrade = upgrade.map_err(|_| ProblemCode::BadRequest)?;
    Ok(socket::accept(upgrade, peer, move |socket| push(app, follow, socket)))
}

async fn push(app: Arc<App>, mut follow: Follow, socket: WebSocket) {
    let _waits = app.metrics.waits(Waiting::LoginSocket);
    let mut socket = Socket::new(socket, app.clock.clone());
    let mut snapshot = follow.snapshot().clone();
    loop {
        let Ok(frame) = serde_json::to_string(&snapshot) else { return };
        if !socket.send(Message::text(frame)).await {
            return;
        }
        app.metrics.pushed(Waiting::LoginSocket, follow.heard_at());
        if snapshot.status.is_terminal() {
            return socket.close(close::DONE).await;
        }
        snapshot = tokio::select! {
            news = follow.past(snapshot.version) => match news {
                Ok(News::Snapshot(snapshot)) => snapshot,
                Ok(News::Replaced) => return socket.close(close::REPLACED).await,
                // The store is away, or the login is forgotten: the client reads again and is told which.
                Err(_) => return socket.close(close::RESTARTING).await,
            },
            code = socket.ended() => return socket.close(code).await,
            () = app.draining() => return socket.close(close::RESTARTING).await,
        };
    }
}

/// A device code that no login has is a bad credential.
fn unknown(error: LoginError) -> Failure {
    match error {
        LoginError::Away(away) => away.into(),
        LoginError::Refused(Refusal::OtherKey) => ProblemCode::InvalidDpopProof.into(),
        _ => Failure::from(ProblemCode::Unauthenticated).of_pc(),
    }
}
