//! A QR code as cells of a terminal, as plain text, and as a picture.
//!
//! A camera needs dark modules on a light ground with a wide light border. A
//! terminal promises neither: its theme may turn "black" and "white" around.
//! So every cell of a code has both colours set, from the fixed part of the
//! 256-colour palette, whatever the theme and whatever `NO_COLOR` says.
//!
//! ```text
//! half cells: one column a module,         full cells: two columns a module,
//! two modules a row                        one row
//!
//!   upper light, lower light   ' ' on light        dark    "  " on dark
//!   upper dark,  lower dark    ' ' on dark         light   "  " on light
//!   upper light, lower dark    '▄' dark on light
//!   upper dark,  lower light   '▄' light on dark
//! ```
//!
//! Where both halves agree the cell is a space: a terminal paints the ground
//! of a cell to its very edge, but its font may draw `█` with a gap.
//!
//! The module knows nothing of logins; [`QrWidget`] draws any text.

mod picture;
mod text;

use qrcode::{EcLevel, QrCode};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Style};
use ratatui::widgets::Widget;

/// The light border that the standard asks for, in modules.
const QUIET_ZONE: usize = 4;

/// White, in the part of the palette that no theme changes.
pub(crate) const LIGHT: Color = Color::Indexed(231);
/// Black, in the part of the palette that no theme changes.
pub(crate) const DARK: Color = Color::Indexed(16);

/// A QR code with its quiet zone: a square of modules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    side: usize,
    dark: Vec<bool>,
}

/// That a text does not fit into any QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub(crate) struct TooLong;

/// How modules become cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// Two modules a cell, one above the other: a quarter of the area of `Full`.
    Half,
    /// Two cells a module, spaces only: for fonts whose half blocks leave gaps or are too wide.
    Full,
}

/// The two modules of a half cell, `true` for dark.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Halves {
    upper: bool,
    lower: bool,
}

impl Code {
    /// Encodes a text at level M, which survives a smudged screen.
    pub(crate) fn new(text: &str) -> Result<Self, TooLong> {
        let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| TooLong)?;
        let inner = code.width();
        let side = inner + 2 * QUIET_ZONE;
        let mut dark = vec![false; side * side];
        for (at, color) in code.into_colors().into_iter().enumerate() {
            let (x, y) = (at % inner + QUIET_ZONE, at / inner + QUIET_ZONE);
            dark[y * side + x] = color == qrcode::Color::Dark;
        }
        Ok(Self { side, dark })
    }

    /// Whether the module at `x`, `y` is dark. All is light outside the code.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.side && y < self.side && self.dark[y * self.side + x]
    }

    fn halves(&self, x: usize, row: usize) -> Halves {
        Halves { upper: self.is_dark(x, 2 * row), lower: self.is_dark(x, 2 * row + 1) }
    }

    /// The columns and rows of its cells.
    pub(crate) fn size(&self, drawing: Drawing) -> Size {
        let cells = |modules: usize| u16::try_from(modules).unwrap_or(u16::MAX);
        match drawing {
            Drawing::Half => Size::new(cells(self.side), cells(self.side.div_ceil(2))),
            Drawing::Full => Size::new(cells(2 * self.side), cells(self.side)),
        }
    }

    /// What the cell at `column`, `row` shows: a character, its colour and its ground.
    fn cell(&self, drawing: Drawing, column: usize, row: usize) -> (char, Color, Color) {
        let color = |dark| if dark { DARK } else { LIGHT };
        let halves = match drawing {
            Drawing::Half => self.halves(column, row),
            Drawing::Full => {
                let dark = self.is_dark(column / 2, row);
                Halves { upper: dark, lower: dark }
            }
        };
        let symbol = if halves.upper == halves.lower { ' ' } else { '▄' };
        (symbol, color(halves.lower), color(halves.upper))
    }
}

/// Draws a code at the top left of its area, whole or not at all: half a code can't be scanned.
pub(crate) struct QrWidget<'a> {
    /// What to draw.
    pub(crate) code: &'a Code,
    /// How.
    pub(crate) drawing: Drawing,
}

impl Widget for QrWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let size = self.code.size(self.drawing);
        let area = area.intersection(buffer.area);
        if size.width > area.width || size.height > area.height {
            return;
        }
        for row in 0..size.height {
            for column in 0..size.width {
                let (symbol, fg, bg) = self.code.cell(self.drawing, column.into(), row.into());
                let cell = &mut buffer[(area.x + column, area.y + row)];
                // Whatever was drawn here before leaves no bold, dim or reversed behind.
                cell.reset();
                cell.set_char(symbol).set_style(Style::new().fg(fg).bg(bg));
            }
        }
    }
}

#[cfg(test)]
mod tests;
