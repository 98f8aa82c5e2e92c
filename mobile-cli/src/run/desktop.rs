//! `scan --clipboard` and `scan --screen`: a picture from the desktop.
//!
//! Each desktop has a program of its own for that, and the programs that are asked here are small and everywhere in
//! its packages. Libraries would have to be there when this is built, and know of fewer desktops.

use std::env;
use std::io::{self, Read as _};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use mobile_cli::decode::MAX_FILE_BYTES;
use shared::{say, to_say};

use crate::failure::Failure;

/// A program that does not answer, as when another holds the clipboard and is stuck, is not waited for any longer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// Where on the desktop the picture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// What was copied last.
    Clipboard,
    /// What is seen now, on all screens.
    Screen,
}

/// A program and its arguments; it writes a PNG to standard output.
type Line = &'static [&'static str];

/// By the variable that says which kind of desktop there is.
const CLIPBOARD: [(&str, &[Line]); 2] = [
    ("WAYLAND_DISPLAY", &[&["wl-paste", "--type", "image/png"]]),
    ("DISPLAY", &[&["xclip", "-selection", "clipboard", "-target", "image/png", "-out"]]),
];
const SCREEN: [(&str, &[Line]); 2] = [
    ("WAYLAND_DISPLAY", &[&["grim", "-"]]),
    ("DISPLAY", &[&["maim"], &["scrot", "-"], &["import", "-silent", "-window", "root", "png:-"]]),
];

/// The bytes of the picture there.
///
/// # Errors
/// Without a desktop, without a program that knows it, without a picture.
pub(super) fn picture(place: Place) -> Result<Vec<u8>, Failure> {
    let kinds = match place {
        Place::Clipboard => CLIPBOARD,
        Place::Screen => SCREEN,
    };
    let is_set = |variable: &str| env::var_os(variable).is_some_and(|value| !value.is_empty());
    let lines: Vec<Line> = kinds
        .into_iter()
        .filter(|(variable, _)| is_set(variable))
        .flat_map(|(_, lines)| lines)
        .copied()
        .collect();
    if lines.is_empty() {
        return Err(Failure::io(to_say!(no_desktop())));
    }
    let mut is_any_installed = false;
    for line in &lines {
        match run(line) {
            Ok(picture) if !picture.is_empty() => return Ok(picture),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            _ => is_any_installed = true,
        }
    }
    let names: Vec<_> = lines.iter().filter_map(|line| line.first().copied()).collect();
    Err(Failure::io(match (place, names.as_slice()) {
        (_, [name]) if !is_any_installed => to_say!(needs_program(name)),
        _ if !is_any_installed => {
            to_say!(comma()).map(|lang, comma| say!(lang, needs_one_of(names.join(comma))))
        }
        (Place::Clipboard, _) => to_say!(no_copied_picture()),
        (Place::Screen, _) => to_say!(screen_unreadable()),
    }))
}

/// What a program writes, no more than one byte past what a picture may have. Nothing if it fails.
fn run(line: &[&str]) -> io::Result<Vec<u8>> {
    let [program, args @ ..] = line else { return Ok(Vec::new()) };
    let mut child = Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()?;
    let stdout = child.stdout.take();
    let (send, receive) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let read = stdout.map(|stdout| stdout.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes));
        send.send(read.transpose().map(|_| bytes))
    });
    let read = receive.recv_timeout(ANSWERS_WITHIN).unwrap_or_else(|_| Ok(Vec::new()));
    // One that has said all has ended or is about to; one that has not is not to go on.
    let bytes = read?;
    if bytes.is_empty() || bytes.len() as u64 > MAX_FILE_BYTES {
        child.kill()?;
    }
    let status = child.wait()?;
    Ok(if status.success() || bytes.len() as u64 > MAX_FILE_BYTES { bytes } else { Vec::new() })
}
