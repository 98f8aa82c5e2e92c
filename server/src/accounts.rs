//! Accounts and passwords.
//!
//! A password is checked off the async threads, at most one per core at a
//! time, and an unknown name costs the same as a wrong password: a dummy hash
//! is checked instead.

use std::net::IpAddr;
use std::num::NonZero;
use std::sync::Arc;

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use shared::api::{NoticeKind, Password};
use shared::id::{AccountId, SessionId};
use shared::name::Username;
use shared::random::Random;
use subtle::ConstantTimeEq as _;
use tokio::sync::Semaphore;

use crate::address::Origin;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::limits::{Limited, Limits};
use crate::store::{Account, Notice, Store, StoreError};

/// How many password checks may wait for a core; more are turned away at once, rather than late.
const QUEUE: usize = 256;

/// Why a call about an account fails.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The name or the password is wrong; nobody learns which.
    #[error("wrong name or password")]
    WrongPassword,
    /// A new password is too short or too long.
    #[error("a password has {} to {} characters", Password::MIN_CHARS, Password::MAX_CHARS)]
    BadPassword,
    /// A new user name is none.
    #[error(transparent)]
    BadUsername(#[from] shared::name::BadUsername),
    /// The name is another account's.
    #[error("this user name is taken")]
    Taken,
    /// Too many tries.
    #[error("too many tries")]
    TooMany(std::time::Duration),
    /// More passwords are waiting to be checked than can be.
    #[error("too many passwords are being checked")]
    Busy,
    /// The store is away.
    #[error(transparent)]
    Away(#[from] StoreError),
}

impl From<Limited> for AccountError {
    fn from(limited: Limited) -> Self {
        match limited {
            Limited::TooMany(wait) => Self::TooMany(wait),
            Limited::Away(away) => Self::Away(away),
        }
    }
}

/// Everything about accounts.
pub struct Accounts {
    store: Arc<dyn Store>,
    clock: Clock,
    random: Arc<dyn Random>,
    limits: Limits,
    hasher: Hasher,
}

impl Accounts {
    /// Keeps accounts in `store`.
    pub fn new(store: Arc<dyn Store>, clock: Clock, random: Arc<dyn Random>, limits: Limits) -> Self {
        Self { store, clock, random, limits, hasher: Hasher::new() }
    }

    /// Makes an account on behalf of somebody at an address.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn register(
        &self,
        username: &str,
        password: Password,
        from: Origin,
    ) -> Result<Account, AccountError> {
        check_new(username, &password)?;
        // A name that is taken counts as well, or names could be tried without end.
        let _ = self.limits.register(from.address).await?;
        self.add(username, password).await
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`AccountError`], but never for limits.
    pub async fn add(&self, username: &str, password: Password) -> Result<Account, AccountError> {
        let username = check_new(username, &password)?;
        let now = self.clock.now();
        let account = Account {
            id: AccountId::generate(now, &*self.random),
            username,
            password: self.hasher.hash(password, &*self.random).await?,
            password_version: 1,
            enabled: true,
            created_at: now,
        };
        if self.store.add_account(account.clone()).await? {
            Audit::AccountAdded { account: account.id }.log();
            Ok(account)
        } else {
            Err(AccountError::Taken)
        }
    }

    /// Checks a name and a password.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`] for a wrong password, an unknown name and a disabled account alike.
    pub async fn check(
        &self,
        username: &str,
        password: Password,
        from: Origin,
    ) -> Result<Account, AccountError> {
        let username = Username::parse(username).ok();
        let counted_as = username.as_ref().map_or("", Username::as_str);
        let counted = self.limits.password(counted_as, from.address).await?;
        let judged = self.judge(username.as_ref(), password, from).await;
        // Only a password that was found wrong counts. One that nobody could look at tells its sender nothing, and
        // whoever keeps the server busy would lock others out.
        if !matches!(judged, Err(AccountError::WrongPassword)) {
            self.limits.give_back(counted).await;
        }
        judged
    }

    async fn judge(
        &self,
        username: Option<&Username>,
        password: Password,
        from: Origin,
    ) -> Result<Account, AccountError> {
        let account = match username {
            Some(username) => self.store.account(username).await?,
            None => None,
        };
        let hash = account.as_ref().map(|account| account.password.clone());
        let known = account.as_ref().map(|account| account.id);
        let good = self.hasher.verify(password, hash).await?;
        account.filter(|account| good && account.enabled).ok_or_else(|| {
            Audit::WrongPassword { account: known, ip: from.ip }.log();
            AccountError::WrongPassword
        })
    }

    /// Changes a password, and ends every session of the account but `keep`. Answers those that ended.
    ///
    /// # Errors
    /// [`AccountError`].
    pub async fn change_password(
        &self,
        username: &Username,
        old: Password,
        new: Password,
        keep: SessionId,
        from: Origin,
    ) -> Result<Vec<SessionId>, AccountError> {
        check_new(username.as_str(), &new)?;
        let account = self.check(username.as_str(), old, from).await?;
        self.set_password(&account, new, Some(keep), from.ip).await
    }

    /// Sets a password, ends every session of the account but `keep`, and tells the owner. Answers the
    /// sessions that ended.
    ///
    /// # Errors
    /// [`AccountError::WrongPassword`] if another change was first, or [`AccountError::BadPassword`].
    pub async fn set_password(
        &self,
        account: &Account,
        new: Password,
        keep: Option<SessionId>,
        ip: Option<IpAddr>,
    ) -> Result<Vec<SessionId>, AccountError> {
        check_new(account.username.as_str(), &new)?;
        let hash = self.hasher.hash(new, &*self.random).await?;
        let now = self.clock.now();
        let notice = Notice {
            account: account.id,
            kind: NoticeKind::PasswordChanged,
            subject: SessionId::generate(now, &*self.random).to_bytes(),
            at: now,
            device_name: None,
            ip,
            session: keep,
        };
        let ended = self.store.set_password(account.id, account.password_version, hash, keep, notice).await?;
        if let Some(ended) = &ended {
            Audit::PasswordChanged { account: account.id, ip, sessions: ended.len() }.log();
        }
        ended.ok_or(AccountError::WrongPassword)
    }
}

fn check_new(username: &str, password: &Password) -> Result<Username, AccountError> {
    let username = Username::parse(username)?;
    if password.is_acceptable() { Ok(username) } else { Err(AccountError::BadPassword) }
}

/// Argon2id (RFC 9106) with the parameters that OWASP recommends: 19 MiB, two passes, one lane.
struct Hasher {
    argon2: Argon2<'static>,
    cores: Arc<Semaphore>,
    queue: Arc<Semaphore>,
}

impl Hasher {
    fn new() -> Self {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::DEFAULT);
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { argon2, cores: Arc::new(Semaphore::new(cores)), queue: Arc::new(Semaphore::new(QUEUE)) }
    }

    async fn hash(&self, password: Password, random: &dyn Random) -> Result<String, AccountError> {
        let mut salt = [0; SALT_LEN];
        random.fill(&mut salt);
        let argon2 = self.argon2.clone();
        self.run(move || hash(&argon2, &password, &salt)).await
    }

    /// Whether the password is the hash's; without a hash it is not, which takes as long to find out.
    async fn verify(&self, password: Password, hash: Option<String>) -> Result<bool, AccountError> {
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| DUMMY.to_owned());
        let verified = move || PasswordHash::new(&hash).is_ok_and(|hash| is_of(&password, &hash));
        Ok(self.run(verified).await? && exists)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let queued = self.queue.clone().try_acquire_owned().map_err(|_| AccountError::Busy)?;
        let core = self.cores.clone().acquire_owned().await.map_err(|_| AccountError::Busy)?;
        // The permits go along: a caller that hangs up does not make room for more.
        let run = move || {
            let _permits = (queued, core);
            work()
        };
        tokio::task::spawn_blocking(run).await.map_err(|_| AccountError::Busy)
    }
}

/// 16 bytes: what the PHC string format and RFC 9106 §3.1 recommend.
const SALT_LEN: usize = 16;

/// The hash of no password, at the same cost as any other.
const DUMMY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$c2FvbWEtZHVtbXktc2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password, as a PHC string.
fn hash(argon2: &Argon2<'_>, password: &Password, salt: &[u8; SALT_LEN]) -> String {
    let hashed = || {
        let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
        hash_into(&mut output, argon2, password, salt)?;
        Ok::<_, argon2::password_hash::Error>(PasswordHash {
            algorithm: Algorithm::Argon2id.ident(),
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(argon2.params())?,
            salt: Some(Salt::new(salt)?),
            hash: Some(Output::new(&output)?),
        })
    };
    hashed().expect("Argon2 takes any password of at most 256 characters and a salt of 16 bytes").to_string()
}

/// Whether a hash is of this password.
fn is_of(password: &Password, hash: &PasswordHash) -> bool {
    let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return false };
    let (Ok(algorithm), Ok(params)) = (Algorithm::try_from(hash.algorithm.as_str()), Params::try_from(hash))
    else {
        return false;
    };
    let Ok(version) = hash.version.map_or(Ok(Version::default()), Version::try_from) else { return false };
    let mut output = [0; Output::MAX_LENGTH];
    let output = &mut output[..expected.len()];
    let argon2 = Argon2::new(algorithm, version, params);
    let is_hashed = hash_into(output, &argon2, password, salt).is_ok();
    is_hashed && bool::from(output.ct_eq(expected.as_bytes()))
}

/// From this size on, glibc takes memory from the system for itself alone, and gives it back when it is freed. What is
/// smaller it keeps: 19 MiB for each thread that has ever hashed a password.
const GIVEN_BACK_FROM: usize = 33 << 20;

fn hash_into(output: &mut [u8], argon2: &Argon2<'_>, password: &Password, salt: &[u8]) -> argon2::Result<()> {
    let count = argon2.params().block_count();
    // What is not written to costs nothing but addresses.
    let mut memory = Vec::with_capacity(count.max(GIVEN_BACK_FROM / Block::SIZE));
    memory.resize(count, Block::new());
    argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, output, &mut memory)
}

#[cfg(test)]
mod tests;
