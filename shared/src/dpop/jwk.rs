//! Public keys as proofs carry them (RFC 7517, RFC 8037), and their thumbprints (RFC 7638).

use std::fmt;

use data_encoding::BASE64URL_NOPAD;
use ring::signature::{ECDSA_P256_SHA256_FIXED, ED25519, UnparsedPublicKey};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use super::BadProof;

/// The bytes of a coordinate of P-256, and of a key of Ed25519.
const COORDINATE: usize = 32;

/// A public key's name: SHA-256 over its canonical form (RFC 7638). It is public and proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Thumbprint([u8; 32]);

impl Thumbprint {
    /// As a store keeps it.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// From what a store kept.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl fmt::Display for Thumbprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&BASE64URL_NOPAD.encode(&self.0))
    }
}

impl Serialize for Thumbprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Thumbprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(de::Error::custom)?;
        bytes.try_into().map(Self).map_err(|_| de::Error::custom("a thumbprint has 32 bytes"))
    }
}

/// A JSON Web Key in a proof's header. A private part in it is an error: somebody has given their key away.
#[derive(Deserialize)]
pub(super) struct Jwk {
    kty: String,
    crv: String,
    x: String,
    y: Option<String>,
    d: Option<de::IgnoredAny>,
}

/// A public key that a proof may be signed with.
#[derive(Clone, Copy)]
pub(super) enum PublicKey {
    /// P-256, for `ES256`.
    P256 { x: [u8; COORDINATE], y: [u8; COORDINATE] },
    /// Ed25519, for `EdDSA`.
    Ed25519([u8; COORDINATE]),
}

impl PublicKey {
    /// Reads the key that goes with an algorithm.
    pub(super) fn read(algorithm: &str, jwk: &Jwk) -> Result<Self, BadProof> {
        if jwk.d.is_some() {
            return Err(BadProof);
        }
        match (algorithm, jwk.kty.as_str(), jwk.crv.as_str(), &jwk.y) {
            ("ES256", "EC", "P-256", Some(y)) => Ok(Self::P256 { x: coordinate(&jwk.x)?, y: coordinate(y)? }),
            ("EdDSA", "OKP", "Ed25519", None) => Ok(Self::Ed25519(coordinate(&jwk.x)?)),
            _ => Err(BadProof),
        }
    }

    /// Checks a signature. A point that is not on the curve verifies nothing.
    pub(super) fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), BadProof> {
        let verified = match self {
            Self::P256 { x, y } => {
                let point = [&[4], x.as_slice(), y].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature)
            }
            Self::Ed25519(key) => UnparsedPublicKey::new(&ED25519, key).verify(message, signature),
        };
        verified.map_err(|_| BadProof)
    }

    /// Its name.
    pub(super) fn thumbprint(&self) -> Thumbprint {
        Thumbprint(Sha256::digest(self.to_json()).into())
    }

    /// The required members in the order of their names, and nothing else (RFC 7638 §3).
    pub(super) fn to_json(self) -> String {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        match self {
            Self::P256 { x, y } => {
                format!(r#"{{"crv":"P-256","kty":"EC","x":"{}","y":"{}"}}"#, text(&x), text(&y))
            }
            Self::Ed25519(x) => format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, text(&x)),
        }
    }
}

fn coordinate(text: &str) -> Result<[u8; COORDINATE], BadProof> {
    BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| bytes.try_into().ok()).ok_or(BadProof)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn jwk(json: &str) -> Jwk {
        serde_json::from_str(json).unwrap()
    }

    /// The thumbprints that the RFCs give for their own example keys.
    #[test]
    fn thumbprints_are_those_of_the_rfcs() {
        // RFC 8037, appendices A.2 and A.3.
        let ed25519 =
            jwk(r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#);
        let named = |algorithm, key| PublicKey::read(algorithm, key).ok().unwrap().thumbprint().to_string();
        assert_eq!(named("EdDSA", &ed25519), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
        // RFC 9449 §4.1 shows the key, §6.1 its thumbprint.
        let p256 = jwk(
            r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#,
        );
        assert_eq!(named("ES256", &p256), "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I");
    }

    #[test]
    fn a_key_is_read_strictly() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        for (algorithm, json) in [
            ("ES256", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)),
            ("none", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}"}}"#)),
            ("EdDSA", format!(r#"{{"kty":"OKP","crv":"Ed448","x":"{x}"}}"#)),
            ("EdDSA", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}","d":"{x}"}}"#)),
            ("EdDSA", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{x}="}}"#)),
            ("EdDSA", format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{}"}}"#, &x[..42])),
            ("ES256", format!(r#"{{"kty":"EC","crv":"P-256","x":"{x}"}}"#)),
        ] {
            assert!(PublicKey::read(algorithm, &jwk(&json)).is_err(), "{algorithm} {json}");
        }
    }
}
