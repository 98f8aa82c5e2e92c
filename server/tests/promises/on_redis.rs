//! What a store in Redis promises beside the rest: that answers may be lost, and nodes, and connections.

mod expiry;
mod gaps;
mod lost;

use std::sync::Arc;
use std::time::Duration;

use server::clock::Clock;
use server::store::redis::RedisStore;
use server::store::{Ending, LimitKey, Rate};
use shared::random::OsRandom;

use crate::proxy::Proxy;
use crate::redis::Redis;
use crate::world::{Place, World, random};

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
        teach(&near).await;
        Self { proxy, far, near }
    }
}

/// Has every script run once, so that Redis knows it: of one that it does not know, the first answer says only that.
async fn teach(world: &World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    assert!(world.rotate(pc.id, pc.tokens.refresh, world.tokens(pc.id.tag()), world.now).await.unwrap());
    for session in [pc.id, phone.id] {
        world.end_sessions(account.id, Ending::One(session), None).await.unwrap();
    }
    world.first_use(random(), world.now).await.unwrap();
    let key = LimitKey { limit: "teach", subject: String::new() };
    world.take(key, Rate { count: 1, per: Duration::from_secs(1) }, world.now).await.unwrap();
    assert!(world.remove_account(&account.username).await.unwrap());
}
