//! The status feed: what it tells, whatever happens on the way.

mod carries;
mod comes_back;
mod falls_back;
mod goes;
mod paces;

use std::time::Duration;

use super::network::next;
use crate::client::{ClientError, Feed, News, Transport, TransportChoice};

const ALL_CHOICES: [TransportChoice; 4] = [
    TransportChoice::Auto,
    TransportChoice::Only(Transport::WebSocket),
    TransportChoice::Only(Transport::LongPoll),
    TransportChoice::Only(Transport::Poll),
];

/// The next news, which must be a snapshot: its version and what carried it.
async fn version(feed: &mut Feed) -> (u64, Transport) {
    match next(feed).await {
        Some(News::Snapshot { snapshot, transport }) => (snapshot.version, transport),
        other => panic!("no snapshot but {other:?}"),
    }
}

/// Follows a login of version 1 until `transport` carries the feed. There must be no trouble on the way.
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

async fn trouble(feed: &mut Feed) -> (ClientError, Duration) {
    match next(feed).await {
        Some(News::Trouble { error, retry_in }) => (error, retry_in),
        other => panic!("no trouble but {other:?}"),
    }
}
