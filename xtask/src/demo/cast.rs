//! Who plays: the house with the programs in it, a server, and Alice's phone.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use serde_json::Value;
use tempfile::TempDir;

use super::running::Running;
use crate::root;

/// Whose phone it is, and so who will be logged in.
pub(crate) const NAME: &str = "alice";
const PASSWORD: &str = "a password for the demo\n";
const PROGRAMS: [&str; 3] = ["server", "pc-tui", "mobile-cli"];
/// How much of a log is shown when something went wrong.
const LOG_LINES_SHOWN: usize = 20;

/// The programs, and the folder where they keep everything. It goes when the demo ends.
pub(crate) struct House {
    folder: TempDir,
    programs: HashMap<String, PathBuf>,
}

impl House {
    /// Builds the programs.
    pub(crate) fn build() -> anyhow::Result<Self> {
        Self::build_with(&PROGRAMS.map(|program| ["--package", program]).concat())
    }

    /// Builds them together with all tests, as the test runner does: what one of the two has built, the other has not
    /// to build again.
    pub(crate) fn build_with_tests() -> anyhow::Result<Self> {
        Self::build_with(&["--workspace", "--lib", "--bins", "--tests"])
    }

    fn build_with(targets: &[&str]) -> anyhow::Result<Self> {
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--locked", "--message-format=json-render-diagnostics"]).args(targets);
        let built = cargo.current_dir(root()).stderr(Stdio::inherit()).output();
        let built = built.context("cargo can't be started")?;
        if !built.status.success() {
            bail!("the programs can't be built");
        }
        let messages = built.stdout.split(|byte| *byte == b'\n');
        let programs = messages
            .filter_map(|line| serde_json::from_slice::<Value>(line).ok())
            .filter(|message| message["profile"]["test"] == false)
            .filter_map(|message| {
                let name = message["target"]["name"].as_str()?;
                Some((name.to_owned(), message["executable"].as_str()?.into()))
            })
            .collect();
        let folder = tempfile::Builder::new().prefix("saoma-demo-").tempdir()?;
        Ok(Self { folder, programs })
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Where a program was built.
    pub(crate) fn program(&self, name: &str) -> anyhow::Result<&Path> {
        let path = self.programs.get(name).with_context(|| format!("cargo built no program {name}"))?;
        Ok(path)
    }

    /// A program, ready to be given arguments. It is not touched by the caller's own settings, and what it
    /// logs goes into a file.
    pub(crate) fn command(&self, name: &str) -> anyhow::Result<Command> {
        let mut command = Command::new(self.program(name)?);
        for (setting, _) in std::env::vars_os() {
            if setting.to_string_lossy().starts_with("SAOMA_") {
                command.env_remove(setting);
            }
        }
        let log = File::options().create(true).append(true).open(self.path(&format!("{name}.log")))?;
        command.stderr(log);
        Ok(command)
    }

    /// Shows the end of every log: something went wrong.
    pub(crate) fn print_logs(&self) {
        for name in PROGRAMS {
            let log = fs::read_to_string(self.path(&format!("{name}.log"))).unwrap_or_default();
            let lines: Vec<_> = log.lines().collect();
            if !lines.is_empty() {
                eprintln!("\nthe last that {name} logged:");
                let shown = lines.len().saturating_sub(LOG_LINES_SHOWN);
                lines[shown..].iter().for_each(|line| eprintln!("  {line}"));
            }
        }
    }
}

/// A server that accepts requests.
pub(crate) struct Server {
    running: Running,
    /// Its address, `http://127.0.0.1:PORT`.
    pub(crate) url: String,
}

impl Server {
    /// Starts one on any free port, and waits for its line.
    pub(crate) fn start(house: &House, store: &str, more: &[&str]) -> anyhow::Result<Self> {
        let mut command = house.command("server")?;
        command.args(["--listen", "127.0.0.1:0", "--open-registration", "--store", store]).args(more);
        // What it keeps beside its database belongs into the folder, too.
        command.current_dir(house.path(""));
        let running = Running::start("the server", &mut command, None)?;
        let line = running.line()?.unwrap_or_default();
        let Some(url) = line.strip_prefix("listening on ") else {
            bail!("expected the server to print `listening on http://ADDR`; it printed `{line}`");
        };
        Ok(Self { url: url.to_owned(), running })
    }

    /// Asks it to stop, and answers its exit code.
    pub(crate) fn stop(mut self) -> anyhow::Result<i32> {
        self.running.terminate()?;
        self.running.exit_code()
    }
}

/// Alice's phone, registered and logged in.
pub(crate) struct Phone<'a> {
    house: &'a House,
    server: String,
}

impl<'a> Phone<'a> {
    /// Makes Alice's account and logs her phone in.
    pub(crate) fn set_up(house: &'a House, server: &Server) -> anyhow::Result<Self> {
        let phone = Self { house, server: server.url.clone() };
        phone.run(&["register", NAME, "--password-stdin"], Some(PASSWORD))?;
        let device = format!("--device-name={NAME}'s phone");
        phone.run(&["login", NAME, &device, "--password-stdin"], Some(PASSWORD))?;
        Ok(phone)
    }

    /// Scans the code in a picture. Answers what the phone shows.
    pub(crate) fn scan(&self, picture: &Path) -> anyhow::Result<Vec<String>> {
        self.run(&["scan", &picture.to_string_lossy()], None)
    }

    /// Confirms the login that was scanned last.
    pub(crate) fn confirm(&self) -> anyhow::Result<Vec<String>> {
        self.run(&["confirm", "--yes"], None)
    }

    /// Denies it.
    pub(crate) fn deny(&self) -> anyhow::Result<Vec<String>> {
        self.run(&["deny", "--yes"], None)
    }

    /// The folder with its program.
    pub(crate) fn programs(&self) -> anyhow::Result<&Path> {
        self.house.program("mobile-cli")?.parent().context("a program is in a folder")
    }

    /// What a person types with every command of this phone.
    pub(crate) fn options(&self) -> String {
        format!("--server {} --state-dir {}", self.server, self.house.path("phone").display())
    }

    fn run(&self, args: &[&str], input: Option<&str>) -> anyhow::Result<Vec<String>> {
        let mut command = self.house.command("mobile-cli")?;
        command.args(["--server", &self.server, "--state-dir"]).arg(self.house.path("phone")).args(args);
        let mut running = Running::start("the phone", &mut command, input)?;
        let mut shown = Vec::new();
        while let Some(line) = running.line()? {
            shown.push(line);
        }
        match running.exit_code()? {
            0 => Ok(shown),
            code => bail!(
                "expected `mobile-cli {}` to exit with 0; it exited with {code} after printing:\n{}",
                args.join(" "),
                shown.join("\n")
            ),
        }
    }
}
