//! What only the inside can bring about: disks that are full, writers that die.

use std::sync::mpsc;
use std::time::Duration;

use shared::id::SessionId;
use shared::login::{Digests, Login, Request};
use shared::random::{OsRandom, Random};
use shared::secret::Digest;

use super::*;
use crate::store::{Inserted, LoginKey, OpenCaps, Store};

const ONE: OpenCaps = OpenCaps { per_address: 1, total: 1 };

fn clock() -> Clock {
    Clock::held(Timestamp::UNIX_EPOCH)
}

fn login() -> Login {
    let mut code = [0; 32];
    OsRandom.fill(&mut code);
    let digests = Digests {
        scan: Digest::from_bytes(code),
        user: Digest::from_bytes(code),
        device: Digest::from_bytes(code),
    };
    let request = Request {
        client_id: "test".into(),
        scope: Some("long ".repeat(1000)),
        device_name: None,
        device_os: None,
        device_app: None,
        login_hint: None,
        check_code: false,
        key: None,
        ip: None,
    };
    let now = Timestamp::UNIX_EPOCH;
    Login::new(shared::id::LoginId::generate(now, &OsRandom), digests, request, now, Duration::from_mins(2))
}

/// What `store` has of a login, and whether another could still be issued while only one may be open.
async fn is_there(store: &SqliteStore, login: &Login) -> (bool, bool) {
    let found =
        store.find(LoginKey::Scan(login.digests.scan)).await.unwrap().map(std::sync::Arc::unwrap_or_clone);
    let mut live = store.memory.live_mut();
    let probe = Arc::new(self::login());
    let room = live.reserve(&probe, ONE);
    live.forget(probe.id);
    (found.is_some(), room == Inserted::Done)
}

/// Makes the writer wait, so that what is sent meanwhile shares a transaction.
async fn hold(store: &Arc<SqliteStore>) -> mpsc::Sender<()> {
    let (release, held) = mpsc::channel();
    let (began, beginning) = tokio::sync::oneshot::channel();
    let store = store.clone();
    tokio::spawn(async move {
        let mut began = Some(began);
        let wait = move |_: &mut Tx<'_>| {
            // Once, though the job may run twice.
            if let Some(began) = began.take() {
                began.send(()).unwrap();
                held.recv().unwrap();
            }
            Ok(Outcome::Keep(()))
        };
        store.write(wait).await
    });
    beginning.await.unwrap();
    release
}

/// Sends a job, and answers once it is in the queue.
async fn send<T: Send + 'static>(
    store: &SqliteStore,
    work: impl FnMut(&mut Tx<'_>) -> rusqlite::Result<Outcome<T>> + Send + 'static,
) -> tokio::sync::oneshot::Receiver<Result<T>> {
    let (call, answer) = Call::new(Needs::All, work);
    assert!(store.writer.jobs().unwrap().send(call).await.is_ok());
    answer
}

fn insert(login: &Login) -> impl FnMut(&mut Tx<'_>) -> rusqlite::Result<Outcome<Inserted>> + Send + 'static {
    let entry = journal::Entry::issued(login).unwrap();
    let login = Arc::new(login.clone());
    move |tx| logins::insert(tx, &login, &entry, ONE)
}

#[tokio::test]
async fn a_full_disk_is_an_error_that_leaves_nothing_and_passes() {
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&dir.path().join("saoma.db"), clock()).unwrap();
    let limit = |pages: i64| {
        store.write(move |tx| {
            tx.db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))?;
            Ok(Outcome::Keep(()))
        })
    };
    limit(1).await.unwrap();
    let first = login();
    let failed = store.insert(first.clone(), ONE).await.unwrap_err();
    assert!(failed.to_string().contains("full"), "{failed}");
    assert_eq!(is_there(&store, &first).await, (false, true));
    limit(1_000_000).await.unwrap();
    assert_eq!(store.insert(first.clone(), ONE).await.unwrap(), Inserted::Done);
    assert_eq!(is_there(&store, &first).await, (true, false));
}

#[tokio::test]
async fn a_database_that_somebody_else_holds_is_an_error_that_passes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let store = SqliteStore::open(&path, clock()).unwrap();
    let impatient = |tx: &mut Tx<'_>| tx.db.busy_timeout(Duration::from_millis(1)).map(Outcome::Keep);
    store.write(impatient).await.unwrap();
    let other = rusqlite::Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let first = login();
    let failed = store.insert(first.clone(), ONE).await.unwrap_err();
    assert!(failed.to_string().contains("locked"), "{failed}");
    other.execute_batch("ROLLBACK").unwrap();
    assert_eq!(store.insert(first.clone(), ONE).await.unwrap(), Inserted::Done);
}

#[tokio::test]
async fn a_job_that_fails_undoes_itself_and_nobody_else() {
    let store = Arc::new(SqliteStore::in_memory(clock()).unwrap());
    let good = login();
    let release = hold(&store).await;
    let failing = send(&store, |tx| {
        tx.db.execute("INSERT INTO clients VALUES ('half', zeroblob(32), 0)", [])?;
        tx.db.execute("INSERT INTO clients VALUES ('other', zeroblob(1), 0)", []).map(Outcome::Keep)
    });
    let failing = failing.await;
    let undone = send(&store, |tx| {
        tx.db.execute("INSERT INTO clients VALUES ('undone', zeroblob(32), 0)", []).map(Outcome::Undo)
    });
    let undone = undone.await;
    let inserted = send(&store, insert(&good)).await;
    release.send(()).unwrap();
    assert!(failing.await.unwrap().unwrap_err().to_string().contains("CHECK"));
    assert_eq!(undone.await.unwrap().unwrap(), 1);
    assert_eq!(inserted.await.unwrap().unwrap(), Inserted::Done);
    assert_eq!(store.clients().await.unwrap(), []);
    assert_eq!(is_there(&store, &good).await, (true, false));
}

#[tokio::test]
async fn a_transaction_that_fails_is_undone_for_everybody_in_memory_too() {
    let store = Arc::new(SqliteStore::in_memory(clock()).unwrap());
    let (first, session) = (login(), SessionId::from_bytes([7; 16]));
    let release = hold(&store).await;
    let inserted = send(&store, insert(&first)).await;
    let doubted = send(&store, move |tx| {
        assert!(tx.memory.uses.doubt(session));
        tx.then(writer::Effect::Settle(session));
        Ok(Outcome::Keep(()))
    });
    let doubted = doubted.await;
    let fatal = send(&store, |tx| {
        tx.db.execute_batch("ROLLBACK")?;
        Err::<Outcome<()>, _>(rusqlite::Error::SqliteFailure(rusqlite::ffi::Error::new(10), None))
    });
    let fatal = fatal.await;
    release.send(()).unwrap();
    assert!(inserted.await.unwrap().is_err());
    assert!(doubted.await.unwrap().is_err());
    assert!(fatal.await.unwrap().is_err());
    // Would wait for ever if the session were still in doubt.
    store.memory.uses.mark(session, Timestamp::UNIX_EPOCH);
    assert_eq!(is_there(&store, &first).await, (false, true));
    assert_eq!(store.insert(first, ONE).await.unwrap(), Inserted::Done);
}

#[tokio::test]
async fn a_writer_that_has_died_is_an_error_and_not_a_wait() {
    let store = Arc::new(SqliteStore::in_memory(clock()).unwrap());
    let session = SessionId::from_bytes([7; 16]);
    let dying = store.write(move |tx| -> rusqlite::Result<Outcome<()>> {
        assert!(tx.memory.uses.doubt(session));
        panic!("a bug");
    });
    assert!(dying.await.is_err());
    assert!(store.insert(login(), ONE).await.is_err());
    assert!(store.find(LoginKey::Id(login().id)).await.is_err());
    assert!(store.accounts().await.is_err());
    assert!(store.ping().await.is_err());
    assert!(store.seen(session, Timestamp::UNIX_EPOCH).await.is_err());
    store.close().await;
}

#[tokio::test]
async fn a_login_is_hidden_until_it_is_durable_but_its_codes_and_place_are_taken() {
    let store = Arc::new(SqliteStore::in_memory(clock()).unwrap());
    let first = login();
    let release = hold(&store).await;
    let inserted = send(&store, insert(&first)).await;
    let second = send(&store, insert(&login())).await;
    let (judged, is_judged) = tokio::sync::oneshot::channel();
    let (go_on, held) = mpsc::channel::<()>();
    let mut judged = Some(judged);
    let last = send(&store, move |_| {
        judged.take().unwrap().send(()).unwrap();
        held.recv().unwrap();
        Ok(Outcome::Keep(()))
    });
    let last = last.await;
    release.send(()).unwrap();
    is_judged.await.unwrap();
    assert_eq!(store.find(LoginKey::Id(first.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone), None);
    go_on.send(()).unwrap();
    assert_eq!(inserted.await.unwrap().unwrap(), Inserted::Done);
    assert_eq!(second.await.unwrap().unwrap(), Inserted::AddressFull);
    last.await.unwrap().unwrap();
    assert_eq!(
        store.find(LoginKey::Id(first.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
        Some(first)
    );
}

#[tokio::test]
async fn the_journal_is_posted_when_it_is_long_and_by_who_needs_the_tables() {
    let store = Arc::new(SqliteStore::in_memory(clock()).unwrap());
    let count = |table: &str| {
        let count = format!("SELECT count(*) FROM {table}");
        store.read(|db| db.query_row(&count, [], |row| row.get::<_, u32>(0))).unwrap()
    };
    let roomy = OpenCaps { per_address: 10_000, total: 10_000 };
    let inserts = (0..6000).map(|_| store.insert(login(), roomy));
    for inserted in futures_util::future::join_all(inserts).await {
        assert_eq!(inserted.unwrap(), Inserted::Done);
    }
    let (waiting, posted) = (count("journal"), count("logins"));
    assert!(
        posted > 0 && waiting as usize <= writer::HELD && waiting + posted == 6000,
        "{waiting} and {posted}"
    );
    store.nothing(Needs::All).await.unwrap();
    assert_eq!((count("journal"), count("logins")), (0, 6000));
}

#[test]
fn statements_are_planned_once() {
    let db = open::in_memory().unwrap();
    let uses = uses::Uses::default();
    let standing = Standing { db: &db, uses: &uses, now: Timestamp::UNIX_EPOCH };
    for token in 0..3 {
        assert_eq!(standing.pc(Digest::from_bytes([token; 32])).unwrap(), None);
    }
    // If a value that is bound could make SQLite plan again, it would be counted here.
    let statement = db.prepare_cached("SELECT * FROM standing_pcs WHERE access = ?1").unwrap();
    assert_eq!(statement.get_status(rusqlite::StatementStatus::RePrepare), 0);
    assert_eq!(statement.get_status(rusqlite::StatementStatus::Run), 3);
}
