//! What a node leaves behind that dies half-way.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shared::api::NoticeKind;
use shared::code::ScanCode;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::login::{CheckCode, Digests, Event, Login, Request, Scanner};
use shared::name::Username;
use shared::random::OsRandom;
use shared::secret::{Digest, Token};

use super::notices::{Brought, Told};
use super::sessions::{AccountChange, Begun};
use super::{RedisStore, logins};
use crate::clock::Clock;
use crate::store::{
    Account, Change, Committed, Inserted, LoginKey, Notice, OpenCaps, PcSession, PcTokens, PhoneSession,
    SessionWrite, Store,
};

#[path = "../../../tests/support/redis.rs"]
mod support;

use support::{Moving, Redis};

const ROOMY: OpenCaps = OpenCaps { per_address: 100, total: 100 };

/// Two nodes, the first of which dies.
struct Nodes {
    dying: RedisStore,
    other: RedisStore,
    now: Timestamp,
    redis: Redis,
}

impl Nodes {
    async fn start() -> Self {
        Self::on(Redis::alone().await).await
    }

    async fn on(redis: Redis) -> Self {
        let clock = Clock::system();
        let options = redis.options();
        let open = async || {
            RedisStore::open(redis.place(), &options, clock.clone(), Arc::new(OsRandom)).await.unwrap()
        };
        Self { dying: open().await, other: open().await, now: clock.now(), redis }
    }

    async fn account(&self, name: &str) -> Account {
        let account = account(name, self.now);
        assert!(self.other.add_account(account.clone()).await.unwrap());
        account
    }

    async fn phone(&self, account: &Account) -> PhoneSession {
        let id = SessionId::generate_in(account.id.tag(), self.now, &OsRandom);
        let phone = PhoneSession {
            id,
            account: account.id,
            token: Token::generate(id.tag(), &OsRandom).digest(),
            device_name: None,
            ip: None,
            created_at: self.now,
            last_seen_at: self.now,
        };
        assert!(self.other.add_phone(phone.clone(), 1).await.unwrap());
        phone
    }

    /// The change that redeems a login which a phone has confirmed.
    async fn redeem(&self, phone: &PhoneSession) -> Change {
        let login = login(self.now);
        assert_eq!(self.other.insert(login.clone(), ROOMY).await.unwrap(), Inserted::Done);
        let username = Username::parse("emma").unwrap();
        let by = Scanner { account: phone.account, username, phone: phone.id };
        let confirm = Token::generate(login.id.tag(), &OsRandom).digest();
        let session = SessionId::generate_in(login.id.tag(), self.now, &OsRandom);
        let key = Some(Thumbprint::from_bytes([7; 32]));
        let client_id = login.request.client_id.clone();
        let events = [
            Event::Scan { by, confirm },
            Event::Confirm { phone: phone.id, confirm, check: CheckCode::NEVER_RIGHT },
            Event::Redeem { client_id: client_id.clone(), session, unused: true, check: None, key },
        ];
        let [scan, confirm, redeem] = &events;
        let mut login = login;
        for event in [scan, confirm] {
            login = login.apply(event, self.now).unwrap().login;
            let change =
                Change { login: login.clone(), until: None, phone: None, session: None, notice: None };
            assert_eq!(self.other.commit(change, self.now).await.unwrap(), Committed::Done);
        }
        let pc = PcSession {
            id: session,
            account: phone.account,
            granted_by: phone.id,
            login: login.id,
            client_id,
            scope: None,
            device_name: None,
            ip: None,
            key,
            created_at: self.now,
            last_seen_at: self.now,
            tokens: PcTokens {
                access: Token::generate(session.tag(), &OsRandom).digest(),
                access_until: self.now + Duration::from_hours(1),
                refresh: Token::generate(session.tag(), &OsRandom).digest(),
                refresh_until: self.now + Duration::from_hours(2),
            },
            used: false,
        };
        let notice = Notice {
            account: phone.account,
            kind: NoticeKind::LoggedIn,
            subject: login.id.to_bytes(),
            at: self.now,
            device_name: None,
            ip: None,
            session: Some(session),
        };
        Change {
            login: login.apply(redeem, self.now).unwrap().login,
            until: login.runs_out_at(),
            phone: Some(phone.id),
            session: Some(SessionWrite::Begin(Box::new(pc))),
            notice: Some(notice),
        }
    }

    /// Housekeeping of the other node, until it has been everywhere.
    async fn sweep(&self) {
        for _ in 0..Tag::COUNT / logins::OUTBOXES_AT_ONCE {
            self.other.due(self.now).await.unwrap();
        }
    }
}

fn account(name: &str, now: Timestamp) -> Account {
    Account {
        id: AccountId::generate(now, &OsRandom),
        username: Username::parse(name).unwrap(),
        password: "hash".into(),
        password_version: 1,
        enabled: true,
        created_at: now,
    }
}

fn login(now: Timestamp) -> Login {
    let id = LoginId::generate(now, &OsRandom);
    let mut user = [0; 32];
    user[..16].copy_from_slice(&id.to_bytes());
    let digests = Digests {
        scan: ScanCode::generate(id.tag(), &OsRandom).digest(),
        user: Digest::from_bytes(user),
        device: Token::generate(id.tag(), &OsRandom).digest(),
    };
    let request = Request {
        client_id: "tests".into(),
        scope: None,
        device_name: None,
        device_os: None,
        device_app: None,
        login_hint: None,
        check_code: false,
        key: None,
        ip: Some([192, 0, 2, 1].into()),
    };
    Login::new(id, digests, request, now, Duration::from_mins(2))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_node_did_not_deliver_another_does_and_once() {
    let nodes = Nodes::start().await;
    let account = nodes.account("emma").await;
    let phone = nodes.phone(&account).await;
    let change = nodes.redeem(&phone).await;
    let known = async || nodes.other.known_pc(account.id, Thumbprint::from_bytes([7; 32])).await.unwrap();

    // All but the last part of a commit.
    let generation = nodes.dying.prepare(&change, nodes.now).await.unwrap().unwrap();
    let write = nodes.dying.write_id();
    let letter = logins::letter(&change, &write).unwrap();
    let committed = nodes.dying.commit_in_slot(&change, generation, &write, letter.as_ref(), nodes.now);
    assert_eq!(committed.await.unwrap(), Committed::Done);
    assert_eq!(nodes.other.notices(account.id, 0).await.unwrap(), []);
    assert_eq!(known().await, None);

    nodes.sweep().await;
    let notices = nodes.other.notices(account.id, 0).await.unwrap();
    assert_eq!(notices.iter().map(|notice| notice.count).collect::<Vec<_>>(), [1]);
    assert_eq!(notices[0].notice, change.notice.clone().unwrap());
    assert_eq!(known().await, Some(nodes.now));
    // It was not dead, and delivers late; then everybody looks again.
    nodes.dying.post(change.login.id.tag(), &write, letter.as_ref().unwrap()).await.unwrap();
    nodes.sweep().await;
    assert_eq!(nodes.other.notices(account.id, 0).await.unwrap(), notices);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_place_that_a_dead_node_took_is_given_to_the_next() {
    let nodes = Nodes::start().await;
    let one = OpenCaps { per_address: 1, total: 1 };
    let (first, second) = (login(nodes.now), login(nodes.now));
    assert_eq!(nodes.dying.reserve(&first, one).await.unwrap(), Inserted::Done);
    let elsewhere =
        Login { request: Request { ip: Some([192, 0, 2, 9].into()), ..second.request }, ..second };
    assert_eq!(nodes.other.insert(elsewhere.clone(), one).await.unwrap(), Inserted::Done);
    // Whereas one that is there is named.
    let third = login(nodes.now);
    assert_eq!(nodes.other.insert(third, one).await.unwrap(), Inserted::Full(Some(elsewhere.id)));
    assert!(nodes.other.find(LoginKey::Id(elsewhere.id)).await.unwrap().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_free_again_though_the_node_died_that_removed_its_account() {
    let nodes = Nodes::start().await;
    let account = nodes.account("emma").await;
    let phone = nodes.phone(&account).await;
    let removed = AccountChange { removed: true, ..AccountChange::ending("all", None) };
    let removed = nodes.dying.change_account(account.id, removed, &nodes.dying.write_id()).await;
    assert_eq!(removed.unwrap(), Some(vec![phone.id]));
    assert!(nodes.other.account(&account.username).await.unwrap().is_none());
    assert!(nodes.other.accounts().await.unwrap().is_empty());
    let again = nodes.account("emma").await;
    assert_eq!(nodes.other.account(&again.username).await.unwrap().unwrap().id, again.id);
    assert!(!nodes.other.add_account(self::account("emma", nodes.now)).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_late_is_no_news() {
    let nodes = Nodes::start().await;
    let account = nodes.account("emma").await;
    let phone = nodes.phone(&account).await;
    let change = nodes.redeem(&phone).await;
    let pc = Thumbprint::from_bytes([7; 32]);
    let known = async || nodes.other.known_pc(account.id, pc).await.unwrap();
    assert_eq!(nodes.dying.commit(change.clone(), nodes.now).await.unwrap(), Committed::Done);
    assert_eq!(known().await, Some(nodes.now));

    // A PC that was put out is not known again because somebody finds a letter which said that it had logged in.
    let letter = logins::letter(&change, &nodes.dying.write_id()).unwrap().unwrap();
    nodes.other.forget_pc(account.id, pc).await.unwrap();
    nodes.dying.deliver(account.id, &letter.brought).await.unwrap();
    assert_eq!(known().await, None);
    // Nor after a change of the password.
    let notice = change.notice.clone().unwrap();
    let changed = nodes.other.set_password(account.id, 1, "hash".into(), Some(phone.id), notice.clone());
    assert!(changed.await.unwrap().is_some());
    nodes.dying.deliver(account.id, &letter.brought).await.unwrap();
    assert_eq!(known().await, None);

    // Two empty one outbox, each of two letters, in turns.
    let counted = Notice { kind: NoticeKind::SecondScanRefused, ..notice };
    let told =
        |write: &str| Brought { notice: Some(Told::counted(&counted, write).unwrap()), ..Brought::default() };
    let (one, two) = (told(&nodes.dying.write_id()), told(&nodes.dying.write_id()));
    for brought in [&one, &two, &one, &two] {
        nodes.other.deliver(account.id, brought).await.unwrap();
    }
    let notices = nodes.other.notices(account.id, 0).await.unwrap();
    let refused = notices.iter().find(|told| told.notice.kind == NoticeKind::SecondScanRefused).unwrap();
    assert_eq!(refused.count, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_read_a_login_before_it_was_confirmed_does_not_take_its_end_off_the_list() {
    let nodes = Nodes::start().await;
    let account = nodes.account("emma").await;
    let phone = nodes.phone(&account).await;
    let redeem = nodes.redeem(&phone).await;
    let confirmed = nodes.other.find(LoginKey::Id(redeem.login.id)).await.unwrap().unwrap();
    let due_at = confirmed.due_at().unwrap();
    let issued = Login { id: confirmed.id, ..login(nodes.now) };
    nodes.other.note_due(&confirmed).await.unwrap();
    nodes.other.note_open(&confirmed).await.unwrap();
    nodes.dying.note_open(&issued).await.unwrap();
    assert_eq!(nodes.other.listed_as_due(due_at).await.unwrap(), [confirmed.id]);
    // One that looked before it was confirmed again, and speaks of the time that it knew.
    nodes.dying.note_not_due(&issued, due_at - Duration::from_secs(1)).await.unwrap();
    assert_eq!(nodes.other.listed_as_due(due_at).await.unwrap(), [confirmed.id]);
    // Whereas what has ended is off the list.
    assert_eq!(nodes.other.commit(redeem, nodes.now).await.unwrap(), Committed::Done);
    assert_eq!(nodes.other.listed_as_due(due_at).await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pc_that_never_came_about_is_taken_off_its_accounts_list() {
    let nodes = Nodes::start().await;
    let account = nodes.account("emma").await;
    let phone = nodes.phone(&account).await;
    let long_ago = nodes.now - Duration::from_hours(1);
    let (old, new) = [long_ago, nodes.now].map(|at| SessionId::generate(at, &OsRandom)).into();
    let until = nodes.now + Duration::from_hours(24);
    for id in [old, new] {
        nodes.dying.list_with(phone.id, &Begun::Pc(id, until), nodes.now).await.unwrap();
    }
    assert_eq!(nodes.other.sessions(account.id, nodes.now).await.unwrap().len(), 1);
    let mut left = redis::cmd("ZRANGE");
    left.arg(nodes.other.keys.of_account("pcs", account.id)).arg(0).arg(-1);
    let left: Vec<String> = nodes.other.link.ask(&left).await.unwrap();
    assert_eq!(left, [super::notices::member(new, phone.id)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_letter_to_an_account_between_two_slots_owners_is_kept() {
    let nodes = Nodes::on(Redis::durable_cluster().await).await;
    let account = nodes.account("emma").await;
    let phone = nodes.phone(&account).await;
    let change = nodes.redeem(&phone).await;
    let generation = nodes.dying.prepare(&change, nodes.now).await.unwrap().unwrap();
    let write = nodes.dying.write_id();
    let letter = logins::letter(&change, &write).unwrap().unwrap();
    let committed = nodes.dying.commit_in_slot(&change, generation, &write, Some(&letter), nodes.now);
    assert_eq!(committed.await.unwrap(), Committed::Done);

    let moving = Moving::begin(&nodes.redis, &format!("{{{}}}", account.id.tag().as_str()));
    assert!(nodes.other.post(change.login.id.tag(), &write, &letter).await.is_err());
    moving.end();
    nodes.sweep().await;
    let notices = nodes.other.notices(account.id, 0).await.unwrap();
    assert_eq!(notices.len(), 1, "a letter was thrown away unread");
}
