//! Opening a database: whose it is, which version it has, and what goes wrong.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, Result, TransactionBehavior};

use super::outside::Outside;

const SCHEMA: &str = include_str!("schema.sql");
/// From each version but the last to the next.
const UPGRADES: [&str; 3] =
    [include_str!("upgrade-2.sql"), include_str!("upgrade-3.sql"), include_str!("upgrade-4.sql")];
/// The schema that this server knows. A database says which one it has in `PRAGMA user_version`.
const SCHEMA_VERSION: i64 = 4;
/// `SAOM`, in `PRAGMA application_id`: nobody else's database is written to.
const APPLICATION_ID: i64 = 0x5341_4F4D;
/// How long a write waits for another process's. Then the disk, or whoever holds it, is in trouble.
const LOCKED_MAX: Duration = Duration::from_secs(5);
/// More than there are different statements.
const STATEMENTS_KEPT: usize = 128;

/// Why a database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another server owns the logins in it.
    #[error("another server is running on {}: stop that one, or give this one a --store of its own", .0.display())]
    Taken(PathBuf),
    /// A later server wrote it.
    #[error(
        "{} has schema version {found}, and this server knows {SCHEMA_VERSION} at most: run the newer server that wrote it", path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// Its schema version.
        found: i64,
    },
    /// It is something else.
    #[error("{} is not a Saoma database: name another file with --store, or move this one away", .0.display())]
    Foreign(PathBuf),
    /// The file or its lock can't be made, opened or locked.
    #[error("can't open {}: {why}; its directory must exist, and this user be allowed to write there", path.display())]
    File {
        /// What can't be opened.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// The database is damaged, locked, or can't be read.
    #[error("can't use {}: {why}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// Why.
        why: rusqlite::Error,
    },
    /// There is no thread to be had.
    #[error("can't start a thread for the store: {0}")]
    Thread(io::Error),
}

/// Makes the file if there is none, for nobody but this user, and names it in the one way that all its users
/// agree on.
pub(super) fn file(path: &Path) -> std::result::Result<PathBuf, OpenError> {
    private_file(path).and_then(|_| path.canonicalize()).map_err(|source| failed(path, source))
}

/// Takes a database's logins, for as long as the answer lives.
pub(super) fn lock(path: &Path) -> std::result::Result<File, OpenError> {
    let (lock, file) = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => file.set_len(0).map(|()| file).map_err(|source| failed(&lock, source)),
        Err(TryLockError::WouldBlock) => Err(OpenError::Taken(path.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(&lock, source)),
    }
}

/// The file by which servers exclude each other, and hear of others.
pub(super) fn lock_file(path: &Path) -> std::result::Result<(PathBuf, File), OpenError> {
    let mut lock = path.as_os_str().to_owned();
    lock.push(".lock");
    let lock = PathBuf::from(lock);
    let file = private_file(&lock).map_err(|source| failed(&lock, source))?;
    Ok((lock, file))
}

/// What other processes change in a database, and tell.
pub(super) fn outside(path: &Path) -> std::result::Result<Outside, OpenError> {
    let (lock, file) = lock_file(path)?;
    Outside::new(file).map_err(|source| failed(&lock, source))
}

/// A connection that may write. Makes the schema if the database is empty.
pub(super) fn read_write(path: &Path) -> std::result::Result<Connection, OpenError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let open = || {
        let db = Connection::open_with_flags(path, flags)?;
        prepare(&db)?;
        Ok(db)
    };
    let mut db = open().map_err(|source| unusable(path, source))?;
    // Nothing is written, not even the journal's mode, before it is known to be ours.
    check(&db, path)?;
    let set_up = || {
        patiently(|| db.pragma_update(None, "journal_mode", "WAL"))?;
        db.pragma_update(None, "synchronous", "FULL")?;
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        db.pragma_update(None, "foreign_keys", true)
    };
    set_up().and_then(|()| make_schema(&mut db)).map_err(|source| unusable(path, source))?;
    Ok(db)
}

/// Tries again while somebody else is at it. SQLite waits by itself, but not to change the journal's mode: two
/// that did so, each with a lock that the other needs, would wait for ever.
fn patiently(act: impl Fn() -> Result<()>) -> Result<()> {
    const PAUSE: Duration = Duration::from_millis(5);
    let is_busy = |error: &rusqlite::Error| error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy);
    let mut tries = LOCKED_MAX.as_millis() / PAUSE.as_millis();
    loop {
        match act() {
            Err(error) if is_busy(&error) && tries > 0 => tries -= 1,
            done => return done,
        }
        std::thread::sleep(PAUSE);
    }
}

/// A database that nobody keeps.
pub(super) fn in_memory() -> Result<Connection> {
    let mut db = Connection::open_in_memory()?;
    prepare(&db)?;
    db.pragma_update(None, "foreign_keys", true)?;
    make_schema(&mut db)?;
    Ok(db)
}

/// A connection that can't write.
pub(super) fn read_only(path: &Path) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    prepare(&db)?;
    Ok(db)
}

fn prepare(db: &Connection) -> Result<()> {
    db.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // Else a statement is planned anew for each value that it is given, which takes longer than running it.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    db.busy_timeout(LOCKED_MAX)
}

/// Whether the database is ours, and of a version that we know.
fn check(db: &Connection, path: &Path) -> std::result::Result<(), OpenError> {
    let look = || {
        // One read, since another process may be making the schema.
        let tx = db.unchecked_transaction()?;
        let is_empty =
            tx.query_row("SELECT NOT EXISTS (SELECT * FROM sqlite_schema)", [], |row| row.get(0))?;
        Ok((is_empty, version(&tx)?, tx.pragma_query_value(None, "application_id", |row| row.get(0))?))
    };
    match look().map_err(|source| unusable(path, source))? {
        (true, 0, 0) | (false, 1..=SCHEMA_VERSION, APPLICATION_ID) => Ok(()),
        (_, found, APPLICATION_ID) if found > SCHEMA_VERSION => {
            Err(OpenError::Newer { path: path.to_owned(), found })
        }
        _ => Err(OpenError::Foreign(path.to_owned())),
    }
}

/// Makes the schema, or brings it up to date, unless another process was first.
fn make_schema(db: &mut Connection) -> Result<()> {
    let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    match usize::try_from(version(&tx)?) {
        Ok(0) => {
            tx.execute_batch(SCHEMA)?;
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
        }
        found => {
            let done = found.unwrap_or_default().saturating_sub(1);
            UPGRADES.iter().skip(done).try_for_each(|upgrade| tx.execute_batch(upgrade))?;
        }
    }
    tx.pragma_update(None, "user_version", SCHEMA_VERSION)?;
    tx.commit()
}

fn version(db: &Connection) -> Result<i64> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

fn failed(path: &Path, why: io::Error) -> OpenError {
    OpenError::File { path: path.to_owned(), why }
}

pub(super) fn unusable(path: &Path, why: rusqlite::Error) -> OpenError {
    match why.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::Foreign(path.to_owned()),
        _ => OpenError::Database { path: path.to_owned(), why },
    }
}
