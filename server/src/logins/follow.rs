//! Following a login: what all three status transports stand on.
//!
//! ```text
//! subscribe -> read -> wait -> read -> wait -> ...
//!                       |
//!                       '-- a change, the deadline, or a newer waiter
//! ```

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use shared::api::Snapshot;
use shared::id::LoginId;
use shared::login::Login;
use shared::secret::{DeviceCode, Token};

use super::{LoginError, Logins, ProvedKey, is_owned};
use crate::store::{LoginKey, Topic, Watch};
use crate::waiters::Place;

/// How many may wait for one login at once: the PC, and the PC again after a lost connection.
pub(super) const WAITERS_PER_LOGIN: usize = 2;

/// What a waiter hears.
#[derive(Debug)]
pub enum News {
    /// The login as it is now.
    Snapshot(Snapshot),
    /// A newer waiter took this one's place.
    Replaced,
}

/// A follower of one login. It takes a waiter's place when it begins to wait, not before: whoever finds news
/// at once, or is turned away, costs nobody else a place.
pub struct Follow {
    logins: Arc<Logins>,
    login: LoginId,
    watch: Watch,
    place: Option<Place<LoginId>>,
    seen: Snapshot,
    runs_out_at: Option<Timestamp>,
    heard_at: Option<Duration>,
}

impl Logins {
    /// What the PC sees of its login now.
    ///
    /// # Errors
    /// [`LoginError::Unknown`], or the store's.
    pub async fn snapshot(&self, device: &Token<DeviceCode>, key: ProvedKey) -> Result<Snapshot, LoginError> {
        let (login, snapshot) = self.look(LoginKey::Device(device.digest())).await?;
        is_owned(&login, key)?;
        Ok(snapshot)
    }

    /// Reads a login, and shows it as it was read: a snapshot that was made after its time ran out would say
    /// what nobody has written down yet.
    async fn look(&self, key: LoginKey) -> Result<(Arc<Login>, Snapshot), LoginError> {
        loop {
            let login = self.read(key).await?;
            let snapshot = login.snapshot(self.clock.now());
            if snapshot.version == login.version {
                return Ok((login, snapshot));
            }
        }
    }

    /// Begins to follow a login.
    ///
    /// # Errors
    /// [`LoginError::Unknown`], or the store's.
    pub async fn follow(
        self: &Arc<Self>,
        device: &Token<DeviceCode>,
        key: ProvedKey,
    ) -> Result<Follow, LoginError> {
        let found = self.store.find(LoginKey::Device(device.digest())).await?;
        let id = found.ok_or(LoginError::Unknown)?.id;
        // Subscribed before it is read: what changes in between is heard.
        let watch = self.store.watch(Topic::Login(id));
        let (login, seen) = self.look(LoginKey::Id(id)).await?;
        // Once, at the start: a key that the redeem brings binds whoever comes after it.
        is_owned(&login, key)?;
        Ok(Follow {
            logins: self.clone(),
            login: id,
            watch,
            place: None,
            seen,
            runs_out_at: login.runs_out_at(),
            heard_at: None,
        })
    }
}

impl Follow {
    /// The login as it was read last.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.seen
    }

    /// When it was heard, by [`Clock::counted`](crate::clock::Clock::counted), that there is something to be read:
    /// what [`past`](Self::past) answered last. None if it did not have to wait.
    #[must_use]
    pub fn heard_at(&self) -> Option<Duration> {
        self.heard_at
    }

    /// Waits until the login's version is another than `version`. Past two waiters, the oldest one ends.
    /// Cancel-safe.
    ///
    /// # Errors
    /// [`LoginError::Unknown`] when the login is forgotten, or the store's.
    pub async fn past(&mut self, version: u64) -> Result<News, LoginError> {
        let clock = self.logins.clock.clone();
        self.heard_at = None;
        while self.seen.version == version {
            let place = self.place.get_or_insert_with(|| self.logins.waiters.join(self.login));
            let runs_out = async {
                match self.runs_out_at {
                    Some(at) => clock.sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.watch.changed() => self.heard_at = Some(self.watch.woken_at()),
                () = runs_out => self.heard_at = Some(clock.counted()),
                () = place.lost() => return Ok(News::Replaced),
            }
            let (login, seen) = self.logins.look(LoginKey::Id(self.login)).await?;
            self.seen = seen;
            self.runs_out_at = login.runs_out_at();
        }
        Ok(News::Snapshot(self.seen.clone()))
    }
}
