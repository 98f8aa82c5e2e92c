//! A thread that keeps the write-ahead log short, and looks for other processes' writes.
//!
//! The writer never checkpoints: copying a thousand pages back into the
//! database would be the slowest call of every thousand. Done here it costs
//! nobody anything, until writes come faster than they can be copied; then the
//! log is begun anew, which makes the writer wait once for the last few pages.
//! The file keeps its length: to write over what is there is cheaper than to
//! make it longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::{Connection, Result};
use tokio::sync::mpsc::WeakSender;

use super::writer::{Job, Jobs, Needs, Nudge};

/// How often it looks. Within this time a waiter hears of what another process did.
const TICK: Duration = Duration::from_millis(250);
/// After how many written rows a checkpoint pays: about as many pages, 16 MB at most.
const CHECKPOINT_EVERY: u64 = 4000;
/// How many pages the log may have before writers wait for its end: 64 MB.
const LOG_MAX: u64 = 16_384;
/// How long it waits for readers to leave a log that is to be begun anew, while writers wait for it.
const RESTART_WITHIN: Duration = Duration::from_millis(100);

/// The thread, until it is dropped or stopped.
pub(super) struct Housekeeper {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Housekeeper {
    /// Starts it, on a connection of its own.
    pub(super) fn start(db: Connection, jobs: &Jobs, rows_written: Arc<AtomicU64>) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let rounds = Rounds { db, jobs: jobs.downgrade(), rows_written, checkpointed: 0, stopped };
        let thread = thread::Builder::new().name("store-housekeeper".into()).spawn(|| rounds.run())?;
        Ok(Self { stop, thread })
    }

    /// Tells it to stop, and hands out what to join.
    pub(super) fn stop(self) -> JoinHandle<()> {
        drop(self.stop);
        self.thread
    }
}

struct Rounds {
    db: Connection,
    jobs: WeakSender<Box<dyn Job>>,
    rows_written: Arc<AtomicU64>,
    /// How many rows had been written at the last checkpoint.
    checkpointed: u64,
    stopped: Receiver<()>,
}

impl Rounds {
    fn run(mut self) {
        while self.stopped.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
            if let Some(jobs) = self.jobs.upgrade() {
                // A writer whose queue is full is about to look by itself.
                let _ = jobs.try_send(Box::new(Nudge(Needs::Some)));
            }
            if let Err(error) = self.checkpoint() {
                tracing::warn!(%error, "a checkpoint failed; the log grows until one succeeds");
            }
        }
    }

    fn checkpoint(&mut self) -> Result<()> {
        let written = self.rows_written.load(Ordering::Relaxed);
        if written.saturating_sub(self.checkpointed) < CHECKPOINT_EVERY {
            return Ok(());
        }
        let pages = checkpoint(&self.db, "PASSIVE")?;
        self.checkpointed = written;
        if pages > LOG_MAX {
            // Once more, for what came meanwhile: then only a few are left while the writer waits.
            checkpoint(&self.db, "PASSIVE")?;
            self.db.busy_timeout(RESTART_WITHIN)?;
            checkpoint(&self.db, "RESTART")?;
        }
        Ok(())
    }
}

/// Copies the log into the database, as far as the mode demands. Answers how many pages the log has.
pub(super) fn checkpoint(db: &Connection, mode: &str) -> Result<u64> {
    let pages = db.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |row| row.get::<_, i64>(1))?;
    // None at all, where another checkpoint is under way.
    Ok(u64::try_from(pages).unwrap_or_default())
}
