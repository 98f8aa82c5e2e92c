//! What other processes change: `server account …` beside a running server.
//!
//! ```text
//!  the other                      the file <database>.lock         the server
//!  changes the database
//!  adds a byte ------------------> one byte longer
//!  says that it is done                            <------ looks at each read of what is in memory
//! ```
//!
//! So whoever was told that an account is disabled can rely on it. What is
//! written without such a byte, by a process that is killed right then or by
//! other programs, the writer notices by itself within a quarter of a second.

use std::fs::File;
use std::io::{self, Write as _};
use std::sync::atomic::{AtomicU64, Ordering};

/// The file by whose length the others tell.
pub(super) struct Outside {
    file: File,
    seen: AtomicU64,
}

impl Outside {
    /// Listens from now on.
    pub(super) fn new(file: File) -> io::Result<Self> {
        let seen = AtomicU64::new(file.metadata()?.len());
        Ok(Self { file, seen })
    }

    /// The news, if there may be any: to be given to [`heard`](Self::heard) once it was dealt with.
    pub(super) fn news(&self) -> Option<u64> {
        let seen = self.seen.load(Ordering::Acquire);
        match self.file.metadata() {
            Ok(file) if file.len() == seen => None,
            Ok(file) => Some(file.len()),
            Err(_) => Some(seen),
        }
    }

    /// What was in the news has been read again.
    pub(super) fn heard(&self, news: u64) {
        self.seen.store(news, Ordering::Release);
    }

    /// Tells the server that something was changed.
    pub(super) fn tell(&self) -> io::Result<()> {
        (&self.file).write_all(b".")
    }
}
