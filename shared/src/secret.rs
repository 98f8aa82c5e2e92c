//! Secrets, one type per kind, and the digests that stand for them at rest.
//!
//! ```text
//! dc_  7K  43 characters of base64url        a Token: made here, sent once, never kept
//! kind tag 256 bits from the system
//!                 |
//!                 |  SHA-256 over the kind's name and the whole text
//!                 v
//!              a Digest                      all that a store, an index or a cache holds
//! ```
//!
//! The kind is a type parameter and part of what is hashed: a token of one
//! kind can't be passed, compared or looked up as another. Neither a token nor
//! a digest shows anything but its kind in `Debug`, and there is no `Display`.

mod digest;
mod server;

use std::fmt;
use std::marker::PhantomData;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

pub use digest::Digest;
pub use server::ServerSecret;

use crate::id::Tag;
use crate::random::{self, Random};

/// A kind of secret. `NAME` is hashed with every value of the kind.
pub trait Kind {
    /// What `Debug` says, and the hash's domain.
    const NAME: &'static str;
}

/// A kind whose every value says in which partition of a store it belongs.
pub trait Tagged: Kind {}

/// A kind of secret that travels as a prefixed token.
pub trait TokenKind: Tagged {
    /// How every token of the kind begins.
    const PREFIX: &'static str;
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident $(, $prefix:literal)?;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub enum $kind {}

        impl Kind for $kind {
            const NAME: &'static str = stringify!($kind);
        }

        $(impl TokenKind for $kind {
            const PREFIX: &'static str = $prefix;
        }

        impl Tagged for $kind {})?
    )*};
}

kinds! {
    /// The PC's secret for one login.
    DeviceCode, "dc_";
    /// What a phone gets for a scan: confirms or denies, once.
    ConfirmToken, "ct_";
    /// The phone's own session.
    PhoneToken, "ph_";
    /// The PC's access token, once it is logged in.
    PcToken, "pc_";
    /// Buys a new PC token, once.
    RefreshToken, "rt_";
    /// A resource server's secret, for introspection.
    ClientSecret, "cs_";
    /// What the QR holds. See [`code`](crate::code::ScanCode).
    Scan;
    /// Its short form, for typing. See [`code`](crate::code::UserCode).
    User;
}

impl Tagged for Scan {}

/// 256 bits, written as base64url without padding.
const SECRET_LEN: usize = 43;

/// That a text is not a token of the kind asked for. It says nothing about the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a well-formed token of this kind")]
pub struct Malformed;

/// A secret of kind `K`, in the clear. Zeroed when dropped.
pub struct Token<K: TokenKind> {
    text: Zeroizing<String>,
    kind: PhantomData<fn() -> K>,
}

impl<K: TokenKind> Token<K> {
    /// A new one, for a thing that lives in the partition `tag`.
    #[must_use]
    pub fn generate(tag: Tag, random: &dyn Random) -> Self {
        let secret = Zeroizing::new(random::bytes::<32>(random));
        let mut text = Zeroizing::new(String::with_capacity(K::PREFIX.len() + Tag::LEN + SECRET_LEN));
        text.push_str(K::PREFIX);
        text.push_str(tag.as_str());
        BASE64URL_NOPAD.encode_append(secret.as_ref(), &mut text);
        Self { text, kind: PhantomData }
    }

    /// Reads a token strictly: its prefix, its tag, its length and its alphabet.
    ///
    /// # Errors
    /// [`Malformed`] for anything else, tokens of other kinds included.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let rest = text.strip_prefix(K::PREFIX).ok_or(Malformed)?;
        Tag::leading(rest).ok_or(Malformed)?;
        let secret = &rest[Tag::LEN..];
        let well_formed = secret.len() == SECRET_LEN
            && secret.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
        well_formed
            .then(|| Self { text: Zeroizing::new(text.to_owned()), kind: PhantomData })
            .ok_or(Malformed)
    }

    /// The partition of what it stands for: the sender's word, no more.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag::leading(&self.text[K::PREFIX.len()..])
            .unwrap_or_else(|| unreachable!("checked when it was made"))
    }

    /// What the store knows it by.
    #[must_use]
    pub fn digest(&self) -> Digest<K> {
        Digest::of(self.tag(), &self.text)
    }

    /// The secret itself, to be sent or kept. Each use of this is a place to look at twice.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.text
    }
}

impl<K: TokenKind> Clone for Token<K> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), kind: PhantomData }
    }
}

impl<K: TokenKind> fmt::Debug for Token<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(K::NAME)
    }
}

impl<K: TokenKind> Serialize for Token<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de, K: TokenKind> Deserialize<'de> for Token<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::parse(&text).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::LoginId;
    use crate::random::OsRandom;

    fn tag() -> Tag {
        LoginId::generate(jiff::Timestamp::UNIX_EPOCH, &OsRandom).tag()
    }

    #[test]
    fn a_token_survives_the_wire_and_keeps_its_tag() {
        let tag = tag();
        let token = Token::<DeviceCode>::generate(tag, &OsRandom);
        let again = Token::<DeviceCode>::parse(token.expose()).unwrap();
        assert_eq!(again.tag(), tag);
        assert_eq!(again.digest(), token.digest());
        assert_eq!(token.digest().tag(), tag);
        let json = serde_json::to_string(&token).unwrap();
        assert_eq!(serde_json::from_str::<Token<DeviceCode>>(&json).unwrap().digest(), token.digest());
    }

    #[test]
    fn no_kind_passes_as_another() {
        let token = Token::<PcToken>::generate(tag(), &OsRandom);
        assert!(Token::<DeviceCode>::parse(token.expose()).is_err());
        let renamed = token.expose().replace("pc_", "dc_");
        let forged = Token::<DeviceCode>::parse(&renamed).unwrap();
        assert_ne!(forged.digest().as_bytes(), token.digest().as_bytes());
        let tag = token.tag();
        assert_ne!(Digest::<Scan>::of(tag, "X").as_bytes(), Digest::<PcToken>::of(tag, "X").as_bytes());
    }

    #[test]
    fn two_tokens_of_one_partition_have_digests_that_share_their_tag_and_nothing_else() {
        let tag = tag();
        let digests = [(); 2].map(|()| Token::<DeviceCode>::generate(tag, &OsRandom).digest());
        let [a, b] = digests.map(|digest| *digest.as_bytes());
        assert_eq!((a[0], a[1] >> 6), (b[0], b[1] >> 6));
        assert_ne!(a[2..], b[2..]);
    }

    #[test]
    fn anything_but_a_token_is_malformed() {
        let good = Token::<PhoneToken>::generate(tag(), &OsRandom);
        let good = good.expose();
        let cases = [
            "",
            "ph_",
            "ph_é",
            &good[..good.len() - 1],
            &format!("{good}A"),
            &format!(" {good}"),
            &good.replace("ph_", "PH_"),
            &format!("{}=", &good[..good.len() - 1]),
            &format!("ph_UU{}", &good[5..]),
        ];
        for case in cases {
            assert_eq!(Token::<PhoneToken>::parse(case).err(), Some(Malformed), "{case}");
        }
    }

    #[test]
    fn debug_says_the_kind_and_nothing_else() {
        let random = &OsRandom;
        assert_eq!(format!("{:?}", Token::<DeviceCode>::generate(tag(), random)), "DeviceCode");
        assert_eq!(format!("{:?}", Token::<ConfirmToken>::generate(tag(), random)), "ConfirmToken");
        assert_eq!(format!("{:?}", Token::<PhoneToken>::generate(tag(), random)), "PhoneToken");
        assert_eq!(format!("{:?}", Token::<PcToken>::generate(tag(), random)), "PcToken");
        assert_eq!(format!("{:?}", Token::<RefreshToken>::generate(tag(), random)), "RefreshToken");
        assert_eq!(format!("{:?}", Token::<ClientSecret>::generate(tag(), random)), "ClientSecret");
        assert_eq!(format!("{:?}", Token::<PcToken>::generate(tag(), random).digest()), "Digest<PcToken>");
        assert_eq!(format!("{:?}", ServerSecret::generate(random)), "ServerSecret");
    }

    #[test]
    fn a_server_secret_survives_its_file() {
        let secret = ServerSecret::generate(&OsRandom);
        let again = ServerSecret::parse(&format!("{}\n", *secret.expose())).unwrap();
        assert_eq!(Digest::<User>::keyed("X", &again), Digest::<User>::keyed("X", &secret));
        let other = ServerSecret::generate(&OsRandom);
        assert_ne!(Digest::<User>::keyed("X", &again), Digest::<User>::keyed("X", &other));
        assert!(ServerSecret::parse("short").is_err());
    }
}
