//! One login: ask for a code, show it, follow it, redeem it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use shared::api::{DeviceAuthorization, Snapshot, Status};
use shared::client::{ClientError, News, Redeemed, Transport};
use shared::disk::shown;
use shared::exit::Exit;
use shared::name::clean_claim;
use shared::problem::{OauthCode, ProblemCode};
use shared::to_say;
use shared::words::Text;

use super::patience::{may_pass, pause_secs};
use super::stage::Redeeming;
use super::{App, Asking, Effect, Event, Issued, Manner, Outcome, Pending, Progress, Stage, Trouble};
use crate::keep::{Session, after};

/// How long after its deadline a code is taken as expired although the feed has not said so.
const GRACE_SECS: u64 = 5;
/// The server takes a repeated redeem for 30 s after the first. The rest is for the way.
const REPEAT_WITHIN_SECS: u64 = 25;
/// The pause before a redeem is repeated.
const REDEEM_AGAIN_SECS: u64 = 1;
/// The same, when the server asks for patience (RFC 8628 §3.5).
const SLOW_DOWN_SECS: u64 = 5;

impl App {
    /// The first message: a session that was kept is proved, else a code is asked for.
    pub(super) fn start(&mut self, session: Option<Session>) {
        match session {
            Some(session) => self.hold(session, false),
            None => self.ask(),
        }
        self.say_if_style_is_missing();
    }

    /// Starts a new try at a login, unless the program is about to end.
    pub(super) fn ask(&mut self) {
        if self.leaving {
            return;
        }
        self.attempt += 1;
        self.stage = Stage::Asking(Asking::default());
        self.effects.extend([Effect::Unfollow, Effect::Issue(self.attempt)]);
    }

    pub(super) fn ask_again_if_due(&mut self) {
        if let Stage::Asking(asking) = &mut self.stage
            && asking.trouble.take_if(|trouble| self.now >= trouble.retry_at).is_some()
        {
            self.effects.push(Effect::Issue(self.attempt));
        }
    }

    pub(super) fn on_issued(&mut self, answer: Result<DeviceAuthorization, ClientError>) {
        let Stage::Asking(asking) = &mut self.stage else { return };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) if may_pass(&error) && self.settings.manner == Manner::Screen => {
                asking.failures += 1;
                let retry_at = after(self.now, pause_secs(asking.failures, &error));
                asking.trouble = Some(Trouble::new(&error, retry_at));
                return;
            }
            Err(error) => return self.fail(error.text(), error.exit()),
        };
        let issued = match Issued::of(&answer) {
            Ok(issued) => Arc::new(issued),
            Err(bad_link) => {
                self.effects.push(Effect::Cancel(answer.device_code));
                return self.fail(bad_link.text(), Exit::Failed);
            }
        };
        self.stage = Stage::Pending(Pending {
            issued: Arc::clone(&issued),
            device_code: answer.device_code,
            deadline: after(self.now, issued.expires_in),
            progress: Progress::Unscanned,
            version: 0,
            announced: false,
            transport: None,
            trouble: None,
        });
        // Whoever reads that a code was issued finds its picture whole.
        match self.settings.save_qr.clone() {
            Some(path) => self.effects.push(Effect::SaveQr(self.attempt, path, issued)),
            None => self.announce(),
        }
    }

    pub(super) fn on_qr_saved(&mut self, path: &Path, outcome: Result<(), Text>) {
        let Stage::Pending(pending) = &self.stage else { return };
        let (announced, device_code) = (pending.announced, pending.device_code.clone());
        match outcome {
            Err(why) if self.settings.manner == Manner::Script => {
                self.effects.push(Effect::Cancel(device_code));
                return self.fail(why, Exit::Failed);
            }
            Err(why) => self.note(why),
            Ok(()) if self.settings.manner == Manner::Screen => {
                self.note(to_say!(qr_saved(shown(path))));
            }
            Ok(()) => {}
        }
        if !announced {
            self.announce();
        }
    }

    fn announce(&mut self) {
        let Stage::Pending(pending) = &mut self.stage else { return };
        pending.announced = true;
        self.effects.push(Effect::Say(Event::Issued(Arc::clone(&pending.issued))));
        self.follow();
    }

    /// Follows the login by whatever transport is chosen.
    pub(super) fn follow(&mut self) {
        if let Stage::Pending(pending) = &self.stage
            && pending.announced
            && pending.is_open()
        {
            self.effects.push(Effect::Follow(self.attempt, pending.device_code.clone(), self.transport));
        }
    }

    pub(super) fn on_news(&mut self, news: News) {
        let Stage::Pending(pending) = &mut self.stage else { return };
        if !pending.is_open() {
            // From here on the redeem says how it goes.
            return;
        }
        match news {
            News::Snapshot { snapshot, transport } => self.on_snapshot(snapshot, transport),
            News::Back { transport } => {
                pending.trouble = None;
                pending.transport = Some(transport);
            }
            News::Trouble { error, retry_in } => {
                let trouble = Trouble::new(&error, after_pause(self.now, retry_in));
                self.effects.push(Effect::Say(Event::Trouble(trouble.why.clone(), retry_in)));
                pending.trouble = Some(trouble);
                // What was noted before is no longer what matters most.
                self.note = None;
            }
            // The server no longer knows this login: as good as expired.
            News::Gone(error)
                if error.problem().is_some_and(|problem| problem.code == ProblemCode::Unauthenticated) =>
            {
                self.expired();
            }
            News::Gone(error) => self.fail(error.text(), error.exit()),
        }
    }

    fn on_snapshot(&mut self, snapshot: Snapshot, transport: Transport) {
        let Stage::Pending(pending) = &mut self.stage else { return };
        pending.trouble = None;
        pending.transport = Some(transport);
        let Snapshot { status, version, expires_in, scanned_by, .. } = snapshot;
        let scanned_by = scanned_by.as_deref().map(clean_claim);
        if version > pending.version && status != Status::LoggedIn {
            pending.version = version;
            let scanned_by = scanned_by.clone();
            self.effects.push(Effect::Say(Event::Status { status, version, transport, scanned_by }));
        }
        if !status.is_terminal() {
            pending.deadline = after(self.now, expires_in);
        }
        match status {
            Status::Unscanned => pending.progress = Progress::Unscanned,
            Status::Scanned => pending.progress = Progress::Scanned { by: scanned_by },
            // Logged in without us: somebody else had our device code. To redeem it again is a replay,
            // which ends that session and warns its owner: just what is wanted.
            Status::Confirmed | Status::LoggedIn => {
                let redeeming =
                    Redeeming { by: scanned_by, first_at: self.now, retry_at: None, sent: None, asked: None };
                pending.progress = Progress::Redeeming(redeeming);
                self.effects.push(Effect::Unfollow);
                self.redeem();
            }
            Status::Denied => self.end(Outcome::Denied),
            Status::Cancelled => self.end(Outcome::Cancelled),
            Status::Expired => self.expired(),
        }
    }

    pub(super) fn on_redeemed(&mut self, answer: Result<Redeemed, ClientError>) {
        let Stage::Pending(Pending { progress: Progress::Redeeming(redeeming), .. }) = &self.stage else {
            return;
        };
        let may_repeat = self.now < after(redeeming.first_at, REPEAT_WITHIN_SECS);
        match answer {
            Ok(Redeemed::Tokens(tokens)) => {
                let session = Session::begun(&self.settings.server, tokens, self.now);
                self.hold(session, true);
            }
            Ok(Redeemed::Pending { tries_left: Some(tries_left), .. }) => self.ask_for_digits(tries_left),
            Ok(Redeemed::Pending { tries_left: None, .. }) => self.redeem_in(REDEEM_AGAIN_SECS),
            Ok(Redeemed::SlowDown) => self.redeem_in(SLOW_DOWN_SECS),
            Err(error) if may_pass(&error) && may_repeat => {
                self.redeem_in(REDEEM_AGAIN_SECS.max(error.retry_after_secs().unwrap_or_default()));
            }
            Err(error) => match error.oauth() {
                Some(OauthCode::AccessDenied) => self.end(Outcome::Denied),
                Some(OauthCode::ExpiredToken) => self.expired(),
                _ => self.fail(error.text(), error.exit()),
            },
        }
    }

    fn redeem_in(&mut self, pause_secs: u64) {
        if let Stage::Pending(Pending { progress: Progress::Redeeming(redeeming), .. }) = &mut self.stage {
            redeeming.retry_at = Some(after(self.now, pause_secs));
        }
    }

    /// Does what has become due, and believes its own clock where the feed is silent.
    pub(super) fn watch_the_clock(&mut self) {
        let Stage::Pending(pending) = &mut self.stage else { return };
        let is_over = self.now >= after(pending.deadline, GRACE_SECS);
        match &mut pending.progress {
            // Nobody has typed the digits in time.
            Progress::Redeeming(Redeeming { asked: Some(_), .. }) if is_over => self.expired(),
            Progress::Redeeming(redeeming) => {
                if redeeming.retry_at.is_none_or(|retry_at| self.now < retry_at) {
                    return;
                }
                redeeming.retry_at = None;
                if is_over {
                    self.expired();
                } else {
                    self.redeem();
                }
            }
            Progress::Unscanned | Progress::Scanned { .. } if is_over => {
                // This clock may have been set, and the code be good for longer.
                self.effects.push(Effect::Cancel(pending.device_code.clone()));
                match pending.trouble.take() {
                    Some(trouble) if self.settings.manner == Manner::Script => {
                        self.fail(trouble.why, Exit::Unreachable);
                    }
                    _ => self.expired(),
                }
            }
            Progress::Unscanned | Progress::Scanned { .. } => {}
        }
    }

    /// The code no longer works: the next one, as long as that may be done without being asked.
    fn expired(&mut self) {
        match self.renewals_left.checked_sub(1) {
            Some(left) => {
                self.renewals_left = left;
                if self.settings.manner == Manner::Screen {
                    self.note(to_say!(code_renewed()));
                }
                self.ask();
            }
            None => self.end(Outcome::Expired),
        }
    }
}

fn after_pause(now: jiff::Timestamp, pause: Duration) -> jiff::Timestamp {
    now.checked_add(pause).unwrap_or(jiff::Timestamp::MAX)
}
