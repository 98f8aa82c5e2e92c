//! Histories of one login that chance wrote: any events, at any time, down to the nanosecond.

mod cast;

use std::time::Duration;

use cast::{
    CLIENT, DIGITS, after, alice, bob, confirm, deny, digits, issued, issued_with_check, redeem,
    redeem_proving, redeem_with, scan,
};
use jiff::Timestamp;
use proptest::prelude::*;
use shared::login::{CHECK_TRIES, Event, Login, Status};

/// Any event. There are few tokens and phones, so that most histories get somewhere.
fn event() -> impl Strategy<Value = Event> {
    let phone = || prop_oneof![3 => Just(alice()), 1 => Just(bob())];
    prop_oneof![
        4 => (phone(), 1..4_u8).prop_map(|(by, token)| scan(&by, token)),
        4 => (phone(), 1..4_u8).prop_map(|(by, token)| confirm(&by, token)),
        1 => (phone(), 1..4_u8).prop_map(|(by, token)| deny(&by, token)),
        4 => (prop_oneof![4 => Just(CLIENT), 1 => Just("other")], 1..4_u8, any::<bool>())
            .prop_map(|(client, session, unused)| redeem(client, session, unused)),
        3 => (prop_oneof![1 => Just(DIGITS), 4 => Just("48")], 1..4_u8)
            .prop_map(|(typed, session)| redeem_with(typed, session)),
        1 => (1..3_u8).prop_map(redeem_proving),
        1 => Just(Event::Cancel),
        1 => Just(Event::PhoneEnded),
        1 => Just(Event::Evict),
        1 => Just(Event::Tick),
    ]
}

/// The time to the next event: nothing, a moment, or long enough to run out of time.
fn pause() -> impl Strategy<Value = Duration> {
    let nanos = |max_secs: u64| (0..max_secs * 1_000_000_000).prop_map(Duration::from_nanos);
    prop_oneof![2 => Just(Duration::ZERO), 6 => nanos(8), 1 => nanos(90)]
}

/// A login at its issue, and events, and when each comes.
type History = (Login, Vec<(Event, Timestamp)>);

fn history() -> impl Strategy<Value = History> {
    let login = prop_oneof![Just(issued()), Just(issued_with_check())];
    (login, proptest::collection::vec((event(), pause()), 1..16)).prop_map(|(login, steps)| {
        let mut since = Duration::ZERO;
        let mut timed = |(event, pause)| {
            since += pause;
            (event, after(since))
        };
        (login, steps.into_iter().map(&mut timed).collect())
    })
}

/// The login after each event that changed it, and the time of the change.
fn live_through((issued, events): &History) -> Vec<(Login, Timestamp)> {
    let mut lives = vec![(issued.clone(), after(Duration::ZERO))];
    for (event, now) in events {
        let login = &lives[lives.len() - 1].0;
        if let Ok(step) = login.apply(event, *now) {
            lives.push((step.login, *now));
        }
    }
    lives
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_write_counts_and_every_transition_shows(history in history()) {
        for two in live_through(&history).windows(2) {
            let ((before, _), (login, now)) = (&two[0], &two[1]);
            let moved = before.state.status() != login.state.status();
            prop_assert_eq!(login.revision, before.revision + 1);
            prop_assert_eq!(login.version, before.version + u64::from(moved));
            prop_assert_eq!(login.deadline, before.deadline);
            prop_assert!(!before.at(*now).state.status().is_terminal() || login.state == before.at(*now).state);
        }
    }

    #[test]
    fn what_time_does_needs_nobody_to_write_it_down(history in history(), event in event(), pause in pause()) {
        for (login, now) in live_through(&history) {
            let (early, late) = (login.at(now), login.at(now + pause));
            prop_assert_eq!(&early, &early.at(now));
            prop_assert_eq!(&late, &early.at(now + pause));
            prop_assert_eq!(login.forgotten_at(), late.forgotten_at());
            if event != Event::Tick {
                prop_assert_eq!(login.apply(&event, now + pause), late.apply(&event, now + pause));
            }
        }
    }

    #[test]
    fn a_snapshot_is_true(history in history(), pause in pause(), nanos_left in 0..2_000_000_u64) {
        for (login, changed_at) in live_through(&history) {
            let nearly_over = login.runs_out_at().map(|end| end - Duration::from_nanos(nanos_left));
            for now in [Some(changed_at + pause), nearly_over].into_iter().flatten() {
                let (seen, snapshot) = (login.at(now), login.snapshot(now));
                let status = seen.state.status();
                let logged_in = status == Status::LoggedIn;
                prop_assert_eq!((snapshot.status, snapshot.version), (status, seen.version));
                prop_assert_eq!(snapshot.expires_in == 0, status.is_terminal());
                prop_assert_eq!(snapshot.scanned_by.is_some(), seen.state.scan().is_some() && !logged_in);
                prop_assert_eq!(snapshot.username.is_some(), logged_in);
            }
        }
    }

    #[test]
    fn whoever_waits_as_long_as_it_says_is_not_early(history in history(), pause in pause()) {
        for (login, now) in live_through(&history) {
            let expires_in = Duration::from_secs(login.snapshot(now + pause).expires_in);
            let over = |now| login.at(now).state.status().is_terminal();
            prop_assert!(over(now + pause + expires_in));
            prop_assert!(expires_in.is_zero() || !over(now + pause + expires_in - Duration::from_secs(1)));
        }
    }

    #[test]
    fn a_checked_pc_gets_its_tokens_for_the_right_digits_within_three_tries((issued, events) in history()) {
        let (mut login, mut wrong) = (issued, 0);
        for (event, now) in events {
            let before = login.at(now).state.status();
            let outcome = login.apply(&event, now);
            if let Event::Redeem { client_id, check, .. } = &event
                && login.request.check_code
                && before == Status::Confirmed
                && client_id == CLIENT
            {
                let is_right = *check == Some(digits(DIGITS));
                wrong += u8::from(check.is_some() && !is_right);
                let after = outcome.as_ref().map_or(before, |step| step.login.state.status());
                let expected = match (is_right, wrong) {
                    (true, _) => Status::LoggedIn,
                    (false, CHECK_TRIES) => Status::Denied,
                    (false, _) => Status::Confirmed,
                };
                prop_assert_eq!(after, expected);
            }
            prop_assert!(wrong <= CHECK_TRIES);
            login = outcome.map_or(login, |step| step.login);
        }
    }

    #[test]
    fn a_login_survives_its_store(history in history()) {
        for (login, _) in live_through(&history) {
            let json = serde_json::to_string(&login).unwrap();
            prop_assert_eq!(serde_json::from_str::<Login>(&json).unwrap(), login);
        }
    }
}
