//! Neither sooner nor more often than it should. Only least times are asserted: a busy machine is late.

use std::time::Duration;

use tokio::time::Instant;

use super::{settle, trouble, version};
use crate::api::Status;
use crate::client::feed::Pace;
use crate::client::tests::network::{Ask, Fate, HASTE, Network, device_code, next, page};
use crate::client::{News, Transport, TransportChoice};

#[tokio::test]
async fn no_try_comes_before_its_time() {
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        let network = Network::start(|_, _| page(502)).await;
        let pace = Pace { first_pause: Duration::from_millis(20), ..HASTE };
        let mut feed = network.client(pace).follow(device_code(), TransportChoice::Only(transport));
        let (_, mut pause) = trouble(&mut feed).await;
        for _ in 0..4 {
            let begun_at = Instant::now();
            let (_, next_pause) = trouble(&mut feed).await;
            // A timer's grain is a millisecond.
            assert!(begun_at.elapsed() + Duration::from_millis(2) >= pause, "{transport}");
            pause = next_pause;
        }
    }
}

#[tokio::test]
async fn short_polls_keep_their_distance() {
    let network = Network::start(|_, _| Fate::Pass).await;
    let mut feed = network.feed(TransportChoice::Only(Transport::Poll));
    let begun_at = Instant::now();
    for at in 1..=5 {
        network.set(at, Status::Scanned);
        assert_eq!(version(&mut feed).await, (at, Transport::Poll));
    }
    assert!(begun_at.elapsed() + Duration::from_millis(2) >= HASTE.poll_interval * 4);
}

#[tokio::test]
async fn long_polls_that_do_not_wait_keep_the_distance_of_short_ones() {
    let network = Network::start(|ask, before| match ask {
        Ask::Wait if before < 4 => Fate::NothingNewFor(Duration::ZERO),
        _ => Fate::Pass,
    })
    .await;
    let mut feed = network.feed(TransportChoice::Only(Transport::LongPoll));
    assert_eq!(version(&mut feed).await.0, 1);
    let begun_at = Instant::now();
    let go_on = async {
        while network.count(Ask::Wait) < 5 {
            tokio::task::yield_now().await;
        }
        network.set(2, Status::Scanned);
    };
    let (told, ()) = tokio::join!(version(&mut feed), go_on);
    assert_eq!(told, (2, Transport::LongPoll));
    assert!(begun_at.elapsed() + Duration::from_millis(2) >= HASTE.poll_interval * 4);
}

#[tokio::test]
async fn pauses_are_short_again_after_an_answer() {
    let network = Network::start(|_, before| if before % 2 == 1 { page(502) } else { Fate::Pass }).await;
    let mut feed = network.feed(TransportChoice::Only(Transport::Poll));
    let mut troubles = 0;
    while troubles < 6 {
        match next(&mut feed).await {
            Some(News::Trouble { retry_in, .. }) => {
                assert!(retry_in <= HASTE.first_pause, "{retry_in:?}");
                troubles += 1;
            }
            Some(News::Snapshot { .. } | News::Back { .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_cut_between_full_waits_is_forgiven() {
    const WAIT: Duration = Duration::from_millis(30);
    let network = Network::start(|ask, before| match (ask, before) {
        (Ask::Socket, _) => page(400),
        (Ask::Wait, 0 | 2 | 4) => Fate::Drop,
        (Ask::Wait, 1 | 3) => Fate::NothingNewFor(WAIT),
        _ => Fate::Pass,
    })
    .await;
    let mut feed = network.client(Pace { wait: WAIT, ..HASTE }).follow(device_code(), TransportChoice::Auto);
    settle(&mut feed, Transport::LongPoll).await;
    let go_on = async {
        while network.count(Ask::Wait) < 6 {
            tokio::task::yield_now().await;
        }
        network.set(2, Status::Scanned);
    };
    let (told, ()) = tokio::join!(version(&mut feed), go_on);
    assert_eq!(told, (2, Transport::LongPoll));
}
