//! The typed client of both planes: what the PC and the phone know of the wire is here, and nowhere else.
//!
//! ```text
//!              pc-tui                                mobile-cli
//!                |                                       |
//!     Client --- | issue, redeem, refresh    Client ---- | register, log_in
//!       (pc)     | snapshot, cancel, me        (phone)   |    '--> Phone: scan, confirm, deny, …
//!                |                                       |
//!                '-- follow --> Feed                     '-- follow_notifications --> NotificationFeed
//!                                  \                    /
//!                                   feed: one stream, whatever carries it
//!                                     |
//!                            http: one connection pool, one TLS set-up, one place
//!                                  where an answer becomes a value or a ClientError
//! ```
//!
//! A client talks to one server only. It follows no redirect, sends secrets
//! only in headers and bodies, and believes an answer only if it is what the
//! contract says; anything else, such as the log-in page of a hotel's network,
//! is an error that says so.

mod error;
mod feed;
mod http;
mod notifications;
mod pc;
mod phone;
mod prover;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::Timestamp;

pub use error::ClientError;
pub use feed::{Feed, News, Transport, TransportChoice, UnknownTransport};
pub use notifications::NotificationFeed;
pub use pc::{IssueRequest, Redeemed};
pub use phone::Phone;

use crate::code::PublicUrl;
use crate::dpop::Key;
use feed::Pace;
use http::Http;
use prover::Prover;

/// A client of one server. Cheap to clone: all clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    http: Http,
    pace: Pace,
}

impl Client {
    /// A client of `server`, which calls itself `user_agent`. Nothing is sent yet.
    ///
    /// Whether plain http is fine for this server is for the caller to say:
    /// see [`PublicUrl::require_secure`].
    ///
    /// # Errors
    /// [`ClientError::Unexpected`] when TLS can't be set up on this machine,
    /// or the user agent has characters that no header can have.
    pub fn new(server: PublicUrl, user_agent: &str) -> Result<Self, ClientError> {
        Ok(Self { http: Http::new(server, user_agent)?, pace: Pace::default() })
    }

    /// The same client, for the PC that has this key: each of its requests proves it (RFC 9449), and it takes
    /// no tokens that would be good without it. `now` is this machine's clock, right or wrong.
    #[must_use]
    pub fn with_key(self, key: Arc<Key>, now: fn() -> Timestamp) -> Self {
        Self { http: self.http.proving(Prover::new(key, now)), ..self }
    }

    /// The server that it talks to.
    #[must_use]
    pub fn server(&self) -> &PublicUrl {
        self.http.server()
    }
}
