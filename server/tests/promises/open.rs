//! How many logins may be open, and which one gives way.

use std::net::IpAddr;
use std::time::Duration;

use server::store::{Inserted, OpenCaps};
use shared::login::{CheckCode, Event, Login, REDEEM_WITHIN};
use tokio::task::JoinSet;

use crate::world::{LIFETIME, World, scan};

const CAPS: OpenCaps = OpenCaps { per_address: 3, total: 7 };

impl World {
    /// A login from an address.
    fn login_from(&self, ip: &str) -> Login {
        let mut login = self.new_login();
        login.request.ip = Some(ip.parse::<IpAddr>().unwrap());
        login
    }

    /// Issues one from an address, under the small caps.
    async fn issue_from(&self, ip: &str) -> Inserted {
        self.insert(self.login_from(ip), CAPS).await.unwrap()
    }

    /// Issues one from an address, which must succeed.
    async fn issued_from(&self, ip: &str) -> Login {
        let login = self.login_from(ip);
        assert_eq!(self.insert(login.clone(), CAPS).await.unwrap(), Inserted::Done);
        login
    }
}

pub(crate) async fn an_address_is_full_until_one_of_its_logins_ends_or_runs_out(world: World) {
    let first = world.issued_from("192.0.2.1").await;
    world.issued_from("192.0.2.1").await;
    let later = world.later(Duration::from_mins(1));
    later.issued_from("192.0.2.1").await;
    assert_eq!(later.issue_from("192.0.2.1").await, Inserted::AddressFull);
    // Mapped into IPv6 it is the same address.
    assert_eq!(later.issue_from("::ffff:192.0.2.1").await, Inserted::AddressFull);
    assert_eq!(later.issue_from("192.0.2.2").await, Inserted::Done);
    later.step(&first, Event::Cancel).await;
    assert_eq!(later.issue_from("192.0.2.1").await, Inserted::Done);
    assert_eq!(later.issue_from("192.0.2.1").await, Inserted::AddressFull);
    // One more runs out by itself, at its deadline and not before.
    let just_before = world.just_before(LIFETIME);
    assert_eq!(just_before.issue_from("192.0.2.1").await, Inserted::AddressFull);
    let deadline = world.later(LIFETIME);
    assert_eq!(deadline.issue_from("192.0.2.1").await, Inserted::Done);
    assert_eq!(deadline.issue_from("192.0.2.1").await, Inserted::AddressFull);
}

pub(crate) async fn a_slash_64_is_one_address(world: World) {
    for ip in ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:0:0:1"] {
        assert_eq!(world.issue_from(ip).await, Inserted::Done);
    }
    assert_eq!(world.issue_from("2001:db8::3").await, Inserted::AddressFull);
    assert_eq!(world.issue_from("2001:db8:0:1::3").await, Inserted::Done);
}

pub(crate) async fn a_confirmed_login_is_open_until_it_is_redeemed_or_runs_out(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let late = world.just_before(LIFETIME);
    let mut confirmed = Vec::new();
    for _ in 0..2 {
        let login = world.issued_from("192.0.2.1").await;
        let login = world.step(&login, scan(&login, &phone)).await;
        let confirm = login.state.scan().unwrap().confirm;
        confirmed.push(
            late.step(&login, Event::Confirm { phone: phone.id, confirm, check: CheckCode::NEVER_RIGHT })
                .await,
        );
    }
    // Past the deadline of its codes, within the time to redeem.
    let after = world.later(LIFETIME);
    after.issued_from("192.0.2.1").await;
    assert_eq!(after.issue_from("192.0.2.1").await, Inserted::AddressFull);
    let (change, _) = after.redeem(&confirmed[0], &phone);
    after.commit(change, after.now).await.unwrap();
    assert_eq!(after.issue_from("192.0.2.1").await, Inserted::Done);
    assert_eq!(after.issue_from("192.0.2.1").await, Inserted::AddressFull);
    let run_out = late.later(REDEEM_WITHIN);
    assert_eq!(run_out.issue_from("192.0.2.1").await, Inserted::Done);
}

pub(crate) async fn when_there_are_too_many_the_address_with_the_most_loses_its_oldest_unscanned(
    world: World,
) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let second = Duration::from_secs(1);
    // Two at one address that came first, three at another, two at the last.
    let mut few = vec![world.issued_from("192.0.2.1").await, world.issued_from("192.0.2.1").await];
    let oldest = world.later(second).issued_from("192.0.2.2").await;
    let middle = world.later(second * 2).issued_from("192.0.2.2").await;
    let newest = world.later(second * 3).issued_from("192.0.2.2").await;
    few.push(world.issued_from("192.0.2.3").await);
    few.push(world.issued_from("192.0.2.3").await);
    let world = world.later(second * 4);
    let full = |login: &Login| Inserted::Full(Some(login.id));

    assert_eq!(world.issue_from("192.0.2.9").await, full(&oldest));
    // An address that is full itself gets no other one evicted.
    assert_eq!(world.issue_from("192.0.2.2").await, Inserted::AddressFull);
    world.step(&oldest, scan(&oldest, &phone)).await;
    assert_eq!(world.issue_from("192.0.2.9").await, full(&middle));
    world.step(&middle, Event::Evict).await;
    let filler = world.issued_from("192.0.2.9").await;
    // Now all have two at most, and some may give way; never the one that was scanned.
    let Inserted::Full(Some(gives_way)) = world.issue_from("192.0.2.9").await else {
        panic!("it is full, and somebody can give way");
    };
    assert!(few.iter().chain([&newest]).any(|login| login.id == gives_way));
    for login in few.iter().chain([&newest, &filler]) {
        world.step(login, scan(login, &phone)).await;
    }
    assert_eq!(world.issue_from("192.0.2.9").await, Inserted::Full(None));
}

pub(crate) async fn racing_callers_stay_within_the_caps(world: World) {
    let race = |caps, ip: fn(u8) -> [u8; 4]| {
        let race: JoinSet<Inserted> = (0..64)
            .map(|caller| {
                let world = world.clone();
                let mut login = world.new_login();
                login.request.ip = Some(ip(caller).into());
                async move { world.insert(login, caps).await.unwrap() }
            })
            .collect();
        race.join_all()
    };
    let results = race(OpenCaps { per_address: 10, total: 1000 }, |_| [192, 0, 2, 1]).await;
    assert_eq!(results.iter().filter(|inserted| **inserted == Inserted::Done).count(), 10);
    assert_eq!(results.iter().filter(|inserted| **inserted == Inserted::AddressFull).count(), 54);
    let results = race(OpenCaps { per_address: 10, total: 30 }, |caller| [198, 51, 100, caller]).await;
    assert_eq!(results.iter().filter(|inserted| **inserted == Inserted::Done).count(), 20);
    assert_eq!(results.iter().filter(|inserted| matches!(inserted, Inserted::Full(Some(_)))).count(), 44);
}
