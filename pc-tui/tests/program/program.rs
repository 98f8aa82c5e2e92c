//! The program, started.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader, Lines};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::time::timeout;

use crate::fake::{Fake, PATIENCE};

/// A program that runs, and what it says.
pub(crate) struct Program {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    stderr: ChildStderr,
}

/// How a program ended.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct End {
    pub(crate) exit: i32,
    /// The lines that nobody had read.
    pub(crate) rest: Vec<String>,
    pub(crate) stderr: String,
}

/// The command for a server, with its state in a folder of the test.
pub(crate) fn command(server: &str, state_dir: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pc-tui"));
    command
        .args(["--server", server, "--state-dir"])
        .arg(state_dir)
        .args(args)
        .env_remove("SAOMA_LANG")
        .env_remove("NO_COLOR")
        .env("LC_ALL", "C.UTF-8")
        .stdin(Stdio::null())
        .kill_on_drop(true);
    command
}

/// Sends a signal. The shell's own `kill` is there on every machine.
pub(crate) async fn signal(child: &Child, name: &str) {
    let id = child.id().expect("it still runs").to_string();
    let kill = ["-c", r#"kill -s "$0" "$1""#, name, &id];
    assert!(Command::new("sh").args(kill).status().await.unwrap().success());
}

impl Program {
    /// Starts it without a terminal.
    pub(crate) fn start(fake: &Fake, state_dir: &Path, args: &[&str]) -> Self {
        Self::spawn(command(&fake.url(), state_dir, args))
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = child.stderr.take().unwrap();
        Self { child, lines, stderr }
    }

    /// The next line that it prints.
    pub(crate) async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await.expect("a line in time");
        line.unwrap().expect("one more line")
    }

    /// Writes lines to its standard input, and ends that.
    pub(crate) async fn writes(&mut self, lines: &str) {
        let mut stdin = self.child.stdin.take().expect("it was started with a pipe");
        stdin.write_all(lines.as_bytes()).await.unwrap();
    }

    /// The next line, an object, as its event and its most telling member.
    pub(crate) async fn event(&mut self) -> String {
        told(&self.line().await)
    }

    pub(crate) async fn signal(&self, name: &str) {
        signal(&self.child, name).await;
    }

    /// Kills it, so that it finishes nothing.
    pub(crate) async fn kill(mut self) {
        self.signal("KILL").await;
        assert_eq!(self.child.wait().await.unwrap().code(), None, "it had ended by itself");
    }

    /// Reads no further: whoever has read its output is gone.
    pub(crate) fn hang_up(self) -> HungUp {
        HungUp(self.child, self.stderr)
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> End {
        let wait = async {
            let mut rest = Vec::new();
            while let Some(line) = self.lines.next_line().await.unwrap() {
                rest.push(line);
            }
            let mut stderr = String::new();
            self.stderr.read_to_string(&mut stderr).await.unwrap();
            let exit = self.child.wait().await.unwrap().code().expect("it ended by itself");
            End { exit, rest, stderr }
        };
        timeout(PATIENCE, wait).await.expect("it ends in time")
    }
}

/// A program whose output nobody reads any more.
pub(crate) struct HungUp(Child, ChildStderr);

impl HungUp {
    pub(crate) async fn end(mut self) -> (i32, String) {
        let mut stderr = String::new();
        timeout(PATIENCE, self.1.read_to_string(&mut stderr)).await.expect("it ends in time").unwrap();
        (self.0.wait().await.unwrap().code().unwrap(), stderr)
    }
}

/// An object as its event and its most telling member.
pub(crate) fn told(line: &str) -> String {
    let object: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("no object: {line}"));
    let member = ["scan_url", "status", "username"].into_iter().find_map(|name| object[name].as_str());
    format!("{} {}", object["event"].as_str().unwrap(), member.unwrap())
}
