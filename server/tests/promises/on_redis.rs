//! What a store in Redis promises beside the rest: that answers may be lost, and nodes, and connections.

mod expiry;
mod gaps;
mod lost;

use std::sync::Arc;

use server::clock::Clock;
use server::store::redis::RedisStore;
use shared::random::OsRandom;

use crate::proxy::Proxy;
use crate::redis::Redis;
use crate::world::{Place, World};

/// A Redis, a world that reaches it through a network that may fail, and one that reaches it always.
struct Weathered {
    proxy: Proxy,
    far: World,
    near: World,
}

impl Weathered {
    async fn begin() -> Self {
        let redis = Redis::alone().await;
        let proxy = Proxy::to(redis.addr()).await;
        let far = format!("redis://{}", proxy.addr()).parse().unwrap();
        let open = async |place| {
            let store = RedisStore::open(place, &redis.options(), Clock::system(), Arc::new(OsRandom)).await;
            Arc::new(store.unwrap())
        };
        let far = World::on(open(&far).await, Place::Memory);
        let near = World::on(open(redis.place()).await, Place::Redis(redis));
        Self { proxy, far, near }
    }
}
