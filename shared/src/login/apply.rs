//! What can happen to a login, and what comes of it.

use jiff::Timestamp;

use super::check::Verdict;
use super::{Check, CheckCode, Confirmation, Login, REPEAT_WITHIN, Scan, Scanner, State, Status};
use crate::api::NoticeKind;
use crate::dpop::Thumbprint;
use crate::id::SessionId;
use crate::secret::{ConfirmToken, Digest};

/// How many replaced confirm tokens a scan remembers. Past that, the oldest is answered as unknown: a phone
/// that loses so many answers is none, and the record must end somewhere.
const REPLACED_KEPT: usize = 128;

/// Something that happens to a login. Whether the caller may speak for the PC or the phone was settled
/// before: the machine judges only what this does to the login.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A phone scans it, and would get this confirm token.
    Scan {
        /// The phone.
        by: Scanner,
        /// The digest of the token that the answer would hold.
        confirm: Digest<ConfirmToken>,
    },
    /// A phone confirms with this token.
    Confirm {
        /// The phone's session.
        phone: SessionId,
        /// The digest of the token it sent.
        confirm: Digest<ConfirmToken>,
        /// The digits that the phone would show, if the PC is to be checked.
        check: CheckCode,
    },
    /// A phone denies with this token.
    Deny {
        /// The phone's session.
        phone: SessionId,
        /// The digest of the token it sent.
        confirm: Digest<ConfirmToken>,
    },
    /// The PC wants its tokens.
    Redeem {
        /// The client that asks.
        client_id: String,
        /// The session that would come of it.
        session: SessionId,
        /// Whether the tokens of an earlier redeem are still as they were sent: the session lives, and
        /// nobody has used either. Irrelevant before the first redeem.
        unused: bool,
        /// The check code that came with it.
        check: Option<CheckCode>,
        /// The key that was proved with it.
        key: Option<Thumbprint>,
    },
    /// The PC gives up.
    Cancel,
    /// The phone session that scanned it has ended.
    PhoneEnded,
    /// The server has too many open logins, and this one gives way.
    Evict,
    /// Time has passed.
    Tick,
}

/// What an event came to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Step {
    /// The login afterwards, to be committed.
    pub login: Login,
    /// What its owner is told, in the same transaction.
    pub notice: Option<NoticeKind>,
}

/// Why an event changes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another phone was first.
    AlreadyScanned,
    /// The PC expects another user.
    OtherUserExpected,
    /// The token belongs to another phone's scan.
    NotYourScan,
    /// The token was used or replaced. The phone that scanned is told where the login stands.
    ConfirmTokenUsed(Option<Standing>),
    /// The login is past that.
    Closed,
    /// The login's time ran out.
    Expired,
    /// The PC must wait.
    Pending(Status),
    /// The login is confirmed, but the PC has not sent the digits that the phone shows.
    Unchecked {
        /// How many wrong ones are left, until it is denied.
        tries_left: u8,
    },
    /// The phone said no, or the PC gave up.
    AccessDenied,
    /// The client is not the one that the login was issued to.
    OtherClient,
    /// The login was bound to a key at its issue, and that one was not proved.
    OtherKey,
    /// It was redeemed before, and this is no honest repeat: whoever asks, or whoever asked first, stole the
    /// device code. The session that came of it ends.
    Replayed(SessionId),
    /// There is nothing to do.
    Unchanged,
}

/// Where a login stands, for the phone that scanned it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Its status.
    pub status: Status,
    /// The digits to be shown. The answer that first held them may have been lost.
    pub check_code: Option<CheckCode>,
}

impl Refusal {
    /// What the owner of a scanned login is told of a refused call.
    #[must_use]
    pub fn notice(&self) -> Option<NoticeKind> {
        match self {
            Self::AlreadyScanned => Some(NoticeKind::SecondScanRefused),
            Self::NotYourScan => Some(NoticeKind::ConfirmFromAnotherPhone),
            Self::Replayed(_) => Some(NoticeKind::TokenReplayed),
            _ => None,
        }
    }
}

impl Login {
    /// What `event` does to the login at `now`. Pure and total: the table in the tests is all it does.
    ///
    /// # Errors
    /// The [`Refusal`] says why nothing changes.
    pub fn apply(&self, event: &Event, now: Timestamp) -> Result<Step, Refusal> {
        let login = self.at(now);
        match event {
            Event::Scan { by, confirm } => login.scanned(by, *confirm),
            Event::Confirm { phone, confirm, check } => {
                let scan = login.decided(*phone, confirm)?;
                let check = login.request.check_code.then(|| Check::new(*check));
                let confirmed =
                    State::Confirmed(Confirmation { scan, until: Self::redeem_until(now), check });
                Ok(login.moves_to(confirmed, Some(NoticeKind::LoginConfirmed)))
            }
            Event::Deny { phone, confirm } => {
                let scan = login.decided(*phone, confirm)?;
                Ok(login.moves_to(State::Denied { scan, at: now }, Some(NoticeKind::LoginDenied)))
            }
            Event::Redeem { client_id, .. } if login.request.client_id != *client_id => {
                Err(Refusal::OtherClient)
            }
            // Only for the key of the issue. One that a redeem brought may be the thief's, and says nothing about
            // who else asks: that is for the replay to judge.
            Event::Redeem { key, .. } if login.request.key.is_some_and(|bound| *key != Some(bound)) => {
                Err(Refusal::OtherKey)
            }
            Event::Redeem { session, unused, check, key, .. } => {
                login.redeemed((*session, *key), *unused, *check, now)
            }
            Event::Cancel => match &login.state {
                State::Unscanned | State::Scanned(_) => {
                    let scan = login.state.scan().cloned();
                    Ok(login.moves_to(State::Cancelled { scan, at: now }, None))
                }
                _ => Err(Refusal::Unchanged),
            },
            Event::PhoneEnded => match &login.state {
                State::Scanned(scan) | State::Confirmed(Confirmation { scan, .. }) => {
                    let denied = State::Denied { scan: scan.clone(), at: now };
                    Ok(login.moves_to(denied, Some(NoticeKind::LoginDenied)))
                }
                _ => Err(Refusal::Unchanged),
            },
            Event::Evict => match &login.state {
                State::Unscanned => Ok(login.moves_to(State::Expired { scan: None, at: now }, None)),
                _ => Err(Refusal::Unchanged),
            },
            Event::Tick => match (&self.state, &login.state) {
                (before, State::Expired { .. }) if before.status() != Status::Expired => {
                    let was_confirmed = before.status() == Status::Confirmed;
                    let notice = was_confirmed.then_some(NoticeKind::LoginNotFinished);
                    Ok(Step { login: login.into_owned().written(), notice })
                }
                _ => Err(Refusal::Unchanged),
            },
        }
    }

    fn scanned(&self, by: &Scanner, confirm: Digest<ConfirmToken>) -> Result<Step, Refusal> {
        match &self.state {
            State::Unscanned => {
                if self.request.login_hint.as_ref().is_some_and(|expected| *expected != by.username) {
                    return Err(Refusal::OtherUserExpected);
                }
                let scan = Scan { by: by.clone(), confirm, replaced: Vec::new() };
                Ok(self.moves_to(State::Scanned(scan), None))
            }
            // The same phone again: its answer was lost. The new token replaces the old one.
            State::Scanned(scan) if scan.by.phone == by.phone => {
                let forget = (scan.replaced.len() + 1).saturating_sub(REPLACED_KEPT);
                let replaced = scan.replaced.iter().copied().chain([scan.confirm]).skip(forget).collect();
                Ok(self.stays_in(State::Scanned(Scan { by: scan.by.clone(), confirm, replaced })))
            }
            State::Scanned(_) => Err(Refusal::AlreadyScanned),
            State::Expired { .. } => Err(Refusal::Expired),
            State::Confirmed(_) | State::LoggedIn { .. } | State::Denied { .. } | State::Cancelled { .. } => {
                Err(Refusal::Closed)
            }
        }
    }

    /// The scan that a confirm token decides about, if it may.
    fn decided(&self, phone: SessionId, confirm: &Digest<ConfirmToken>) -> Result<Scan, Refusal> {
        let scan = self.state.scan().ok_or(Refusal::Closed)?;
        let used = || {
            let standing = || {
                let check_code = self.state.check().map(|check| check.code);
                Standing { status: self.state.status(), check_code }
            };
            Refusal::ConfirmTokenUsed((scan.by.phone == phone).then(standing))
        };
        match &self.state {
            State::Expired { .. } => Err(Refusal::Expired),
            State::Denied { .. } | State::Cancelled { .. } => Err(Refusal::Closed),
            State::Scanned(_) if scan.by.phone != phone => Err(Refusal::NotYourScan),
            State::Scanned(scan) if scan.confirm == *confirm => Ok(scan.clone()),
            State::Scanned(_) | State::Confirmed(_) | State::LoggedIn { .. } | State::Unscanned => {
                Err(used())
            }
        }
    }

    fn redeemed(
        &self,
        (session, key): (SessionId, Option<Thumbprint>),
        unused: bool,
        typed: Option<CheckCode>,
        now: Timestamp,
    ) -> Result<Step, Refusal> {
        match &self.state {
            State::Unscanned | State::Scanned(_) => Err(Refusal::Pending(self.state.status())),
            State::Confirmed(confirmation) => {
                let scan = || confirmation.scan.clone();
                match confirmation.check.map_or(Verdict::Right, |check| check.judge(typed)) {
                    Verdict::Right => {
                        // A PC that proves its first key now is bound to it from now on.
                        let key = self.request.key.or(key);
                        let logged_in = State::LoggedIn { scan: scan(), session, key, at: now };
                        Ok(self.moves_to(logged_in, Some(NoticeKind::LoggedIn)))
                    }
                    Verdict::Missing { tries_left } => Err(Refusal::Unchecked { tries_left }),
                    // Committed like anything else, so that racing guesses are counted one by one.
                    Verdict::Wrong(check) => {
                        let check = Some(check);
                        Ok(self.stays_in(State::Confirmed(Confirmation { check, ..confirmation.clone() })))
                    }
                    Verdict::WrongOnceTooOften => {
                        let denied = State::Denied { scan: scan(), at: now };
                        Ok(self.moves_to(denied, Some(NoticeKind::LoginDenied)))
                    }
                }
            }
            // The answer was lost: fresh tokens for the same session, and the first ones die. Whoever repeats a
            // call proves what it proved.
            State::LoggedIn { at, .. } if unused && key == self.key() && now < *at + REPEAT_WITHIN => {
                Ok(self.stays_in(self.state.clone()))
            }
            State::LoggedIn { session, .. } => Err(Refusal::Replayed(*session)),
            State::Denied { .. } | State::Cancelled { .. } => Err(Refusal::AccessDenied),
            State::Expired { .. } => Err(Refusal::Expired),
        }
    }

    /// A transition: clients see a new version.
    fn moves_to(&self, state: State, notice: Option<NoticeKind>) -> Step {
        let login = Self { state, version: self.version + 1, ..self.clone() };
        Step { login: login.written(), notice }
    }

    /// A write that clients don't see.
    fn stays_in(&self, state: State) -> Step {
        Step { login: Self { state, ..self.clone() }.written(), notice: None }
    }

    fn written(mut self) -> Self {
        self.revision += 1;
        self
    }
}
