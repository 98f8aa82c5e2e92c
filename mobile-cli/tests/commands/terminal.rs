//! A person at a terminal.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Runs a command on a terminal of its own, at which somebody types this: its exit code, and the screen.
pub(crate) fn run(command: Command, types: &str) -> (i32, String) {
    run_in(command, types, 80)
}

/// The same, on a terminal of so many columns.
pub(crate) fn run_in(mut command: Command, types: &str, columns: u16) -> (i32, String) {
    let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&keyboard).unwrap();
    unlockpt(&keyboard).unwrap();
    let name = ptsname(&keyboard, Vec::new()).unwrap();
    let name = OsStr::from_bytes(name.as_bytes());
    let screen = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
    let window = Winsize { ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(&screen, window).unwrap();
    let mut keyboard = File::from(keyboard);
    // It waits in the terminal until the command asks.
    keyboard.write_all(types.as_bytes()).unwrap();

    command.stdin(Stdio::from(screen.try_clone().unwrap())).stdout(Stdio::from(screen.try_clone().unwrap()));
    let mut child = command.stderr(Stdio::from(screen)).spawn().unwrap();
    // The command has copies of the terminal; when the last is gone, reading ends.
    drop(command);
    let mut shown = Vec::new();
    let mut some = [0; 4096];
    while let Ok(len @ 1..) = keyboard.read(&mut some) {
        shown.extend_from_slice(&some[..len]);
    }
    (child.wait().unwrap().code().unwrap(), String::from_utf8(shown).unwrap().replace("\r\n", "\n"))
}
