//! The check code: two digits that the phone shows and the person types here.
//!
//! ```text
//! redeem --pending, 3 left--> asking --two digits--> redeem with them --tokens--> Held
//!                               ^                          |   '--denied--> Over
//!                               '---pending, 2 left--------'
//! ```

use shared::api::CheckCode;
use shared::exit::Exit;
use shared::to_say;

use super::stage::{Asked, Redeeming};
use super::{App, Effect, Event, Manner, Pending, Progress, Stage};

impl App {
    /// The server wants the digits, for the first time or once more.
    pub(super) fn ask_for_digits(&mut self, tries_left: u8) {
        let Some(redeeming) = self.redeeming() else { return };
        let was_wrong = redeeming.sent.take().is_some();
        redeeming.asked = Some(Asked { tries_left, was_wrong, first_digit: None });
        self.effects.push(Effect::Say(Event::CheckCode { tries_left, was_wrong }));
        if self.settings.manner == Manner::Script {
            self.effects.push(Effect::Listen);
        }
    }

    /// A key of the screen. The second digit sends both.
    pub(super) fn on_digit(&mut self, digit: u8) {
        let Some(asked) = self.redeeming().and_then(|redeeming| redeeming.asked.as_mut()) else { return };
        match asked.first_digit {
            // No code begins with 0.
            None => asked.first_digit = (1..=9).contains(&digit).then_some(digit),
            Some(first) => {
                if let Ok(code) = CheckCode::parse(&format!("{first}{digit}")) {
                    self.send_digits(code);
                }
            }
        }
    }

    pub(super) fn on_backspace(&mut self) {
        if let Some(asked) = self.redeeming().and_then(|redeeming| redeeming.asked.as_mut()) {
            asked.first_digit = None;
        }
    }

    /// A line of standard input; none, if it has ended.
    pub(super) fn on_line(&mut self, line: Option<Result<CheckCode, shared::secret::Malformed>>) {
        let Some(Redeeming { asked: Some(_), .. }) = self.redeeming() else { return };
        match line {
            Some(Ok(code)) => self.send_digits(code),
            Some(Err(_)) => {
                self.note(to_say!(not_digits()));
                self.effects.push(Effect::Listen);
            }
            None => self.fail(to_say!(no_more_digits()), Exit::Failed),
        }
    }

    fn send_digits(&mut self, code: CheckCode) {
        let now = self.now;
        let Some(redeeming) = self.redeeming() else { return };
        redeeming.asked = None;
        redeeming.sent = Some(code);
        redeeming.first_at = now;
        self.redeem();
    }

    /// Asks for the tokens, with the digits if some were typed.
    pub(super) fn redeem(&mut self) {
        if let Stage::Pending(Pending { progress: Progress::Redeeming(redeeming), device_code, .. }) =
            &self.stage
        {
            self.effects.push(Effect::Redeem(self.attempt, device_code.clone(), redeeming.sent));
        }
    }

    fn redeeming(&mut self) -> Option<&mut Redeeming> {
        match &mut self.stage {
            Stage::Pending(Pending { progress: Progress::Redeeming(redeeming), .. }) => Some(redeeming),
            _ => None,
        }
    }
}
