//! The signs that take the QR's place when there is none: drawn from pixels, two a cell.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Style;

/// A sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    /// Logged in.
    Check,
    /// Denied.
    Cross,
    /// Out of time.
    Hourglass,
    /// Something is wrong.
    Exclamation,
    /// In a moment.
    Dots,
}

impl Figure {
    fn pixels(self) -> &'static [&'static str] {
        match self {
            Self::Check => &[
                "..............##",
                ".............###",
                "............###.",
                "...........###..",
                "##........###...",
                "###......###....",
                ".###....###.....",
                "..###..###......",
                "...######.......",
                "....####........",
            ],
            Self::Cross => &[
                "##........##",
                "###......###",
                ".###....###.",
                "..###..###..",
                "...######...",
                "...######...",
                "..###..###..",
                ".###....###.",
                "###......###",
                "##........##",
            ],
            Self::Hourglass => &[
                "############",
                ".#........#.",
                ".##......##.",
                "..########..",
                "....####....",
                ".....##.....",
                "....#..#....",
                "..#..##..#..",
                ".#..####..#.",
                "############",
            ],
            Self::Exclamation => &["##", "##", "##", "##", "##", "##", "##", "..", "##", "##"],
            Self::Dots => &["##....##....##", "##....##....##"],
        }
    }

    /// Draws it in the middle of `area`, if it fits.
    pub(super) fn draw(self, style: Style, area: Rect, buffer: &mut Buffer) {
        let pixels = self.pixels();
        let is_set = |x: usize, y: usize| pixels.get(y).is_some_and(|row| row.as_bytes()[x] == b'#');
        let (columns, rows) = (pixels[0].len(), pixels.len().div_ceil(2));
        let (Ok(width), Ok(height)) = (u16::try_from(columns), u16::try_from(rows)) else { return };
        if width > area.width || height > area.height {
            return;
        }
        let (left, top) = (area.x + (area.width - width) / 2, area.y + (area.height - height) / 2);
        for (row, y) in (top..).take(rows).enumerate() {
            let line = (0..columns).map(|x| match (is_set(x, 2 * row), is_set(x, 2 * row + 1)) {
                (false, false) => ' ',
                (true, false) => '▀',
                (false, true) => '▄',
                (true, true) => '█',
            });
            buffer.set_string(left, y, line.collect::<String>(), style);
        }
    }
}
