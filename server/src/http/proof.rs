//! Proof of possession (RFC 9449), as a request brings it along.
//!
//! ```text
//! DPoP header --> one? --> signed by its key? --> for this call? --> of now? --> Proved { key }
//!                   |             |                    |               |
//!                   '-------------+-- invalid_dpop_proof               '-- use_dpop_nonce, with a nonce
//! ```
//!
//! It is used up only later, by the call that it is for, once that is known to do something
//! ([`Proved::use_up`]): whoever has nothing to redeem takes no room among the used ones.
//!
//! Of now: made within a minute of the server's clock; or, for a client whose clock is off, with a nonce that
//! the server gave it. A nonce is a time that the server has signed: every node knows it again.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use http::request::Parts;
use jiff::Timestamp;
use sha2::{Digest as _, Sha256};
use shared::code::PublicUrl;
use shared::dpop::{Proof, SCHEME};
use shared::secret::ServerSecret;
use subtle::ConstantTimeEq as _;
use url::Url;

use crate::App;
use crate::logins::Proved;

/// How far a client's clock may be off.
const CLOCK_OFF: Duration = Duration::from_mins(1);
/// How long a nonce is good.
const NONCE_LIFE: Duration = Duration::from_mins(2);
/// How far the clocks of two nodes may be apart.
const NODES_APART: Duration = Duration::from_secs(30);

/// What is wrong with a proof.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unproved {
    /// There is none, or it is no good.
    Bad,
    /// It is for this call at another address: the client calls the server by another name than its own.
    OtherAddress,
    /// It is not of now: the client is to make another with this nonce.
    Nonce(String),
}

impl Unproved {
    /// The nonce that the client is to use, if that is all that is missing.
    pub(super) fn nonce(self) -> Option<String> {
        match self {
            Self::Bad | Self::OtherAddress => None,
            Self::Nonce(nonce) => Some(nonce),
        }
    }
}

impl Proved {
    /// Reads the proof of a request, if it has one. With a token that goes along, the proof must be for that
    /// token; where `must_name_it`, it must say so.
    pub(super) fn of(
        parts: &Parts,
        app: &App,
        token: Option<(&str, bool)>,
    ) -> Result<Option<Self>, Unproved> {
        let mut lines = parts.headers.get_all(SCHEME).iter();
        let Some(line) = lines.next() else { return Ok(None) };
        if lines.next().is_some() {
            return Err(Unproved::Bad);
        }
        let line = line.to_str().map_err(|_| Unproved::Bad)?;
        let proof = Proof::read(line).map_err(|_| Unproved::Bad)?;
        if let Some((token, must_name_it)) = token {
            proof.is_with(token, must_name_it).map_err(|_| Unproved::Bad)?;
        }
        let (method, path) = (parts.method.as_str(), parts.uri.path());
        let is_for = |url: &str| proof.is_for(method, &format!("{url}{path}")).is_ok();
        if !names(&app.settings.public_url).iter().any(|url| is_for(url)) {
            let elsewhere = proof.is_for_elsewhere(method, path);
            return Err(if elsewhere { Unproved::OtherAddress } else { Unproved::Bad });
        }
        let now = app.clock.now();
        if !is_of_now(&proof, &app.secret, now) {
            return Err(Unproved::Nonce(nonce(&app.secret, now)));
        }
        let id = Sha256::new().chain_update(proof.key.as_bytes()).chain_update(&proof.id).finalize().into();
        Ok(Some(Self::new(proof.key, id)))
    }
}

/// What clients may call this server: its one name; or, on a developer's own machine, any that means it.
fn names(public_url: &PublicUrl) -> Vec<String> {
    let own = public_url.as_str();
    let Some(mut url) = Url::parse(own).ok().filter(|_| public_url.is_loopback()) else {
        return vec![own.to_owned()];
    };
    let loopback = ["127.0.0.1", "localhost", "[::1]"].map(|host| {
        // These hosts are none that a URL can't have.
        let _ = url.set_host(Some(host));
        url.as_str().trim_end_matches('/').to_owned()
    });
    [own.to_owned()].into_iter().chain(loopback).collect()
}

fn is_of_now(proof: &Proof, secret: &ServerSecret, now: Timestamp) -> bool {
    match &proof.nonce {
        Some(nonce) => is_fresh(nonce, secret, now),
        None => now.as_second().abs_diff(proof.issued_at) <= CLOCK_OFF.as_secs(),
    }
}

fn nonce(secret: &ServerSecret, at: Timestamp) -> String {
    signed(secret, &at.as_second().to_string())
}

fn signed(secret: &ServerSecret, secs: &str) -> String {
    let seal = secret.seal("dpop nonce", secs);
    format!("{secs}.{}", BASE64_URL_SAFE_NO_PAD.encode(&seal[..16]))
}

fn is_fresh(nonce: &str, secret: &ServerSecret, now: Timestamp) -> bool {
    let Some((secs, _)) = nonce.split_once('.') else { return false };
    let is_ours: bool = signed(secret, secs).as_bytes().ct_eq(nonce.as_bytes()).into();
    let Ok(at) = secs.parse::<i64>() else { return false };
    let age = i128::from(now.as_second()) - i128::from(at);
    is_ours && (-i128::from(NODES_APART.as_secs())..=i128::from(NONCE_LIFE.as_secs())).contains(&age)
}

#[cfg(test)]
mod tests {
    use shared::random::OsRandom;

    use super::*;

    #[test]
    fn only_a_server_on_loopback_has_more_than_one_name() {
        let names = |url| names(&PublicUrl::parse(url).unwrap());
        assert_eq!(names("https://a.example"), ["https://a.example"]);
        let port = "http://127.0.0.1:8080";
        assert_eq!(names(port), [port, port, "http://localhost:8080", "http://[::1]:8080"]);
    }

    #[test]
    fn a_nonce_is_good_for_two_minutes_and_only_if_it_is_ours() {
        let secret = ServerSecret::generate(&OsRandom);
        let at = |secs| Timestamp::from_second(secs).unwrap();
        let ours = nonce(&secret, at(1000));
        for (secs, good) in [(1000, true), (1120, true), (1121, false), (970, true), (969, false)] {
            assert_eq!(is_fresh(&ours, &secret, at(secs)), good, "{secs}");
        }
        let theirs = nonce(&ServerSecret::generate(&OsRandom), at(1000));
        let later = ours.replacen("1000", "1100", 1);
        for nonce in [theirs.as_str(), later.as_str(), "", "1000", "1000.", "x.y", "é"] {
            assert!(!is_fresh(nonce, &secret, at(1000)), "{nonce}");
        }
    }
}
