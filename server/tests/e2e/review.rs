//! What a reviewer broke, once.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt as _, StreamExt as _};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::store::LoginKey;
use shared::api::Status;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::support::Server;
use crate::support::socket::{Ws, close_code};

/// A socket of the PC's feed, past its first frame.
async fn feed(server: &Server, device_code: &str) -> Ws {
    let mut socket = server.socket("/v1/login/events", device_code).await;
    assert!(matches!(socket.next().await, Some(Ok(Message::Text(_)))));
    socket
}

/// A long poll of a login that is still as it was issued.
async fn long_poll(server: &Server, device_code: &str, seen: u64) -> StatusCode {
    let request = server.request(Method::GET, "/v1/login").bearer_auth(device_code);
    let request = request.header("prefer", "wait=25").header("if-none-match", format!("\"{seen}\""));
    request.send().await.unwrap().status()
}

#[tokio::test(flavor = "multi_thread")]
async fn right_passwords_at_once_are_not_taken_for_wrong_ones() {
    let server = Server::start().await;
    server.phone_token("alice").await;
    let tokens = join_all((0..30).map(|_| server.log_in("alice"))).await;
    assert_eq!(tokens.len(), 30);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_passwords_at_once_are_still_limited() {
    let server = Server::start().await;
    server.phone_token("alice").await;
    let statuses = join_all((0..30).map(async |_| {
        let body = json!({"username": "alice", "password": "wrong"});
        server.request(Method::POST, "/v1/phones").json(&body).send().await.unwrap().status()
    }))
    .await;
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::UNAUTHORIZED).count(), 5);
    assert_eq!(statuses.iter().filter(|status| **status == StatusCode::TOO_MANY_REQUESTS).count(), 25);
}

#[tokio::test(flavor = "multi_thread")]
async fn scans_of_a_good_code_at_once_are_all_answered_and_one_token_is_left() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let tokens = join_all((0..64).map(|_| server.scan(&phone, &issued))).await;
    let mut outcomes = Vec::new();
    for confirm_token in tokens {
        let body = json!({"confirm_token": confirm_token});
        outcomes.push(server.call(Method::POST, "/v1/scans/confirm", &phone, body).await);
    }
    assert_eq!(outcomes.iter().filter(|(status, _)| *status == StatusCode::OK).count(), 1);
    // All others were replaced, and none of them is unknown.
    assert_eq!(outcomes.iter().filter(|(_, body)| body["code"] == "confirm_token_used").count(), 63);
}

#[tokio::test(flavor = "multi_thread")]
async fn typed_codes_at_once_are_all_answered() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let body = json!({"user_code": issued.user_code.dashed()});
    let scans = join_all((0..16).map(|_| server.call(Method::POST, "/v1/scans", &phone, body.clone()))).await;
    assert!(scans.iter().all(|(status, _)| *status == StatusCode::OK), "{scans:?}");
}

#[tokio::test]
async fn a_long_poll_that_lost_its_place_is_held_for_a_second() {
    let server = Arc::new(Server::start().await);
    let issued = server.issue().await;
    let wait = || {
        let (server, device_code) = (server.clone(), issued.device_code.expose().to_owned());
        tokio::spawn(async move { long_poll(&server, &device_code, 1).await })
    };
    let waits = [wait(), wait(), wait()];
    let mut waits = waits.into_iter().collect::<FuturesUnordered<_>>();
    // One of the three has lost its place to the others. Told at once, it would come back at once.
    assert!(tokio::time::timeout(Duration::from_millis(500), waits.next()).await.is_err());
    server.advance_secs(1);
    assert_eq!(waits.next().await.unwrap().unwrap(), StatusCode::NOT_MODIFIED);
    // And only that one.
    assert!(tokio::time::timeout(Duration::from_millis(100), waits.next()).await.is_err());
}

#[tokio::test]
async fn who_does_not_wait_takes_no_waiters_place() {
    let server = Server::start().await;
    let issued = server.issue().await;
    let device_code = issued.device_code.expose();
    let mut sockets = [feed(&server, device_code).await, feed(&server, device_code).await];
    // A long poll that is answered at once, and a socket that was never one.
    assert_eq!(long_poll(&server, device_code, 7).await, StatusCode::OK);
    let plain = server.request(Method::GET, "/v1/login/events").bearer_auth(device_code);
    assert_eq!(plain.send().await.unwrap().status(), StatusCode::BAD_REQUEST);
    let phone = server.phone_token("alice").await;
    server.scan(&phone, &issued).await;
    for socket in &mut sockets {
        let Some(Ok(Message::Text(frame))) = socket.next().await else { panic!("no frame") };
        assert_eq!(serde_json::from_str::<Value>(&frame).unwrap()["status"], "scanned");
    }
}

/// A socket whose bytes the test writes itself.
async fn raw_feed(server: &Server, device_code: &str) -> TcpStream {
    let mut stream = TcpStream::connect(server.addr).await.unwrap();
    let head = format!(
        "GET /v1/login/events HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {device_code}\r\n\
         connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        answer.push(stream.read_u8().await.unwrap());
    }
    assert!(answer.starts_with(b"HTTP/1.1 101"));
    stream
}

#[tokio::test]
async fn a_frame_that_breaks_the_protocol_is_a_bad_frame_and_not_the_end_of_the_story() {
    let server = Server::start().await;
    let issued = server.issue().await;
    for (what, frame) in [
        ("not masked", &[0x81, 0x02, b'h', b'i'][..]),
        ("not text", &[0x81, 0x81, 0, 0, 0, 0, 0xff]),
        ("a reserved bit", &[0xc1, 0x81, 0, 0, 0, 0, b'x']),
        ("a reserved opcode", &[0x83, 0x81, 0, 0, 0, 0, b'x']),
        ("a continuation of nothing", &[0x80, 0x81, 0, 0, 0, 0, b'x']),
        ("too large", &[0x82, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    ] {
        let mut stream = raw_feed(&server, issued.device_code.expose()).await;
        stream.write_all(frame).await.unwrap();
        let config = WebSocketConfig::default();
        let mut socket =
            WebSocketStream::from_raw_socket(MaybeTlsStream::Plain(stream), Role::Client, Some(config)).await;
        assert_eq!(close_code(&mut socket).await, Some(4400), "{what}");
    }
}

#[tokio::test]
async fn a_socket_that_its_client_closes_is_closed_as_rfc_6455_says() {
    let server = Server::start().await;
    let issued = server.issue().await;
    let mut socket = feed(&server, issued.device_code.expose()).await;
    socket.send(Message::Close(None)).await.unwrap();
    // Answered with a close, and not with the end of the connection.
    assert!(matches!(socket.next().await, Some(Ok(Message::Close(_)))));
    assert!(socket.next().await.is_none());
}

#[tokio::test]
async fn nobody_is_told_of_an_expiry_that_is_not_written_down() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    for scanned in [false, true] {
        let issued = server.issue().await;
        if scanned {
            server.scan(&phone, &issued).await;
        }
        let key = LoginKey::Device(issued.device_code.digest());
        let before = server.store.find(key).await.unwrap().map(std::sync::Arc::unwrap_or_clone).unwrap();
        server.advance_secs(120);
        let snapshot = server.client().snapshot(&issued.device_code).await.unwrap();
        assert_eq!((snapshot.status, snapshot.version), (Status::Expired, before.version + 1));
        // So a change that was made of the login as it was, and is late, is stale.
        let after = server.store.find(key).await.unwrap().map(std::sync::Arc::unwrap_or_clone).unwrap();
        assert_eq!((after.state.status(), after.revision), (Status::Expired, before.revision + 1));
    }
}
