//! How often anybody may try what (`PROTOCOL` §7), in one place.
//!
//! A try is counted before it is made, and given back when it turns out not to
//! count: so that of many tries at once no more pass than one by one. Nor do
//! fewer: who finds the limit reached by tries whose outcome nobody knows yet
//! waits for that.

mod tries;

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use shared::id::{AccountId, LoginId, SessionId};

use crate::address::Address;
use crate::audit::{Audit, Who};
use crate::clock::Clock;
use crate::store::{LimitKey, OpenCaps, Rate, Store, StoreError, Taken};
use tries::{Tries, Try};

/// The limits as configured.
#[derive(Clone, Copy, Debug)]
pub struct LimitSettings {
    /// New logins per address.
    pub issue: Rate,
    /// Open logins.
    pub open: OpenCaps,
    /// Unknown scan codes per phone session.
    pub scan: Rate,
    /// Wrong user codes per account.
    pub user_code: Rate,
    /// Wrong user codes per address.
    pub user_code_per_ip: Rate,
    /// Unknown device codes per address.
    pub device_code: Rate,
    /// Wrong passwords per account and address.
    pub password: Rate,
    /// Wrong passwords per address.
    pub password_per_ip: Rate,
    /// Wrong passwords per account.
    pub password_per_account: Rate,
    /// New accounts per address.
    pub register: Rate,
}

const fn rate(count: u32, per: Duration) -> Rate {
    Rate { count, per }
}

impl Default for LimitSettings {
    fn default() -> Self {
        let (minute, ten_minutes) = (Duration::from_mins(1), Duration::from_mins(10));
        Self {
            issue: rate(60, minute),
            open: OpenCaps { per_address: 200, total: 100_000 },
            scan: rate(10, minute),
            user_code: rate(5, ten_minutes),
            user_code_per_ip: rate(30, ten_minutes),
            device_code: rate(30, minute),
            password: rate(5, ten_minutes),
            password_per_ip: rate(20, ten_minutes),
            password_per_account: rate(100, ten_minutes),
            register: rate(20, minute),
        }
    }
}

/// A poll is accepted this long after the last accepted one: the interval less half a second, since a
/// client that waits the interval may well arrive a little early.
const POLL_GAP: Duration = Duration::from_millis(shared::api::POLL_INTERVAL_SECS * 1000 - 500);

/// The limits whose tries are given back when they turn out not to count.
const GIVEN_BACK: [&str; 6] =
    ["scan", "user-code", "user-code-ip", "password-ip", "password", "password-account"];
/// How often it is looked again whether another node has given back a new one, and for how many times. An attacker
/// gains nothing by being held that long, and is held only within a second of the last try that counted.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: usize = 20;

/// Why a try may not be made.
#[derive(Debug, thiserror::Error)]
pub enum Limited {
    /// Too many tries; there is room again after this long.
    #[error("too many tries")]
    TooMany(Duration),
    /// Nobody knows how many there were.
    #[error(transparent)]
    Away(#[from] StoreError),
}

/// Tries that are counted, and can be given back. Dropped, they count for good.
#[must_use = "a try that does not count must be given back"]
#[derive(Default)]
pub struct Counted(Vec<Try>);

/// Counts tries.
#[derive(Clone)]
pub struct Limits {
    settings: LimitSettings,
    store: Arc<dyn Store>,
    clock: Clock,
    tries: Tries,
}

impl Limits {
    /// Counts in `store`, by `clock`.
    pub fn new(settings: LimitSettings, store: Arc<dyn Store>, clock: Clock) -> Self {
        Self { settings, store, clock, tries: Tries::default() }
    }

    /// The caps on open logins.
    #[must_use]
    pub fn open_caps(&self) -> OpenCaps {
        self.settings.open
    }

    /// A new login.
    ///
    /// # Errors
    /// As all of these: [`Limited`].
    pub async fn issue(&self, from: Address) -> Result<Counted, Limited> {
        self.count(Some(Who::at(from)), [("issue", from.to_string(), self.settings.issue)]).await
    }

    /// A scan code that may turn out to be unknown.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn scan(&self, phone: SessionId) -> Result<Counted, Limited> {
        let who = Who { phone: Some(phone), ..Who::default() };
        self.count(Some(who), [("scan", phone.to_string(), self.settings.scan)]).await
    }

    /// A user code that may turn out to be wrong.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn user_code(&self, account: AccountId, from: Address) -> Result<Counted, Limited> {
        let limits = [
            ("user-code", account.to_string(), self.settings.user_code),
            ("user-code-ip", from.to_string(), self.settings.user_code_per_ip),
        ];
        self.count(Some(Who { account: Some(account), ..Who::at(from) }), limits).await
    }

    /// A device code that turned out to be unknown.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn device_code(&self, from: Address) -> Result<Counted, Limited> {
        self.count(Some(Who::at(from)), [("device-code", from.to_string(), self.settings.device_code)]).await
    }

    /// A poll of a pending login.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn poll(&self, login: LoginId) -> Result<Counted, Limited> {
        // An impatient client is no attack.
        self.count(None, [("poll", login.to_string(), rate(1, POLL_GAP))]).await
    }

    /// A password that may turn out to be wrong. Counted by the name as it was sent, so that an unknown
    /// name looks like any other.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn password(&self, username: &str, from: Address) -> Result<Counted, Limited> {
        // What was sent as a name may be a password in the wrong field: only the address is told.
        //
        // The address comes first: past its limit it makes no more keys of made-up names. A name that no account has
        // is counted all the same: else a hundred wrong passwords would tell it from one that some account has.
        let limits = [
            ("password-ip", from.to_string(), self.settings.password_per_ip),
            ("password", format!("{from} {username}"), self.settings.password),
            ("password-account", username.to_owned(), self.settings.password_per_account),
        ];
        self.count(Some(Who::at(from)), limits).await
    }

    /// A new account.
    ///
    /// # Errors
    /// [`Limited`].
    pub async fn register(&self, from: Address) -> Result<Counted, Limited> {
        self.count(Some(Who::at(from)), [("register", from.to_string(), self.settings.register)]).await
    }

    /// Gives back tries that turned out not to count.
    pub async fn give_back(&self, counted: Counted) {
        for (key, at) in counted.0.iter().filter_map(Try::counted) {
            // If the store is away the try stays counted: the limit errs on the safe side.
            let _ = self.store.give_back(key, at).await;
        }
    }

    /// Counts against every one of these limits, or against none. That `who` was refused is an audit event.
    async fn count<const N: usize>(
        &self,
        who: Option<Who>,
        limits: [(&'static str, String, Rate); N],
    ) -> Result<Counted, Limited> {
        let limits = limits.map(|(limit, subject, rate)| (LimitKey { limit, subject }, rate));
        let mut looks = 0;
        'again: loop {
            let mut counted = Counted::default();
            for (name, rate) in &limits {
                let mut this = self.tries.begin(name.clone());
                let key = this.key();
                let mut settled = pin!(key.settled.notified());
                // Heard from before the count: what settles in between makes room as well.
                settled.as_mut().enable();
                let taken = self.store.take(name.clone(), *rate, self.clock.now()).await?;
                match taken {
                    Taken::Counted(at) => {
                        this.open(at);
                        counted.0.push(this);
                    }
                    Taken::Refused(wait) | Taken::Contended(wait) => {
                        let may_make_room = key.is_open() || settled.as_mut().enable();
                        let is_contended = matches!(taken, Taken::Contended(_));
                        self.give_back(counted).await;
                        if !may_make_room && is_contended && looks < LOOKS && GIVEN_BACK.contains(&name.limit)
                        {
                            looks += 1;
                            tokio::time::sleep(LOOK_EVERY).await;
                            continue 'again;
                        }
                        if !may_make_room {
                            if let Some(who) = who {
                                Audit::Limited { limit: name.limit, who }.log();
                            }
                            return Err(Limited::TooMany(wait));
                        }
                        settled.await;
                        continue 'again;
                    }
                }
            }
            return Ok(counted);
        }
    }
}
