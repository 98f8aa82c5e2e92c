//! The headers by which a client says how long it would wait, and for what.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::FromRequestParts;
use http::request::Parts;
use http::{HeaderMap, header};
use jiff::Timestamp;
use shared::api::MAX_WAIT_SECS;

use crate::clock::Clock;

/// How long a request would wait, if at all, for another version than which.
pub(super) struct Waits {
    /// The version that was seen.
    pub(super) seen: Option<u64>,
    /// For how long; not for no time.
    pub(super) wait: Option<Duration>,
}

impl<S: Sync> FromRequestParts<S> for Waits {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let wait = wait(&parts.headers).filter(|wait| !wait.is_zero());
        Ok(Self { seen: seen_version(&parts.headers), wait })
    }
}

/// The least that a long poll takes whose place a newer waiter took. Clients ask again at the end of a wait;
/// without this, one too many of them would chase each other as fast as the network carries them.
const REPLACED_AFTER: Duration = Duration::from_secs(1);

/// How long a request would wait: `Prefer: wait=25` (RFC 7240 §4.3), cut at the most that is granted. None
/// without a preference that can be understood.
pub(super) fn wait(headers: &HeaderMap) -> Option<Duration> {
    let lines = headers.get_all("prefer").iter().filter_map(|line| line.to_str().ok());
    let secs = lines.flat_map(|line| line.split([',', ';'])).find_map(|preference| {
        let (name, value) = preference.split_once('=')?;
        let value = value.trim().trim_matches('"');
        let is_number = !value.is_empty() && value.bytes().all(|c| c.is_ascii_digit());
        // A number too large to read is still "as long as you can".
        (name.trim().eq_ignore_ascii_case("wait") && is_number)
            .then(|| value.parse::<u64>().unwrap_or(u64::MAX))
    })?;
    Some(Duration::from_secs(secs.min(MAX_WAIT_SECS)))
}

/// Holds a long poll that began at `begun_at` and lost its place, until it may be answered.
pub(super) async fn replaced(clock: &Clock, begun_at: Timestamp) {
    clock.sleep_until(begun_at + REPLACED_AFTER).await;
}

/// The version that a client has seen: the entity tag in `If-None-Match`, strong or weak (RFC 9110 §13.1.2).
/// A list or `*` is no version.
pub(super) fn seen_version(headers: &HeaderMap) -> Option<u64> {
    let tag = headers.get(header::IF_NONE_MATCH)?.to_str().ok()?.trim();
    let quoted = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"')?.strip_suffix('"')?;
    quoted.bytes().all(|c| c.is_ascii_digit()).then(|| quoted.parse().ok())?
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn headers(name: &'static str, value: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Ok(value) = value.parse() {
            headers.insert(name, value);
        }
        headers
    }

    #[test]
    fn a_wait_is_read_leniently_and_cut() {
        let secs = |value| wait(&headers("prefer", value)).map(|wait| wait.as_secs());
        for (value, expected) in [
            ("wait=25", 25),
            ("respond-async, WAIT = 7", 7),
            ("wait=\"3\"", 3),
            ("wait=9999", 55),
            ("wait=99999999999999999999999", 55),
            ("wait=0", 0),
        ] {
            assert_eq!(secs(value), Some(expected), "{value}");
        }
        for value in ["", "wait", "wait=", "wait=-1", "wait=x", "await=5", "wait=5s"] {
            assert_eq!(secs(value), None, "{value}");
        }
    }

    #[test]
    fn a_version_is_an_entity_tag() {
        let version = |value| seen_version(&headers("if-none-match", value));
        assert_eq!((version("\"3\""), version("W/\"12\"")), (Some(3), Some(12)));
        for value in
            ["", "3", "*", "\"\"", "\"x\"", "\"3", "\"1\", \"2\"", "\"-1\"", "\"99999999999999999999999\""]
        {
            assert_eq!(version(value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn no_header_makes_them_panic(value in "[ -~]{0,60}") {
            let _ = (wait(&headers("prefer", &value)), seen_version(&headers("if-none-match", &value)));
        }
    }
}
