//! A program while it runs.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, bail};

/// How long any program may take for its next line, or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often the end of a program is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// A program while it runs, and the lines that it prints. Dropping it ends it, so none is left behind.
pub(crate) struct Running {
    name: &'static str,
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    /// Starts a program and hands it `input`, if there is any.
    pub(crate) fn start(
        name: &'static str,
        command: &mut Command,
        input: Option<&str>,
    ) -> anyhow::Result<Self> {
        let stdin = if input.is_some() { Stdio::piped() } else { Stdio::null() };
        let started = command.stdin(stdin).stdout(Stdio::piped()).spawn();
        let mut child = started.with_context(|| format!("{name} can't be started"))?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let (send, lines) = mpsc::channel();
        thread::spawn(move || {
            BufReader::new(stdout).lines().map_while(Result::ok).try_for_each(|line| send.send(line))
        });
        let mut running = Self { name, child, lines };
        if let (Some(input), Some(mut stdin)) = (input, running.child.stdin.take()) {
            stdin.write_all(input.as_bytes()).with_context(|| format!("{name} does not read its input"))?;
        }
        Ok(running)
    }

    /// The next line that it prints; none, if it has closed its output.
    pub(crate) fn line(&self) -> anyhow::Result<Option<String>> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => {
                bail!("expected {} to go on; it has been silent for {PATIENCE:?}", self.name)
            }
        }
    }

    /// Asks it to stop, as a service manager does.
    pub(crate) fn terminate(&self) -> anyhow::Result<()> {
        let asked = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status();
        if !asked.context("kill can't be started")?.success() {
            bail!("{} can't be asked to stop", self.name);
        }
        Ok(())
    }

    /// Waits for its end, and answers its exit code.
    pub(crate) fn exit_code(&mut self) -> anyhow::Result<i32> {
        for _ in 0..PATIENCE.as_millis() / LOOK_EVERY.as_millis() {
            if let Some(status) = self.child.try_wait()? {
                return status
                    .code()
                    .with_context(|| format!("{} was ended by a signal: {status}", self.name));
            }
            thread::sleep(LOOK_EVERY);
        }
        bail!("expected {} to end; it still runs after {PATIENCE:?}", self.name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
