//! Killed at any moment: what was acknowledged is there, and nothing is half done.
//!
//! ```text
//! parent                         child
//! starts it -------------------> opens the database, commits as fast as it can
//! reads <---- "acked …" -------- tells of each step that was acknowledged
//! SIGKILL --------------------->
//! opens the database, looks for every step, and at everything else in it
//! ```

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;

use server::store::{AnySession, LoginKey};
use shared::id::LoginId;
use shared::login::{CheckCode, Event, Login, State};
use tokio::task::JoinSet;

use super::{DATABASE, child, open};
use crate::world::{World, random, scan};

const ROUNDS: usize = 6;
const CALLERS: usize = 16;

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let mut acked: HashMap<LoginId, u64> = HashMap::new();
    for round in 0..ROUNDS {
        let before = acked.values().sum::<u64>();
        kill_at_a_random_moment(&path, &mut acked);
        assert!(acked.values().sum::<u64>() > before, "round {round} did nothing");
        let world = open(&path);
        for (login, revision) in &acked {
            let found = world.find(LoginKey::Id(*login)).await.unwrap().map(std::sync::Arc::unwrap_or_clone);
            let found = found.expect("an acknowledged login is there");
            assert!(found.revision >= *revision, "round {round}: step {revision} of {login} is lost");
        }
        let sessions = whole_sessions(&world).await;
        world.close().await;
        database_is_sound(&path, sessions);
    }
}

/// Runs a child on the database, and notes what it says was acknowledged.
fn kill_at_a_random_moment(path: &Path, acked: &mut HashMap<LoginId, u64>) {
    let mut process = child("sqlite::crash::child_that_commits", path).spawn().unwrap();
    let mut lines = BufReader::new(process.stderr.take().unwrap());
    let mut left = 20 + u16::from_be_bytes(random()) % 500;
    let mut line = String::new();
    while lines.read_line(&mut line).unwrap() > 0 {
        let step = line.strip_prefix("acked ").and_then(|line| line.strip_suffix('\n'));
        if let Some((login, revision)) = step.and_then(|step| step.split_once(' ')) {
            acked.insert(login.parse().unwrap(), revision.parse().unwrap());
        }
        line.clear();
        left = left.saturating_sub(1);
        if left == 0 {
            // On Unix this is SIGKILL. What it said until then is read to the end.
            process.kill().unwrap();
        }
    }
    assert!(!process.wait().unwrap().success(), "it ended by itself");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "a process for the test above to kill"]
async fn child_that_commits() {
    let Some(path) = std::env::var_os(DATABASE) else { return };
    let world = open(Path::new(&path));
    let callers: JoinSet<()> = (0..CALLERS)
        .map(|_| {
            let world = world.clone();
            async move {
                loop {
                    log_in(&world).await;
                }
            }
        })
        .collect();
    callers.join_all().await;
}

/// One account, one phone, one login, all the way. Its own account each time, so that no notice is trimmed.
async fn log_in(world: &World) {
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let login = world.issued().await;
    acknowledged(&login);
    let login = world.step(&login, scan(&login, &phone)).await;
    acknowledged(&login);
    let confirm = login.state.scan().unwrap().confirm;
    let login =
        world.step(&login, Event::Confirm { phone: phone.id, confirm, check: CheckCode::NEVER_RIGHT }).await;
    acknowledged(&login);
    let (redeem, _) = world.redeem(&login, &phone);
    let login = redeem.login.clone();
    world.commit(redeem, world.now).await.unwrap();
    acknowledged(&login);
}

fn acknowledged(login: &Login) {
    // In one write, so that a line is either there or not.
    let line = format!("acked {} {}\n", login.id, login.revision);
    std::io::stderr().write_all(line.as_bytes()).unwrap();
}

/// How many PC sessions there are. Each has its login and its notice, and no notice is without one.
async fn whole_sessions(world: &World) -> i64 {
    let mut logged_in = 0;
    for account in world.accounts().await.unwrap() {
        let sessions = world.sessions(account.id, world.now).await.unwrap();
        let notices = world.notices(account.id, 0).await.unwrap();
        let pcs: Vec<_> = sessions
            .into_iter()
            .filter_map(|session| match session {
                AnySession::Pc(pc) => Some(pc),
                AnySession::Phone(_) => None,
            })
            .collect();
        let told: Vec<_> = notices.iter().filter_map(|kept| kept.notice.session).collect();
        assert_eq!(pcs.iter().map(|pc| pc.id).collect::<Vec<_>>(), told);
        for pc in pcs {
            let login = world
                .find(LoginKey::Id(pc.login))
                .await
                .unwrap()
                .map(std::sync::Arc::unwrap_or_clone)
                .unwrap();
            let State::LoggedIn { session, .. } = login.state else { panic!("{login:?}") };
            assert_eq!(session, pc.id);
            logged_in += 1;
        }
    }
    logged_in
}

/// The file is whole, and as many logins are logged in as have a session.
fn database_is_sound(path: &Path, sessions: i64) {
    let db = rusqlite::Connection::open(path).unwrap();
    let logged_in = "SELECT count(*) FROM logins WHERE status = 'logged_in'";
    let logged_in: i64 = db.query_row(logged_in, [], |row| row.get(0)).unwrap();
    assert_eq!(logged_in, sessions, "a login without its session");
    let answer: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(answer, "ok");
    let broken = db.prepare("PRAGMA foreign_key_check").unwrap().exists([]).unwrap();
    assert!(!broken, "a row hangs on one that is not there");
}
