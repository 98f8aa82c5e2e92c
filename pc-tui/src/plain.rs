//! `--plain` and `--json`: what happens, line by line, for those who have no screen to look at.
//!
//! ```text
//! {"event":"issued","scan_url":"HTTPS://…","user_code":"WDJB-MJHT","expires_in":120,"qr_png":null}
//! {"event":"status","status":"unscanned","version":1,"transport":"websocket"}
//! {"event":"status","status":"scanned","version":2,"transport":"websocket"}
//! {"event":"status","status":"confirmed","version":3,"transport":"websocket"}
//! {"event":"logged_in","username":"alice","session_id":"01JC…"}
//! ```
//!
//! Where the server asks for a check code, it is read as a line of standard
//! input after `confirmed`.
//!
//! What is not part of that contract, such as trouble with the network, goes
//! to standard error, so that whoever reads standard output reads nothing else.

mod paper;

pub(crate) use paper::Paper;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use shared::api::Status;
use shared::code::UserCode;
use shared::id::SessionId;
use shared::name::Username;

use crate::app::{Event, Issued};

/// Who reads along.
#[derive(Clone, Debug)]
pub(crate) enum Reader {
    /// A person.
    Person {
        /// What the QR code is printed on.
        paper: Paper,
    },
    /// A program.
    Program {
        /// Where each QR is saved.
        qr_png: Option<PathBuf>,
    },
}

impl Reader {
    /// Tells of an event: `out` is standard output, `err` standard error.
    pub(crate) fn tell(&self, event: &Event, out: &mut impl Write, err: &mut impl Write) -> io::Result<()> {
        match self {
            Self::Person { paper } => out.write_all(text(event, paper).as_bytes())?,
            Self::Program { qr_png } => match Line::of(event, qr_png.as_deref()) {
                Ok(line) => {
                    serde_json::to_writer(&mut *out, &line)?;
                    out.write_all(b"\n")?;
                }
                Err(aside) => writeln!(err, "pc-tui: {aside}")?,
            },
        }
        out.flush()
    }
}

/// One object on standard output.
#[derive(Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Issued { scan_url: &'a str, user_code: &'a UserCode, expires_in: u64, qr_png: Option<String> },
    Status { status: Status, version: u64, transport: &'a str },
    LoggedIn { username: &'a Username, session_id: SessionId },
    Ended { status: Status },
}

impl<'a> Line<'a> {
    /// The object for an event, or else what to say aside.
    fn of(event: &'a Event, qr_png: Option<&'a Path>) -> Result<Self, String> {
        match event {
            Event::Issued(issued) => Ok(Self::Issued {
                scan_url: &issued.link,
                user_code: &issued.user_code,
                expires_in: issued.expires_in,
                qr_png: qr_png.map(|path| path.display().to_string()),
            }),
            Event::Status { status, version, transport, .. } => {
                Ok(Self::Status { status: *status, version: *version, transport: transport.as_str() })
            }
            Event::LoggedIn(username, session_id) => Ok(Self::LoggedIn { username, session_id: *session_id }),
            Event::Ended(status) => Ok(Self::Ended { status: *status }),
            Event::Trouble(why, pause) => Err(trouble(why, pause.as_secs_f64())),
            Event::CheckCode { tries_left, was_wrong } => Err(wanted(*tries_left, *was_wrong)),
            Event::Note(note) => Err(note.clone()),
        }
    }
}

fn trouble(why: &str, pause_secs: f64) -> String {
    format!("{why} (next try in {pause_secs:.0} s)")
}

fn wanted(tries_left: u8, was_wrong: bool) -> String {
    let wrong = if was_wrong { format!("not those, {}; ", tries(tries_left)) } else { String::new() };
    format!("{wrong}type the two digits that the phone shows, and press Enter")
}

/// `2 tries left`
pub(crate) fn tries(left: u8) -> String {
    if left == 1 { "1 try left".to_owned() } else { format!("{left} tries left") }
}

/// The lines for a person.
fn text(event: &Event, paper: &Paper) -> String {
    match event {
        Event::Issued(issued) => invitation(issued, paper),
        Event::Status { status, scanned_by, .. } => {
            let by = scanned_by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
            match status {
                Status::Unscanned => "unscanned: waiting for a phone\n".to_owned(),
                Status::Scanned => format!("scanned{by}: confirm on your phone\n"),
                Status::Confirmed => format!("confirmed{by}: logging in\n"),
                Status::LoggedIn => String::new(),
                Status::Denied => "denied: the phone said no\n".to_owned(),
                Status::Cancelled => "cancelled: the login was given up\n".to_owned(),
                Status::Expired => "expired: the code no longer works\n".to_owned(),
            }
        }
        Event::Trouble(why, pause) => format!("trouble: {}\n", trouble(why, pause.as_secs_f64())),
        Event::CheckCode { tries_left, was_wrong } => format!("check: {}\n", wanted(*tries_left, *was_wrong)),
        Event::LoggedIn(username, session_id) => format!("logged in as {username}, session {session_id}\n"),
        Event::Ended(status) => format!("ended: {}\n", status.as_str()),
        Event::Note(note) => format!("note: {note}\n"),
    }
}

fn invitation(issued: &Issued, paper: &Paper) -> String {
    let Issued { link, user_code, expires_in, .. } = issued;
    let user_code = user_code.dashed();
    let words = format!(
        "link: {link}\ncode: {user_code}\nScan the QR code with your phone, or type the code there, within {expires_in} s.\n"
    );
    paper.print(&issued.code, &words) + &words
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use shared::client::Transport;

    use ratatui::layout::Size;

    use super::*;
    use crate::fixture::{abilities, authorization, me};
    use crate::qr::Style;

    fn issued() -> Event {
        Event::Issued(Arc::new(Issued::of(&authorization()).unwrap()))
    }

    fn status(status: Status) -> Event {
        let scanned_by = (status != Status::Unscanned).then(|| "a***e".to_owned());
        Event::Status { status, version: 2, transport: Transport::LongPoll, scanned_by }
    }

    fn all() -> Vec<Event> {
        let statuses = [
            Status::Unscanned,
            Status::Scanned,
            Status::Confirmed,
            Status::Denied,
            Status::Cancelled,
            Status::Expired,
        ];
        let me = me("alice");
        let mut events = vec![issued()];
        events.extend(statuses.map(status));
        events.push(Event::Trouble("the server can't be reached".to_owned(), Duration::from_millis(2600)));
        events.push(Event::CheckCode { tries_left: 3, was_wrong: false });
        events.push(Event::CheckCode { tries_left: 1, was_wrong: true });
        events.push(Event::Note("The session has ended. Log in again.".to_owned()));
        events.push(Event::LoggedIn(me.username, me.session_id));
        events.push(Event::Ended(Status::Expired));
        events
    }

    /// What goes to standard output, and what to standard error.
    fn told(reader: &Reader, events: &[Event]) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        for event in events {
            reader.tell(event, &mut out, &mut err).unwrap();
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn json_lines_are_as_the_contract_says() {
        let (out, err) = told(&Reader::Program { qr_png: None }, &all());
        insta::assert_snapshot!(out);
        insta::assert_snapshot!("what_json_says_aside", err);
        assert!(out.lines().all(|line| serde_json::from_str::<serde_json::Value>(line).unwrap().is_object()));
    }

    #[test]
    fn json_says_where_the_picture_is() {
        let (out, _) = told(&Reader::Program { qr_png: Some("pictures/qr.png".into()) }, &[issued()]);
        assert!(out.contains(r#""qr_png":"pictures/qr.png""#), "{out}");
    }

    #[test]
    fn plain_lines_for_a_file_have_no_escapes() {
        let (out, err) = told(&Reader::Person { paper: Paper::Blocks }, &all());
        insta::assert_snapshot!(out);
        assert!(err.is_empty() && !out.contains('\x1b'));
    }

    #[test]
    fn a_terminal_with_room_gets_the_code_and_one_without_the_reason() {
        let invitation = |width, height| {
            let paper = Paper::Terminal(Size::new(width, height), abilities().drawings(Style::Auto));
            told(&Reader::Person { paper }, &[issued()]).0
        };
        assert!(invitation(80, 24).contains("\x1b[38;5;"));
        for (width, height) in [(32, 30), (80, 21)] {
            let text = invitation(width, height);
            assert!(!text.contains('\x1b') && text.contains("No room"), "{text}");
            assert!(text.contains(crate::fixture::LINK) && text.contains("WDJB-MJHT"), "{text}");
        }
    }
}
