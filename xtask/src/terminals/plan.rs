//! Which set-ups there are.

use crate::answers;

/// A terminal, its looks, and what it shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct SetUp {
    /// Its program's name.
    pub(super) terminal: &'static str,
    /// What is odd about it, as its own options or environment.
    pub(super) oddity: Oddity,
    /// What is in between.
    pub(super) within: Within,
    pub(super) font: &'static str,
    pub(super) points: u32,
    pub(super) is_light: bool,
    pub(super) columns: u32,
    pub(super) rows: u32,
    /// For `--qr-style`.
    pub(super) style: &'static str,
}

/// What runs in the terminal, with the login screen in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Within {
    Nothing,
    Tmux,
    Screen,
}

/// What most terminals don't have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oddity {
    None,
    /// Characters of ambiguous width are wide.
    Wide,
    /// A locale without UTF-8.
    Latin,
    /// Lines with air in between.
    Spaced,
    /// No colours.
    Monochrome,
    /// `NO_COLOR` is set.
    NoColor,
}

const DEJAVU: &str = "DejaVu Sans Mono";
const FONTS: [&str; 2] = [DEJAVU, "Liberation Mono"];
const POINTS: [u32; 2] = [10, 14];
const TERMINALS: [&str; 7] = ["xterm", "urxvt", "st", "kitty", "alacritty", "konsole", "xfce4-terminal"];
/// Those that have a protocol for pictures.
const WITH_PICTURES: [&str; 3] = ["xterm", "kitty", "konsole"];

const USUAL: SetUp = SetUp {
    terminal: "xterm",
    oddity: Oddity::None,
    within: Within::Nothing,
    font: DEJAVU,
    points: 10,
    is_light: false,
    columns: 80,
    rows: 24,
    style: "auto",
};

impl SetUp {
    /// Its name, which is also its picture's.
    pub(super) fn name(&self) -> String {
        let Self { columns, rows, points, .. } = self;
        let font = self.font.split(' ').next().unwrap_or_default();
        let theme = if self.is_light { "light" } else { "dark" };
        let name = format!("{} {} {columns}x{rows} {font}{points} {theme}", self.row(), self.column());
        let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join("-").to_lowercase()
    }

    /// Its row in the table: the terminal, with what is odd about it.
    pub(super) fn row(&self) -> String {
        let oddity = match self.oddity {
            Oddity::None | Oddity::NoColor => "",
            Oddity::Wide => ", wide blocks",
            Oddity::Latin => ", no UTF-8",
            Oddity::Spaced => ", spaced lines",
            Oddity::Monochrome => ", no colours",
        };
        format!("{}{oddity}", self.terminal)
    }

    /// Its column in the table: what is in between, and what is shown.
    pub(super) fn column(&self) -> String {
        let within = match self.within {
            Within::Nothing => "",
            Within::Tmux => "tmux, ",
            Within::Screen => "screen, ",
        };
        let setting = if self.oddity == Oddity::NoColor { "`NO_COLOR`, " } else { "" };
        let cells = match (self.style, self.rows) {
            ("auto", 24) => "half",
            ("auto", _) => "full",
            (style, _) => style,
        };
        format!("{within}{setting}{cells}")
    }

    /// What has to be installed for it.
    pub(super) fn programs(&self) -> Vec<&'static str> {
        let within = match self.within {
            Within::Nothing => None,
            Within::Tmux => Some("tmux"),
            Within::Screen => Some("screen"),
        };
        [self.terminal].into_iter().chain(within).collect()
    }

    /// Whether it is.
    pub(super) fn is_installed(&self) -> bool {
        self.programs().iter().all(|program| answers("sh", &["-c", &format!("command -v {program}")]))
    }

    /// The same in a window that has room for full cells.
    fn large(self) -> Self {
        Self { columns: 120, rows: 42, ..self }
    }
}

/// For README.md.
pub(super) fn portrait() -> SetUp {
    SetUp { terminal: "kitty", points: 12, ..USUAL }
}

/// A few that say most, for every day.
pub(super) fn few() -> Vec<SetUp> {
    let xterm = USUAL;
    let light = SetUp { is_light: true, ..USUAL };
    vec![
        xterm,
        light.large(),
        SetUp { style: "reverse", ..light.large() },
        SetUp { within: Within::Tmux, ..xterm },
        SetUp { oddity: Oddity::Wide, ..xterm.large() },
        SetUp { terminal: "urxvt", points: 14, ..light },
        SetUp { terminal: "urxvt", points: 14, ..xterm.large() },
    ]
}

/// Every terminal with every font, size and theme in half and full cells; with one font in between others, in the
/// other styles, and where something is odd.
pub(super) fn all() -> Vec<SetUp> {
    let mut set_ups = Vec::new();
    for terminal in TERMINALS {
        for font in FONTS {
            for points in POINTS {
                for is_light in [false, true] {
                    let set_up = SetUp { terminal, font, points, is_light, ..USUAL };
                    set_ups.extend([set_up, set_up.large()]);
                }
            }
        }
        for is_light in [false, true] {
            let set_up = SetUp { terminal, is_light, ..USUAL };
            set_ups.push(SetUp { style: "reverse", ..set_up.large() });
            for within in [Within::Tmux, Within::Screen] {
                set_ups.extend([SetUp { within, ..set_up }, SetUp { within, ..set_up.large() }]);
            }
            set_ups.push(SetUp { oddity: Oddity::NoColor, ..set_up });
            if WITH_PICTURES.contains(&terminal) {
                set_ups.extend([
                    SetUp { style: "picture", ..set_up },
                    SetUp { style: "picture", ..set_up.large() },
                ]);
            }
        }
    }
    set_ups.extend(odd());
    set_ups
}

fn odd() -> Vec<SetUp> {
    let mut set_ups = Vec::new();
    for is_light in [false, true] {
        let xterm = SetUp { is_light, ..USUAL };
        for oddity in [Oddity::Wide, Oddity::Latin, Oddity::Monochrome] {
            set_ups.push(SetUp { oddity, ..xterm.large() });
        }
        for terminal in ["xterm", "kitty", "alacritty", "urxvt"] {
            let set_up = SetUp { terminal, oddity: Oddity::Spaced, ..xterm };
            set_ups.extend([set_up, set_up.large()]);
        }
    }
    set_ups
}
