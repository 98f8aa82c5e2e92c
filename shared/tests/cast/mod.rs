//! Who plays in the stories of one login: a PC, Alice's phone, Bob's phone, and a clock that starts at 0.

#![allow(dead_code, reason = "each suite plays its own part of this")]

use std::time::Duration;

use jiff::Timestamp;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId};
use shared::login::{CheckCode, Digests, Event, Login, Request, Scanner};
use shared::name::Username;
use shared::secret::Digest;

/// The life of every login here, in seconds.
pub(crate) const LIFETIME_SECS: u64 = 120;
/// The client that every login is issued to.
pub(crate) const CLIENT: &str = "pc";
/// What the phone shows, where the PC is to be checked.
pub(crate) const DIGITS: &str = "47";

/// The clock, this long after the login was issued.
pub(crate) fn after(since: Duration) -> Timestamp {
    let issued: Timestamp = "2026-01-01T00:00:00Z".parse().expect("a timestamp");
    issued + since
}

/// A login at its issue.
pub(crate) fn issued() -> Login {
    let digests = Digests {
        scan: Digest::from_bytes([0xA1; 32]),
        user: Digest::from_bytes([0xA2; 32]),
        device: Digest::from_bytes([0xA3; 32]),
    };
    let request = Request {
        client_id: CLIENT.to_owned(),
        scope: Some("openid".to_owned()),
        device_name: Some("ThinkPad".to_owned()),
        device_os: None,
        device_app: Some("pc-tui".to_owned()),
        login_hint: None,
        check_code: false,
        key: None,
        ip: Some([192, 0, 2, 7].into()),
    };
    let lifetime = Duration::from_secs(LIFETIME_SECS);
    Login::new(LoginId::from_bytes([1; 16]), digests, request, after(Duration::ZERO), lifetime)
}

/// A login at its issue, whose PC is to be checked.
pub(crate) fn issued_with_check() -> Login {
    let mut login = issued();
    login.request.check_code = true;
    login
}

/// Alice's phone.
pub(crate) fn alice() -> Scanner {
    phone("alice", 0xA)
}

/// Bob's phone.
pub(crate) fn bob() -> Scanner {
    phone("bob", 0xB)
}

fn phone(name: &str, number: u8) -> Scanner {
    Scanner {
        account: AccountId::from_bytes([number; 16]),
        username: Username::parse(name).expect("a user name"),
        phone: session(number),
    }
}

/// The session with this number. `0xA` and `0xB` are the phones'.
pub(crate) fn session(number: u8) -> SessionId {
    SessionId::from_bytes([number; 16])
}

/// This phone scans, and would get the confirm token with this number.
pub(crate) fn scan(by: &Scanner, token: u8) -> Event {
    Event::Scan { by: by.clone(), confirm: Digest::from_bytes([token; 32]) }
}

/// This phone confirms with the token of this number.
pub(crate) fn confirm(by: &Scanner, token: u8) -> Event {
    Event::Confirm { phone: by.phone, confirm: Digest::from_bytes([token; 32]), check: digits(DIGITS) }
}

/// This phone denies with the token of this number.
pub(crate) fn deny(by: &Scanner, token: u8) -> Event {
    Event::Deny { phone: by.phone, confirm: Digest::from_bytes([token; 32]) }
}

/// This client redeems, for the session with this number.
pub(crate) fn redeem(client_id: &str, number: u8, unused: bool) -> Event {
    Event::Redeem {
        client_id: client_id.to_owned(),
        session: session(number),
        unused,
        check: None,
        key: None,
    }
}

/// The PC redeems with these digits, for the session with this number.
pub(crate) fn redeem_with(typed: &str, number: u8) -> Event {
    let client_id = CLIENT.to_owned();
    Event::Redeem { client_id, session: session(number), unused: true, check: Some(digits(typed)), key: None }
}

/// A PC that has proved the key with this number redeems.
pub(crate) fn redeem_proving(number: u8) -> Event {
    redeem_proving_for(number, 0xC)
}

/// The same, for the session with a number of its own.
pub(crate) fn redeem_proving_for(number: u8, session_number: u8) -> Event {
    let (client_id, session) = (CLIENT.to_owned(), session(session_number));
    let key = Some(Thumbprint::from_bytes([number; 32]));
    Event::Redeem { client_id, session, unused: true, check: None, key }
}

/// A login at its issue, bound to the key with this number.
pub(crate) fn issued_with_key(number: u8) -> Login {
    let mut login = issued();
    login.request.key = Some(Thumbprint::from_bytes([number; 32]));
    login
}

/// These digits.
pub(crate) fn digits(typed: &str) -> CheckCode {
    CheckCode::parse(typed).expect("two digits")
}
