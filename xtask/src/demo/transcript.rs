//! The play without a terminal: the PC speaks JSON, and every line of it is checked.
//!
//! ```text
//! 1. for each transport   scan, confirm            -> logged in, exit code 0
//! 2. once                 scan, deny               -> denied,    exit code 5
//! 3. once, in a hurry     nothing for two seconds  -> expired,   exit code 4
//! 4. the server           is asked to stop         ->            exit code 0
//! ```

use std::fmt::Display;
use std::path::PathBuf;

use anyhow::{Context, bail};
use serde_json::Value;

use super::cast::{House, NAME, Phone, Server};
use super::running::Running;

const TRANSPORTS: [&str; 3] = ["websocket", "long-poll", "poll"];
/// How long a code lives on the server whose codes run out.
const HASTY_LIFETIME: &str = "2s";

/// Plays all of it.
pub(crate) fn play(house: &House) -> anyhow::Result<()> {
    println!("Saoma: a PC shows a QR code, a phone scans and confirms it, and the PC is logged in.");
    let store = format!("sqlite:{}", house.path("saoma.db").display());
    let server = Server::start(house, &store, &[])?;
    heading("The stage");
    say("server", &format!("listening on {}", server.url));
    let phone = Phone::set_up(house, &server)?;
    say("phone", &format!("registered and logged in as {NAME}, long ago"));

    for transport in TRANSPORTS {
        heading(&format!("The phone confirms; the PC hears of it by {transport}"));
        log_in(house, &server, &phone, transport).with_context(|| format!("a login by {transport}"))?;
    }
    heading("The phone denies");
    deny(house, &server, &phone).context("a denial")?;
    heading(&format!("Nobody scans, and the code lives {HASTY_LIFETIME}"));
    expire(house).context("an expiry")?;
    heading("The end");
    check("the server's exit code", &0, &server.stop()?)?;
    say("server", "was asked to stop, and has: exit code 0");
    println!("\nAll went as it should: {} logins, a denial and an expiry.", TRANSPORTS.len());
    Ok(())
}

fn log_in(house: &House, server: &Server, phone: &Phone, transport: &'static str) -> anyhow::Result<()> {
    let mut pc = Pc::start(house, server, transport)?;
    pc.scanned_by(phone)?;
    show("confirms", &phone.confirm()?);
    let told = pc.until("logged_in")?;
    check("the user name", NAME, told["username"].as_str().unwrap_or_default())?;
    say("PC", &format!("logged in as {NAME}"));
    pc.ends_with(0)
}

fn deny(house: &House, server: &Server, phone: &Phone) -> anyhow::Result<()> {
    let mut pc = Pc::start(house, server, TRANSPORTS[0])?;
    pc.scanned_by(phone)?;
    show("denies", &phone.deny()?);
    pc.ended("denied")?;
    pc.ends_with(5)
}

fn expire(house: &House) -> anyhow::Result<()> {
    let server = Server::start(house, "sqlite::memory:", &["--code-lifetime", HASTY_LIFETIME])?;
    let mut pc = Pc::start(house, &server, TRANSPORTS[0])?;
    pc.ended("expired")?;
    pc.ends_with(4)
}

/// A logged-out PC that shows a code.
struct Pc {
    running: Running,
    transport: &'static str,
    qr_png: PathBuf,
}

impl Pc {
    /// Starts it, and waits until it has a code to show.
    fn start(house: &House, server: &Server, transport: &'static str) -> anyhow::Result<Self> {
        let qr_png = house.path("qr.png");
        let mut command = house.command("pc-tui")?;
        command.args(["--server", &server.url, "--json", "--ephemeral", "--transport", transport]);
        command.args(["--device-name", "Demo PC", "--save-qr"]).arg(&qr_png);
        command.arg("--state-dir").arg(house.path("pc"));
        let running = Running::start("the PC", &mut command, None)?;
        let pc = Self { running, transport, qr_png };
        let issued = pc.until("issued")?;
        let scan_url = issued["scan_url"].as_str().unwrap_or_default();
        let start = server.url.to_uppercase() + "/Q/";
        if !scan_url.starts_with(&start) {
            bail!("expected the code's URL to begin with `{start}`; the PC shows `{scan_url}`");
        }
        say("PC", &format!("shows {scan_url}"));
        say("", &format!("or, for typing, {}", issued["user_code"].as_str().unwrap_or_default()));
        Ok(pc)
    }

    /// Lets the phone scan the picture, and waits until the PC knows.
    fn scanned_by(&self, phone: &Phone) -> anyhow::Result<()> {
        show("scans the picture of it", &phone.scan(&self.qr_png)?);
        self.until("scanned").map(drop)
    }

    /// Reads on until an event, or a status, of this name. The others on the way are told and checked.
    fn until(&self, name: &str) -> anyhow::Result<Value> {
        while let Some(line) = self.running.line()? {
            let told: Value = serde_json::from_str(&line)
                .with_context(|| format!("expected a JSON object from the PC; it said `{line}`"))?;
            let event = told["event"].as_str().unwrap_or_default();
            let status = told["status"].as_str().unwrap_or_default();
            if event == "status" {
                check("the transport", self.transport, told["transport"].as_str().unwrap_or_default())?;
                say("PC", &format!("sees: {status} (version {})", told["version"]));
            }
            if event == name || (event == "status" && status == name) {
                return Ok(told);
            }
            if matches!(event, "ended" | "logged_in") {
                bail!("expected the PC to come to `{name}`; it said `{line}`");
            }
        }
        bail!("expected the PC to come to `{name}`; it ended before")
    }

    /// Waits for the end of the login, which must be this one.
    fn ended(&self, status: &str) -> anyhow::Result<()> {
        let told = self.until("ended")?;
        check("how it ended", status, told["status"].as_str().unwrap_or_default())
    }

    /// Waits for the end of the program.
    fn ends_with(&mut self, code: i32) -> anyhow::Result<()> {
        check("the PC's exit code", &code, &self.running.exit_code()?)?;
        say("PC", &format!("ends with exit code {code}"));
        Ok(())
    }
}

fn check<T: PartialEq + Display + ?Sized>(what: &str, expected: &T, seen: &T) -> anyhow::Result<()> {
    if expected == seen {
        return Ok(());
    }
    bail!("{what}: expected `{expected}`, saw `{seen}`")
}

fn heading(text: &str) {
    println!("\n{text}\n{}", "─".repeat(text.chars().count()));
}

fn say(who: &str, what: &str) {
    println!("  {who:<7} {what}");
}

/// What the phone does, and what it shows for it.
fn show(does: &str, shown: &[String]) {
    say("phone", does);
    for line in shown {
        println!("{}", format!("          │ {line}").trim_end());
    }
}
