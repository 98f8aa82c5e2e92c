//! The screen on a real terminal: what a camera would see, what keys do, and how the terminal is left.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::num::NonZeroU16;
use std::os::fd::{AsFd as _, OwnedFd};
use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;

use rustix::pty::{OpenptFlags, grantpt, ioctl_tiocgptpeer, openpt, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};
use shared::api::Status;
use tempfile::tempdir;
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tokio::time::timeout;
use vt100::{Color, Parser};

use crate::fake::{Fake, PATIENCE};
use crate::program::signal;
use crate::unclean;

mod asked;

/// A terminal with the program in it.
struct Terminal {
    child: Child,
    /// Our end, and the program's.
    keyboard: File,
    line: OwnedFd,
    parser: Arc<Mutex<Parser>>,
    /// All that was written so far, in bytes.
    written: watch::Receiver<Vec<u8>>,
}

/// Where the cursor is after one cell, and what an ordinary terminal is.
const NARROW: &[u8] = b"\x1b[1;2R\x1b[?1;2c";

fn size(columns: u16, rows: u16) -> Winsize {
    Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }
}

fn at_least_one(number: u16) -> NonZeroU16 {
    NonZeroU16::new(number).unwrap()
}

impl Terminal {
    /// Starts the program in a window of 80 x 24, with `NO_COLOR` set.
    fn start(fake: &Fake, state_dir: &Path, args: &[&str]) -> Self {
        Self::start_one_that_answers(&[NARROW, NARROW], fake, state_dir, args)
    }

    /// The same in a terminal that has these answers to what it is asked, round by round, and none after them.
    fn start_one_that_answers(
        answers: &[&'static [u8]],
        fake: &Fake,
        state_dir: &Path,
        args: &[&str],
    ) -> Self {
        let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
        let ours = openpt(flags).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let line = ioctl_tiocgptpeer(&ours, flags).unwrap();
        tcsetwinsize(&ours, size(80, 24)).unwrap();
        let end = || Stdio::from(line.as_fd().try_clone_to_owned().unwrap());
        // A session of its own, so that this is its terminal, and not the one that the tests run in.
        let child = Command::new("setsid")
            .args(["--ctty", env!("CARGO_BIN_EXE_pc-tui"), "--server", &fake.url(), "--state-dir"])
            .arg(state_dir)
            .args(["--transport", "long-poll", "--device-name", "thinkpad"])
            .args(args)
            .env("NO_COLOR", "1")
            .env("TERM", "xterm-256color")
            .env("LC_ALL", "C.UTF-8")
            .env_remove("SAOMA_LANG")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let parser = Arc::new(Mutex::new(Parser::new(at_least_one(24), at_least_one(80), 0)));
        let (sender, written) = watch::channel(Vec::new());
        let mut screen = File::from(ours.try_clone().unwrap());
        let mut answers: VecDeque<_> = answers.iter().copied().collect();
        let mut keyboard = screen.try_clone().unwrap();
        let reader = Arc::clone(&parser);
        // Ends when the terminal is closed, with the test.
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = screen.read(&mut bytes) {
                reader.lock().unwrap().process(&bytes[..count]);
                if bytes[..count].ends_with(b"\x1b[c")
                    && let Some(answer) = answers.pop_front()
                {
                    keyboard.write_all(answer).unwrap();
                }
                sender.send_modify(|written| written.extend_from_slice(&bytes[..count]));
            }
        });
        Self { child, keyboard: File::from(ours), line, parser, written }
    }

    /// Waits until the screen is as wanted.
    async fn until(&mut self, what: &str, mut wanted: impl FnMut(&vt100::Screen) -> bool) {
        let parser = Arc::clone(&self.parser);
        let reached = self.written.wait_for(|_| wanted(parser.lock().unwrap().screen()));
        let reached = timeout(PATIENCE, reached).await.is_ok();
        assert!(reached, "never {what}:\n{}", self.parser.lock().unwrap().screen().contents());
    }

    async fn shows(&mut self, text: &str) {
        self.until(text, |screen| screen.contents().contains(text)).await;
    }

    /// Waits until a camera reads the link.
    async fn shows_code(&mut self, link: &str) {
        self.until("a code", |screen| scanned(screen) == [link]).await;
    }

    fn press(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    fn resize(&mut self, columns: u16, rows: u16) {
        let (rows_in, columns_in) = (at_least_one(rows), at_least_one(columns));
        self.parser.lock().unwrap().screen_mut().set_size(rows_in, columns_in);
        tcsetwinsize(&self.keyboard, size(columns, rows)).unwrap();
    }

    /// Waits for the end, and looks at how the terminal was left.
    async fn ends_with(mut self, exit: i32) {
        let status = timeout(PATIENCE, self.child.wait()).await.expect("it ends in time").unwrap();
        assert_eq!(status.code(), Some(exit));
        let restored = |screen: &vt100::Screen| !screen.alternate_screen() && !screen.hide_cursor();
        self.until("the terminal as it was", restored).await;
        let modes = tcgetattr(&self.line).unwrap().local_modes;
        assert!(modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG));
    }
}

/// What a camera makes of the screen, on which the theme's own colours are dark.
fn scanned(screen: &vt100::Screen) -> Vec<String> {
    const SCALE: usize = 4;
    let (rows, columns) = screen.size();
    let is_light = |x: usize, y: usize| {
        let at = |number: usize| u16::try_from(number).unwrap();
        let cell = screen.cell(at(y / 2), at(x)).unwrap();
        let lower_half = cell.contents() == "▄" && y % 2 == 1;
        (if lower_half { cell.fgcolor() } else { cell.bgcolor() }) == Color::Idx(231)
    };
    let (width, height) = (usize::from(columns.get()) * SCALE, usize::from(rows.get()) * 2 * SCALE);
    let shade = |x: usize, y: usize| if is_light(x / SCALE, y / SCALE) { 255 } else { 0 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    picture.detect_grids().iter().filter_map(|grid| grid.decode().ok()).map(|(_, text)| text).collect()
}

#[tokio::test]
async fn a_login_from_the_code_to_the_log_out() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut terminal = Terminal::start(&fake, folder.path(), &[]);
    terminal.shows_code(&fake.link(1)).await;
    terminal.shows("WDJB-MJHT").await;
    fake.moves_to(Status::Scanned);
    terminal.shows("Scanned by a***e").await;
    terminal.shows_code(&fake.link(1)).await;
    fake.moves_to(Status::Confirmed);
    terminal.shows("Logged in as alice").await;
    terminal.press("l");
    terminal.shows_code(&fake.link(2)).await;
    fake.is_asked("revoke").await;
    terminal.press("q");
    terminal.ends_with(6).await;
    fake.is_asked("cancel").await;
}

#[tokio::test]
async fn a_session_stays_when_the_screen_goes() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut terminal = Terminal::start(&fake, folder.path(), &[]);
    terminal.shows_code(&fake.link(1)).await;
    fake.moves_to(Status::Confirmed);
    terminal.shows("Logged in as alice").await;
    terminal.press("q");
    terminal.ends_with(0).await;

    let mut terminal = Terminal::start(&fake, folder.path(), &[]);
    terminal.shows("Logged in as alice").await;
    terminal.press("q");
    terminal.ends_with(0).await;
    assert!(!fake.calls().contains(&"revoke".to_owned()));
}

#[tokio::test]
async fn the_terminal_is_left_as_it_was_however_it_ends() {
    for way in ["q", "\x03", "TERM", "INT", "HUP"] {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        let mut terminal = Terminal::start(&fake, folder.path(), &[]);
        terminal.shows_code(&fake.link(1)).await;
        if way.len() == 1 {
            terminal.press(way);
        } else {
            signal(&terminal.child, way).await;
        }
        terminal.ends_with(6).await;
        fake.is_asked("cancel").await;
    }
}

#[tokio::test]
async fn the_code_follows_the_window() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut terminal = Terminal::start(&fake, folder.path(), &[]);
    terminal.shows_code(&fake.link(1)).await;
    terminal.resize(40, 12);
    terminal.shows("No room here for the QR code").await;
    terminal.resize(120, 42);
    terminal.shows_code(&fake.link(1)).await;
    terminal.until("full cells", |screen| !screen.contents().contains('▄')).await;
    terminal.press("d");
    terminal.until("half cells", |screen| screen.contents().contains('▄')).await;
    terminal.shows_code(&fake.link(1)).await;
    terminal.press("\x03");
    terminal.ends_with(6).await;
}

#[tokio::test]
async fn the_link_goes_to_the_clipboard_and_the_code_to_a_file() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let picture = folder.path().join("qr.png");
    let mut terminal = Terminal::start(&fake, folder.path(), &["--save-qr", picture.to_str().unwrap()]);
    terminal.shows_code(&fake.link(1)).await;
    terminal.shows("Saved in").await;
    std::fs::remove_file(&picture).unwrap();
    terminal.press("c");
    terminal.shows("Copied, if the terminal allows.").await;
    let osc_52 = |bytes: &Vec<u8>| bytes.windows(7).any(|window| window == b"\x1b]52;c;");
    timeout(PATIENCE, terminal.written.wait_for(osc_52)).await.unwrap().unwrap();
    terminal.press("s");
    terminal.shows("Saved in").await;
    assert!(image::open(&picture).is_ok());
    terminal.press("q");
    terminal.ends_with(6).await;
}

#[tokio::test]
async fn a_complaint_is_readable_after_the_screen_is_gone() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut terminal = Terminal::start(&fake, folder.path(), &[]);
    terminal.shows_code(&fake.link(1)).await;
    fake.moves_to(Status::Confirmed);
    terminal.shows("Logged in as alice").await;
    terminal.press("q");
    terminal.ends_with(0).await;

    let mut terminal = Terminal::start(&fake, folder.path(), &["--expect-user", "bob"]);
    let why = "pc-tui: this computer is logged in as alice";
    terminal.until(why, |screen| !screen.alternate_screen() && screen.contents().contains(why)).await;
    terminal.ends_with(3).await;
}

#[tokio::test]
async fn a_terminal_hears_nothing_of_what_a_server_hides_in_its_words() {
    for text in unclean::texts() {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        fake.names_the_scanner(&text);
        let mut terminal = Terminal::start(&fake, folder.path(), &[]);
        terminal.shows_code(&fake.link(1)).await;
        let before = terminal.written.borrow().len();
        fake.moves_to(Status::Scanned);
        terminal.shows("Scanned by Eve").await;
        let refusal = serde_json::json!({"type": text, "title": text, "detail": text, "status": 403, "code": "not_found"});
        fake.refuses("status", 403, refusal);
        // Whoever waits for the next status hears of this one first.
        fake.moves_to(Status::Scanned);
        terminal.shows("That did not work").await;
        let written = terminal.written.borrow()[before..].to_vec();
        // The code was there perhaps in the middle of a character: what is left of that is no text.
        let begin = written.iter().position(|byte| byte & 0xc0 != 0x80).unwrap();
        let written = String::from_utf8(written[begin..].to_vec()).unwrap();
        // All that is left of escapes is how the screen moves its cursor and paints: CSI, none of them from elsewhere.
        let mut escapes = written.split('\x1b').skip(1);
        assert!(escapes.all(|escape| escape.starts_with('[') && !escape.starts_with("[2J")), "{written:?}");
        let written = written.replace('\x1b', "");
        assert!(written.chars().all(unclean::is_harmless), "{written:?}");
        assert!(unclean::pile(&written) <= 3, "{written:?}");
        terminal.press("q");
        terminal.ends_with(1).await;
    }
}
