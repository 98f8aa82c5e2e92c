//! Reads: on connections that can do nothing else, as many as threads read at once.
//!
//! A read is an indexed look-up of some ten microseconds, so it is made on
//! the spot. It sees the tables, which lack what the journal still has: whoever
//! reads what a step brings along has that posted first.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::{Connection, Result};

use super::open;
use super::writer::lock;

/// Where reads are made.
pub(super) enum Reader {
    /// On connections of their own. None is shared, so nobody waits; none idles beyond what was needed once.
    File { path: PathBuf, idle: Mutex<Vec<Connection>> },
    /// On the writer's, between its transactions: a database in memory has no other.
    Memory(Arc<Mutex<Connection>>),
}

impl Reader {
    /// Reads of a file.
    pub(super) fn file(path: &Path) -> Self {
        Self::File { path: path.to_owned(), idle: Mutex::default() }
    }

    /// Reads.
    pub(super) fn read<T>(&self, read: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        match self {
            Self::File { path, idle } => {
                let waiting = lock(idle).pop();
                let db = waiting.map_or_else(|| open::read_only(path), Ok)?;
                let found = read(&db);
                // One that failed may be broken; the next read opens another.
                if found.is_ok() {
                    lock(idle).push(db);
                }
                found
            }
            Self::Memory(db) => read(&lock(db)),
        }
    }

    /// Lets go of the connections that nobody uses.
    pub(super) fn let_go(&self) {
        if let Self::File { idle, .. } = self {
            lock(idle).clear();
        }
    }
}
