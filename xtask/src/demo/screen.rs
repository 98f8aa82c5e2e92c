//! The play on a terminal: the login screen has it to itself, and the phone plays from behind.

use std::io;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use anyhow::Context;

use super::cast::{House, Phone, Server};

/// How long the phone takes between two things, so that an audience can follow.
const PAUSE: Duration = Duration::from_secs(3);
/// How often the phone looks whether the code is there, and whether the screen still is.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Plays, until the person at the screen quits it.
pub(crate) fn play(house: &House, manual: bool) -> anyhow::Result<()> {
    let store = format!("sqlite:{}", house.path("saoma.db").display());
    let server = Server::start(house, &store, &[])?;
    let phone = Phone::set_up(house, &server)?;
    let qr_png = house.path("qr.png");
    if manual {
        invite(&phone, &qr_png)?;
    }
    let mut screen = Screen::start(house, &server, &qr_png)?;
    let played = if manual { Ok(Vec::new()) } else { act(&phone, &qr_png, &mut screen) };
    let status = screen.wait()?;
    let shown = played.context("the phone could not play its part")?;
    if !shown.is_empty() {
        println!("Meanwhile on the phone:\n");
        for line in &shown {
            println!("  {line}");
        }
        println!();
    }
    let status = status.code().map_or_else(|| status.to_string(), |code| format!("exit code {code}"));
    println!("The login screen has ended with {status}, and the server with it.");
    Ok(())
}

/// Hands the phone over to the audience.
fn invite(phone: &Phone, qr_png: &Path) -> anyhow::Result<()> {
    println!("The phone is yours. In a second terminal, once the screen shows its code:\n");
    println!("  PATH={}:$PATH", phone.programs()?.display());
    println!("  alias phone='mobile-cli {}'", phone.options());
    println!("  phone scan {}", qr_png.display());
    println!("  phone confirm        # or: phone deny\n");
    println!("Press Enter to start the login screen; its q key ends the demo.");
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}

/// The phone scans and confirms, each after a pause. Stops when the screen is closed. Answers what the phone
/// showed meanwhile: the terminal belongs to the screen.
fn act(phone: &Phone, qr_png: &Path, screen: &mut Screen) -> anyhow::Result<Vec<String>> {
    while !qr_png.exists() {
        if !screen.stays_for(LOOK_EVERY)? {
            return Ok(Vec::new());
        }
    }
    let mut shown = Vec::new();
    if screen.stays_for(PAUSE)? {
        shown.extend(phone.scan(qr_png)?);
    }
    if screen.stays_for(PAUSE)? {
        shown.extend(phone.confirm()?);
    }
    Ok(shown)
}

/// The login screen. Dropping it ends it.
struct Screen(Child);

impl Screen {
    fn start(house: &House, server: &Server, qr_png: &Path) -> anyhow::Result<Self> {
        let mut command = house.command("pc-tui")?;
        command.args(["--server", &server.url, "--device-name", "Demo PC"]);
        command.arg("--state-dir").arg(house.path("pc")).arg("--save-qr").arg(qr_png);
        command.stderr(Stdio::inherit()).spawn().map(Self).context("the login screen can't be started")
    }

    /// Lets this time pass. Whether the screen is still there afterwards.
    fn stays_for(&mut self, time: Duration) -> io::Result<bool> {
        for _ in 0..time.as_millis() / LOOK_EVERY.as_millis() {
            if self.0.try_wait()?.is_some() {
                return Ok(false);
            }
            thread::sleep(LOOK_EVERY);
        }
        Ok(self.0.try_wait()?.is_none())
    }

    fn wait(&mut self) -> io::Result<ExitStatus> {
        self.0.wait()
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
