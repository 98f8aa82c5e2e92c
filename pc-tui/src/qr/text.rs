//! A code for a stream of text: with colours for a terminal, without for a file.

use std::fmt::Write as _;

use ratatui::style::Color;

use super::{Code, Halves, Ink, Paint, QUIET_ZONES, Shape};
use super::{Drawing, Graphics};

impl Code {
    /// The same as [`QrWidget`](super::QrWidget) draws, as escape sequences. Cells are a line a row; a picture is
    /// followed by as many ends of lines as it takes rows.
    pub(crate) fn to_ansi(&self, shape: Shape) -> String {
        match shape.drawing {
            Drawing::Full(ink) => self.cells_to_ansi(false, ink, shape),
            Drawing::Half(ink) => self.cells_to_ansi(true, ink, shape),
            Drawing::Picture(graphics, module_pixels) => self.picture_to_ansi(graphics, module_pixels, shape),
        }
    }

    fn cells_to_ansi(&self, is_half: bool, ink: Ink, shape: Shape) -> String {
        let size = self.size(shape);
        let mut text = String::new();
        for row in 0..size.height {
            let mut last = None;
            for column in 0..size.width {
                let (symbol, paint) = self.cell(is_half, shape.quiet, ink, column.into(), row.into());
                if last.replace(paint) != Some(paint) {
                    let _ = match paint {
                        Paint::Colours { fg, bg } => {
                            write!(text, "\x1b[38;5;{};48;5;{}m", index(fg), index(bg))
                        }
                        Paint::Own { reversed: true } => write!(text, "\x1b[7m"),
                        Paint::Own { reversed: false } => write!(text, "\x1b[0m"),
                    };
                }
                text.push(symbol);
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }

    /// Room is made first, because a picture at the last row would scroll in some terminals and not in others.
    fn picture_to_ansi(&self, graphics: Graphics, module_pixels: u16, shape: Shape) -> String {
        let size = self.size(shape);
        let (rows, picture) = (size.height, graphics.sequence(self, shape.quiet, module_pixels, size));
        format!("{}\x1b[{rows}A\x1b7{picture}\x1b8\x1b[{rows}B", "\n".repeat(rows.into()))
    }

    /// Block characters without colours. Ink is light: where such text is looked at, a terminal or a
    /// build's log, the ground is dark far more often than not.
    pub(crate) fn to_text(&self) -> String {
        let quiet = QUIET_ZONES[0];
        let side = self.side(quiet);
        let line = |row: usize| {
            let halves = move |x| Halves {
                upper: self.is_dark(quiet, x, 2 * row),
                lower: self.is_dark(quiet, x, 2 * row + 1),
            };
            (0..side)
                .map(move |x| match halves(x) {
                    Halves { upper: false, lower: false } => '█',
                    Halves { upper: false, lower: true } => '▀',
                    Halves { upper: true, lower: false } => '▄',
                    Halves { upper: true, lower: true } => ' ',
                })
                .chain(['\n'])
        };
        (0..side.div_ceil(2)).flat_map(line).collect()
    }
}

/// The place of a code's colour in the palette.
fn index(color: Color) -> u8 {
    match color {
        Color::Indexed(index) => index,
        _ => unreachable!("a code has only the two colours of this module, both indexed"),
    }
}
