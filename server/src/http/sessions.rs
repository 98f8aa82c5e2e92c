//! Sessions and notifications: what is logged in, what happened, and how to end it.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use shared::api::{Notification, Notifications, Sessions, close};
use shared::id::{AccountId, SessionId};
use shared::problem::{Problem, ProblemCode};

use super::caller::{Peer, Phone};
use super::failure::Answer;
use super::socket::{self, Socket};
use super::waiting::{self, Waits};
use crate::App;
use crate::metrics::Waiting;
use crate::store::{Ending, PhoneSession, Valid};
use crate::waiters::Place;

/// The phones and PCs of this account.
#[utoipa::path(get, path = "/v1/sessions", tag = "phone", security(("phone token" = [])),
    responses((status = 200, body = Sessions), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn list(State(app): State<Arc<App>>, Phone(phone): Phone) -> Answer<Json<Sessions>> {
    let Valid { session, .. } = phone;
    Ok(Json(app.sessions.list(session.account, session.id).await?))
}

/// Ends a session of this account. Somebody else's is as unknown as one that never was.
#[utoipa::path(delete, path = "/v1/sessions/{id}", tag = "phone", security(("phone token" = [])),
    params(("id" = String, Path, description = "the session's id")),
    responses((status = 204, description = "Ended."), (status = 401, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn end(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    id: Result<Path<SessionId>, PathRejection>,
) -> Answer<StatusCode> {
    let Path(id) = id.map_err(|_| ProblemCode::NotFound)?;
    let ended = app.sessions.put_out(phone.session.account, Ending::One(id), None).await?;
    if ended { Ok(StatusCode::NO_CONTENT) } else { Err(ProblemCode::NotFound.into()) }
}

/// Which sessions to end.
#[derive(Deserialize)]
pub(super) struct Which {
    others: Option<bool>,
}

/// Ends every session of this account but the one that asks.
#[utoipa::path(delete, path = "/v1/sessions", tag = "phone", security(("phone token" = [])),
    params(("others" = bool, Query, description = "must be true: the session that asks is left")),
    responses((status = 204, description = "Ended."), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn end_others(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    which: Result<Query<Which>, QueryRejection>,
) -> Answer<StatusCode> {
    // All of them at once is never meant by accident: it must be said.
    let others = which.ok().and_then(|Query(which)| which.others);
    if others != Some(true) {
        return Err(ProblemCode::BadRequest.into());
    }
    app.sessions.put_out(phone.session.account, Ending::Others(phone.session.id), None).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Where to go on reading.
#[derive(Deserialize)]
pub(super) struct From {
    after: Option<u64>,
}

fn after(from: Result<Query<From>, QueryRejection>) -> Answer<u64> {
    let Query(from) = from.map_err(|_| ProblemCode::BadRequest)?;
    Ok(from.after.unwrap_or(0))
}

/// What happened to this account, oldest first, 100 at a time. With `Prefer: wait=`, as soon as there is any.
#[utoipa::path(get, path = "/v1/notifications", tag = "phone", security(("phone token" = [])),
    params(("after" = Option<u64>, Query, description = "the id of the last one that was read"),
        ("Prefer" = Option<String>, Header, description = "wait=25: how long to wait for news, in seconds, 55 at most")),
    responses((status = 200, body = Notifications), (status = 304, description = "Nothing happened."), (status = 400, body = Problem), (status = 401, body = Problem)))]
pub(super) async fn notifications(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    from: Result<Query<From>, QueryRejection>,
    Waits { wait, .. }: Waits,
) -> Answer<Response> {
    let after = after(from)?;
    let Some(wait) = wait else {
        let notifications = app.notices.after(phone.session.account, after).await?;
        return Ok(Json(Notifications { notifications }).into_response());
    };
    let _waits = app.metrics.waits(Waiting::NoticeLongPoll);
    let mut reader = Reader::new(&app, &phone.session, after);
    let begun_at = app.clock.now();
    tokio::select! {
        news = reader.next() => match news? {
            News::Some(notifications) => {
                app.metrics.pushed(Waiting::NoticeLongPoll, reader.heard_at);
                Ok(Json(Notifications { notifications }).into_response())
            }
            News::SessionEnded => Err(ProblemCode::Unauthenticated.into()),
            News::Replaced => {
                waiting::replaced(&app.clock, begun_at).await;
                Ok(StatusCode::NOT_MODIFIED.into_response())
            }
        },
        () = app.clock.sleep_until(begun_at + wait) => Ok(StatusCode::NOT_MODIFIED.into_response()),
        () = app.draining() => Ok(StatusCode::NOT_MODIFIED.into_response()),
    }
}

/// What happens to this account, as a WebSocket: one notification per frame.
#[utoipa::path(get, path = "/v1/notifications/events", tag = "phone", security(("phone token" = [])),
    params(("after" = Option<u64>, Query, description = "the id of the last one that was read")),
    responses((status = 101, description = "Notifications follow as text frames.", body = Notification), (status = 400, body = Problem), (status = 401, body = Problem), (status = 403, body = Problem)))]
pub(super) async fn events(
    State(app): State<Arc<App>>,
    Phone(phone): Phone,
    from: Result<Query<From>, QueryRejection>,
    Extension(peer): Extension<Peer>,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Answer<Response> {
    socket::check_origin(&headers, &app.settings.public_url)?;
    let after = after(from)?;
    let upgrade = upgrade.map_err(|_| ProblemCode::BadRequest)?;
    let reader = Reader::new(&app, &phone.session, after);
    Ok(socket::accept(upgrade, peer, move |socket| push(app, reader, socket)))
}

async fn push(app: Arc<App>, mut reader: Reader, socket: WebSocket) {
    let _waits = app.metrics.waits(Waiting::NoticeSocket);
    let mut socket = Socket::new(socket, app.clock.clone());
    loop {
        let news = tokio::select! {
            news = reader.next() => news,
            code = socket.ended() => return socket.close(code).await,
            () = app.draining() => return socket.close(close::RESTARTING).await,
        };
        let notifications = match news {
            Ok(News::Some(notifications)) => notifications,
            Ok(News::SessionEnded) => return socket.close(close::SESSION_ENDED).await,
            Ok(News::Replaced) => return socket.close(close::REPLACED).await,
            Err(_) => return socket.close(close::RESTARTING).await,
        };
        for notification in notifications {
            let Ok(frame) = serde_json::to_string(&notification) else { return };
            if !socket.send(Message::text(frame)).await {
                return;
            }
        }
        app.metrics.pushed(Waiting::NoticeSocket, reader.heard_at);
    }
}

/// A reader of an account's notifications, who goes on only as long as its session is valid.
struct Reader {
    app: Arc<App>,
    account: AccountId,
    session: SessionId,
    after: u64,
    watch: crate::store::Watch,
    /// Taken when it begins to wait.
    place: Option<Place<SessionId>>,
    /// When it was heard that there is something; None if that was there without waiting.
    heard_at: Option<Duration>,
}

enum News {
    Some(Vec<Notification>),
    SessionEnded,
    Replaced,
}

impl Reader {
    fn new(app: &Arc<App>, session: &PhoneSession, after: u64) -> Self {
        Self {
            app: app.clone(),
            account: session.account,
            session: session.id,
            after,
            // Subscribed before anything is read: what happens in between is heard.
            watch: app.notices.watch(session.account),
            place: None,
            heard_at: None,
        }
    }

    /// Waits for notifications past the last ones. Cancel-safe.
    async fn next(&mut self) -> Answer<News> {
        self.heard_at = None;
        loop {
            if !self.app.store.phone_is_valid(self.session, self.app.clock.now()).await? {
                return Ok(News::SessionEnded);
            }
            let notifications = self.app.notices.after(self.account, self.after).await?;
            if let Some(last) = notifications.last() {
                self.after = last.id;
                return Ok(News::Some(notifications));
            }
            let place = self.place.get_or_insert_with(|| self.app.readers.join(self.session));
            tokio::select! {
                () = self.watch.changed() => self.heard_at = Some(self.watch.woken_at()),
                () = place.lost() => return Ok(News::Replaced),
            }
        }
    }
}
