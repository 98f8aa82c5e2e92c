//! The real screen in a real terminal (tmux), against the real server, through all its states.
//!
//! The server runs in this process on a clock that the test holds, so that two minutes pass when the test
//! says so. The phone is the typed client; what it scans is read off the terminal.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::Duration;

use server::clock::Clock;
use server::store::sqlite::SqliteStore;
use server::{App, Listener, Settings};
use shared::api::{Password, PhoneLogin, Registration, ScanRequest};
use shared::client::{Client, Phone};
use shared::code::PublicUrl;
use shared::random::OsRandom;
use shared::secret::ServerSecret;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long a screen may take to show what is expected, on a busy machine.
const SHOWN_WITHIN: Duration = Duration::from_secs(20);

/// A terminal of 80 × 24 in a tmux of its own, which ends with its test.
struct Terminal {
    directory: TempDir,
}

impl Terminal {
    fn start(program: &str) -> Self {
        let terminal = Self { directory: tempfile::tempdir().unwrap() };
        let started =
            terminal.tmux(&["-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", program]);
        assert!(started.status.success(), "{}", String::from_utf8_lossy(&started.stderr));
        terminal
    }

    fn tmux(&self, args: &[&str]) -> Output {
        let mut tmux = Command::new("tmux");
        tmux.arg("-u")
            .arg("-S")
            .arg(self.directory.path().join("tmux"))
            .args(args)
            .env("LC_ALL", "C.UTF-8")
            .env_remove("SAOMA_LANG")
            .env_remove("TMUX");
        tmux.output().expect("tmux is installed")
    }

    fn screen(&self) -> String {
        String::from_utf8(self.tmux(&["capture-pane", "-p"]).stdout).unwrap()
    }

    fn press(&self, key: &str) {
        self.tmux(&["send-keys", key]);
    }

    /// Waits until the screen shows a text, and answers the screen.
    async fn shows(&self, text: &str) -> String {
        let shown = async {
            loop {
                let screen = self.screen();
                if screen.contains(text) {
                    return screen;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let shown = tokio::time::timeout(SHOWN_WITHIN, shown).await;
        shown.unwrap_or_else(|_| panic!("{text:?} is not on the screen:\n{}", self.screen()))
    }

    /// Waits for another code than `before`, and answers its link.
    async fn shows_link(&self, url: &PublicUrl, before: &str) -> String {
        let start = url.as_str().to_uppercase() + "/Q/";
        let linked = async {
            loop {
                let screen = self.screen();
                let link = screen.split_whitespace().find(|word| word.starts_with(&start) && *word != before);
                if let Some(link) = link.filter(|_| screen.contains("Log in with your phone")) {
                    return link.to_owned();
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let linked = tokio::time::timeout(SHOWN_WITHIN, linked).await;
        linked.unwrap_or_else(|_| panic!("no new link on the screen:\n{}", self.screen()))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.tmux(&["kill-server"]);
    }
}

/// A server that can be stopped.
struct Server {
    clock: Clock,
    client: Client,
    stop: oneshot::Sender<()>,
    served: JoinHandle<std::io::Result<()>>,
}

impl Server {
    async fn start() -> Self {
        let clock = Clock::held("2026-11-23T12:00:00Z".parse().unwrap());
        let socket = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = PublicUrl::parse(&format!("http://{}", socket.local_addr().unwrap())).unwrap();
        let settings = Settings { open_registration: true, ..Settings::new(url.clone()) };
        let store = Arc::new(SqliteStore::in_memory(clock.clone()).unwrap());
        let secret = ServerSecret::generate(&OsRandom);
        let app = App::new(settings, store, clock.clone(), Arc::new(OsRandom), secret);
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            let _ = stopped.await;
        };
        let served = tokio::spawn(server::serve(Listener { socket, tls: None }, app, shutdown));
        Self { clock, client: Client::new(url, "tests").unwrap(), stop, served }
    }

    async fn phone(&self) -> Phone {
        let password = Password::new("correct horse battery staple".to_owned());
        let body = Registration { username: "alice".to_owned(), password: password.clone() };
        self.client.register(&body).await.unwrap();
        let body = PhoneLogin { username: "alice".to_owned(), password, device_name: None };
        self.client.phone(self.client.log_in(&body).await.unwrap().phone_token)
    }
}

fn command(url: &PublicUrl, state_dir: &Path) -> String {
    let program = env!("CARGO_BIN_EXE_pc-tui");
    format!(
        "LC_ALL=C.UTF-8 '{program}' --server {url} --state-dir '{}'; echo ended with $?; cat",
        state_dir.display()
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn the_screen_goes_through_all_its_states() {
    let server = Server::start().await;
    let phone = server.phone().await;
    let url = server.client.server().clone();
    let state_dir = tempfile::tempdir().unwrap();
    let terminal = Terminal::start(&command(&url, state_dir.path()));
    let scan = async |link: &str| {
        let code = url.scan_code_in(link).unwrap();
        phone.scan(&ScanRequest::scan_code(&code)).await.unwrap().confirm_token
    };

    // Unscanned, scanned, denied.
    let link = terminal.shows_link(&url, "").await;
    let token = scan(&link).await;
    terminal.shows("Scanned by a***e").await;
    phone.deny(&token, false).await.unwrap();
    terminal.shows("Denied on the phone").await;

    // A new code; expired, and renewed by itself.
    terminal.press("r");
    let second = terminal.shows_link(&url, &link).await;
    server.clock.advance(Duration::from_mins(2));
    let third = terminal.shows_link(&url, &second).await;

    // Scanned, confirmed, logged in. The next start is logged in already.
    let token = scan(&third).await;
    phone.confirm(&token).await.unwrap();
    terminal.shows("Logged in as alice").await;
    terminal.press("q");
    terminal.shows("ended with 0").await;
    drop(terminal);
    let terminal = Terminal::start(&command(&url, state_dir.path()));
    terminal.shows("Logged in as alice").await;

    // Logged out: the session is gone at the server, and a new code is there.
    assert_eq!(phone.sessions().await.unwrap().sessions.len(), 2);
    terminal.press("l");
    let fourth = terminal.shows_link(&url, &third).await;
    assert_eq!(phone.sessions().await.unwrap().sessions.len(), 1);

    // The help comes and goes.
    terminal.press("?");
    terminal.shows("this help").await;
    terminal.press("?");
    terminal.shows_link(&url, "").await;

    // The server goes away; the screen says so, and can still be left.
    let Server { stop, served, .. } = server;
    stop.send(()).unwrap();
    served.await.unwrap().unwrap();
    terminal.press("r");
    terminal.shows("can't be").await;
    assert!(!terminal.screen().contains(&fourth));
    terminal.press("q");
    terminal.shows("ended with").await;
}

/// A shell with jobs, as people have it.
fn shell() -> Terminal {
    Terminal::start("PS1='ready> ' ENV= exec bash --noprofile --norc -i")
}

/// What `stty` says in the shell: that the terminal is not raw.
async fn is_as_it_was(terminal: &Terminal) {
    terminal.tmux(&["send-keys", "clear; stty -a | grep -o ' icanon.*'; tput cnorm; echo looked", "Enter"]);
    let screen = terminal.shows("\nlooked").await;
    assert!(screen.contains(" icanon"), "{screen}");
    let mode = terminal.tmux(&["display-message", "-p", "#{alternate_on}"]).stdout;
    assert_eq!(mode, b"0\n", "the screen of the shell is back: {}", terminal.screen());
}

#[tokio::test(flavor = "multi_thread")]
async fn stopped_it_gives_the_terminal_back_and_continued_it_shows_the_same_code() {
    let server = Server::start().await;
    let url = server.client.server().clone();
    let state_dir = tempfile::tempdir().unwrap();
    let terminal = shell();
    terminal.shows("ready>").await;
    let program = env!("CARGO_BIN_EXE_pc-tui");
    let job = format!(
        "'{program}' --server {url} --state-dir '{0}' & echo $! > '{0}/id'; fg",
        state_dir.path().display()
    );
    terminal.tmux(&["send-keys", &job, "Enter"]);
    let link = terminal.shows_link(&url, "").await;
    let id = std::fs::read_to_string(state_dir.path().join("id")).unwrap();
    let kill = |signal: &str| {
        let sent =
            Command::new("sh").args(["-c", r#"kill -s "$0" "$1""#, signal, id.trim()]).status().unwrap();
        assert!(sent.success());
    };

    // By the key, and by a signal from elsewhere.
    for stops in [&(|| terminal.press("C-z")) as &dyn Fn(), &|| kill("TSTP")] {
        stops();
        terminal.shows("Stopped").await;
        is_as_it_was(&terminal).await;
        terminal.tmux(&["send-keys", "clear; fg", "Enter"]);
        assert_eq!(terminal.shows_link(&url, "").await, link, "nothing was given up meanwhile");
    }

    // What nobody can prepare for leaves its traces, and is made good.
    kill("STOP");
    terminal.shows("Stopped").await;
    terminal.tmux(&["send-keys", "clear; echo nothing $(expr 1 - 1)", "Enter"]);
    terminal.shows("nothing 0").await;
    terminal.tmux(&["send-keys", "clear; fg", "Enter"]);
    assert_eq!(terminal.shows_link(&url, "").await, link);

    // In the background it waits for its turn, and writes nothing into what is there.
    terminal.press("C-z");
    terminal.shows("Stopped").await;
    terminal.tmux(&["send-keys", "clear; bg; sleep 0.5; clear; jobs", "Enter"]);
    terminal.shows("Stopped").await;
    is_as_it_was(&terminal).await;
    terminal.tmux(&["send-keys", "clear; fg", "Enter"]);
    assert_eq!(terminal.shows_link(&url, "").await, link);
    terminal.press("q");
    terminal.shows("ready>").await;
    terminal.tmux(&["send-keys", "echo ended with $?", "Enter"]);
    terminal.shows("ended with 6").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_terminal_that_is_no_screen_gets_lines_and_no_escapes() {
    let server = Server::start().await;
    let url = server.client.server().clone();
    for term in ["TERM=dumb", "-u TERM"] {
        let state_dir = tempfile::tempdir().unwrap();
        let path = state_dir.path().display();
        let program = env!("CARGO_BIN_EXE_pc-tui");
        let line = format!("env {term} LC_ALL=C.UTF-8 '{program}' --server {url} --state-dir '{path}'");
        let terminal = Terminal::start(&line);
        terminal.tmux(&["resize-window", "-x", "100", "-y", "50"]);
        terminal.shows("code: ").await;
        let screen = terminal.shows("unscanned: waiting for a phone").await;
        assert!(screen.contains('█'), "{screen}");
        let coloured = terminal.tmux(&["capture-pane", "-p", "-e"]).stdout;
        assert!(!coloured.contains(&0x1b), "{}", String::from_utf8_lossy(&coloured));
    }
}
