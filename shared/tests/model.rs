//! Every order in which racing requests can reach one login, with the real [`Login::apply`] in the middle.
//!
//! Each request does what the server does, in two steps that others can come between:
//!
//! ```text
//! 1. read the login, and ask `apply` what the request comes to
//!        ... any other request, or the deadline ...
//! 2. commit the answer, if nothing has changed since; otherwise start again at 1
//! ```
//!
//! The checker walks through all of them and looks at every state on the way. So that this is known to be
//! able to fail, the same requests also meet a store that writes whatever it is given, and one that does
//! not look at the clock once more when it commits. Both are caught.

mod cast;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use cast::{
    CLIENT, DIGITS, LIFETIME_SECS, after, alice, bob, confirm, deny, digits, issued, issued_with_check,
    redeem, redeem_proving_for, redeem_with, scan,
};
use jiff::Timestamp;
use shared::id::SessionId;
use shared::login::{CHECK_TRIES, Event, Login, REDEEM_WITHIN, Refusal, Status, Step};
use stateright::{Checker, Model, Property};

/// The moments at which things happen, in seconds: the issue; when what was confirmed or redeemed then is
/// past its time; and the deadline, when everything is.
const MOMENTS: [u64; 3] = [0, REDEEM_WITHIN.as_secs(), LIFETIME_SECS];

const ONE_SCANNER: &str = "one phone at most is told that the scan is its own";
const ONE_DECISION: &str = "one decision at most counts";
const ONE_SESSION: &str = "one session at most lives";
const END_IS_END: &str = "nothing changes after the end";
const COUNTED: &str = "each transition counts one version, each write one revision";
const THREE_GUESSES: &str = "three wrong check codes at most are judged";
const CHECKED: &str = "where the PC is to be checked, a session comes of the right digits only";
const SECOND_IS_A_REPLAY: &str = "a redeem that comes second is repeated, or found out as a replay";
const SAME_CALLER: &str = "a redeem is repeated by whoever proves what the first one proved";
const STANDS: &str = "the deadline and the request stand";

/// How a store commits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Store {
    /// If the login is still as it was read, and has not run out meanwhile.
    CompareAndSet,
    /// If the login is still as it was read, however late it is.
    CompareAndSetAnytime,
    /// Always.
    Blind,
}

/// The requests that race, and the store that they race for.
struct Race {
    login: Login,
    store: Store,
    requests: Vec<Event>,
}

/// How far a request has come.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Progress {
    /// It has not read the login yet, or must read it again.
    Waiting,
    /// It has read this revision, and this is what it would commit.
    Decided { read: u64, step: Arc<Step> },
    /// It has been answered.
    Answered,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Action {
    /// The request of this number takes its next step.
    Go(usize),
    /// The next of the [`MOMENTS`] comes.
    TimePasses,
}

/// The store, the clock, and what the callers have been told.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct World {
    login: Login,
    moment: usize,
    progress: Vec<Progress>,
    /// The phones that were told that the scan is theirs.
    scanners: BTreeSet<SessionId>,
    /// How many phones were told that their decision counts.
    decisions: usize,
    /// The PC sessions that live.
    sessions: BTreeSet<SessionId>,
    /// How many wrong check codes were judged.
    guesses: u8,
    repeated: bool,
    replayed: bool,
    /// A redeem of what was redeemed came to neither.
    refused_unnoticed: bool,
    /// The promises that a commit has broken.
    broken: BTreeSet<&'static str>,
}

impl World {
    fn now(&self) -> Timestamp {
        after(Duration::from_secs(MOMENTS[self.moment]))
    }

    fn status(&self) -> Status {
        self.login.at(self.now()).state.status()
    }

    /// Whether the store would find the login by what the request has in hand. A confirm token exists only
    /// once it has been handed out; a PC redeems once it has heard of the confirmation.
    fn can_reach(&self, event: &Event) -> bool {
        match event {
            Event::Confirm { confirm, .. } | Event::Deny { confirm, .. } => self
                .login
                .state
                .scan()
                .is_some_and(|scan| scan.confirm == *confirm || scan.replaced.contains(confirm)),
            Event::Redeem { .. } => !matches!(self.status(), Status::Unscanned | Status::Scanned),
            _ => true,
        }
    }

    /// Step 1: read and decide. A refusal leaves no trace, and a refused request may well be sent again: it
    /// goes on waiting. Only a replay ends the session that it found.
    fn decide(&mut self, request: usize, event: &Event) -> bool {
        match self.login.apply(event, self.now()) {
            Ok(step) => {
                self.progress[request] = Progress::Decided { read: self.login.revision, step: Arc::new(step) }
            }
            Err(Refusal::Replayed(session)) => {
                self.sessions.remove(&session);
                self.replayed = true;
                self.progress[request] = Progress::Answered;
            }
            Err(_) if matches!((event, self.status()), (Event::Redeem { .. }, Status::LoggedIn)) => {
                self.refused_unnoticed = true;
            }
            Err(_) => return false,
        }
        true
    }

    /// Step 2: commit, or start again.
    fn commit(&mut self, store: Store, request: usize, event: &Event, read: u64, step: &Step) {
        let unchanged = self.login.revision == read;
        let ran_out =
            !matches!(event, Event::Tick) && self.login.runs_out_at().is_some_and(|at| self.now() >= at);
        let accepted = match store {
            Store::CompareAndSet => unchanged && !ran_out,
            Store::CompareAndSetAnytime => unchanged,
            Store::Blind => true,
        };
        if !accepted {
            self.progress[request] = Progress::Waiting;
            return;
        }
        let broken = broken_by(&self.login, &step.login, self.now());
        self.broken.extend(broken);
        self.progress[request] = Progress::Answered;
        match event {
            Event::Scan { by, .. } => _ = self.scanners.insert(by.phone),
            Event::Confirm { .. } | Event::Deny { .. } => self.decisions += 1,
            Event::Redeem { session, check, key, .. } => match step.login.state.status() {
                // A repeat puts fresh tokens into the session that is there; it makes none.
                Status::LoggedIn if self.login.version == step.login.version => {
                    self.repeated = true;
                    if *key != self.login.key() {
                        self.broken.insert(SAME_CALLER);
                    }
                }
                Status::LoggedIn => {
                    self.sessions.insert(*session);
                    if self.login.request.check_code && *check != Some(digits(DIGITS)) {
                        self.broken.insert(CHECKED);
                    }
                }
                _ => self.guesses += 1,
            },
            Event::Cancel | Event::PhoneEnded | Event::Evict | Event::Tick => {}
        }
        self.login = step.login.clone();
    }
}

/// The promises that are broken by replacing `before` with `login` at `now`.
fn broken_by(before: &Login, login: &Login, now: Timestamp) -> impl Iterator<Item = &'static str> {
    let stands = |login: &Login| {
        (login.id, login.digests.clone(), login.request.clone(), login.issued_at, login.deadline)
    };
    let seen = before.at(now);
    let over = seen.state.status().is_terminal();
    let transitions = u64::from(before.state.status() != login.state.status());
    let counted = (login.version, login.revision) == (before.version + transitions, before.revision + 1);
    [
        (END_IS_END, !over || seen.state == login.state),
        (COUNTED, counted),
        (STANDS, stands(before) == stands(login)),
    ]
    .into_iter()
    .filter_map(|(promise, kept)| (!kept).then_some(promise))
}

impl Model for Race {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            login: self.login.clone(),
            moment: 0,
            progress: vec![Progress::Waiting; self.requests.len()],
            scanners: BTreeSet::new(),
            decisions: 0,
            sessions: BTreeSet::new(),
            guesses: 0,
            repeated: false,
            replayed: false,
            refused_unnoticed: false,
            broken: BTreeSet::new(),
        }]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (number, progress) in world.progress.iter().enumerate() {
            let can_go = match progress {
                Progress::Waiting => world.can_reach(&self.requests[number]),
                Progress::Decided { .. } => true,
                Progress::Answered => false,
            };
            if can_go {
                actions.push(Action::Go(number));
            }
        }
        if world.moment + 1 < MOMENTS.len() {
            actions.push(Action::TimePasses);
        }
    }

    fn next_state(&self, world: &World, action: Action) -> Option<World> {
        let mut world = world.clone();
        match action {
            Action::TimePasses => world.moment += 1,
            Action::Go(request) => {
                let event = &self.requests[request];
                match world.progress[request].clone() {
                    Progress::Waiting => {
                        if !world.decide(request, event) {
                            return None;
                        }
                    }
                    Progress::Decided { read, step } => world.commit(self.store, request, event, read, &step),
                    Progress::Answered => return None,
                }
            }
        }
        Some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        vec![
            Property::always(ONE_SCANNER, |_, world: &World| world.scanners.len() <= 1),
            Property::always(ONE_DECISION, |_, world: &World| world.decisions <= 1),
            Property::always(ONE_SESSION, |_, world: &World| world.sessions.len() <= 1),
            Property::always(THREE_GUESSES, |_, world: &World| world.guesses <= CHECK_TRIES),
            Property::always(SAME_CALLER, |_, world: &World| !world.broken.contains(SAME_CALLER)),
            Property::always(CHECKED, |_, world: &World| !world.broken.contains(CHECKED)),
            Property::always(SECOND_IS_A_REPLAY, |_, world: &World| !world.refused_unnoticed),
            Property::always(END_IS_END, |_, world: &World| !world.broken.contains(END_IS_END)),
            Property::always(COUNTED, |_, world: &World| !world.broken.contains(COUNTED)),
            Property::always(STANDS, |_, world: &World| !world.broken.contains(STANDS)),
            // And all of this is about something: the race really gets everywhere.
            Property::sometimes("logged in", |_, world: &World| world.status() == Status::LoggedIn),
            Property::sometimes("denied", |_, world: &World| world.status() == Status::Denied),
            Property::sometimes("cancelled", |_, world: &World| world.status() == Status::Cancelled),
            Property::sometimes("expired", |_, world: &World| world.status() == Status::Expired),
            Property::sometimes("a redeem is repeated", |_, world: &World| world.repeated),
            Property::sometimes("a redeem is replayed", |_, world: &World| world.replayed),
        ]
    }
}

/// Two phones and a rescan, their decisions and a stolen token, two redeems that may each be the other's
/// repeat or replay, and everything that can end a login.
fn requests() -> Vec<Event> {
    let (alice, bob) = (alice(), bob());
    vec![
        scan(&alice, 1),
        scan(&alice, 2),
        scan(&bob, 3),
        confirm(&alice, 1),
        confirm(&alice, 2),
        confirm(&bob, 1),
        deny(&alice, 2),
        redeem(CLIENT, 1, true),
        redeem(CLIENT, 2, true),
        Event::Cancel,
        Event::PhoneEnded,
        Event::Tick,
    ]
}

#[test]
fn every_order_of_racing_requests_keeps_the_promises() {
    let race = Race { login: issued(), store: Store::CompareAndSet, requests: requests() };
    race.checker().threads(2).spawn_bfs().join().assert_properties();
}

#[test]
fn a_login_that_gives_way_is_over_like_any_other() {
    let begin = [scan(&alice(), 1), scan(&bob(), 2), confirm(&alice(), 1), Event::Cancel, Event::Evict];
    assert_eq!(broken(Store::CompareAndSet, begin.to_vec()), BTreeSet::new());
    assert_eq!(broken(Store::Blind, begin.to_vec()), [ONE_SCANNER, END_IS_END, COUNTED].into());
}

/// The promises that this store breaks.
fn broken(store: Store, requests: Vec<Event>) -> BTreeSet<&'static str> {
    broken_from(issued(), store, requests)
}

fn broken_from(login: Login, store: Store, requests: Vec<Event>) -> BTreeSet<&'static str> {
    let promises = [
        ONE_SCANNER,
        ONE_DECISION,
        ONE_SESSION,
        THREE_GUESSES,
        SAME_CALLER,
        SECOND_IS_A_REPLAY,
        CHECKED,
        END_IS_END,
        COUNTED,
        STANDS,
    ];
    let checker = Race { login, store, requests }.checker().spawn_bfs().join();
    promises.into_iter().filter(|promise| checker.discovery(promise).is_some()).collect()
}

/// A login that is confirmed, and whose PC is to be checked.
fn to_be_checked() -> Login {
    [scan(&alice(), 1), confirm(&alice(), 1)].iter().fold(issued_with_check(), |login, event| {
        login.apply(event, after(Duration::ZERO)).expect("it may happen").login
    })
}

#[test]
fn racing_guesses_are_counted_one_by_one() {
    let wrong = ["10", "11", "98", "99"].map(|typed| redeem_with(typed, 1));
    let right = [redeem_with(DIGITS, 2), redeem_with(DIGITS, 3)];
    let caught = broken_from(to_be_checked(), Store::Blind, wrong.to_vec());
    assert_eq!(caught, [THREE_GUESSES, END_IS_END, COUNTED].into());
    let requests = [wrong.as_slice(), &right].concat();
    assert_eq!(broken_from(to_be_checked(), Store::CompareAndSet, requests), BTreeSet::new());
}

/// The login was issued without a key. Whoever is second, with another key or with none, is taken for a thief of
/// the device code, or shows that the first one was.
#[test]
fn of_redeems_that_prove_different_keys_the_second_ends_the_session() {
    let confirmed = [scan(&alice(), 1), confirm(&alice(), 1)].iter().fold(issued(), |login, event| {
        login.apply(event, after(Duration::ZERO)).expect("it may happen").login
    });
    let redeems = [redeem(CLIENT, 1, true), redeem_proving_for(1, 2), redeem_proving_for(2, 3)];
    for one in &redeems {
        for other in redeems.iter().filter(|other| *other != one) {
            let requests = vec![one.clone(), other.clone()];
            assert_eq!(
                broken_from(confirmed.clone(), Store::CompareAndSet, requests.clone()),
                BTreeSet::new()
            );
            let race = Race { login: confirmed.clone(), store: Store::CompareAndSet, requests };
            let checker = race.checker().spawn_bfs().join();
            let found = checker.discovery("a redeem is replayed");
            assert!(found.is_some(), "it is about something");
        }
    }
}

#[test]
fn a_blind_write_is_caught() {
    let requests = vec![
        scan(&alice(), 1),
        scan(&bob(), 2),
        confirm(&alice(), 1),
        deny(&alice(), 1),
        redeem(CLIENT, 1, true),
        redeem(CLIENT, 2, true),
    ];
    let caught = [ONE_SCANNER, ONE_DECISION, ONE_SESSION, END_IS_END, COUNTED];
    assert_eq!(broken(Store::Blind, requests.clone()), caught.into());
    assert_eq!(broken(Store::CompareAndSet, requests), BTreeSet::new());
}

#[test]
fn a_commit_that_comes_after_the_deadline_is_caught() {
    let requests = vec![scan(&alice(), 1), confirm(&alice(), 1), redeem(CLIENT, 1, true)];
    assert_eq!(broken(Store::CompareAndSetAnytime, requests.clone()), [END_IS_END].into());
    assert_eq!(broken(Store::CompareAndSet, requests), BTreeSet::new());
}
