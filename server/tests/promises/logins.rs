//! Logins: found by their keys, changed by one caller at a time, all or nothing.

use std::time::Duration;

use server::store::{
    Change, Committed, Ending, Inserted, KeptNotice, LoginKey, PcSession, Refresh, SessionWrite,
};
use shared::api::NoticeKind;
use shared::id::{AccountId, LoginId, SessionId};
use shared::login::{Event, Login, REDEEM_WITHIN, Status};
use shared::random::OsRandom;
use shared::secret::{ConfirmToken, DeviceCode, Digest};
use tokio::task::JoinSet;

use crate::ways::WAYS;
use crate::world::{ROOMY, World, digest, random, scan};

pub(crate) async fn a_login_is_found_by_each_of_its_keys_and_by_no_other(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let first = world.scanned(&phone).await;
    let login = world.step(&first, scan(&first, &phone)).await;
    let replaced = first.state.scan().unwrap().confirm;
    let current = login.state.scan().unwrap().confirm;
    assert_ne!(replaced, current);
    for key in [
        LoginKey::Id(login.id),
        LoginKey::Scan(login.digests.scan),
        LoginKey::User(login.digests.user),
        LoginKey::Device(login.digests.device),
        LoginKey::Confirm(replaced),
        LoginKey::Confirm(current),
    ] {
        assert_eq!(
            world.find(key).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
            Some(login.clone()),
            "{key:?}"
        );
    }
    let scan = *login.digests.scan.as_bytes();
    for key in [
        LoginKey::Id(world.new_login().id),
        LoginKey::Device(digest::<DeviceCode>()),
        LoginKey::Confirm(digest::<ConfirmToken>()),
        // One key space per kind: the right bytes as another kind find nothing.
        LoginKey::Device(Digest::from_bytes(scan)),
        LoginKey::User(Digest::from_bytes(scan)),
        LoginKey::Confirm(Digest::from_bytes(scan)),
    ] {
        assert_eq!(world.find(key).await.unwrap().map(std::sync::Arc::unwrap_or_clone), None, "{key:?}");
    }
}

pub(crate) async fn an_ended_login_is_still_found(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (logged_in, _) = world.logged_in(&phone).await;
    let cancelled = world.step(&world.scanned(&phone).await, Event::Cancel).await;
    for login in [logged_in, cancelled] {
        let confirm = login.state.scan().unwrap().confirm;
        assert_eq!(
            world
                .find(LoginKey::Device(login.digests.device))
                .await
                .unwrap()
                .map(std::sync::Arc::unwrap_or_clone),
            Some(login.clone())
        );
        assert_eq!(
            world.find(LoginKey::Confirm(confirm)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
            Some(login)
        );
    }
}

pub(crate) async fn of_any_number_of_racing_commits_exactly_one_is_done(world: World) {
    for _ in 0..20 {
        let login = world.issued().await;
        let race: JoinSet<(Committed, Login)> = (0..64)
            .map(|_| {
                let change = world.change(&login, &scan(&login, &world.some_phone()));
                let (world, login) = (world.clone(), change.login.clone());
                async move { (world.commit(change, world.now).await.unwrap(), login) }
            })
            .collect();
        let results = race.join_all().await;
        let won = |(committed, _): &&(Committed, Login)| *committed == Committed::Done;
        let done: Vec<_> = results.iter().filter(won).collect();
        let stale = results.iter().filter(|(committed, _)| *committed == Committed::Stale).count();
        assert_eq!((done.len(), stale), (1, 63));
        assert_eq!(
            world.find(LoginKey::Id(login.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone).as_ref(),
            Some(&done[0].1)
        );
    }
}

/// What must be as before when a change was refused.
#[derive(Debug, PartialEq)]
struct Everything {
    login: Option<Login>,
    session: Option<PcSession>,
    notices: Vec<KeptNotice>,
}

impl Everything {
    async fn about(world: &World, login: &Login, account: AccountId, session: SessionId) -> Self {
        Self {
            login: world.find(LoginKey::Id(login.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
            session: world.pc_by_id(session, world.now).await.unwrap().map(|pc| pc.session),
            notices: world.notices(account, 0).await.unwrap(),
        }
    }
}

pub(crate) async fn a_change_of_another_revision_is_stale_and_writes_nothing(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let login = world.confirmed(&phone).await;
    let (change, session) = world.redeem(&login, &phone);
    let before = Everything::about(&world, &login, account.id, session.id).await;
    let of_revision = |revision| Change { login: Login { revision, ..login.clone() }, ..change.clone() };
    for revision in [0, 1, login.revision, login.revision + 2, u64::MAX] {
        assert_eq!(world.commit(of_revision(revision), world.now).await.unwrap(), Committed::Stale);
        assert_eq!(Everything::about(&world, &login, account.id, session.id).await, before, "{revision}");
    }
    let unknown = LoginId::generate_in(login.id.tag(), world.now, &OsRandom);
    let unknown = Login { id: unknown, ..change.login.clone() };
    let unknown = Change { login: unknown, ..change.clone() };
    assert_eq!(world.commit(unknown, world.now).await.unwrap(), Committed::Stale);
    assert_eq!(Everything::about(&world, &login, account.id, session.id).await, before);

    assert_eq!(world.commit(change.clone(), world.now).await.unwrap(), Committed::Done);
    let after = Everything::about(&world, &login, account.id, session.id).await;
    assert_eq!(after.login, Some(change.login.clone()));
    assert_eq!(after.session, Some(session.clone()));
    assert_eq!(after.notices.len(), before.notices.len() + 1);
    assert_eq!(world.commit(change, world.now).await.unwrap(), Committed::Stale);
    assert_eq!(Everything::about(&world, &login, account.id, session.id).await, after);
}

pub(crate) async fn a_change_whose_session_part_fails_leaves_the_login_untouched(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;

    // The phone that grants is not this account's.
    let login = world.confirmed(&phone).await;
    let (mut change, session) = world.redeem(&login, &phone);
    let stranger = world.phone_of(&world.owner().await).await;
    let granted = PcSession { granted_by: stranger.id, ..session.clone() };
    change.session = Some(SessionWrite::Begin(Box::new(granted)));
    change.phone = None;
    let before = Everything::about(&world, &login, account.id, session.id).await;
    assert_eq!(world.commit(change, world.now).await.unwrap(), Committed::PhoneGone);
    assert_eq!(Everything::about(&world, &login, account.id, session.id).await, before);
    world.step(&login, Event::PhoneEnded).await;

    // The session is there already.
    let login = world.confirmed(&phone).await;
    let (_, taken) = world.logged_in(&phone).await;
    let (mut change, _) = world.redeem(&login, &phone);
    change.session = Some(SessionWrite::Begin(Box::new(PcSession { id: taken.id, ..session })));
    let before = Everything::about(&world, &login, account.id, taken.id).await;
    assert!(!matches!(world.commit(change, world.now).await, Ok(Committed::Done)));
    assert_eq!(Everything::about(&world, &login, account.id, taken.id).await, before);
    world.step(&login, Event::PhoneEnded).await;

    // Its tokens were used, or it has ended: nothing to give fresh ones to.
    let (login, session) = world.logged_in(&phone).await;
    world.seen(session.id, world.now).await.unwrap();
    let before = Everything::about(&world, &login, account.id, session.id).await;
    let (mut change, _) = world.reissue(&login, &session);
    change.notice = Some(world.notice(account.id, NoticeKind::TokenReplayed, random()));
    assert_eq!(world.commit(change.clone(), world.now).await.unwrap(), Committed::Stale);
    assert_eq!(Everything::about(&world, &login, account.id, session.id).await, before);
    world.end_sessions(account.id, Ending::One(session.id), None).await.unwrap();
    assert_eq!(world.commit(change, world.now).await.unwrap(), Committed::Stale);
    let after = Everything::about(&world, &login, account.id, session.id).await;
    assert_eq!(after, Everything { session: None, ..before });
}

pub(crate) async fn a_change_that_needs_a_phone_is_refused_once_it_is_gone(world: World) {
    for way in WAYS {
        let account = world.owner().await;
        let phone = world.phone_of(&account).await;
        let login = world.confirmed(&phone).await;
        let (change, session) = world.redeem(&login, &phone);
        let denied = world.change(&login, &Event::PhoneEnded);
        let world = way.end(&world, &account, &phone).await;
        let before = Everything::about(&world, &login, account.id, session.id).await;
        let committed = world.commit(change.clone(), world.now).await.unwrap();
        assert_eq!(committed, Committed::PhoneGone, "{way:?}");
        assert_eq!(Everything::about(&world, &login, account.id, session.id).await, before, "{way:?}");
        // What needs no phone still goes.
        assert_eq!(world.commit(denied, world.now).await.unwrap(), Committed::Done, "{way:?}");
    }
    let phone = world.some_phone();
    let login = world.issued().await;
    let unknown = world.change(&login, &scan(&login, &phone));
    let unknown = Change { phone: Some(phone.id), ..unknown };
    assert_eq!(world.commit(unknown, world.now).await.unwrap(), Committed::PhoneGone);
}

pub(crate) async fn a_redeem_that_races_with_the_phones_end_leaves_no_session_behind(world: World) {
    for _ in 0..50 {
        let account = world.owner().await;
        let phone = world.phone_of(&account).await;
        let login = world.confirmed(&phone).await;
        let (change, session) = world.redeem(&login, &phone);
        let (committed, ended) = tokio::join!(
            tokio::spawn({
                let world = world.clone();
                async move { world.commit(change, world.now).await.unwrap() }
            }),
            tokio::spawn({
                let world = world.clone();
                async move { world.end_sessions(phone.account, Ending::One(phone.id), None).await.unwrap() }
            })
        );
        let (committed, ended) = (committed.unwrap(), ended.unwrap());
        // Whoever was first, the other knows of it.
        assert_eq!(committed == Committed::Done, ended.contains(&session.id));
        assert!(matches!(committed, Committed::Done | Committed::PhoneGone));
        assert_eq!(world.pc_by_id(session.id, world.now).await.unwrap(), None);
        let status = world
            .find(LoginKey::Id(login.id))
            .await
            .unwrap()
            .map(std::sync::Arc::unwrap_or_clone)
            .unwrap()
            .state
            .status();
        assert_eq!(status == Status::LoggedIn, committed == Committed::Done);
        let told = world.notices(account.id, 0).await.unwrap().len();
        assert_eq!(told == 1, committed == Committed::Done);
    }
}

pub(crate) async fn a_notice_for_an_account_that_is_gone_stops_no_login(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let login = world.confirmed(&phone).await;
    assert!(world.remove_account(&account.username).await.unwrap());
    let world = world.later(REDEEM_WITHIN);
    let notice = world.notice(account.id, NoticeKind::LoginNotFinished, login.id.to_bytes());
    let change = Change { notice: Some(notice), ..world.change(&login, &Event::Tick) };
    assert_eq!(world.commit(change, world.now).await.unwrap(), Committed::Done);
    assert_eq!(world.notices(account.id, 0).await.unwrap(), []);
}

pub(crate) async fn a_code_is_one_logins_only(world: World) {
    let first = world.issued().await;
    let tag = first.id.tag();
    let with = |change: &dyn Fn(&mut Login)| {
        // A code names its partition, so two logins that share one share that too.
        let mut login = world.new_login_of(LoginId::generate_in(tag, world.now, &OsRandom));
        change(&mut login);
        login
    };
    for login in [
        with(&|login| login.digests.scan = first.digests.scan),
        with(&|login| login.digests.user = first.digests.user),
        with(&|login| login.digests.device = first.digests.device),
    ] {
        assert_eq!(world.insert(login.clone(), ROOMY).await.unwrap(), Inserted::Taken);
        assert_eq!(
            world.find(LoginKey::Id(login.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
            None
        );
    }
    assert_eq!(
        world.find(LoginKey::User(first.digests.user)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
        Some(first)
    );

    let user = Digest::from_bytes(random());
    let race: JoinSet<Inserted> = (0..64)
        .map(|_| {
            let (world, login) = (world.clone(), with(&|login| login.digests.user = user));
            async move { world.insert(login, ROOMY).await.unwrap() }
        })
        .collect();
    let results = race.join_all().await;
    assert_eq!(results.iter().filter(|inserted| **inserted == Inserted::Done).count(), 1);
    assert_eq!(results.iter().filter(|inserted| **inserted == Inserted::Taken).count(), 63);
}

pub(crate) async fn a_confirmed_login_is_due_when_its_time_runs_out_until_that_is_written(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let _unscanned = world.issued().await;
    let _scanned = world.scanned(&phone).await;
    let _done = world.logged_in(&phone).await;
    let login = world.confirmed(&phone).await;
    let due = world.later(REDEEM_WITHIN);
    let early = due.now - Duration::from_millis(1);
    assert_eq!(world.due(early).await.unwrap(), []);
    assert_eq!(world.due(due.now).await.unwrap(), [login.id]);
    // However late: its owner is still to be told.
    let late = due.later(Duration::from_hours(24));
    late.purge(late.now).await.unwrap();
    assert_eq!(late.due(late.now).await.unwrap(), [login.id]);
    late.step(&login, Event::Tick).await;
    assert_eq!(late.due(late.now).await.unwrap(), []);
}

pub(crate) async fn a_phones_unfinished_logins_are_those_it_scanned_and_that_have_not_ended(world: World) {
    let account = world.owner().await;
    let (phone, other) = (world.phone_of(&account).await, world.phone_of(&account).await);
    let scanned = world.scanned(&phone).await;
    let confirmed = world.confirmed(&phone).await;
    let _ended = world.logged_in(&phone).await;
    let _cancelled = world.step(&world.scanned(&phone).await, Event::Cancel).await;
    let others = world.scanned(&other).await;
    let mut unfinished = world.unfinished(phone.id).await.unwrap();
    unfinished.sort();
    let mut expected = [scanned.id, confirmed.id];
    expected.sort();
    assert_eq!(unfinished, expected);
    assert_eq!(world.unfinished(other.id).await.unwrap(), [others.id]);
    world.step(&scanned, Event::PhoneEnded).await;
    world.step(&confirmed, Event::PhoneEnded).await;
    assert_eq!(world.unfinished(phone.id).await.unwrap(), []);
}

pub(crate) async fn a_repeated_redeem_replaces_tokens_that_nobody_used(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (mut login, session) = world.logged_in(&phone).await;
    let mut dead = Vec::new();
    let mut tokens = session.tokens.clone();
    for _ in 0..3 {
        let (change, fresh) = world.reissue(&login, &session);
        login = change.login.clone();
        assert_eq!(world.commit(change, world.now).await.unwrap(), Committed::Done);
        dead.push(std::mem::replace(&mut tokens, fresh));
    }
    for dead in dead {
        assert_eq!(world.pc(dead.access, world.now).await.unwrap(), None);
        assert!(matches!(world.refresh_token(dead.refresh, world.now).await.unwrap(), Refresh::Unknown));
    }
    let valid = world.pc(tokens.access, world.now).await.unwrap().unwrap();
    assert_eq!(valid.session, PcSession { tokens, ..session.clone() });

    // After a rotation they count as used, though the access token never was.
    let spent = valid.session.tokens.refresh;
    assert!(world.rotate(session.id, spent, world.tokens(session.id.tag()), world.now).await.unwrap());
    let (change, _) = world.reissue(&login, &session);
    assert_eq!(world.commit(change, world.now).await.unwrap(), Committed::Stale);
}
