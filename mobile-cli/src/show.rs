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
use shared::name::{clean, clean_claim};
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_of_the_server_stays_one_line() {
        assert_eq!(sentence("a\nb\x1b[31m\u{202e}c"), "a b[31mc");
        assert_eq!(sentence(&"x".repeat(1000)).len(), MAX_SENTENCE);
    }
}
