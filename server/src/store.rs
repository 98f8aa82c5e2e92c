//! What the server keeps, and what a store promises.
//!
//! ```text
//!   Logins ---- find ----> +-------+
//!   (the     -- commit --> | Store | ---- wakes ----> Watch (the waiters)
//!    machine)              +-------+
//!                            |   |
//!                       SQLite   (any other that keeps the promises)
//! ```
//!
//! The promises, which one suite of tests holds every back end to:
//!
//! 1. [`Store::commit`] replaces a login if, and only if, it still has the
//!    revision that the caller saw, and in the same breath writes what belongs
//!    to it. All of it or nothing. There is no other way to change a login.
//! 2. What was acknowledged survives `kill -9`. What was not is whole or absent.
//! 3. A [`StoreError`] means "unknown", never "not done": callers read again.
//! 4. [`Store::watch`]: subscribe, then read, then wait, and no change is missed.
//! 5. Validity is derived: a session is found only while it, the session that
//!    granted it and its account are good. Nothing must be cleaned up for that.
//! 6. Secrets arrive as digests, in one key space per kind.
//!
//! A store knows no states: that is [`shared::login`]'s business.

pub mod hub;
mod limiter;
mod measured;
mod proofs;
mod records;
pub mod redis;
pub mod sqlite;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::login::Login;
use shared::name::Username;
use shared::secret::{ConfirmToken, DeviceCode, Digest, PcToken, PhoneToken, RefreshToken, Scan, User};

pub use hub::{Topic, Watch};
pub use measured::Measured;
pub(crate) use records::phone_ends_at;
pub use records::{
    Account, AnySession, Ending, KeptNotice, NOTICES_KEPT, NOTICES_READ, Notice, PC_TOKEN_LIFE, PHONE_IDLE,
    PcSession, PcTokens, PhoneSession, REFRESH_LIFE, Refresh, ResourceServer, SESSION_LIFE, Valid,
};

/// That the store did not answer as it should. Whether the call took effect is unknown.
#[derive(Debug, thiserror::Error)]
#[error("the store is away: {0}")]
pub struct StoreError(pub String);

/// A map whose keys this server has made: ids, and digests of its secrets. Nobody can choose some that collide, so they
/// need no hash that withstands that.
pub(crate) type Map<K, V> = HashMap<K, V, foldhash::fast::RandomState>;

/// What a store's calls answer.
pub type Result<T> = std::result::Result<T, StoreError>;

/// What a login can be found by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LoginKey {
    /// Its own id.
    Id(LoginId),
    /// The code in its QR.
    Scan(Digest<Scan>),
    /// The code for typing.
    User(Digest<User>),
    /// Its PC's secret.
    Device(Digest<DeviceCode>),
    /// A confirm token that a scan of it was answered with, be it replaced or used.
    Confirm(Digest<ConfirmToken>),
}

/// How many logins may be open at once. A login is open until its end or its deadline.
#[derive(Clone, Copy, Debug)]
pub struct OpenCaps {
    /// From one address.
    pub per_address: u32,
    /// In all.
    pub total: u32,
}

/// What came of [`Store::insert`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It is kept.
    Done,
    /// One of its codes is another login's: make new ones.
    Taken,
    /// This address has too many open logins.
    AddressFull,
    /// There are too many in all. The oldest unscanned login of the address that has the most is named, to
    /// be ended first; none, if all are past that.
    Full(Option<LoginId>),
}

/// A change of a login, with everything that must become true in the same breath.
#[derive(Clone, Debug)]
pub struct Change {
    /// The login as it is to be. Its revision is one more than what the caller saw.
    pub login: Login,
    /// When the state that the caller saw runs out: at that moment, by the store's own clock, the change is
    /// stale. A deadline is absolute, however long the change waited for its turn.
    pub until: Option<Timestamp>,
    /// A phone session that must be valid at that moment.
    pub phone: Option<SessionId>,
    /// The PC session that this begins, or gives fresh tokens.
    pub session: Option<SessionWrite>,
    /// What the owner is told.
    pub notice: Option<Notice>,
}

/// What a change does to a PC session.
#[derive(Clone, Debug)]
pub enum SessionWrite {
    /// It begins.
    Begin(Box<PcSession>),
    /// It gets fresh tokens in place of ones that nobody has used; if one was, the change is stale.
    Reissue(SessionId, PcTokens),
}

/// What came of [`Store::commit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Committed {
    /// All of it is true and durable.
    Done,
    /// Something was first; nothing was written. Read again.
    Stale,
    /// The phone session is no longer valid; nothing was written.
    PhoneGone,
}

/// So many in so long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    /// How many.
    pub count: u32,
    /// In how long, at any time.
    pub per: Duration,
}

/// What a limit counts: the limit's name, and who is counted.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LimitKey {
    /// Which limit.
    pub limit: &'static str,
    /// For whom: an address, an account, or both.
    pub subject: String,
}

/// What a proof of possession is known by: a hash of its key and its own id.
pub type ProofId = [u8; 32];

/// What came of [`Store::first_use`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FirstUse {
    /// It is remembered, and was not before.
    Yes,
    /// It was there.
    No,
    /// There is no room to remember it.
    Full,
}

/// A use that is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Use {
    /// As of when.
    pub at: Timestamp,
    /// Which of those of that moment, for a store that is asked over a network, and may be asked twice.
    pub id: u128,
}

/// What came of [`Store::take`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is counted.
    Counted(Use),
    /// The limit is reached; nothing was counted. There is room again after this long.
    Refused(Duration),
    /// As refused, but by uses of which one is so new that another node may be about to give it back.
    Contended(Duration),
}

/// A place that keeps logins, accounts, sessions, notices and counters.
///
/// Every call may fail with [`StoreError`], which means that its effect is unknown.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    // Logins.

    /// Keeps a new login.
    async fn insert(&self, login: Login, caps: OpenCaps) -> Result<Inserted>;
    /// Finds a login, ended ones included until they are forgotten.
    async fn find(&self, key: LoginKey) -> Result<Option<Arc<Login>>>;
    /// Changes a login, and what belongs to it: promise 1. Wakes whoever watches the login, and the
    /// account's owner if there is a notice. `now` judges whether the phone session is valid.
    async fn commit(&self, change: Change, now: Timestamp) -> Result<Committed>;
    /// The logins whose running out must be written down by now (see [`Login::due_at`]).
    async fn due(&self, now: Timestamp) -> Result<Vec<LoginId>>;
    /// The logins that this phone session scanned and that have not ended.
    async fn unfinished(&self, phone: SessionId) -> Result<Vec<LoginId>>;
    /// Hears of changes. Subscribed when this returns; never fails, but may wake without a reason.
    fn watch(&self, topic: Topic) -> Watch;

    // Accounts.

    /// Makes an account; false if the name is taken.
    async fn add_account(&self, account: Account) -> Result<bool>;
    /// Finds an account by its name.
    async fn account(&self, username: &Username) -> Result<Option<Account>>;
    /// All accounts, by name.
    async fn accounts(&self) -> Result<Vec<Account>>;
    /// Enables or disables an account; disabling ends all its sessions for good. False if there is none.
    async fn set_enabled(&self, username: &Username, enabled: bool) -> Result<bool>;
    /// Sets a new password hash if the account's password version still is `version`; in the same breath ends
    /// every session but `keep` itself, and tells the owner. Answers the sessions that ended; None, and
    /// nothing is done, if the version is another. Wakes the account's watchers.
    async fn set_password(
        &self,
        account: AccountId,
        version: u64,
        hash: String,
        keep: Option<SessionId>,
        notice: Notice,
    ) -> Result<Option<Vec<SessionId>>>;
    /// Removes an account with its sessions and notices; false if there is none.
    async fn remove_account(&self, username: &Username) -> Result<bool>;

    // Sessions.

    /// Begins a phone session, if the account is enabled and its password version still is `version`.
    async fn add_phone(&self, session: PhoneSession, version: u64) -> Result<bool>;
    /// The valid phone session of a token.
    async fn phone(&self, token: Digest<PhoneToken>, now: Timestamp) -> Result<Option<Valid<PhoneSession>>>;
    /// Whether a phone session is valid.
    async fn phone_is_valid(&self, phone: SessionId, now: Timestamp) -> Result<bool>;
    /// The valid PC session of an access token.
    async fn pc(&self, token: Digest<PcToken>, now: Timestamp) -> Result<Option<Valid<PcSession>>>;
    /// A PC session by its id, if it stands: for judging a repeated redeem.
    async fn pc_by_id(&self, session: SessionId, now: Timestamp) -> Result<Option<Valid<PcSession>>>;
    /// What a refresh token is.
    async fn refresh_token(&self, token: Digest<RefreshToken>, now: Timestamp) -> Result<Refresh>;
    /// Replaces a PC session's tokens if `spent` still is its refresh token, which is remembered as used.
    /// False if something was first. The session counts as used from then on.
    async fn rotate(
        &self,
        session: SessionId,
        spent: Digest<RefreshToken>,
        tokens: PcTokens,
        now: Timestamp,
    ) -> Result<bool>;
    /// Notes that a session was used. Seen at once by whoever reads the store, durable soon. A session that
    /// has ended stays as it is.
    async fn seen(&self, session: SessionId, now: Timestamp) -> Result<()>;
    /// The valid sessions of an account, newest first.
    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<AnySession>>;
    /// Ends sessions of an account, with the PC sessions that ended phones granted, and tells the owner in
    /// the same breath if there is a notice. Answers the ids of all that ended. Wakes the account's watchers.
    async fn end_sessions(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<Notice>,
    ) -> Result<Vec<SessionId>>;

    /// When the PC with this key was seen last, if it has logged in to this account since the account's
    /// password was set.
    async fn known_pc(&self, account: AccountId, key: Thumbprint) -> Result<Option<Timestamp>>;

    /// Forgets the PC with this key: to this account it is as one that was never there, until it logs in again.
    async fn forget_pc(&self, account: AccountId, key: Thumbprint) -> Result<()>;

    // Notices.

    /// Tells an account's owner something. Wakes the account's watchers.
    async fn notify(&self, notice: Notice) -> Result<()>;
    /// An account's notices with ids above `after`, oldest first, 100 at most.
    async fn notices(&self, account: AccountId, after: u64) -> Result<Vec<KeptNotice>>;

    // Resource servers.

    /// Adds a resource server; false if the name is taken.
    async fn add_client(&self, client: ResourceServer) -> Result<bool>;
    /// Finds one by its name.
    async fn client(&self, name: &str) -> Result<Option<ResourceServer>>;
    /// All of them, by name.
    async fn clients(&self) -> Result<Vec<ResourceServer>>;
    /// Removes one; false if there is none.
    async fn remove_client(&self, name: &str) -> Result<bool>;

    // Limits.

    /// Counts one, unless the limit is reached: never more than `rate.count` within any `rate.per`.
    async fn take(&self, key: LimitKey, rate: Rate, now: Timestamp) -> Result<Taken>;
    /// Takes back what was counted, because it turned out not to count.
    async fn give_back(&self, key: LimitKey, counted: Use) -> Result<()>;

    /// Remembers a proof of possession for as long as it could be sent again.
    async fn first_use(&self, proof: ProofId, now: Timestamp) -> Result<FirstUse>;

    // Housekeeping.

    /// Forgets what is over: logins, sessions, spent tokens, counters. Nothing depends on its being called.
    async fn purge(&self, now: Timestamp) -> Result<()>;
    /// Whether the store answers.
    async fn ping(&self) -> Result<()>;
    /// Waits until what was read in a partition can't be taken back any more. Whoever answers with an end that
    /// somebody else brought about, or an earlier call of unknown outcome, vouches for it.
    async fn settle(&self, _tag: Tag) -> Result<()> {
        // What can be read is durable, unless a store says otherwise.
        Ok(())
    }
    /// Writes what is in hand and lets go. Later calls fail.
    async fn close(&self);
}
