//! Ends.

use super::{ALL_CHOICES, trouble, version};
use crate::api::close;
use crate::client::tests::network::{After, Ask, Fate, Network, next, page, problem};
use crate::client::{ClientError, Feed, News, TransportChoice};
use crate::exit::Exit;
use crate::problem::ProblemCode;

#[tokio::test]
async fn when_a_newer_waiter_took_its_place() {
    let network = Network::start(|_, _| Fate::Open(After::Close(close::REPLACED))).await;
    let mut feed = network.feed(TransportChoice::Auto);
    assert_eq!(version(&mut feed).await.0, 1);
    assert!(matches!(gone(&mut feed).await, ClientError::Unexpected(_)));
    assert!(next(&mut feed).await.is_none());
    assert_eq!(network.asked(), [Ask::Socket], "it does not come back");
}

#[tokio::test]
async fn when_a_socket_is_closed_for_good() {
    for (code, problem) in
        [(close::BAD_FRAME, ProblemCode::BadRequest), (close::SESSION_ENDED, ProblemCode::Unauthenticated)]
    {
        let network = Network::start(move |_, _| Fate::Open(After::Close(code))).await;
        let mut feed = network.feed(TransportChoice::Auto);
        assert_eq!(version(&mut feed).await.0, 1);
        assert_eq!(gone(&mut feed).await.problem().unwrap().code, problem);
        assert!(next(&mut feed).await.is_none());
    }
}

#[tokio::test]
async fn when_its_device_code_is_no_good() {
    for choice in ALL_CHOICES {
        for code in [ProblemCode::Unauthenticated, ProblemCode::WrongTokenKind] {
            let network = Network::start(move |_, _| problem(code, None)).await;
            let mut feed = network.feed(choice);
            let error = gone(&mut feed).await;
            assert_eq!(error.problem().map(|problem| problem.code), Some(code));
            assert_eq!(error.exit(), Exit::NotLoggedIn);
            assert!(next(&mut feed).await.is_none());
            assert_eq!(network.asked().len(), 1, "{choice}: asking again would only count as guessing");
        }
    }
}

#[tokio::test]
async fn but_not_because_the_network_has_a_log_in_page() {
    let network = Network::start(|_, before| if before < 3 { page(401) } else { Fate::Pass }).await;
    let mut feed = network.feed(TransportChoice::Auto);
    let (error, _) = trouble(&mut feed).await;
    assert!(matches!(error, ClientError::Unexpected(_)), "{error:?}");
    loop {
        match next(&mut feed).await {
            Some(News::Trouble { .. }) => {}
            Some(News::Snapshot { .. }) => break,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn and_takes_its_connection_along() {
    let network = Network::start(|_, _| Fate::Pass).await;
    let mut feed = network.feed(TransportChoice::Auto);
    version(&mut feed).await;
    network.sockets(1).await;
    drop(feed);
    network.sockets(0).await;
}

async fn gone(feed: &mut Feed) -> ClientError {
    match next(feed).await {
        Some(News::Gone(error)) => error,
        other => panic!("not gone but {other:?}"),
    }
}
