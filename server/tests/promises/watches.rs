//! Watching: subscribe, then read, then wait, and no change is missed.

use std::time::Duration;

use server::store::{Ending, LoginKey, Topic, Watch};
use shared::api::NoticeKind;
use shared::id::LoginId;
use shared::login::Event;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::world::{World, random, scan};

/// A wait that takes this long was in vain. No test takes as long when all is well.
const IN_VAIN: Duration = Duration::from_secs(30);

const LOGINS: usize = 50;
const STEPS: u64 = 200;

pub(crate) async fn no_change_is_missed_however_they_race(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let mut race = JoinSet::new();
    for _ in 0..LOGINS {
        let login = world.issued().await;
        // Both kinds of waiters: one that subscribes once, and one that does so for each change.
        race.spawn(follow(world.clone(), login.id, Some(world.watch(Topic::Login(login.id)))));
        race.spawn(follow(world.clone(), login.id, None));
        let (world, phone) = (world.clone(), phone.clone());
        race.spawn(async move {
            let mut login = login;
            for _ in 0..STEPS {
                login = world.step(&login, scan(&login, &phone)).await;
            }
        });
    }
    race.join_all().await;
}

/// Waits until a login has come to its last step.
async fn follow(world: World, login: LoginId, mut subscribed: Option<Watch>) {
    let mut seen = 0;
    loop {
        let mut fresh = subscribed.is_none().then(|| world.watch(Topic::Login(login)));
        let watch = subscribed.as_mut().or(fresh.as_mut()).unwrap();
        let revision = world
            .find(LoginKey::Id(login))
            .await
            .unwrap()
            .map(std::sync::Arc::unwrap_or_clone)
            .unwrap()
            .revision;
        assert!(revision >= seen, "a read went back in time");
        if revision == 1 + STEPS {
            return;
        }
        if revision == seen {
            timeout(IN_VAIN, watch.changed()).await.expect("a change was missed");
        } else if subscribed.is_some() {
            // Nothing new is no reason to have missed what comes: wait from here.
            timeout(IN_VAIN, subscribed.as_mut().unwrap().changed()).await.expect("a change was missed");
        }
        seen = revision;
    }
}

pub(crate) async fn whatever_concerns_a_login_or_an_account_wakes_its_watchers(world: World) {
    let account = world.owner().await;
    let (phone, other) = (world.phone_of(&account).await, world.phone_of(&account).await);
    let login = world.confirmed(&phone).await;
    let (redeem, session) = world.redeem(&login, &phone);
    let mut of_login = world.watch(Topic::Login(login.id));
    let mut of_account = world.watch(Topic::Account(account.id));

    world.commit(redeem, world.now).await.unwrap();
    woken(&mut of_login, "a commit").await;
    woken(&mut of_account, "a commit's notice").await;
    world.notify(world.notice(account.id, NoticeKind::TokenReplayed, random())).await.unwrap();
    woken(&mut of_account, "a notice").await;
    world.end_sessions(account.id, Ending::One(session.id), None).await.unwrap();
    woken(&mut of_account, "a session's end").await;
    assert!(world.change_password(&account, 1, Some(other.id)).await);
    woken(&mut of_account, "a new password").await;
    assert!(world.set_enabled(&account.username, false).await.unwrap());
    woken(&mut of_account, "being disabled").await;
    assert!(world.remove_account(&account.username).await.unwrap());
    woken(&mut of_account, "being removed").await;

    let login = world.issued().await;
    let (mut one, mut two) = (world.watch(Topic::Login(login.id)), world.watch(Topic::Login(login.id)));
    world.step(&login, Event::Cancel).await;
    woken(&mut one, "a commit, for the first waiter").await;
    woken(&mut two, "a commit, for the second waiter").await;
}

async fn woken(watch: &mut Watch, by: &str) {
    assert!(timeout(IN_VAIN, watch.changed()).await.is_ok(), "not woken by {by}");
}
