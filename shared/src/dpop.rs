//! Proof of possession (`DPoP`, RFC 9449): a token that was stolen is worthless without the key.
//!
//! ```text
//! PC: Key ---- signs ----> Proof { method, URL, time, id, token's hash, nonce } --> `DPoP` header
//!      |                                       |
//!      '--- thumbprint <---- compared with ----' server: what the login or session is bound to
//! ```
//!
//! A proof carries its own public key and shows only that its sender holds
//! the private one. What it is worth is for the reader to judge: whether the
//! key is the one that a login or a session is bound to, whether the proof is
//! of now, and whether it has been seen before.

mod jwk;
mod key;
mod proof;

pub use jwk::Thumbprint;
pub use key::Key;
pub use proof::{BadProof, MAX_PROOF, Proof};

/// The header that carries a proof, and the authentication scheme of tokens that need one.
pub const SCHEME: &str = "DPoP";
/// The header that carries the server's nonce.
pub const NONCE_HEADER: &str = "dpop-nonce";
/// The algorithms that proofs may be signed with.
pub const ALGORITHMS: [&str; 2] = ["ES256", "EdDSA"];

/// What binds a proof to the token that it comes with: the claim `ath` (RFC 9449 §4.2).
#[must_use]
pub fn token_hash(token: &str) -> String {
    use sha2::Digest as _;
    data_encoding::BASE64URL_NOPAD.encode(&sha2::Sha256::digest(token))
}
