//! Whole logins over a real socket, with a held clock.

use crate::support::Server;
use shared::api::{ScanRequest, Snapshot, Status};
use shared::client::{Feed, News, Redeemed, Transport, TransportChoice};
use shared::code::UserCode;

/// The next status of a feed.
async fn next(feed: &mut Feed) -> Snapshot {
    loop {
        match feed.next().await {
            Some(News::Snapshot { snapshot, .. }) => return snapshot,
            Some(News::Trouble { .. }) => {}
            other => panic!("the feed ended: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_pc_is_logged_in_by_a_phone_and_hears_of_it_on_every_transport() {
    let server = Server::start().await;
    let phone = server.phone("alice").await;
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        let pc = server.client();
        let issued = server.issue().await;
        let mut feed = pc.follow(issued.device_code.clone(), TransportChoice::Only(transport));
        assert_eq!(next(&mut feed).await.status, Status::Unscanned);

        let code = server.url.scan_code_in(&issued.verification_uri_complete).unwrap();
        let scanned = phone.scan(&ScanRequest::scan_code(&code)).await.unwrap();
        assert_eq!(scanned.login.device_name.as_deref(), Some("desk"));
        assert_eq!(
            (scanned.login.same_network, scanned.login.ip.as_deref()),
            (Some(true), Some("127.0.0.1"))
        );
        let snapshot = next(&mut feed).await;
        assert_eq!((snapshot.status, snapshot.scanned_by.as_deref()), (Status::Scanned, Some("a***e")));

        phone.confirm(&scanned.confirm_token).await.unwrap();
        assert_eq!(next(&mut feed).await.status, Status::Confirmed);

        let Redeemed::Tokens(tokens) = pc.redeem("tests", &issued.device_code, None).await.unwrap() else {
            panic!("confirmed, and no tokens");
        };
        let snapshot = next(&mut feed).await;
        assert_eq!((snapshot.status, snapshot.expires_in, snapshot.scanned_by), (Status::LoggedIn, 0, None));
        assert_eq!(snapshot.username.unwrap().as_str(), "alice");
        assert!(feed.next().await.is_none());
        assert_eq!(pc.me(&tokens.access_token).await.unwrap().username.as_str(), "alice");
    }
}

#[tokio::test]
async fn a_typed_code_does_what_a_scanned_one_does() {
    let server = Server::start().await;
    let (phone, issued) = (server.phone("alice").await, server.issue().await);
    let typed = UserCode::parse(&issued.user_code.dashed().to_lowercase().replace('-', " ")).unwrap();
    let scanned = phone.scan(&ScanRequest::user_code(&typed)).await.unwrap();
    phone.confirm(&scanned.confirm_token).await.unwrap();
    assert!(matches!(
        server.client().redeem("tests", &issued.device_code, None).await,
        Ok(Redeemed::Tokens(_))
    ));
}

#[tokio::test]
async fn expiry_reaches_every_transport_without_a_poll() {
    let server = Server::start().await;
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        let issued = server.issue().await;
        let mut feed = server.client().follow(issued.device_code.clone(), TransportChoice::Only(transport));
        assert_eq!(next(&mut feed).await.expires_in, 120);
        server.advance_secs(120);
        let snapshot = next(&mut feed).await;
        assert_eq!((snapshot.status, snapshot.version, snapshot.expires_in), (Status::Expired, 2, 0));
        assert!(feed.next().await.is_none());
    }
}

#[tokio::test]
async fn a_denial_and_a_cancellation_reach_the_pc() {
    let server = Server::start().await;
    let phone = server.phone("alice").await;
    let issued = server.issue().await;
    let mut feed =
        server.client().follow(issued.device_code.clone(), TransportChoice::Only(Transport::WebSocket));
    let code = server.url.scan_code_in(&issued.verification_uri_complete).unwrap();
    let scanned = phone.scan(&ScanRequest::scan_code(&code)).await.unwrap();
    phone.deny(&scanned.confirm_token, false).await.unwrap();
    while !next(&mut feed).await.status.is_terminal() {}
    assert_eq!(server.client().snapshot(&issued.device_code).await.unwrap().status, Status::Denied);

    let issued = server.issue().await;
    let mut feed =
        server.client().follow(issued.device_code.clone(), TransportChoice::Only(Transport::LongPoll));
    assert_eq!(next(&mut feed).await.status, Status::Unscanned);
    server.client().cancel(&issued.device_code).await.unwrap();
    assert_eq!(next(&mut feed).await.status, Status::Cancelled);
}
