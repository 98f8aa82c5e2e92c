//! Proves with each request that this client holds its key (RFC 9449).
//!
//! A proof needs no nonce of the server's, unless this machine's clock is off:
//! then the server names one, which says in place of the clock that the proof
//! is of now.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::dpop::{Key, NONCE_HEADER, SCHEME};
use crate::random::OsRandom;

/// The longest nonce that is repeated to a server, in bytes: a proof with a longer one might be refused as such.
const MAX_NONCE: usize = 512;

/// The key, and the server's latest nonce.
pub(super) struct Prover {
    key: Arc<Key>,
    now: fn() -> Timestamp,
    nonce: Mutex<Option<String>>,
}

impl Prover {
    pub(super) fn new(key: Arc<Key>, now: fn() -> Timestamp) -> Self {
        Self { key, now, nonce: Mutex::default() }
    }

    /// Puts a new proof into a request, for the token that is in it. Returns the nonce that the proof has.
    pub(super) fn prove(&self, request: &mut Request) -> Option<String> {
        let nonce = self.latest().clone();
        let mut url = request.url().clone();
        url.set_query(None);
        url.set_fragment(None);
        let call = (request.method().as_str(), url.as_str());
        let token = request.headers().get(AUTHORIZATION).and_then(token);
        let proof = self.key.prove(call, token, nonce.as_deref(), (self.now)(), &OsRandom);
        let mut proof =
            HeaderValue::try_from(proof).expect("a proof has only letters, digits, '-', '_' and '.'");
        proof.set_sensitive(true);
        request.headers_mut().insert(SCHEME, proof);
        if let Some(authorization) = request.headers_mut().get_mut(AUTHORIZATION) {
            authorization.set_sensitive(true);
        }
        nonce
    }

    /// Remembers the nonce that an answer has, for the next proof, and returns it.
    pub(super) fn learn(&self, headers: &HeaderMap) -> Option<String> {
        let nonce = headers.get(NONCE_HEADER)?.to_str().ok()?;
        if nonce.is_empty() || nonce.len() > MAX_NONCE {
            return None;
        }
        *self.latest() = Some(nonce.to_owned());
        Some(nonce.to_owned())
    }

    fn latest(&self) -> MutexGuard<'_, Option<String>> {
        self.nonce.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Prover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Prover")
    }
}

/// The token in an `Authorization` header whose scheme asks for a proof.
fn token(authorization: &HeaderValue) -> Option<&str> {
    authorization.to_str().ok()?.strip_prefix(SCHEME)?.strip_prefix(' ')
}
