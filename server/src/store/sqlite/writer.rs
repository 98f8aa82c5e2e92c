//! The one thread that writes.
//!
//! ```text
//!  callers                 writer                                    disk
//!  ------- jobs -------->  takes whatever waits
//!                          BEGIN IMMEDIATE
//!                            SAVEPOINT  one job  RELEASE | ROLLBACK TO
//!                            SAVEPOINT  next job ...
//!                          COMMIT ------------------------ one sync -> WAL
//!                          publishes to memory
//!  <------ answers ------  answers everybody, then wakes who waits
//! ```
//!
//! The slower the disk, the more jobs share a sync. A job that fails undoes
//! only itself; a transaction that fails undoes everything, in memory too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use rusqlite::{Connection, Result};
use shared::id::{LoginId, SessionId};
use shared::login::Login;
use tokio::sync::{mpsc, oneshot};

use super::memory::Memory;
use super::sessions::Standing;
use crate::store::{StoreError, Topic};

/// How many jobs may wait; callers beyond that wait to get in. Even a disk that does 100 syncs a second clears
/// this many in a tenth of one.
const WAITING_MAX: usize = 4096;
/// The most jobs in one transaction: enough for the sync to be shared, few enough for its first job not to
/// wait long for its last.
const BATCH_MAX: usize = 512;

/// What a job came to, and whether what it wrote stays.
pub(super) enum Outcome<T> {
    /// It stays.
    Keep(T),
    /// It is undone; this is the answer.
    Undo(T),
}

/// What becomes true in memory once it is on disk.
pub(super) enum Effect {
    /// A reserved login can be found.
    Show(LoginId),
    /// A login has changed.
    Replace(Arc<Login>),
    /// A login is gone.
    Forget(LoginId),
    /// A session is no longer in doubt. Also if it does not become durable.
    Settle(SessionId),
    /// Somebody may wait for this.
    Wake(Topic),
}

/// The transaction, as a job sees it.
pub(super) struct Tx<'a> {
    pub(super) db: &'a Connection,
    pub(super) memory: &'a Memory,
    effects: Vec<Effect>,
}

impl Tx<'_> {
    /// Makes something true in memory, if and when all that the job writes is durable.
    pub(super) fn then(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The sessions, as this transaction sees them.
    pub(super) fn standing(&self, now: Timestamp) -> Standing<'_> {
        Standing { db: self.db, uses: &self.memory.uses, now }
    }
}

/// One caller's write.
pub(super) trait Job: Send {
    /// Writes. False: undo what was written.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<bool>;
    /// Tells the caller what came of it.
    fn answer(self: Box<Self>, fate: std::result::Result<(), StoreError>);
}

/// A job that somebody waits for.
pub(super) struct Call<T, F> {
    work: Option<F>,
    outcome: Option<T>,
    caller: oneshot::Sender<std::result::Result<T, StoreError>>,
}

impl<T, F> Call<T, F>
where
    T: Send + 'static,
    F: FnOnce(&mut Tx<'_>) -> Result<Outcome<T>> + Send + 'static,
{
    pub(super) fn new(work: F) -> (Box<Self>, oneshot::Receiver<std::result::Result<T, StoreError>>) {
        let (caller, answer) = oneshot::channel();
        (Box::new(Self { work: Some(work), outcome: None, caller }), answer)
    }
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnOnce(&mut Tx<'_>) -> Result<Outcome<T>> + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<bool> {
        let Some(work) = self.work.take() else { return Ok(true) };
        let (outcome, keep) = match work(tx)? {
            Outcome::Keep(outcome) => (outcome, true),
            Outcome::Undo(outcome) => (outcome, false),
        };
        self.outcome = Some(outcome);
        Ok(keep)
    }

    fn answer(self: Box<Self>, fate: std::result::Result<(), StoreError>) {
        let Self { outcome, caller, .. } = *self;
        let answer = fate.and_then(|()| outcome.ok_or_else(|| StoreError("nothing was done".into())));
        // A caller that has gone away does not need it.
        let _ = caller.send(answer);
    }
}

/// Looks whether another process has written, and does nothing else.
pub(super) struct Nudge;

impl Job for Nudge {
    fn run(&mut self, _: &mut Tx<'_>) -> Result<bool> {
        Ok(true)
    }

    fn answer(self: Box<Self>, _: std::result::Result<(), StoreError>) {}
}

pub(super) type Jobs = mpsc::Sender<Box<dyn Job>>;

/// The callers' end of the writer.
pub(super) struct Writer {
    jobs: Mutex<Option<Jobs>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    /// Starts the thread. It ends when the last sender of jobs is gone, and calls `at_end` then.
    pub(super) fn start(
        db: Arc<Mutex<Connection>>,
        memory: Arc<Memory>,
        rows_written: Arc<AtomicU64>,
        at_end: impl FnOnce(&Connection) + Send + 'static,
    ) -> std::io::Result<Self> {
        let (jobs, mut waiting) = mpsc::channel(WAITING_MAX);
        let mut thread = Thread { db, memory, rows_written, data_version: None };
        let run = move || {
            let mut batch = Vec::with_capacity(BATCH_MAX);
            while waiting.blocking_recv_many(&mut batch, BATCH_MAX) > 0 {
                thread.commit(&mut batch);
            }
            at_end(&lock(&thread.db));
        };
        let thread = thread::Builder::new().name("store-writer".into()).spawn(run)?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)) })
    }

    /// Where jobs go, while anybody does them.
    pub(super) fn jobs(&self) -> std::result::Result<Jobs, StoreError> {
        let jobs = lock(&self.jobs).clone().ok_or_else(|| StoreError("it was closed".into()))?;
        if jobs.is_closed() { Err(StoreError("its writer has died".into())) } else { Ok(jobs) }
    }

    /// Takes no more jobs, and finishes those that wait. Whoever calls this first gets the thread to join.
    pub(super) fn stop(&self) -> Option<JoinHandle<()>> {
        drop(lock(&self.jobs).take());
        lock(&self.thread).take()
    }
}

struct Thread {
    db: Arc<Mutex<Connection>>,
    memory: Arc<Memory>,
    rows_written: Arc<AtomicU64>,
    /// Changes when another process has written.
    data_version: Option<i64>,
}

/// What a transaction came to: the fate of each job, and what becomes true.
struct Batch {
    fates: Vec<std::result::Result<(), StoreError>>,
    effects: Vec<Effect>,
}

impl Drop for Thread {
    /// Nobody must wait for a writer that has died.
    fn drop(&mut self) {
        self.memory.uses.settle_all();
    }
}

impl Thread {
    fn commit(&mut self, jobs: &mut Vec<Box<dyn Job>>) {
        let db = self.db.clone();
        let db = lock(&db);
        let mut batch = Batch { fates: Vec::with_capacity(jobs.len()), effects: Vec::new() };
        let committed = self.attempt(&db, jobs, &mut batch);
        if let Err(error) = &committed {
            tracing::error!(%error, jobs = jobs.len(), "a transaction failed");
            roll_back(&db);
            batch.fates.clear();
            batch.fates.extend(jobs.iter().map(|_| Err(store_error(error))));
            self.memory.undo(batch.effects.drain(..));
        }
        self.rows_written.store(db.total_changes(), Ordering::Relaxed);
        drop(db);
        let topics = self.memory.publish(batch.effects);
        for (job, fate) in jobs.drain(..).zip(batch.fates) {
            job.answer(fate);
        }
        for topic in topics {
            self.memory.hub.wake(topic);
        }
    }

    fn attempt(&mut self, db: &Connection, jobs: &mut [Box<dyn Job>], batch: &mut Batch) -> Result<()> {
        run(db, "BEGIN IMMEDIATE")?;
        let data_version = db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.data_version.replace(data_version).is_some_and(|before| before != data_version) {
            self.memory.hub.wake_all();
        }
        for job in jobs {
            let mut tx = Tx { db, memory: &self.memory, effects: Vec::new() };
            run(db, "SAVEPOINT job")?;
            let outcome = job.run(&mut tx);
            let fate = outcome.as_ref().map(|_| ()).map_err(store_error);
            match outcome {
                Ok(true) => batch.effects.append(&mut tx.effects),
                // SQLite has given up the whole transaction.
                Err(error) if db.is_autocommit() => {
                    self.memory.undo(tx.effects.drain(..));
                    return Err(error);
                }
                Ok(false) | Err(_) => {
                    self.memory.undo(tx.effects.drain(..));
                    run(db, "ROLLBACK TO job")?;
                }
            }
            run(db, "RELEASE job")?;
            batch.fates.push(fate);
        }
        run(db, "COMMIT")
    }
}

fn run(db: &Connection, sql: &str) -> Result<()> {
    db.prepare_cached(sql)?.execute([]).map(drop)
}

fn roll_back(db: &Connection) {
    if !db.is_autocommit()
        && let Err(error) = run(db, "ROLLBACK")
    {
        tracing::error!(%error, "a failed transaction can't be rolled back");
    }
}

fn store_error(error: &rusqlite::Error) -> StoreError {
    StoreError(error.to_string())
}

/// A lock that survives a panic elsewhere: SQLite has its own idea of what is whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
