//! The one thread that writes.
//!
//! ```text
//!  callers                 writer                                    disk
//!  ------- jobs -------->  takes whatever waits
//!                          BEGIN IMMEDIATE
//!                            posts the journal, if a job needs the tables
//!                            one job, the next job ...
//!                            posts some of it, if it is long
//!                          COMMIT ------------------------ one sync -> WAL
//!                          publishes to memory
//!  <------ answers ------  answers everybody, then wakes who waits
//! ```
//!
//! The slower the disk, the more jobs share a sync. A job looks before it
//! writes, so one that has to be undone is rare: then the transaction begins
//! again, with a savepoint around each job, and only that one is undone. A
//! transaction that fails undoes everything, in memory too.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use rusqlite::{Connection, Result};
use shared::id::{LoginId, SessionId};
use shared::login::Login;
use tokio::sync::{mpsc, oneshot};

use super::journal::{Entry, Journal};
use super::memory::Memory;
use super::sessions::{self, Standing};
use crate::store::{LoginKey, Map, StoreError, Topic};

/// How many jobs may wait; callers beyond that wait to get in. Even a disk that does 100 syncs a second clears
/// this many in a tenth of one.
const WAITING_MAX: usize = 4096;
/// The most jobs in one transaction: enough for the sync to be shared, few enough for its first job not to
/// wait long for its last.
const BATCH_MAX: usize = 512;
/// How many steps the journal holds, as a rule: those of the logins of a tenth of a second under full load. By then
/// most of them have all their steps.
pub(super) const HELD: usize = 4096;
/// How many steps are posted at once while calls wait: some milliseconds.
const POSTED_AT_ONCE: usize = 1024;

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
    /// A step is in the journal.
    Entered(Entry),
    /// A step is in the tables.
    Posted(Entry),
    /// A session has ended or changed.
    SessionChanged(SessionId),
    /// Nobody says which sessions have ended.
    SessionsChanged,
    /// A use of a session is in the tables.
    Seen(SessionId, Timestamp),
    /// A session is no longer in doubt. Also if it does not become durable.
    Settle(SessionId),
    /// Somebody may wait for this.
    Wake(Topic),
}

/// The transaction, as a job sees it.
pub(super) struct Tx<'a> {
    pub(super) db: &'a Connection,
    pub(super) memory: &'a Memory,
    journal: &'a mut Journal,
    batch: &'a mut Batch,
}

impl Tx<'_> {
    /// Makes something true in memory, if and when all that the job writes is durable.
    pub(super) fn then(&mut self, effect: Effect) {
        self.batch.has_changed_sessions |=
            matches!(effect, Effect::SessionChanged(_) | Effect::SessionsChanged);
        self.batch.effects.push(effect);
    }

    /// The sessions, as this transaction sees them in the tables.
    pub(super) fn standing(&self, now: Timestamp) -> Standing<'_> {
        Standing { db: self.db, uses: &self.memory.uses, now }
    }

    /// Whether a phone session is valid.
    pub(super) fn phone_is_valid(&self, phone: SessionId, now: Timestamp) -> Result<bool> {
        let Memory { kept, uses, .. } = self.memory;
        // What is in memory is what the disk had when this transaction began.
        let is_known = !self.batch.has_changed_sessions && kept.phone_is_valid(phone, uses, now);
        if is_known { Ok(true) } else { Ok(self.standing(now).phone_by_id(phone)?.is_some()) }
    }

    /// The revision of a login.
    pub(super) fn revision(&self, login: LoginId) -> Option<u64> {
        let entered = self.batch.revisions.get(&login).copied();
        entered.or_else(|| Some(self.memory.live().find(&LoginKey::Id(login))?.revision))
    }

    /// Whether a step that is not posted has begun this session.
    pub(super) fn has_begun(&self, session: SessionId) -> bool {
        let is_it = |entry: &Entry| entry.session().is_some_and(|begun| begun.id == session);
        self.memory.kept.is_fresh(session) || self.journal.entered_now().any(is_it)
    }

    /// Writes a step of a login down.
    pub(super) fn enter(&mut self, entry: &Entry) -> Result<()> {
        self.journal.enter(self.db, entry.clone())?;
        self.batch.revisions.insert(entry.login(), entry.revision());
        self.then(Effect::Entered(entry.clone()));
        Ok(())
    }
}

/// What a job needs of the tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Needs {
    /// Nothing that the journal may hold.
    Nothing,
    /// To be brought up to date, if nothing else is to be done.
    Some,
    /// To be up to date.
    All,
}

/// One caller's write.
pub(super) trait Job: Send {
    /// What is to be posted before.
    fn needs(&self) -> Needs;
    /// Writes. False: undo what was written. May be called again, after all that it did was undone.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<bool>;
    /// Tells the caller what came of it.
    fn answer(self: Box<Self>, fate: std::result::Result<(), StoreError>);
}

/// A job that somebody waits for.
pub(super) struct Call<T, F> {
    needs: Needs,
    work: F,
    outcome: Option<T>,
    caller: oneshot::Sender<std::result::Result<T, StoreError>>,
}

impl<T, F> Call<T, F>
where
    T: Send + 'static,
    F: FnMut(&mut Tx<'_>) -> Result<Outcome<T>> + Send + 'static,
{
    pub(super) fn new(
        needs: Needs,
        work: F,
    ) -> (Box<Self>, oneshot::Receiver<std::result::Result<T, StoreError>>) {
        let (caller, answer) = oneshot::channel();
        (Box::new(Self { needs, work, outcome: None, caller }), answer)
    }
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<Outcome<T>> + Send,
{
    fn needs(&self) -> Needs {
        self.needs
    }

    fn run(&mut self, tx: &mut Tx<'_>) -> Result<bool> {
        let (outcome, keep) = match (self.work)(tx)? {
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

/// Does nothing but what the writer does with every job: it looks whether another process has written, and posts.
pub(super) struct Nudge(pub(super) Needs);

impl Job for Nudge {
    fn needs(&self) -> Needs {
        self.0
    }

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
        let mut thread = Thread { db, memory, journal: Journal::default(), rows_written, data_version: None };
        let run = move || {
            let mut jobs = Vec::with_capacity(BATCH_MAX);
            while waiting.blocking_recv_many(&mut jobs, BATCH_MAX) > 0 {
                // Where callers share this thread's core, those that are ready come first: their jobs share the sync.
                thread::yield_now();
                while jobs.len() < BATCH_MAX
                    && let Ok(job) = waiting.try_recv()
                {
                    jobs.push(job);
                }
                thread.commit(&mut jobs);
            }
            if thread.journal.len() > 0 {
                thread.commit(&mut vec![Box::new(Nudge(Needs::All))]);
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
    journal: Journal,
    rows_written: Arc<AtomicU64>,
    /// Changes when another process has written. None: nothing is known of the disk.
    data_version: Option<i64>,
}

/// What a transaction comes to.
#[derive(Default)]
struct Batch {
    /// The fate of each job.
    fates: Vec<std::result::Result<(), StoreError>>,
    /// What becomes true.
    effects: Vec<Effect>,
    /// The logins that it changes, as they are to be.
    revisions: Map<LoginId, u64>,
    /// Whether it ends or changes sessions: then only the tables know which are valid.
    has_changed_sessions: bool,
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
        let mut batch = Batch::default();
        match self.attempt(&db, jobs, &mut batch) {
            Ok(()) => self.journal.committed(),
            Err(error) => {
                tracing::error!(%error, jobs = jobs.len(), "a transaction failed");
                self.undo(&db, &mut batch);
                batch.fates.extend(jobs.iter().map(|_| Err(store_error(&error))));
                // Whatever it came to, the next one begins with what the disk has.
                self.data_version = None;
            }
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
        self.begin(db)?;
        if !self.run_all(db, jobs, batch)? {
            self.undo(db, batch);
            self.begin(db)?;
            self.run_each(db, jobs, batch)?;
        }
        if jobs.iter().any(|job| job.needs() == Needs::Some) {
            self.post(db, batch, POSTED_AT_ONCE)?;
        } else if self.journal.len() > HELD {
            self.post_steps(db, batch, POSTED_AT_ONCE)?;
        }
        run(db, "COMMIT")
    }

    fn begin(&mut self, db: &Connection) -> Result<()> {
        run(db, "BEGIN IMMEDIATE")?;
        let data_version = db.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if self.data_version != Some(data_version) {
            self.journal = Journal::load(db)?;
            self.memory.kept.begin_again(self.journal.iter());
            if self.data_version.replace(data_version).is_some() {
                self.memory.hub.wake_all();
            }
        }
        Ok(())
    }

    /// Runs the jobs. False if one of them would have to be undone by itself.
    fn run_all(&mut self, db: &Connection, jobs: &mut [Box<dyn Job>], batch: &mut Batch) -> Result<bool> {
        for job in jobs {
            if job.needs() == Needs::All {
                self.post(db, batch, usize::MAX)?;
            }
            let (before, effects) = (db.total_changes(), batch.effects.len());
            match self.run(db, job, batch) {
                Ok(true) => {}
                Ok(false) if db.total_changes() == before => {
                    self.memory.undo(batch.effects.drain(effects..));
                }
                Ok(false) | Err(_) => return Ok(false),
            }
            batch.fates.push(Ok(()));
        }
        Ok(true)
    }

    /// Runs the jobs, each so that it can be undone by itself.
    fn run_each(&mut self, db: &Connection, jobs: &mut [Box<dyn Job>], batch: &mut Batch) -> Result<()> {
        for job in jobs {
            if job.needs() == Needs::All {
                self.post(db, batch, usize::MAX)?;
            }
            let (mark, effects, revisions) =
                (self.journal.mark(), batch.effects.len(), batch.revisions.clone());
            run(db, "SAVEPOINT job")?;
            let outcome = self.run(db, job, batch);
            let fate = outcome.as_ref().map(|_| ()).map_err(store_error);
            match outcome {
                Ok(true) => {}
                // SQLite has given up the whole transaction.
                Err(error) if db.is_autocommit() => return Err(error),
                Ok(false) | Err(_) => {
                    self.memory.undo(batch.effects.drain(effects..));
                    batch.revisions = revisions;
                    self.journal.return_to(mark);
                    run(db, "ROLLBACK TO job")?;
                }
            }
            run(db, "RELEASE job")?;
            batch.fates.push(fate);
        }
        Ok(())
    }

    fn run(&mut self, db: &Connection, job: &mut Box<dyn Job>, batch: &mut Batch) -> Result<bool> {
        job.run(&mut Tx { db, memory: &self.memory, journal: &mut self.journal, batch })
    }

    /// Brings the tables up to date: uses of sessions, and `at_most` so many steps.
    fn post(&mut self, db: &Connection, batch: &mut Batch, at_most: usize) -> Result<()> {
        self.post_steps(db, batch, at_most)?;
        for (session, at) in self.memory.uses.take_due() {
            batch.effects.push(Effect::Seen(session, at));
            sessions::seen(db, session, at)?;
        }
        Ok(())
    }

    fn post_steps(&mut self, db: &Connection, batch: &mut Batch, at_most: usize) -> Result<()> {
        let posted = self.journal.post(db, at_most)?;
        batch.effects.extend(posted.into_iter().map(Effect::Posted));
        Ok(())
    }

    /// Undoes a transaction, in memory too.
    fn undo(&mut self, db: &Connection, batch: &mut Batch) {
        roll_back(db);
        self.journal.rolled_back();
        self.memory.undo(batch.effects.drain(..));
        *batch = Batch::default();
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
