//! The scan code, the user code, and the URL that the QR holds.
//!
//! ```text
//! HTTPS://LOGIN.EXAMPLE.COM/Q/7KX2…          the QR: alphanumeric mode only
//! '------- PublicUrl ------'  '- ScanCode -'
//! WDJB-MJHT                                  the UserCode: the same login, typed
//! ```
//!
//! Both codes are public by design, yet show nothing in `Debug`, so that no
//! log holds a code that still lives.

mod public_url;

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::id::{CROCKFORD, Tag};
use crate::random::{self, Random};
use crate::secret::{Digest, Malformed, Scan, ServerSecret, User};

pub use public_url::{BadUrl, NotOurs, PublicUrl};

/// What the QR holds: 26 characters of Crockford base 32, 130 bits.
#[derive(Clone, PartialEq, Eq)]
pub struct ScanCode(String);

impl ScanCode {
    /// Its length in characters.
    pub const LEN: usize = 26;

    /// A new one, for a login in the partition `tag`: the tag is its first two characters.
    #[must_use]
    pub fn generate(tag: Tag, random: &dyn Random) -> Self {
        let bytes = random::bytes::<{ Self::LEN - Tag::LEN }>(random);
        let rest = bytes.iter().map(|byte| char::from(CROCKFORD[usize::from(byte & 31)]));
        Self(tag.as_str().chars().chain(rest).collect())
    }

    /// Reads a scan code strictly: 26 characters, upper case.
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let well_formed = text.len() == Self::LEN && text.bytes().all(|c| CROCKFORD.contains(&c));
        well_formed.then(|| Self(text.to_owned())).ok_or(Malformed)
    }

    /// The partition of its login: the sender's word, no more.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag::leading(&self.0).unwrap_or_else(|| unreachable!("checked when it was made"))
    }

    /// What the store knows it by.
    #[must_use]
    pub fn digest(&self) -> Digest<Scan> {
        Digest::of(self.tag(), &self.0)
    }

    /// The code itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The form for typing: 8 letters without vowels, shown as `WDJB-MJHT` (RFC 8628 §6.1).
#[derive(Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
    const LEN: usize = 8;

    /// A new one: 34.5 bits, so it needs a limit on wrong tries.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        // A byte is taken only below the largest multiple of 20, so that each letter is as likely.
        let fair = |byte: &u8| *byte < 240;
        let mut letters = String::with_capacity(Self::LEN);
        while letters.len() < Self::LEN {
            let bytes = random::bytes::<16>(random);
            let wanted = Self::LEN - letters.len();
            letters.extend(
                bytes
                    .iter()
                    .filter(|byte| fair(byte))
                    .take(wanted)
                    .map(|byte| char::from(Self::LETTERS[usize::from(byte % 20)])),
            );
        }
        Self(letters)
    }

    /// Reads a typed code: case, spaces and dashes don't matter.
    ///
    /// # Errors
    /// [`Malformed`] when what remains is not 8 of the letters.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let letters: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '\u{2010}'..='\u{2015}'))
            .map(|c| c.to_ascii_uppercase())
            .take(Self::LEN + 1)
            .collect();
        let well_formed = letters.len() == Self::LEN && letters.bytes().all(|c| Self::LETTERS.contains(&c));
        well_formed.then_some(Self(letters)).ok_or(Malformed)
    }

    /// What the store knows it by: keyed, since 34.5 bits can be searched offline.
    #[must_use]
    pub fn digest(&self, secret: &ServerSecret) -> Digest<User> {
        Digest::keyed(&self.0, secret)
    }

    /// As people see it: `WDJB-MJHT`.
    #[must_use]
    pub fn dashed(&self) -> String {
        format!("{}-{}", &self.0[..4], &self.0[4..])
    }
}

macro_rules! redacted_text {
    ($name:ident, $text:expr) => {
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let text: fn(&$name) -> String = $text;
                serializer.serialize_str(&text(self))
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
            }
        }
    };
}

redacted_text!(ScanCode, |code| code.0.clone());
redacted_text!(UserCode, UserCode::dashed);

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::id::LoginId;
    use crate::random::OsRandom;

    fn code() -> ScanCode {
        let id = LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &OsRandom);
        ScanCode::generate(id.tag(), &OsRandom)
    }

    #[test]
    fn a_scan_code_survives_its_url_in_any_case_of_the_host() {
        let server = PublicUrl::parse("https://login.example.com/").unwrap();
        let code = code();
        let url = server.scan_url(&code);
        assert!(url.starts_with("HTTPS://LOGIN.EXAMPLE.COM/Q/") && url.len() == 28 + 26);
        assert_eq!(server.scan_code_in(&url).unwrap(), code);
        assert_eq!(server.scan_code_in(&url.replace("LOGIN", "login")).unwrap(), code);
        assert_eq!(server.scan_code_in(&url.replace(".COM", ".COM:443")).unwrap(), code);
    }

    #[test]
    fn foreign_and_look_alike_urls_are_not_ours() {
        let server = PublicUrl::parse("https://login.example.com").unwrap();
        let code = code();
        let code = code.as_str();
        for text in [
            format!("HTTP://LOGIN.EXAMPLE.COM/Q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM:8443/Q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM.EVIL.EXAMPLE/Q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM@EVIL.EXAMPLE/Q/{code}"),
            format!("HTTPS://USER@LOGIN.EXAMPLE.COM/Q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM./Q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM/q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM/Q/{code}/"),
            format!("HTTPS://LOGIN.EXAMPLE.COM/Q/{code}?X=1"),
            format!("HTTPS://LOGIN.EXAMPLE.COM/Q/../Q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM\\Q\\{code}"),
            format!(" HTTPS://LOGIN.EXAMPLE.COM/Q/{code}"),
            format!("HTTPS://LОGIN.EXAMPLE.COM/Q/{code}"),
            format!("HTTPS://LOGIN.EXAMPLE.COM/Q/{}", code.to_lowercase()),
            code.to_owned(),
            String::new(),
        ] {
            assert_eq!(server.scan_code_in(&text), Err(NotOurs), "{text}");
        }
    }

    #[test]
    fn a_user_code_is_read_as_people_type_it() {
        for text in ["WDJB-MJHT", "wdjbmjht", " w d j b m j h t ", "wdjb—mjht"] {
            assert_eq!(UserCode::parse(text).unwrap().dashed(), "WDJB-MJHT", "{text}");
        }
        for text in ["", "WDJB-MJH", "WDJB-MJHTT", "ADJB-MJHT", "WDJB_MJHT", "ẀDJBMJHT"] {
            assert_eq!(UserCode::parse(text), Err(Malformed), "{text}");
        }
    }

    #[test]
    fn only_a_bare_server_address_is_one() {
        for text in ["http://127.0.0.1:8080", "https://login.example.com/", "http://[::1]:8080"] {
            PublicUrl::parse(text).unwrap();
        }
        for text in [
            "",
            "login.example.com",
            "ftp://x",
            "https://x/y",
            "https://x?y",
            "https://x#y",
            "https://u@x",
            "https://u:p@x",
        ] {
            assert_eq!(PublicUrl::parse(text), Err(BadUrl::Form), "{text}");
        }
    }

    #[test]
    fn plain_http_stays_on_this_machine() {
        for text in ["http://127.0.0.1", "http://[::1]:1", "http://localhost:8080", "https://example.com"] {
            PublicUrl::parse(text).unwrap().require_secure().unwrap();
        }
        for text in ["http://example.com", "http://10.0.0.1:80", "http://localhost.example.com"] {
            assert_eq!(PublicUrl::parse(text).unwrap().require_secure(), Err(BadUrl::Plain), "{text}");
        }
    }

    /// Whether a text is one of the forms that the contract allows, byte for byte: scheme and host in any case, the
    /// scheme's own port said or not, and nothing else. Written down apart from the parser.
    fn is_canonical(server: &str, text: &str) -> bool {
        let Some((base, code)) = text.rsplit_once("/Q/") else { return false };
        let own_port = if server.starts_with("https:") { ":443" } else { ":80" };
        let has_port = server.rsplit(':').next().is_some_and(|port| port.bytes().all(|c| c.is_ascii_digit()));
        let base = base.to_ascii_lowercase();
        let is_code = |c: char| "0123456789ABCDEFGHJKMNPQRSTVWXYZ".contains(c);
        (base == server || (!has_port && base == format!("{server}{own_port}")))
            && code.len() == 26
            && code.chars().all(is_code)
    }

    /// What may be put anywhere into a text, to make it another's.
    fn odd() -> impl Strategy<Value = String> {
        let tricks = [
            "",
            "@",
            "\\",
            "\\@",
            "#",
            "?",
            "%",
            "%51",
            ":",
            ":443",
            ":80",
            ":8443",
            "/",
            "//",
            "/../",
            "/./",
            ".",
            "。",
            "．",
            "\t",
            "\n",
            "\r",
            " ",
            "\0",
            "\u{ad}",
            "\u{200b}",
            "\u{202e}",
            "Ｑ",
            "ſ",
            "K",
            "о",
            "①",
            "xn--",
            "EVIL.EXAMPLE",
        ];
        prop_oneof![
            4 => proptest::sample::select(tricks.to_vec()).prop_map(str::to_owned),
            2 => "[A-Za-z0-9/:@.]{1,2}",
            1 => "\\PC{1,3}",
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn whatever_is_taken_is_byte_for_byte_one_of_our_forms(
            server in proptest::sample::select(vec![
                "https://login.example.com", "https://k.s.example:8443", "http://127.0.0.1:8080", "http://localhost",
                "http://[::1]",
            ]),
            in_small_letters: bool,
            says_port: bool,
            place: proptest::sample::Index,
            cut in 0..3_usize,
            odd in odd(),
        ) {
            let url = PublicUrl::parse(server).unwrap();
            let code = code();
            let head = if in_small_letters { server.to_owned() } else { server.to_ascii_uppercase() };
            let port = match (says_port, url.is_https()) {
                (false, _) => "",
                (true, true) => ":443",
                (true, false) => ":80",
            };
            let mut text: Vec<char> = format!("{head}{port}/Q/{}", code.as_str()).chars().collect();
            let at = place.index(text.len() + 1);
            text.splice(at..(at + cut).min(text.len()), odd.chars());
            let text: String = text.into_iter().collect();
            let taken = url.scan_code_in(&text);
            prop_assert_eq!(taken.is_ok(), is_canonical(server, &text), "{:?} for {}", text, server);
            if let Ok(taken) = taken {
                prop_assert_eq!(text.rsplit('/').next(), Some(taken.as_str()));
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_a_parser_panic(text in "\\PC*") {
            let server = PublicUrl::parse("https://login.example.com").unwrap();
            let _ = (ScanCode::parse(&text), UserCode::parse(&text), PublicUrl::parse(&text), server.scan_code_in(&text));
        }

        #[test]
        fn what_is_ours_is_exactly_what_we_made(tail in "[0-9A-Z/?#@:.%]{0,40}") {
            let server = PublicUrl::parse("https://login.example.com").unwrap();
            let text = format!("HTTPS://LOGIN.EXAMPLE.COM/Q/{tail}");
            prop_assert_eq!(server.scan_code_in(&text).is_ok(), ScanCode::parse(&tail).is_ok());
        }
    }
}
