//! What only SQLite has to promise: its file, and the processes around it.

mod beside;
mod crash;
mod files;

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use server::store::sqlite::SqliteStore;

use crate::clock;
use crate::world::World;

/// Tells a child process which database is meant. Without it, a child does nothing.
const DATABASE: &str = "SAOMA_TEST_DATABASE";

/// This very program as another process, to run one of its ignored tests.
fn child(test: &str, database: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--ignored", "--nocapture"]).env(DATABASE, database);
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// A world on a file that outlives it.
fn open(path: &Path) -> World {
    World::on(Arc::new(SqliteStore::open(path, clock()).unwrap()), crate::world::Place::Memory)
}

/// Why a file can't be opened, in words.
fn refusal(path: &Path) -> String {
    SqliteStore::open(path, clock()).err().expect("it can't be opened").to_string()
}
