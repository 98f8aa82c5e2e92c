//! Any keys, any answers, in any order and as late as can be: nothing is left lying about.
//!
//! When the program has ended and the last answer has come, every code that a
//! server has issued is cancelled, used or out of time, and every token is
//! revoked or kept.

use std::collections::BTreeSet;

use proptest::prelude::*;
use shared::api::{DeviceAuthorization, Snapshot, Status};
use shared::client::{News, Redeemed, Transport};
use shared::problem::OauthCode;
use shared::secret::{Token, TokenKind};
use shared::words::Text;

use crate::app::{Attempt, Effect, Key, Manner, Message, Settings};
use crate::fixture::{
    Effects, Play, authorization, last, me, oauth, settings, token, tokens, unauthenticated, unreachable,
};

/// Something that happens.
#[derive(Clone, Copy, Debug)]
enum Step {
    Press(Key),
    Wait(u64),
    /// One of the questions is answered: well, not at all, or with a refusal.
    Answer(usize, Answer),
    /// The phone, or the time, moves the login on.
    Status(Status),
    Lose,
    Stop,
}

#[derive(Clone, Copy, Debug)]
enum Answer {
    Good,
    Lost,
    Refused,
}

fn step() -> impl Strategy<Value = Step> {
    let keys = [
        Key::NewCode,
        Key::SaveQr,
        Key::CopyLink,
        Key::NextTransport,
        Key::NextStyle,
        Key::Help,
        Key::LogOut,
    ];
    let statuses = [
        Status::Unscanned,
        Status::Scanned,
        Status::Scanned,
        Status::Confirmed,
        Status::Confirmed,
        Status::Denied,
        Status::Cancelled,
        Status::Expired,
    ];
    let answers = [Answer::Good, Answer::Good, Answer::Good, Answer::Lost, Answer::Refused];
    prop_oneof![
        2 => proptest::sample::select(keys.to_vec()).prop_map(Step::Press),
        2 => prop_oneof![0..3_u64, 20..200_u64, 2000..4000_u64].prop_map(Step::Wait),
        6 => (0..4_usize, proptest::sample::select(answers.to_vec()))
            .prop_map(|(which, answer)| Step::Answer(which, answer)),
        4 => proptest::sample::select(statuses.to_vec()).prop_map(Step::Status),
        1 => Just(Step::Lose),
        1 => prop_oneof![9 => Just(Step::Wait(1)), 1 => Just(Step::Stop)],
    ]
}

/// The world around the app.
struct World {
    play: Play,
    /// What the app waits to hear.
    questions: Vec<Effect>,
    followed: Option<(Attempt, u8)>,
    number: u8,
    /// Codes that could still be scanned, and until when.
    codes: BTreeSet<(u8, jiff::Timestamp)>,
    /// Tokens that are good.
    tokens: BTreeSet<u8>,
    disk: Option<u8>,
    ends: usize,
}

fn number<K: TokenKind>(token: &Token<K>) -> u8 {
    last(token).parse().unwrap()
}

impl World {
    fn new(settings: Settings) -> Self {
        let mut world = Self {
            play: Play::new(settings),
            questions: Vec::new(),
            followed: None,
            number: 0,
            codes: BTreeSet::new(),
            tokens: BTreeSet::new(),
            disk: None,
            ends: 0,
        };
        world.send(Message::Start(None));
        world
    }

    fn send(&mut self, message: Message) {
        let Effects(effects) = self.play.send(message);
        for effect in effects {
            match effect {
                Effect::Cancel(code) => self.close(number(&code)),
                Effect::Revoke(token) => _ = self.tokens.remove(&number(&token)),
                Effect::Follow(attempt, code, _) => self.followed = Some((attempt, number(&code))),
                Effect::Unfollow => self.followed = None,
                Effect::Keep(session) => {
                    // Everybody here is alice.
                    let expected = self.play.app.settings.expect_user.as_ref();
                    assert!(expected.is_none_or(|user| user.as_str() == "alice"), "alice came to bob's disk");
                    self.disk = Some(number(&session.refresh_token));
                }
                Effect::Forget => self.disk = None,
                Effect::Leave(..) => self.ends += 1,
                Effect::Copy(_) | Effect::Suspend | Effect::Say(_) => {}
                question => self.questions.push(question),
            }
        }
    }

    fn close(&mut self, code: u8) {
        self.codes.retain(|(live, _)| *live != code);
    }

    fn happens(&mut self, step: Step) {
        match step {
            Step::Press(key) => self.send(Message::Key(key)),
            Step::Wait(secs) => {
                self.play.now = crate::keep::after(self.play.now, secs);
                self.send(Message::Tick);
            }
            Step::Stop => self.send(Message::Stop),
            Step::Lose => {
                if let Some((attempt, _)) = self.followed {
                    let retry_in = std::time::Duration::from_secs(3);
                    self.send(Message::News(attempt, News::Trouble { error: unreachable(), retry_in }));
                }
            }
            Step::Status(status) => self.status(status),
            Step::Answer(which, answer) => {
                if which < self.questions.len() {
                    let question = self.questions.remove(which);
                    self.answer(question, answer);
                }
            }
        }
    }

    fn status(&mut self, status: Status) {
        let Some((attempt, code)) = self.followed else { return };
        // From confirmed on there is nothing to cancel any more.
        if !matches!(status, Status::Unscanned | Status::Scanned) {
            self.close(code);
        }
        let snapshot = Snapshot { status, version: 9, expires_in: 60, scanned_by: None, username: None };
        self.send(Message::News(attempt, News::Snapshot { snapshot, transport: Transport::Poll }));
    }

    fn answer(&mut self, question: Effect, answer: Answer) {
        self.number += 1;
        let new = self.number;
        let message = match (question, answer) {
            (Effect::Issue(attempt), Answer::Good) => {
                self.codes.insert((new, crate::keep::after(self.play.now, 120)));
                Message::Issued(
                    attempt,
                    Ok(DeviceAuthorization { device_code: token(new), ..authorization() }),
                )
            }
            (Effect::Issue(attempt), Answer::Lost) => Message::Issued(attempt, Err(unreachable())),
            (Effect::Issue(attempt), Answer::Refused) => {
                Message::Issued(attempt, Err(oauth(OauthCode::InvalidRequest)))
            }
            (Effect::SaveQr(attempt, path, _), Answer::Good) => Message::QrSaved(attempt, path, Ok(())),
            (Effect::SaveQr(attempt, path, _), _) => {
                Message::QrSaved(attempt, path, Err(Text::verbatim("disk full")))
            }
            (Effect::Redeem(attempt, ..), Answer::Good) => {
                self.tokens.insert(new);
                Message::Redeemed(attempt, Ok(Redeemed::Tokens(tokens(new))))
            }
            (Effect::Redeem(attempt, ..), Answer::Lost) => Message::Redeemed(attempt, Err(unreachable())),
            (Effect::Redeem(attempt, ..), Answer::Refused) => {
                Message::Redeemed(attempt, Err(oauth(OauthCode::AccessDenied)))
            }
            (Effect::Meet(attempt, _), Answer::Good) => Message::Met(attempt, Ok(me("alice"))),
            (Effect::Meet(attempt, _), Answer::Lost) => Message::Met(attempt, Err(unreachable())),
            (Effect::Meet(attempt, _), Answer::Refused) => Message::Met(attempt, Err(unauthenticated())),
            (Effect::Refresh(attempt, old), Answer::Good) if self.tokens.remove(&number(&old)) => {
                self.tokens.insert(new);
                Message::Refreshed(attempt, Ok(tokens(new)))
            }
            (Effect::Refresh(attempt, _), Answer::Lost) => Message::Refreshed(attempt, Err(unreachable())),
            (Effect::Refresh(attempt, old), _) => {
                self.tokens.remove(&number(&old));
                Message::Refreshed(attempt, Err(oauth(OauthCode::InvalidGrant)))
            }
            (other, _) => panic!("no question: {other:?}"),
        };
        self.send(message);
    }
}

proptest! {
    #[test]
    fn nothing_is_left_lying_about(
        steps in proptest::collection::vec(step(), 0..60),
        is_screen: bool,
        expects in proptest::sample::select(vec![None, Some("alice"), Some("bob")]),
        saves: bool,
    ) {
        let manner = if is_screen { Manner::Screen } else { Manner::Script };
        let mut world = World::new(Settings {
            expect_user: expects.map(|name| name.to_owned().try_into().unwrap()),
            save_qr: saves.then(|| "qr.png".into()),
            renewals: 2,
            ..settings(manner)
        });
        for step in steps {
            world.happens(step);
        }
        world.happens(Step::Stop);
        while let Some(question) = world.questions.pop() {
            world.answer(question, Answer::Good);
        }
        prop_assert_eq!(world.ends, 1, "it ends once");
        let now = world.play.now;
        let live: Vec<_> = world.codes.iter().filter(|(_, until)| now < *until).collect();
        prop_assert!(live.is_empty(), "codes that nobody cancelled: {:?}", live);
        let lost: Vec<_> = world.tokens.iter().filter(|number| world.disk != Some(**number)).collect();
        prop_assert!(lost.is_empty(), "tokens that nobody revoked or kept: {:?}", lost);
    }
}
