//! The words and tables that a person sees.
//!
//! Everything that somebody else wrote, a PC's name above all, goes through
//! [`claim`] or [`sentence`] before it is shown: it can neither control the
//! terminal nor pretend to be one of our own lines.

mod notices;
mod request;
mod sessions;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shared::name::{clean, clean_claim, is_unprintable};
use shared::text::fit;

pub(crate) use notices::notice;
pub(crate) use request::{Asked, request};
pub(crate) use sessions::sessions;

/// The most characters of a sentence that a server wrote.
const MAX_SENTENCE: usize = 300;

/// The most columns of a device's name among other words. Its claims stand in full where a login is decided.
const MAX_NAME_COLUMNS: usize = 40;

/// A claim of somebody else, or `None` if nothing of it can be shown.
fn claim(text: Option<&String>) -> Option<String> {
    text.map(|text| clean_claim(text)).filter(|text| !text.is_empty())
}

/// A claim in quotation marks, which it can't end by itself.
fn quoted(claim: &str) -> String {
    format!("\"{}\"", claim.replace('"', "'"))
}

/// A device's name beside other words on a line, and no longer than that it remains a part of the line.
fn named(name: &str) -> String {
    quoted(&fit(name, MAX_NAME_COLUMNS))
}

/// A sentence of somebody else.
fn sentence(text: &str) -> String {
    clean(text, MAX_SENTENCE)
}

/// A time as this machine's owner reads it, to the minute.
fn minute(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The same, to the second.
fn second(time: Timestamp, zone: &TimeZone) -> String {
    time.to_zoned_datetime(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// A QR code's text with everything marked that could control or deceive a terminal, on one line.
pub(crate) fn escaped(text: &str) -> String {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_deceive_a_terminal_is_marked_and_the_rest_is_as_it_is() {
        assert_eq!(escaped("https://x/ä日本?a=\\b"), "https://x/ä日本?a=\\b");
        assert_eq!(
            escaped("a\x1b[2J\u{202e}b\nc\td\u{9b}\u{7f}\u{200b}"),
            r"a\u{1b}[2J\u{202e}b\nc\td\u{9b}\u{7f}\u{200b}"
        );
    }

    #[test]
    fn a_sentence_of_the_server_stays_one_line() {
        assert_eq!(sentence("a\nb\x1b[31m\u{202e}c"), "a b[31mc");
        assert_eq!(sentence(&"x".repeat(1000)).len(), MAX_SENTENCE);
    }
}
