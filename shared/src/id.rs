//! Ids, and the tag that says in which partition of a store a thing lives.
//!
//! An id is a ULID: it sorts by the time it was made, which keeps an index
//! that is written in that order compact. It is no secret and grants nothing.
//!
//! ```text
//! login id    01JX…………………………7K        the last two characters are the tag
//! scan code   7K……………………………………        and begin every code and token
//! device code dc_7K…                     of that login
//! ```
//!
//! So whoever holds any token of a login knows its partition without asking,
//! and a store spread over many machines finds the login with one look-up.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use ulid::Ulid;

use crate::random::{self, Random};

/// Crockford's base 32: digits and capitals without I, L, O and U.
pub(crate) const CROCKFORD: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Two characters of Crockford base 32: one of 1,024 partitions.
///
/// In a request it is only the sender's word; its shape is checked when the
/// token that carries it is parsed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag([u8; 2]);

impl Tag {
    /// Its length in characters.
    pub const LEN: usize = 2;

    /// Reads the tag at the start of `text`.
    pub(crate) fn leading(text: &str) -> Option<Self> {
        let tag: [u8; 2] = text.as_bytes().get(..Self::LEN)?.try_into().ok()?;
        tag.iter().all(|c| CROCKFORD.contains(c)).then_some(Self(tag))
    }

    /// The two characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// How many there are.
    pub const COUNT: u16 = 1024;

    fn of(id: Ulid) -> Self {
        let bytes = id.to_bytes();
        Self::numbered(u16::from_be_bytes([bytes[14], bytes[15]]))
    }

    /// The tag of a partition's number. Of a larger number, the last ten bits count.
    #[must_use]
    pub fn numbered(number: u16) -> Self {
        Self([number >> 5, number].map(|digit| CROCKFORD[usize::from(digit & 31)]))
    }

    /// Ten bits: the partition's number.
    pub(crate) fn number(self) -> u16 {
        self.0.iter().fold(0, |number, c| {
            let digit = CROCKFORD.iter().zip(0..).find(|(known, _)| *known == c);
            number << 5 | digit.map_or(0, |(_, digit)| digit)
        })
    }
}

impl fmt::Debug for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

fn generate(now: Timestamp, random: &dyn Random) -> Ulid {
    let millis = u64::try_from(now.as_millisecond()).unwrap_or_default();
    Ulid::from_parts(millis, u128::from_be_bytes(random::bytes(random)))
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Ulid);

        impl $name {
            /// A new id, in a partition chosen by chance.
            #[must_use]
            pub fn generate(now: Timestamp, random: &dyn Random) -> Self {
                Self(generate(now, random))
            }

            /// A new id in a given partition.
            #[must_use]
            pub fn generate_in(tag: Tag, now: Timestamp, random: &dyn Random) -> Self {
                let id = generate(now, random);
                let random = id.random() >> 10 << 10 | u128::from(tag.number());
                Self(Ulid::from_parts(id.timestamp_ms(), random))
            }

            /// The partition that it lives in.
            #[must_use]
            pub fn tag(self) -> Tag {
                Tag::of(self.0)
            }

            /// When it was made, to the millisecond.
            #[must_use]
            pub fn made_at(self) -> Timestamp {
                let millis = i64::try_from(self.0.timestamp_ms()).unwrap_or(i64::MAX);
                Timestamp::from_millisecond(millis).unwrap_or(Timestamp::MAX)
            }

            /// As 16 bytes, which sort as the ids do.
            #[must_use]
            pub fn to_bytes(self) -> [u8; 16] {
                self.0.to_bytes()
            }

            /// From what [`to_bytes`](Self::to_bytes) gave.
            #[must_use]
            pub fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(Ulid::from_bytes(bytes))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = ulid::DecodeError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                Ulid::from_string(text).map(Self)
            }
        }
    )*};
}

ids! {
    /// An account's id.
    AccountId;
    /// The id of a session, a phone's or a PC's. Its owner sees it and ends the session by it.
    SessionId;
    /// A login's id. It stays inside the server.
    LoginId;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::OsRandom;

    #[test]
    fn a_tag_is_the_last_two_characters_and_survives_a_round_trip() {
        for _ in 0..200 {
            let id = LoginId::generate(Timestamp::UNIX_EPOCH, &OsRandom);
            assert!(id.to_string().ends_with(id.tag().as_str()));
            let session = SessionId::generate_in(id.tag(), Timestamp::UNIX_EPOCH, &OsRandom);
            assert_eq!(session.tag(), id.tag());
            assert_eq!(Tag::leading(id.tag().as_str()), Some(id.tag()));
            assert_eq!(Tag::numbered(id.tag().number()), id.tag());
        }
    }

    #[test]
    fn ids_sort_by_time() {
        let early = LoginId::generate(Timestamp::UNIX_EPOCH, &OsRandom);
        let late = LoginId::generate("2026-01-01T00:00:00Z".parse().unwrap(), &OsRandom);
        assert!(early < late && early.to_bytes() < late.to_bytes());
    }
}
