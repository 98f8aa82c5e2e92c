//! The proof that goes with each request of a client that has a key (RFC 9449).

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::Request;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};

use crate::dpop::{Key, NONCE_HEADER, SCHEME};
use crate::random::OsRandom;

/// The longest nonce that is repeated to a server, in bytes: a proof with a longer one might be refused as such.
const MAX_NONCE: usize = 512;

/// A key, and what the server wants to see in its proofs.
#[derive(Debug)]
pub(super) struct Prover {
    key: Arc<Key>,
    now: fn() -> Timestamp,
    /// The server's latest nonce. It sends one to whoever's clock is off.
    nonce: Mutex<Option<String>>,
}

impl Prover {
    pub(super) fn new(key: Arc<Key>, now: fn() -> Timestamp) -> Self {
        Self { key, now, nonce: Mutex::default() }
    }

    /// Puts a fresh proof into a request, for the token that goes with it if one does.
    /// Returns the nonce in the proof.
    pub(super) fn prove(&self, request: &mut Request) -> Option<String> {
        let mut url = request.url().clone();
        url.set_query(None);
        let shown = request.headers().get(AUTHORIZATION).and_then(|line| line.to_str().ok());
        let token = shown.and_then(|line| line.strip_prefix(SCHEME)).map(str::trim_start);
        let nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let call = (request.method().as_str(), url.as_str());
        let proof = self.key.prove(call, token, nonce.as_deref(), (self.now)(), &OsRandom);
        // It has only letters, digits, '-', '_' and '.'.
        if let Ok(proof) = HeaderValue::try_from(proof) {
            request.headers_mut().insert(SCHEME, proof);
        }
        nonce
    }

    /// Takes the nonce of an answer. Whether it is another than the proof `had`; another call may have
    /// learned it meanwhile.
    pub(super) fn learn(&self, headers: &HeaderMap, had: Option<&str>) -> bool {
        let Some(new) = nonce_of(headers) else { return false };
        *self.nonce.lock().unwrap_or_else(PoisonError::into_inner) = Some(new.to_owned());
        had != Some(new)
    }
}

fn nonce_of(headers: &HeaderMap) -> Option<&str> {
    let nonce = headers.get(NONCE_HEADER)?.to_str().ok()?;
    (!nonce.is_empty() && nonce.len() <= MAX_NONCE).then_some(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_under_way_at_once_each_learn_the_same_nonce() {
        let prover = Prover::new(Arc::new(Key::generate(&OsRandom)), || Timestamp::UNIX_EPOCH);
        let told =
            |nonce: &str| HeaderMap::from_iter([(NONCE_HEADER.parse().unwrap(), nonce.parse().unwrap())]);
        assert!(prover.learn(&told("n"), None) && prover.learn(&told("n"), None));
        assert!(!prover.learn(&told("n"), Some("n")));
        for nothing in ["", &"n".repeat(MAX_NONCE + 1)] {
            assert!(!prover.learn(&told(nothing), Some("n")));
        }
        let mut request = Request::new(reqwest::Method::GET, "http://a.example/".parse().unwrap());
        assert_eq!(prover.prove(&mut request).as_deref(), Some("n"));
    }
}
