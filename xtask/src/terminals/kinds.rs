//! How each terminal is started.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, bail};

use super::desk::Desk;
use super::plan::{Oddity, SetUp, Within};

/// A terminal with a program in it. Dropping it ends both.
pub(super) struct Terminal {
    child: Child,
    /// What ends the program if it would survive the terminal.
    farewell: Option<Command>,
}

impl Terminal {
    /// Whether it has ended by itself.
    pub(super) fn has_ended(&mut self) -> anyhow::Result<bool> {
        Ok(self.child.try_wait()?.is_some())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // An error means that it has ended already.
        if let Some(farewell) = &mut self.farewell {
            let _ = farewell.stdout(Stdio::null()).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What the terminal is to say of itself, and not whoever started this.
const NOT_INHERITED: [&str; 9] = [
    "TERM",
    "TERM_PROGRAM",
    "LC_TERMINAL",
    "COLORTERM",
    "COLORFGBG",
    "NO_COLOR",
    "TMUX",
    "STY",
    "WAYLAND_DISPLAY",
];

/// Starts a terminal with a program, a shell's command line, on a desk. Its home is a new folder in `homes`: some keep
/// the size of their last window there.
pub(super) fn start(set_up: &SetUp, program: &str, desk: &Desk, homes: &Path) -> anyhow::Result<Terminal> {
    let home = homes.join(set_up.name());
    fs::create_dir_all(&home)?;
    let (line, farewell) = line(set_up, program, homes)?;
    let script = home.join("start.sh");
    fs::write(&script, format!("{}exec {line}\n", colours(set_up)))?;
    let mut command = Command::new(set_up.terminal);
    command.args(options(set_up)?).arg("sh").arg(script);
    for name in NOT_INHERITED {
        command.env_remove(name);
    }
    if set_up.oddity == Oddity::NoColor {
        command.env("NO_COLOR", "1");
    }
    command
        .env("DISPLAY", &desk.display)
        .env("HOME", &home)
        .env("XDG_RUNTIME_DIR", &home)
        .env("SCREENDIR", screens(homes)?)
        .env("LC_ALL", if set_up.oddity == Oddity::Latin { "C" } else { "C.UTF-8" })
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("NO_AT_BRIDGE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.spawn().with_context(|| format!("{} can't be started", set_up.terminal))?;
    Ok(Terminal { child, farewell })
}

/// The command line with what is in between, and what ends that.
fn line(set_up: &SetUp, program: &str, homes: &Path) -> anyhow::Result<(String, Option<Command>)> {
    Ok(match set_up.within {
        Within::Nothing => (program.to_owned(), None),
        Within::Tmux => {
            let socket = homes.join("tmux");
            let line = format!("tmux -S {} -f /dev/null new-session '{program}'", socket.display());
            let mut farewell = Command::new("tmux");
            farewell.arg("-S").arg(socket).arg("kill-server");
            (line, Some(farewell))
        }
        Within::Screen => {
            let mut farewell = Command::new("screen");
            farewell.args(["-S", "saoma", "-X", "quit"]).env("SCREENDIR", screens(homes)?);
            (format!("screen -U -c /dev/null -S saoma {program}"), Some(farewell))
        }
    })
}

/// The folder for screen's sockets, which nobody else may enter.
fn screens(homes: &Path) -> anyhow::Result<std::path::PathBuf> {
    use std::os::unix::fs::DirBuilderExt as _;
    let folder = homes.join("screens");
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// Foreground and ground.
fn theme(set_up: &SetUp) -> [&'static str; 2] {
    if set_up.is_light { ["#333333", "#fdf6e3"] } else { ["#d0d0d0", "#1c1f26"] }
}

/// st takes its colours from escape sequences only.
fn colours(set_up: &SetUp) -> String {
    let [fg, bg] = theme(set_up);
    match set_up.terminal {
        "st" => format!("printf '\\033]10;{fg}\\007\\033]11;{bg}\\007'\n"),
        _ => String::new(),
    }
}

fn options(set_up: &SetUp) -> anyhow::Result<Vec<String>> {
    match set_up.terminal {
        "xterm" => Ok(xterm(set_up)),
        "urxvt" => Ok(urxvt(set_up)),
        "st" => Ok(owned(&["-f", &sized_font(set_up), "-g", &geometry(set_up), "-e"])),
        "kitty" => Ok(kitty(set_up)),
        "alacritty" => Ok(alacritty(set_up)),
        "konsole" => Ok(konsole(set_up)),
        "xfce4-terminal" => Ok(xfce4_terminal(set_up)),
        other => bail!("nobody knows how to start {other}"),
    }
}

fn owned(options: &[&str]) -> Vec<String> {
    options.iter().map(|option| (*option).to_owned()).collect()
}

/// Each setting behind the same option.
fn each(option: &str, settings: &[String]) -> Vec<String> {
    settings.iter().flat_map(|setting| [option.to_owned(), setting.clone()]).collect()
}

fn geometry(set_up: &SetUp) -> String {
    format!("{}x{}", set_up.columns, set_up.rows)
}

fn sized_font(set_up: &SetUp) -> String {
    format!("{}:size={}", set_up.font, set_up.points)
}

fn xterm(set_up: &SetUp) -> Vec<String> {
    let ([fg, bg], points, geometry) = (theme(set_up), set_up.points.to_string(), geometry(set_up));
    let looks = ["-fa", set_up.font, "-fs", &points, "-geometry", &geometry, "-fg", fg, "-bg", bg];
    let more: &[&str] = match set_up.oddity {
        Oddity::Wide => &["-cjk_width"],
        Oddity::Spaced => &["-xrm", "*scaleHeight: 1.3"],
        Oddity::Monochrome => &["-cm", "-tn", "vt220"],
        // It has sixels as the VT340 had them.
        _ if set_up.style == "picture" => &["-ti", "vt340"],
        _ => &[],
    };
    owned(&[&looks, more, &["-e"]].concat())
}

fn urxvt(set_up: &SetUp) -> Vec<String> {
    let ([fg, bg], font) = (theme(set_up), format!("xft:{}", sized_font(set_up)));
    let spacing = if set_up.oddity == Oddity::Spaced { "4" } else { "0" };
    owned(&["-fn", &font, "-geometry", &geometry(set_up), "-fg", fg, "-bg", bg, "-lsp", spacing, "-e"])
}

fn kitty(set_up: &SetUp) -> Vec<String> {
    let ([fg, bg], SetUp { font, points, columns, rows, .. }) = (theme(set_up), set_up);
    let spacing = if set_up.oddity == Oddity::Spaced { "130%" } else { "100%" };
    let settings = [
        format!("font_family={font}"),
        format!("font_size={points}"),
        "remember_window_size=no".to_owned(),
        format!("initial_window_width={columns}c"),
        format!("initial_window_height={rows}c"),
        format!("foreground={fg}"),
        format!("background={bg}"),
        format!("adjust_line_height={spacing}"),
        "update_check_interval=0".to_owned(),
    ];
    [owned(&["--config", "NONE"]), each("-o", &settings)].concat()
}

fn alacritty(set_up: &SetUp) -> Vec<String> {
    let ([fg, bg], SetUp { font, points, columns, rows, .. }) = (theme(set_up), set_up);
    let spacing = if set_up.oddity == Oddity::Spaced { 4 } else { 0 };
    let settings = [
        format!("font.normal.family=\"{font}\""),
        format!("font.size={points}"),
        format!("font.offset.y={spacing}"),
        format!("window.dimensions.columns={columns}"),
        format!("window.dimensions.lines={rows}"),
        format!("colors.primary.foreground=\"{fg}\""),
        format!("colors.primary.background=\"{bg}\""),
    ];
    [each("-o", &settings), owned(&["-e"])].concat()
}

fn konsole(set_up: &SetUp) -> Vec<String> {
    let SetUp { font, points, columns, rows, .. } = set_up;
    let scheme = if set_up.is_light { "BlackOnLightYellow" } else { "Linux" };
    let properties = [
        format!("Font={font},{points}"),
        format!("ColorScheme={scheme}"),
        format!("TerminalColumns={columns}"),
        format!("TerminalRows={rows}"),
        "ScrollBarPosition=2".to_owned(),
    ];
    let bare = owned(&["--nofork", "--hide-menubar", "--hide-tabbar"]);
    [bare, each("-p", &properties), owned(&["-e"])].concat()
}

fn xfce4_terminal(set_up: &SetUp) -> Vec<String> {
    let ([fg, bg], font) = (theme(set_up), format!("{} {}", set_up.font, set_up.points));
    let geometry = format!("--geometry={}", geometry(set_up));
    let bare = ["--disable-server", "--hide-menubar", "--hide-scrollbar", "--hide-toolbar", &geometry];
    owned(&[&bare[..], &["--font", &font, "--color-text", fg, "--color-bg", bg, "-x"]].concat())
}
