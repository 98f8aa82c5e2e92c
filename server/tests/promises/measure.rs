//! Not a test: how fast the store is, by hand.
//!
//! `cargo test --release -p server --test promises -- --ignored --nocapture measure`

use std::time::Duration;

use server::store::{Inserted, LoginKey, OpenCaps};
use shared::login::{CheckCode, Event};
use tokio::task::JoinSet;

use crate::world::scan;

const CALLERS: usize = 64;
const MEASURED: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, to be looked at"]
async fn durable_transitions_a_second() {
    let world = crate::in_file().await;
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let clock = server::clock::Clock::system();
    let until = clock.now() + MEASURED;

    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let (world, clock, phone) = (world.clone(), clock.clone(), phone.clone());
        callers.spawn(async move {
            let (mut commits, mut slowest) = (0_u32, Duration::ZERO);
            while clock.now() < until {
                let login = world.issued().await;
                let login = world.step(&login, scan(&login, &phone)).await;
                let confirm = login.state.scan().unwrap().confirm;
                let began = clock.now();
                world
                    .step(&login, Event::Confirm { phone: phone.id, confirm, check: CheckCode::NEVER_RIGHT })
                    .await;
                slowest = slowest.max(clock.now().duration_since(began).unsigned_abs());
                commits += 3;
            }
            (commits, slowest)
        });
    }
    let mut longest_log = 0;
    let log = world.path("saoma.db-wal");
    while clock.now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
        longest_log = longest_log.max(std::fs::metadata(&log).unwrap().len());
    }
    let results = callers.join_all().await;
    let commits: u32 = results.iter().map(|(commits, _)| commits).sum();
    let slowest = results.iter().map(|(_, slowest)| *slowest).max().unwrap_or_default();
    let per_second = f64::from(commits) / MEASURED.as_secs_f64();
    println!("{per_second:.0} durable transitions/s by {CALLERS} callers; the slowest took {slowest:?}");
    println!("the log grew to {} MiB", longest_log >> 20);
}

#[tokio::test]
#[ignore = "a measurement, to be looked at"]
async fn look_ups_of_sessions() {
    let world = crate::in_file().await;
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let clock = server::clock::Clock::system();
    let (_, pc) = world.logged_in(&phone).await;
    let began = clock.now();
    let mut reads = 0_u32;
    while clock.now() < began + Duration::from_secs(2) {
        for _ in 0..100 {
            assert!(world.pc(pc.tokens.access, world.now).await.unwrap().is_some());
            reads += 1;
        }
    }
    println!("{:.1} µs for a look-up of a PC's session", 2e6 / f64::from(reads));
}

#[tokio::test]
#[ignore = "a measurement, to be looked at"]
async fn inserts_at_the_cap() {
    const OPEN: u32 = 100_000;
    let world = crate::in_memory().await;
    let clock = server::clock::Clock::system();
    let caps = OpenCaps { per_address: 200, total: OPEN };
    let fill = async |from: u32, to: u32| {
        let began = clock.now();
        for number in from..to {
            let mut login = world.new_login();
            login.request.ip = Some(std::net::Ipv4Addr::from_bits(number / 150).into());
            if let Inserted::Full(gives_way) = world.insert(login.clone(), caps).await.unwrap() {
                let oldest = world
                    .find(LoginKey::Id(gives_way.unwrap()))
                    .await
                    .unwrap()
                    .map(std::sync::Arc::unwrap_or_clone)
                    .unwrap();
                world.step(&oldest, Event::Evict).await;
                assert_eq!(world.insert(login, caps).await.unwrap(), Inserted::Done);
            }
        }
        clock.now().duration_since(began).unsigned_abs() / (to - from)
    };
    let below = fill(0, OPEN).await;
    let above = fill(OPEN, OPEN + 10_000).await;
    println!("{below:?} an insert below the cap, {above:?} with somebody giving way");
}
