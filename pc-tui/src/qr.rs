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
//! of a cell to its very edge, but its font may draw `█` with a gap. Full cells
//! are spaces only, and so need neither a font nor a character set.
//!
//! Colours beyond the palette are not used: some terminals drop them silently.
//! A terminal without a palette gets reversed spaces instead ([`Ink::Reversed`]),
//! and one that can show pictures a picture, if that is asked for ([`graphics`]).
//!
//! The module knows nothing of logins, and needs nothing of this program:
//! [`QrWidget`] draws any text, and [`Abilities::drawings`] says how.

mod graphics;
mod picture;
mod style;
mod text;

pub(crate) use graphics::{Graphics, Protocol};
pub(crate) use style::{Abilities, Style, UnknownStyle, shapes};

use qrcode::{EcLevel, QrCode};
use ratatui::buffer::Buffer;
use ratatui::layout::{Rect, Size};
use ratatui::style::{Color, Modifier};
use ratatui::widgets::Widget;

/// The light borders that a code may have, in modules: what the standard asks for, then the least that every
/// reader was measured to manage with.
const QUIET_ZONES: [u16; 2] = [4, 2];

/// White, in the part of the palette that no theme changes.
pub(crate) const LIGHT: Color = Color::Indexed(231);
/// Black, in the part of the palette that no theme changes.
pub(crate) const DARK: Color = Color::Indexed(16);

/// A QR code: a square of modules, without the border that it is shown with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Code {
    side: usize,
    dark: Vec<bool>,
}

/// That a text does not fit into any QR code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the text is too long for a QR code")]
pub(crate) struct TooLong;

/// What the modules of a code are shown with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// Two cells a module, spaces only: nothing that a font could get wrong.
    Full(Ink),
    /// Two modules a cell, one above the other: a quarter of the area of `Full`.
    Half(Ink),
    /// Pixels, so many a module.
    Picture(Graphics, u16),
}

/// Where dark and light come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ink {
    /// Colours of the palette's fixed part: right in every theme.
    Palette,
    /// The terminal's own two colours, for those that have no others. What is not reversed looks like the
    /// terminal's ground.
    Reversed(Ground),
}

/// What a terminal's ground looks like where nothing is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Ground {
    /// As that of most terminals, and of all without colours.
    #[default]
    Dark,
    /// Like paper.
    Light,
}

/// How a code is shown: with what, and with how wide a border.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shape {
    /// With what.
    pub(crate) drawing: Drawing,
    /// The border on each side, in modules.
    pub(crate) quiet: u16,
}

/// The two modules of a half cell, `true` for dark.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Halves {
    upper: bool,
    lower: bool,
}

/// What a cell is painted with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Paint {
    Colours { fg: Color, bg: Color },
    Own { reversed: bool },
}

impl Code {
    /// Encodes a text at level M, which survives a smudged screen, or at a better one if that makes the code no
    /// larger.
    pub(crate) fn new(text: &str) -> Result<Self, TooLong> {
        let least = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|_| TooLong)?;
        let of_this_size = |level| QrCode::with_version(text, least.version(), level).ok();
        let code = [EcLevel::H, EcLevel::Q].into_iter().find_map(of_this_size).unwrap_or(least);
        let side = code.width();
        Ok(Self {
            side,
            dark: code.into_colors().into_iter().map(|color| color == qrcode::Color::Dark).collect(),
        })
    }

    /// Whether the module at `x`, `y` is dark, counted from the corner of a border of `quiet` modules. All is
    /// light outside the code.
    fn is_dark(&self, quiet: u16, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(quiet.into()).filter(|at| *at < self.side);
        matches!((inside(x), inside(y)), (Some(x), Some(y)) if self.dark[y * self.side + x])
    }

    /// The modules on each side, border included.
    fn side(&self, quiet: u16) -> usize {
        self.side + 2 * usize::from(quiet)
    }

    /// The columns and rows that it takes.
    pub(crate) fn size(&self, shape: Shape) -> Size {
        let side = self.side(shape.quiet);
        let (columns, rows) = match shape.drawing {
            Drawing::Half(_) => (side, side.div_ceil(2)),
            Drawing::Full(_) => (2 * side, side),
            Drawing::Picture(graphics, module_pixels) => {
                let pixels = side * usize::from(module_pixels);
                (pixels.div_ceil(graphics.cell.width.into()), pixels.div_ceil(graphics.cell.height.into()))
            }
        };
        let cells = |number| u16::try_from(number).unwrap_or(u16::MAX);
        Size::new(cells(columns), cells(rows))
    }

    /// What the cell at `column`, `row` shows, in full or half cells.
    fn cell(&self, is_half: bool, quiet: u16, ink: Ink, column: usize, row: usize) -> (char, Paint) {
        let halves = if is_half {
            let dark = |y| self.is_dark(quiet, column, y);
            Halves { upper: dark(2 * row), lower: dark(2 * row + 1) }
        } else {
            let dark = self.is_dark(quiet, column / 2, row);
            Halves { upper: dark, lower: dark }
        };
        (halves.symbol(), halves.paint(ink))
    }
}

impl Halves {
    fn symbol(self) -> char {
        if self.upper == self.lower { ' ' } else { '▄' }
    }

    /// The ground is seen above, the character's own colour below.
    fn paint(self, ink: Ink) -> Paint {
        let color = |dark| if dark { DARK } else { LIGHT };
        match ink {
            Ink::Palette => Paint::Colours { fg: color(self.lower), bg: color(self.upper) },
            Ink::Reversed(ground) => Paint::Own { reversed: self.upper != (ground == Ground::Dark) },
        }
    }
}

impl Shape {
    /// The rows of the border, above and below each.
    pub(crate) fn quiet_rows(self) -> u16 {
        match self.drawing {
            Drawing::Full(_) => self.quiet,
            Drawing::Half(_) => self.quiet / 2,
            Drawing::Picture(graphics, module_pixels) => self.quiet * module_pixels / graphics.cell.height,
        }
    }
}

/// Draws a code at the top left of its area, whole or not at all: half a code can't be scanned.
pub(crate) struct QrWidget<'a> {
    /// What to draw.
    pub(crate) code: &'a Code,
    /// How.
    pub(crate) shape: Shape,
}

impl Widget for QrWidget<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let Self { code, shape: Shape { drawing, quiet } } = self;
        let size = code.size(self.shape);
        let area = area.intersection(buffer.area);
        if size.width > area.width || size.height > area.height {
            return;
        }
        let area = Rect { width: size.width, height: size.height, ..area };
        let (is_half, ink) = match drawing {
            Drawing::Full(ink) => (false, ink),
            Drawing::Half(ink) => (true, ink),
            Drawing::Picture(graphics, module_pixels) => {
                return graphics.place(code, quiet, module_pixels, area, buffer);
            }
        };
        for at in area.positions() {
            let (column, row) = (at.x - area.x, at.y - area.y);
            let (symbol, paint) = code.cell(is_half, quiet, ink, column.into(), row.into());
            let cell = &mut buffer[at];
            // Whatever was drawn here before leaves no bold, dim or reversed behind.
            cell.reset();
            cell.set_char(symbol);
            match paint {
                Paint::Colours { fg, bg } => _ = cell.set_fg(fg).set_bg(bg),
                Paint::Own { reversed: true } => cell.modifier = Modifier::REVERSED,
                Paint::Own { reversed: false } => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
