//! One login, each step of it on another node.

use std::time::Duration;

use server::clock::Clock;
use shared::api::{Password, PhoneLogin, Registration, ScanRequest};
use shared::client::{Feed, News, Redeemed, Transport, TransportChoice};
use shared::login::Status;
use shared::secret::{PhoneToken, Token};

use crate::support::nodes::{Deployment, Node};
use crate::support::redis::Redis;
use crate::support::{PASSWORD, pc};

/// A wait that takes this long was in vain.
const IN_VAIN: Duration = Duration::from_secs(30);

/// The token of a phone of a new account.
async fn phone_token(at: &Node, username: &str) -> Token<PhoneToken> {
    let password = || Password::new(PASSWORD.to_owned());
    let body = Registration { username: username.to_owned(), password: password() };
    at.client().register(&body).await.unwrap();
    let body = PhoneLogin { username: username.to_owned(), password: password(), device_name: None };
    at.client().log_in(&body).await.unwrap().phone_token
}

/// Waits until a feed tells of a status.
async fn heard(feed: &mut Feed, status: Status) {
    let news = async {
        loop {
            match feed.next().await {
                Some(News::Snapshot { snapshot, .. }) if snapshot.status == status => return,
                Some(_) => {}
                None => panic!("the feed ended before {status:?}"),
            }
        }
    };
    tokio::time::timeout(IN_VAIN, news).await.unwrap_or_else(|_| panic!("{status:?} was not heard of"));
}

/// Issued on the first node, scanned on the second, confirmed on the third, waited for on the first, redeemed on the
/// second, used on the third.
async fn log_in(redis: Redis, transport: Transport) {
    let clock = Clock::system();
    let (deployment, nodes) = Deployment::three(&redis, &clock, |_| {}).await;
    let [first, second, third] = nodes.as_slice() else { unreachable!("there are three") };
    let token = phone_token(first, "emma").await;
    let (scanning, confirming) = (second.client().phone(token.clone()), third.client().phone(token));
    let mut slowest = Duration::ZERO;
    // A poll takes its two seconds for each step.
    for _ in 0..if transport == Transport::Poll { 1 } else { 10 } {
        let issued = first.client().issue(&pc()).await.unwrap();
        let choice = TransportChoice::Only(transport);
        let mut feed = first.client().follow(issued.device_code.clone(), choice);
        heard(&mut feed, Status::Unscanned).await;
        // The QR names the deployment, whichever node made it.
        let code = deployment.settings.public_url.scan_code_in(&issued.verification_uri_complete).unwrap();
        let scanned = scanning.scan(&ScanRequest::scan_code(&code)).await.unwrap();
        heard(&mut feed, Status::Scanned).await;
        let began = clock.now();
        confirming.confirm(&scanned.confirm_token).await.unwrap();
        heard(&mut feed, Status::Confirmed).await;
        slowest = slowest.max(clock.now().duration_since(began).unsigned_abs());
        let redeemed = second.client().redeem("tests", &issued.device_code, None).await.unwrap();
        let Redeemed::Tokens(tokens) = redeemed else { panic!("it was confirmed") };
        assert_eq!(third.client().me(&tokens.access_token).await.unwrap().username.as_str(), "emma");
    }
    println!("{transport:?}: {slowest:?} at most from the call that confirms to the PC's hearing of it");
}

macro_rules! every_way {
    ($($name:ident: $redis:ident, $transport:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $name() {
            log_in(Redis::$redis().await, Transport::$transport).await;
        }
    )*};
}

every_way! {
    on_one_redis_heard_of_by_websocket: alone, WebSocket;
    on_one_redis_heard_of_by_long_poll: alone, LongPoll;
    on_one_redis_heard_of_by_poll: alone, Poll;
    on_a_cluster_heard_of_by_websocket: cluster, WebSocket;
    on_a_cluster_heard_of_by_long_poll: cluster, LongPoll;
    on_a_cluster_heard_of_by_poll: cluster, Poll;
}
