//! The status feed: what it tells, whatever happens on the way.

use super::network::{Ask, Fate, Network, next, page};
use crate::api::Status;
use crate::client::{Feed, News, Transport, TransportChoice};

/// The next news, which must be a snapshot: its version and what carried it.
async fn version(feed: &mut Feed) -> (u64, Transport) {
    match next(feed).await {
        Some(News::Snapshot { snapshot, transport }) => (snapshot.version, transport),
        other => panic!("no snapshot but {other:?}"),
    }
}

/// Follows a login of version 1 until `transport` carries the feed.
async fn settle(feed: &mut Feed, transport: Transport) {
    loop {
        match next(feed).await {
            Some(News::Back { transport: by }) if by == transport => return,
            Some(News::Snapshot { snapshot, transport: by }) => {
                assert_eq!(snapshot.version, 1);
                if by == transport {
                    return;
                }
            }
            other => panic!("no way to settle: {other:?}"),
        }
    }
}

#[tokio::test]
async fn each_transport_tells_each_transition_once_and_ends_with_the_login() {
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        let network = Network::start(|_, _| Fate::Pass).await;
        let mut feed = network.feed(TransportChoice::Only(transport));
        let steps = [Status::Unscanned, Status::Scanned, Status::Confirmed, Status::LoggedIn];
        for (at, status) in (1..).zip(steps) {
            network.set(at, status);
            assert_eq!(version(&mut feed).await, (at, transport));
        }
        assert!(next(&mut feed).await.is_none());
        assert!(next(&mut feed).await.is_none(), "it stays ended");
    }
}

#[tokio::test]
async fn a_network_that_refuses_sockets_gets_long_polls() {
    for status in [200, 302, 400, 403, 404, 405, 426, 500, 501, 502, 504] {
        let network =
            Network::start(move |ask, _| if ask == Ask::Socket { page(status) } else { Fate::Pass }).await;
        let mut feed = network.feed(TransportChoice::Auto);
        settle(&mut feed, Transport::LongPoll).await;
        network.set(2, Status::Scanned);
        assert_eq!(version(&mut feed).await, (2, Transport::LongPoll), "HTTP {status}");
    }
}
