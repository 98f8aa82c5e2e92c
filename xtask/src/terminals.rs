//! `cargo xtask terminals`: the login screen in real terminals, photographed and read.
//!
//! ```text
//!  Xvfb            a screen in memory; what is on it is a file
//!   '- terminal    each kind, with fonts, sizes and themes, also with tmux or screen in between
//!       '- pc-tui  <-- server
//!           |
//!           '--- the picture of the screen ---> mobile-cli decode, zbarimg
//! ```
//!
//! Every set-up is looked at until `mobile-cli` reads the link in it, or until it has had its time. The pictures
//! stay in `target/terminals`, for those who want to see why something is not read.

mod desk;
mod kinds;
mod plan;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail, ensure};

use crate::demo::cast::{House, Server};
use crate::{answers, root};
use desk::{Desk, Picture};
use plan::SetUp;

/// How often a screen is looked at, and how many looks are enough.
const LOOK_EVERY: Duration = Duration::from_millis(150);
const LOOKS: usize = 60;
/// The Debian packages that the few set-ups need.
pub(crate) const PACKAGES: [&str; 4] = ["xvfb", "xterm", "rxvt-unicode", "fonts-dejavu-core"];
/// The picture of the login screen in README.md.
const PORTRAIT: &str = "docs/login.png";

/// What to look at.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Only set-ups whose name contains this
    #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
    only: String,
    /// Only the few that `cargo xtask test` looks at, as far as they are installed
    #[arg(long)]
    few: bool,
    /// Take the picture for README.md instead
    #[arg(long)]
    portrait: bool,
}

/// Looks at all set-ups, and prints the table. Fails if the phone can't read one.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if options.portrait {
        let set_up = plan::portrait();
        let gallery = Gallery::open(&[set_up], false)?;
        ensure!(gallery.look(&set_up)?.phone, "the login screen can't be read");
        Picture::open(&gallery.path(&set_up))?.save_cropped(&root().join(PORTRAIT))?;
        return Ok(ExitCode::SUCCESS);
    }
    let planned = if options.few { few_that_are_installed() } else { plan::all() };
    let set_ups: Vec<SetUp> =
        planned.into_iter().filter(|set_up| set_up.name().contains(&options.only)).collect();
    if set_ups.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    let seen = look_at(&set_ups, options.few)?;
    if !options.few {
        println!("\n{}", table(&seen));
    }
    let unread: Vec<String> =
        seen.iter().filter(|(_, readers)| !readers.phone).map(|(set_up, _)| set_up.name()).collect();
    if unread.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!("not read: {}", unread.join(", "));
    Ok(ExitCode::FAILURE)
}

/// Whether all is there that the few need.
pub(crate) fn are_few_installed() -> bool {
    desk::is_installed() && plan::few().iter().all(SetUp::is_installed)
}

/// The few, without those that need what is not installed: that is said, and left out.
fn few_that_are_installed() -> Vec<SetUp> {
    let (installed, missing): (Vec<SetUp>, Vec<SetUp>) =
        plan::few().into_iter().partition(|set_up| desk::is_installed() && set_up.is_installed());
    for set_up in &missing {
        println!("    SKIPPED, not all of it is installed: {}", set_up.name());
    }
    if !missing.is_empty() {
        println!("    For these: apt-get install {}", PACKAGES.join(" "));
    }
    installed
}

fn look_at(set_ups: &[SetUp], with_tests: bool) -> anyhow::Result<Vec<(SetUp, Readers)>> {
    let gallery = Gallery::open(set_ups, with_tests)?;
    let mut seen = Vec::new();
    for set_up in set_ups {
        let readers = gallery.look(set_up)?;
        println!("    {} {readers}", set_up.name());
        seen.push((*set_up, readers));
    }
    Ok(seen)
}

/// Who read the link.
#[derive(Clone, Copy, Debug)]
struct Readers {
    phone: bool,
    zbar: bool,
}

impl std::fmt::Display for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match (self.phone, self.zbar) {
            (true, true) => "read",
            (true, false) => "read, but not by zbar",
            (false, true) => "NOT READ, but by zbar",
            (false, false) => "NOT READ",
        })
    }
}

/// All that is needed to look at terminals.
struct Gallery {
    house: House,
    server: Server,
    desk: Desk,
    folder: PathBuf,
    has_zbar: bool,
}

impl Gallery {
    fn open(set_ups: &[SetUp], with_tests: bool) -> anyhow::Result<Self> {
        if let Some(set_up) = set_ups.iter().find(|set_up| !set_up.is_installed()) {
            bail!("missing: {}", set_up.programs().join(", "));
        }
        let house = if with_tests { House::build_with_tests()? } else { House::build()? };
        let limits = ["--limit-issue", "10000/1m", "--limit-open-per-ip", "10000"];
        let server = Server::start(&house, "sqlite::memory:", &limits)?;
        let desk = Desk::start(&house.path("desk"))?;
        let folder = root().join("target/terminals");
        fs::create_dir_all(&folder)?;
        Ok(Self { house, server, desk, folder, has_zbar: answers("zbarimg", &["--version"]) })
    }

    /// Starts a set-up and looks until the phone reads the link.
    fn look(&self, set_up: &SetUp) -> anyhow::Result<Readers> {
        let picture = self.path(set_up);
        let pc_tui = self.house.program("pc-tui")?.display();
        let program = format!(
            "{pc_tui} --server {} --ephemeral --device-name thinkpad --qr-style {}",
            self.server.url, set_up.style
        );
        let mut terminal = kinds::start(set_up, &program, &self.desk, &self.house.path("homes"))?;
        let mut readers = Readers { phone: false, zbar: false };
        for _ in 0..LOOKS {
            sleep(LOOK_EVERY);
            if terminal.has_ended()? {
                break;
            }
            self.desk.picture()?.save(&picture)?;
            readers.phone = self.is_link(&mut self.phone(&picture)?)?;
            if readers.phone {
                break;
            }
        }
        readers.zbar =
            self.has_zbar && self.is_link(Command::new("zbarimg").args(["-q", "--raw"]).arg(&picture))?;
        drop(terminal);
        self.desk.until_empty()?;
        Ok(readers)
    }

    /// Where the picture of a set-up is.
    fn path(&self, set_up: &SetUp) -> PathBuf {
        self.folder.join(set_up.name() + ".png")
    }

    fn phone(&self, picture: &Path) -> anyhow::Result<Command> {
        let mut phone = self.house.command("mobile-cli")?;
        phone.arg("decode").arg(picture);
        Ok(phone)
    }

    /// Whether a reader prints a link of this server's.
    fn is_link(&self, reader: &mut Command) -> anyhow::Result<bool> {
        let read = reader.stderr(Stdio::null()).output().context("a reader can't be started")?;
        let start = self.server.url.to_uppercase() + "/Q/";
        let text = String::from_utf8_lossy(&read.stdout).into_owned();
        Ok(text.lines().any(|line| line.starts_with(&start) && line.len() == start.len() + 26))
    }
}

/// Terminals down, ways of drawing across: how many were read, of how many.
fn table(seen: &[(SetUp, Readers)]) -> String {
    let unique = |names: &mut Vec<String>, name: String| {
        if !names.contains(&name) {
            names.push(name);
        }
    };
    let (mut rows, mut columns) = (Vec::new(), Vec::new());
    for (set_up, _) in seen {
        unique(&mut rows, set_up.row());
        unique(&mut columns, set_up.column());
    }
    let cell = |row: &String, column: &String| {
        let here = seen.iter().filter(|(set_up, _)| (&set_up.row(), &set_up.column()) == (row, column));
        let all: Vec<&Readers> = here.map(|(_, readers)| readers).collect();
        let phone = all.iter().filter(|readers| readers.phone).count();
        let zbar = all.iter().filter(|readers| readers.zbar).count();
        match all.len() {
            0 => "–".to_owned(),
            total if phone == zbar => format!("{phone}/{total}"),
            total => format!("{phone}/{total}, zbar {zbar}"),
        }
    };
    let line = |row: &String| {
        let cells: Vec<String> = columns.iter().map(|column| cell(row, column)).collect();
        format!("| {row} | {} |", cells.join(" | "))
    };
    let head = [
        format!("| terminal | {} |", columns.join(" | ")),
        format!("|{}", " --- |".repeat(columns.len() + 1)),
    ];
    head.into_iter().chain(rows.iter().map(line)).collect::<Vec<_>>().join("\n")
}
