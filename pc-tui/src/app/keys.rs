//! What the person at the PC may do.

use std::path::PathBuf;
use std::sync::Arc;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use shared::client::{Transport, TransportChoice};
use shared::lang::Lang;
use shared::{say, to_say};

use super::{App, Effect, Held, Issued, Stage};

/// Where `s` saves the QR, unless `--save-qr` says otherwise.
const QR_FILE: &str = "saoma-qr.png";

/// A key that means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Key {
    /// `r`
    NewCode,
    /// `s`
    SaveQr,
    /// `c`
    CopyLink,
    /// `t`
    NextTransport,
    /// `d`
    NextStyle,
    /// `?`
    Help,
    /// Escape
    Escape,
    /// `0` to `9`, of a check code
    Digit(u8),
    /// Backspace
    Backspace,
    /// `l`
    LogOut,
    /// `q`, Ctrl-C
    Quit,
    /// Ctrl-Z
    Suspend,
}

impl Key {
    /// All that the help speaks of, with what they do.
    pub(crate) fn all(lang: Lang) -> [(&'static str, String); 9] {
        [
            ("r", say!(lang, help_new_code())),
            ("s", say!(lang, help_save())),
            ("c", say!(lang, help_copy())),
            ("t", say!(lang, help_transport())),
            ("d", say!(lang, help_drawing())),
            ("l", say!(lang, help_log_out())),
            ("?", say!(lang, help_help())),
            ("q", say!(lang, help_quit())),
            ("0-9", say!(lang, help_digits())),
        ]
    }

    /// What a key of the keyboard means here.
    pub(crate) fn of(event: KeyEvent) -> Option<Self> {
        if event.kind == KeyEventKind::Release {
            return None;
        }
        if event.modifiers.intersects(KeyModifiers::CONTROL | KeyModifiers::ALT) {
            return match event.code {
                KeyCode::Char('c') if event.modifiers == KeyModifiers::CONTROL => Some(Self::Quit),
                KeyCode::Char('z') if event.modifiers == KeyModifiers::CONTROL => Some(Self::Suspend),
                _ => None,
            };
        }
        match event.code {
            KeyCode::Esc => Some(Self::Escape),
            KeyCode::Backspace => Some(Self::Backspace),
            KeyCode::Char(c @ '0'..='9') => {
                c.to_digit(10).and_then(|digit| digit.try_into().ok()).map(Self::Digit)
            }
            KeyCode::Char(c) => match c.to_ascii_lowercase() {
                'r' => Some(Self::NewCode),
                's' => Some(Self::SaveQr),
                'c' => Some(Self::CopyLink),
                't' => Some(Self::NextTransport),
                'd' => Some(Self::NextStyle),
                '?' => Some(Self::Help),
                'l' => Some(Self::LogOut),
                'q' => Some(Self::Quit),
                _ => None,
            },
            _ => None,
        }
    }
}

impl App {
    pub(super) fn on_key(&mut self, key: Key) {
        if self.leaving {
            return;
        }
        if key == Key::Suspend {
            // Whoever comes back finds all as it was.
            self.effects.push(Effect::Suspend);
            return;
        }
        self.shows_help = key == Key::Help && !self.shows_help;
        match key {
            Key::Help | Key::Escape | Key::Suspend => {}
            Key::NewCode => self.new_code(),
            Key::SaveQr => self.save_qr(),
            Key::CopyLink => self.copy_link(),
            Key::NextTransport => {
                self.transport = next_transport(self.transport);
                self.note(to_say!(transport_is(self.transport)));
                self.follow();
            }
            Key::NextStyle => self.next_style(),
            Key::Digit(digit) => self.on_digit(digit),
            Key::Backspace => self.on_backspace(),
            Key::LogOut => self.log_out(),
            Key::Quit => self.leave(),
        }
    }

    fn new_code(&mut self) {
        match &mut self.stage {
            Stage::Held(Held { trouble: Some(_), .. }) => self.look_after_session_now(),
            Stage::Held(_) => self.note(to_say!(already_logged_in())),
            // Somebody is there who wants it now; but a request under way is not sent twice.
            Stage::Asking(asking) => {
                if let Some(trouble) = &mut asking.trouble {
                    trouble.retry_at = self.now;
                    self.ask_again_if_due();
                }
            }
            Stage::Pending(_) | Stage::Over(_) => {
                self.renewals_left = self.settings.renewals;
                self.abandon();
                self.ask();
            }
        }
    }

    fn save_qr(&mut self) {
        let Some(issued) = self.open_code() else { return self.note(to_say!(no_code_to_save())) };
        let path = self.settings.save_qr.clone().unwrap_or_else(|| PathBuf::from(QR_FILE));
        self.effects.push(Effect::SaveQr(self.attempt, path, issued));
    }

    /// The code that could be scanned now.
    pub(super) fn open_code(&self) -> Option<Arc<Issued>> {
        match &self.stage {
            Stage::Pending(pending) if pending.is_open() => Some(Arc::clone(&pending.issued)),
            _ => None,
        }
    }

    fn copy_link(&mut self) {
        let Some(issued) = self.open_code() else { return self.note(to_say!(no_link_to_copy())) };
        self.effects.push(Effect::Copy(issued.link.clone()));
        self.note(to_say!(link_copied()));
    }
}

/// The next in the circle.
fn next_transport(choice: TransportChoice) -> TransportChoice {
    match choice {
        TransportChoice::Auto => TransportChoice::Only(Transport::WebSocket),
        TransportChoice::Only(Transport::WebSocket) => TransportChoice::Only(Transport::LongPoll),
        TransportChoice::Only(Transport::LongPoll) => TransportChoice::Only(Transport::Poll),
        TransportChoice::Only(Transport::Poll) => TransportChoice::Auto,
    }
}
