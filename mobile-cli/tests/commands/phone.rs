//! The program, as a test runs it.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use shared::api::LoginRequest;
use tempfile::TempDir;

use crate::fake::Fake;

pub(crate) const PHONE_TOKEN: &str = "ph_7KAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
pub(crate) const CONFIRM_TOKEN: &str = "ct_7KBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";
pub(crate) const SESSION: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";
pub(crate) const ACCOUNT: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAA";
pub(crate) const CODE: &str = "7K0123456789ABCDEFGHJKMNPQ";

/// A phone: a state directory, and the program that uses it.
pub(crate) struct Phone {
    server: String,
    home: TempDir,
}

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) exit: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Phone {
    /// One that is not logged in.
    pub(crate) fn new(fake: &Fake) -> Self {
        Self::at(fake.url())
    }

    /// One that is not logged in at the server of this address.
    pub(crate) fn at(server: String) -> Self {
        Self { server, home: tempfile::tempdir().unwrap() }
    }

    /// One that alice has logged in.
    pub(crate) fn of_alice(fake: &Fake) -> Self {
        let phone = Self::new(fake);
        fake.answers("POST /v1/phones", 201, logged_in());
        assert_eq!(phone.run_with("login alice --password-stdin", b"correct horse").exit, 0);
        phone
    }

    /// One of alice's that has just scanned a login.
    pub(crate) fn with_a_scan(fake: &Fake) -> Self {
        let phone = Self::of_alice(fake);
        fake.answers("POST /v1/scans", 200, scanned());
        assert_eq!(phone.run("scan --code WDJB-MJHT").exit, 0);
        phone
    }

    /// The command, not yet run. Words are told apart by spaces.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mobile-cli"));
        command
            .args(words.split(' '))
            .env("SAOMA_SERVER", &self.server)
            .env("HOME", self.home.path())
            .env("XDG_STATE_HOME", self.home.path().join("state"))
            .env("TZ", "UTC")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("SAOMA_LANG")
            .env_remove("NO_COLOR")
            .current_dir(self.home.path());
        command
    }

    pub(crate) fn run(&self, words: &str) -> Ran {
        self.run_with(words, b"")
    }

    /// Runs a command that reads this from standard input.
    pub(crate) fn run_with(&self, words: &str, stdin: &[u8]) -> Ran {
        self.run_command(self.command(words), stdin)
    }

    /// Runs a command that has been given more than words.
    pub(crate) fn run_command(&self, mut command: Command, stdin: &[u8]) -> Ran {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // A command that needs no input may be gone before it is written.
        _ = child.stdin.take().unwrap().write_all(stdin);
        self.ran(child.wait_with_output().unwrap())
    }

    /// What a command came to, with the server's changing address taken out.
    pub(crate) fn ran(&self, output: Output) -> Ran {
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(&self.server, "SERVER");
        Ran { exit: output.status.code().unwrap(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// What is on disk.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        let folder = std::fs::read_dir(self.home.path().join("state/saoma"));
        folder.map(|files| files.map(|file| file.unwrap().path()).collect()).unwrap_or_default()
    }

    /// Puts a picture where commands are run.
    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.home.path().join(name), bytes).unwrap();
    }

    /// Puts a text into a folder there.
    pub(crate) fn put_below(&self, folder: &str, name: &str, text: &str) {
        let folder = self.home.path().join(folder);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }

    /// Whether the program thinks that it is logged in.
    pub(crate) fn is_logged_in(&self) -> bool {
        self.files().iter().any(|file| file.to_string_lossy().ends_with(".phone.json"))
    }

    /// Whether a login waits to be decided.
    pub(crate) fn has_a_scan(&self) -> bool {
        self.files().iter().any(|file| file.to_string_lossy().ends_with(".scan.json"))
    }
}

impl Ran {
    /// The object on standard output, and nothing beside it.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Asserts that it failed in the way that all failures have: one line on standard error, nothing else.
    #[track_caller]
    pub(crate) fn assert_failed(&self, exit: i32, says: &str) {
        assert_eq!(self.exit, exit, "{self:?}");
        assert!(self.stdout.is_empty(), "{self:?}");
        let is_ours = ["mobile-cli: ", "mobile-cli："].iter().any(|ours| self.stderr.starts_with(ours));
        assert!(is_ours && self.stderr.lines().count() == 1, "{self:?}");
        assert!(self.stderr.contains(says), "{self:?}");
    }

    /// Asserts that it was done, or else that it failed.
    #[track_caller]
    pub(crate) fn assert_failed_unless(&self, done: bool) {
        assert_eq!(self.exit == 0, done, "{self:?}");
    }

    /// Asserts that it was done, and says this.
    #[track_caller]
    pub(crate) fn assert_done(&self, says: &str) {
        assert_eq!(self.exit, 0, "{self:?}");
        assert!(self.stdout.contains(says) && self.stderr.is_empty(), "{self:?}");
    }
}

/// A log-in's answer.
pub(crate) fn logged_in() -> Value {
    json!({"phone_token": PHONE_TOKEN, "account": {"id": ACCOUNT, "username": "alice"}, "session_id": SESSION})
}

/// The answer to who this is.
pub(crate) fn me() -> Value {
    json!({"id": ACCOUNT, "username": "alice", "session_id": SESSION})
}

/// A scan's answer.
pub(crate) fn scanned() -> Value {
    let login = LoginRequest {
        requested_at: "2026-11-23T12:18:03Z".parse().unwrap(),
        ip: Some("192.0.2.7".to_owned()),
        same_network: Some(false),
        device_name: Some("ThinkPad".to_owned()),
        device_os: Some("Debian 12".to_owned()),
        device_app: Some("pc-tui 0.1".to_owned()),
        known_pc: Some(false),
        last_seen_at: None,
        scope: None,
    };
    json!({"confirm_token": CONFIRM_TOKEN, "expires_in": 108, "login": login})
}
