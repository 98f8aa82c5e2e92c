//! What `--plain` prints the QR code on, and how.

use ratatui::layout::Size;

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

    /// The code as it is printed before `rest`, or why it is not. Nothing of it may have scrolled away by the time
    /// that all is printed, and the line after it, and the cursor.
    pub(super) fn print(&self, code: &Code, rest: &str) -> String {
        match self {
            Self::Terminal(size, drawings) => {
                let rest_rows = rows(rest, size.width).saturating_add(2);
                let room = Size::new(size.width, size.height.saturating_sub(rest_rows));
                let fits = |size: Size| size.width <= room.width && size.height <= room.height;
                let fitting = shapes(drawings).find(|shape| fits(code.size(*shape)));
                fitting.map_or_else(|| no_room(code, drawings, rest_rows), |shape| code.to_ansi(shape))
            }
            Self::Painted(drawing) => {
                shapes(&[*drawing]).next().map(|shape| code.to_ansi(shape)).unwrap_or_default()
            }
            Self::Blocks => code.to_text(),
            Self::Letters => {
                "No QR code: this locale has no characters for it. Use the link or the code.\n".to_owned()
            }
        }
    }
}

fn no_room(code: &Code, drawings: &[Drawing], rest_rows: u16) -> String {
    let least = shapes(drawings).map(|shape| code.size(shape)).min_by_key(|size| (size.height, size.width));
    let Size { width, height } = least.unwrap_or_default();
    let height = height.saturating_add(rest_rows);
    format!("No room here for the QR code: it takes {width} columns and {height} rows.\n")
}

/// The rows that some lines of ASCII take.
fn rows(text: &str, width: u16) -> u16 {
    let rows = text.lines().map(|line| line.len().div_ceil(usize::from(width).max(1)).max(1)).sum::<usize>();
    u16::try_from(rows).unwrap_or(u16::MAX)
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
                let text = Paper::Terminal(Size::new(width, height), auto()).print(&code(), LINK);
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
    fn without_characters_for_it_there_is_a_word() {
        let text = Paper::Letters.print(&code(), LINK);
        assert!(text.is_ascii() && text.starts_with("No QR code"));
        assert!(Paper::Blocks.print(&code(), LINK).starts_with('█'));
        assert!(Paper::Painted(auto()[0]).print(&code(), LINK).starts_with("\x1b[38;5;231;48;5;231m"));
    }
}
