//! Transitions between a waiter's look and its wait.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use shared::api::{DeviceAuthorization, close};
use tokio_tungstenite::tungstenite::Message;

use crate::Backend;
use crate::scene::text;
use crate::support::Server;
use crate::support::socket::Ws;

/// A login's transitions here: it is scanned, confirmed and redeemed.
const TRANSITIONS_PER_LOGIN: u64 = 3;
/// How many transitions there are in all, at the least.
const TRANSITIONS: u64 = 10_000;
/// How many logins are busy at once.
const BUSY: usize = 16;
/// A wait that takes this long was in vain: the clock is held, so nothing but the transition ends it.
const IN_VAIN: Duration = Duration::from_secs(30);

pub(crate) async fn have_a_waiter_miss_a_transition(on: Backend) {
    let server = on
        .server_with(|settings| {
            settings.limits.issue.count = u32::MAX;
            settings.limits.open.per_address = u32::MAX;
        })
        .await;
    let phone = server.phone_token("alice").await;
    let logins = futures_util::stream::iter(0..TRANSITIONS.div_ceil(TRANSITIONS_PER_LOGIN));
    logins.for_each_concurrent(BUSY, |nth| race(&server, &phone, nth)).await;
}

/// One login, each of whose transitions races a long poll that has seen the state before it. Beside them a
/// socket is opened while the first one happens.
async fn race(server: &Server, phone: &str, nth: u64) {
    let issued = server.issue().await;
    let scan = server.call(Method::POST, "/v1/scans", phone, json!({"scan_code": server.scan_code(&issued)}));
    let open = server.socket("/v1/login/events", issued.device_code.expose());
    let ((), mut socket, (_, scanned)) = tokio::join!(wait(server, &issued, 1), open, staggered(nth, scan));
    let body = json!({"confirm_token": text(&scanned, "confirm_token")});
    let confirm = server.call(Method::POST, "/v1/scans/confirm", phone, body);
    let ((), confirmed) = tokio::join!(wait(server, &issued, 2), staggered(nth / 2, confirm));
    assert_eq!(confirmed.0, StatusCode::OK, "{}", confirmed.1);
    let ((), redeemed) = tokio::join!(wait(server, &issued, 3), staggered(nth / 4, server.redeem(&issued)));
    assert_eq!(redeemed.0, StatusCode::OK);
    assert!(tokio::time::timeout(IN_VAIN, hears_all(&mut socket)).await.is_ok(), "the socket missed one");
}

/// Lets the other side begin first, by more or less.
async fn staggered<T>(steps: u64, call: impl Future<Output = T>) -> T {
    for _ in 0..steps % 8 {
        tokio::task::yield_now().await;
    }
    call.await
}

/// Waits for whatever comes after a version, which must be the next one.
async fn wait(server: &Server, issued: &DeviceAuthorization, version: u64) {
    let request = server.request(Method::GET, "/v1/login").bearer_auth(issued.device_code.expose());
    let request = request.header("prefer", "wait=55").header(header::IF_NONE_MATCH, format!("\"{version}\""));
    let answer = tokio::time::timeout(IN_VAIN, request.send()).await;
    let answer = answer.unwrap_or_else(|_| panic!("what came after {version} was missed")).unwrap();
    assert_eq!(answer.status(), StatusCode::OK, "after {version}");
    assert_eq!(answer.json::<Value>().await.unwrap()["version"], version + 1);
}

/// Reads a socket to its end: every frame is newer than the one before, the last one is the login's last.
async fn hears_all(socket: &mut Ws) {
    let mut seen = 0;
    while let Some(Ok(message)) = socket.next().await {
        match message {
            Message::Text(frame) => {
                let version = serde_json::from_str::<Value>(&frame).unwrap()["version"].as_u64().unwrap();
                assert!(version > seen, "{version} after {seen}");
                seen = version;
            }
            Message::Close(frame) => {
                assert_eq!(frame.map(|frame| u16::from(frame.code)), Some(close::DONE));
                break;
            }
            _ => {}
        }
    }
    assert_eq!(seen, 1 + TRANSITIONS_PER_LOGIN);
}
