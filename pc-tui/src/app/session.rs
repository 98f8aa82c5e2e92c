//! The session that a login has earned: prove it, keep its tokens fresh, notice its end.
//!
//! ```text
//! begun or found on disk --> due? --no--> meet --ok--> rest 30 s --> due? …
//!                             |            |
//!                             |            '- refused --+
//!                             '--yes------------------> refresh --ok--> keep, then meet
//!                                                          '- refused --> forget, ask for a new login
//! ```

use shared::api::{Me, TokenAnswer};
use shared::client::ClientError;
use shared::exit::Exit;
use shared::problem::ProblemCode;
use shared::{say, to_say};

use super::patience::{may_pass, pause_secs};
use super::stage::Step;
use super::{App, Effect, Event, Held, Manner, Stage, Trouble};
use crate::keep::{Session, after};

/// How often the server is asked whether the session still stands: its owner may end it from the phone.
const LOOK_AGAIN_SECS: u64 = 30;
/// How often a script asks who is logged in before it gives up.
const SCRIPT_TRIES: u32 = 5;

impl App {
    /// Takes a session, fresh from a login or found on disk. It is on disk before it is used.
    pub(super) fn hold(&mut self, session: Session, is_fresh: bool) {
        let step = Step::Resting { until: self.now };
        self.stage = Stage::Held(Held { session, is_fresh, who: None, step, failures: 0, trouble: None });
        if is_fresh {
            self.keep();
        }
        self.look_after_session();
    }

    /// Keeps the session on disk, but for one on trial: a program that is killed now must not leave the session
    /// of somebody else behind, for the next start to find.
    fn keep(&mut self) {
        if let Stage::Held(held) = &self.stage
            && self.settings.keeps
            && !self.is_on_trial(held)
        {
            self.effects.push(Effect::Keep(held.session.clone()));
        }
    }

    /// Whether a session may turn out to be of somebody who is not expected here.
    fn is_on_trial(&self, held: &Held) -> bool {
        held.is_fresh && held.who.is_none() && self.settings.expect_user.is_some()
    }

    /// Asks the server about the session, if it is time.
    pub(super) fn look_after_session(&mut self) {
        let Stage::Held(held) = &mut self.stage else { return };
        if !matches!(held.step, Step::Resting { until } if self.now >= until) {
            return;
        }
        if held.session.is_due(self.now) {
            self.refresh();
        } else {
            self.meet(false);
        }
    }

    /// The same, but without waiting for the time of the next try.
    pub(super) fn look_after_session_now(&mut self) {
        if let Stage::Held(Held { step: Step::Resting { until }, .. }) = &mut self.stage {
            *until = self.now;
            self.look_after_session();
        }
    }

    fn meet(&mut self, renewed: bool) {
        let Stage::Held(held) = &mut self.stage else { return };
        held.step = Step::Meeting { renewed };
        self.effects.push(Effect::Meet(self.attempt, held.session.access_token.clone()));
    }

    fn refresh(&mut self) {
        let Stage::Held(held) = &mut self.stage else { return };
        held.step = Step::Refreshing;
        self.effects.push(Effect::Refresh(self.attempt, held.session.refresh_token.clone()));
    }

    pub(super) fn on_met(&mut self, answer: Result<Me, ClientError>) {
        let Stage::Held(held) = &mut self.stage else { return };
        let Step::Meeting { renewed } = held.step else { return };
        match answer {
            Ok(me) => {
                held.step = Step::Resting { until: after(self.now, LOOK_AGAIN_SECS) };
                held.failures = 0;
                held.trouble = None;
                if held.who.replace(me).is_none() {
                    self.welcome();
                }
            }
            Err(error) if is_refusal(&error) && renewed => {
                self.effects.push(Effect::Revoke(held.session.refresh_token.clone()));
                self.session_ended();
            }
            Err(error) if is_refusal(&error) => self.refresh(),
            Err(error) => self.set_back(&error),
        }
    }

    pub(super) fn on_refreshed(&mut self, answer: Result<TokenAnswer, ClientError>) {
        let Stage::Held(held) = &mut self.stage else { return };
        match answer {
            Ok(tokens) => {
                held.session = held.session.clone().renewed(tokens, self.now);
                self.keep();
                if !self.leaving {
                    self.meet(true);
                }
            }
            Err(error) if error.oauth().is_some() && !may_pass(&error) && !error.is_other_address() => {
                self.session_ended();
            }
            Err(error) => self.set_back(&error),
        }
    }

    /// The server has said for the first time whose session this is.
    fn welcome(&mut self) {
        let Stage::Held(Held { who: Some(me), is_fresh, session, .. }) = &self.stage else { return };
        let (me, is_fresh, refresh_token) = (me.clone(), *is_fresh, session.refresh_token.clone());
        let expected = self.settings.expect_user.clone().filter(|expected| *expected != me.username);
        match (expected, is_fresh) {
            (None, _) => {
                // The trial is over. Without one, it has long been kept.
                if is_fresh && self.settings.expect_user.is_some() {
                    self.keep();
                }
                self.effects.push(Effect::Say(Event::LoggedIn(me.username, me.session_id)));
                if self.settings.manner == Manner::Script {
                    self.leave_with(Exit::Done, None);
                }
            }
            (Some(expected), true) => {
                let why = to_say!(somebody_else(&me.username, &expected));
                self.effects.extend([Effect::Forget, Effect::Revoke(refresh_token)]);
                self.fail(why, Exit::Denied);
            }
            (Some(expected), false) => {
                let why = to_say!(kept_of_somebody_else(&me.username, &expected));
                self.leave_with(Exit::NotLoggedIn, Some(why));
            }
        }
    }

    /// The server did not answer as it should: again later. A script does not wait for long.
    fn set_back(&mut self, error: &ClientError) {
        let Stage::Held(held) = &mut self.stage else { return };
        held.failures += 1;
        let retry_at = after(self.now, pause_secs(held.failures, error));
        held.step = Step::Resting { until: retry_at };
        held.trouble = Some(Trouble::new(error, retry_at));
        let patience = if held.is_fresh { SCRIPT_TRIES } else { 1 };
        if self.settings.manner == Manner::Script && held.failures >= patience {
            let Stage::Held(held) = &self.stage else { return };
            if !self.settings.keeps || self.is_on_trial(held) {
                // It is not on disk: nobody could use it again.
                self.effects.push(Effect::Revoke(held.session.refresh_token.clone()));
            }
            self.fail(error.text(), error.exit());
        }
    }

    /// The session is over: ended from the phone, or too old. The login screen comes back.
    fn session_ended(&mut self) {
        let Stage::Held(held) = &self.stage else { return };
        let was_used = held.who.is_some() || !held.is_fresh;
        self.effects.push(Effect::Forget);
        if was_used {
            self.note(to_say!(session_over()));
            self.ask();
        } else {
            self.fail(to_say!(session_unusable()), Exit::NotLoggedIn);
        }
    }

    /// Ends the session at the server and here, and starts over.
    pub(super) fn log_out(&mut self) {
        let Stage::Held(held) = &self.stage else {
            return self.note(to_say!(nobody_to_log_out()));
        };
        self.effects.extend([Effect::Forget, Effect::Revoke(held.session.refresh_token.clone())]);
        self.renewals_left = self.settings.renewals;
        self.note(to_say!(logged_out()));
        self.ask();
    }

    pub(super) fn on_revoked(&mut self, outcome: Result<(), ClientError>) {
        if let Err(error) = outcome {
            self.note(error.text().map(|lang, why| say!(lang, not_revoked(why))));
        }
    }
}

/// Whether a token is no longer good, or not with this computer's key, as opposed to a server that is not well, or is
/// called by another name than its own.
fn is_refusal(error: &ClientError) -> bool {
    let refusals = [ProblemCode::Unauthenticated, ProblemCode::InvalidDpopProof];
    !error.is_other_address() && error.problem().is_some_and(|problem| refusals.contains(&problem.code))
}
