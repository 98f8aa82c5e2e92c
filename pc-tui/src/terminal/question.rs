//! What the terminal is asked at the start, before anything is drawn.
//!
//! ```text
//! 1. ñ, where is the cursor now?                                            who are you?
//! 2. ▄, where is the cursor now?  ground?  size of a cell?  kitty's pictures?  who are you?
//! ```
//!
//! `ñ` is one cell everywhere, but two bytes in UTF-8: it shows whether bytes
//! are taken one by one. Only where they are not, `▄` follows, which is wide in
//! East Asian settings; one of its bytes protects all that comes after from
//! being erased where it is taken for a character.
//!
//! All terminals answer the last question of each round, in turn, so nobody
//! waits longer than the line takes. One that answers nothing, or too late, is
//! not asked the second: a late answer to the first is known for what it is
//! by whoever reads the keyboard, but one to the second would look like keys.

use ratatui::layout::Size;

use shared::lang::Charset;

use super::answers::Answers;
use super::surroundings::{Bears, Surroundings};
use crate::app::Key;
use crate::qr::{Abilities, Graphics, Protocol};

const UTF_8: &str = "\x1b[Hñ\x1b[6n";
const BLOCK: &str = "\x1b[H▄\x1b[6n";
/// Where the cursor is after one cell, and after two.
const AFTER_ONE: (u16, u16) = (1, 2);
const AFTER_TWO: (u16, u16) = (1, 3);
const GROUND_AND_CELL: &str = "\x1b]11;?\x1b\\\x1b[16t";
/// A picture of one pixel that is not to be shown: whether it would be.
const KITTY: &str = "\x1b_Gi=31,s=1,v=1,a=q,t=d,f=24;AAAA\x1b\\";
const LAST: &str = "\x1b[c";

/// What the terminal can do, and what was typed while it was asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// What the QR may be drawn with.
    pub(crate) abilities: Abilities,
    /// What other text may be written with.
    pub(crate) letters: Letters,
    /// What was typed.
    pub(crate) keys: Vec<Key>,
}

/// Which characters arrive as they are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Letters {
    /// All.
    All,
    /// Those that are as wide here as elsewhere: in East Asian settings, lines and blocks are not.
    SameWidth,
    /// ASCII.
    Ascii,
}

impl Known {
    /// Asks with `exchange`, which sends a text and answers the bytes that come until the device attributes do.
    /// `cell` is the size of a cell as the system knows it, in pixels.
    pub(super) fn ask(
        surroundings: Surroundings,
        cell: Option<Size>,
        mut exchange: impl FnMut(&str) -> Vec<u8>,
    ) -> Self {
        let mut first = Answers::of(&exchange(&[UTF_8, LAST].concat()));
        let more = [
            (first.cursor == Some(AFTER_ONE), BLOCK),
            (surroundings.bears >= Bears::Colours, GROUND_AND_CELL),
            (surroundings.bears >= Bears::Pictures, KITTY),
        ];
        let more: String = more.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, text)| text).collect();
        let second = if first.attributes.is_some() && !more.is_empty() {
            Answers::of(&exchange(&[&more, LAST].concat()))
        } else {
            Answers::default()
        };
        first.keys.extend(second.keys.iter().copied());
        let letters = letters(surroundings, first.cursor, second.cursor);
        let protocol = if second.has_kitty {
            Some(Protocol::Kitty)
        } else if surroundings.is_iterm2 {
            Some(Protocol::Iterm2)
        } else {
            second.has_sixel().then_some(Protocol::Sixel)
        };
        let cell = second.cell.or(cell);
        let graphics = protocol.zip(cell).and_then(|(protocol, cell)| Graphics::new(protocol, cell));
        let abilities = Abilities {
            has_half_cells: letters == Letters::All,
            has_palette: surroundings.has_palette,
            ground: second.ground.unwrap_or(surroundings.ground),
            graphics,
        };
        Self { abilities, letters, keys: first.keys }
    }

    /// What is known without asking.
    pub(crate) fn unasked(surroundings: Surroundings) -> Self {
        Self::ask(surroundings, None, |_| Vec::new())
    }
}

/// From where `ñ` and `▄` left the cursor. The terminal's word goes before a locale that nobody has set, but a locale
/// before the word of tmux, which answers in UTF-8 whatever it can show.
fn letters(
    surroundings: Surroundings,
    after_letter: Option<(u16, u16)>,
    after_block: Option<(u16, u16)>,
) -> Letters {
    let is_proven = after_letter == Some(AFTER_ONE) && !surroundings.is_within_another;
    let is_utf_8 = match surroundings.charset {
        Charset::Utf8 => after_letter.is_none_or(|cursor| cursor == AFTER_ONE),
        Charset::Unknown => is_proven,
        Charset::Other => false,
    };
    match after_block {
        _ if !is_utf_8 => Letters::Ascii,
        None | Some(AFTER_ONE) => Letters::All,
        Some(AFTER_TWO) => Letters::SameWidth,
        Some(_) => Letters::Ascii,
    }
}

/// The size of a cell as the system knows it; many terminals tell it nothing of pixels.
pub(super) fn cell_pixels() -> Option<Size> {
    let window = crossterm::terminal::window_size().ok()?;
    let (width, height) =
        (window.width.checked_div(window.columns)?, window.height.checked_div(window.rows)?);
    (width > 0 && height > 0).then_some(Size::new(width, height))
}

/// Sends a text to the terminal, and reads until its device attributes come, or for so long nothing.
#[cfg(unix)]
pub(super) fn exchange(question: &str) -> Vec<u8> {
    use std::io::{self, IsTerminal as _, Write as _};
    use std::os::fd::AsFd as _;

    use rustix::event::{PollFd, PollFlags, Timespec, poll};

    /// The longest pause: more than a line around the world takes, less than what people call a wait.
    const PAUSE: Timespec = Timespec { tv_sec: 0, tv_nsec: 500_000_000 };
    /// The most that is read: whoever leans on a key ends the question, not the program.
    const MAX_READS: usize = 64;

    let mut bytes = Vec::new();
    let mut out = io::stdout();
    // The keyboard is read here as it will be read later, so nothing may stay in a buffer in between.
    let keyboard = io::stdin();
    if !keyboard.is_terminal() || out.write_all(question.as_bytes()).and_then(|()| out.flush()).is_err() {
        return bytes;
    }
    for _ in 0..MAX_READS {
        let mut ready = [PollFd::new(&keyboard, PollFlags::IN)];
        let mut piece = [0; 512];
        match poll(&mut ready, Some(&PAUSE)).and_then(|ready| match ready {
            0 => Ok(0),
            _ => rustix::io::read(keyboard.as_fd(), &mut piece),
        }) {
            Ok(0) => break,
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => break,
        }
        if Answers::of(&bytes).attributes.is_some() {
            break;
        }
    }
    bytes
}

/// Nobody is asked.
#[cfg(not(unix))]
pub(super) fn exchange(_: &str) -> Vec<u8> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::qr::{Ground, Style};

    fn surroundings(charset: Charset) -> Surroundings {
        Surroundings { charset, ..Surroundings::of(|_| None) }
    }

    /// Asks a terminal that answers this, round by round, and says what it was asked.
    fn ask(surroundings: Surroundings, answers: [&str; 2]) -> (Known, Vec<String>) {
        let mut asked = Vec::new();
        let known = Known::ask(surroundings, None, |question| {
            let answer = answers[asked.len()];
            asked.push(question.to_owned());
            answer.as_bytes().to_vec()
        });
        (known, asked)
    }

    const ONE: &str = "\x1b[1;2R\x1b[?1;2c";
    const TWO: &str = "\x1b[1;3R\x1b[?1;2c";
    const FOUR: &str = "\x1b[2;4R\x1b[?1;2c";

    #[test]
    fn half_cells_need_utf_8_and_a_narrow_block() {
        for (charset, answers, expected) in [
            (Charset::Utf8, [ONE, ONE], Letters::All),
            (Charset::Utf8, ["", ""], Letters::All),
            (Charset::Utf8, [ONE, TWO], Letters::SameWidth),
            (Charset::Utf8, [TWO, ""], Letters::Ascii),
            (Charset::Utf8, [ONE, FOUR], Letters::Ascii),
            (Charset::Unknown, [ONE, ONE], Letters::All),
            (Charset::Unknown, [ONE, TWO], Letters::SameWidth),
            (Charset::Unknown, ["", ""], Letters::Ascii),
            (Charset::Unknown, [TWO, ""], Letters::Ascii),
            (Charset::Other, [ONE, ONE], Letters::Ascii),
        ] {
            let (known, asked) = ask(surroundings(charset), answers);
            assert_eq!(known.letters, expected, "{charset:?} {answers:?}");
            assert_eq!(known.abilities.has_half_cells, expected == Letters::All);
            let has_block = asked.iter().any(|question| question.contains('▄'));
            assert_eq!(has_block, answers[0] == ONE, "no block where its bytes would be taken one by one");
        }
        let tmux = Surroundings { is_within_another: true, ..surroundings(Charset::Unknown) };
        assert_eq!(ask(tmux, [ONE, ONE]).0.letters, Letters::Ascii);
    }

    #[test]
    fn whoever_does_not_answer_is_not_asked_again() {
        let (known, asked) = ask(surroundings(Charset::Utf8), ["q", ""]);
        assert_eq!(asked, ["\x1b[Hñ\x1b[6n\x1b[c"]);
        assert_eq!(known.keys, [Key::Quit]);
        assert_eq!(known.abilities.ground, Ground::Dark);
    }

    #[test]
    fn a_terminal_that_takes_questions_for_text_is_spared_them() {
        let of = |term: &str| Surroundings::of(|name| (name == "TERM").then(|| term.to_owned()));
        for (term, colours, kitty) in [
            ("xterm", true, true),
            ("tmux-256color", true, false),
            ("screen", false, false),
            ("linux", false, false),
            ("vt220", false, false),
        ] {
            let (_, asked) = ask(of(term), [ONE, ""]);
            assert_eq!(asked[1].contains(GROUND_AND_CELL), colours, "{term}");
            assert_eq!(asked[1].contains(KITTY), kitty, "{term}");
            let (_, asked) = ask(of(term), [TWO, ""]);
            assert_eq!(asked.len(), if colours { 2 } else { 1 }, "{term}: an empty question is none");
        }
    }

    #[test]
    fn pictures_go_by_the_best_protocol_there_is() {
        let first = "\x1b[1;2R\x1b[?62;4c";
        let iterm2 = Surroundings { is_iterm2: true, ..surroundings(Charset::Utf8) };
        let cell = "\x1b[6;16;8t";
        for (surroundings, second, expected) in [
            (surroundings(Charset::Utf8), "\x1b_Gi=31;OK\x1b\\\x1b[?62;4c", Some(Protocol::Kitty)),
            (surroundings(Charset::Utf8), "\x1b[?62;4c", Some(Protocol::Sixel)),
            (surroundings(Charset::Utf8), "\x1b[?62c", None),
            (iterm2, "\x1b[?62;4c", Some(Protocol::Iterm2)),
        ] {
            let (known, _) = ask(surroundings, [first, &[cell, second].concat()]);
            assert_eq!(known.abilities.graphics.map(|graphics| graphics.protocol), expected, "{second:?}");
            assert_eq!(known.abilities.drawings(Style::Picture).is_empty(), expected.is_none());
        }
    }

    #[test]
    fn the_terminals_own_word_about_its_ground_counts() {
        let (known, _) = ask(surroundings(Charset::Utf8), [ONE, "x\x1b]11;rgb:ff/ff/ff\x07d\x1b[?1;2c"]);
        assert_eq!(known.abilities.ground, Ground::Light);
        assert_eq!(known.keys, [Key::NextStyle]);
    }
}
