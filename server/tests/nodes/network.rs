//! The network between one node and its Redis fails, and gets well again.
//!
//! ```text
//!   PCs, a phone --- far ---~~ weather ~~--- Redis --- near --- the phone
//! ```
//!
//! Meanwhile every call to the far node is answered, as by a store that is
//! away; and what happens by way of the near one is told to whoever waits at
//! the far one, as soon as that hears again. Nothing is restarted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use server::clock::Clock;
use shared::api::{DeviceAuthorization, Password, PhoneLogin, Registration, ScanRequest};
use shared::client::{ClientError, Feed, News, Phone, Redeemed, Transport, TransportChoice};
use shared::login::Status;

use super::load::{IN_VAIN, is_away, patient, roomy};
use crate::support::nodes::{Deployment, Node};
use crate::support::proxy::{Proxy, Weather};
use crate::support::redis::Redis;
use crate::support::{PASSWORD, pc};

/// Two nodes, of which one is far.
struct Scene {
    deployment: Deployment,
    proxy: Arc<Proxy>,
    far: Node,
    near: Node,
    /// The same phone, as it speaks to each.
    far_phone: Phone,
    near_phone: Phone,
    clock: Clock,
    /// The longest that a call to the far node took, by what came of it.
    longest: BTreeMap<(&'static str, &'static str), Duration>,
    _redis: Redis,
}

impl Scene {
    async fn set() -> Self {
        let redis = Redis::alone().await;
        let proxy = Arc::new(Proxy::to(redis.addr()).await);
        let place = format!("redis://{}", proxy.addr()).parse().unwrap();
        let deployment = Deployment::begin(roomy).await;
        let far = Node::start(&place, &redis.options(), Clock::system(), &deployment).await;
        let near = Node::start(redis.place(), &redis.options(), Clock::system(), &deployment).await;
        let password = || Password::new(PASSWORD.to_owned());
        let body = Registration { username: "emma".to_owned(), password: password() };
        near.client().register(&body).await.unwrap();
        let body = PhoneLogin { username: "emma".to_owned(), password: password(), device_name: None };
        let token = near.client().log_in(&body).await.unwrap().phone_token;
        let (far_phone, near_phone) = (far.client().phone(token.clone()), near.client().phone(token));
        let (clock, longest) = (Clock::system(), BTreeMap::new());
        Self { deployment, proxy, far, near, far_phone, near_phone, clock, longest, _redis: redis }
    }

    fn scan_of(&self, issued: &DeviceAuthorization) -> ScanRequest {
        let code = self.deployment.settings.public_url.scan_code_in(&issued.verification_uri_complete);
        ScanRequest::scan_code(&code.unwrap())
    }

    /// Every kind of call to the far node, once. Each is answered, in time, with what it asked for or with "away".
    async fn call_all(&mut self, pending: &DeviceAuthorization) {
        let client = self.far.client();
        let began = self.clock.now();
        self.answered("issue", began, client.issue(&pc()).await);
        let began = self.clock.now();
        self.answered("status", began, client.snapshot(&pending.device_code).await);
        let began = self.clock.now();
        self.answered("scan", began, self.far_phone.scan(&self.scan_of(pending)).await);
        let began = self.clock.now();
        self.answered("sessions", began, self.far_phone.sessions().await);
        let began = self.clock.now();
        // It is held for a while, and then told to come back later.
        let redeemed = client.redeem("tests", &pending.device_code, None).await;
        assert!(matches!(redeemed, Ok(Redeemed::Pending { .. } | Redeemed::SlowDown)), "{redeemed:?}");
        self.took("redeem", "answered", began);
    }

    fn answered<T>(&mut self, what: &'static str, began: Timestamp, answer: Result<T, ClientError>) {
        match answer {
            Ok(_) => self.took(what, "done", began),
            Err(error) => {
                assert!(is_away(&error), "{what} is answered {error:?}");
                self.took(what, "away", began);
            }
        }
    }

    fn took(&mut self, what: &'static str, outcome: &'static str, began: Timestamp) {
        let took = self.clock.now().duration_since(began).unsigned_abs();
        let longest = self.longest.entry((what, outcome)).or_default();
        *longest = took.max(*longest);
    }
}

/// Waits until a feed tells of a status.
async fn heard(feed: &mut Feed, status: Status) {
    let news = async {
        while let Some(news) = feed.next().await {
            if matches!(news, News::Snapshot { snapshot, .. } if snapshot.status == status) {
                return;
            }
        }
        panic!("a feed ended before {status:?}");
    };
    tokio::time::timeout(IN_VAIN, news).await.unwrap_or_else(|_| panic!("{status:?} was not heard of"));
}

async fn outlast(weather: Weather, lasts: Duration) {
    let mut scene = Scene::set().await;
    let mut waiting = Vec::new();
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        let issued = scene.near.client().issue(&pc()).await.unwrap();
        let mut feed =
            scene.far.client().follow(issued.device_code.clone(), TransportChoice::Only(transport));
        heard(&mut feed, Status::Unscanned).await;
        let scanned = scene.near_phone.scan(&scene.scan_of(&issued)).await.unwrap();
        heard(&mut feed, Status::Scanned).await;
        waiting.push((transport, issued, feed, scanned.confirm_token));
    }
    let pending = scene.near.client().issue(&pc()).await.unwrap();

    let spell = tokio::spawn({
        let (proxy, clock) = (scene.proxy.clone(), scene.clock.clone());
        proxy.set(weather);
        async move {
            proxy.spell(weather, lasts).await;
            clock.now()
        }
    });
    for (_, _, _, token) in &waiting {
        scene.near_phone.confirm(token).await.unwrap();
    }
    // A call may begin while the weather is bad, and end when it is fair.
    while !spell.is_finished() {
        scene.call_all(&pending).await;
    }
    let fair_at = spell.await.unwrap();

    let clock = scene.clock.clone();
    let told = waiting.iter_mut().map(async |(transport, _, feed, _)| {
        heard(feed, Status::Confirmed).await;
        (*transport, clock.now().duration_since(fair_at))
    });
    for (transport, after) in futures_util::future::join_all(told).await {
        println!("{weather:?} for {lasts:?}: heard of by {transport} {after:.2?} after it");
    }
    // And it all works, without a restart.
    let client = scene.far.client();
    for (_, issued, _, _) in &waiting {
        let redeemed = patient(async || client.redeem("tests", &issued.device_code, None).await).await;
        let Redeemed::Tokens(tokens) = redeemed else { panic!("{redeemed:?}") };
        patient(async || client.me(&tokens.access_token).await).await;
    }
    scene
        .longest
        .iter()
        .for_each(|((what, outcome), took)| println!("{what}, {outcome}: {took:.2?} at most"));
    scene.longest.clear();
    let fresh = patient(async || client.issue(&pc()).await).await;
    scene.call_all(&fresh).await;
    let away = scene.longest.keys().find(|(_, outcome)| *outcome == "away");
    assert_eq!(away, None, "the network is well again");
    let Scene { far, near, .. } = scene;
    far.stop().await;
    near.stop().await;
}

macro_rules! weathers {
    ($($short:ident, $long:ident: $weather:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $short() {
            outlast(Weather::$weather, Duration::from_secs(1)).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        #[ignore = "takes half a minute"]
        async fn $long() {
            outlast(Weather::$weather, Duration::from_secs(30)).await;
        }
    )*};
}

weathers! {
    a_network_that_stalls_for_a_moment, a_network_that_stalls_for_long: Stalled;
    a_network_that_is_cut_for_a_moment, a_network_that_is_cut_for_long: Cut;
    a_network_that_is_shut_on_one_side_for_a_moment, a_network_that_is_shut_on_one_side_for_long: HalfClosed;
}
