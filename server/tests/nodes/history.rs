//! What was called and answered about one login, and whether any order of it is what the state machine allows.
//!
//! ```text
//!   scan     |--------- 200 --------|
//!   confirm                           |----- 503 ----- …            may have happened, at any time from its begin
//!   confirm                                            |-- 410 used, confirmed --|
//!   redeem                                    |------------- 200 -------------|
//! ```
//!
//! The checker looks for an order in which every call stands between its begin
//! and its end, and in which [`Login::apply`], the real one, answers each call
//! as it was answered. A call whose outcome nobody knows may stand anywhere
//! after its begin, or nowhere. If there is no order, something was lost that
//! was acknowledged, or done twice, or told wrongly.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use shared::code::{ScanCode, UserCode};
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::login::{CheckCode, Digests, Event, Login, Refusal, Request, Scanner, Status};
use shared::name::Username;
use shared::random::OsRandom;
use shared::secret::{ConfirmToken, DeviceCode, Digest, ServerSecret, Token};

/// Whoever asks.
pub(crate) const CLIENT_ID: &str = "tests";

/// Something that was asked of a login.
#[derive(Clone, Debug)]
pub(crate) enum Call {
    /// A scan by one of two phones, and the token that it was answered with, or would have been.
    Scan { by: usize, confirm: Digest<ConfirmToken> },
    /// A confirm by the first phone.
    Confirm { confirm: Digest<ConfirmToken> },
    /// A denial by the first phone.
    Deny { confirm: Digest<ConfirmToken> },
    /// A redeem.
    Redeem,
    /// The PC gives up.
    Cancel,
    /// The first phone ends the session that came of it.
    EndSession,
    /// The PC uses the tokens that a redeem, the one with this number, was answered with.
    Use { of: usize },
    /// Where it stands.
    Status,
    /// What is there when all is over: the sessions of this login, and the notices that it logged in.
    Settled,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Nothing that says whether it was done.
    Unknown,
    /// It was done.
    Done,
    /// `authorization_pending`.
    Pending(Status),
    /// `confirm_token_used`, and where the login stands.
    Used(Status),
    /// Any other code.
    Refused(&'static str),
    /// A snapshot.
    Status(Status, u64),
    /// How many sessions live, and how many notices tell of a log-in.
    Settled { alive: usize, told: u64 },
}

/// A call, its answer, and when they were.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) call: Call,
    pub(crate) answer: Answer,
    pub(crate) began: Timestamp,
    pub(crate) ended: Timestamp,
}

/// All of one login. Its number in this list is a call's name.
#[derive(Clone, Debug, Default)]
pub(crate) struct History(pub(crate) Vec<Recorded>);

/// What may be gone although it was acknowledged.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Promise {
    /// Nothing.
    All,
    /// What a failover may take back where confirms, redeems and endings wait for replicas: everything else.
    Safe,
}

impl History {
    /// Whether some order of the calls is what the state machine allows.
    pub(crate) fn is_explained(&self, promise: Promise) -> bool {
        assert!(self.0.len() <= 64, "a small search is for few calls");
        let mut starts = vec![Model::begin(self.0.first().map_or(Timestamp::UNIX_EPOCH, |call| call.began))];
        if promise == Promise::Safe {
            starts.push(Model { login: None, ..starts[0].clone() });
        }
        let calls: Vec<Recorded> = self.0.iter().map(|call| loosened(call, promise)).collect();
        starts.into_iter().any(|start| Search { calls: &calls, seen: HashSet::new() }.finds(&start, 0))
    }

    /// Whether two sessions live out of this login.
    pub(crate) fn is_redeemed_twice(&self) -> bool {
        self.0.iter().any(|call| matches!(call.answer, Answer::Settled { alive: 2.., .. }))
    }

    /// Whether a session lives whose end was acknowledged before.
    pub(crate) fn has_a_zombie(&self) -> bool {
        let lives = |call: &Recorded| match (&call.call, &call.answer) {
            (Call::Use { .. }, Answer::Done) => true,
            (_, Answer::Settled { alive, .. }) => *alive > 0,
            _ => false,
        };
        let ends = |call: &&Recorded| matches!((&call.call, &call.answer), (Call::EndSession, Answer::Done));
        self.0.iter().filter(ends).any(|end| self.0.iter().any(|call| call.began > end.ended && lives(call)))
    }
}

/// A call as it counts where only some promises hold.
fn loosened(call: &Recorded, promise: Promise) -> Recorded {
    let is_promised = match (&call.call, &call.answer) {
        _ if promise == Promise::All => true,
        // A session is looked up in what may not be taken back.
        (Call::Use { .. } | Call::Settled, _) => true,
        (call, Answer::Done) => !matches!(call, Call::Scan { .. } | Call::Cancel),
        _ => false,
    };
    let answer = if is_promised { call.answer.clone() } else { Answer::Unknown };
    Recorded { answer, ..call.clone() }
}

/// A login, and what hangs on it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Model {
    /// None if it never came about.
    login: Option<Login>,
    phones: [Scanner; 2],
    session: Option<Session>,
}

/// The session that came of it.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Session {
    is_alive: bool,
    is_used: bool,
    /// The redeem whose answer has the tokens that work.
    tokens_of: usize,
}

impl Model {
    fn begin(at: Timestamp) -> Self {
        let (id, tag) = (LoginId::generate(at, &OsRandom), Tag::numbered(0));
        let secret = ServerSecret::generate(&OsRandom);
        let digests = Digests {
            scan: ScanCode::generate(tag, &OsRandom).digest(),
            user: UserCode::generate(&OsRandom).digest(&secret),
            device: Token::<DeviceCode>::generate(tag, &OsRandom).digest(),
        };
        let request = Request {
            client_id: CLIENT_ID.to_owned(),
            scope: None,
            device_name: None,
            device_os: None,
            device_app: None,
            login_hint: None,
            check_code: false,
            key: None,
            ip: None,
        };
        let phones = ["emma", "noah"].map(|name| Scanner {
            account: AccountId::generate(at, &OsRandom),
            username: Username::parse(name).unwrap(),
            phone: SessionId::generate(at, &OsRandom),
        });
        // Long enough that only the times of a confirm and a redeem matter.
        let login = Login::new(id, digests, request, at, Duration::from_hours(1));
        Self { login: Some(login), phones, session: None }
    }

    /// What a call may come to at `now`, and what it would be answered.
    fn after(&self, number: usize, call: &Call, now: Timestamp) -> Vec<(Self, Answer)> {
        let same = |answer| vec![(self.clone(), answer)];
        let Some(login) = &self.login else { return same(never_was(call)) };
        match call {
            Call::Scan { by, confirm } => {
                let event = Event::Scan { by: self.phones[*by].clone(), confirm: *confirm };
                self.stepped(login.apply(&event, now).map(|step| step.login))
            }
            Call::Confirm { confirm } | Call::Deny { confirm } if !knows(login, confirm) => {
                same(Answer::Refused("confirm_token_invalid"))
            }
            Call::Confirm { confirm } => {
                let (phone, check) = (self.phones[0].phone, CheckCode::generate(&OsRandom));
                let event = Event::Confirm { phone, confirm: *confirm, check };
                self.stepped(login.apply(&event, now).map(|step| step.login))
            }
            Call::Deny { confirm } => {
                let event = Event::Deny { phone: self.phones[0].phone, confirm: *confirm };
                self.stepped(login.apply(&event, now).map(|step| step.login))
            }
            Call::Cancel => match login.apply(&Event::Cancel, now) {
                Err(Refusal::Unchanged) => same(Answer::Done),
                done => self.stepped(done.map(|step| step.login)),
            },
            Call::Redeem => self.redeemed(number, login, now),
            Call::EndSession => match &self.session {
                // Who ends what has ended, ends nothing; that is said in two ways.
                None | Some(Session { is_alive: false, .. }) => {
                    vec![(self.clone(), Answer::Done), (self.clone(), Answer::Refused("not_found"))]
                }
                Some(session) => {
                    let session = Some(Session { is_alive: false, ..session.clone() });
                    vec![(Self { session, ..self.clone() }, Answer::Done)]
                }
            },
            Call::Use { of } => match &self.session {
                Some(session) if session.is_alive && session.tokens_of == *of => {
                    let session = Some(Session { is_used: true, ..session.clone() });
                    vec![(Self { session, ..self.clone() }, Answer::Done)]
                }
                _ => same(Answer::Refused("unauthenticated")),
            },
            Call::Status => {
                let snapshot = login.snapshot(now);
                same(Answer::Status(snapshot.status, snapshot.version))
            }
            Call::Settled => {
                let alive = usize::from(self.session.as_ref().is_some_and(|session| session.is_alive));
                same(Answer::Settled { alive, told: u64::from(self.session.is_some()) })
            }
        }
    }

    fn stepped(&self, outcome: Result<Login, Refusal>) -> Vec<(Self, Answer)> {
        let (login, answer) = match outcome {
            Ok(login) => (Some(login), Answer::Done),
            Err(refusal) => (self.login.clone(), told(&refusal)),
        };
        vec![(Self { login, ..self.clone() }, answer)]
    }

    fn redeemed(&self, number: usize, login: &Login, now: Timestamp) -> Vec<(Self, Answer)> {
        let event = Event::Redeem {
            client_id: CLIENT_ID.to_owned(),
            // Which one does not matter, but it must not differ each time that this is asked.
            session: self.phones[1].phone,
            unused: self.session.as_ref().is_none_or(|session| session.is_alive && !session.is_used),
            check: None,
            key: None,
        };
        match login.apply(&event, now) {
            Ok(step) => {
                let session = Some(Session { is_alive: true, is_used: false, tokens_of: number });
                let login = Some(step.login);
                vec![(Self { login, session, ..self.clone() }, Answer::Done)]
            }
            Err(Refusal::Replayed(_)) => {
                let session = self.session.clone().map(|session| Session { is_alive: false, ..session });
                vec![(Self { session, ..self.clone() }, Answer::Refused("invalid_grant"))]
            }
            Err(refusal) => vec![(self.clone(), told(&refusal))],
        }
    }
}

/// Whether a token is one of those that the scan was answered with.
fn knows(login: &Login, confirm: &Digest<ConfirmToken>) -> bool {
    let scan = login.state.scan();
    scan.is_some_and(|scan| scan.confirm == *confirm || scan.replaced.contains(confirm))
}

/// PROTOCOL.md §3 and §6.
fn told(refusal: &Refusal) -> Answer {
    match refusal {
        Refusal::AlreadyScanned => Answer::Refused("already_scanned"),
        Refusal::NotYourScan => Answer::Refused("not_your_scan"),
        Refusal::ConfirmTokenUsed(Some(standing)) => Answer::Used(standing.status),
        Refusal::Closed => Answer::Refused("login_closed"),
        Refusal::Pending(status) => Answer::Pending(*status),
        Refusal::AccessDenied => Answer::Refused("access_denied"),
        // The PC and the phone have a word of their own for it.
        Refusal::Expired => Answer::Refused("expired"),
        refusal => panic!("nothing here leads to {refusal:?}"),
    }
}

/// What is said of a login that there is not.
fn never_was(call: &Call) -> Answer {
    match call {
        Call::Scan { .. } => Answer::Refused("code_not_found"),
        Call::Confirm { .. } | Call::Deny { .. } => Answer::Refused("confirm_token_invalid"),
        Call::Redeem => Answer::Refused("invalid_grant"),
        Call::EndSession => Answer::Refused("not_found"),
        Call::Cancel | Call::Use { .. } | Call::Status => Answer::Refused("unauthenticated"),
        Call::Settled => Answer::Settled { alive: 0, told: 0 },
    }
}

/// Wing and Gong's search, with a memory of where it was before.
struct Search<'a> {
    calls: &'a [Recorded],
    seen: HashSet<(u64, Model)>,
}

impl Search<'_> {
    fn finds(&mut self, model: &Model, placed: u64) -> bool {
        let calls = self.calls;
        let is_open = |number: &usize| placed & (1 << number) == 0;
        let known = |number: &usize| calls[*number].answer != Answer::Unknown;
        let open = || (0..calls.len()).filter(is_open);
        // Whoever is next began before any that is left had ended.
        let Some(first_end) = open().filter(known).map(|number| calls[number].ended).min() else {
            return true;
        };
        if !self.seen.insert((placed, model.clone())) {
            return false;
        }
        for number in open().filter(|number| calls[*number].began <= first_end) {
            let Recorded { call, answer, began, ended } = &calls[number];
            for now in [began, ended] {
                for (after, answered) in model.after(number, call, *now) {
                    let fits = if *answer == Answer::Unknown { after != *model } else { *answer == answered };
                    if fits && self.finds(&after, placed | (1 << number)) {
                        return true;
                    }
                }
            }
        }
        false
    }
}

mod tests;
