//! Characters that a terminal would garble, replaced by some that it knows.
//!
//! Where a line or a block is two cells wide, or three characters of another set, it pushes everything behind it
//! aside, the QR code included. So the drawn screen has none there.

use ratatui::buffer::Buffer;
use unicode_width::UnicodeWidthStr as _;

use crate::terminal::Letters;

/// Replaces what this terminal does not show as it is meant. Pictures are no characters, and stay.
pub(super) fn keep(letters: Letters, buffer: &mut Buffer) {
    let is_garbled = |symbol: &str| match letters {
        Letters::All => false,
        Letters::SameWidth => symbol.width() != symbol.width_cjk(),
        Letters::Ascii => !symbol.is_ascii(),
    };
    for cell in &mut buffer.content {
        if is_garbled(cell.symbol()) {
            let plain = plain(cell.symbol());
            cell.set_symbol(plain);
        }
    }
}

/// What looks most like it in ASCII.
fn plain(symbol: &str) -> &'static str {
    match symbol {
        "━" | "╸" | "═" => "=",
        "─" | "–" | "—" => "-",
        "│" | "┃" => "|",
        "╭" | "╮" | "╰" | "╯" | "┌" | "┐" | "└" | "┘" => "+",
        "█" | "▀" | "▄" => "#",
        "…" | "·" => ".",
        "“" | "”" | "„" => "\"",
        "‘" | "’" => "'",
        "×" => "x",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use ratatui::layout::Rect;

    use super::*;

    fn kept(letters: Letters, line: &str) -> String {
        let width = u16::try_from(line.width()).unwrap();
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, 1));
        buffer.set_string(0, 0, line, ratatui::style::Style::new());
        keep(letters, &mut buffer);
        buffer.content.iter().map(|cell| cell.symbol().to_owned()).collect()
    }

    #[test]
    fn only_what_would_be_garbled_is_replaced() {
        let line = "a ━╸─ ╭│█▄ … ñ";
        assert_eq!(kept(Letters::All, line), line);
        assert_eq!(kept(Letters::SameWidth, line), "a =╸- +|## . ñ");
        assert_eq!(kept(Letters::Ascii, line), "a ==- +|## . ?");
        assert_eq!(kept(Letters::SameWidth, "電腦"), "電 腦 ", "wide characters are as wide everywhere");
        assert_eq!(kept(Letters::Ascii, "電"), "? ");
    }
}
