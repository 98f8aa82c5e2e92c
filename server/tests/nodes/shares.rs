//! What counts on one node counts on all: tries and proofs. Whoever spreads them over the nodes gains nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use futures_util::future::join_all;
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};
use server::clock::Clock;
use server::store::{OpenCaps, Rate};
use shared::api::GRANT_DEVICE_CODE;
use shared::dpop::Key;
use shared::random::OsRandom;

use crate::support::nodes::{Deployment, Node};
use crate::support::redis::Redis;
use crate::support::{PASSWORD, START, http};

/// How many tries each limit of this test allows.
const ALLOWED: u32 = 4;
/// How many are made: three on each node, which by itself would let all of them pass.
const TRIES: usize = 9;
const ISSUE: &str = "/oauth/device_authorization";

/// Three nodes, and somebody who goes to all of them.
struct Attacker {
    nodes: Vec<Node>,
    deployment: Deployment,
    clock: Clock,
    /// Held for as long as the nodes are there.
    _redis: Redis,
}

impl Attacker {
    async fn set(set: impl FnOnce(&mut server::Settings)) -> Self {
        let redis = Redis::cluster().await;
        let clock = Clock::held(START.parse().unwrap());
        let (deployment, nodes) = Deployment::three(&redis, &clock, set).await;
        Self { nodes, deployment, clock, _redis: redis }
    }

    /// Makes the same try on one node after the other; answers what each was told.
    async fn one_by_one(&self, make: impl Fn(&str) -> RequestBuilder) -> Vec<String> {
        let mut told = Vec::new();
        for turn in 0..TRIES {
            told.push(self.try_on(turn, &make).await);
        }
        told
    }

    /// Makes all tries at once.
    async fn at_once(&self, make: impl Fn(&str) -> RequestBuilder) -> Vec<String> {
        join_all((0..TRIES).map(|turn| self.try_on(turn, &make))).await
    }

    async fn try_on(&self, turn: usize, make: &impl Fn(&str) -> RequestBuilder) -> String {
        let url = format!("http://{}", self.nodes[turn % self.nodes.len()].addr);
        let answer = make(&url).send().await.unwrap();
        let status = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        format!("{status} {}", body["error"].as_str().or(body["code"].as_str()).unwrap_or_default())
    }

    /// Makes a phone of a new account.
    async fn phone(&self, username: &str) -> String {
        let url = format!("http://{}", self.nodes[0].addr);
        let account = json!({"username": username, "password": PASSWORD});
        for path in ["/v1/accounts", "/v1/phones"] {
            let answer = from(1).post(format!("{url}{path}")).json(&account).send().await.unwrap();
            assert!(answer.status().is_success());
            if path == "/v1/phones" {
                let body: Value = answer.json().await.unwrap();
                return body["phone_token"].as_str().unwrap().to_owned();
            }
        }
        unreachable!("it has returned")
    }

    async fn end(self) {
        for node in self.nodes {
            node.stop().await;
        }
    }
}

/// Somebody whose connections come from one of the addresses of this machine.
fn from(number: u8) -> Client {
    let addr = IpAddr::from(Ipv4Addr::new(127, 0, 0, number));
    drop(http());
    Client::builder().no_proxy().local_address(addr).build().unwrap()
}

/// As many tries passed as are allowed, and all others were told that they were too many.
fn assert_limited(what: &str, told: &[String], passed: &str, refused: &str) {
    let count = |answer: &str| told.iter().filter(|told| *told == answer).count();
    let allowed = usize::try_from(ALLOWED).unwrap();
    assert_eq!((count(passed), count(refused)), (allowed, told.len() - allowed), "{what}: {told:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_spreads_tries_over_the_nodes_gets_no_more_of_them() {
    let few = Rate { count: ALLOWED, per: Duration::from_mins(1) };
    let attacker = Attacker::set(|settings| {
        let limits = &mut settings.limits;
        (limits.issue, limits.scan, limits.user_code, limits.device_code) = (few, few, few, few);
        (limits.password, limits.register) = (few, few);
    })
    .await;
    let (alice, bob) = (attacker.phone("alice").await, attacker.phone("bob").await);
    let (one, other) = (from(2), from(3));
    let unknown_scan_code = "7KAAAAAAAAAAAAAAAAAAAA";

    let issue = |by: &Client| {
        let by = by.clone();
        move |url: &str| by.post(format!("{url}{ISSUE}")).form(&[("client_id", "tests")])
    };
    for told in [attacker.one_by_one(issue(&one)).await, attacker.at_once(issue(&other)).await] {
        assert_limited("issue", &told, "200 ", "429 slow_down");
    }
    for (what, body, unknown) in [
        ("scan", json!({"scan_code": unknown_scan_code}), "404 code_not_found"),
        ("user code", json!({"user_code": "WDJB-MJHT"}), "404 code_not_found"),
    ] {
        let scan = |token: &str| {
            let (token, body, by) = (token.to_owned(), body.clone(), one.clone());
            move |url: &str| by.post(format!("{url}/v1/scans")).bearer_auth(&token).json(&body)
        };
        for told in [attacker.one_by_one(scan(&alice)).await, attacker.at_once(scan(&bob)).await] {
            assert_limited(what, &told, unknown, "429 rate_limited");
        }
    }
    let no_code = format!("dc_7K{}", "A".repeat(43));
    let redeem = |by: &Client| {
        let (by, code) = (by.clone(), no_code.clone());
        move |url: &str| {
            let fields = [("grant_type", GRANT_DEVICE_CODE), ("device_code", &*code), ("client_id", "tests")];
            by.post(format!("{url}/oauth/token")).form(&fields)
        }
    };
    for told in [attacker.one_by_one(redeem(&one)).await, attacker.at_once(redeem(&other)).await] {
        assert_limited("device code", &told, "400 invalid_grant", "400 slow_down");
    }
    let guess = |username: &'static str| {
        let by = one.clone();
        move |url: &str| {
            let body = json!({"username": username, "password": "a wrong one, and long enough"});
            by.post(format!("{url}/v1/phones")).json(&body)
        }
    };
    for told in [attacker.one_by_one(guess("alice")).await, attacker.at_once(guess("bob")).await] {
        assert_limited("password", &told, "401 unauthenticated", "429 rate_limited");
    }
    let register = |by: &Client| {
        let by = by.clone();
        move |url: &str| {
            let body = json!({"username": "alice", "password": PASSWORD});
            by.post(format!("{url}/v1/accounts")).json(&body)
        }
    };
    for told in [attacker.one_by_one(register(&one)).await, attacker.at_once(register(&other)).await] {
        assert_limited("register", &told, "409 username_taken", "429 rate_limited");
    }
    attacker.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_spreads_logins_over_the_nodes_opens_no_more_of_them() {
    let attacker = Attacker::set(|settings| {
        settings.limits.open = OpenCaps { per_address: ALLOWED, total: 100_000 };
    })
    .await;
    for (number, at_once) in [(2, false), (3, true)] {
        let by = from(number);
        let issue = |url: &str| by.post(format!("{url}{ISSUE}")).form(&[("client_id", "tests")]);
        let told = if at_once { attacker.at_once(issue).await } else { attacker.one_by_one(issue).await };
        assert_limited("open logins", &told, "200 ", "429 slow_down");
    }
    attacker.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_polls_every_node_in_turn_polls_too_fast() {
    let attacker = Attacker::set(|_| {}).await;
    let by = from(2);
    let url = format!("http://{}{ISSUE}", attacker.nodes[0].addr);
    let issued: Value =
        by.post(url).form(&[("client_id", "tests")]).send().await.unwrap().json().await.unwrap();
    let code = issued["device_code"].as_str().unwrap();
    let fields = [("grant_type", GRANT_DEVICE_CODE), ("device_code", code), ("client_id", "tests")];
    let told = attacker.one_by_one(|url| by.post(format!("{url}/oauth/token")).form(&fields)).await;
    assert_eq!(told[0], "400 authorization_pending");
    assert!(told[1..].iter().all(|told| told == "400 slow_down"), "{told:?}");
    attacker.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_proof_is_good_once_on_all_nodes() {
    let attacker = Attacker::set(|_| {}).await;
    let (by, key) = (from(2), Key::generate(&OsRandom));
    let htu = attacker.deployment.settings.public_url.join(ISSUE);
    let prove = |nonce: Option<&str>, at| key.prove(("POST", &htu), None, nonce, at, &OsRandom);
    let now = attacker.clock.now();
    let shown = |proof: String| {
        let by = by.clone();
        move |url: &str| {
            by.post(format!("{url}{ISSUE}")).form(&[("client_id", "tests")]).header("DPoP", &proof)
        }
    };
    let one_by_one = attacker.one_by_one(shown(prove(None, now))).await;
    assert_eq!(one_by_one[0], "200 ");
    for told in [one_by_one, attacker.at_once(shown(prove(None, now))).await] {
        let count = |answer: &str| told.iter().filter(|told| *told == answer).count();
        assert_eq!((count("200 "), count("400 invalid_dpop_proof")), (1, TRIES - 1), "{told:?}");
    }
    // A nonce that one node made is good on the others, for one proof each.
    let long_ago = now - Duration::from_hours(24);
    let ask = shown(prove(None, long_ago))(&format!("http://{}", attacker.nodes[0].addr));
    let nonce = ask.send().await.unwrap().headers()["dpop-nonce"].to_str().unwrap().to_owned();
    for turn in 1..3 {
        let proof = prove(Some(&nonce), long_ago);
        assert_eq!(attacker.try_on(turn, &shown(proof.clone())).await, "200 ");
        assert_eq!(attacker.try_on(turn + 1, &shown(proof)).await, "400 invalid_dpop_proof");
    }
    attacker.end().await;
}
