//! What `--plain` prints the QR code on, and how.

use ratatui::layout::Size;
use shared::lang::Lang;
use shared::say;
use unicode_width::UnicodeWidthStr as _;

use crate::qr::{Code, Drawing, Style, shapes};

/// What the QR code is printed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Paper {
    /// A terminal of this size; the first drawing that it has room for.
    Terminal(Size, Vec<Drawing>),
    /// Something else, in a drawing that was asked for.
    Painted(Drawing),
    /// Something else, in characters without colours.
    Blocks,
    /// Something that has no characters for it.
    Letters,
}

impl Paper {
    /// The paper: a `terminal` of a size or not, what the person asked for, which drawings that makes, and whether
    /// block characters arrive as such.
    pub(crate) fn of(terminal: Option<Size>, style: Style, drawings: Vec<Drawing>, has_blocks: bool) -> Self {
        match (terminal, drawings.first()) {
            (Some(size), _) => Self::Terminal(size, drawings),
            (None, Some(drawing)) if style != Style::Auto => Self::Painted(*drawing),
            (None, _) if has_blocks => Self::Blocks,
            (None, _) => Self::Letters,
        }
    }

    /// The code as it is printed after the `words`, or why it is not. Nothing of both may have scrolled away by the
    /// time that the line after them is printed, and the cursor is below.
    pub(super) fn print(&self, code: &Code, words: &str, lang: Lang) -> String {
        match self {
            Self::Terminal(size, drawings) => {
                let rest_rows = rows(words, size.width).saturating_add(2);
                let room = Size::new(size.width, size.height.saturating_sub(rest_rows));
                let fits = |size: Size| size.width <= room.width && size.height <= room.height;
                let fitting = shapes(drawings).find(|shape| fits(code.size(*shape)));
                fitting.map_or_else(|| no_room(code, drawings, rest_rows, lang), |shape| code.to_ansi(shape))
            }
            Self::Painted(drawing) => {
                shapes(&[*drawing]).next().map(|shape| code.to_ansi(shape)).unwrap_or_default()
            }
            Self::Blocks => code.to_text(),
            Self::Letters => say!(lang, plain_no_characters()),
        }
    }
}

fn no_room(code: &Code, drawings: &[Drawing], rest_rows: u16, lang: Lang) -> String {
    let least = shapes(drawings).map(|shape| code.size(shape)).min_by_key(|size| (size.height, size.width));
    let Size { width, height } = least.unwrap_or_default();
    say!(lang, plain_no_room(width, height.saturating_add(rest_rows)))
}

/// The rows that some lines take, at most: a wide character does not fit into the last column.
fn rows(text: &str, width: u16) -> u16 {
    let rows_of = |line: &str| {
        let columns = usize::from(width).saturating_sub((!line.is_ascii()).into());
        line.width().div_ceil(columns.max(1)).max(1)
    };
    u16::try_from(text.lines().map(rows_of).sum::<usize>()).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{LINK, abilities};

    fn code() -> Code {
        Code::new(LINK).unwrap()
    }

    fn auto() -> Vec<Drawing> {
        abilities().drawings(Style::Auto)
    }

    #[test]
    fn what_it_is_decides() {
        let of = |terminal, style| Paper::of(terminal, style, abilities().drawings(style), true);
        let size = Size::new(80, 24);
        assert_eq!(of(Some(size), Style::Auto), Paper::Terminal(size, auto()));
        assert_eq!(of(None, Style::Auto), Paper::Blocks);
        assert!(matches!(of(None, Style::Half), Paper::Painted(Drawing::Half(_))));
        assert_eq!(Paper::of(None, Style::Auto, auto(), false), Paper::Letters);
    }

    #[test]
    fn a_code_is_printed_only_where_all_of_it_stays_in_sight() {
        for width in 0..90 {
            for height in 0..60 {
                let paper = Paper::Terminal(Size::new(width, height), auto());
                let text = paper.print(&code(), LINK, Lang::English);
                let after = rows(LINK, width) + 2;
                if text.contains('\x1b') {
                    let rows = u16::try_from(text.lines().count()).unwrap();
                    let columns = match rows {
                        17 => 33,
                        19 => 37,
                        full => 2 * full,
                    };
                    assert!(columns <= width && rows + after <= height, "{width} x {height}");
                } else {
                    assert!(width < 33 || height < 17 + after, "{width} x {height}: {text}");
                    assert!(text.starts_with("No room here for the QR code: it takes 33 columns"), "{text}");
                }
            }
        }
    }

    #[test]
    fn the_rows_of_wide_characters_are_counted_by_their_columns() {
        assert_eq!(rows("abcdef\n\nabcdefg", 6), 4);
        assert_eq!(rows("扫码登录", 8), 2, "that is one more than it takes");
        assert_eq!(rows("扫码登录", 7), 2);
        assert_eq!(rows("扫码登录a", 4), 3);
    }

    #[test]
    fn where_there_is_no_code_the_ways_to_one_are_named() {
        for lang in Lang::ALL {
            let said = |paper: Paper| paper.print(&code(), LINK, lang);
            let no_characters = said(Paper::Letters);
            assert!(["--qr-style full", "--save-qr FILE"].iter().all(|way| no_characters.contains(way)));
            assert!(said(Paper::Terminal(Size::new(20, 10), auto())).contains("--save-qr FILE"));
        }
    }

    #[test]
    fn without_characters_for_it_there_is_a_word() {
        let printed = |paper: Paper| paper.print(&code(), LINK, Lang::English);
        assert!(printed(Paper::Letters).is_ascii() && printed(Paper::Letters).starts_with("No QR code"));
        assert!(printed(Paper::Blocks).starts_with('█'));
        assert!(printed(Paper::Painted(auto()[0])).starts_with("\x1b[38;5;231;48;5;231m"));
    }
}
