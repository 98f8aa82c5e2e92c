//! Not tests: what a login costs in Redis, by hand.
//!
//! `cargo test --release -p server --test nodes -- --ignored --nocapture measure`

use server::clock::Clock;
use shared::api::ScanRequest;
use shared::client::Redeemed;

use super::programs::phone;
use crate::support::nodes::Deployment;
use crate::support::pc;
use crate::support::redis::Redis;

const LOGINS: u32 = 1000;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, to be looked at"]
async fn commands_bytes_and_memory_of_a_login() {
    let redis = Redis::alone().await;
    let unlimited = |settings: &mut server::Settings| {
        settings.limits.open.per_address = 1_000_000;
        settings.limits.issue.count = 1_000_000;
    };
    let (deployment, nodes) = Deployment::three(&redis, &Clock::system(), unlimited).await;
    let phone = phone(&nodes[0].client(), "emma").await;
    let client = deployment.client();
    let mut before = redis.counts();
    println!(
        "{:<20} {:>8} {:>9} {:>9} {:>9} {:>9}",
        "step", "scripts", "commands", "bytes in", "out", "CPU µs"
    );
    let mut step = |name: &str, redis: &Redis| {
        let after = redis.counts();
        let each = |now: u64, then: u64| f64::from(u32::try_from(now - then).unwrap()) / f64::from(LOGINS);
        println!(
            "{name:<20} {:>8.1} {:>9.1} {:>9.0} {:>9.0} {:>9.0}",
            each(after.scripts, before.scripts),
            each(after.commands, before.commands),
            each(after.received, before.received),
            each(after.sent, before.sent),
            after.cpu.saturating_sub(before.cpu).as_secs_f64() * 1e6 / f64::from(LOGINS),
        );
        before = redis.counts();
        after.memory
    };
    let mut issued = Vec::new();
    let empty = step("", &redis);
    for _ in 0..LOGINS {
        issued.push(client.issue(&pc()).await.unwrap());
    }
    let memory = step("issue", &redis);
    println!("    an unscanned login takes {} bytes", (memory - empty) / u64::from(LOGINS));
    let mut tokens = Vec::new();
    for issued in &issued {
        let code = client.server().scan_code_in(&issued.verification_uri_complete).unwrap();
        tokens.push(phone.scan(&ScanRequest::scan_code(&code)).await.unwrap().confirm_token);
    }
    step("scan", &redis);
    for token in &tokens {
        phone.confirm(token).await.unwrap();
    }
    step("confirm", &redis);
    let mut sessions = Vec::new();
    for issued in &issued {
        let redeemed = client.redeem("tests", &issued.device_code, None).await.unwrap();
        let Redeemed::Tokens(tokens) = redeemed else { panic!("it was confirmed") };
        sessions.push(tokens);
    }
    let memory = step("redeem", &redis);
    println!("    a logged-in one with its session takes {} bytes", (memory - empty) / u64::from(LOGINS));
    for tokens in &sessions {
        client.me(&tokens.access_token).await.unwrap();
    }
    step("the first GET /v1/me", &redis);
    for tokens in &sessions {
        client.me(&tokens.access_token).await.unwrap();
    }
    step("another GET /v1/me", &redis);
    for issued in &issued {
        client.snapshot(&issued.device_code).await.unwrap();
    }
    step("GET /v1/login", &redis);
}
