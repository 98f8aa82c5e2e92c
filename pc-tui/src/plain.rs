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
use std::time::Duration;

use serde::Serialize;
use shared::api::Status;
use shared::code::UserCode;
use shared::id::SessionId;
use shared::lang::Lang;
use shared::name::Username;
use shared::say;
use shared::words::{Text, said_by};

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
    pub(crate) fn tell(
        &self,
        event: &Event,
        lang: Lang,
        out: &mut impl Write,
        err: &mut impl Write,
    ) -> io::Result<()> {
        match self {
            Self::Person { paper } => writeln!(out, "{}", text(event, lang, paper))?,
            Self::Program { qr_png } => match Line::of(event, lang, qr_png.as_deref()) {
                Ok(line) => {
                    serde_json::to_writer(&mut *out, &line)?;
                    out.write_all(b"\n")?;
                }
                Err(aside) => writeln!(err, "{}", said_by(env!("CARGO_BIN_NAME"), &aside, lang))?,
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
    fn of(event: &'a Event, lang: Lang, qr_png: Option<&'a Path>) -> Result<Self, String> {
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
            Event::Trouble(why, pause) => Err(trouble(why, *pause, lang)),
            Event::CheckCode { tries_left, was_wrong } => Err(wanted(*tries_left, *was_wrong, lang)),
            Event::Note(note) => Err(note.of(lang).to_owned()),
        }
    }
}

fn trouble(why: &Text, pause: Duration, lang: Lang) -> String {
    say!(lang, trouble(why.of(lang), format!("{:.0}", pause.as_secs_f64())))
}

fn wanted(tries_left: u8, was_wrong: bool, lang: Lang) -> String {
    if was_wrong { say!(lang, digits_wanted_again(tries_left.into())) } else { say!(lang, digits_wanted()) }
}

/// The line for a person, or the lines.
fn text(event: &Event, lang: Lang, paper: &Paper) -> String {
    match event {
        Event::Issued(issued) => invitation(issued, lang, paper),
        Event::Status { status, scanned_by, .. } => match (status, scanned_by) {
            (Status::Unscanned, _) => say!(lang, plain_unscanned()),
            (Status::Scanned, None) => say!(lang, plain_scanned()),
            (Status::Scanned, Some(name)) => say!(lang, plain_scanned_by(name)),
            (Status::Confirmed | Status::LoggedIn, None) => say!(lang, plain_confirmed()),
            (Status::Confirmed | Status::LoggedIn, Some(name)) => say!(lang, plain_confirmed_by(name)),
            (Status::Denied, _) => say!(lang, plain_denied()),
            (Status::Cancelled, _) => say!(lang, plain_cancelled()),
            (Status::Expired, _) => say!(lang, plain_expired()),
        },
        Event::Trouble(why, pause) => say!(lang, plain_trouble(trouble(why, *pause, lang))),
        Event::CheckCode { tries_left, was_wrong } => {
            say!(lang, plain_check(wanted(*tries_left, *was_wrong, lang)))
        }
        Event::LoggedIn(username, session_id) => say!(lang, plain_logged_in(username, session_id)),
        Event::Ended(status) => say!(lang, plain_ended(*status)),
        Event::Note(note) => say!(lang, plain_note(note.of(lang))),
    }
}

/// What to do comes first: who has the screen read out to them hears it before the drawing, and need not wait
/// for its end.
fn invitation(issued: &Issued, lang: Lang, paper: &Paper) -> String {
    let words = [
        say!(lang, plain_invitation(issued.expires_in)),
        say!(lang, plain_link(&issued.link)),
        say!(lang, plain_code(issued.user_code.dashed())),
    ];
    let words = words.join("\n");
    let code = paper.print(&issued.code, &words, lang);
    format!("{words}\n{}", code.trim_end_matches('\n'))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use shared::client::Transport;
    use shared::to_say;

    use ratatui::layout::Size;

    use super::*;
    use crate::fixture::{abilities, authorization, me, unreachable};
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
        events.push(Event::Trouble(unreachable().text(), Duration::from_millis(2600)));
        events.push(Event::CheckCode { tries_left: 3, was_wrong: false });
        events.push(Event::CheckCode { tries_left: 1, was_wrong: true });
        events.push(Event::Note(to_say!(session_over())));
        events.push(Event::LoggedIn(me.username, me.session_id));
        events.push(Event::Ended(Status::Expired));
        events
    }

    /// What goes to standard output, and what to standard error.
    fn told(reader: &Reader, lang: Lang, events: &[Event]) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        for event in events {
            reader.tell(event, lang, &mut out, &mut err).unwrap();
        }
        (String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
    }

    #[test]
    fn json_lines_are_as_the_contract_says_in_every_language() {
        for lang in Lang::ALL {
            let (out, err) = told(&Reader::Program { qr_png: None }, lang, &all());
            insta::assert_snapshot!("json_lines", out);
            insta::assert_snapshot!(format!("what_json_says_aside.{}", lang.tag()), err);
            let is_object = |line| serde_json::from_str::<serde_json::Value>(line).unwrap().is_object();
            assert!(out.lines().all(is_object));
        }
    }

    #[test]
    fn json_says_where_the_picture_is() {
        let reader = Reader::Program { qr_png: Some("pictures/qr.png".into()) };
        let (out, _) = told(&reader, Lang::English, &[issued()]);
        assert!(out.contains(r#""qr_png":"pictures/qr.png""#), "{out}");
    }

    #[test]
    fn plain_lines_for_a_file_have_no_escapes() {
        for lang in Lang::ALL {
            let (out, err) = told(&Reader::Person { paper: Paper::Blocks }, lang, &all());
            insta::assert_snapshot!(format!("plain_lines.{}", lang.tag()), out);
            assert!(err.is_empty() && !out.contains('\x1b'));
        }
    }

    #[test]
    fn whoever_listens_hears_link_and_code_before_the_drawing_and_nothing_drawn_outside_it() {
        let is_drawn = |c: char| ('\u{2500}'..='\u{25ff}').contains(&c);
        for lang in Lang::ALL {
            let reader = Reader::Person { paper: Paper::Blocks };
            let (invitation, _) = told(&reader, lang, &[issued()]);
            let spoken: Vec<_> = invitation.lines().take_while(|line| !line.contains(is_drawn)).collect();
            let spoken = spoken.join("\n");
            assert!(spoken.contains(crate::fixture::LINK) && spoken.contains("WDJB-MJHT"), "{invitation}");
            for event in &all()[1..] {
                let (line, _) = told(&reader, lang, std::slice::from_ref(event));
                assert_eq!(line.lines().count(), 1, "{line}");
                assert!(!line.contains(is_drawn), "{line}");
            }
        }
    }

    #[test]
    fn a_terminal_with_room_gets_the_code_and_one_without_the_reason() {
        for (lang, reason) in [(Lang::English, "No room"), (Lang::Chinese, "窗口太小")] {
            let invitation = |width, height| {
                let paper = Paper::Terminal(Size::new(width, height), abilities().drawings(Style::Auto));
                told(&Reader::Person { paper }, lang, &[issued()]).0
            };
            assert!(invitation(80, 24).contains("\x1b[38;5;"));
            for (width, height) in [(32, 30), (80, 21)] {
                let text = invitation(width, height);
                assert!(!text.contains('\x1b') && text.contains(reason), "{text}");
                assert!(text.contains(crate::fixture::LINK) && text.contains("WDJB-MJHT"), "{text}");
            }
        }
    }
}
