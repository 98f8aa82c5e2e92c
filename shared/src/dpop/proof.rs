//! A proof as it is read (RFC 9449 §4.3): well formed, signed by the key that it carries, and for this call.

use data_encoding::BASE64URL_NOPAD;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::jwk::{Jwk, PublicKey};
use super::{Thumbprint, token_hash};

/// The longest proof that is looked at, in bytes. An honest one has about 500.
pub const MAX_PROOF: usize = 4096;
/// The longest id of a proof, in bytes. It is hashed, not kept.
const MAX_ID: usize = 512;

/// That a proof is malformed, not signed by its key, or for another call. It says nothing about the proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a proof of possession for this call")]
pub struct BadProof;

/// A proof whose signature was checked.
#[derive(Debug)]
pub struct Proof {
    /// The key that signed it.
    pub key: Thumbprint,
    /// When its sender's clock says that it was made, in Unix seconds.
    pub issued_at: i64,
    /// The server's nonce, if the sender had one.
    pub nonce: Option<String>,
    /// Its own id: no two proofs of a key share one.
    pub id: String,
    method: String,
    url: String,
    token_hash: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    typ: String,
    alg: String,
    jwk: Jwk,
    /// Extensions that must be understood (RFC 7515 §4.1.11). None is.
    crit: Option<IgnoredAny>,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: serde_json::Number,
    ath: Option<String>,
    nonce: Option<String>,
}

impl Proof {
    /// Reads a proof, and checks its signature.
    ///
    /// # Errors
    /// [`BadProof`], whatever is wrong with it.
    pub fn read(text: &str) -> Result<Self, BadProof> {
        if text.len() > MAX_PROOF {
            return Err(BadProof);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(BadProof)?;
        let (header, claims) = signed.split_once('.').ok_or(BadProof)?;
        let header: Header = json(header)?;
        if header.typ != "dpop+jwt" || header.crit.is_some() {
            return Err(BadProof);
        }
        let key = PublicKey::read(&header.alg, &header.jwk)?;
        key.verify(signed.as_bytes(), &bytes(signature)?)?;
        let Claims { jti, htm, htu, iat, ath, nonce } = json(claims)?;
        if jti.is_empty() || jti.len() > MAX_ID {
            return Err(BadProof);
        }
        Ok(Self {
            key: key.thumbprint(),
            issued_at: whole_secs(&iat)?,
            nonce,
            id: jti,
            method: htm,
            url: htu,
            token_hash: ath,
        })
    }

    /// Whether it was made for this method and URL, whatever follows the URL's path.
    ///
    /// # Errors
    /// [`BadProof`] if not.
    pub fn is_for(&self, method: &str, url: &str) -> Result<(), BadProof> {
        let same = self.method == method && bare(&self.url).is_some() && bare(&self.url) == bare(url);
        same.then_some(()).ok_or(BadProof)
    }

    /// Whether it was made for this call at another address: by a client that goes by another name of the server.
    #[must_use]
    pub fn is_for_elsewhere(&self, method: &str, path: &str) -> bool {
        self.method == method && bare(&self.url).is_some_and(|url| url.path().ends_with(path))
    }

    /// Whether it was made for this token. Where `is_needed`, it must say so; otherwise it must not say
    /// otherwise.
    ///
    /// # Errors
    /// [`BadProof`] if not.
    pub fn is_with(&self, token: &str, is_needed: bool) -> Result<(), BadProof> {
        let same = match &self.token_hash {
            Some(hash) => *hash == token_hash(token),
            None => !is_needed,
        };
        same.then_some(()).ok_or(BadProof)
    }
}

/// A URL without query and fragment, normalized as RFC 9449 §4.3 wants it compared.
fn bare(url: &str) -> Option<url::Url> {
    let mut url = url::Url::parse(url).ok()?;
    url.set_query(None);
    url.set_fragment(None);
    Some(url)
}

/// A time in Unix seconds; a fraction of one is cut (RFC 7519 §2).
fn whole_secs(number: &serde_json::Number) -> Result<i64, BadProof> {
    #[expect(clippy::cast_possible_truncation, reason = "what is no time by far is no time after the cast")]
    number.as_i64().or_else(|| number.as_f64().map(|secs| secs as i64)).ok_or(BadProof)
}

/// Both parts are JSON in UTF-8 (RFC 7515 §3), what is ignored in them included.
fn json<T: DeserializeOwned>(part: &str) -> Result<T, BadProof> {
    let text = String::from_utf8(bytes(part)?).map_err(|_| BadProof)?;
    serde_json::from_str(&text).map_err(|_| BadProof)
}

fn bytes(part: &str) -> Result<Vec<u8>, BadProof> {
    BASE64URL_NOPAD.decode(part.as_bytes()).map_err(|_| BadProof)
}
