//! The table of an account's phones and PCs.

use std::ops::Range;

use jiff::tz::TimeZone;
use shared::api::{Session, SessionKind};
use shared::lang::Lang;
use shared::say;
use shared::text::padded;
use unicode_width::UnicodeWidthStr as _;

use super::{claim, minute, named};
use crate::output::Paint;

/// The columns between two cells.
const GAP: usize = 2;
/// The columns before what stands on a line of its own.
const INDENT: usize = 6;

/// A row for each session, PCs below the phone that let them in. `*` marks the one that asks.
///
/// ```text
///   ID                            DEVICE             ADDRESS    SINCE             LAST SEEN
/// * 01JD…A1                       phone "mobile-cli" 192.0.2.1  2026-11-23 12:00  2026-11-23 12:18
///     01JD…B2                     PC "ThinkPad"      192.0.2.7  2026-11-23 12:18  2026-11-23 12:20
/// ```
pub(crate) fn sessions(sessions: &[Session], zone: &TimeZone, paint: Paint) -> String {
    let lang = paint.lang();
    let mut rows = vec![[
        "  ID".to_owned(),
        say!(lang, column_device()),
        say!(lang, column_address()),
        say!(lang, column_since()),
        say!(lang, column_last_seen()),
    ]];
    rows.extend(in_order(sessions).into_iter().map(|session| row(session, sessions, zone, lang)));
    let widths: [usize; 5] =
        std::array::from_fn(|column| rows.iter().map(|row| row[column].width()).max().unwrap_or_default());
    let parts = parts(widths, paint.window().unwrap_or(usize::MAX));
    let aligned = |row: &[String; 5]| {
        let lines = parts.iter().map(|part| {
            let cells = part.clone().map(|column| padded(&row[column], widths[column]));
            let indent = if part.start == 0 { 0 } else { INDENT };
            format!("{:indent$}{}", "", cells.collect::<Vec<_>>().join(&" ".repeat(GAP)))
                .trim_end()
                .to_owned()
        });
        lines.collect::<Vec<_>>().join("\n")
    };
    let mut lines: Vec<_> = rows.iter().map(aligned).collect();
    lines[0] = paint.strong(&lines[0]);
    if sessions.iter().any(|session| session.current) {
        lines.push(say!(lang, this_phone()));
    }
    lines.join("\n")
}

/// Which columns stand on a line together, and which on the next, where a terminal has no room for all.
fn parts(widths: [usize; 5], room: usize) -> Vec<Range<usize>> {
    let columns = |part: &Range<usize>| {
        let indent = if part.start == 0 { 0 } else { INDENT };
        indent + widths[part.clone()].iter().sum::<usize>() + GAP * (part.len() - 1)
    };
    let begins: [&[usize]; 4] = [&[0], &[0, 2], &[0, 1, 3], &[0, 1, 2, 3, 4]];
    let mut ways = begins.map(|begins| {
        let ends = begins.iter().skip(1).chain(&[5]);
        begins.iter().zip(ends).map(|(begin, end)| *begin..*end).collect::<Vec<_>>()
    });
    let fitting = ways.iter().position(|parts| parts.iter().all(|part| columns(part) <= room));
    std::mem::take(&mut ways[fitting.unwrap_or(begins.len() - 1)])
}

/// Phones as they come, each with its PCs behind it; then what hangs on no phone in the list.
fn in_order(sessions: &[Session]) -> Vec<&Session> {
    let (below, top): (Vec<_>, Vec<_>) =
        sessions.iter().partition(|session| granter(session, sessions).is_some());
    top.into_iter()
        .flat_map(|phone| {
            let its_own = below.iter().copied().filter(|session| session.granted_by == Some(phone.id));
            std::iter::once(phone).chain(its_own.collect::<Vec<_>>())
        })
        .collect()
}

/// The phone in the list that let a PC in. A phone hangs on nothing, whatever a server says.
fn granter<'a>(session: &Session, sessions: &'a [Session]) -> Option<&'a Session> {
    let by = session.granted_by.filter(|_| session.kind == SessionKind::Pc)?;
    sessions.iter().find(|phone| phone.kind == SessionKind::Phone && phone.id == by)
}

fn row(session: &Session, sessions: &[Session], zone: &TimeZone, lang: Lang) -> [String; 5] {
    let mark = if session.current { "*" } else { " " };
    let indent = if granter(session, sessions).is_some() { "  " } else { "" };
    let device = match (session.kind, claim(session.device_name.as_ref())) {
        (SessionKind::Phone, Some(name)) => say!(lang, phone(named(&name))),
        (SessionKind::Phone, None) => say!(lang, phone_without_name()),
        (SessionKind::Pc, Some(name)) => say!(lang, pc(named(&name))),
        (SessionKind::Pc, None) => say!(lang, pc_without_name()),
    };
    [
        format!("{mark} {indent}{}", session.id),
        device,
        claim(session.ip.as_ref()).unwrap_or_else(|| "-".to_owned()),
        minute(session.created_at, zone),
        minute(session.last_seen_at, zone),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn session(json: &Value) -> Session {
        let mut all = json!({
            "device_name": null, "ip": "192.0.2.1", "created_at": "2026-11-23T12:00:00Z",
            "last_seen_at": "2026-11-23T12:18:00Z", "granted_by": null, "current": false, "kind": "pc",
        });
        all.as_object_mut().unwrap().extend(json.as_object().unwrap().clone());
        serde_json::from_value(all).unwrap()
    }

    #[test]
    fn pcs_stand_below_their_phone_and_columns_are_straight() {
        let id = |n: u8| format!("01ARZ3NDEKTSV4RRFFQ69G5F{n:02}");
        let list = [
            session(&json!({"id": id(1), "granted_by": id(2), "device_name": "书房的电脑"})),
            session(&json!({"id": id(2), "kind": "phone", "device_name": "mobile-cli", "current": true})),
            session(&json!({"id": id(3), "granted_by": id(4), "device_name": "x\x1b[2J\ny", "ip": null})),
            session(&json!({"id": id(4), "kind": "phone", "ip": "2001:db8::1"})),
            session(&json!({"id": id(5), "granted_by": id(2), "device_name": "ThinkPad"})),
            session(&json!({"id": id(6), "granted_by": id(9), "device_name": "orphan"})),
        ];
        for lang in Lang::ALL {
            let table = sessions(&list, &TimeZone::fixed(jiff::tz::offset(8)), Paint::plain(lang));
            insta::assert_snapshot!(format!("sessions.{}", lang.tag()), table);
        }
    }

    #[test]
    fn on_a_terminal_without_room_a_session_has_several_lines() {
        let id = |n: u8| format!("01ARZ3NDEKTSV4RRFFQ69G5F{n:02}");
        let list = [
            session(&json!({"id": id(1), "kind": "phone", "device_name": "mobile-cli", "current": true})),
            session(&json!({"id": id(2), "granted_by": id(1), "device_name": "书房的电脑"})),
        ];
        for (lang, columns) in Lang::ALL.into_iter().flat_map(|lang| [(lang, 40), (lang, 80), (lang, 120)]) {
            let table = sessions(&list, &TimeZone::UTC, Paint::narrow(columns, lang));
            assert!(table.lines().all(|line| line.width() <= columns), "{table}");
            insta::assert_snapshot!(format!("sessions_in_{columns}_columns.{}", lang.tag()), table);
        }
    }

    #[test]
    fn no_session_is_lost_or_doubled_whatever_the_list_says() {
        let id = |n: u8| format!("01ARZ3NDEKTSV4RRFFQ69G5F{n:02}");
        let list = [
            session(&json!({"id": id(1), "granted_by": id(1)})),
            session(&json!({"id": id(2), "kind": "phone", "granted_by": id(3)})),
            session(&json!({"id": id(3), "kind": "phone", "granted_by": id(2)})),
            session(&json!({"id": id(4), "granted_by": id(2)})),
        ];
        let mut ids: Vec<_> = in_order(&list).iter().map(|session| session.id).collect();
        assert_eq!(ids.len(), list.len());
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), list.len());
    }
}
