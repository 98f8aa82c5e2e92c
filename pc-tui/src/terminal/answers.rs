//! What a terminal answers, told from what a person types at the same time. Pure.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::Size;

use crate::app::Key;
use crate::qr::Ground;

/// What was read from a terminal.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Answers {
    /// Where the cursor is: row and column, from 1.
    pub(super) cursor: Option<(u16, u16)>,
    /// Its primary device attributes. All terminals answer these, and in turn: what was asked before and has no
    /// answer by then will have none.
    pub(super) attributes: Option<Vec<u16>>,
    /// The colour of its ground.
    pub(super) ground: Option<Ground>,
    /// The size of a cell, in pixels.
    pub(super) cell: Option<Size>,
    /// Whether it takes kitty's pictures.
    pub(super) has_kitty: bool,
    /// What was typed, in this order.
    pub(super) keys: Vec<Key>,
}

/// The device attribute that means sixel.
const SIXEL: u16 = 4;

impl Answers {
    /// Everything that is complete in `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut answers = Self::default();
        let mut typed = Vec::new();
        let mut rest = bytes;
        while let Some((&byte, after)) = rest.split_first() {
            if byte != b'\x1b' {
                typed.push(byte);
                rest = after;
                continue;
            }
            answers.type_in(&typed);
            typed.clear();
            let Some(length) = sequence(rest) else {
                // Nothing follows: the key itself, or the beginning of what is not there yet.
                answers.keys.extend(after.is_empty().then_some(Key::Escape));
                return answers;
            };
            let (sequence, after) = rest.split_at(length);
            answers.take(&String::from_utf8_lossy(sequence));
            rest = after;
        }
        answers.type_in(&typed);
        answers
    }

    /// Whether it shows sixels.
    pub(super) fn has_sixel(&self) -> bool {
        self.attributes.as_ref().is_some_and(|attributes| attributes.contains(&SIXEL))
    }

    /// A whole sequence. Those that are no answers are keys without a meaning here, such as arrows.
    fn take(&mut self, sequence: &str) {
        let within = |start, end| sequence.strip_prefix(start)?.strip_suffix(end);
        let numbers =
            |text: &str| text.split(';').map(|number| number.parse().ok()).collect::<Option<Vec<u16>>>();
        if let Some(attributes) = within("\x1b[?", "c") {
            self.attributes = Some(attributes.split(';').filter_map(|number| number.parse().ok()).collect());
        } else if let Some([row, column]) = within("\x1b[", "R").and_then(numbers).as_deref() {
            self.cursor = Some((*row, *column));
        } else if let Some([6, height @ 1..=u16::MAX, width @ 1..=u16::MAX]) =
            within("\x1b[", "t").and_then(numbers).as_deref()
        {
            self.cell = Some(Size::new(*width, *height));
        } else if let Some(color) = sequence.strip_prefix("\x1b]11;") {
            self.ground = ground(color);
        } else if let Some(answer) = sequence.strip_prefix("\x1b_G") {
            self.has_kitty |= answer.contains(";OK");
        }
    }

    fn type_in(&mut self, bytes: &[u8]) {
        let key = |c| match c {
            '\x03' => KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL),
            '\x7f' | '\x08' => KeyCode::Backspace.into(),
            c => KeyCode::Char(c).into(),
        };
        self.keys.extend(String::from_utf8_lossy(bytes).chars().filter_map(|c| Key::of(key(c))));
    }
}

/// The bytes of the sequence that begins here, if it is whole.
fn sequence(bytes: &[u8]) -> Option<usize> {
    let is_final = |byte: &u8| (0x40..=0x7e).contains(byte);
    match bytes.get(1)? {
        b'[' => Some(2 + bytes.get(2..)?.iter().position(is_final)? + 1),
        b'O' => (bytes.len() >= 3).then_some(3),
        b']' | b'_' | b'P' => {
            let bell = bytes.iter().position(|byte| *byte == b'\x07').map(|at| at + 1);
            let end = bytes.windows(2).position(|pair| pair == b"\x1b\\").map(|at| at + 2);
            bell.into_iter().chain(end).min()
        }
        // With Alt.
        _ => Some(2),
    }
}

/// `rgb:1e1e/1e1e/2e2e`, of one to four digits each: light, if it looks brighter than the middle.
fn ground(color: &str) -> Option<Ground> {
    let parts = color.trim_end_matches(['\x07', '\x1b', '\\']).split_once(':')?.1.split('/');
    let share = |part: &str| {
        let most =
            16_u64.checked_pow(u32::try_from(part.len()).ok()?)?.checked_sub(1).filter(|most| *most > 0)?;
        Some(u64::from_str_radix(part, 16).ok()? * 1000 / most)
    };
    let shares: Vec<u64> = parts.take(3).map(share).collect::<Option<_>>()?;
    let [red, green, blue] = shares.as_slice() else { return None };
    let brightness = (299 * red + 587 * green + 114 * blue) / 1000;
    Some(if brightness > 500 { Ground::Light } else { Ground::Dark })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_answer_is_understood() {
        let answers = Answers::of(
            b"\x1b[1;3R\x1b]11;rgb:ffff/fafa/f0f0\x1b\\\x1b_Gi=31;OK\x1b\\\x1b[6;16;8t\x1b[?62;4;22c",
        );
        assert_eq!(answers.cursor, Some((1, 3)));
        assert_eq!(answers.ground, Some(Ground::Light));
        assert_eq!(answers.cell, Some(Size::new(8, 16)));
        assert_eq!(answers.attributes.as_deref(), Some(&[62, 4, 22][..]));
        assert!(answers.has_kitty && answers.has_sixel() && answers.keys.is_empty());
    }

    #[test]
    fn a_terminal_without_pictures_says_nothing_of_them() {
        let answers = Answers::of(b"\x1b_Gi=31;ENOTSUP:no\x1b\\\x1b[6;0;0t\x1b]11;?\x07\x1b[?1;2c");
        assert_eq!(answers, Answers { attributes: Some(vec![1, 2]), ..Answers::default() });
        assert!(!answers.has_sixel());
    }

    #[test]
    fn what_is_typed_in_between_is_not_lost() {
        let answers = Answers::of(b"r\x1b[1;3R?\x1b[A\x1bOPd\x1bxs\x1b[?1;2c4\x7f\x03\x1b");
        let keys = [
            Key::NewCode,
            Key::Help,
            Key::NextStyle,
            Key::SaveQr,
            Key::Digit(4),
            Key::Backspace,
            Key::Quit,
            Key::Escape,
        ];
        assert_eq!(answers.keys, keys);
        assert!(answers.cursor.is_some() && answers.attributes.is_some());
    }

    #[test]
    fn half_an_answer_is_none_and_no_key() {
        for bytes in [&b"\x1b["[..], b"\x1b[1;3", b"\x1b]11;rgb:00", b"\x1b_Gi=31;OK", b"\x1bO"] {
            assert_eq!(Answers::of(bytes), Answers::default(), "{bytes:?}");
        }
    }

    #[test]
    fn the_ground_is_what_it_looks_like() {
        for (color, expected) in [
            ("rgb:0000/0000/0000\x07", Some(Ground::Dark)),
            ("rgb:fdf6/f6e3/e3d5\x1b\\", Some(Ground::Light)),
            ("rgb:00/2b/36\x07", Some(Ground::Dark)),
            ("rgba:ffff/ffff/ffff/ffff\x07", Some(Ground::Light)),
            ("rgb:0/f/0", Some(Ground::Light)),
            ("rgb://", None),
            ("rgb:ff/ff", None),
            ("white", None),
            ("rgb:ffffffffffffffffff/0/0", None),
        ] {
            assert_eq!(ground(color), expected, "{color:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_comes_is_survived(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            Answers::of(&bytes);
        }

        #[test]
        fn an_answer_in_pieces_is_an_answer(cut in 0_usize..20) {
            let whole = b"\x1b[1;3R\x1b[?62;4c";
            let (before, _) = whole.split_at(cut.min(whole.len()));
            let partial = Answers::of(before);
            prop_assert!(partial.attributes.is_none() || cut >= whole.len());
        }
    }
}
