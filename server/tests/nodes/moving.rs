//! A slot that is just moving to another node: what can't be done whole there is not begun.

use server::clock::Clock;
use shared::api::{DeviceAuthorization, ScanRequest, TokenAnswer};
use shared::client::{Client, Redeemed};
use shared::code::PublicUrl;
use shared::problem::OauthCode;

use super::load::{is_away, patient, roomy};
use super::programs::phone;
use crate::support::nodes::Deployment;
use crate::support::pc;
use crate::support::redis::{Moving, Redis};

pub(crate) async fn redeem(client: &Client, issued: &DeviceAuthorization) -> TokenAnswer {
    let Redeemed::Tokens(tokens) = client.redeem("tests", &issued.device_code, None).await.unwrap() else {
        panic!("it was confirmed");
    };
    tokens
}

async fn log_in(client: &Client, url: &PublicUrl) -> TokenAnswer {
    let phone = phone(client, "emma").await;
    let issued = client.issue(&pc()).await.unwrap();
    let code = url.scan_code_in(&issued.verification_uri_complete).unwrap();
    let scanned = phone.scan(&ScanRequest::scan_code(&code)).await.unwrap();
    phone.confirm(&scanned.confirm_token).await.unwrap();
    redeem(client, &issued).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn tokens_are_not_lost_between_two_nodes() {
    let redis = Redis::durable_cluster().await;
    let (deployment, nodes) = Deployment::three(&redis, &Clock::system(), roomy).await;
    let client = nodes[0].client();
    let tokens = log_in(&client, &deployment.settings.public_url).await;
    let moving = Moving::begin(&redis, &format!("{{{}}}", tokens.refresh_token.tag().as_str()));
    // All that a token points with is there already, and what it points to is not.
    let indexes = ["}access:", "}refresh:", "}device:"];
    let is_index = |key: &String| indexes.iter().any(|kind| key.contains(kind));
    moving.migrate(&moving.left().into_iter().filter(is_index).collect::<Vec<_>>());

    assert!(is_away(&client.me(&tokens.access_token).await.unwrap_err()), "a session is missing");
    let refused = client.refresh("tests", &tokens.refresh_token).await.unwrap_err();
    assert_eq!(refused.oauth(), Some(OauthCode::SlowDown));
    moving.end();

    // The session has its tokens, and the refresh token was not spent.
    patient(async || client.me(&tokens.access_token).await).await;
    let fresh = patient(async || client.refresh("tests", &tokens.refresh_token).await).await;
    patient(async || client.me(&fresh.access_token).await).await;
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_is_counted_once_is_not_counted_in_two_places() {
    let redis = Redis::durable_cluster().await;
    let (_deployment, nodes) = Deployment::three(&redis, &Clock::system(), roomy).await;
    let client = nodes[0].client();
    let moving = Moving::begin(&redis, "{open}");
    let refused = client.issue(&pc()).await.unwrap_err();
    assert!(is_away(&refused), "{refused:?}");
    assert_eq!(moving.arrived(), 0, "the list of open logins began anew");
    moving.end();
    patient(async || client.issue(&pc()).await).await;
    for node in nodes {
        node.stop().await;
    }
}
