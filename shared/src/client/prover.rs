//! The proof that goes with each request of a client that has a key (RFC 9449).

use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::{Request, Response, StatusCode};

use crate::dpop::{Key, NONCE_HEADER, SCHEME};
use crate::random::OsRandom;

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
    pub(super) fn prove(&self, request: &mut Request) {
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
    }

    /// Takes the nonce of an answer. Whether the request is to be sent again with it.
    pub(super) fn learn(&self, response: &Response) -> bool {
        let Some(new) = nonce_of(response.headers()) else { return false };
        let mut nonce = self.nonce.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = matches!(response.status(), StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED);
        let is_new = nonce.as_deref() != Some(new);
        *nonce = Some(new.to_owned());
        refused && is_new
    }
}

fn nonce_of(headers: &HeaderMap) -> Option<&str> {
    headers.get(NONCE_HEADER)?.to_str().ok()
}
