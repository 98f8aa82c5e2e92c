//! The main path: a login is issued, stepped and watched.
//!
//! ```text
//!        read            apply             commit            wake
//! Store ------> Login ----------> Step ------------> Store -------> the PC's feed
//!   ^                (the machine)       compare-and-set |
//!   '----------------- somebody was first: again --------'
//! ```
//!
//! Scan, confirm, deny, redeem and cancel are the same few lines: read the
//! login, let [`Login::apply`] say what comes of it, commit that. Of racing
//! calls one commits; the others read what it wrote and are judged by it.

mod audit;
mod error;
mod follow;
mod issue;
mod proof;
mod redeem;
mod typed;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use shared::code::{ScanCode, UserCode};
use shared::id::{LoginId, SessionId};
use shared::login::{CheckCode, Event, Login, Refusal, Scanner, State, Step};
use shared::random::Random;
use shared::secret::{ConfirmToken, DeviceCode, ServerSecret, Token};
use tokio::sync::Mutex;

pub use error::LoginError;
pub use follow::{Follow, News};
pub use issue::Issued;
pub use proof::{Proved, ProvedKey};
pub use redeem::Tokens;

use crate::Settings;
use crate::address::Address;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::store::{Change, Committed, LoginKey, Notice, SessionWrite, Store, StoreError};
use crate::waiters::Waiters;

/// How often a step is tried against others. Each failed try means that another call succeeded, and a login
/// takes few successful calls, so this is never reached honestly.
const TRIES: usize = 128;

/// Everything that happens to logins.
pub struct Logins {
    store: Arc<dyn Store>,
    clock: Clock,
    random: Arc<dyn Random>,
    secret: ServerSecret,
    limits: Limits,
    metrics: Arc<Metrics>,
    lifetime: Duration,
    /// Whether a phone may scan only from the PC's own network.
    requires_same_network: bool,
    waiters: Waiters<LoginId>,
    /// Held by whoever makes room for a login.
    making_room: Mutex<()>,
}

/// A login that is bound to a key is that key's alone, and one that is not is no key's.
fn is_owned(login: &Login, key: ProvedKey) -> Result<(), LoginError> {
    if login.key() == key {
        return Ok(());
    }
    audit::other_key(login);
    Err(LoginError::Refused(Refusal::OtherKey))
}

/// A code that a phone has seen.
pub enum SeenCode {
    /// In a QR.
    Scan(ScanCode),
    /// Typed.
    User(UserCode),
}

impl Logins {
    /// Keeps logins in `store`, as the settings say.
    pub fn new(
        store: Arc<dyn Store>,
        clock: Clock,
        random: Arc<dyn Random>,
        secret: ServerSecret,
        limits: Limits,
        metrics: Arc<Metrics>,
        settings: &Settings,
    ) -> Self {
        Self {
            store,
            clock,
            random,
            secret,
            limits,
            metrics,
            lifetime: settings.code_lifetime,
            requires_same_network: settings.requires_same_network,
            waiters: Waiters::new(follow::WAITERS_PER_LOGIN),
            making_room: Mutex::default(),
        }
    }

    /// 2. A phone at an address scans a code. Answers the login, and the token to confirm or deny it with.
    ///
    /// Where both must be in one network, the scan is what proves it: it shows a phone that sees the PC's screen.
    /// The decision may then come from elsewhere. Its token works for this phone's session alone, so it gains
    /// nobody else anything, and a phone that leaves the Wi-Fi within the two minutes is still the same phone.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn scan(
        &self,
        code: &SeenCode,
        by: Scanner,
        from: Option<IpAddr>,
    ) -> Result<(Login, Token<ConfirmToken>), LoginError> {
        let key = match code {
            SeenCode::Scan(code) => LoginKey::Scan(code.digest()),
            SeenCode::User(code) => LoginKey::User(code.digest(&self.secret)),
        };
        let id = if self.requires_same_network {
            let login = self.read(key).await?;
            // Where the PC is was written down at issue, and no step changes it: nothing can come between.
            if Address::same_network(login.request.ip, from) != Some(true) {
                let (login, pc_ip) = (login.id, login.request.ip);
                Audit::OtherNetwork { login, account: by.account, phone: by.phone, ip: from, pc_ip }.log();
                return Err(LoginError::OtherNetwork);
            }
            login.id
        } else {
            // One that is to be forgotten is as unknown as one that is, at the same price.
            let found = self.store.find(key).await?;
            found.filter(|login| self.clock.now() < login.forgotten_at()).ok_or(LoginError::Unknown)?.id
        };
        let token = Token::<ConfirmToken>::generate(id.tag(), &*self.random);
        let phone = by.phone;
        let event = Event::Scan { confirm: token.digest(), by };
        let login = self.step(LoginKey::Id(id), Some(phone), &event).await?;
        Ok((login, token))
    }

    /// 3. The phone that scanned confirms.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn confirm(&self, token: &Token<ConfirmToken>, phone: SessionId) -> Result<Login, LoginError> {
        let confirm = token.digest();
        let check = CheckCode::generate(&*self.random);
        self.step(LoginKey::Confirm(confirm), Some(phone), &Event::Confirm { phone, confirm, check }).await
    }

    /// Or it denies.
    ///
    /// # Errors
    /// [`LoginError`].
    pub async fn deny(&self, token: &Token<ConfirmToken>, phone: SessionId) -> Result<Login, LoginError> {
        let confirm = token.digest();
        self.step(LoginKey::Confirm(confirm), Some(phone), &Event::Deny { phone, confirm }).await
    }

    /// The PC gives up. A login that is past that stays as it is.
    ///
    /// # Errors
    /// [`LoginError::Unknown`], or the store's.
    pub async fn cancel(&self, device: &Token<DeviceCode>, key: ProvedKey) -> Result<(), LoginError> {
        let login = self.read(LoginKey::Device(device.digest())).await?;
        is_owned(&login, key)?;
        match self.step(LoginKey::Id(login.id), None, &Event::Cancel).await {
            Ok(_) | Err(LoginError::Refused(Refusal::Unchanged)) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// Denies every login that a phone session scanned and that is not finished: the session has ended.
    ///
    /// # Errors
    /// The store's.
    pub async fn phone_ended(&self, phone: SessionId) -> Result<(), StoreError> {
        for login in self.store.unfinished(phone).await? {
            let denied = self.step(LoginKey::Id(login), None, &Event::PhoneEnded).await;
            // It may have ended by itself meanwhile.
            if let Err(LoginError::Away(away)) = denied {
                return Err(away);
            }
        }
        Ok(())
    }

    /// Writes down what ran out and must be told.
    ///
    /// # Errors
    /// The store's.
    pub async fn tidy(&self) -> Result<(), StoreError> {
        for login in self.store.due(self.clock.now()).await? {
            if let Err(LoginError::Away(away)) = self.step(LoginKey::Id(login), None, &Event::Tick).await {
                return Err(away);
            }
        }
        Ok(())
    }

    /// The four calls: read, apply, commit, and again if somebody was first.
    async fn step(
        &self,
        key: LoginKey,
        phone: Option<SessionId>,
        event: &Event,
    ) -> Result<Login, LoginError> {
        for _ in 0..TRIES {
            let login = self.read(key).await?;
            if let Some(login) = self.attempt(&login, event, phone, |_| None).await? {
                return Ok(login);
            }
        }
        Err(StoreError("a login changed under every try".to_owned()).into())
    }

    /// Applies an event to a login as it was read, and commits the outcome. None if somebody was first.
    async fn attempt(
        &self,
        login: &Login,
        event: &Event,
        phone: Option<SessionId>,
        session: impl FnOnce(&Step) -> Option<SessionWrite>,
    ) -> Result<Option<Login>, LoginError> {
        let now = self.clock.now();
        let step = match login.apply(event, now) {
            Ok(step) => step,
            // Its time ran out since it was read: reading again writes that down.
            Err(Refusal::Expired) if login.runs_out_at().is_some() => return Ok(None),
            Err(refusal) => {
                if login.state.status().is_decided() {
                    self.store.settle(login.id.tag()).await?;
                }
                audit::refused(login, event, &refusal);
                if let Some(kind) = refusal.notice()
                    && let Some(notice) = self.notice(login, kind)
                {
                    self.refused(login, &refusal, notice).await?;
                }
                return Err(LoginError::Refused(refusal));
            }
        };
        let session = session(&step);
        let notice = step.notice.and_then(|kind| self.notice(&step.login, kind));
        // Only time itself may write down that time ran out.
        let until = login.runs_out_at().filter(|_| *event != Event::Tick);
        let change = Change { login: step.login.clone(), until, phone, session, notice };
        match self.store.commit(change, now).await? {
            Committed::Done => {
                audit::stepped(&step.login, event);
                self.metrics.stepped(login, &step.login, event);
                Ok(Some(step.login))
            }
            Committed::Stale => Ok(None),
            Committed::PhoneGone => Err(LoginError::PhoneGone),
        }
    }

    /// A refused call that the owner hears of. A replay costs the session that the first redeem made, and its PC
    /// is known no longer.
    async fn refused(&self, login: &Login, refusal: &Refusal, notice: Notice) -> Result<(), StoreError> {
        match refusal {
            Refusal::Replayed(session) => {
                // Forgotten first: should the second call not come about, the PC is only not known.
                if let Some(key) = login.key() {
                    self.store.forget_pc(notice.account, key).await?;
                }
                let ending = crate::store::Ending::One(*session);
                self.store.end_sessions(notice.account, ending, Some(notice)).await.map(drop)
            }
            _ => self.store.notify(notice).await,
        }
    }

    fn notice(&self, login: &Login, kind: shared::api::NoticeKind) -> Option<Notice> {
        let session = match login.state {
            State::LoggedIn { session, .. } => Some(session),
            _ => None,
        };
        Some(Notice {
            account: login.state.scan()?.by.account,
            kind,
            subject: login.id.to_bytes(),
            at: self.clock.now(),
            device_name: login.request.device_name.clone(),
            ip: login.request.ip,
            session,
        })
    }

    /// Reads a login. One whose phone session has ended meanwhile is denied first, so that nobody ever sees
    /// it otherwise, whatever ended the session. And that its time ran out is written down first: a change
    /// that was in time may still be on its way to the disk, and nobody may be told of both.
    async fn read(&self, key: LoginKey) -> Result<Arc<Login>, LoginError> {
        for _ in 0..TRIES {
            let login = self.store.find(key).await?.ok_or(LoginError::Unknown)?;
            let now = self.clock.now();
            if login.runs_out_at().is_some_and(|at| now >= at) {
                self.attempt(&login, &Event::Tick, None, |_| None).await?;
                continue;
            }
            if now >= login.forgotten_at() {
                return Err(LoginError::Unknown);
            }
            let waiting_for = match &login.state {
                State::Scanned(scan) => scan.by.phone,
                State::Confirmed(confirmation) => confirmation.scan.by.phone,
                _ => return Ok(login),
            };
            if self.store.phone_is_valid(waiting_for, now).await? {
                return Ok(login);
            }
            self.attempt(&login, &Event::PhoneEnded, None, |_| None).await?;
        }
        Err(StoreError("a login changed under every try".to_owned()).into())
    }
}
