//! Who asks to be logged in: what a person reads before they decide.

use jiff::tz::TimeZone;
use shared::api::LoginRequest;
use shared::name::Username;
use shared::text::wrapped;

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

/// The columns before what a row says. Nothing that somebody else wrote ever stands in them, however long it is.
const LABEL_COLUMNS: usize = 13;

/// What confirming would do first, then who asks, then what to beware of.
///
/// ```text
///   Device     "a name that is longer than
///               its line"
///              (its own claim, not checked)
///   Address    192.0.2.7
/// ```
pub(crate) fn request(asked: Asked<'_>, zone: &TimeZone, paint: Paint) -> String {
    let Asked { login, username, left_secs } = asked;
    let mut lines = vec![paint.strong(&format!("Log this PC in as {username}")), String::new()];
    let (device, whose_word) = device(login);
    lines.extend(row("Device", &device, paint));
    if let Some(whose_word) = whose_word {
        lines.extend(row("", whose_word, paint));
    }
    let mut row = |name: &str, value: String| lines.extend(row(name, &value, paint));
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

/// A row, on as many lines as it takes. What is quoted goes on behind its quotation mark.
fn row(name: &str, value: &str, paint: Paint) -> Vec<String> {
    let hang = usize::from(value.starts_with('"'));
    let room = paint.columns() - LABEL_COLUMNS - hang;
    let lines = wrapped(&value[hang..], room).into_iter().enumerate();
    let line = |(nth, line)| match nth {
        0 => format!("  {name:<10} {}{line}", &value[..hang]),
        _ => format!("{:1$}{line}", "", LABEL_COLUMNS + hang),
    };
    lines.map(line).collect()
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
    use unicode_width::UnicodeWidthStr as _;

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

    /// Three claims as long as can be, in characters of two columns, that pretend to be what the server saw.
    fn long_claims() -> LoginRequest {
        let claim = |text: &str| Some(format!("{text} {}", "電".repeat(63 - text.chars().count())));
        LoginRequest {
            ip: Some("192.0.2.9".to_owned()),
            same_network: Some(false),
            device_name: claim("IP: 10.0.0.1  same network"),
            device_os: claim("(checked by the server) Network the same as this phone's"),
            device_app: claim("Address 10.0.0.1 Known PC yes, last used today"),
            known_pc: Some(false),
            scope: Some("s".repeat(300)),
            ..plain()
        }
    }

    #[test]
    fn long_claims_stay_behind_their_label() {
        insta::assert_snapshot!(shown(&long_claims()));
    }

    #[test]
    fn on_a_terminal_of_any_width_no_claim_begins_where_our_words_do() {
        let username = Username::parse("alice").unwrap();
        for columns in 32..=80 {
            let login = long_claims();
            let asked = Asked { login: &login, username: &username, left_secs: 108 };
            let screen = request(asked, &TimeZone::UTC, Paint::narrow(columns));
            let rows: Vec<_> = screen.lines().skip(2).take_while(|line| !line.is_empty()).collect();
            let labels =
                rows.iter().filter_map(|row| row.split_at_checked(LABEL_COLUMNS)).map(|row| row.0.trim());
            let labels: Vec<_> = labels.filter(|label| !label.is_empty()).collect();
            let ours = ["Device", "Address", "Network", "Known PC", "Wants", "Requested", "Time left"];
            assert_eq!(labels, ours, "{columns}:\n{screen}");
            assert!(rows.iter().all(|row| row.width() <= columns), "{columns}:\n{screen}");
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
