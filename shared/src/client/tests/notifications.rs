//! The phone's notification feed: everything once, in order, whatever carries it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures_util::FutureExt;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::canned::token;
use super::network::{Fate, HASTE, in_time, page, problem};
use crate::api::{NoticeKind, Notification, Notifications, close};
use crate::client::http::Http;
use crate::client::{Client, ClientError, NotificationFeed};
use crate::code::PublicUrl;
use crate::problem::ProblemCode;

/// How a server's sockets behave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sockets {
    /// What they should.
    Honest,
    /// As `Honest`, but each time they begin from the beginning.
    Repeating,
    /// One notification, and then the node restarts.
    Restarting,
    /// As `Honest`, then the phone's session ends.
    Ending,
    /// The network does not carry them.
    Refused,
    /// Nothing is answered but that the credential is no good.
    LoggedOut,
}

struct Shared {
    sockets: Sockets,
    all: watch::Sender<Vec<Notification>>,
    /// From where it was read, and how.
    asked: Mutex<Vec<(&'static str, u64)>>,
}

struct Account {
    shared: Arc<Shared>,
    serving: JoinHandle<()>,
    feed: NotificationFeed,
}

impl Drop for Account {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Account {
    /// An account with nothing in it yet, and its feed.
    async fn new(sockets: Sockets, after: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = PublicUrl::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
        let shared =
            Arc::new(Shared { sockets, all: watch::Sender::new(Vec::new()), asked: Mutex::default() });
        let app = Router::new()
            .route("/v1/notifications", get(list))
            .route("/v1/notifications/events", get(events))
            .with_state(Arc::clone(&shared));
        let serving = tokio::spawn(async { axum::serve(listener, app).await.unwrap() });
        let client = Client { http: Http::new(server, "test").unwrap(), pace: HASTE };
        let feed = client.phone(token()).follow_notifications(after);
        Self { shared, serving, feed }
    }

    fn happens(&self, ids: impl IntoIterator<Item = u64>) {
        let notification = |id| Notification {
            id,
            kind: NoticeKind::LoggedIn,
            at: jiff::Timestamp::UNIX_EPOCH,
            count: 1,
            device_name: None,
            ip: None,
            session_id: None,
            advice: None,
        };
        self.shared.all.send_modify(|all| all.extend(ids.into_iter().map(notification)));
    }

    async fn next(&mut self) -> Result<u64, ClientError> {
        in_time(self.feed.next()).await.map(|notification| notification.id)
    }
}

impl Shared {
    fn after(&self, how: &'static str, request: &HashMap<String, u64>) -> u64 {
        self.asked.lock().unwrap().push((how, request["after"]));
        request["after"]
    }
}

fn newer(all: &[Notification], after: u64) -> Vec<Notification> {
    all.iter().filter(|notification| notification.id > after).take(100).cloned().collect()
}

async fn list(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, u64>>,
    request: Request,
) -> Response {
    if shared.sockets == Sockets::LoggedOut {
        let Fate::Answer(answer) = problem(ProblemCode::Unauthenticated, None) else { unreachable!() };
        return answer;
    }
    let waits = request.headers().contains_key("prefer");
    let after = shared.after(if waits { "wait" } else { "read" }, &query);
    let mut all = shared.all.subscribe();
    if waits {
        all.wait_for(|all| !newer(all, after).is_empty()).await.unwrap();
    }
    let notifications = newer(&all.borrow(), after);
    Json(Notifications { notifications }).into_response()
}

async fn events(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, u64>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    let refusal = match shared.sockets {
        Sockets::Refused => page(403),
        Sockets::LoggedOut => problem(ProblemCode::Unauthenticated, None),
        _ => Fate::Pass,
    };
    let after = shared.after("socket", &query);
    match refusal {
        Fate::Answer(answer) => answer,
        _ => upgrade.on_upgrade(async move |socket| {
            let _ = talk(&shared, socket, after).await;
        }),
    }
}

async fn talk(shared: &Shared, mut socket: WebSocket, mut after: u64) -> Result<(), axum::Error> {
    let mut all = shared.all.subscribe();
    loop {
        if shared.sockets == Sockets::Repeating {
            after = 0;
        }
        let notifications = newer(&all.borrow_and_update(), after);
        after = notifications.last().map_or(after, |last| last.id);
        let close = match shared.sockets {
            Sockets::Restarting if !notifications.is_empty() => Some(close::RESTARTING),
            Sockets::Ending if !notifications.is_empty() => Some(close::SESSION_ENDED),
            _ => None,
        };
        let at_once = if close == Some(close::RESTARTING) { 1 } else { notifications.len() };
        for notification in notifications.iter().take(at_once) {
            socket.send(Message::text(serde_json::to_string(notification).unwrap())).await?;
        }
        if let Some(code) = close {
            socket.send(Message::Close(Some(CloseFrame { code, reason: "".into() }))).await?;
        }
        tokio::select! {
            changed = all.changed() => if changed.is_err() { return Ok(()) },
            message = socket.recv() => match message {
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Ok(()),
            },
        }
    }
}

#[tokio::test]
async fn everything_comes_once_and_in_order_by_whatever_carries_it() {
    for sockets in [Sockets::Honest, Sockets::Repeating, Sockets::Restarting, Sockets::Refused] {
        let mut account = Account::new(sockets, 0).await;
        account.happens(1..=3);
        for id in 1..=3 {
            assert_eq!(account.next().await.unwrap(), id, "{sockets:?}");
        }
        assert!(account.feed.next().now_or_never().is_none(), "{sockets:?}: there is no more");
        account.happens([5, 8]);
        assert_eq!(account.next().await.unwrap(), 5, "{sockets:?}");
        assert_eq!(account.next().await.unwrap(), 8, "{sockets:?}");
    }
}

#[tokio::test]
async fn it_goes_on_from_where_it_was() {
    let mut account = Account::new(Sockets::Restarting, 5).await;
    account.happens(1..=7);
    assert_eq!(account.next().await.unwrap(), 6);
    assert_eq!(account.next().await.unwrap(), 7);
    let asked = account.shared.asked.lock().unwrap().clone();
    assert_eq!(asked, [("socket", 5), ("socket", 6)]);
}

#[tokio::test]
async fn a_network_without_sockets_gets_long_polls() {
    let mut account = Account::new(Sockets::Refused, 0).await;
    account.happens(1..=150);
    for id in 1..=150 {
        assert_eq!(account.next().await.unwrap(), id);
    }
    account.happens([151]);
    assert_eq!(account.next().await.unwrap(), 151);
    let asked = account.shared.asked.lock().unwrap().clone();
    assert_eq!(asked, [("socket", 0), ("read", 0), ("wait", 100), ("wait", 150)]);
}

#[tokio::test]
async fn it_ends_with_the_phone_s_session_and_says_so_ever_after() {
    for sockets in [Sockets::Ending, Sockets::LoggedOut] {
        let mut account = Account::new(sockets, 0).await;
        account.happens([1]);
        if sockets == Sockets::Ending {
            assert_eq!(account.next().await.unwrap(), 1);
        }
        for _ in 0..2 {
            let error = account.next().await.unwrap_err();
            assert_eq!(error.problem().map(|problem| problem.code), Some(ProblemCode::Unauthenticated));
            assert!(account.feed.is_over());
        }
    }
}

#[tokio::test]
async fn trouble_is_told_and_does_not_end_it() {
    let mut account = Account::new(Sockets::Honest, 0).await;
    account.serving.abort();
    let _ = (&mut account.serving).await;
    let error = account.next().await.unwrap_err();
    assert!(error.is_unreachable() && !account.feed.is_over(), "{error:?}");
    assert!(account.next().await.unwrap_err().is_unreachable());
}
