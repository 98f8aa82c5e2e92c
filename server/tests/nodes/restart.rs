//! All of Redis is killed in the middle of many logins, and started again with what is on its disk.
//!
//! With every write on disk before it is answered, nothing is lost that was acknowledged, of whatever kind. The
//! scripts, which Redis forgets, are known again by themselves, and whoever waits hears again.

use std::sync::Arc;

use server::clock::Clock;

use super::history::Promise;
use super::load::{Load, judge, roomy};
use crate::support::nodes::Deployment;
use crate::support::redis::Redis;

async fn survive(mut redis: Redis, logins: usize) {
    let (deployment, nodes) = Deployment::three(&redis, &Clock::system(), roomy).await;
    let load = Arc::new(Load::begin(&deployment, &nodes).await);
    let histories = load
        .play(logins, async {
            load.done(logins / 4).await;
            let began = load.now();
            for number in 0..redis.len() {
                redis.kill(number);
            }
            for number in 0..redis.len() {
                redis.restart(number).await;
            }
            if redis.len() > 1 {
                redis.is_whole().await;
            }
            load.is_back();
            println!("away for {:.2?}", load.now().duration_since(began));
        })
        .await;
    load.print();
    assert_eq!(judge(&histories, Promise::All), 0);
    for node in nodes {
        node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_redis_that_is_killed_comes_back_with_all_it_acknowledged() {
    survive(Redis::alone_and_durable().await, 400).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_that_is_killed_whole_comes_back_with_all_it_acknowledged() {
    survive(Redis::durable_cluster().await, 400).await;
}
