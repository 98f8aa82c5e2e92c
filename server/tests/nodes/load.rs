//! Many logins at once, each step of each on another node, and all of it written down.
//!
//! Everybody here is patient: what is answered with "the store is away" is
//! asked again, as a person or a program would. What is answered with anything
//! else goes into the login's history, for the checker to judge.

mod steps;

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use server::Settings;
use server::clock::Clock;
use server::store::{OpenCaps, Rate};
use shared::api::{NoticeKind, Password, PhoneLogin, Registration, SessionKind};
use shared::client::{Client, ClientError, Phone};
use shared::code::PublicUrl;
use shared::problem::ProblemCode;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::history::{Answer, Call, History, Promise, Recorded};
use crate::support::PASSWORD;
use crate::support::nodes::{Deployment, Node};

/// A wait that takes this long was in vain.
pub(crate) const IN_VAIN: Duration = Duration::from_secs(40);
/// How long somebody waits before asking again. Less than the server asks for: they are many, and in a hurry.
const ASKED_AGAIN_AFTER: Duration = Duration::from_millis(200);
/// How long what was brought for an account may take to be delivered: somebody looks into each outbox within that.
const DELIVERED_WITHIN: Duration = Duration::from_secs(20);
/// How many logins are under way at once.
const AT_ONCE: usize = 64;
/// How many people there are.
const PEOPLE: usize = 32;

/// Who logs in where, and what was seen of it.
pub(crate) struct Load {
    /// One for each node.
    clients: Vec<Client>,
    url: PublicUrl,
    /// Each person's phone, as it speaks to each node.
    people: Vec<Vec<Phone>>,
    /// Not the nodes' own, which may be set while they run.
    clock: Clock,
    turn: AtomicUsize,
    done: watch::Sender<usize>,
    figures: Mutex<BTreeMap<&'static str, Figure>>,
    /// When the store was whole again, once that is known.
    back_at: Mutex<Option<Timestamp>>,
    /// Whether PCs wait for what becomes of their logins.
    follows: bool,
}

/// How long something took.
#[derive(Clone, Copy, Default)]
struct Figure {
    times: usize,
    unknown: usize,
    longest: Duration,
}

/// No limit in the way of so many from one address.
pub(crate) fn roomy(settings: &mut Settings) {
    let all = Rate { count: 1_000_000, per: Duration::from_mins(1) };
    settings.code_lifetime = Duration::from_mins(10);
    settings.limits.issue = all;
    settings.limits.open = OpenCaps { per_address: 1_000_000, total: 1_000_000 };
    settings.limits.scan = all;
    settings.limits.device_code = all;
    settings.limits.register = all;
    settings.limits.password = all;
}

impl Load {
    pub(crate) async fn begin(deployment: &Deployment, nodes: &[Node]) -> Self {
        let clients: Vec<Client> = nodes.iter().map(Node::client).collect();
        let mut people = JoinSet::new();
        for person in 0..PEOPLE {
            let clients = clients.clone();
            people.spawn(async move { person_with_phone(&clients, person).await });
        }
        Self {
            clients,
            url: deployment.settings.public_url.clone(),
            people: people.join_all().await,
            clock: Clock::system(),
            turn: AtomicUsize::default(),
            done: watch::Sender::new(0),
            figures: Mutex::default(),
            back_at: Mutex::default(),
            follows: true,
        }
    }

    /// The same, but that no PC waits for anything, and every session is ended.
    pub(crate) fn without_followers(self) -> Self {
        Self { follows: false, ..self }
    }

    /// The time of this load's own clock.
    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Waits until so many logins have come to their end.
    pub(crate) async fn done(&self, logins: usize) {
        self.done.subscribe().wait_for(|done| *done >= logins).await.unwrap();
    }

    /// How many have so far.
    pub(crate) fn done_so_far(&self) -> usize {
        *self.done.borrow()
    }

    /// Some phone.
    pub(crate) fn phone_of_anybody(&self) -> Phone {
        self.phone(0)
    }

    /// Says that the store is whole again.
    pub(crate) fn is_back(&self) {
        *self.back_at.lock().unwrap() = Some(self.now());
    }

    /// Plays so many logins, and what is to happen meanwhile; then looks at what there is in the end.
    pub(crate) async fn play(
        self: &Arc<Self>,
        logins: usize,
        meanwhile: impl Future<Output = ()>,
    ) -> Vec<History> {
        let next = Arc::new(AtomicUsize::new(0));
        let mut workers = JoinSet::new();
        for _ in 0..AT_ONCE {
            let (load, next) = (self.clone(), next.clone());
            workers.spawn(async move {
                let mut played = Vec::new();
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= logins {
                        return played;
                    }
                    played.push((number, load.log_in(number).await));
                    load.done.send_modify(|done| *done += 1);
                }
            });
        }
        let began = self.now();
        let (played, ()) = tokio::join!(workers.join_all(), meanwhile);
        println!("{logins} logins in {:.1?}", since(began, self.now()));
        let mut played: Vec<(usize, History)> = played.into_iter().flatten().collect();
        played.sort_by_key(|(number, _)| *number);
        self.settle(&mut played).await;
        played.into_iter().map(|(_, history)| history).collect()
    }

    fn note(&self, what: &'static str, began: Timestamp, is_unknown: bool) {
        self.note_took(what, since(began, self.now()), is_unknown);
    }

    fn note_took(&self, what: &'static str, took: Duration, is_unknown: bool) {
        let mut figures = self.figures.lock().unwrap();
        let figure = figures.entry(what).or_default();
        figure.times += 1;
        figure.unknown += usize::from(is_unknown);
        figure.longest = figure.longest.max(took);
    }

    /// The next node's client.
    fn client(&self) -> Client {
        self.clients[self.turn.fetch_add(1, Ordering::Relaxed) % self.clients.len()].clone()
    }

    fn phone(&self, person: usize) -> Phone {
        let phones = &self.people[person];
        phones[self.turn.fetch_add(1, Ordering::Relaxed) % phones.len()].clone()
    }

    /// Adds to each history what there is of its login when all has been delivered.
    async fn settle(&self, played: &mut [(usize, History)]) {
        let began = self.now();
        loop {
            let mut there = HashMap::new();
            for phones in &self.people {
                self.count(&phones[0], &mut there).await;
            }
            let at = self.now();
            let settled: Vec<History> = played
                .iter()
                .map(|(number, history)| {
                    let (alive, told) = there.get(&format!("pc-{number}")).copied().unwrap_or_default();
                    let answer = Answer::Settled { alive, told };
                    let mut history = history.clone();
                    history.0.push(Recorded { call: Call::Settled, answer, began: at, ended: at });
                    history
                })
                .collect();
            // A notice may take until somebody looks into the outbox where it lies.
            let lacks = |history: &&History| {
                let redeemed =
                    |call: &Recorded| matches!((&call.call, &call.answer), (Call::Redeem, Answer::Done));
                let told = |call: &Recorded| matches!(call.answer, Answer::Settled { told: 1.., .. });
                history.0.iter().any(redeemed) && !history.0.iter().any(told)
            };
            let lacking = settled.iter().filter(lacks).count();
            if lacking == 0 || self.now() > began + DELIVERED_WITHIN {
                println!("settled {:.1?} after the last call", since(began, self.now()));
                played.iter_mut().zip(settled).for_each(|((_, history), settled)| *history = settled);
                return;
            }
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    }

    /// Counts a person's PC sessions, and the notices of their beginnings, by what the PCs call themselves.
    async fn count(&self, phone: &Phone, there: &mut HashMap<String, (usize, u64)>) {
        let sessions = patient(async || phone.sessions().await).await.sessions;
        for session in sessions.into_iter().filter(|session| session.kind == SessionKind::Pc) {
            there.entry(session.device_name.unwrap()).or_default().0 += 1;
        }
        let mut after = 0;
        loop {
            let notices = patient(async || phone.notifications(after, None).await).await.notifications;
            let Some(last) = notices.last() else { return };
            after = last.id;
            for notice in notices.into_iter().filter(|notice| notice.kind == NoticeKind::LoggedIn) {
                there.entry(notice.device_name.unwrap()).or_default().1 += notice.count;
            }
        }
    }

    /// Ends every session of a PC.
    pub(crate) async fn end_all(&self) {
        for phones in &self.people {
            patient(async || phones[0].end_other_sessions().await).await;
        }
    }

    /// Prints what was measured.
    pub(crate) fn print(&self) {
        for (what, Figure { times, unknown, longest }) in &*self.figures.lock().unwrap() {
            println!("{what}: {times} times, {unknown} unanswered or refused, {longest:.2?} at most");
        }
    }
}

/// Judges histories; answers how many are explained by nothing. Where replicas are waited for, none may break a
/// promise that they keep; and never may a second session live, or one that has ended.
pub(crate) fn judge(histories: &[History], promise: Promise) -> usize {
    for history in histories {
        assert!(history.is_explained(promise), "{promise:?} is broken: {history:#?}");
        assert!(!history.is_redeemed_twice(), "redeemed twice: {history:#?}");
        assert!(!history.has_a_zombie(), "alive after its end: {history:#?}");
    }
    taken_back(histories)
}

/// In how many logins something is gone that was acknowledged, of whatever kind.
pub(crate) fn taken_back(histories: &[History]) -> usize {
    histories.iter().filter(|history| !history.is_explained(Promise::All)).count()
}

async fn person_with_phone(clients: &[Client], person: usize) -> Vec<Phone> {
    let (username, password) = (format!("person-{person}"), || Password::new(PASSWORD.to_owned()));
    let body = Registration { username: username.clone(), password: password() };
    clients[0].register(&body).await.unwrap();
    let body = PhoneLogin { username, password: password(), device_name: None };
    let token = clients[0].log_in(&body).await.unwrap().phone_token;
    clients.iter().map(|client| client.phone(token.clone())).collect()
}

/// Asks until the store is there.
pub(crate) async fn patient<T>(ask: impl AsyncFn() -> Result<T, ClientError>) -> T {
    let asked = async {
        loop {
            match ask().await {
                Ok(answer) => return answer,
                Err(error) => assert!(is_away(&error), "{error:?}"),
            }
            tokio::time::sleep(ASKED_AGAIN_AFTER).await;
        }
    };
    tokio::time::timeout(IN_VAIN, asked).await.expect("the store never comes back")
}

/// Whether it is what PROTOCOL.md says of a store that is away, with a time to come back.
pub(crate) fn is_away(error: &ClientError) -> bool {
    let is_away = error.problem().is_some_and(|problem| problem.code == ProblemCode::Unavailable)
        || error.oauth() == Some(shared::problem::OauthCode::TemporarilyUnavailable);
    assert!(!is_away || error.retry_after_secs().is_some(), "without Retry-After: {error:?}");
    is_away
}

/// What an error says of the call's outcome.
fn said(error: &ClientError) -> Answer {
    if is_away(error) {
        return Answer::Unknown;
    }
    match (error.problem(), error.oauth()) {
        (Some(problem), _) if problem.code == ProblemCode::ConfirmTokenUsed => {
            Answer::Used(problem.login_status.unwrap())
        }
        (Some(problem), _) if problem.code == ProblemCode::CodeExpired => Answer::Refused("expired"),
        (Some(problem), _) => Answer::Refused(problem.code.as_str()),
        (_, Some(code)) => Answer::Refused(code.as_str()),
        _ => panic!("a node does not answer: {error:?}"),
    }
}

/// From one time to another, or nothing.
fn since(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}
