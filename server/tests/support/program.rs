//! The real program, as a child process.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use shared::client::Client;
use shared::code::PublicUrl;

/// A running server, which is killed with its test.
pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) url: PublicUrl,
    pub(crate) addr: String,
}

/// The program with some arguments.
pub(crate) fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_server"));
    command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command to its end.
pub(crate) fn run(args: &[&str], stdin: &str) -> Output {
    let mut child = command(args).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

impl Program {
    /// Starts a server on a database, and waits until it listens.
    pub(crate) fn start(database: &Path, listen: &str, more: &[&str]) -> Self {
        Self::start_logging(database, listen, more, Stdio::null())
    }

    /// As [`start`](Self::start), with its log kept.
    pub(crate) fn start_logging(database: &Path, listen: &str, more: &[&str], log: impl Into<Stdio>) -> Self {
        Self::start_on(&format!("sqlite:{}", database.display()), listen, more, log)
    }

    /// Starts a server on any store.
    pub(crate) fn start_on(store: &str, listen: &str, more: &[&str], log: impl Into<Stdio>) -> Self {
        let mut args = vec!["--store", store, "--listen", listen, "--open-registration"];
        args.extend(more);
        let mut child = command(&args).stderr(log).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let shown = line.trim().strip_prefix("listening on ").unwrap_or_else(|| panic!("{line:?}"));
        let url = PublicUrl::parse(shown).unwrap();
        let addr = shown.split_once("://").unwrap().1.to_owned();
        Self { child, url, addr }
    }

    /// The typed client of it.
    pub(crate) fn client(&self) -> Client {
        Client::new(self.url.clone(), "tests").unwrap()
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM; answers the exit code, or none if it took more than ten seconds.
    pub(crate) fn terminate(mut self) -> Option<i32> {
        Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        for _ in 0..100 {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        None
    }

    /// What else it printed, after it ended.
    pub(crate) fn rest_of_output(&mut self) -> String {
        let mut rest = String::new();
        self.child.stdout.as_mut().unwrap().read_to_string(&mut rest).unwrap();
        rest
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
