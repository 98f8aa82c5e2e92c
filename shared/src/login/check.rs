//! The check code: two digits that go from the phone to the PC, by way of the person.
//!
//! ```text
//! server --confirm's answer--> phone "47" --read, typed--> PC --redeem--> server
//! ```
//!
//! In this direction, because what only a PC shows can be relayed by a phishing
//! page: its victim would compare two equal codes. Digits that the phone shows
//! have to be told to the attacker.

use std::fmt;
use std::hash::{Hash, Hasher};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use subtle::ConstantTimeEq;

use super::CHECK_TRIES;
use crate::random::{self, Random};
use crate::secret::Malformed;

/// Two digits, 10 to 99. Compared in constant time, and never shown in `Debug`.
#[derive(Clone, Copy)]
pub struct CheckCode(u8);

impl CheckCode {
    /// Equal to no code that was ever made: what stands for anything typed that can't be one.
    pub const NEVER_RIGHT: Self = Self(0);
    /// Its length in digits.
    pub const LEN: usize = 2;

    const FIRST: u8 = 10;
    const COUNT: u8 = 90;

    /// A new one, each as likely.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        // A byte is taken only below the largest multiple of 90.
        const FAIR: u8 = u8::MAX / CheckCode::COUNT * CheckCode::COUNT;
        loop {
            let [byte] = random::bytes(random);
            if byte < FAIR {
                return Self(Self::FIRST + byte % Self::COUNT);
            }
        }
    }

    /// Reads two digits strictly; the first of them is not 0.
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        match text.as_bytes() {
            [tens @ b'1'..=b'9', ones @ b'0'..=b'9'] => Ok(Self(10 * (tens - b'0') + (ones - b'0'))),
            _ => Err(Malformed),
        }
    }

    /// The digits themselves, to be shown or sent.
    #[must_use]
    pub fn digits(&self) -> String {
        format!("{:02}", self.0)
    }
}

impl PartialEq for CheckCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for CheckCode {}

impl Hash for CheckCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

impl fmt::Debug for CheckCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CheckCode")
    }
}

impl Serialize for CheckCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.digits())
    }
}

impl<'de> Deserialize<'de> for CheckCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// What a confirmed login still waits for: the digits that its phone shows. It is kept as it is, not hashed:
/// 90 values hide behind no hash, and it is worth nothing a minute later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Check {
    /// The digits.
    pub code: CheckCode,
    /// How many wrong ones are left: the last of them denies the login.
    pub tries_left: u8,
}

impl Check {
    /// Nothing was typed yet.
    #[must_use]
    pub fn new(code: CheckCode) -> Self {
        Self { code, tries_left: CHECK_TRIES }
    }

    /// What comes of these digits.
    pub(super) fn judge(self, typed: Option<CheckCode>) -> Verdict {
        match typed {
            None => Verdict::Missing { tries_left: self.tries_left },
            Some(typed) if typed == self.code => Verdict::Right,
            Some(_) => match self.tries_left.saturating_sub(1) {
                0 => Verdict::WrongOnceTooOften,
                tries_left => Verdict::Wrong(Self { tries_left, ..self }),
            },
        }
    }
}

/// What comes of typed digits.
pub(super) enum Verdict {
    /// They are the phone's.
    Right,
    /// There were none, which costs nothing.
    Missing {
        /// The tries that are left.
        tries_left: u8,
    },
    /// They are not, and this is what is left.
    Wrong(Check),
    /// They are not, and that was the last try.
    WrongOnceTooOften,
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use super::*;

    /// Every byte in turn.
    struct Counting(AtomicU8);

    impl Random for Counting {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    #[test]
    fn every_code_is_as_likely() {
        let random = Counting(AtomicU8::new(0));
        let mut times = [0; 100];
        // The fair bytes of one turn through all: 180 of 256.
        for _ in 0..180 {
            times[usize::from(CheckCode::generate(&random).0)] += 1;
        }
        assert!(times[..10].iter().all(|times| *times == 0));
        assert!(times[10..].iter().all(|times| *times == 2));
    }

    #[test]
    fn two_digits_are_read_and_nothing_else() {
        for digits in ["10", "47", "99"] {
            let code = CheckCode::parse(digits).unwrap();
            assert_eq!(code.digits(), digits);
            let json = serde_json::to_string(&code).unwrap();
            assert_eq!(
                (json.as_str(), serde_json::from_str::<CheckCode>(&json).unwrap()),
                (format!("\"{digits}\"").as_str(), code)
            );
        }
        for text in ["", "4", "00", "09", "100", "047", " 47", "47 ", "4x", "+4", "-4", "४७"] {
            assert_eq!(CheckCode::parse(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn nothing_shows_the_digits_or_equals_what_can_t_be_a_code() {
        let check = Check::new(CheckCode::parse("47").unwrap());
        assert_eq!(format!("{check:?}"), "Check { code: CheckCode, tries_left: 3 }");
        for digits in 10..=99 {
            assert_ne!(CheckCode::parse(&digits.to_string()).unwrap(), CheckCode::NEVER_RIGHT);
        }
    }
}
