//! 2. A phone scans a code that a person typed.
//!
//! ```text
//!  typed --> look-up --+-- no login's --------------------------> not found
//!                      +-- not to be scanned by this phone -----> not found   (its owner is told behind that)
//!                      '-- to be scanned --> as from a QR ------> 200
//! ```
//!
//! Eight letters can be guessed, so a wrong guess must not learn which codes exist: neither by the answer nor by
//! the time it takes. Both ways to "not found" are the same one look-up. All that comes of a code that is some
//! login's, above all the sync of the disk for its owner's notice, happens when the answer is on its way.

use std::net::IpAddr;
use std::sync::Arc;

use shared::code::UserCode;
use shared::login::{Event, Login, Refusal, Scanner};
use shared::secret::{ConfirmToken, Digest, Token};

use super::{LoginError, Logins, SeenCode};
use crate::address::Address;
use crate::store::LoginKey;

impl Logins {
    /// As [`scan`](Self::scan), of a code that was typed and may be a guess.
    ///
    /// # Errors
    /// [`LoginError::Unknown`] for whatever is wrong with the code; else [`LoginError`].
    pub async fn scan_typed(
        self: &Arc<Self>,
        code: UserCode,
        by: Scanner,
        from: Option<IpAddr>,
    ) -> Result<(Login, Token<ConfirmToken>), LoginError> {
        let key = LoginKey::User(code.digest(&self.secret));
        let login = self.store.find(key).await?.ok_or(LoginError::Unknown)?;
        let code = SeenCode::User(code);
        if !self.is_for(&login, &by, from) {
            let logins = self.clone();
            // The limits on wrong codes are limits on these, too.
            tokio::spawn(async move {
                // A login that is closed to this phone stays so: this is refused again, and written down.
                if let Err(LoginError::Away(away)) = logins.scan(&code, by, from).await {
                    tracing::error!(detail = %away, "the store is away");
                }
            });
            return Err(LoginError::Unknown);
        }
        self.scan(&code, by, from).await
    }

    /// Whether this phone may scan the login, or be told why it may not.
    fn is_for(&self, login: &Login, by: &Scanner, from: Option<IpAddr>) -> bool {
        if self.requires_same_network && Address::same_network(login.request.ip, from) != Some(true) {
            return false;
        }
        // Only asked, and never committed: no token is needed.
        let scan = Event::Scan { by: by.clone(), confirm: Digest::from_bytes([0; 32]) };
        match login.apply(&scan, self.clock.now()) {
            // That its PC waits for somebody else is told whoever scans it in time.
            Ok(_) | Err(Refusal::OtherUserExpected) => true,
            Err(_) => false,
        }
    }
}
