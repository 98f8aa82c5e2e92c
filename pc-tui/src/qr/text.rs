//! A code for a stream of text: with colours for a terminal, without for a file.

use std::fmt::Write as _;

use ratatui::style::Color;

use super::{Code, Drawing, Halves};

impl Code {
    /// The same half cells as [`QrWidget`](super::QrWidget) draws, as escape sequences, a line each.
    pub(crate) fn to_ansi(&self) -> String {
        let size = self.size(Drawing::Half);
        let mut text = String::new();
        for row in 0..size.height {
            let mut colours = None;
            for column in 0..size.width {
                let (symbol, fg, bg) = self.cell(Drawing::Half, column.into(), row.into());
                if colours.replace((fg, bg)) != Some((fg, bg)) {
                    let (fg, bg) = (index(fg), index(bg));
                    _ = write!(text, "\x1b[38;5;{fg};48;5;{bg}m");
                }
                text.push(symbol);
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// Block characters without colours. Ink is light: where such text is looked at, a terminal or a
    /// build's log, the ground is dark far more often than not.
    pub(crate) fn to_text(&self) -> String {
        let size = self.size(Drawing::Half);
        let line = |row: u16| {
            (0..size.width)
                .map(|column| match self.halves(column.into(), row.into()) {
                    Halves { upper: false, lower: false } => '█',
                    Halves { upper: false, lower: true } => '▀',
                    Halves { upper: true, lower: false } => '▄',
                    Halves { upper: true, lower: true } => ' ',
                })
                .chain(['\n'])
                .collect::<String>()
        };
        (0..size.height).map(line).collect()
    }
}

/// The place of a code's colour in the palette.
fn index(color: Color) -> u8 {
    match color {
        Color::Indexed(index) => index,
        _ => unreachable!("a code has only the two colours of this module, both indexed"),
    }
}
