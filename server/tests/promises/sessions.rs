//! Sessions: found only while all that they hang on is good.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use server::store::{
    AnySession, Committed, Ending, PC_TOKEN_LIFE, PHONE_IDLE, PcSession, PhoneSession, REFRESH_LIFE, Refresh,
};
use shared::api::NoticeKind;
use shared::secret::{PcToken, PhoneToken, RefreshToken};
use tokio::task::JoinSet;

use crate::ways::WAYS;
use crate::world::{World, digest, random};

const MINUTE: Duration = Duration::from_mins(1);

impl World {
    /// Whether a phone is found in every way, or in none.
    async fn phone_stands(&self, phone: &PhoneSession) -> bool {
        let found = self.phone(phone.token, self.now).await.unwrap();
        assert!(found.as_ref().is_none_or(|found| found.session.id == phone.id));
        let listed = self.listed(phone.account).await.contains(&phone.id);
        let valid = self.phone_is_valid(phone.id, self.now).await.unwrap();
        assert_eq!([listed, valid], [found.is_some(); 2]);
        valid
    }

    /// Whether a PC, within the time of its access token, is found in every way, or in none.
    async fn pc_stands(&self, pc: &PcSession) -> bool {
        let by_token = self.pc(pc.tokens.access, self.now).await.unwrap();
        let by_id = self.pc_by_id(pc.id, self.now).await.unwrap();
        assert_eq!(by_token, by_id);
        let refresh = self.refresh_token(pc.tokens.refresh, self.now).await.unwrap();
        let listed = self.listed(pc.account).await.contains(&pc.id);
        assert_eq!([listed, matches!(refresh, Refresh::Current(_))], [by_id.is_some(); 2]);
        by_id.is_some()
    }

    async fn listed(&self, account: shared::id::AccountId) -> Vec<shared::id::SessionId> {
        let ids = |session: &AnySession| match session {
            AnySession::Phone(phone) => phone.id,
            AnySession::Pc(pc) => pc.id,
        };
        self.sessions(account, self.now).await.unwrap().iter().map(ids).collect()
    }
}

pub(crate) async fn a_session_is_found_whole_by_its_tokens_and_no_others(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    let found = world.phone(phone.token, world.now).await.unwrap().unwrap();
    assert_eq!((&found.session, &found.username), (&phone, &account.username));
    let found = world.pc(pc.tokens.access, world.now).await.unwrap().unwrap();
    assert_eq!((&found.session, &found.username), (&pc, &account.username));
    let Refresh::Current(found) = world.refresh_token(pc.tokens.refresh, world.now).await.unwrap() else {
        panic!("the refresh token is current");
    };
    assert_eq!(found.session, pc);
    assert_eq!(world.phone(digest::<PhoneToken>(), world.now).await.unwrap(), None);
    assert_eq!(world.pc(digest::<PcToken>(), world.now).await.unwrap(), None);
    let unknown = world.refresh_token(digest::<RefreshToken>(), world.now).await.unwrap();
    assert!(matches!(unknown, Refresh::Unknown));
    assert!(!world.phone_is_valid(pc.id, world.now).await.unwrap(), "a PC is no phone");
    assert_eq!(world.pc_by_id(phone.id, world.now).await.unwrap(), None, "a phone is no PC");
}

pub(crate) async fn sessions_are_listed_newest_first(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, early) = world.later(MINUTE).logged_in(&phone).await;
    let second = world.later(MINUTE * 2).phone_of(&account).await;
    let (_, late) = world.later(MINUTE * 3).logged_in(&second).await;
    world.phone_of(&world.owner().await).await;
    let expected =
        [AnySession::Pc(late), AnySession::Phone(second), AnySession::Pc(early), AnySession::Phone(phone)];
    assert_eq!(world.sessions(account.id, world.now + MINUTE * 3).await.unwrap(), expected);
}

pub(crate) async fn however_a_phone_ends_nothing_that_it_granted_is_found(world: World) {
    for way in WAYS {
        let account = world.owner().await;
        let phone = world.phone_of(&account).await;
        let (_, pc) = world.logged_in(&phone).await;
        let (_, spent) = world.logged_in(&phone).await;
        assert!(
            world
                .rotate(spent.id, spent.tokens.refresh, world.tokens(spent.id.tag()), world.now)
                .await
                .unwrap()
        );
        assert!(world.phone_stands(&phone).await && world.pc_stands(&pc).await);
        let world = way.end(&world, &account, &phone).await;
        assert!(!world.phone_stands(&phone).await, "{way:?}");
        assert!(!world.pc_stands(&pc).await, "{way:?}");
        let spent = world.refresh_token(spent.tokens.refresh, world.now).await.unwrap();
        assert!(matches!(spent, Refresh::Unknown), "{way:?}");
        assert!(
            !world.rotate(pc.id, pc.tokens.refresh, world.tokens(pc.id.tag()), world.now).await.unwrap(),
            "{way:?}"
        );
    }
}

pub(crate) async fn ending_one_ends_what_it_granted_and_says_so(world: World) {
    let account = world.owner().await;
    let (phone, other) = (world.phone_of(&account).await, world.phone_of(&account).await);
    let (_, first) = world.logged_in(&phone).await;
    let (_, second) = world.logged_in(&phone).await;
    let (_, of_other) = world.logged_in(&other).await;

    let stranger = world.owner().await;
    assert_eq!(world.end_sessions(stranger.id, Ending::One(phone.id), None).await.unwrap(), []);
    assert!(world.phone_stands(&phone).await, "somebody else's call ends nothing");

    let notice = world.notice(account.id, NoticeKind::TokenReplayed, random());
    let ended = world.end_sessions(account.id, Ending::One(first.id), Some(notice.clone())).await.unwrap();
    assert_eq!(ended, [first.id]);
    assert_eq!(world.notices(account.id, 0).await.unwrap().last().unwrap().notice, notice);
    assert!(!world.pc_stands(&first).await && world.pc_stands(&second).await);
    assert_eq!(world.end_sessions(account.id, Ending::One(first.id), None).await.unwrap(), []);

    let mut ended = world.end_sessions(account.id, Ending::One(phone.id), None).await.unwrap();
    ended.sort();
    let mut expected = [phone.id, second.id];
    expected.sort();
    assert_eq!(ended, expected);
    assert!(world.phone_stands(&other).await && world.pc_stands(&of_other).await);
}

pub(crate) async fn ending_the_others_leaves_one_phone(world: World) {
    let account = world.owner().await;
    let (keep, other) = (world.phone_of(&account).await, world.phone_of(&account).await);
    let (_, of_keep) = world.logged_in(&keep).await;
    let (_, of_other) = world.logged_in(&other).await;
    let mut ended = world.end_sessions(account.id, Ending::Others(keep.id), None).await.unwrap();
    ended.sort();
    let mut expected = [other.id, of_keep.id, of_other.id];
    expected.sort();
    assert_eq!(ended, expected);
    assert_eq!(world.sessions(account.id, world.now).await.unwrap(), [AnySession::Phone(keep)]);
}

pub(crate) async fn a_phone_lives_while_it_is_used(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let almost = world.just_before(PHONE_IDLE);
    assert!(almost.phone_stands(&phone).await);
    assert!(!world.later(PHONE_IDLE).phone_stands(&phone).await);
    almost.seen(phone.id, almost.now).await.unwrap();
    let later = world.later(PHONE_IDLE);
    assert!(later.phone_stands(&phone).await, "seen at once");
    let found = later.phone(phone.token, later.now).await.unwrap().unwrap();
    assert!(almost.now - MINUTE < found.session.last_seen_at && found.session.last_seen_at <= almost.now);
    // To be sure, housekeeping must not think otherwise.
    later.ping().await.unwrap();
    later.purge(later.now + MINUTE).await.unwrap();
    assert!(later.phone_stands(&phone).await);
}

pub(crate) async fn a_pc_lives_by_its_tokens(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    assert!(world.just_before(PC_TOKEN_LIFE).pc_stands(&pc).await);
    let world = world.later(PC_TOKEN_LIFE);
    assert_eq!(world.pc(pc.tokens.access, world.now).await.unwrap(), None);
    assert!(world.pc_by_id(pc.id, world.now).await.unwrap().is_some(), "it can still be refreshed");
    assert!(world.rotate(pc.id, pc.tokens.refresh, world.tokens(pc.id.tag()), world.now).await.unwrap());
    let refreshed = world.pc_by_id(pc.id, world.now).await.unwrap().unwrap().session;
    assert!(world.pc_stands(&refreshed).await && refreshed.used);

    let last = world.just_before(REFRESH_LIFE);
    assert!(last.pc_by_id(pc.id, last.now).await.unwrap().is_some());
    let over = world.later(REFRESH_LIFE);
    assert!(!over.pc_stands(&refreshed).await);
    assert!(!over.rotate(pc.id, refreshed.tokens.refresh, over.tokens(pc.id.tag()), over.now).await.unwrap());
}

pub(crate) async fn a_refresh_token_works_once_and_is_remembered_as_spent(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    let tag = pc.id.tag();
    let (second, third) = (world.tokens(tag), world.later(MINUTE).tokens(tag));
    assert!(!world.rotate(pc.id, second.refresh, second.clone(), world.now).await.unwrap());
    assert!(world.rotate(pc.id, pc.tokens.refresh, second.clone(), world.now).await.unwrap());
    assert!(world.rotate(pc.id, second.refresh, third.clone(), world.now).await.unwrap());
    assert_eq!(world.pc(pc.tokens.access, world.now).await.unwrap(), None);
    assert_eq!(world.pc(second.access, world.now).await.unwrap(), None);
    let now = PcSession { tokens: third.clone(), used: true, ..pc.clone() };
    assert_eq!(world.pc(third.access, world.now).await.unwrap().unwrap().session, now);
    let almost = world.just_before(REFRESH_LIFE);
    for world in [&world, &almost] {
        world.purge(world.now).await.unwrap();
        for spent in [pc.tokens.refresh, second.refresh] {
            assert!(!world.rotate(pc.id, spent, world.tokens(pc.id.tag()), world.now).await.unwrap());
            match world.refresh_token(spent, world.now).await.unwrap() {
                Refresh::Spent(session) => assert_eq!(session.id, pc.id),
                other => panic!("{other:?}"),
            }
        }
    }
    // It would have ended by itself by now.
    let over = world.later(REFRESH_LIFE);
    let spent = over.refresh_token(pc.tokens.refresh, over.now).await.unwrap();
    assert!(matches!(spent, Refresh::Unknown));
}

pub(crate) async fn of_racing_rotations_exactly_one_succeeds(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    for _ in 0..10 {
        let (_, pc) = world.logged_in(&phone).await;
        let race: JoinSet<_> = (0..64)
            .map(|_| {
                let (world, spent, session, tokens) =
                    (world.clone(), pc.tokens.refresh, pc.id, world.tokens(pc.id.tag()));
                let access = tokens.access;
                async move { (world.rotate(session, spent, tokens, world.now).await.unwrap(), access) }
            })
            .collect();
        let mut rotated = 0;
        for (won, access) in race.join_all().await {
            rotated += usize::from(won);
            assert_eq!(world.pc(access, world.now).await.unwrap().is_some(), won);
        }
        assert_eq!(rotated, 1);
    }
}

pub(crate) async fn a_use_is_seen_at_once(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    assert!(!world.pc_by_id(pc.id, world.now).await.unwrap().unwrap().session.used);
    let later = world.later(MINUTE * 30);
    later.seen(pc.id, later.now).await.unwrap();
    let found = later.pc(pc.tokens.access, later.now).await.unwrap().unwrap().session;
    assert!(found.used);
    assert!(later.now - MINUTE < found.last_seen_at && found.last_seen_at <= later.now);
    // Another session is another session, and one that is not there does no harm.
    assert_eq!(later.phone(phone.token, later.now).await.unwrap().unwrap().session, phone);
    later.seen(world.some_phone().id, later.now).await.unwrap();
    later.ping().await.unwrap();
}

pub(crate) async fn tokens_that_were_used_are_never_replaced(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    for round in 0..100 {
        let (login, pc) = world.logged_in(&phone).await;
        let (change, fresh) = world.reissue(&login, &pc);
        let marked = Arc::new(AtomicBool::new(false));
        let reissue = tokio::spawn({
            let (world, marked) = (world.clone(), marked.clone());
            async move {
                // Some rounds begin after the use, the others race with it.
                while round % 4 == 0 && !marked.load(Ordering::SeqCst) {
                    tokio::task::yield_now().await;
                }
                let late = marked.load(Ordering::SeqCst);
                (late, world.commit(change, world.now).await.unwrap())
            }
        });
        world.seen(pc.id, world.now).await.unwrap();
        marked.store(true, Ordering::SeqCst);
        let seen = world.pc_by_id(pc.id, world.now).await.unwrap().unwrap().session;
        assert!(seen.used);
        let (late, committed) = reissue.await.unwrap();
        if late || seen.tokens == pc.tokens {
            assert_eq!(committed, Committed::Stale, "used tokens were replaced");
        }
        let valid = if committed == Committed::Done { fresh } else { pc.tokens };
        let after = world.pc_by_id(pc.id, world.now).await.unwrap().unwrap().session;
        assert_eq!((after.used, after.tokens), (true, valid));
    }
}
