//! The embedded store: one SQLite file, one server that owns the logins in it.
//!
//! ```text
//!                       +-- live: the logins --+
//!   a read of a login ->|   kept: sessions     |<-- publishes -- writer -- one sync --> saoma.db-wal
//!   or of a session     |   uses, hub          |                   ^                        |
//!                       +----------------------+                   |                        |
//!   any other read ---------- reader: connections ---------------- | ---------------------->|
//!   any write ------------------------------------ jobs -----------+                        |
//!                                      housekeeper: nudges, checkpoints ----------------> saoma.db
//! ```
//!
//! - A login lives for minutes and is read far more often than it is written,
//!   so the live ones are held in memory, as the disk has them.
//! - So are sessions that were asked for lately, see `kept.rs`. What
//!   `server account …` changes beside a running server is noticed: `outside.rs`.
//! - A step of a login is in a journal first (`journal.rs`), and in the tables later.
//! - Limits and the times of last use are counted in memory: one process
//!   counts them, and a restart forgives.

mod accounts;
mod calls;
mod clients;
mod columns;
mod housekeeper;
mod journal;
mod kept;
mod known;
mod live;
mod logins;
mod memory;
mod notices;
mod open;
mod outside;
mod reader;
mod sessions;
mod uses;
mod writer;

use std::fs::File;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, RwLockReadGuard};
use std::thread::JoinHandle;

use jiff::Timestamp;
use rusqlite::Connection;
use shared::id::AccountId;

use super::limiter::Limiter;
use super::proofs::Proofs;
use super::{Result, StoreError};
use crate::clock::Clock;
use housekeeper::Housekeeper;
use kept::Kept;
use live::Live;
use memory::Memory;
pub use open::OpenError;
use outside::Outside;
use reader::Reader;
use sessions::Standing;
use writer::{Call, Needs, Outcome, Tx, Writer, lock};

/// A store in an SQLite database.
pub struct SqliteStore {
    writer: Writer,
    reader: Arc<Reader>,
    memory: Arc<Memory>,
    limiter: Limiter,
    proofs: Proofs,
    clock: Clock,
    ownership: Ownership,
    outside: Option<Outside>,
    housekeeper: Mutex<Option<Housekeeper>>,
}

/// Who owns the logins.
enum Ownership {
    /// This process, because nobody else can see the database.
    Alone,
    /// This process, until it lets go of the lock.
    Locked(Mutex<Option<File>>),
    /// A server that may run beside.
    Other,
}

impl SqliteStore {
    /// Opens a database for a server, and makes it if there is none. Only one server can have it.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do about it.
    pub fn open(path: &Path, clock: Clock) -> std::result::Result<Self, OpenError> {
        let path = open::file(path)?;
        let lock = open::lock(&path)?;
        let db = open::read_write(&path)?;
        let live = logins::load(&db, clock.now()).map_err(|source| open::unusable(&path, source))?;
        Self::in_file(&path, db, live, clock, Ownership::Locked(Mutex::new(Some(lock))))
    }

    /// Opens a database for a command that runs beside a server: for accounts, their sessions and resource
    /// servers. The logins stay the server's; calls about them fail.
    ///
    /// # Errors
    /// [`OpenError`], which says what to do about it.
    pub fn beside(path: &Path, clock: Clock) -> std::result::Result<Self, OpenError> {
        let path = open::file(path)?;
        let db = open::read_write(&path)?;
        Self::in_file(&path, db, Live::default(), clock, Ownership::Other)
    }

    /// Makes a database that ends with this store.
    ///
    /// # Errors
    /// [`OpenError`] if there is no thread to be had.
    pub fn in_memory(clock: Clock) -> std::result::Result<Self, OpenError> {
        let db = open::in_memory().map_err(|source| open::unusable(Path::new(":memory:"), source))?;
        let db = Arc::new(Mutex::new(db));
        let memory = Arc::new(Memory::of(Live::default(), Kept::new(true), clock.clone()));
        let writer = Writer::start(db.clone(), memory.clone(), Arc::default(), |_| ());
        Ok(Self {
            writer: writer.map_err(OpenError::Thread)?,
            reader: Arc::new(Reader::Memory(db)),
            memory,
            limiter: Limiter::new(),
            proofs: Proofs::default(),
            clock,
            ownership: Ownership::Alone,
            outside: None,
            housekeeper: Mutex::default(),
        })
    }

    fn in_file(
        path: &Path,
        db: Connection,
        live: Live,
        clock: Clock,
        ownership: Ownership,
    ) -> std::result::Result<Self, OpenError> {
        let is_owner = !matches!(ownership, Ownership::Other);
        let memory = Arc::new(Memory::of(live, Kept::new(is_owner), clock.clone()));
        let rows_written = Arc::new(AtomicU64::new(0));
        let at_end = move |db: &Connection| {
            if is_owner && let Err(error) = housekeeper::checkpoint(db, "TRUNCATE") {
                tracing::warn!(%error, "the log was not cleared; the next start will do it");
            }
        };
        let db = Arc::new(Mutex::new(db));
        let writer =
            Writer::start(db, memory.clone(), rows_written.clone(), at_end).map_err(OpenError::Thread)?;
        let store = Self {
            writer,
            reader: Arc::new(Reader::file(path)),
            memory,
            limiter: Limiter::new(),
            proofs: Proofs::default(),
            clock,
            ownership,
            outside: Some(open::outside(path)?),
            housekeeper: Mutex::default(),
        };
        if is_owner {
            let db = open::read_write(path)?;
            let jobs = store.writer.jobs().unwrap_or_else(|_| unreachable!("it has just started"));
            let housekeeper = Housekeeper::start(db, &jobs, rows_written).map_err(OpenError::Thread)?;
            *lock(&store.housekeeper) = Some(housekeeper);
        }
        Ok(store)
    }

    /// Fails once the store was closed, or its writer has died: what is in memory may be old by then.
    fn alive(&self) -> Result<()> {
        self.writer.jobs().map(drop)
    }

    fn owns_logins(&self) -> Result<()> {
        match self.ownership {
            Ownership::Alone | Ownership::Locked(_) => Ok(()),
            Ownership::Other => Err(StoreError("the logins belong to the server".into())),
        }
    }

    fn live(&self) -> Result<RwLockReadGuard<'_, Live>> {
        self.alive()?;
        self.owns_logins()?;
        Ok(self.memory.live())
    }

    /// Reads what is found with a look into an index.
    fn read<T>(&self, read: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.alive()?;
        self.reader.read(read).map_err(|error| StoreError(error.to_string()))
    }

    /// Reads what takes its time, where nobody waits for the thread.
    async fn read_at_length<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.alive()?;
        let reader = self.reader.clone();
        let found = tokio::task::spawn_blocking(move || reader.read(read)).await;
        let found = found.map_err(|error| StoreError(error.to_string()))?;
        found.map_err(|error| StoreError(error.to_string()))
    }

    /// Reads sessions.
    fn standing<T>(
        &self,
        now: Timestamp,
        read: impl FnOnce(Standing<'_>) -> rusqlite::Result<T>,
    ) -> Result<T> {
        self.read(|db| read(Standing { db, uses: &self.memory.uses, now }))
    }

    /// Before a look at sessions in memory: it is what the disk has, also if another process has written.
    async fn up_to_date(&self) -> Result<()> {
        self.alive()?;
        if let Some(outside) = &self.outside
            && let Some(news) = outside.news()
        {
            // Every job begins with a look at the disk.
            self.nothing(Needs::Nothing).await?;
            outside.heard(news);
        }
        Ok(())
    }

    /// Before a read of what the tables have of an account.
    async fn posted_for(&self, account: AccountId) -> Result<()> {
        self.up_to_date().await?;
        self.post_if(self.memory.kept.lacks(account)).await
    }

    /// Before a read of the tables. Beside a server nobody knows what they lack.
    async fn post_if(&self, is_needed: bool) -> Result<()> {
        if is_needed || self.owns_logins().is_err() { self.nothing(Needs::All).await } else { Ok(()) }
    }

    async fn nothing(&self, needs: Needs) -> Result<()> {
        self.call(needs, |_| Ok(Outcome::Keep(()))).await
    }

    /// Writes in the tables, and waits until it is durable.
    async fn write<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Tx<'_>) -> rusqlite::Result<Outcome<T>> + Send + 'static,
    ) -> Result<T> {
        let written = self.call(Needs::All, work).await?;
        if let (Ownership::Other, Some(outside)) = (&self.ownership, &self.outside)
            && let Err(error) = outside.tell()
        {
            tracing::warn!(%error, "a running server will notice a little later");
        }
        Ok(written)
    }

    /// Has the writer do something, and waits until it is durable.
    async fn call<T: Send + 'static>(
        &self,
        needs: Needs,
        work: impl FnMut(&mut Tx<'_>) -> rusqlite::Result<Outcome<T>> + Send + 'static,
    ) -> Result<T> {
        let died = || StoreError("its writer has died".into());
        let (call, answer) = Call::new(needs, work);
        self.writer.jobs()?.send(call).await.map_err(|_| died())?;
        answer.await.map_err(|_| died())?
    }

    /// Takes no more calls. Dropping the answer waits until those in hand are done.
    fn stop(&self) -> Stopped {
        let housekeeper = lock(&self.housekeeper).take().map(Housekeeper::stop);
        let lock = match &self.ownership {
            Ownership::Locked(file) => lock(file).take(),
            Ownership::Alone | Ownership::Other => None,
        };
        let threads = housekeeper.into_iter().chain(self.writer.stop()).collect();
        self.reader.let_go();
        Stopped { threads, _lock: lock }
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        drop(self.stop());
    }
}

/// The threads of a store that was stopped, and the lock that lasts as long as they do.
struct Stopped {
    threads: Vec<JoinHandle<()>>,
    _lock: Option<File>,
}

impl Drop for Stopped {
    fn drop(&mut self) {
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the store panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests;
