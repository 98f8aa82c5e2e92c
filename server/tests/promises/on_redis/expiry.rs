//! Nothing of a login stays in Redis when it is over.

use std::time::Duration;

use server::store::Ending;
use shared::login::{Event, KEPT_AFTER_END, REDEEM_WITHIN};

use super::Weathered;
use crate::world::{LIFETIME, World};

/// What lives as long as its account does, and what keeps count of the open logins, which is empty by itself.
const LASTING: [&str; 8] =
    ["}account:", "}phones:", "}pcs:", "}notices:", "}notice:", "}known:", "{names:", "{open}"];

/// Whole logins that come to every end.
async fn logins(world: &World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    assert!(world.rotate(pc.id, pc.tokens.refresh, world.tokens(pc.id.tag()), world.now).await.unwrap());
    world.step(&world.scanned(&phone).await, Event::Cancel).await;
    world.step(&world.confirmed(&phone).await, Event::PhoneEnded).await;
    world.step(&world.issued().await, Event::Cancel).await;
    world.end_sessions(account.id, Ending::One(phone.id), None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whatever_belongs_to_a_login_expires_soon_after_it() {
    let Weathered { near, .. } = Weathered::begin().await;
    logins(&near).await;
    let _ = near.issued().await;
    let longest = LIFETIME + REDEEM_WITHIN + KEPT_AFTER_END + Duration::from_mins(1);
    let keys = near.redis().keys();
    assert!(keys.len() > 20, "{keys:?}");
    for (key, expires_in) in keys {
        if LASTING.iter().any(|lasting| key.contains(lasting)) {
            continue;
        }
        let expires_in = expires_in.unwrap_or_else(|| panic!("{key} stays for ever"));
        // A session has a life of its own, and so has what is remembered of a phone.
        let is_session = ["}pc:", "}access:", "}refresh:", "}spent:", "}unfinished:"];
        assert!(is_session.iter().any(|kind| key.contains(kind)) || expires_in <= longest, "{key}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_list_of_open_logins_is_empty_when_none_is_open() {
    let Weathered { near, .. } = Weathered::begin().await;
    for _ in 0..20 {
        logins(&near).await;
    }
    let open = near.redis().keys().into_iter().filter(|(key, _)| key.contains("{open}"));
    assert_eq!(open.map(|(key, _)| key).collect::<Vec<_>>(), Vec::<String>::new());
    let outboxes = near.redis().keys().into_iter().filter(|(key, _)| key.contains("outbox"));
    assert_eq!(outboxes.count(), 0, "everything was delivered");
}
