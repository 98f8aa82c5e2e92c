//! Who asks to be logged in: what a person reads before they decide.

use jiff::tz::TimeZone;
use shared::api::LoginRequest;
use shared::name::Username;

use super::{claim, quoted, second};
use crate::output::Paint;

/// A login that was scanned, and who would let it in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked<'a> {
    /// Who asks.
    pub(crate) login: &'a LoginRequest,
    /// As whom the PC would be logged in.
    pub(crate) username: &'a Username,
    /// The seconds left to decide.
    pub(crate) left_secs: u64,
}

/// What confirming would do first, then who asks, then what to beware of.
pub(crate) fn request(asked: Asked<'_>, zone: &TimeZone, paint: Paint) -> String {
    let Asked { login, username, left_secs } = asked;
    let mut lines = vec![paint.strong(&format!("Log this PC in as {username}")), String::new()];
    let mut row = |name: &str, value: String| lines.push(format!("  {name:<10} {value}"));
    let (device, whose_word) = device(login);
    row("Device", device);
    if let Some(whose_word) = whose_word {
        row("", whose_word.to_owned());
    }
    row("Address", claim(login.ip.as_ref()).unwrap_or_else(|| "not known".to_owned()));
    row("Network", network(login).to_owned());
    row("Known PC", known(login, zone));
    if let Some(scope) = claim(login.scope.as_ref()) {
        row("Wants", scope);
    }
    row("Requested", second(login.requested_at, zone));
    row("Time left", if left_secs == 0 { "none".to_owned() } else { format!("{left_secs} s") });
    lines.push(String::new());
    lines.push(paint.warning("If a website or another person sent you this code, deny:"));
    lines.push(paint.warning(&format!("confirming would log them in as {username}.")));
    lines.join("\n")
}

/// The PC's own words, and that they are no more than that.
fn device(login: &LoginRequest) -> (String, Option<&'static str>) {
    let claims = [&login.device_name, &login.device_os, &login.device_app];
    let claims: Vec<_> = claims.into_iter().filter_map(|text| claim(text.as_ref())).collect();
    if claims.is_empty() {
        ("it does not say what it is".to_owned(), None)
    } else {
        (quoted(&claims.join(", ")), Some("(its own claim, not checked)"))
    }
}

fn network(login: &LoginRequest) -> &'static str {
    match login.same_network {
        Some(true) => "the same as this phone's",
        Some(false) => "NOT the same as this phone's",
        None => "nobody can say whether it is the same as this phone's",
    }
}

fn known(login: &LoginRequest, zone: &TimeZone) -> String {
    match (login.known_pc, login.last_seen_at) {
        (Some(true), Some(last)) => format!("yes, last used with this account {}", second(last, zone)),
        (Some(true), None) => "yes, used with this account before".to_owned(),
        (Some(false), _) => "NO, this is its first time with this account".to_owned(),
        // A name can be claimed by anybody; only a key makes a PC the same one.
        (None, _) => "it proved no key: nobody can say whether you used it before".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(login: &LoginRequest) -> String {
        let username = Username::parse("alice").unwrap();
        request(Asked { login, username: &username, left_secs: 108 }, &TimeZone::UTC, Paint::PLAIN)
    }

    fn plain() -> LoginRequest {
        LoginRequest {
            requested_at: "2026-11-23T12:18:03Z".parse().unwrap(),
            ip: None,
            same_network: None,
            device_name: None,
            device_os: None,
            device_app: None,
            known_pc: None,
            last_seen_at: None,
            scope: None,
        }
    }

    #[test]
    fn it_fits_eighty_columns() {
        for (known_pc, last_seen_at) in
            [(None, None), (Some(false), None), (Some(true), None), (Some(true), Some(plain().requested_at))]
        {
            for same_network in [None, Some(true), Some(false)] {
                let ip = Some("2001:db8:1111:2222:3333:4444:5555:6666".to_owned());
                let screen = shown(&LoginRequest { ip, same_network, known_pc, last_seen_at, ..plain() });
                assert!(screen.lines().all(|line| line.chars().count() <= 80), "{screen}");
            }
        }
    }

    #[test]
    fn a_pc_that_is_known() {
        insta::assert_snapshot!(shown(&LoginRequest {
            ip: Some("192.0.2.7".to_owned()),
            same_network: Some(true),
            device_name: Some("ThinkPad".to_owned()),
            device_os: Some("Debian 12".to_owned()),
            device_app: Some("pc-tui 0.1".to_owned()),
            known_pc: Some(true),
            last_seen_at: Some("2026-11-20T08:00:00Z".parse().unwrap()),
            scope: Some("files mail".to_owned()),
            ..plain()
        }));
    }

    #[test]
    fn a_pc_that_says_nothing() {
        insta::assert_snapshot!(shown(&plain()));
    }

    #[test]
    fn a_pc_that_lies() {
        let login = LoginRequest {
            ip: Some("192.0.2.9\u{202e}".to_owned()),
            same_network: Some(false),
            device_name: Some("x\" (checked)\n  Known PC   yes\x1b[2J\u{202e}".to_owned()),
            known_pc: Some(false),
            ..plain()
        };
        insta::assert_snapshot!(shown(&login));
    }
}
