use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use shared::id::AccountId;
use shared::login::{Digests, Request, Scan, Scanner, State, Status};
use shared::name::Username;
use shared::random::OsRandom;
use shared::secret::Digest;

use super::*;

const CAPS: OpenCaps = OpenCaps { per_address: 4, total: 12 };

fn at(secs: i64) -> Timestamp {
    Timestamp::from_second(secs).unwrap()
}

fn login(number: u8, address: u8, now: Timestamp) -> Login {
    let digest = [number; 32];
    let digests = Digests {
        scan: Digest::from_bytes(digest),
        user: Digest::from_bytes(digest),
        device: Digest::from_bytes(digest),
    };
    let request = Request {
        client_id: "test".into(),
        scope: None,
        device_name: None,
        device_os: None,
        device_app: None,
        login_hint: None,
        check_code: false,
        key: None,
        ip: Some([192, 0, 2, address].into()),
    };
    Login::new(LoginId::generate(now, &OsRandom), digests, request, now, Duration::from_secs(20))
}

fn scan() -> Scan {
    let by = Scanner {
        account: AccountId::from_bytes([1; 16]),
        username: Username::parse("alice").unwrap(),
        phone: SessionId::from_bytes([2; 16]),
    };
    Scan { by, confirm: Digest::from_bytes([255; 32]), replaced: Vec::new() }
}

/// What may happen to the live logins.
#[derive(Clone, Debug)]
enum Act {
    Insert { number: u8, address: u8 },
    Scan(usize),
    End(usize),
    Forget(usize),
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        6 => (0..40_u8, 0..4_u8).prop_map(|(number, address)| Act::Insert { number, address }),
        2 => any::<usize>().prop_map(Act::Scan),
        2 => any::<usize>().prop_map(Act::End),
        1 => any::<usize>().prop_map(Act::Forget),
        2 => (0..15_i64).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..80)
}

/// What `reserve` should answer, found by walking through everything.
fn expected(known: &[Login], new: &Login, now: Timestamp) -> (Inserted, Vec<LoginId>) {
    let open: Vec<&Login> =
        known.iter().filter(|login| login.runs_out_at().is_some_and(|at| now < at)).collect();
    let mut by_address: HashMap<_, Vec<&Login>> = HashMap::new();
    for login in &open {
        by_address.entry(login.request.ip).or_default().push(login);
    }
    if by_address.get(&new.request.ip).map_or(0, Vec::len) >= CAPS.per_address as usize {
        return (Inserted::AddressFull, Vec::new());
    }
    if open.len() >= CAPS.total as usize {
        let unscanned = |logins: &Vec<&Login>| {
            let unscanned = logins.iter().filter(|login| login.state.status() == Status::Unscanned);
            unscanned.map(|login| (login.issued_at, login.id)).min()
        };
        let most = by_address.values().filter(|logins| unscanned(logins).is_some()).map(Vec::len).max();
        let candidates = by_address.values().filter(|logins| Some(logins.len()) == most);
        let candidates = candidates.filter_map(unscanned).map(|(_, id)| id).collect();
        return (Inserted::Full(None), candidates);
    }
    let taken = known.iter().any(|login| login.digests == new.digests && now < login.forgotten_at());
    (if taken { Inserted::Taken } else { Inserted::Done }, Vec::new())
}

proptest! {
    #[test]
    fn the_indexes_answer_as_a_walk_through_everything_would(acts in acts()) {
        let mut live = Live::default();
        let mut known: Vec<Login> = Vec::new();
        let mut now = at(1000);
        for act in acts {
            match act {
                Act::Wait(secs) => now += Duration::from_secs(secs.unsigned_abs()),
                Act::Insert { number, address } => {
                    let new = Arc::new(login(number, address, now));
                    let (expected, candidates) = expected(&known, &new, now);
                    let inserted = live.reserve(&new, CAPS);
                    match inserted {
                        Inserted::Full(Some(id)) => prop_assert!(candidates.contains(&id)),
                        Inserted::Full(None) => prop_assert!(candidates.is_empty()),
                        _ => prop_assert_eq!(inserted, expected),
                    }
                    if inserted == Inserted::Done {
                        prop_assert_eq!(live.find(&LoginKey::Id(new.id)), None);
                        live.show(new.id);
                        // A forgotten holder of the same codes can only be found by its id from now on.
                        known.retain(|login| login.digests != new.digests || {
                            live.forget(login.id);
                            false
                        });
                        known.push(Login::clone(&new));
                    }
                }
                Act::Scan(_) | Act::End(_) | Act::Forget(_) if known.is_empty() => {}
                Act::Scan(index) => {
                    let index = index % known.len();
                    known[index].state = State::Scanned(scan());
                    live.replace(Arc::new(known[index].clone()));
                }
                Act::End(index) => {
                    let index = index % known.len();
                    known[index].state = State::Denied { scan: scan(), at: now };
                    live.replace(Arc::new(known[index].clone()));
                }
                Act::Forget(index) => {
                    let login = known.swap_remove(index % known.len());
                    live.forget(login.id);
                }
            }
            for login in &known {
                let found = live.find(&LoginKey::Scan(login.digests.scan));
                prop_assert_eq!(found.as_deref(), Some(login));
            }
        }
        for login in known {
            live.forget(login.id);
        }
        let Live { logins, keys, unfinished, due, forgettable, open } = live;
        prop_assert!(logins.is_empty() && keys.is_empty() && unfinished.is_empty());
        prop_assert!(due.is_empty() && forgettable.is_empty() && open.is_empty());
    }
}
