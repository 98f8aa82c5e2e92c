//! What the promises are tried on: accounts, phones and logins, made the way the server makes them.

use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use server::clock::Clock;
use server::store::{
    Account, Change, Committed, Inserted, Notice, OpenCaps, PC_TOKEN_LIFE, PcSession, PcTokens, PhoneSession,
    REFRESH_LIFE, SessionWrite, Store,
};
use shared::api::NoticeKind;
use shared::code::ScanCode;
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::login::{CheckCode, Digests, Event, Login, Request, Scanner};
use shared::name::Username;
use shared::random::{OsRandom, Random};
use shared::secret::{ConfirmToken, DeviceCode, Digest, PcToken, PhoneToken, RefreshToken, Token, TokenKind};
use tempfile::TempDir;

use crate::redis::Redis;

/// More than any test has open.
pub(crate) const ROOMY: OpenCaps = OpenCaps { per_address: 100_000, total: 1_000_000 };
/// How long a login lives.
pub(crate) const LIFETIME: Duration = Duration::from_mins(2);

/// A store to be tried, and the time.
#[derive(Clone)]
pub(crate) struct World {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) now: Timestamp,
    /// Where it is kept, to be removed at the end.
    place: Arc<Place>,
}

/// What a world is kept in.
pub(crate) enum Place {
    Memory,
    Folder(TempDir),
    Redis(Redis),
}

impl Deref for World {
    type Target = dyn Store;

    fn deref(&self) -> &Self::Target {
        &*self.store
    }
}

impl World {
    /// A world on a store that has nothing in it.
    pub(crate) fn on(store: Arc<dyn Store>, place: Place) -> Self {
        // A store may judge by its own clock, so the time is the real one.
        Self { store, now: Clock::system().now(), place: Arc::new(place) }
    }

    /// A file beside the store's.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        let Place::Folder(dir) = &*self.place else { panic!("this world is in no folder") };
        dir.path().join(name)
    }

    /// The Redis that it is kept in.
    pub(crate) fn redis(&self) -> &Redis {
        let Place::Redis(redis) = &*self.place else { panic!("this world is not in Redis") };
        redis
    }

    /// The same world, a while later.
    pub(crate) fn later(&self, by: Duration) -> Self {
        Self { now: self.now + by, ..self.clone() }
    }

    /// The same world, a moment before that.
    pub(crate) fn just_before(&self, by: Duration) -> Self {
        Self { now: self.now + by - Duration::from_millis(1), ..self.clone() }
    }

    /// A new account.
    pub(crate) async fn owner(&self) -> Account {
        let id = AccountId::generate(self.now, &OsRandom);
        let account = Account {
            id,
            username: Username::parse(&format!("user-{id}")).unwrap(),
            password: "hash 1".into(),
            password_version: 1,
            enabled: true,
            created_at: self.now,
        };
        assert!(self.add_account(account.clone()).await.unwrap());
        account
    }

    /// A phone session of an account that is to be begun.
    pub(crate) fn new_phone(&self, account: &Account) -> PhoneSession {
        let id = SessionId::generate_in(account.id.tag(), self.now, &OsRandom);
        PhoneSession {
            id,
            account: account.id,
            token: digest_in::<PhoneToken>(id.tag()),
            ..self.some_phone()
        }
    }

    /// A phone session that no store knows, of an account that none knows either.
    pub(crate) fn some_phone(&self) -> PhoneSession {
        let account = AccountId::generate(self.now, &OsRandom);
        PhoneSession {
            id: SessionId::generate_in(account.tag(), self.now, &OsRandom),
            account,
            token: digest_in::<PhoneToken>(account.tag()),
            device_name: Some("手机".into()),
            ip: Some("2001:db8::1".parse().unwrap()),
            created_at: self.now,
            last_seen_at: self.now,
        }
    }

    /// A phone that is logged in to an account.
    pub(crate) async fn phone_of(&self, account: &Account) -> PhoneSession {
        let phone = self.new_phone(account);
        assert!(self.add_phone(phone.clone(), 1).await.unwrap());
        phone
    }

    /// A login that is to be issued.
    pub(crate) fn new_login(&self) -> Login {
        let id = LoginId::generate(self.now, &OsRandom);
        self.new_login_of(id)
    }

    /// A login with a given id that is to be issued.
    pub(crate) fn new_login_of(&self, id: LoginId) -> Login {
        let digests = Digests {
            scan: ScanCode::generate(id.tag(), &OsRandom).digest(),
            user: Digest::from_bytes(random()),
            device: digest_in::<DeviceCode>(id.tag()),
        };
        let request = Request {
            client_id: "pc-tui".into(),
            scope: Some("profile".into()),
            device_name: Some("ThinkPad".into()),
            device_os: Some("Linux".into()),
            device_app: None,
            login_hint: None,
            check_code: false,
            key: None,
            ip: Some("192.0.2.1".parse().unwrap()),
        };
        Login::new(id, digests, request, self.now, LIFETIME)
    }

    /// A login that a PC shows.
    pub(crate) async fn issued(&self) -> Login {
        let login = self.new_login();
        assert_eq!(self.insert(login.clone(), ROOMY).await.unwrap(), Inserted::Done);
        login
    }

    /// A login that a phone has scanned.
    pub(crate) async fn scanned(&self, phone: &PhoneSession) -> Login {
        let login = self.issued().await;
        self.step(&login, scan(&login, phone)).await
    }

    /// A login that a phone has confirmed.
    pub(crate) async fn confirmed(&self, phone: &PhoneSession) -> Login {
        let login = self.scanned(phone).await;
        let confirm = login.state.scan().unwrap().confirm;
        self.step(&login, Event::Confirm { phone: phone.id, confirm, check: CheckCode::NEVER_RIGHT }).await
    }

    /// A PC that is logged in, by a phone.
    pub(crate) async fn logged_in(&self, phone: &PhoneSession) -> (Login, PcSession) {
        let (change, session) = self.redeem(&self.confirmed(phone).await, phone);
        let login = change.login.clone();
        assert_eq!(self.commit(change, self.now).await.unwrap(), Committed::Done);
        (login, session)
    }

    /// What the machine makes of an event, to be committed, with nothing else.
    pub(crate) fn change(&self, login: &Login, event: &Event) -> Change {
        let login = login.apply(event, self.now).unwrap().login;
        Change { login, until: None, phone: None, session: None, notice: None }
    }

    /// Does what an event does.
    pub(crate) async fn step(&self, login: &Login, event: Event) -> Login {
        let change = self.change(login, &event);
        let login = change.login.clone();
        assert_eq!(self.commit(change, self.now).await.unwrap(), Committed::Done);
        login
    }

    /// The change of a redeem, whole, and the session that it begins.
    pub(crate) fn redeem(&self, login: &Login, phone: &PhoneSession) -> (Change, PcSession) {
        let session = PcSession {
            key: None,
            id: SessionId::generate_in(login.id.tag(), self.now, &OsRandom),
            account: phone.account,
            granted_by: phone.id,
            login: login.id,
            client_id: login.request.client_id.clone(),
            scope: login.request.scope.clone(),
            device_name: login.request.device_name.clone(),
            ip: login.request.ip,
            created_at: self.now,
            last_seen_at: self.now,
            tokens: self.tokens(login.id.tag()),
            used: false,
        };
        let client_id = login.request.client_id.clone();
        let event = Event::Redeem { client_id, session: session.id, unused: true, check: None, key: None };
        let mut notice = self.notice(phone.account, NoticeKind::LoggedIn, login.id.to_bytes());
        notice.session = Some(session.id);
        let change = Change {
            login: login.apply(&event, self.now).unwrap().login,
            until: login.runs_out_at(),
            phone: Some(phone.id),
            session: Some(SessionWrite::Begin(Box::new(session.clone()))),
            notice: Some(notice),
        };
        (change, session)
    }

    /// The change of a redeem that is repeated, with fresh tokens.
    pub(crate) fn reissue(&self, login: &Login, session: &PcSession) -> (Change, PcTokens) {
        let tokens = self.tokens(session.id.tag());
        let client_id = login.request.client_id.clone();
        let event = Event::Redeem { client_id, session: session.id, unused: true, check: None, key: None };
        let mut change = self.change(login, &event);
        change.session = Some(SessionWrite::Reissue(session.id, tokens.clone()));
        (change, tokens)
    }

    /// Fresh tokens, for a session in the partition `tag`.
    pub(crate) fn tokens(&self, tag: Tag) -> PcTokens {
        PcTokens {
            access: digest_in::<PcToken>(tag),
            access_until: self.now + PC_TOKEN_LIFE,
            refresh: digest_in::<RefreshToken>(tag),
            refresh_until: self.now + REFRESH_LIFE,
        }
    }

    /// A notice about something.
    pub(crate) fn notice(&self, account: AccountId, kind: NoticeKind, subject: [u8; 16]) -> Notice {
        Notice {
            account,
            kind,
            subject,
            at: self.now,
            device_name: Some("ThinkPad".into()),
            ip: Some("192.0.2.1".parse().unwrap()),
            session: None,
        }
    }
}

/// The digest of a token that nobody has.
pub(crate) fn digest<K: TokenKind>() -> Digest<K> {
    digest_in(LoginId::generate(Timestamp::UNIX_EPOCH, &OsRandom).tag())
}

/// The digest of a token of something in the partition `tag`.
pub(crate) fn digest_in<K: TokenKind>(tag: Tag) -> Digest<K> {
    Token::<K>::generate(tag, &OsRandom).digest()
}

/// The event of a phone's scanning a login.
pub(crate) fn scan(login: &Login, phone: &PhoneSession) -> Event {
    let username = Username::parse("scanner").unwrap();
    let by = Scanner { account: phone.account, username, phone: phone.id };
    Event::Scan { by, confirm: digest_in::<ConfirmToken>(login.id.tag()) }
}

/// Chance.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    OsRandom.fill(&mut bytes);
    bytes
}
