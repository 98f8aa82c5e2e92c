//! Housekeeping: what is over goes, what is not stays, and a closed store says so.

use server::store::{Inserted, LimitKey, LoginKey, PHONE_IDLE, REFRESH_LIFE, Rate, Refresh, Taken};
use shared::id::LoginId;
use shared::login::{Event, KEPT_AFTER_END, REPEAT_WITHIN};
use shared::random::OsRandom;
use std::time::Duration;

use crate::world::{LIFETIME, ROOMY, World};

pub(crate) async fn a_login_is_forgotten_a_while_after_its_end(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (logged_in, pc) = world.logged_in(&phone).await;
    let cancelled = world.step(&world.issued().await, Event::Cancel).await;
    let run_out = world.issued().await;
    let find = |id| {
        let world = world.clone();
        async move { world.find(LoginKey::Id(id)).await.unwrap().is_some() }
    };
    world.purge(world.now + KEPT_AFTER_END - Duration::from_millis(1)).await.unwrap();
    assert!(find(logged_in.id).await && find(cancelled.id).await && find(run_out.id).await);
    world.purge(world.now + KEPT_AFTER_END).await.unwrap();
    assert!(!find(logged_in.id).await && !find(cancelled.id).await && find(run_out.id).await);
    let confirm = logged_in.state.scan().unwrap().confirm;
    assert_eq!(
        world.find(LoginKey::Confirm(confirm)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
        None
    );
    world.purge(world.now + LIFETIME + KEPT_AFTER_END).await.unwrap();
    assert!(!find(run_out.id).await);
    // Its session has a life of its own.
    assert!(world.pc(pc.tokens.access, world.now).await.unwrap().is_some());
}

pub(crate) async fn a_forgotten_logins_codes_are_free_with_or_without_a_purge(world: World) {
    let first = world.issued().await;
    let later = world.later(LIFETIME + KEPT_AFTER_END);
    let mut second = later.new_login_of(LoginId::generate_in(first.id.tag(), later.now, &OsRandom));
    second.digests = first.digests.clone();
    assert_eq!(later.insert(second.clone(), ROOMY).await.unwrap(), Inserted::Done);
    assert_eq!(
        later.find(LoginKey::User(first.digests.user)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
        Some(second.clone())
    );
    later.purge(later.now).await.unwrap();
    assert_eq!(
        later.find(LoginKey::User(first.digests.user)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
        Some(second)
    );
}

pub(crate) async fn a_purge_takes_what_is_over_and_nothing_else(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    assert!(world.rotate(pc.id, pc.tokens.refresh, world.tokens(pc.id.tag()), world.now).await.unwrap());
    let (login, other) = world.logged_in(&phone).await;
    world.purge(world.now + REPEAT_WITHIN).await.unwrap();
    assert_eq!(world.sessions(account.id, world.now).await.unwrap().len(), 3);
    assert!(world.find(LoginKey::Id(login.id)).await.unwrap().is_some());
    assert!(matches!(world.refresh_token(pc.tokens.refresh, world.now).await.unwrap(), Refresh::Spent(_)));

    // Judged at an earlier time it would still be good, so that it is gone shows that it was forgotten.
    world.purge(world.now + REFRESH_LIFE).await.unwrap();
    assert_eq!(world.pc(other.tokens.access, world.now).await.unwrap(), None);
    assert!(world.phone_is_valid(phone.id, world.now).await.unwrap());
    world.purge(world.now + PHONE_IDLE).await.unwrap();
    assert!(!world.phone_is_valid(phone.id, world.now).await.unwrap());
    assert!(world.account(&account.username).await.unwrap().is_some());
    assert_eq!(world.notices(account.id, 0).await.unwrap().len(), 2);
}

pub(crate) async fn a_purge_of_thousands_leaves_none(world: World) {
    let logins: Vec<_> = (0..2000).map(|_| world.new_login()).collect();
    let inserts = logins.iter().map(|login| world.insert(login.clone(), ROOMY));
    for inserted in futures_util::future::join_all(inserts).await {
        assert_eq!(inserted.unwrap(), Inserted::Done);
    }
    world.purge(world.now + LIFETIME + KEPT_AFTER_END).await.unwrap();
    for login in logins {
        assert_eq!(
            world.find(LoginKey::Id(login.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
            None
        );
    }
}

pub(crate) async fn a_closed_store_says_so(world: World) {
    let login = world.issued().await;
    let key = LimitKey { limit: "test", subject: String::new() };
    let rate = Rate { count: 1, per: Duration::from_secs(1) };
    assert!(matches!(world.take(key.clone(), rate, world.now).await, Ok(Taken::Counted(_))));
    world.ping().await.unwrap();
    world.close().await;
    world.close().await;
    assert!(world.ping().await.is_err());
    assert!(world.find(LoginKey::Id(login.id)).await.is_err());
    assert!(world.insert(world.new_login(), ROOMY).await.is_err());
    assert!(world.due(world.now).await.is_err());
    assert!(world.accounts().await.is_err());
    assert!(world.take(key, rate, world.now).await.is_err());
    assert!(world.purge(world.now).await.is_err());
    assert!(world.seen(world.some_phone().id, world.now).await.is_err());
}
