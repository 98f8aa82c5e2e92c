//! Servers that are away for a while.

use std::time::Duration;

use tokio::net::TcpListener;

use super::{ALL_CHOICES, settle, trouble, version};
use crate::api::{Status, close};
use crate::client::feed::Pace;
use crate::client::tests::network::{After, Ask, Fate, HASTE, Network, device_code, next, problem};
use crate::client::{News, Transport, TransportChoice};
use crate::exit::Exit;
use crate::problem::ProblemCode;

#[tokio::test]
async fn at_once_to_a_node_that_restarts_and_without_a_word() {
    let network = Network::start(|ask, before| match (ask, before) {
        (Ask::Socket, 0) => Fate::Open(After::Close(close::RESTARTING)),
        _ => Fate::Pass,
    })
    .await;
    let mut feed = network.feed(TransportChoice::Auto);
    assert_eq!(version(&mut feed).await, (1, Transport::WebSocket));
    // It happens while nobody listens, and is missed by nobody.
    network.set(2, Status::Scanned);
    assert_eq!(version(&mut feed).await, (2, Transport::WebSocket));
    assert_eq!(network.asked(), [Ask::Socket, Ask::Socket]);
}

#[tokio::test]
async fn and_misses_no_transition_however_often_it_is_cut() {
    let network = Network::start(|ask, before| match ask {
        Ask::Socket if before % 2 == 0 => Fate::Open(After::Cut),
        Ask::Wait if before % 2 == 0 => Fate::Drop,
        _ => Fate::Pass,
    })
    .await;
    for choice in [
        TransportChoice::Auto,
        TransportChoice::Only(Transport::WebSocket),
        TransportChoice::Only(Transport::LongPoll),
    ] {
        let mut feed = network.feed(choice);
        for at in 1..=10 {
            network.set(at, if at == 10 { Status::Denied } else { Status::Scanned });
            loop {
                match next(&mut feed).await {
                    Some(News::Snapshot { snapshot, .. }) => {
                        assert_eq!(snapshot.version, at, "{choice}");
                        break;
                    }
                    Some(News::Trouble { .. } | News::Back { .. }) => {}
                    other => panic!("{choice}: {other:?}"),
                }
            }
        }
        assert!(next(&mut feed).await.is_none());
    }
}

#[tokio::test]
async fn to_a_server_that_was_away() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let network = Network::start_at(listener, |_, _| Fate::Pass);
    let mut feed = network.feed(TransportChoice::Auto);
    assert_eq!(version(&mut feed).await, (1, Transport::WebSocket));
    network.stop().await;
    let (error, retry_in) = trouble(&mut feed).await;
    assert!(error.is_unreachable());
    assert_eq!(error.exit(), Exit::Unreachable);
    assert_eq!(
        error.to_string(),
        format!("the server at http://{address} can't be reached (connection refused); is it running?")
    );
    assert!(retry_in <= HASTE.longest_pause);

    let network = Network::start_at(TcpListener::bind(address).await.unwrap(), |_, _| Fate::Pass);
    let back = loop {
        match next(&mut feed).await {
            Some(News::Trouble { .. }) => {}
            other => break other,
        }
    };
    assert!(matches!(back, Some(News::Back { .. })), "it says so, though nothing has changed: {back:?}");
    if !matches!(back, Some(News::Back { transport: Transport::WebSocket })) {
        let by_socket = next(&mut feed).await;
        assert!(matches!(by_socket, Some(News::Back { transport: Transport::WebSocket })), "{by_socket:?}");
    }
    network.set(2, Status::Scanned);
    assert_eq!(version(&mut feed).await, (2, Transport::WebSocket));
}

#[tokio::test]
async fn from_a_socket_that_died_in_silence() {
    let network = Network::start(|ask, before| match (ask, before) {
        (Ask::Socket, 0) => Fate::Open(After::PingThenMute),
        _ => Fate::Pass,
    })
    .await;
    let pace = Pace { silence: Duration::from_millis(300), settled: Duration::from_millis(100), ..HASTE };
    let mut feed = network.client(pace).follow(device_code(), TransportChoice::Auto);
    assert_eq!(version(&mut feed).await, (1, Transport::WebSocket));
    network.set(2, Status::Scanned);
    let (told, _) = version(&mut feed).await;
    assert_eq!(told, 2, "what the dead socket did not carry");
}

#[tokio::test]
async fn no_sooner_than_it_is_told_to() {
    for code in [ProblemCode::RateLimited, ProblemCode::Unavailable] {
        for choice in ALL_CHOICES {
            let network = Network::start(move |_, _| problem(code, Some(30))).await;
            let mut feed = network.feed(choice);
            let (error, retry_in) = trouble(&mut feed).await;
            assert_eq!(error.problem().map(|problem| problem.code), Some(code));
            assert!(retry_in >= Duration::from_secs(30), "{choice}: {retry_in:?}");
            assert!(retry_in < Duration::from_secs(31), "{choice}: {retry_in:?}");
        }
    }
}

#[tokio::test]
async fn from_strange_frames() {
    let good_but_for_its_length =
        format!(r#"{{"status": "denied", "version": 9, "expires_in": 0}}{}"#, " ".repeat(64 * 1024));
    for frame in ["not JSON".to_owned(), "{}".to_owned(), good_but_for_its_length] {
        let network = Network::start(move |ask, _| match ask {
            Ask::Socket => Fate::Frames(vec![frame.clone()]),
            _ => Fate::Pass,
        })
        .await;
        let mut feed = network.feed(TransportChoice::Auto);
        settle(&mut feed, Transport::LongPoll).await;
    }
}
