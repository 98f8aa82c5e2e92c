//! `server account …` in another process, beside a running server.

use std::path::Path;
use std::time::Duration;

use server::store::sqlite::SqliteStore;
use server::store::{Committed, Ending, LoginKey, Store, Topic};
use shared::name::Username;

use super::{DATABASE, child, open};
use crate::clock;
use crate::world::{ROOMY, World, scan};

/// Tells a child process whom to disable.
const NAME: &str = "SAOMA_TEST_NAME";

#[tokio::test(flavor = "multi_thread")]
async fn what_another_process_does_is_true_at_the_next_call_and_wakes_who_waits() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let world = open(&path);
    let (account, untouched) = (world.owner().await, world.owner().await);
    let (phone, other) = (world.phone_of(&account).await, world.phone_of(&untouched).await);
    let (_, pc) = world.logged_in(&phone).await;
    let login = world.confirmed(&phone).await;
    let (redeem, _) = world.redeem(&login, &phone);
    let mut of_account = world.watch(Topic::Account(account.id));
    let mut of_login = world.watch(Topic::Login(login.id));
    assert!(world.phone(phone.token, world.now).await.unwrap().is_some());
    assert!(world.pc(pc.tokens.access, world.now).await.unwrap().is_some());

    let mut process = child("sqlite::beside::child_that_disables", &path);
    let output = process.env(NAME, account.username.as_str()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    assert_eq!(world.phone(phone.token, world.now).await.unwrap(), None);
    assert_eq!(world.pc(pc.tokens.access, world.now).await.unwrap(), None);
    assert!(!world.account(&account.username).await.unwrap().unwrap().enabled);
    assert_eq!(world.commit(redeem, world.now).await.unwrap(), Committed::PhoneGone);
    assert!(world.phone_is_valid(other.id, world.now).await.unwrap());
    // The server itself has written nothing since.
    for watch in [&mut of_account, &mut of_login] {
        tokio::time::timeout(Duration::from_secs(30), watch.changed()).await.expect("a waiter hears of it");
    }
}

/// A step that a server has only in its journal is a step: who ends an account's sessions ends what that began, too.
#[tokio::test]
async fn a_session_that_has_just_begun_is_ended_like_any_other() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let world = open(&path);
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    for _ in 0..20 {
        let beside = SqliteStore::beside(&path, clock()).unwrap();
        let (login, pc) = world.logged_in(&phone).await;
        // Both are in memory from here on.
        assert!(world.phone_is_valid(phone.id, world.now).await.unwrap());
        assert!(world.pc(pc.tokens.access, world.now).await.unwrap().is_some());
        assert!(beside.end_sessions(account.id, Ending::One(pc.id), None).await.unwrap().contains(&pc.id));
        assert_eq!(world.pc(pc.tokens.access, world.now).await.unwrap(), None);
        assert!(world.find(LoginKey::Id(login.id)).await.unwrap().is_some());
        assert!(world.phone_is_valid(phone.id, world.now).await.unwrap());
    }
    world.close().await;
    let world = open(&path);
    assert_eq!(world.sessions(account.id, world.now).await.unwrap().len(), 1);
    assert_eq!(world.notices(account.id, 0).await.unwrap().len(), 20);
}

#[tokio::test]
#[ignore = "a process for the test above to start"]
async fn child_that_disables() {
    let Some(path) = std::env::var_os(DATABASE) else { return };
    let name = Username::parse(&std::env::var(NAME).unwrap()).unwrap();
    let store = SqliteStore::beside(Path::new(&path), clock()).unwrap();
    assert!(store.set_enabled(&name, false).await.unwrap());
    store.close().await;
}

#[tokio::test]
async fn a_command_has_accounts_but_no_logins() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    // It may come before any server does.
    let beside = World::on(
        std::sync::Arc::new(SqliteStore::beside(&path, clock()).unwrap()),
        crate::world::Place::Memory,
    );
    let account = beside.owner().await;
    let world = open(&path);
    let phone = world.phone_of(&account).await;
    let login = world.issued().await;
    assert_eq!(beside.accounts().await.unwrap().len(), 1);
    assert!(beside.find(LoginKey::Id(login.id)).await.is_err());
    assert!(beside.insert(beside.new_login(), ROOMY).await.is_err());
    assert!(beside.commit(beside.change(&login, &scan(&login, &phone)), beside.now).await.is_err());
    assert!(beside.due(beside.now).await.is_err());
    assert!(beside.unfinished(phone.id).await.is_err());
    assert!(beside.change_password(&account, 1, None).await);
    beside.close().await;
    // Neither its work nor its leaving disturbs the server.
    assert!(!world.phone_is_valid(phone.id, world.now).await.unwrap());
    assert_eq!(world.account(&account.username).await.unwrap().unwrap().password_version, 2);
    world.step(&login, scan(&login, &phone)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_command_gets_through_to_a_busy_server() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let world = open(&path);
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let load: tokio::task::JoinSet<()> = (0..32)
        .map(|_| {
            let (world, phone) = (world.clone(), phone.clone());
            async move {
                loop {
                    world.scanned(&phone).await;
                }
            }
        })
        .collect();
    let beside = SqliteStore::beside(&path, clock()).unwrap();
    for _ in 0..10 {
        assert!(beside.set_enabled(&account.username, false).await.unwrap());
        assert!(beside.set_enabled(&account.username, true).await.unwrap());
    }
    drop(load);
}
