//! User names, and what a PC says of itself.

use std::fmt;

use serde::{Deserialize, Serialize};
use unicode_width::UnicodeWidthChar as _;

/// A user name: 1 to 64 of `a-z 0-9 . _ -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Username(String);

/// That a text is no user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a user name is 1 to 64 of the characters a-z 0-9 . _ -")]
pub struct BadUsername;

#[cfg(feature = "client")]
impl BadUsername {
    /// The same in every language.
    #[must_use]
    pub fn text(self) -> crate::words::Text {
        crate::to_say!(bad_username(self))
    }
}

impl Username {
    /// Its greatest length in characters.
    pub const MAX_LEN: usize = 64;

    /// Reads a user name. Capitals become small letters.
    ///
    /// # Errors
    /// [`BadUsername`] for other characters, none, or more than 64.
    pub fn parse(text: &str) -> Result<Self, BadUsername> {
        let allowed = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        let good = (1..=Self::MAX_LEN).contains(&text.len()) && text.bytes().all(allowed);
        good.then(|| Self(text.to_ascii_lowercase())).ok_or(BadUsername)
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As the PC may show it before it is logged in: `a***e`, or `***` for short names. The person at the
    /// PC recognizes their own name, a bystander learns next to nothing.
    #[must_use]
    pub fn masked(&self) -> String {
        match (self.0.chars().next(), self.0.chars().last()) {
            (Some(first), Some(last)) if self.0.len() >= 4 => format!("{first}***{last}"),
            _ => "***".to_owned(),
        }
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Username {
    type Error = BadUsername;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

/// The greatest length of a claim, in characters.
pub const MAX_CLAIM: usize = 64;

/// The most marks on one letter. Writing needs no more; a pile of them paints over the lines around.
const MAX_MARKS: usize = 3;

/// Makes a text that somebody else wrote safe to show: control, escape and bidirectional characters are
/// taken out, as are piles of marks and marks without a letter, runs of white space become one space, and what
/// is over 64 characters is cut.
///
/// Both ends apply it: the server before it stores a claim, the clients before they draw one.
#[must_use]
pub fn clean_claim(text: &str) -> String {
    clean(text, MAX_CLAIM)
}

/// The same for a text of another length, such as a sentence.
#[must_use]
pub fn clean(text: &str, max_chars: usize) -> String {
    let shown = text.chars().map(|c| if c.is_whitespace() { ' ' } else { c }).filter(|c| !is_unprintable(*c));
    let mut clean = String::new();
    // A mark without a letter would sit on what is not the writer's own: a quotation mark, a label.
    let mut marks = MAX_MARKS;
    for c in shown {
        let is_wanted = match c {
            ' ' => !clean.ends_with(' '),
            c if c.width() == Some(0) => marks < MAX_MARKS,
            _ => true,
        };
        if is_wanted {
            clean.push(c);
        }
        marks = match c {
            ' ' => MAX_MARKS,
            c if c.width() == Some(0) => marks + usize::from(is_wanted),
            _ => 0,
        };
    }
    clean.trim().chars().take(max_chars).collect::<String>().trim_end().to_owned()
}

/// A text with everything marked that could control or deceive a terminal, on one line: for what is wanted whole, such
/// as the name of a file or what a QR code holds.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => shown.extend(c.escape_default()),
            c if is_unprintable(c) => shown.extend(c.escape_unicode()),
            c => shown.push(c),
        }
    }
    shown
}

/// Control characters, and the format characters of Unicode that reorder, join or hide text: nothing that
/// somebody else wrote may bring them to a terminal.
#[must_use]
pub fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
            | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2060}'..='\u{206F}'
            | '\u{2800}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFF}'
            | '\u{13430}'..='\u{1345F}' | '\u{1BCA0}'..='\u{1BCA3}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}' | '\u{F0000}'..='\u{10FFFF}' | '\u{E000}'..='\u{F8FF}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_are_lower_cased_and_strict() {
        assert_eq!(Username::parse("Alice.B_c-9").unwrap().as_str(), "alice.b_c-9");
        for text in ["", "a b", "ä", "a/b", "a\u{202E}b", &"a".repeat(65)] {
            assert_eq!(Username::parse(text), Err(BadUsername), "{text}");
        }
        assert!(serde_json::from_str::<Username>("\"a b\"").is_err());
    }

    #[test]
    fn what_could_deceive_a_terminal_is_marked_and_the_rest_is_as_it_is() {
        assert_eq!(escaped("https://x/ä日本?a=\\b"), "https://x/ä日本?a=\\b");
        assert_eq!(
            escaped("a\x1b[2J\u{202e}b\nc\td\u{9b}\u{7f}\u{200b}"),
            r"a\u{1b}[2J\u{202e}b\nc\td\u{9b}\u{7f}\u{200b}"
        );
    }

    #[test]
    fn a_mask_shows_two_letters_at_most() {
        let masked = |name| Username::parse(name).unwrap().masked();
        assert_eq!(
            [masked("alice"), masked("bobb"), masked("bob"), masked("b")],
            ["a***e", "b***b", "***", "***"]
        );
    }

    #[test]
    fn a_claim_can_neither_escape_nor_reorder() {
        assert_eq!(clean_claim("\x1b[31mThink\u{202E}Pad\u{200B}\r\n X1\x07"), "[31mThinkPad X1");
        assert_eq!(clean_claim("  "), "");
        assert_eq!(clean_claim(&"長".repeat(100)).chars().count(), 64);
    }

    #[test]
    fn marks_neither_pile_up_nor_sit_on_what_is_not_the_writers_own() {
        assert_eq!(clean_claim(&format!("Z{}a", "\u{0353}".repeat(50))), "Z\u{0353}\u{0353}\u{0353}a");
        assert_eq!(clean_claim("\u{0336}a \u{20dd}\u{0301}b"), "a b");
        // As people write: Vietnamese and Korean taken apart, Thai, pointed Hebrew, Hindi.
        for text in ["Nguye\u{0302}\u{0303}n", "\u{1112}\u{1161}\u{11ab}", "ที่นี่", "שָּׁלוֹם", "क्ष्म्य"]
        {
            assert_eq!(clean_claim(text), text);
        }
    }

    proptest! {
        #[test]
        fn a_clean_claim_is_short_and_printable_and_stays_so(text in ".*") {
            let claim = clean_claim(&text);
            prop_assert!(claim.chars().count() <= MAX_CLAIM);
            prop_assert!(!claim.chars().any(is_unprintable));
            prop_assert!(!claim.starts_with(|c: char| c.width() == Some(0)));
            prop_assert_eq!(clean_claim(&claim), claim.clone());
        }
    }
}
