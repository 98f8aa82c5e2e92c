//! A shard of the cluster fails over in the middle of many logins.
//!
//! Callers wait and succeed, or hear that the store is away; nobody hears
//! anything that is not so, and whoever waits is told afterwards. What was
//! acknowledged with the word of a replica is not taken back.

use std::sync::Arc;
use std::time::Duration;

use oauth2::basic::BasicClient;
use oauth2::{
    ClientId, DeviceAuthorizationUrl, HttpRequest, HttpResponse, StandardDeviceAuthorizationResponse,
    TokenResponse as _, TokenUrl,
};
use server::clock::Clock;
use server::store::redis::Options;
use shared::api::ScanRequest;
use shared::client::Phone;

use super::history::Promise;
use super::load::{IN_VAIN, Load, judge, patient, roomy, taken_back};
use crate::support::nodes::{Deployment, Node};
use crate::support::redis::Redis;

/// A key of the shard that is to fail: every issue goes there, and a third of all that follows.
const HIT: &str = "{open}";

/// What happens to the shard.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    /// Its primary is killed, and started again once the replica has taken over.
    Killed,
    /// The same, but that the replica has not had the last that it acknowledged.
    KilledAhead,
    /// Its primary falls silent, with all connections to it open.
    Silent,
    /// Primary and replica change places, as for a restart.
    Planned,
    /// Its slots move to another shard.
    Moved,
}

/// Three nodes on a cluster, and logins on them.
struct Scene {
    redis: Redis,
    deployment: Deployment,
    nodes: Vec<Node>,
    load: Arc<Load>,
}

impl Scene {
    async fn set(replicas: u8) -> Self {
        let redis = Redis::with_replicas().await;
        let deployment = Deployment::begin(roomy).await;
        let options = Options { replicas, ..redis.options() };
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(Node::start(redis.place(), &options, Clock::system(), &deployment).await);
        }
        deployment.serve(&nodes);
        let load = Arc::new(Load::begin(&deployment, &nodes).await);
        Self { redis, deployment, nodes, load }
    }

    async fn strike(&mut self, blow: Blow) {
        let owner = self.redis.owner_of(HIT).unwrap();
        let began = self.load.now();
        match blow {
            Blow::Killed => self.redis.kill(owner),
            Blow::KilledAhead => {
                let replica = self.redis.replica_of(owner);
                self.redis.pause(replica);
                // What is under way to it already, it would still read.
                self.redis.cli(owner, &["CLIENT", "KILL", "TYPE", "replica"]);
                // Long enough for many answers, and not for the replica to be taken for dead itself.
                tokio::time::sleep(Duration::from_millis(600)).await;
                self.redis.kill(owner);
                self.redis.resume(replica);
            }
            Blow::Silent => self.redis.pause(owner),
            Blow::Planned => {
                self.redis.cli(self.redis.replica_of(owner), &["CLUSTER", "FAILOVER"]);
            }
            Blow::Moved => {
                let to = (0..3).find(|&other| other != owner).unwrap();
                let (from, to) = (self.id(owner), self.id(to));
                let at = self.redis.addr_of(owner);
                let said = self.redis.cli(
                    owner,
                    &[
                        "--cluster",
                        "reshard",
                        &at,
                        "--cluster-from",
                        &from,
                        "--cluster-to",
                        &to,
                        "--cluster-slots",
                        "5461",
                        "--cluster-yes",
                    ],
                );
                assert!(!said.contains("[ERR]"), "{said}");
            }
        }
        self.redis.taken_over(HIT, owner).await;
        self.load.is_back();
        println!("{blow:?}: taken over after {:.2?}", self.load.now().duration_since(began));
        match blow {
            Blow::Killed | Blow::KilledAhead => {
                self.redis.restart(owner).await;
                self.redis.follows(owner).await;
            }
            Blow::Silent => {
                // Nobody may need it to come back.
                let done = self.load.done_so_far();
                self.load.done(done + 100).await;
                self.redis.resume(owner);
                self.redis.follows(owner).await;
            }
            Blow::Planned | Blow::Moved => {}
        }
        println!("{blow:?}: whole again after {:.2?}", self.load.now().duration_since(began));
    }

    /// The name that a process has in its cluster.
    fn id(&self, number: usize) -> String {
        self.redis.cli(number, &["CLUSTER", "MYID"]).trim().to_owned()
    }

    async fn end(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// Plays logins, strikes in the middle, and judges. Answers in how many something was taken back.
async fn survive(blow: Blow, replicas: u8, logins: usize) -> usize {
    let mut scene = Scene::set(replicas).await;
    let load = scene.load.clone();
    let stock = StockClient::begin(&scene.deployment).await;
    let histories = load
        .play(logins, async {
            load.done(logins / 4).await;
            scene.strike(blow).await;
        })
        .await;
    let phone = load.phone_of_anybody();
    stock.succeeds(&scene.deployment, &phone).await;
    load.print();
    let taken_back = if replicas > 0 || matches!(blow, Blow::Planned | Blow::Moved) {
        judge(&histories, Promise::Safe)
    } else {
        taken_back(&histories)
    };
    println!(
        "{blow:?}, {replicas} replicas waited for: in {taken_back} of {logins} logins something was taken back"
    );
    scene.end().await;
    taken_back
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_replicas_have_outlives_a_primary_that_is_killed() {
    survive(Blow::KilledAhead, 1, 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_no_replica_has_may_be_taken_back() {
    // So the test above can fail: these are the same logins, but that nobody waits for a replica.
    assert_ne!(survive(Blow::KilledAhead, 0, 400).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn without_waiting_for_replicas_logins_go_on_after_a_primary_was_killed() {
    // What is taken back here is measured, and not promised.
    survive(Blow::Killed, 0, 300).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_primary_that_falls_silent_is_given_up_though_no_connection_breaks() {
    survive(Blow::Silent, 0, 500).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_planned_failover_takes_nothing_back() {
    assert_eq!(survive(Blow::Planned, 0, 300).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn slots_that_move_lose_nothing() {
    assert_eq!(survive(Blow::Moved, 0, 400).await, 0);
}

/// `cargo test -p server --test nodes -- --ignored --nocapture ten_thousand`
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes"]
async fn ten_thousand_logins_through_a_primary_that_is_killed() {
    survive(Blow::Killed, 1, 10_000).await;
}

/// A client that nobody here wrote, which polls all the while.
struct StockClient {
    details: StandardDeviceAuthorizationResponse,
    polled: tokio::task::JoinHandle<String>,
}

impl StockClient {
    async fn begin(deployment: &Deployment) -> Self {
        let url = &deployment.settings.public_url;
        let client = BasicClient::new(ClientId::new("a stock client".to_owned()))
            .set_device_authorization_url(
                DeviceAuthorizationUrl::new(url.join("/oauth/device_authorization")).unwrap(),
            )
            .set_token_uri(TokenUrl::new(url.join("/oauth/token")).unwrap());
        let http = crate::support::http();
        let sender = move |request| send(http.clone(), request);
        let details: StandardDeviceAuthorizationResponse =
            client.exchange_device_code().request_async(&sender).await.unwrap();
        let asked = details.clone();
        let polled = tokio::spawn(async move {
            let request = client.exchange_device_access_token(&asked);
            let tokens = request.request_async(&sender, tokio::time::sleep, None).await;
            tokens.expect("a stock client gave up").access_token().secret().clone()
        });
        Self { details, polled }
    }

    /// A phone lets it in, and it hears of that.
    async fn succeeds(self, deployment: &Deployment, phone: &Phone) {
        let url = self.details.verification_uri_complete().unwrap().secret();
        let body = ScanRequest::scan_code(&deployment.settings.public_url.scan_code_in(url).unwrap());
        let scanned = patient(async || phone.scan(&body).await).await;
        patient(async || phone.confirm(&scanned.confirm_token).await).await;
        // It waits for as long as it was told to: five seconds more for each time.
        let token = tokio::time::timeout(IN_VAIN * 2, self.polled).await.unwrap().unwrap();
        assert!(token.starts_with("pc_"));
    }
}

async fn send(http: reqwest::Client, request: HttpRequest) -> Result<HttpResponse, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let request = http.request(parts.method, parts.uri.to_string()).headers(parts.headers).body(body);
    let response = request.timeout(Duration::from_secs(15)).send().await?;
    let mut answer = http::Response::builder().status(response.status());
    *answer.headers_mut().unwrap() = response.headers().clone();
    Ok(answer.body(response.bytes().await?.to_vec()).unwrap())
}
