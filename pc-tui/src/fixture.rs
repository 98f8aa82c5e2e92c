//! A login as tests play it: fixed codes, a clock that moves when told to, and the messages of a server.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::{Offset, TimeZone};
use ratatui::layout::Size;
use shared::api::{DeviceAuthorization, Me, Snapshot, Status, TokenAnswer};
use shared::client::{ClientError, News, Redeemed, Transport, TransportChoice};
use shared::code::{PublicUrl, UserCode};
use shared::exit::Exit;
use shared::lang::Lang;
use shared::name::Username;
use shared::problem::{OauthCode, ProblemCode};
use shared::secret::{Token, TokenKind};
use shared::words::Text;

use crate::app::{App, Attempt, Device, Effect, Event, Key, Manner, Message, Settings};
use crate::keep::{Session, after};
use crate::qr::{Abilities, Ground, Style};
use crate::terminal::Letters;

/// The link of every login here.
pub(crate) const LINK: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/7KX2M4QZ9ABCDEFGHJKMNPQRST";

/// An app, and the time.
pub(crate) struct Play {
    pub(crate) app: App,
    pub(crate) now: Timestamp,
    /// The number of the login that was asked for last.
    pub(crate) attempt: Attempt,
}

pub(crate) fn settings(manner: Manner) -> Settings {
    Settings {
        server: PublicUrl::parse("https://login.example.com").unwrap(),
        device: Device {
            name: "thinkpad".to_owned(),
            os: "Debian GNU/Linux 13 x86_64".to_owned(),
            app: "pc-tui 0.1.0".to_owned(),
        },
        expect_user: None,
        save_qr: None,
        keeps: true,
        manner,
        renewals: if manner == Manner::Screen { 5 } else { 0 },
        zone: TimeZone::fixed(Offset::UTC),
        lang: Lang::English,
        has_colour: true,
        qr_style: Style::Auto,
        letters: Letters::All,
        abilities: abilities(),
    }
}

/// A terminal that can do what most can.
pub(crate) fn abilities() -> Abilities {
    Abilities { has_half_cells: true, has_palette: true, ground: Ground::Dark, graphics: None }
}

/// A token of any kind, told from others by its `number`.
pub(crate) fn token<K: TokenKind>(number: u8) -> Token<K> {
    Token::parse(&format!("{}7K{:0>43}", K::PREFIX, number)).unwrap()
}

pub(crate) fn tokens(number: u8) -> TokenAnswer {
    TokenAnswer {
        access_token: token(number),
        token_type: "Bearer".to_owned(),
        expires_in: 3600,
        refresh_token: token(number),
        scope: None,
    }
}

pub(crate) fn authorization() -> DeviceAuthorization {
    DeviceAuthorization {
        device_code: token(1),
        user_code: UserCode::parse("WDJB-MJHT").unwrap(),
        verification_uri: "https://login.example.com/D".to_owned(),
        verification_uri_complete: LINK.to_owned(),
        expires_in: 120,
        interval: 2,
    }
}

pub(crate) fn me(name: &str) -> Me {
    Me {
        id: "01JC000000000000000000007K".parse().unwrap(),
        username: Username::parse(name).unwrap(),
        session_id: "01JC0000000000000000000S7K".parse().unwrap(),
    }
}

pub(crate) fn unreachable() -> ClientError {
    ClientError::Unreachable(Text::new(
        "the server at https://login.example.com can't be reached (connection refused); is it running?"
            .to_owned(),
        "无法连接服务器 https://login.example.com（连接被拒绝），请确认服务器已启动".to_owned(),
    ))
}

pub(crate) fn oauth(code: OauthCode) -> ClientError {
    ClientError::Oauth { error: code.into(), retry_after: None }
}

pub(crate) fn unauthenticated() -> ClientError {
    ClientError::Problem(ProblemCode::Unauthenticated.into())
}

pub(crate) fn session() -> Session {
    let settings = settings(Manner::Screen);
    Session::begun(&settings.server, tokens(1), start())
}

/// When every play begins.
pub(crate) fn start() -> Timestamp {
    "2026-11-03T14:02:00Z".parse().unwrap()
}

impl Play {
    /// Before the first message.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { app: App::new(settings, TransportChoice::Auto, start()), now: start(), attempt: 0 }
    }

    pub(crate) fn screen() -> Self {
        Self::new(settings(Manner::Screen))
    }

    pub(crate) fn script() -> Self {
        Self::new(settings(Manner::Script))
    }

    /// Sends a message, and tells what came of it.
    pub(crate) fn send(&mut self, message: Message) -> Effects {
        let effects = Effects(self.app.update(message, self.now));
        let issued = effects.0.iter().find_map(|effect| match effect {
            Effect::Issue(attempt) => Some(*attempt),
            _ => None,
        });
        self.attempt = issued.unwrap_or(self.attempt);
        effects
    }

    /// What is noted on the screen, in English.
    pub(crate) fn note(&self) -> Option<String> {
        self.app.shown_note().map(ToString::to_string)
    }

    pub(crate) fn start(&mut self) -> Effects {
        self.send(Message::Start(None))
    }

    pub(crate) fn press(&mut self, key: Key) -> Effects {
        self.send(Message::Key(key))
    }

    /// The window gets another size.
    pub(crate) fn resize(&mut self, width: u16, height: u16) -> Effects {
        self.send(Message::Window { cells: Size::new(width, height), cell_pixels: None })
    }

    /// Lets time pass.
    pub(crate) fn wait(&mut self, secs: u64) -> Effects {
        self.now = after(self.now, secs);
        self.send(Message::Tick)
    }

    /// The server issues a code.
    pub(crate) fn issue(&mut self) -> Effects {
        self.send(Message::Issued(self.attempt, Ok(authorization())))
    }

    /// The server tells of a status. Versions are counted as the machine of the server does.
    pub(crate) fn status(&mut self, status: Status) -> Effects {
        let (version, expires_in) = match status {
            Status::Unscanned => (1, 120),
            Status::Scanned => (2, 100),
            Status::Confirmed => (3, 60),
            Status::LoggedIn => (4, 0),
            Status::Denied | Status::Cancelled | Status::Expired => (5, 0),
        };
        let scanned_by = (version > 1).then(|| "a***e".to_owned());
        let snapshot = Snapshot { status, version, expires_in, scanned_by, username: None };
        self.news(News::Snapshot { snapshot, transport: Transport::WebSocket })
    }

    pub(crate) fn news(&mut self, news: News) -> Effects {
        self.send(Message::News(self.attempt, news))
    }

    pub(crate) fn lose(&mut self, retry_secs: u64) -> Effects {
        self.news(News::Trouble { error: unreachable(), retry_in: Duration::from_secs(retry_secs) })
    }

    pub(crate) fn redeem(&mut self, answer: Result<Redeemed, ClientError>) -> Effects {
        self.send(Message::Redeemed(self.attempt, answer))
    }

    /// The server wants the digits.
    pub(crate) fn check(&mut self, tries_left: u8) -> Effects {
        self.redeem(Ok(Redeemed::Pending { status: Some(Status::Confirmed), tries_left: Some(tries_left) }))
    }

    pub(crate) fn meet(&mut self, answer: Result<Me, ClientError>) -> Effects {
        self.send(Message::Met(self.attempt, answer))
    }

    pub(crate) fn refresh(&mut self, answer: Result<TokenAnswer, ClientError>) -> Effects {
        self.send(Message::Refreshed(self.attempt, answer))
    }

    /// To the code on the screen.
    pub(crate) fn until_unscanned(mut self) -> Self {
        self.start();
        self.issue();
        self.status(Status::Unscanned);
        self
    }

    pub(crate) fn until_scanned(mut self) -> Self {
        self = self.until_unscanned();
        self.status(Status::Scanned);
        self
    }

    pub(crate) fn until_confirmed(mut self) -> Self {
        self = self.until_scanned();
        self.status(Status::Confirmed);
        self
    }

    /// To tokens whose owner is not known yet.
    pub(crate) fn until_redeemed(mut self) -> Self {
        self = self.until_confirmed();
        self.redeem(Ok(Redeemed::Tokens(tokens(1))));
        self
    }

    pub(crate) fn until_logged_in(mut self) -> Self {
        self = self.until_redeemed();
        self.meet(Ok(me("alice")));
        self
    }
}

/// What came of a message.
#[derive(Debug)]
pub(crate) struct Effects(pub(crate) Vec<Effect>);

impl Effects {
    /// What came of it, without what is said: a word each, with what tells them apart.
    pub(crate) fn done(&self) -> Vec<String> {
        let word = |effect: &Effect| match effect {
            Effect::Issue(_) => "issue".to_owned(),
            Effect::SaveQr(_, path, _) => format!("save {}", path.display()),
            Effect::Follow(_, _, transport) => format!("follow {transport}"),
            Effect::Unfollow => "unfollow".to_owned(),
            Effect::Redeem(_, _, None) => "redeem".to_owned(),
            Effect::Redeem(_, _, Some(code)) => format!("redeem {}", code.digits()),
            Effect::Listen => "listen".to_owned(),
            Effect::Cancel(_) => "cancel".to_owned(),
            Effect::Meet(_, token) => format!("meet {}", last(token)),
            Effect::Refresh(_, token) => format!("refresh {}", last(token)),
            Effect::Revoke(token) => format!("revoke {}", last(token)),
            Effect::Keep(session) => format!("keep {}", last(&session.refresh_token)),
            Effect::Forget => "forget".to_owned(),
            Effect::Copy(text) => format!("copy {text}"),
            Effect::Suspend => "suspend".to_owned(),
            Effect::Leave(exit, None) => format!("leave {}", *exit as u8),
            Effect::Leave(exit, Some(why)) => format!("leave {}: {why}", *exit as u8),
            Effect::Say(_) => String::new(),
        };
        self.0.iter().map(word).filter(|word| !word.is_empty()).collect()
    }

    /// What is said, a word each.
    pub(crate) fn said(&self) -> Vec<String> {
        let word = |effect: &Effect| {
            let Effect::Say(event) = effect else { return None };
            Some(match event {
                Event::Issued(issued) => format!("issued {}", issued.link),
                Event::Status { status, version, transport, .. } => {
                    format!("{} {version} {transport}", status.as_str())
                }
                Event::Trouble(_, pause) => format!("trouble {}", pause.as_secs()),
                Event::CheckCode { tries_left, was_wrong } => format!("check {tries_left} {was_wrong}"),
                Event::LoggedIn(username, session) => format!("logged in {username} {session}"),
                Event::Ended(status) => format!("ended {}", status.as_str()),
                Event::Note(text) => format!("note {text}"),
            })
        };
        self.0.iter().filter_map(word).collect()
    }

    pub(crate) fn exit(&self) -> Option<Exit> {
        self.0.iter().find_map(|effect| match effect {
            Effect::Leave(exit, _) => Some(*exit),
            _ => None,
        })
    }
}

/// What tells a token of these plays from others.
pub(crate) fn last<K: TokenKind>(token: &Token<K>) -> &str {
    token.expose().trim_start_matches(K::PREFIX).trim_start_matches("7K").trim_start_matches('0')
}
