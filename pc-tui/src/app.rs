//! What the program does, as one pure function: [`App::update`] takes a message and answers with effects.
//!
//! ```text
//!            +------------------- r, l, renewed by itself -------------------+
//!            v                                                               |
//! Start -> Asking --issued--> Pending --confirmed, redeemed--> Held          |
//!   |        |  ^               |  '--denied, expired, failed----------> Over -+
//!   |        +--+ unreachable:  |                                ^
//!   |             again later   +-- q: cancel ----> leave        |
//!   '--- a session was kept ------------------------------> Held +
//! ```
//!
//! 1. [`login`]: ask for a code, show it, follow it, redeem it.
//! 2. [`session`]: prove the session, keep its tokens fresh, notice its end.
//! 3. [`keys`]: what the person at the PC may do in between; [`drawing`]: how the QR is drawn.
//!
//! The screen, `--plain` and `--json` are three faces of the same machine.
//! Nothing here knows a clock, a socket or a terminal: the time comes with
//! each message, and the effects are somebody else's work.
//!
//! Every try at a login has a number, and so has every answer. An answer to a
//! try that was given up comes late; what it brings is given back: a login is
//! cancelled, a session is ended. So it never matters when a key is pressed.

mod check;
mod drawing;
mod issued;
mod keys;
mod login;
mod message;
mod patience;
mod session;
mod stage;

pub(crate) use issued::Issued;
pub(crate) use keys::Key;
pub(crate) use message::{Attempt, Effect, Event, Message};
pub(crate) use stage::{Asked, Asking, Held, Outcome, Pending, Progress, Stage, Trouble};

use std::path::PathBuf;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use ratatui::layout::Size;
use shared::api::Status;
use shared::client::{Redeemed, TransportChoice};
use shared::code::{PublicUrl, ScanCode};
use shared::exit::Exit;
use shared::lang::Lang;
use shared::name::Username;
use shared::words::Text;

use crate::keep::after;
use crate::qr::{Abilities, Code, Style};
use crate::terminal::Letters;

/// How long a note stays on the screen.
const NOTE_SECS: u64 = 8;

/// What stays the same while the program runs.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// The server.
    pub(crate) server: PublicUrl,
    /// What this PC calls itself.
    pub(crate) device: Device,
    /// Who is to log in; nobody else may.
    pub(crate) expect_user: Option<Username>,
    /// Where each QR is saved.
    pub(crate) save_qr: Option<PathBuf>,
    /// Whether the session is kept on disk.
    pub(crate) keeps: bool,
    /// Whether a person looks on, who may press a key, or a script waits for the exit code.
    pub(crate) manner: Manner,
    /// How often an expired code is replaced without being asked.
    pub(crate) renewals: u32,
    /// The zone that times are shown in.
    pub(crate) zone: TimeZone,
    /// The language that is read here.
    pub(crate) lang: Lang,
    /// Which characters the screen may have.
    pub(crate) letters: Letters,
    /// Whether the screen may have colours, apart from the QR.
    pub(crate) has_colour: bool,
    /// How the QR is to be drawn.
    pub(crate) qr_style: Style,
    /// What the terminal can show.
    pub(crate) abilities: Abilities,
}

/// What this PC calls itself. The phone shows it.
#[derive(Clone, Debug)]
pub(crate) struct Device {
    /// Its name.
    pub(crate) name: String,
    /// Its operating system.
    pub(crate) os: String,
    /// This program.
    pub(crate) app: String,
}

/// Who waits for the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Manner {
    /// A person in front of the screen.
    Screen,
    /// A script: what ends the login ends the program.
    Script,
}

/// The whole state of the program.
#[derive(Debug)]
pub(crate) struct App {
    /// What stays the same.
    pub(crate) settings: Settings,
    /// The time of the last message.
    pub(crate) now: Timestamp,
    /// Where it stands.
    pub(crate) stage: Stage,
    /// Which transports the feed may use.
    pub(crate) transport: TransportChoice,
    /// How the QR is drawn: in one of the styles that the terminal can show.
    pub(crate) style: Style,
    /// The size of the window, in cells.
    pub(crate) window: Size,
    /// Whether the help is shown.
    pub(crate) shows_help: bool,
    sample: Option<Code>,
    note: Option<(Text, Timestamp)>,
    attempt: Attempt,
    renewals_left: u32,
    leaving: bool,
    effects: Vec<Effect>,
}

impl App {
    /// The program before its first message.
    pub(crate) fn new(settings: Settings, transport: TransportChoice, now: Timestamp) -> Self {
        Self {
            now,
            stage: Stage::Asking(Asking::default()),
            transport,
            style: settings.abilities.nearest(settings.qr_style),
            window: Size::new(80, 24),
            shows_help: false,
            sample: Code::new(&sample_link(&settings.server)).ok(),
            note: None,
            attempt: 0,
            renewals_left: settings.renewals,
            leaving: false,
            effects: Vec::new(),
            settings,
        }
    }

    /// Takes a message that came at `now`; answers what is to be done about it, in this order.
    pub(crate) fn update(&mut self, message: Message, now: Timestamp) -> Vec<Effect> {
        self.now = now;
        match message {
            Message::Start(session) => self.start(session),
            Message::Window { cells, cell_pixels } => self.on_window(cells, cell_pixels),
            Message::Tick => self.on_tick(),
            Message::Key(key) => self.on_key(key),
            Message::Stop => self.leave(),
            Message::Typed(line) => self.on_line(line),
            Message::Revoked(outcome) => self.on_revoked(outcome),
            Message::NotKept(why) => self.note(why),
            Message::Issued(attempt, answer) if attempt == self.attempt => self.on_issued(answer),
            Message::QrSaved(attempt, path, outcome) if attempt == self.attempt => {
                self.on_qr_saved(&path, outcome);
            }
            Message::News(attempt, news) if attempt == self.attempt => self.on_news(news),
            Message::Redeemed(attempt, answer) if attempt == self.attempt => self.on_redeemed(answer),
            Message::Met(attempt, answer) if attempt == self.attempt => self.on_met(answer),
            Message::Refreshed(attempt, answer) if attempt == self.attempt => self.on_refreshed(answer),
            late => self.give_back(late),
        }
        std::mem::take(&mut self.effects)
    }

    /// The code on the screen, or one of the size that is to be expected: the screen is laid out for it
    /// from the start.
    pub(crate) fn code(&self) -> Option<&Code> {
        match &self.stage {
            Stage::Pending(pending) => Some(&pending.issued.code),
            _ => self.sample.as_ref(),
        }
    }

    /// The columns that the link takes, or will.
    pub(crate) fn link_columns(&self) -> usize {
        match &self.stage {
            Stage::Pending(pending) => pending.issued.link.len(),
            _ => sample_link(&self.settings.server).len(),
        }
    }

    /// The note to be shown now, if there is one.
    pub(crate) fn shown_note(&self) -> Option<&Text> {
        self.note.as_ref().filter(|(_, until)| self.now < *until).map(|(text, _)| text)
    }

    /// What an answer to a try that was given up has brought, nobody wants any more.
    fn give_back(&mut self, late: Message) {
        let effect = match late {
            Message::Issued(_, Ok(answer)) => Effect::Cancel(answer.device_code),
            Message::Redeemed(_, Ok(Redeemed::Tokens(tokens))) | Message::Refreshed(_, Ok(tokens)) => {
                Effect::Revoke(tokens.refresh_token)
            }
            _ => return,
        };
        self.effects.push(effect);
    }

    fn on_tick(&mut self) {
        if self.leaving {
            return;
        }
        match &self.stage {
            Stage::Asking(_) => self.ask_again_if_due(),
            Stage::Pending(_) => self.watch_the_clock(),
            Stage::Held(_) => self.look_after_session(),
            Stage::Over(_) => {}
        }
    }

    /// Says something worth knowing, wherever it is read.
    fn note(&mut self, text: Text) {
        self.effects.push(Effect::Say(Event::Note(text.clone())));
        self.note = Some((text, after(self.now, NOTE_SECS)));
    }

    /// The login is over without success; what still comes of it is late. A script ends with it.
    fn end(&mut self, outcome: Outcome) {
        self.attempt += 1;
        self.effects.push(Effect::Unfollow);
        if self.settings.manner == Manner::Script {
            let complaint = match &outcome {
                Outcome::Failed { why, .. } => Some(why.clone()),
                Outcome::Denied | Outcome::Expired | Outcome::Cancelled => None,
            };
            self.effects.extend(outcome.status().map(|status| Effect::Say(Event::Ended(status))));
            self.leave_with(outcome.exit(), complaint);
        }
        self.stage = Stage::Over(outcome);
    }

    /// The login can't go on.
    fn fail(&mut self, why: Text, exit: Exit) {
        self.end(Outcome::Failed { why, exit });
    }

    /// The program is to end: what is pending is cancelled, what is kept stays.
    fn leave(&mut self) {
        if self.leaving {
            return;
        }
        let exit = match &self.stage {
            Stage::Held(Held { who: Some(_), .. }) => Exit::Done,
            Stage::Asking(Asking { trouble: Some(_), .. }) | Stage::Held(Held { trouble: Some(_), .. }) => {
                Exit::Unreachable
            }
            Stage::Asking(_) | Stage::Pending(_) | Stage::Held(_) => Exit::Cancelled,
            Stage::Over(outcome) => outcome.exit(),
        };
        self.abandon();
        if exit == Exit::Cancelled {
            self.effects.push(Effect::Say(Event::Ended(Status::Cancelled)));
        }
        self.leave_with(exit, None);
    }

    fn leave_with(&mut self, exit: Exit, complaint: Option<Text>) {
        self.leaving = true;
        self.effects.push(Effect::Leave(exit, complaint));
    }

    /// Gives up what is under way. A session that will be found again stays.
    fn abandon(&mut self) {
        match &self.stage {
            Stage::Pending(pending) => {
                self.effects.extend([Effect::Unfollow, Effect::Cancel(pending.device_code.clone())]);
            }
            Stage::Held(held) if self.settings.keeps && (held.who.is_some() || !held.is_fresh) => return,
            Stage::Held(held) => {
                self.effects.extend([Effect::Forget, Effect::Revoke(held.session.refresh_token.clone())]);
            }
            Stage::Asking(_) | Stage::Over(_) => {}
        }
        self.attempt += 1;
    }
}

/// A link as long as all of this server's.
fn sample_link(server: &PublicUrl) -> String {
    format!("{}/Q/{}", server.as_str().to_ascii_uppercase(), "0".repeat(ScanCode::LEN))
}

#[cfg(test)]
mod tests;
