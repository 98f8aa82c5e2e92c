//! Networks that do not carry a transport.

use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::{settle, version};
use crate::api::Status;
use crate::client::feed::Pace;
use crate::client::tests::network::{After, Ask, Fate, HASTE, Network, device_code, next, page, problem};
use crate::client::{News, Transport, TransportChoice};
use crate::problem::ProblemCode;

#[tokio::test]
async fn to_long_polls_where_something_answers_in_the_socket_s_place() {
    for status in [200, 302, 400, 401, 403, 404, 405, 426, 500, 501, 502, 503, 504] {
        let network =
            Network::start(move |ask, _| if ask == Ask::Socket { page(status) } else { Fate::Pass }).await;
        let mut feed = network.feed(TransportChoice::Auto);
        settle(&mut feed, Transport::LongPoll).await;
        network.set(2, Status::Scanned);
        assert_eq!(version(&mut feed).await, (2, Transport::LongPoll), "HTTP {status}");
    }
}

#[tokio::test]
async fn to_long_polls_where_a_gateway_strips_the_upgrade() {
    for code in [ProblemCode::BadRequest, ProblemCode::NotFound, ProblemCode::MethodNotAllowed] {
        let network =
            Network::start(move |ask, _| if ask == Ask::Socket { problem(code, None) } else { Fate::Pass })
                .await;
        let mut feed = network.feed(TransportChoice::Auto);
        settle(&mut feed, Transport::LongPoll).await;
        assert_eq!(network.count(Ask::Socket), 1);
    }
}

#[tokio::test]
async fn to_long_polls_where_sockets_are_cut_at_once() {
    for fate in [|| Fate::Open(After::Cut), || Fate::Open(After::Close(1001)), || Fate::Drop] {
        let network =
            Network::start(move |ask, _| if ask == Ask::Socket { fate() } else { Fate::Pass }).await;
        let mut feed = network.feed(TransportChoice::Auto);
        settle(&mut feed, Transport::LongPoll).await;
        assert_eq!(network.count(Ask::Socket), 3, "a single cut may be chance");
        network.set(2, Status::Scanned);
        assert_eq!(version(&mut feed).await, (2, Transport::LongPoll));
    }
}

#[tokio::test]
async fn to_long_polls_where_a_socket_is_forged() {
    let network = Network::start(|ask, _| match ask {
        Ask::Socket => Fate::Answer(
            Response::builder()
                .status(101)
                .header("connection", "upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
                .body(Body::empty())
                .unwrap(),
        ),
        _ => Fate::Pass,
    })
    .await;
    let mut feed = network.feed(TransportChoice::Auto);
    settle(&mut feed, Transport::LongPoll).await;
    assert_eq!(network.count(Ask::Socket), 1);
}

#[tokio::test]
async fn to_long_polls_where_frames_are_held_back() {
    for (after, pace) in [
        (After::MuteFromTheStart, Pace { greeting: Duration::from_secs(1), ..HASTE }),
        (After::Mute, Pace { silence: Duration::from_millis(50), ..HASTE }),
    ] {
        let network = Network::start(move |ask, _| match ask {
            Ask::Socket => Fate::Open(after),
            _ => Fate::Pass,
        })
        .await;
        let mut feed = network.client(pace).follow(device_code(), TransportChoice::Auto);
        settle(&mut feed, Transport::LongPoll).await;
        assert_eq!(network.count(Ask::Socket), 1, "{after:?}");
    }
}

#[tokio::test]
async fn to_short_polls_where_waits_are_cut() {
    let cuts: [fn() -> Fate; 4] = [|| Fate::Drop, || page(504), || page(408), || page(503)];
    for cut in cuts {
        let network = Network::start(move |ask, _| match ask {
            Ask::Socket => page(400),
            Ask::Wait => cut(),
            Ask::Read => Fate::Pass,
        })
        .await;
        let mut feed = network.feed(TransportChoice::Auto);
        settle(&mut feed, Transport::Poll).await;
        assert_eq!(network.count(Ask::Wait), 2, "a single cut may be chance");
        network.set(2, Status::Scanned);
        assert_eq!(version(&mut feed).await, (2, Transport::Poll));
    }
}

#[tokio::test]
async fn to_short_polls_where_an_answer_is_held_back() {
    let network = Network::start(|ask, _| match ask {
        Ask::Socket => page(400),
        Ask::Wait => Fate::Hang,
        Ask::Read => Fate::Pass,
    })
    .await;
    let wait = Duration::from_millis(30);
    let pace = Pace { wait, wait_margin: wait, ..HASTE };
    let mut feed = network.client(pace).follow(device_code(), TransportChoice::Auto);
    settle(&mut feed, Transport::Poll).await;
    assert_eq!(network.count(Ask::Wait), 1, "waiting for it again would cost another half minute");
}

#[tokio::test]
async fn to_short_polls_where_the_wish_to_wait_is_lost() {
    let network = Network::start(|ask, _| match ask {
        Ask::Socket => page(400),
        Ask::Wait => Fate::Answer(IntoResponse::into_response(StatusCode::NOT_MODIFIED)),
        Ask::Read => Fate::Pass,
    })
    .await;
    let mut feed = network.feed(TransportChoice::Auto);
    settle(&mut feed, Transport::Poll).await;
    assert_eq!(network.count(Ask::Wait), 2);
}

#[tokio::test]
async fn never_where_one_transport_was_asked_for() {
    for (transport, ask) in
        [(Transport::WebSocket, Ask::Socket), (Transport::LongPoll, Ask::Wait), (Transport::Poll, Ask::Read)]
    {
        // The very first read of a long poll is a plain one: it is let through.
        let spare = usize::from(ask == Ask::Read);
        let network = Network::start(move |asked, before| {
            if asked == ask && (spare..6 + spare).contains(&before) { page(502) } else { Fate::Pass }
        })
        .await;
        let mut feed = network.feed(TransportChoice::Only(transport));
        let mut troubles = 0;
        network.set(2, Status::Scanned);
        let mut told = 0;
        loop {
            match next(&mut feed).await {
                Some(News::Trouble { error, .. }) => {
                    assert!(error.is_unreachable(), "{error:?}");
                    troubles += 1;
                    if troubles == 6 {
                        network.set(3, Status::Expired);
                    }
                }
                Some(News::Snapshot { snapshot, transport: by }) => {
                    assert_eq!(by, transport);
                    told = snapshot.version;
                }
                Some(News::Back { transport: by }) => assert_eq!(by, transport),
                Some(News::Gone(error)) => panic!("{error:?}"),
                None => break,
            }
        }
        assert_eq!((troubles, told), (6, 3), "{transport}");
        let others = network.asked().into_iter().filter(|asked| *asked != ask);
        let allowed = transport == Transport::LongPoll;
        assert!(others.into_iter().all(|asked| allowed && asked == Ask::Read), "{transport}");
    }
}
