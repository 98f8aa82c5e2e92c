//! A slot that is just moving to another node: what can't be done whole there is not begun.

use server::clock::Clock;
use shared::api::{Password, PhoneLogin, Registration, ScanRequest, TokenAnswer};
use shared::client::{Client, Redeemed};
use shared::code::PublicUrl;
use shared::problem::OauthCode;

use super::load::{patient, roomy};
use crate::support::nodes::Deployment;
use crate::support::redis::Redis;
use crate::support::{PASSWORD, pc};

async fn log_in(client: &Client, url: &PublicUrl) -> TokenAnswer {
    let password = || Password::new(PASSWORD.to_owned());
    let body = Registration { username: "emma".to_owned(), password: password() };
    client.register(&body).await.unwrap();
    let body = PhoneLogin { username: "emma".to_owned(), password: password(), device_name: None };
    let phone = client.phone(client.log_in(&body).await.unwrap().phone_token);
    let issued = client.issue(&pc()).await.unwrap();
    let code = url.scan_code_in(&issued.verification_uri_complete).unwrap();
    let scanned = phone.scan(&ScanRequest::scan_code(&code)).await.unwrap();
    phone.confirm(&scanned.confirm_token).await.unwrap();
    let Redeemed::Tokens(tokens) = client.redeem("tests", &issued.device_code, None).await.unwrap() else {
        panic!("it was confirmed");
    };
    tokens
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_are_not_lost_between_two_nodes() {
    let redis = Redis::durable_cluster().await;
    let (deployment, nodes) = Deployment::three(&redis, &Clock::system(), roomy).await;
    let client = nodes[0].client();
    let tokens = log_in(&client, &deployment.settings.public_url).await;

    let key = format!("{{{}}}", tokens.refresh_token.tag().as_str());
    let (from, slot) = (redis.owner_of(&key).unwrap(), redis.cli(0, &["CLUSTER", "KEYSLOT", &key]));
    let to = (from + 1) % redis.len();
    let set = |at: usize, how: &[&str]| {
        let said = redis.cli(at, &[&["CLUSTER", "SETSLOT", slot.trim()], how].concat());
        assert_eq!(said.trim(), "OK");
    };
    let id = |number| redis.cli(number, &["CLUSTER", "MYID"]).trim().to_owned();
    set(to, &["IMPORTING", &id(from)]);
    set(from, &["MIGRATING", &id(to)]);
    let refused = client.refresh("tests", &tokens.refresh_token).await.unwrap_err();
    assert_eq!(refused.oauth(), Some(OauthCode::SlowDown));
    set(from, &["STABLE"]);
    set(to, &["STABLE"]);

    // The session has its tokens, and the refresh token was not spent.
    patient(async || client.me(&tokens.access_token).await).await;
    let fresh = patient(async || client.refresh("tests", &tokens.refresh_token).await).await;
    patient(async || client.me(&fresh.access_token).await).await;
    for node in nodes {
        node.stop().await;
    }
}
