//! Gaps in what is heard: whoever waits misses nothing.

use std::time::Duration;

use server::store::{LoginKey, Topic};
use shared::login::Event;
use tokio::time::timeout;

use super::Weathered;
use crate::proxy::Weather;

/// A wait that takes this long was in vain.
const IN_VAIN: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_that_was_published_while_nobody_heard_wakes_who_waits_all_the_same() {
    let Weathered { proxy, far, near } = Weathered::begin().await;
    for weather in [Weather::Cut, Weather::Stalled, Weather::HalfClosed] {
        let login = near.issued().await;
        let mut watch = far.watch(Topic::Login(login.id));
        proxy.set(weather);
        // Long enough for a cut to be noticed, and a message to be lost in it.
        tokio::time::sleep(Duration::from_millis(200)).await;
        near.step(&login, Event::Cancel).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        proxy.set(Weather::Fair);
        let seen = async {
            loop {
                watch.changed().await;
                let found = far.find(LoginKey::Id(login.id)).await;
                if found.is_ok_and(|found| found.is_some_and(|found| found.revision > login.revision)) {
                    return;
                }
            }
        };
        timeout(IN_VAIN, seen).await.unwrap_or_else(|_| panic!("{weather:?} swallowed a change"));
    }
}
