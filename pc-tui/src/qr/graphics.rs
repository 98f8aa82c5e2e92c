//! A code as a picture on the screen, by the protocols that terminals have for it.
//!
//! A code has two colours, so each protocol takes a few lines here. Libraries
//! for them bring what photographs need: resizing, palettes, dithering.
//!
//! ```text
//! kitty    ESC _ G a=T,f=100,… ; PNG in base64 ESC \      in pieces of 4096 bytes
//! iTerm2   ESC ] 1337 ; File = inline=1;… : PNG in base64 BEL
//! sixel    ESC P q "1;1;width;height … ESC \              bands of six rows, run by run
//! ```
//!
//! The picture is as large as the cells that it takes, to the pixel, so that
//! no terminal scales it: the code is in the middle, light all around.

use std::fmt::Write as _;

use data_encoding::BASE64;
use image::GrayImage;
use ratatui::buffer::{Buffer, CellDiffOption};
use ratatui::layout::{Rect, Size};

use super::picture::png;
use super::{Code, Drawing};

/// How a terminal shows pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Graphics {
    /// In whose words.
    pub(crate) protocol: Protocol,
    /// The size of a cell, in pixels: each side from 1 to [`MAX_CELL_PIXELS`].
    pub(super) cell: Size,
}

/// A protocol for pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// That of kitty, which Ghostty, Konsole and others have, too.
    Kitty,
    /// That of iTerm2.
    Iterm2,
    /// DEC's.
    Sixel,
}

/// More than any font on any screen has. A terminal that says otherwise would be sent a picture of gigabytes.
const MAX_CELL_PIXELS: u16 = 128;
/// What kitty calls our picture; any number will do.
const KITTY_ID: u32 = 7707;
/// The longest piece of base64 that kitty takes.
const KITTY_PIECE: usize = 4096;
/// The fewest pixels a module that a camera can be expected to tell apart.
const MIN_MODULE_PIXELS: u16 = 3;

impl Graphics {
    /// Those of a terminal with cells of a size in pixels; none, if no cell has that size.
    pub(crate) fn new(protocol: Protocol, cell: Size) -> Option<Self> {
        let is_a_side = |pixels: u16| (1..=MAX_CELL_PIXELS).contains(&pixels);
        (is_a_side(cell.width) && is_a_side(cell.height)).then_some(Self { protocol, cell })
    }

    /// The same with cells of another size, if it is one.
    pub(crate) fn resized(self, cell: Size) -> Self {
        Self::new(self.protocol, cell).unwrap_or(self)
    }

    /// The drawings that such a terminal can show: modules as large as full cells, then as half cells.
    pub(super) fn drawings(self) -> Vec<Drawing> {
        let sizes = [self.cell.height, self.cell.height / 2];
        let fine = sizes.into_iter().filter(|pixels| *pixels >= MIN_MODULE_PIXELS);
        fine.map(|pixels| Drawing::Picture(self, pixels)).collect()
    }

    /// What makes the terminal show a code in so many cells, to the right of and below the cursor.
    pub(super) fn sequence(self, code: &Code, quiet: u16, module_pixels: u16, cells: Size) -> String {
        let (width, height) =
            (cells.width.saturating_mul(self.cell.width), cells.height.saturating_mul(self.cell.height));
        let picture = code.pixels(quiet, module_pixels, Size::new(width, height));
        match self.protocol {
            Protocol::Sixel => sixel(&picture),
            // A picture in memory can be written; were it not, a screen without a code is still a screen.
            Protocol::Kitty => png(&picture).map(|png| kitty(&png, cells)).unwrap_or_default(),
            Protocol::Iterm2 => png(&picture).map(|png| iterm2(&png, cells)).unwrap_or_default(),
        }
    }

    /// Puts the picture into `area`: all of it is in the first cell, and the others are left to it.
    pub(super) fn place(self, code: &Code, quiet: u16, module_pixels: u16, area: Rect, buffer: &mut Buffer) {
        for at in area.positions() {
            buffer[at].reset();
            buffer[at].set_diff_option(CellDiffOption::Skip);
        }
        let first = &mut buffer[area.as_position()];
        first.set_symbol(&self.sequence(code, quiet, module_pixels, area.as_size()));
        first.set_diff_option(CellDiffOption::ForcedWidth(std::num::NonZeroU16::MIN));
    }

    /// What takes our pictures off the screen, where writing over them does not.
    pub(crate) fn removal(self) -> String {
        match self.protocol {
            Protocol::Kitty => format!("\x1b_Ga=d,d=I,i={KITTY_ID},q=2\x1b\\"),
            Protocol::Iterm2 | Protocol::Sixel => String::new(),
        }
    }
}

/// `q=2`: no answer, which would look like keys. `C=1`: the cursor stays.
fn kitty(png: &[u8], cells: Size) -> String {
    let base64 = BASE64.encode(png);
    let pieces = base64.as_bytes().chunks(KITTY_PIECE);
    let last = pieces.len().saturating_sub(1);
    let mut sequence = String::new();
    for (number, piece) in pieces.enumerate() {
        sequence.push_str("\x1b_G");
        if number == 0 {
            let Size { width, height } = cells;
            _ = write!(sequence, "a=T,f=100,q=2,C=1,i={KITTY_ID},p=1,c={width},r={height},");
        }
        _ = write!(sequence, "m={};{}\x1b\\", u8::from(number < last), String::from_utf8_lossy(piece));
    }
    sequence
}

fn iterm2(png: &[u8], cells: Size) -> String {
    let (Size { width, height }, bytes, base64) = (cells, png.len(), BASE64.encode(png));
    let options = format!("inline=1;size={bytes};width={width};height={height};preserveAspectRatio=0");
    format!("\x1b]1337;File={options};doNotMoveCursor=1:{base64}\x07")
}

/// Colour 0 is dark, colour 1 light. A band is six rows of pixels, drawn once for each colour.
fn sixel(picture: &GrayImage) -> String {
    let (width, height) = picture.dimensions();
    let mut sequence = format!("\x1bP0;1;0q\"1;1;{width};{height}#0;2;0;0;0#1;2;100;100;100");
    for top in (0..height).step_by(6) {
        for (color, shade) in [(0, 0), (1, 255)] {
            let column = |x: u32| {
                let is_set = |row: &u32| top + row < height && picture.get_pixel(x, top + row).0 == [shade];
                63 + (0..6).filter(is_set).map(|row| 1 << row).sum::<u8>()
            };
            _ = write!(
                sequence,
                "#{color}{}{}",
                runs((0..width).map(column)),
                if color == 0 { '$' } else { '-' }
            );
        }
    }
    sequence.push_str("\x1b\\");
    sequence
}

/// Equal characters that follow each other as `!count` and the character.
fn runs(characters: impl Iterator<Item = u8>) -> String {
    let mut runs: Vec<(u8, usize)> = Vec::new();
    for character in characters {
        match runs.last_mut() {
            Some((last, count)) if *last == character => *count += 1,
            _ => runs.push((character, 1)),
        }
    }
    runs.into_iter().fold(String::new(), |mut text, (character, count)| {
        _ = write!(text, "!{count}{}", char::from(character));
        text
    })
}
