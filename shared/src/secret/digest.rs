//! What stands for a secret at rest.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq;

use super::{Kind, ServerSecret, Tagged};
use crate::id::Tag;

/// The hash of a secret of kind `K`: 256 bits that grant nothing. Compared in constant time.
pub struct Digest<K> {
    hash: [u8; 32],
    kind: PhantomData<fn() -> K>,
}

impl<K: Tagged> Digest<K> {
    pub(crate) fn of(tag: Tag, text: &str) -> Self {
        let hash = Sha256::new().chain_update(K::NAME).chain_update([0]).chain_update(text).finalize();
        let mut hash: [u8; 32] = hash.into();
        let [first, second] = (tag.number() << 6).to_be_bytes();
        hash[0] = first;
        hash[1] = second | hash[1] & 0b0011_1111;
        Self::from_bytes(hash)
    }

    /// The partition of what it stands for.
    #[must_use]
    pub fn tag(&self) -> Tag {
        Tag::numbered(u16::from_be_bytes([self.hash[0], self.hash[1]]) >> 6)
    }
}

impl<K: Kind> Digest<K> {
    /// As others, but without a tag, and under the server's secret: for what could be guessed offline.
    pub(crate) fn keyed(text: &str, secret: &ServerSecret) -> Self {
        Self::from_bytes(secret.seal(K::NAME, text))
    }
}

impl<K> Digest<K> {
    /// As a store keeps it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.hash
    }

    /// From what a store kept.
    #[must_use]
    pub fn from_bytes(hash: [u8; 32]) -> Self {
        Self { hash, kind: PhantomData }
    }
}

impl<K> Clone for Digest<K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Digest<K> {}

impl<K> PartialEq for Digest<K> {
    fn eq(&self, other: &Self) -> bool {
        self.hash.ct_eq(&other.hash).into()
    }
}

impl<K> Eq for Digest<K> {}

impl<K> Hash for Digest<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

impl<K: Kind> fmt::Debug for Digest<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest<{}>", K::NAME)
    }
}

impl<K> Serialize for Digest<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64URL_NOPAD.encode(&self.hash))
    }
}

impl<'de, K> Deserialize<'de> for Digest<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let hash = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(de::Error::custom)?;
        hash.try_into().map(Self::from_bytes).map_err(|_| de::Error::custom("a digest has 32 bytes"))
    }
}
