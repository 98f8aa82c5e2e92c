//! Accounts, and the resource servers beside them.

use server::store::{Account, AnySession, Committed, Ending, KeptNotice, ResourceServer, SessionWrite};
use shared::api::NoticeKind;
use shared::dpop::Thumbprint;
use shared::id::AccountId;
use shared::name::Username;
use shared::random::OsRandom;
use shared::secret::ClientSecret;
use tokio::task::JoinSet;

use crate::world::{World, digest};

/// An account has no `PartialEq`, since nobody should compare password hashes.
fn parts(account: &Account) -> (AccountId, &str, &str, u64, bool, i64) {
    let Account { id, username, password, password_version, enabled, created_at } = account;
    (*id, username.as_str(), password, *password_version, *enabled, created_at.as_millisecond())
}

pub(crate) async fn an_account_is_found_by_its_name_which_is_its_own(world: World) {
    let account = world.owner().await;
    let found = world.account(&account.username).await.unwrap().unwrap();
    assert_eq!(parts(&found), parts(&account));
    let impostor = Account { id: AccountId::generate(world.now, &OsRandom), ..account.clone() };
    assert!(!world.add_account(impostor).await.unwrap());
    assert_eq!(parts(&world.account(&account.username).await.unwrap().unwrap()), parts(&account));
    let nobody = Username::parse("nobody").unwrap();
    assert!(world.account(&nobody).await.unwrap().is_none());
    assert!(!world.set_enabled(&nobody, true).await.unwrap());
    assert!(!world.remove_account(&nobody).await.unwrap());
}

pub(crate) async fn of_racing_callers_one_gets_the_name(world: World) {
    let account = Account { enabled: true, ..world.owner().await };
    assert!(world.remove_account(&account.username).await.unwrap());
    let race: JoinSet<bool> = (0..64)
        .map(|_| {
            let account = Account { id: AccountId::generate(world.now, &OsRandom), ..account.clone() };
            let world = world.clone();
            async move { world.add_account(account).await.unwrap() }
        })
        .collect();
    assert_eq!(race.join_all().await.into_iter().filter(|added| *added).count(), 1);
}

pub(crate) async fn accounts_are_listed_by_name_as_they_are(world: World) {
    let (first, second, third) = (world.owner().await, world.owner().await, world.owner().await);
    assert!(world.set_enabled(&second.username, false).await.unwrap());
    assert!(world.remove_account(&third.username).await.unwrap());
    let second = Account { enabled: false, ..second };
    let mut expected = [&first, &second];
    expected.sort_by(|a, b| a.username.cmp(&b.username));
    let listed = world.accounts().await.unwrap();
    assert_eq!(listed.iter().map(parts).collect::<Vec<_>>(), expected.map(parts));
}

pub(crate) async fn a_removed_account_takes_everything_along_and_leaves_its_name(world: World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    world.logged_in(&phone).await;
    assert_eq!(world.notices(account.id, 0).await.unwrap().len(), 1);
    assert!(world.remove_account(&account.username).await.unwrap());
    assert_eq!(world.sessions(account.id, world.now).await.unwrap(), []);
    assert_eq!(world.notices(account.id, 0).await.unwrap(), []);
    let again = Account { id: AccountId::generate(world.now, &OsRandom), ..account };
    assert!(world.add_account(again.clone()).await.unwrap());
    assert_eq!(world.sessions(again.id, world.now).await.unwrap(), []);
}

pub(crate) async fn a_password_is_replaced_only_by_who_knows_its_version(world: World) {
    let account = world.owner().await;
    let keep = world.phone_of(&account).await;
    let race: JoinSet<bool> = (0..64)
        .map(|_| {
            let (world, account, keep) = (world.clone(), account.clone(), keep.id);
            async move { world.change_password(&account, 1, Some(keep)).await }
        })
        .collect();
    assert_eq!(race.join_all().await.into_iter().filter(|changed| *changed).count(), 1);
    let changed = world.account(&account.username).await.unwrap().unwrap();
    assert_eq!((changed.password.as_str(), changed.password_version), ("hash 2", 2));
    // One change, one notice; the refused ones wrote nothing.
    let notices = world.notices(account.id, 0).await.unwrap();
    let [KeptNotice { count: 1, notice, .. }] = notices.as_slice() else { panic!("{notices:?}") };
    assert_eq!(notice.kind, NoticeKind::PasswordChanged);
    for version in [0, 1, 3] {
        assert!(!world.change_password(&account, version, None).await, "{version}");
    }
    assert!(world.phone_is_valid(keep.id, world.now).await.unwrap());
    // A log-in that checked the old password comes too late.
    assert!(!world.add_phone(world.new_phone(&account), 1).await.unwrap());
    assert!(world.add_phone(world.new_phone(&account), 2).await.unwrap());
}

pub(crate) async fn a_new_password_ends_every_session_but_the_kept_one_itself(world: World) {
    let account = world.owner().await;
    let (keep, other) = (world.phone_of(&account).await, world.phone_of(&account).await);
    let (_, of_keep) = world.logged_in(&keep).await;
    let (_, of_other) = world.logged_in(&other).await;
    let stranger = world.phone_of(&world.owner().await).await;
    assert!(world.change_password(&account, 1, Some(keep.id)).await);
    assert_eq!(world.sessions(account.id, world.now).await.unwrap(), [AnySession::Phone(keep)]);
    for pc in [of_keep, of_other] {
        assert_eq!(world.pc(pc.tokens.access, world.now).await.unwrap(), None);
    }
    assert!(world.phone_is_valid(stranger.id, world.now).await.unwrap());
}

pub(crate) async fn a_disabled_account_begins_no_session(world: World) {
    let account = world.owner().await;
    assert!(world.set_enabled(&account.username, false).await.unwrap());
    assert!(!world.add_phone(world.new_phone(&account), 1).await.unwrap());
    assert!(world.set_enabled(&account.username, true).await.unwrap());
    assert!(world.add_phone(world.new_phone(&account), 1).await.unwrap());
    assert!(!world.add_phone(world.some_phone(), 1).await.unwrap(), "of an account that is not there");
}

pub(crate) async fn resource_servers_come_and_go_by_name(world: World) {
    let server = |name: &str| ResourceServer {
        name: name.into(),
        secret: digest::<ClientSecret>(),
        created_at: world.now,
    };
    let (beta, alpha) = (server("beta"), server("alpha"));
    assert!(world.add_client(beta.clone()).await.unwrap());
    assert!(world.add_client(alpha.clone()).await.unwrap());
    assert!(!world.add_client(server("alpha")).await.unwrap());
    assert_eq!(world.client("alpha").await.unwrap(), Some(alpha.clone()));
    assert_eq!(world.client("Alpha").await.unwrap(), None);
    assert_eq!(world.clients().await.unwrap(), [alpha, beta.clone()]);
    assert!(world.remove_client("alpha").await.unwrap());
    assert!(!world.remove_client("alpha").await.unwrap());
    assert_eq!(world.clients().await.unwrap(), [beta]);
}

pub(crate) async fn a_pc_is_known_from_its_log_in_until_it_is_forgotten(world: World) {
    let key = |number| Thumbprint::from_bytes([number; 32]);
    let (account, other) = (world.owner().await, world.owner().await);
    let phone = world.phone_of(&account).await;
    for number in [1, 2] {
        let (mut change, mut pc) = world.redeem(&world.confirmed(&phone).await, &phone);
        pc.key = Some(key(number));
        change.session = Some(SessionWrite::Begin(Box::new(pc.clone())));
        assert_eq!(world.known_pc(account.id, key(number)).await.unwrap(), None);
        assert_eq!(world.commit(change, world.now).await.unwrap(), Committed::Done);
        assert_eq!(world.known_pc(account.id, key(number)).await.unwrap(), Some(world.now));
        assert_eq!(world.known_pc(other.id, key(number)).await.unwrap(), None);
        let later = world.now + std::time::Duration::from_mins(9);
        world.seen(pc.id, later).await.unwrap();
        assert!(world.known_pc(account.id, key(number)).await.unwrap() > Some(world.now));
        world.end_sessions(account.id, Ending::One(pc.id), None).await.unwrap();
        assert!(world.known_pc(account.id, key(number)).await.unwrap().is_some(), "it has only logged out");
    }
    world.forget_pc(account.id, key(1)).await.unwrap();
    assert_eq!(world.known_pc(account.id, key(1)).await.unwrap(), None);
    assert!(world.known_pc(account.id, key(2)).await.unwrap().is_some());
    assert!(world.change_password(&account, 1, Some(phone.id)).await);
    assert_eq!(world.known_pc(account.id, key(2)).await.unwrap(), None);
}
