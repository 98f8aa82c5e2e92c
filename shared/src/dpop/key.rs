//! The PC's own key: Ed25519, since its signatures need no chance.

use std::fmt;

use data_encoding::{BASE64URL_NOPAD, HEXLOWER};
use jiff::Timestamp;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::json;
use zeroize::Zeroizing;

use super::jwk::PublicKey;
use super::{Thumbprint, token_hash};
use crate::random::{self, Random};
use crate::secret::Malformed;

const SEED: usize = 32;

/// A private key that proofs are signed with. Never shown.
pub struct Key {
    seed: Zeroizing<[u8; SEED]>,
    pair: Ed25519KeyPair,
    public: PublicKey,
}

impl Key {
    /// A new one.
    ///
    /// # Panics
    /// Never: every 32 bytes are a key.
    #[must_use]
    pub fn generate(random: &dyn Random) -> Self {
        let seed = Zeroizing::new(random::bytes(random));
        Self::from_seed(seed).expect("every 32 bytes are a key of Ed25519")
    }

    /// Reads the text of a key file: 64 hexadecimal digits.
    ///
    /// # Errors
    /// [`Malformed`] for anything else.
    pub fn parse(text: &str) -> Result<Self, Malformed> {
        let bytes = Zeroizing::new(HEXLOWER.decode(text.trim().as_bytes()).map_err(|_| Malformed)?);
        let mut seed = Zeroizing::new([0; SEED]);
        if bytes.len() != SEED {
            return Err(Malformed);
        }
        seed.copy_from_slice(&bytes);
        Self::from_seed(seed)
    }

    fn from_seed(seed: Zeroizing<[u8; SEED]>) -> Result<Self, Malformed> {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.as_ref()).map_err(|_| Malformed)?;
        let public = pair.public_key().as_ref().try_into().map_err(|_| Malformed)?;
        Ok(Self { seed, pair, public: PublicKey::Ed25519(public) })
    }

    /// The text for a key file.
    #[must_use]
    pub fn expose(&self) -> Zeroizing<String> {
        Zeroizing::new(HEXLOWER.encode(self.seed.as_ref()))
    }

    /// Its public name.
    #[must_use]
    pub fn thumbprint(&self) -> Thumbprint {
        self.public.thumbprint()
    }

    /// A proof for one call at `now`: with the token that goes along, and the server's latest nonce.
    #[must_use]
    pub fn prove(
        &self,
        (method, url): (&str, &str),
        token: Option<&str>,
        nonce: Option<&str>,
        now: Timestamp,
        random: &dyn Random,
    ) -> String {
        let header = format!(r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{}}}"#, self.public.to_json());
        let id = BASE64URL_NOPAD.encode(&random::bytes::<16>(random));
        let mut claims = json!({"jti": id, "htm": method, "htu": url, "iat": now.as_second()});
        if let Some(token) = token {
            claims["ath"] = token_hash(token).into();
        }
        if let Some(nonce) = nonce {
            claims["nonce"] = nonce.into();
        }
        let part = |text: &str| BASE64URL_NOPAD.encode(text.as_bytes());
        let signed = format!("{}.{}", part(&header), part(&claims.to_string()));
        let signature = BASE64URL_NOPAD.encode(self.pair.sign(signed.as_bytes()).as_ref());
        format!("{signed}.{signature}")
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dpop::{BadProof, Proof};
    use crate::random::OsRandom;

    const CALL: (&str, &str) = ("POST", "https://a.example/oauth/token");

    #[test]
    fn a_proof_is_read_as_it_was_made() {
        let key = Key::generate(&OsRandom);
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let text = key.prove(CALL, Some("pc_x"), Some("n"), now, &OsRandom);
        let proof = Proof::read(&text).unwrap();
        assert_eq!(
            (proof.key, proof.issued_at, proof.nonce.as_deref()),
            (key.thumbprint(), 1_800_000_000, Some("n"))
        );
        assert_eq!(proof.is_for("POST", "HTTPS://A.EXAMPLE:443/oauth/token?x=1#y"), Ok(()));
        assert_eq!(proof.is_with("pc_x", true), Ok(()));
        for (method, url) in [
            ("GET", CALL.1),
            ("post", CALL.1),
            ("POST", "https://a.example/oauth/token/"),
            ("POST", "http://a.example/oauth/token"),
            ("POST", "https://b.example/oauth/token"),
            ("POST", ""),
        ] {
            assert_eq!(proof.is_for(method, url), Err(BadProof), "{method} {url}");
        }
        assert_eq!(proof.is_with("pc_y", false), Err(BadProof));
        let bare = Proof::read(&key.prove(CALL, None, None, now, &OsRandom)).unwrap();
        assert_eq!((bare.is_with("pc_x", false), bare.is_with("pc_x", true)), (Ok(()), Err(BadProof)));
        assert_ne!(bare.id, proof.id);
    }

    /// Whatever is ignored in a proof: it is JSON, and JSON is UTF-8.
    #[test]
    fn a_proof_that_is_not_utf_8_is_none() {
        let key = Key::generate(&OsRandom);
        let proof = |in_header: &[u8], in_claims: &[u8]| {
            let jwk = key.public.to_json();
            let header = format!(r#"{{"typ":"dpop+jwt","alg":"EdDSA","jwk":{jwk},"x":""#);
            let claims = br#"{"jti":"1","htm":"GET","htu":"https://a.example/","iat":1,"x":""#;
            let part = |start: &[u8], end: &[u8]| BASE64URL_NOPAD.encode(&[start, end, b"\"}"].concat());
            let signed = format!("{}.{}", part(header.as_bytes(), in_header), part(claims, in_claims));
            format!("{signed}.{}", BASE64URL_NOPAD.encode(key.pair.sign(signed.as_bytes()).as_ref()))
        };
        assert!(Proof::read(&proof(b"a", "é".as_bytes())).is_ok());
        assert!(Proof::read(&proof(b"\xff", b"a")).is_err());
        assert!(Proof::read(&proof(b"a", b"\xe9")).is_err());
    }

    #[test]
    fn a_key_survives_its_file_and_is_never_shown() {
        let key = Key::generate(&OsRandom);
        let again = Key::parse(&format!("{}\n", *key.expose())).unwrap();
        assert_eq!(again.thumbprint(), key.thumbprint());
        assert_eq!(format!("{key:?}"), "Key");
        for text in ["", "00", &"g".repeat(64), &"0".repeat(66)] {
            assert!(Key::parse(text).is_err(), "{text}");
        }
    }
}
