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

/// Starts a terminal with a program, a shell's command line, on a desk. Its home is a new folder in `homes`: some keep the
/// size of their last window there.
pub(super) fn start(set_up: &SetUp, program: &str, desk: &Desk, homes: &Path) -> anyhow::Result<Terminal> {
    let home = homes.join(set_up.name());
    fs::create_dir_all(&home)?;
    let home = home.as_path();
    let socket = homes.join("tmux");
    let socket = socket.display();
    let set_up_locale = if set_up.oddity == Oddity::Latin { "C" } else { "C.UTF-8" };
    let (program, farewell) = match set_up.within {
        Within::Nothing => (program.to_owned(), None),
        Within::Tmux => {
            let mut farewell = Command::new("tmux");
            farewell.args(["-S", &socket.to_string(), "kill-server"]);
            (format!("tmux -S {socket} -f /dev/null new-session '{program}'"), Some(farewell))
        }
        Within::Screen => {
            let mut farewell = Command::new("screen");
            farewell.args(["-S", "saoma", "-X", "quit"]).env("SCREENDIR", screens(homes)?);
            (format!("screen -U -c /dev/null -S saoma {program}"), Some(farewell))
        }
    };
    let script = home.join("start.sh");
    fs::write(&script, format!("{}exec {program}\n", colours(set_up)))?;
    let script = script.to_str().context("the folder has a name in UTF-8")?;
    let mut command = Command::new(set_up.terminal);
    command.args(options(set_up)?).args(["sh", script]);
    for gone in [
        "TERM",
        "TMUX",
        "STY",
        "NO_COLOR",
        "COLORFGBG",
        "COLORTERM",
        "TERM_PROGRAM",
        "LC_TERMINAL",
        "WAYLAND_DISPLAY",
    ] {
        command.env_remove(gone);
    }
    command
        .env("DISPLAY", &desk.display)
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("SCREENDIR", screens(homes)?)
        .env("LC_ALL", set_up_locale)
        .env("LIBGL_ALWAYS_SOFTWARE", "1")
        .env("NO_AT_BRIDGE", "1")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if set_up.oddity == Oddity::NoColor {
        command.env("NO_COLOR", "1");
    }
    let child = command.spawn().with_context(|| format!("{} can't be started", set_up.terminal))?;
    Ok(Terminal { child, farewell })
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
    let SetUp { font, points, columns, rows, oddity, .. } = set_up;
    let [fg, bg] = theme(set_up);
    let is_spaced = *oddity == Oddity::Spaced;
    let geometry = format!("{columns}x{rows}");
    let sized = format!("{font}:size={points}");
    let points = points.to_string();
    let options: Vec<String> = match set_up.terminal {
        "xterm" => {
            let mut options = vec!["-fa", font, "-fs", &points, "-geometry", &geometry, "-fg", fg, "-bg", bg];
            match oddity {
                Oddity::Wide => options.push("-cjk_width"),
                Oddity::Spaced => options.extend(["-xrm", "*scaleHeight: 1.3"]),
                Oddity::Monochrome => options.extend(["-cm", "-tn", "vt220"]),
                _ if set_up.style == "picture" => options.extend(["-ti", "vt340"]),
                _ => {}
            }
            options.push("-e");
            options.into_iter().map(str::to_owned).collect()
        }
        "urxvt" => {
            let font = format!("xft:{sized}");
            let spacing = if is_spaced { "4" } else { "0" };
            let options = ["-fn", &font, "-geometry", &geometry, "-fg", fg, "-bg", bg, "-lsp", spacing, "-e"];
            options.map(str::to_owned).into()
        }
        "st" => ["-f", &sized, "-g", &geometry, "-e"].map(str::to_owned).into(),
        "kitty" => {
            let spacing = if is_spaced { "130%" } else { "100%" };
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
            let settings = settings.into_iter().flat_map(|setting| ["-o".to_owned(), setting]);
            ["--config".to_owned(), "NONE".to_owned()].into_iter().chain(settings).collect()
        }
        "alacritty" => {
            let spacing = if is_spaced { 4 } else { 0 };
            let settings = [
                format!("font.normal.family=\"{font}\""),
                format!("font.size={points}"),
                format!("font.offset.y={spacing}"),
                format!("window.dimensions.columns={columns}"),
                format!("window.dimensions.lines={rows}"),
                format!("colors.primary.foreground=\"{fg}\""),
                format!("colors.primary.background=\"{bg}\""),
            ];
            let settings = settings.into_iter().flat_map(|setting| ["-o".to_owned(), setting]);
            settings.chain(["-e".to_owned()]).collect()
        }
        "konsole" => {
            let scheme = if set_up.is_light { "BlackOnLightYellow" } else { "Linux" };
            let properties = [
                format!("Font={font},{points}"),
                format!("ColorScheme={scheme}"),
                format!("TerminalColumns={columns}"),
                format!("TerminalRows={rows}"),
                "ScrollBarPosition=2".to_owned(),
            ];
            let properties = properties.into_iter().flat_map(|property| ["-p".to_owned(), property]);
            let bare = ["--nofork", "--hide-menubar", "--hide-tabbar"].map(str::to_owned);
            bare.into_iter().chain(properties).chain(["-e".to_owned()]).collect()
        }
        "xfce4-terminal" => {
            let font = format!("{font} {points}");
            let geometry = format!("--geometry={geometry}");
            let looks = ["--font", &font, "--color-text", fg, "--color-bg", bg];
            let bare =
                ["--disable-server", "--hide-menubar", "--hide-scrollbar", "--hide-toolbar", &geometry];
            bare.into_iter().chain(looks).chain(["-x"]).map(str::to_owned).collect()
        }
        other => bail!("nobody knows how to start {other}"),
    };
    Ok(options)
}
