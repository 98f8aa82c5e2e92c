//! The file: what it keeps, and when it can't be used.

use std::fs;
use std::path::Path;
use std::time::Duration;

use server::clock::Clock;
use server::store::sqlite::SqliteStore;
use server::store::{Committed, Inserted, LoginKey, OpenCaps, Refresh, Store};
use shared::login::{Event, KEPT_AFTER_END, REDEEM_WITHIN};

use super::{open, refusal};
use crate::clock;
use crate::world::{LIFETIME, World, scan};

#[tokio::test]
async fn everything_is_there_again_closed_or_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    for close in [true, false] {
        let world = open(&path);
        let account = world.owner().await;
        let phone = world.phone_of(&account).await;
        let (logged_in, pc) = world.logged_in(&phone).await;
        let tokens = world.tokens(pc.id.tag());
        assert!(world.rotate(pc.id, pc.tokens.refresh, tokens.clone(), world.now).await.unwrap());
        let confirmed = world.confirmed(&phone).await;
        let once = world.scanned(&phone).await;
        let twice = world.step(&once, scan(&once, &phone)).await;
        let sessions = world.sessions(account.id, world.now).await.unwrap();
        let notices = world.notices(account.id, 0).await.unwrap();
        if close {
            world.close().await;
        }
        drop(world);

        let world = open(&path);
        let replaced = LoginKey::Confirm(once.state.scan().unwrap().confirm);
        for (key, login) in [
            (LoginKey::Device(logged_in.digests.device), &logged_in),
            (LoginKey::User(confirmed.digests.user), &confirmed),
            (LoginKey::Scan(twice.digests.scan), &twice),
            (replaced, &twice),
        ] {
            assert_eq!(
                world.find(key).await.unwrap().map(std::sync::Arc::unwrap_or_clone).as_ref(),
                Some(login),
                "{key:?}"
            );
        }
        let due = world.due(world.now + REDEEM_WITHIN).await.unwrap();
        assert!(due.contains(&confirmed.id), "its owner would never be told");
        assert_eq!(world.unfinished(phone.id).await.unwrap().len(), 2);
        assert_eq!(world.sessions(account.id, world.now).await.unwrap(), sessions);
        assert_eq!(world.notices(account.id, 0).await.unwrap(), notices);
        assert!(world.pc(tokens.access, world.now).await.unwrap().is_some());
        let spent = world.refresh_token(pc.tokens.refresh, world.now).await.unwrap();
        assert!(matches!(spent, Refresh::Spent(_)));
        // And it can go on from there.
        world.step(&twice, Event::Cancel).await;
        let caps = OpenCaps { per_address: 1, total: 1000 };
        assert_eq!(world.insert(world.new_login(), caps).await.unwrap(), Inserted::AddressFull);
        let (redeem, _) = world.redeem(&confirmed, &phone);
        assert_eq!(world.commit(redeem, world.now).await.unwrap(), Committed::Done);
    }
}

#[tokio::test]
async fn a_use_is_durable_soon() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let world = open(&path);
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (_, pc) = world.logged_in(&phone).await;
    let later = world.later(Duration::from_mins(5));
    later.seen(pc.id, later.now).await.unwrap();
    later.seen(phone.id, later.now).await.unwrap();
    later.seen(phone.id, later.now + Duration::from_secs(59)).await.unwrap();
    drop((world, later.store));
    let world = open(&path);
    let found = world.pc_by_id(pc.id, later.now).await.unwrap().unwrap().session;
    assert_eq!((found.used, found.last_seen_at), (true, later.now));
    let found = world.phone(phone.token, later.now).await.unwrap().unwrap().session;
    assert_eq!(found.last_seen_at, later.now, "written once a minute");
}

#[tokio::test]
async fn what_was_over_while_no_server_ran_is_not_loaded_but_what_is_owed_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let world = open(&path);
    let account = world.owner().await;
    let phone = world.phone_of(&account).await;
    let (over, owed) = (world.issued().await, world.confirmed(&phone).await);
    let later = world.now + LIFETIME + KEPT_AFTER_END;
    drop(world);
    let store = SqliteStore::open(&path, Clock::held(later)).unwrap();
    assert_eq!(store.find(LoginKey::Id(over.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone), None);
    assert_eq!(
        store.find(LoginKey::Id(owed.id)).await.unwrap().map(std::sync::Arc::unwrap_or_clone),
        Some(owed.clone())
    );
    assert_eq!(store.due(later).await.unwrap(), [owed.id]);
}

#[tokio::test]
async fn the_log_is_gone_after_closing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let world = open(&path);
    world.issued().await;
    let log = dir.path().join("saoma.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0);
    world.close().await;
    assert_eq!(fs::metadata(&log).map_or(0, |log| log.len()), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn its_files_are_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let world = open(&dir.path().join("saoma.db"));
    world.issued().await;
    let mut names = Vec::new();
    for file in fs::read_dir(dir.path()).unwrap() {
        let file = file.unwrap();
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
        names.push(file.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["saoma.db", "saoma.db-shm", "saoma.db-wal", "saoma.db.lock"]);
}

#[tokio::test]
async fn a_second_server_is_refused_until_the_first_has_gone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let first = open(&path);
    let refused = refusal(&path);
    assert!(refused.contains("another server is running") && refused.contains("--store"), "{refused}");
    #[cfg(unix)]
    {
        let alias = dir.path().join("alias.db");
        std::os::unix::fs::symlink(&path, &alias).unwrap();
        assert!(refusal(&alias).contains("another server"), "by another name it is the same file");
    }
    first.close().await;
    let second = open(&path);
    assert!(refusal(&path).contains("another server"));
    drop(second);
    open(&path);
}

#[test]
fn a_place_that_can_not_be_written_is_named() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("file"), "").unwrap();
    let mut places = vec![dir.path().join("missing/saoma.db"), dir.path().join("file/saoma.db")];
    if cfg!(target_os = "linux") {
        // Nobody may make a file there, not even root, who may write to any directory that is read-only.
        places.push("/sys/saoma.db".into());
    }
    for place in places {
        let refused = refusal(&place);
        assert!(refused.contains(place.to_str().unwrap()), "{refused}");
        assert!(refused.contains("its directory must exist, and this user be allowed to write"), "{refused}");
    }
}

#[test]
fn somebody_elses_file_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let text = dir.path().join("notes.txt");
    fs::write(&text, "not a database, but somebody's notes. ".repeat(100)).unwrap();
    let database = dir.path().join("photos.db");
    let db = rusqlite::Connection::open(&database).unwrap();
    db.execute_batch("CREATE TABLE photos (name TEXT); PRAGMA user_version = 1").unwrap();
    drop(db);
    for path in [text, database] {
        let before = fs::read(&path).unwrap();
        for refused in [refusal(&path), SqliteStore::beside(&path, clock()).err().unwrap().to_string()] {
            assert!(refused.contains("is not a Saoma database"), "{refused}");
        }
        assert_eq!(fs::read(&path).unwrap(), before);
    }
}

#[test]
fn a_newer_schema_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    drop(open(&path));
    let db = rusqlite::Connection::open(&path).unwrap();
    db.execute_batch("PRAGMA user_version = 5; CREATE TABLE from_the_future (x)").unwrap();
    drop(db);
    let before = fs::read(&path).unwrap();
    for refused in [refusal(&path), SqliteStore::beside(&path, clock()).err().unwrap().to_string()] {
        assert!(
            refused.contains("schema version 5") && refused.contains("run the newer server"),
            "{refused}"
        );
    }
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[tokio::test]
async fn a_damaged_database_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let world = open(&path);
    world.issued().await;
    world.close().await;
    damage(&path, "logins");
    let refused = refusal(&path);
    assert!(refused.contains("malformed"), "{refused}");

    let world = open(&dir.path().join("other.db"));
    world.issued().await;
    world.close().await;
    let db = rusqlite::Connection::open(dir.path().join("other.db")).unwrap();
    db.execute("UPDATE logins SET issued = '{}'", []).unwrap();
    drop(db);
    let refused = refusal(&dir.path().join("other.db"));
    assert!(refused.contains("missing field"), "{refused}");
}

/// Overwrites the page on which a table begins.
fn damage(path: &Path, table: &str) {
    let db = rusqlite::Connection::open(path).unwrap();
    let page = "SELECT rootpage FROM sqlite_schema WHERE name = ?1";
    let page: u32 = db.query_row(page, [table], |row| row.get(0)).unwrap();
    let size: u32 = db.query_row("PRAGMA page_size", [], |row| row.get(0)).unwrap();
    drop(db);
    let mut bytes = fs::read(path).unwrap();
    let (page, size) = (page as usize, size as usize);
    bytes[(page - 1) * size..page * size].fill(0x5A);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn an_empty_file_becomes_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    fs::write(&path, "").unwrap();
    let world: World = open(&path);
    world.ping().await.unwrap();
    world.owner().await;
}

#[test]
fn racing_processes_make_one_database() {
    for _ in 0..20 {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("saoma.db");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| SqliteStore::beside(&path, clock()).unwrap());
            }
            scope.spawn(|| open(&path));
        });
    }
}

/// A database as version 3 left it: a confirmed login, a phone and its PC, a spent token and a notice.
fn version_3(path: &Path) -> rusqlite::Connection {
    let db = rusqlite::Connection::open(path).unwrap();
    db.execute_batch(include_str!("version-3.sql")).unwrap();
    db.execute_batch("PRAGMA application_id = 0x53414F4D; PRAGMA user_version = 3").unwrap();
    db.execute_batch(
        "INSERT INTO accounts VALUES (zeroblob(16), 'emma', 'hash', 1, 1, 0);
         INSERT INTO phones VALUES (zeroblob(16), zeroblob(16), zeroblob(32), NULL, NULL, 0, 0);
         INSERT INTO pcs VALUES (zeroblob(16), zeroblob(16), zeroblob(16), zeroblob(16), 'pc-tui', NULL, NULL, NULL,
                                 0, 0, zeroblob(32), 1, zeroblob(32), 1, 0, NULL);
         INSERT INTO spent VALUES (zeroblob(32), zeroblob(16), 1);
         INSERT INTO notices VALUES (zeroblob(16), 7, 'second_scan_refused', zeroblob(16), 0, 2, NULL, NULL, NULL)",
    )
    .unwrap();
    db
}

fn counts(db: &rusqlite::Connection) -> Vec<(String, u32)> {
    let tables = ["accounts", "phones", "pcs", "spent", "notices", "logins", "journal"];
    let count = |table: &str| {
        let rows = db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0));
        (table.to_owned(), rows.unwrap())
    };
    tables.map(count).into()
}

#[tokio::test]
async fn the_schema_before_is_brought_up_to_date() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let db = version_3(&path);
    let login = open(&dir.path().join("other.db")).new_login();
    let record = serde_json::to_string(&login).unwrap();
    let row = (login.id.to_bytes(), 1, "unscanned", record);
    db.execute("INSERT INTO logins VALUES (?1, ?2, ?3, NULL, ?4)", row).unwrap();
    drop(db);
    let world = open(&path);
    assert_eq!(world.find(LoginKey::Id(login.id)).await.unwrap().as_deref(), Some(&login));
    world.close().await;
    let db = rusqlite::Connection::open(&path).unwrap();
    let version: i64 = db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 4);
    let expected = [1, 1, 1, 1, 1, 1, 0];
    assert_eq!(counts(&db).iter().map(|(_, count)| *count).collect::<Vec<_>>(), expected);
    // The same as one that was made by this version.
    let schema = |path: &Path| {
        let db = rusqlite::Connection::open(path).unwrap();
        let mut made =
            db.prepare("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY name").unwrap();
        let made = made.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        made.map(Result::unwrap)
            .map(|(name, sql): (String, String)| (name, without_comments(&sql)))
            .collect::<Vec<_>>()
    };
    assert_eq!(schema(&path), schema(&dir.path().join("other.db")));
}

fn without_comments(sql: &str) -> String {
    let lines = sql.lines().filter(|line| !line.trim_start().starts_with("--"));
    lines.flat_map(str::split_whitespace).collect::<Vec<_>>().join(" ").replace('"', "")
}

#[test]
fn what_the_first_version_had_of_secrets_is_worth_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("saoma.db");
    let before = "DROP TABLE known_pcs; ALTER TABLE pcs DROP COLUMN key; PRAGMA user_version = 1";
    version_3(&path).execute_batch(before).unwrap();
    drop(open(&path));
    let db = rusqlite::Connection::open(&path).unwrap();
    let expected = [1, 0, 0, 0, 1, 0, 0];
    assert_eq!(counts(&db).iter().map(|(_, count)| *count).collect::<Vec<_>>(), expected);
    db.execute_batch("SELECT key FROM pcs; SELECT key FROM standing_pcs; SELECT * FROM known_pcs").unwrap();
}
