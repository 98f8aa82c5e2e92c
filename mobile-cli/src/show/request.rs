//! Who asks to be logged in: what a person reads before they decide.

use jiff::tz::TimeZone;
use shared::api::LoginRequest;
use shared::lang::Lang;
use shared::name::Username;
use shared::say;
use shared::text::{padded, wrapped};

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
    let lang = paint.lang();
    let mut lines = vec![paint.strong(&say!(lang, log_in_as(username))), String::new()];
    let mut row = |name: &str, value: &str| lines.extend(row(name, value, paint));
    match claims(login, lang) {
        None => row(&say!(lang, device()), &say!(lang, says_nothing())),
        Some(claims) => {
            row(&say!(lang, device()), &claims);
            row("", &say!(lang, own_claim()));
        }
    }
    let address = claim(login.ip.as_ref()).unwrap_or_else(|| say!(lang, not_known()));
    row(&say!(lang, address()), &address);
    row(&say!(lang, network()), &network(login, lang));
    row(&say!(lang, known_pc()), &known(login, zone, lang));
    if let Some(scope) = claim(login.scope.as_ref()) {
        row(&say!(lang, wants()), &scope);
    }
    row(&say!(lang, requested()), &second(login.requested_at, zone));
    let left = if left_secs == 0 { say!(lang, none_left()) } else { say!(lang, seconds(left_secs)) };
    row(&say!(lang, time_left()), &left);
    lines.push(String::new());
    lines.push(paint.warning(&say!(lang, if_sent_to_you())));
    lines.push(paint.warning(&say!(lang, would_log_them_in(username))));
    lines.join("\n")
}

/// A row, on as many lines as it takes. What is quoted goes on behind its quotation mark.
fn row(name: &str, value: &str, paint: Paint) -> Vec<String> {
    let hang = usize::from(value.starts_with('"'));
    let room = paint.columns() - LABEL_COLUMNS - hang;
    let lines = wrapped(&value[hang..], room).into_iter().enumerate();
    let line = |(nth, line): (usize, String)| match nth {
        0 => padded(&format!("  {name}"), LABEL_COLUMNS) + &value[..hang] + &line,
        _ => " ".repeat(LABEL_COLUMNS + hang) + &line,
    };
    lines.map(line).collect()
}

/// The PC's own words, in quotation marks, if it has any.
fn claims(login: &LoginRequest, lang: Lang) -> Option<String> {
    let claims = [&login.device_name, &login.device_os, &login.device_app];
    let claims: Vec<_> = claims.into_iter().filter_map(|text| claim(text.as_ref())).collect();
    (!claims.is_empty()).then(|| quoted(&claims.join(&say!(lang, comma()))))
}

fn network(login: &LoginRequest, lang: Lang) -> String {
    match login.same_network {
        Some(true) => say!(lang, same_network()),
        Some(false) => say!(lang, other_network()),
        None => say!(lang, network_not_known()),
    }
}

fn known(login: &LoginRequest, zone: &TimeZone, lang: Lang) -> String {
    match (login.known_pc, login.last_seen_at) {
        (Some(true), Some(last)) => say!(lang, known_since(second(last, zone))),
        (Some(true), None) => say!(lang, known()),
        (Some(false), _) => say!(lang, first_time()),
        // A name can be claimed by anybody; only a key makes a PC the same one.
        (None, _) => say!(lang, no_key()),
    }
}

#[cfg(test)]
mod tests {
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    fn shown(login: &LoginRequest, paint: Paint) -> String {
        let username = Username::parse("alice").unwrap();
        request(Asked { login, username: &username, left_secs: 108 }, &TimeZone::UTC, paint)
    }

    /// Holds what is shown in each language against its snapshot.
    fn assert_snapshots(name: &str, login: &LoginRequest) {
        for lang in Lang::ALL {
            insta::assert_snapshot!(format!("{name}.{}", lang.tag()), shown(login, Paint::plain(lang)));
        }
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
                let login = LoginRequest { ip, same_network, known_pc, last_seen_at, ..plain() };
                for lang in Lang::ALL {
                    let screen = shown(&login, Paint::plain(lang));
                    assert!(screen.lines().all(|line| line.width() <= 80), "{screen}");
                }
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
        assert_snapshots("long_claims", &long_claims());
    }

    #[test]
    fn on_a_terminal_of_any_width_no_claim_begins_where_our_words_do() {
        let labels: [(Lang, [&str; 7]); 2] = [
            (Lang::English, ["Device", "Address", "Network", "Known PC", "Wants", "Requested", "Time left"]),
            (Lang::Chinese, ["设备", "IP 地址", "网络", "常用电脑", "申请权限", "请求时间", "剩余时间"]),
        ];
        for (columns, (lang, ours)) in
            (32..=80).flat_map(|columns| labels.map(|language| (columns, language)))
        {
            let screen = shown(&long_claims(), Paint::narrow(columns, lang));
            let rows: Vec<_> = screen.lines().skip(2).take_while(|line| !line.is_empty()).collect();
            let labels: Vec<_> =
                rows.iter().map(|row| beginning(row)).filter(|label| !label.is_empty()).collect();
            assert_eq!(labels, ours, "{columns}:\n{screen}");
            assert!(rows.iter().all(|row| row.width() <= columns), "{columns}:\n{screen}");
        }
    }

    /// What stands in a row's first columns, where our own words do. No character stands on both sides.
    fn beginning(row: &str) -> &str {
        let end = row.char_indices().map(|(at, _)| at).find(|at| row[..*at].width() == LABEL_COLUMNS);
        row[..end.unwrap_or_else(|| panic!("{row}"))].trim()
    }

    #[test]
    fn a_pc_that_is_known() {
        let login = LoginRequest {
            ip: Some("192.0.2.7".to_owned()),
            same_network: Some(true),
            device_name: Some("ThinkPad".to_owned()),
            device_os: Some("Debian 12".to_owned()),
            device_app: Some("pc-tui 0.1".to_owned()),
            known_pc: Some(true),
            last_seen_at: Some("2026-11-20T08:00:00Z".parse().unwrap()),
            scope: Some("files mail".to_owned()),
            ..plain()
        };
        assert_snapshots("a_pc_that_is_known", &login);
    }

    #[test]
    fn a_pc_that_says_nothing() {
        assert_snapshots("a_pc_that_says_nothing", &plain());
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
        assert_snapshots("a_pc_that_lies", &login);
    }
}
