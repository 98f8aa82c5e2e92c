//! What comes, where nothing is in the way.

use futures_util::FutureExt;

use super::{settle, version};
use crate::api::Status;
use crate::client::tests::network::{After, Ask, Fate, HASTE, Network, device_code, next, page, snapshot};
use crate::client::{Feed, News, NotificationFeed, Transport, TransportChoice};

#[tokio::test]
async fn each_transition_once_by_each_transport_and_ends_with_the_login() {
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
async fn by_a_socket_where_it_may_choose() {
    let network = Network::start(|_, _| Fate::Pass).await;
    let mut feed = network.feed(TransportChoice::Auto);
    assert_eq!(version(&mut feed).await, (1, Transport::WebSocket));
    assert_eq!(network.asked(), [Ask::Socket], "nothing else is asked when that works");
}

#[tokio::test]
async fn nothing_twice_and_nothing_backwards() {
    let frames = [1, 1, 3, 2, 3, 4].map(|version| {
        let status = if version == 4 { Status::Denied } else { Status::Scanned };
        serde_json::to_string(&snapshot(version, status)).unwrap()
    });
    let network = Network::start(move |_, _| Fate::Frames(frames.to_vec())).await;
    let mut feed = network.feed(TransportChoice::Auto);
    let mut told = Vec::new();
    while let Some(news) = next(&mut feed).await {
        match news {
            News::Snapshot { snapshot, .. } => told.push(snapshot.version),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(told, [1, 3, 4]);
}

#[tokio::test]
async fn nothing_old_from_a_server_that_lost_its_memory() {
    let network = Network::start(|_, _| Fate::Pass).await;
    let mut feed = network.feed(TransportChoice::Only(Transport::Poll));
    network.set(3, Status::Scanned);
    assert_eq!(version(&mut feed).await.0, 3);
    network.set(2, Status::Unscanned);
    let seen = network.count(Ask::Read);
    let polled_on = async {
        while network.count(Ask::Read) < seen + 2 {
            tokio::task::yield_now().await;
        }
        network.set(4, Status::Confirmed);
    };
    let (told, ()) = tokio::join!(version(&mut feed), polled_on);
    assert_eq!(told.0, 4);
}

#[tokio::test]
async fn all_of_it_however_often_the_caller_turns_away() {
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        let network = Network::start(|_, _| Fate::Pass).await;
        let mut feed = network.feed(TransportChoice::Only(transport));
        let mut turned_away = 0;
        for at in 1..=20 {
            network.set(at, if at == 20 { Status::Expired } else { Status::Scanned });
            let told = loop {
                if let Some(news) = feed.next().now_or_never() {
                    break news;
                }
                turned_away += 1;
                tokio::task::yield_now().await;
            };
            let told =
                told.map(|news| matches!(news, News::Snapshot { snapshot, .. } if snapshot.version == at));
            assert_eq!(told, Some(true));
        }
        assert!(turned_away >= 20, "the test turned away {turned_away} times only");
    }
}

#[tokio::test]
async fn its_secret_in_a_header_and_nothing_in_the_address() {
    let network = Network::start(|ask, _| if ask == Ask::Socket { page(403) } else { Fate::Pass }).await;
    let secret = device_code();
    let mut feed = network.client(HASTE).follow(secret.clone(), TransportChoice::Auto);
    settle(&mut feed, Transport::LongPoll).await;
    network.set(2, Status::Scanned);
    version(&mut feed).await;
    network.set(3, Status::Denied);
    version(&mut feed).await;
    let seen = network.seen();
    let paths: Vec<_> = seen.iter().map(|(ask, _, path)| (*ask, path.as_str())).collect();
    let login = "/v1/login";
    assert_eq!(
        paths,
        [(Ask::Socket, "/v1/login/events"), (Ask::Read, login), (Ask::Wait, login), (Ask::Wait, login)]
    );
    for (_, headers, _) in &seen {
        assert_eq!(headers["authorization"], format!("Bearer {}", secret.expose()));
    }
    assert_eq!(seen[0].1["sec-websocket-version"], "13");
    for (wait, version) in seen[2..].iter().zip(["\"1\"", "\"2\""]) {
        assert_eq!(wait.1["prefer"], "wait=25");
        assert_eq!(wait.1["if-none-match"], version);
    }
}

#[tokio::test]
async fn an_answer_to_a_ping() {
    let network = Network::start(|_, _| Fate::Open(After::PingThenMute)).await;
    let mut feed = network.feed(TransportChoice::Auto);
    assert_eq!(version(&mut feed).await.0, 1);
    tokio::select! {
        () = network.pong() => {}
        news = feed.next() => panic!("{news:?}"),
    }
}

#[test]
fn from_thread_to_thread() {
    fn can_move<T: Send + 'static>() {}
    can_move::<Feed>();
    can_move::<NotificationFeed>();
    can_move::<News>();
}
