//! Thousands of orders in which polls and approvals may come, alone and two at a time, each judged by the
//! rules of `PROTOCOL` §3, which are written down here once more, without a look at the server's.
//!
//! ```text
//! seed --> order of calls --> one, or two at the same time --> what each was answered
//!                                                                  |
//!                             some order of the two must explain it, from where the login stood
//! ```

use futures_util::StreamExt as _;
use futures_util::future::join;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::DeviceAuthorization;

use crate::Backend;
use crate::scene::{refresh, said};
use crate::support::Server;

/// How many logins there are, and how many calls are made to each: enough for 10,000 pairs that race.
const LOGINS: u64 = 3_500;
const CALLS_PER_LOGIN: usize = 10;
const PAIRS: usize = 10_000;
/// How many logins are busy at once.
const BUSY: usize = 16;

/// `SplitMix64`: small, seeded, and good enough to shuffle calls.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ mixed >> 31) % bound as u64).unwrap()
    }
}

/// Who calls what.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Call {
    /// The PC polls, or redeems.
    Poll,
    Cancel,
    /// Phone 0 or 1 scans.
    Scan(usize),
    /// Phone 0 or 1 decides, with the newest confirm token there is.
    Confirm(usize),
    Deny(usize),
    /// The PC spends its refresh token.
    Refresh,
}

const CALLS_THERE_ARE: [Call; 11] = [
    Call::Poll,
    Call::Poll,
    Call::Poll,
    Call::Cancel,
    Call::Scan(0),
    Call::Scan(0),
    Call::Scan(1),
    Call::Confirm(0),
    Call::Confirm(1),
    Call::Deny(0),
    Call::Refresh,
];

/// Where a login stands, by the rules. The clock stands still, so nothing expires.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stands {
    Unscanned,
    Scanned { by: usize },
    Confirmed { by: usize },
    LoggedIn { by: usize, used: bool },
    Ended { by: usize },
    Denied,
    Cancelled,
}

/// A login by the rules, and what its callers are about to send.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Rules {
    stands: Stands,
    /// Whether it was polled at this moment before.
    polled: bool,
    /// The confirm token, and the refresh token, that calls are made with.
    confirm_token: Sent,
    refresh_token: Sent,
}

/// A token that calls are made with.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Sent {
    /// None is known yet.
    Unknown,
    Newest,
    /// A call beside had it replaced.
    Replaced,
    /// A call beside has used it.
    Spent,
}

impl Rules {
    /// What a call is answered, and what becomes of the login.
    fn answer(&mut self, call: Call) -> (u16, &'static str) {
        use Stands::{Cancelled, Confirmed, Denied, Ended, LoggedIn, Scanned, Unscanned};
        match (call, self.stands) {
            (Call::Poll, Unscanned | Scanned { .. }) => {
                let again = std::mem::replace(&mut self.polled, true);
                (400, if again { "slow_down" } else { "authorization_pending" })
            }
            (Call::Poll, Confirmed { by }) => self.moves(LoggedIn { by, used: false }, 200),
            (Call::Poll, LoggedIn { used: false, .. }) => {
                self.refresh_token = Sent::Replaced;
                (200, "-")
            }
            (Call::Poll, LoggedIn { by, used: true } | Ended { by }) => {
                self.stands = Ended { by };
                (400, "invalid_grant")
            }
            (Call::Poll, Denied | Cancelled) => (400, "access_denied"),
            (Call::Cancel, Unscanned | Scanned { .. }) => self.moves(Cancelled, 204),
            (Call::Cancel, _) => (204, "-"),
            (Call::Scan(by), Unscanned) => self.moves(Scanned { by }, 200),
            (Call::Scan(phone), Scanned { by }) if phone == by => {
                self.confirm_token = Sent::Replaced;
                (200, "-")
            }
            (Call::Scan(_), Scanned { .. }) => (409, "already_scanned"),
            (Call::Confirm(_) | Call::Deny(_), _) if self.confirm_token == Sent::Unknown => {
                (401, "confirm_token_invalid")
            }
            (Call::Confirm(phone) | Call::Deny(phone), Scanned { by }) if phone != by => {
                (403, "not_your_scan")
            }
            (Call::Confirm(_) | Call::Deny(_), Scanned { .. }) if self.confirm_token == Sent::Replaced => {
                (410, "confirm_token_used")
            }
            (Call::Confirm(_), Scanned { by }) => self.moves(Confirmed { by }, 200),
            (Call::Deny(_), Scanned { .. }) => self.moves(Denied, 200),
            (Call::Confirm(_) | Call::Deny(_), Confirmed { .. } | LoggedIn { .. } | Ended { .. }) => {
                (410, "confirm_token_used")
            }
            (Call::Confirm(_) | Call::Deny(_), Denied | Cancelled) | (Call::Scan(_), _) => {
                (409, "login_closed")
            }
            (Call::Confirm(_) | Call::Deny(_), Unscanned) => (401, "confirm_token_invalid"),
            (Call::Refresh, LoggedIn { by, .. }) => match self.refresh_token {
                Sent::Newest => {
                    self.refresh_token = Sent::Spent;
                    self.moves(LoggedIn { by, used: true }, 200)
                }
                Sent::Spent => {
                    self.stands = Ended { by };
                    (400, "invalid_grant")
                }
                Sent::Unknown | Sent::Replaced => (400, "invalid_grant"),
            },
            (Call::Refresh, _) => (400, "invalid_grant"),
        }
    }

    fn moves(&mut self, to: Stands, http: u16) -> (u16, &'static str) {
        self.stands = to;
        (http, "-")
    }
}

/// What the callers know: the tokens that they were answered last.
#[derive(Clone, Default)]
struct Known {
    confirm_token: String,
    refresh_token: String,
}

impl Known {
    fn learn(&mut self, (http, body): &(StatusCode, Value)) {
        if *http == StatusCode::OK {
            for (member, token) in
                [("confirm_token", &mut self.confirm_token), ("refresh_token", &mut self.refresh_token)]
            {
                if let Some(text) = body[member].as_str() {
                    text.clone_into(token);
                }
            }
        }
    }
}

/// Two calls that are both answered with a token of the same kind leave nobody who could tell which one is
/// the newest.
fn may_race(a: Call, b: Call, stands: Stands) -> bool {
    match (a, b) {
        (Call::Scan(a), Call::Scan(b)) => a != b,
        (Call::Poll, Call::Poll) => matches!(stands, Stands::Unscanned | Stands::Scanned { .. }),
        _ => true,
    }
}

pub(crate) async fn find_an_order_of_calls_that_breaks_the_rules(on: Backend) {
    let server = on
        .server_with(|settings| {
            settings.limits.issue.count = u32::MAX;
            settings.limits.open.per_address = u32::MAX;
        })
        .await;
    let phones = [server.phone_token("alice").await, server.phone_token("bob").await];
    let orders = futures_util::stream::iter(0..LOGINS).map(|seed| try_one_order(&server, &phones, seed));
    let pairs = orders.buffer_unordered(BUSY).fold(0, async |sum, pairs| sum + pairs).await;
    assert!(pairs >= PAIRS, "{pairs} raced");
}

/// Answers how many pairs of calls raced.
async fn try_one_order(server: &Server, phones: &[String; 2], seed: u64) -> usize {
    let mut random = Seeded(seed);
    let issued = server.issue().await;
    let mut rules = Rules {
        stands: Stands::Unscanned,
        polled: false,
        confirm_token: Sent::Unknown,
        refresh_token: Sent::Unknown,
    };
    let mut known = Known::default();
    let (mut made, mut pairs) = (0, 0);
    while made < CALLS_PER_LOGIN {
        let call = CALLS_THERE_ARE[random.below(CALLS_THERE_ARE.len())];
        let other = CALLS_THERE_ARE[random.below(CALLS_THERE_ARE.len())];
        let before = rules;
        if random.below(2) == 0 && may_race(call, other, rules.stands) {
            let of = |call| make(server, &issued, phones, &known, call);
            let (first, second) = join(of(call), of(other)).await;
            let (heard, other_heard) = (said(first.clone()), said(second.clone()));
            let explained = |a: Call, b: Call| {
                let mut rules = before;
                let (a, b) = (rules.answer(a), rules.answer(b));
                (rules, a, b)
            };
            let one_way = explained(call, other);
            let other_way = explained(other, call);
            rules = if is(&heard, one_way.1) && is(&other_heard, one_way.2) {
                one_way.0
            } else if is(&heard, other_way.2) && is(&other_heard, other_way.1) {
                other_way.0
            } else {
                panic!("seed {seed}: {call:?} and {other:?} of {before:?}: {heard:?} and {other_heard:?}")
            };
            known.learn(&first);
            known.learn(&second);
            made += 2;
            pairs += 1;
        } else {
            let answer = make(server, &issued, phones, &known, call).await;
            let (heard, expected) = (said(answer.clone()), rules.answer(call));
            assert!(is(&heard, expected), "seed {seed}: {call:?} of {before:?}: {heard:?}, not {expected:?}");
            known.learn(&answer);
            made += 1;
        }
        let newest = |token: &String| if token.is_empty() { Sent::Unknown } else { Sent::Newest };
        rules.confirm_token = newest(&known.confirm_token);
        rules.refresh_token = newest(&known.refresh_token);
    }
    pairs
}

fn is(heard: &(u16, String), expected: (u16, &str)) -> bool {
    (heard.0, heard.1.as_str()) == expected
}

async fn make(
    server: &Server,
    issued: &DeviceAuthorization,
    phones: &[String; 2],
    known: &Known,
    call: Call,
) -> (StatusCode, Value) {
    let decide = async |what: &str, phone: &String| {
        let body = json!({"confirm_token": known.confirm_token});
        server.call(Method::POST, &format!("/v1/scans/{what}"), phone, body).await
    };
    match call {
        Call::Poll => server.redeem(issued).await,
        Call::Cancel => {
            server.call(Method::DELETE, "/v1/login", issued.device_code.expose(), Value::Null).await
        }
        Call::Scan(phone) => {
            let body = json!({"scan_code": server.scan_code(issued)});
            server.call(Method::POST, "/v1/scans", &phones[phone], body).await
        }
        Call::Confirm(phone) => decide("confirm", &phones[phone]).await,
        Call::Deny(phone) => decide("deny", &phones[phone]).await,
        Call::Refresh if known.refresh_token.is_empty() => {
            refresh(server, "rt_00AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await
        }
        Call::Refresh => refresh(server, &known.refresh_token).await,
    }
}
