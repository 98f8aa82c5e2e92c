//! A store that fails when it is told to: before it does anything, or after it has done everything. And it remembers
//! what it was asked, for whoever wants to compare what two requests cost.

use std::panic::Location;
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use jiff::Timestamp;
use server::store::ProofId;
use server::store::*;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::login::Login;
use shared::name::Username;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken};

/// How a store fails.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(crate) enum Fault {
    /// Not at all.
    None,
    /// Every call fails, and does nothing.
    Away,
    /// Commits and rotations take effect, and then fail: nobody hears of it.
    LostAnswer,
    /// It forgets nothing: what is over is still there, as it is in the minute before a purge.
    Hoards,
    /// There is no room for another used proof.
    FullOfProofs,
    /// It does not answer whether it is there.
    Silent,
}

/// A store that can be made to fail.
pub(crate) struct Faulty {
    store: Arc<dyn Store>,
    fault: AtomicU8,
    proofs_kept: AtomicUsize,
    before_commit: Mutex<Option<Box<dyn FnOnce() + Send>>>,
    asked: Mutex<Vec<Asked>>,
}

/// A call, by who made it and where it is passed on here.
#[derive(Clone, Copy)]
struct Asked {
    by: Option<tokio::task::Id>,
    at: &'static Location<'static>,
}

impl Asked {
    /// The name of the call, as it is written in that place: each is passed on in a line of its own.
    fn name(self) -> &'static str {
        let line = include_str!("faulty.rs").lines().nth(self.at.line() as usize - 1);
        let call = line.and_then(|line| line.split_once("self.here()?.")).unwrap().1;
        call.split_once('(').unwrap().0
    }
}

impl Faulty {
    pub(crate) fn over(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self {
            store,
            fault: AtomicU8::new(Fault::None as u8),
            proofs_kept: AtomicUsize::default(),
            before_commit: Mutex::default(),
            asked: Mutex::default(),
        })
    }

    /// Forgets what was asked so far.
    pub(crate) fn forget_calls(&self) {
        self.asked.lock().unwrap().clear();
    }

    /// What was asked since, in order, by whoever asked `first` first; but not what a server asks by itself.
    pub(crate) fn calls_from(&self, first: &str) -> Vec<&'static str> {
        let asked = self.asked.lock().unwrap();
        let by = asked.iter().find(|asked| asked.name() == first).unwrap_or_else(|| panic!("no {first}")).by;
        let calls = asked.iter().filter(|asked| asked.by == by).map(|asked| asked.name());
        calls.filter(|name| !["due", "purge"].contains(name)).collect()
    }

    pub(crate) fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    /// Does something once, after the next change was decided on and before it is committed.
    pub(crate) fn before_next_commit(&self, act: impl FnOnce() + Send + 'static) {
        *self.before_commit.lock().unwrap() = Some(Box::new(act));
    }

    /// How many proofs have ever been used up.
    pub(crate) fn proofs_kept(&self) -> usize {
        self.proofs_kept.load(Ordering::SeqCst)
    }

    fn is(&self, fault: Fault) -> bool {
        self.fault.load(Ordering::SeqCst) == fault as u8
    }

    #[track_caller]
    fn here(&self) -> Result<&dyn Store> {
        self.asked.lock().unwrap().push(Asked { by: tokio::task::try_id(), at: Location::caller() });
        if self.is(Fault::Away) { Err(away()) } else { Ok(&*self.store) }
    }
}

fn away() -> StoreError {
    StoreError("as the test wants it".to_owned())
}

#[async_trait]
impl Store for Faulty {
    async fn insert(&self, login: Login, caps: OpenCaps) -> Result<Inserted> {
        self.here()?.insert(login, caps).await
    }
    async fn find(&self, key: LoginKey) -> Result<Option<Login>> {
        self.here()?.find(key).await
    }
    async fn commit(&self, change: Change, now: Timestamp) -> Result<Committed> {
        if let Some(act) = self.before_commit.lock().unwrap().take() {
            act();
        }
        let committed = self.here()?.commit(change, now).await?;
        if self.is(Fault::LostAnswer) { Err(away()) } else { Ok(committed) }
    }
    async fn due(&self, now: Timestamp) -> Result<Vec<LoginId>> {
        self.here()?.due(now).await
    }
    async fn unfinished(&self, phone: SessionId) -> Result<Vec<LoginId>> {
        self.here()?.unfinished(phone).await
    }
    fn watch(&self, topic: Topic) -> Watch {
        self.store.watch(topic)
    }
    async fn add_account(&self, account: Account) -> Result<bool> {
        self.here()?.add_account(account).await
    }
    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        self.here()?.account(username).await
    }
    async fn accounts(&self) -> Result<Vec<Account>> {
        self.here()?.accounts().await
    }
    async fn set_enabled(&self, username: &Username, enabled: bool) -> Result<bool> {
        self.here()?.set_enabled(username, enabled).await
    }
    async fn set_password(
        &self,
        account: AccountId,
        version: u64,
        hash: String,
        keep: Option<SessionId>,
        notice: Notice,
    ) -> Result<Option<Vec<SessionId>>> {
        self.here()?.set_password(account, version, hash, keep, notice).await
    }
    async fn remove_account(&self, username: &Username) -> Result<bool> {
        self.here()?.remove_account(username).await
    }
    async fn add_phone(&self, session: PhoneSession, version: u64) -> Result<bool> {
        self.here()?.add_phone(session, version).await
    }
    async fn phone(&self, token: Digest<PhoneToken>, now: Timestamp) -> Result<Option<Valid<PhoneSession>>> {
        self.here()?.phone(token, now).await
    }
    async fn phone_is_valid(&self, phone: SessionId, now: Timestamp) -> Result<bool> {
        self.here()?.phone_is_valid(phone, now).await
    }
    async fn pc(&self, token: Digest<PcToken>, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.here()?.pc(token, now).await
    }
    async fn pc_by_id(&self, session: SessionId, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.here()?.pc_by_id(session, now).await
    }
    async fn refresh_token(&self, token: Digest<RefreshToken>, now: Timestamp) -> Result<Refresh> {
        self.here()?.refresh_token(token, now).await
    }
    async fn rotate(
        &self,
        session: SessionId,
        spent: Digest<RefreshToken>,
        tokens: PcTokens,
        now: Timestamp,
    ) -> Result<bool> {
        let rotated = self.here()?.rotate(session, spent, tokens, now).await?;
        if self.is(Fault::LostAnswer) { Err(away()) } else { Ok(rotated) }
    }
    async fn seen(&self, session: SessionId, now: Timestamp) -> Result<()> {
        self.here()?.seen(session, now).await
    }
    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<AnySession>> {
        self.here()?.sessions(account, now).await
    }
    async fn end_sessions(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<Notice>,
    ) -> Result<Vec<SessionId>> {
        self.here()?.end_sessions(account, ending, notice).await
    }
    async fn notify(&self, notice: Notice) -> Result<()> {
        self.here()?.notify(notice).await
    }
    async fn notices(&self, account: AccountId, after: u64) -> Result<Vec<KeptNotice>> {
        self.here()?.notices(account, after).await
    }
    async fn add_client(&self, client: ResourceServer) -> Result<bool> {
        self.here()?.add_client(client).await
    }
    async fn client(&self, name: &str) -> Result<Option<ResourceServer>> {
        self.here()?.client(name).await
    }
    async fn clients(&self) -> Result<Vec<ResourceServer>> {
        self.here()?.clients().await
    }
    async fn remove_client(&self, name: &str) -> Result<bool> {
        self.here()?.remove_client(name).await
    }
    async fn known_pc(&self, account: AccountId, key: Thumbprint) -> Result<Option<Timestamp>> {
        self.here()?.known_pc(account, key).await
    }
    async fn forget_pc(&self, account: AccountId, key: Thumbprint) -> Result<()> {
        self.here()?.forget_pc(account, key).await
    }
    async fn first_use(&self, proof: ProofId, now: Timestamp) -> Result<FirstUse> {
        if self.is(Fault::FullOfProofs) {
            return Ok(FirstUse::Full);
        }
        let used = self.here()?.first_use(proof, now).await?;
        self.proofs_kept.fetch_add(usize::from(used == FirstUse::Yes), Ordering::SeqCst);
        Ok(used)
    }
    async fn take(&self, key: LimitKey, rate: Rate, now: Timestamp) -> Result<Taken> {
        self.here()?.take(key, rate, now).await
    }
    async fn give_back(&self, key: LimitKey, counted: Use) -> Result<()> {
        self.here()?.give_back(key, counted).await
    }
    async fn purge(&self, now: Timestamp) -> Result<()> {
        if self.is(Fault::Hoards) {
            return Ok(());
        }
        self.here()?.purge(now).await
    }
    async fn ping(&self) -> Result<()> {
        if self.is(Fault::Silent) {
            std::future::pending::<()>().await;
        }
        self.here()?.ping().await
    }
    async fn settle(&self, tag: Tag) -> Result<()> {
        self.here()?.settle(tag).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
