//! Limits: never more than so many in so long, and never fewer.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use server::store::{LimitKey, Rate, Taken, Use};
use tokio::task::JoinSet;

use crate::world::{World, random};

/// A key that nobody else counts on.
fn fresh_key() -> LimitKey {
    LimitKey { limit: "test", subject: u128::from_be_bytes(random()).to_string() }
}

/// After how long there is room, for who was refused.
fn room_in(taken: Taken) -> Option<Duration> {
    match taken {
        Taken::Counted(_) => None,
        Taken::Refused(wait) | Taken::Contended(wait) => Some(wait),
    }
}

/// What a caller does next.
#[derive(Clone, Debug)]
enum Act {
    Wait(u64),
    Take,
    /// Takes back one of those that were counted.
    GiveBack(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        3 => (0..400_u64).prop_map(Act::Wait),
        6 => Just(Act::Take),
        1 => any::<usize>().prop_map(Act::GiveBack),
    ];
    prop::collection::vec(act, 1..60)
}

pub(crate) async fn a_limit_is_exact(world: World) {
    let runtime = tokio::runtime::Handle::current();
    let check = move || {
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        runner
            .run(&(acts(), 1..6_u32), |(acts, count)| {
                let rate = Rate { count, per: Duration::from_secs(1) };
                runtime.block_on(replay(&world, &acts, rate))
            })
            .unwrap();
    };
    tokio::task::spawn_blocking(check).await.unwrap();
}

/// Does what the acts say, and compares with a list that is walked through each time.
async fn replay(world: &World, acts: &[Act], rate: Rate) -> Result<(), TestCaseError> {
    let key = fresh_key();
    let mut now = world.now;
    let mut counted: Vec<Use> = Vec::new();
    for act in acts {
        match act {
            Act::Wait(millis) => now += Duration::from_millis(*millis),
            Act::GiveBack(_) if counted.is_empty() => {}
            Act::GiveBack(which) => {
                let used = counted.swap_remove(which % counted.len());
                world.give_back(key.clone(), used).await.unwrap();
            }
            Act::Take => {
                let within = counted.iter().filter(|used| used.at + rate.per > now).count();
                match world.take(key.clone(), rate, now).await.unwrap() {
                    Taken::Counted(used) => {
                        prop_assert!(within < rate.count as usize, "one too many");
                        counted.push(used);
                    }
                    Taken::Refused(wait) | Taken::Contended(wait) => {
                        prop_assert!(within >= rate.count as usize, "refused without need");
                        let full_at = |now: Timestamp| {
                            counted.iter().filter(|used| used.at + rate.per > now).count()
                                >= rate.count as usize
                        };
                        prop_assert!(!full_at(now + wait), "there is no room when it said");
                        prop_assert!(full_at(now + wait - Duration::from_millis(1)), "there was room before");
                    }
                }
            }
        }
    }
    Ok(())
}

pub(crate) async fn racing_callers_stay_within_a_limit(world: World) {
    let key = fresh_key();
    let rate = Rate { count: 10, per: Duration::from_mins(1) };
    let callers: JoinSet<bool> = (0..64)
        .map(|_| {
            let (world, key) = (world.clone(), key.clone());
            async move { matches!(world.take(key, rate, world.now).await.unwrap(), Taken::Counted(_)) }
        })
        .collect();
    assert_eq!(callers.join_all().await.into_iter().filter(|counted| *counted).count(), 10);
}

pub(crate) async fn each_limit_and_each_subject_is_counted_by_itself(world: World) {
    let rate = Rate { count: 1, per: Duration::from_mins(1) };
    let first = fresh_key();
    let other_limit = LimitKey { limit: "other", ..first.clone() };
    for key in [&first, &other_limit, &fresh_key()] {
        let taken = world.take(key.clone(), rate, world.now).await.unwrap();
        assert!(matches!(taken, Taken::Counted(used) if used.at == world.now), "{taken:?}");
        let refused = world.take(key.clone(), rate, world.now).await.unwrap();
        assert_eq!(room_in(refused), Some(rate.per));
    }
    // What was never counted can't be given back.
    world.give_back(first.clone(), Use { at: world.now + Duration::from_secs(1), id: 1 }).await.unwrap();
    world.give_back(fresh_key(), Use { at: world.now, id: 1 }).await.unwrap();
    assert_eq!(room_in(world.take(first.clone(), rate, world.now).await.unwrap()), Some(rate.per));
    world.purge(world.now).await.unwrap();
    assert_eq!(room_in(world.take(first, rate, world.now).await.unwrap()), Some(rate.per));
}
