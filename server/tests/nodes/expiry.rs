//! When logins are over and forgotten, Redis holds what it held before them, but for what their accounts keep.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use server::clock::Clock;
use shared::login::{KEPT_AFTER_END, REDEEM_WITHIN};

use super::load::{Load, roomy};
use crate::support::nodes::Deployment;
use crate::support::redis::Redis;

/// What is kept for an account, whatever becomes of its logins.
const OF_ACCOUNTS: [&str; 8] =
    ["}account:", "}phone:", "}token:", "}phones:", "}pcs:", "}notices:", "}notice:", "}unfinished:"];

/// What is there, and how much memory it takes. First, what expires by itself soon enough is gone.
fn left(redis: &Redis, soon: Duration) -> (BTreeSet<String>, u64) {
    redis.expire_within(soon);
    let keys = redis.keys().into_iter().map(|(key, _)| key);
    let keys = keys.filter(|key| !OF_ACCOUNTS.iter().any(|kind| key.contains(kind))).collect();
    (keys, memory(redis))
}

fn memory(redis: &Redis) -> u64 {
    let info = redis.cli(0, &["INFO", "memory"]);
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:"));
    used.unwrap().trim().parse().unwrap()
}

async fn leave_nothing(logins: usize) {
    let redis = Redis::alone().await;
    let mut lifetime = Duration::ZERO;
    let (deployment, nodes) = Deployment::three(&redis, &Clock::system(), |settings| {
        roomy(settings);
        lifetime = settings.code_lifetime;
    })
    .await;
    let load = Arc::new(Load::begin(&deployment, &nodes).await.without_followers());
    // The longest that anything of a login is kept whose session has ended, with the margin for clocks that differ.
    let forgotten_after = lifetime + REDEEM_WITHIN + KEPT_AFTER_END + Duration::from_mins(1);
    // Some first, so that what the nodes themselves need is there.
    load.play(64, async {}).await;
    load.end_all().await;
    let (before, little) = left(&redis, forgotten_after);

    load.play(logins, async {}).await;
    load.end_all().await;
    let (most, keys) = (memory(&redis), redis.keys().len());
    let (after, rest) = left(&redis, forgotten_after);
    let per_login = |bytes: u64| bytes.saturating_sub(little) / u64::try_from(logins).unwrap();
    println!("{logins} logins: {keys} keys, {} bytes a login", per_login(most));
    println!(
        "afterwards {} bytes a login, which are notices; {} keys beside accounts'",
        per_login(rest),
        after.len()
    );
    // Of a long run, the first are forgotten by now.
    assert!(keys > 3 * logins.min(1000), "{keys} are not the keys of {logins} logins");
    assert_eq!(after, before);
    load.print();
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_thousand_logins_leave_nothing_behind() {
    leave_nothing(1000).await;
}

/// `cargo test -p server --test nodes -- --ignored --nocapture a_hundred_thousand`
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes many minutes"]
async fn a_hundred_thousand_logins_leave_nothing_behind() {
    leave_nothing(100_000).await;
}
