//! A store whose calls are timed. It does what the one within does, and nothing else.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::login::Login;
use shared::name::Username;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken};

use super::{
    Account, AnySession, Change, Committed, Ending, FirstUse, Inserted, KeptNotice, LimitKey, LoginKey,
    Notice, OpenCaps, PcSession, PcTokens, PhoneSession, ProofId, Rate, Refresh, ResourceServer, Result,
    Store, Taken, Topic, Use, Valid, Watch,
};
use crate::metrics::Metrics;

/// A store, and what its calls are noted in.
pub struct Measured {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl Measured {
    /// Times the calls of `store`.
    #[must_use]
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }
}

#[async_trait]
impl Store for Measured {
    async fn insert(&self, login: Login, caps: OpenCaps) -> Result<Inserted> {
        self.metrics.store_call("insert", self.store.insert(login, caps)).await
    }

    async fn find(&self, key: LoginKey) -> Result<Option<Login>> {
        self.metrics.store_call("find", self.store.find(key)).await
    }

    async fn commit(&self, change: Change, now: Timestamp) -> Result<Committed> {
        self.metrics.store_call("commit", self.store.commit(change, now)).await
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<LoginId>> {
        self.metrics.store_call("due", self.store.due(now)).await
    }

    async fn unfinished(&self, phone: SessionId) -> Result<Vec<LoginId>> {
        self.metrics.store_call("unfinished", self.store.unfinished(phone)).await
    }

    fn watch(&self, topic: Topic) -> Watch {
        self.store.watch(topic)
    }

    async fn add_account(&self, account: Account) -> Result<bool> {
        self.metrics.store_call("add_account", self.store.add_account(account)).await
    }

    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        self.metrics.store_call("account", self.store.account(username)).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.metrics.store_call("accounts", self.store.accounts()).await
    }

    async fn set_enabled(&self, username: &Username, enabled: bool) -> Result<bool> {
        self.metrics.store_call("set_enabled", self.store.set_enabled(username, enabled)).await
    }

    async fn set_password(
        &self,
        account: AccountId,
        version: u64,
        hash: String,
        keep: Option<SessionId>,
        notice: Notice,
    ) -> Result<Option<Vec<SessionId>>> {
        self.metrics
            .store_call("set_password", self.store.set_password(account, version, hash, keep, notice))
            .await
    }

    async fn remove_account(&self, username: &Username) -> Result<bool> {
        self.metrics.store_call("remove_account", self.store.remove_account(username)).await
    }

    async fn add_phone(&self, session: PhoneSession, version: u64) -> Result<bool> {
        self.metrics.store_call("add_phone", self.store.add_phone(session, version)).await
    }

    async fn phone(&self, token: Digest<PhoneToken>, now: Timestamp) -> Result<Option<Valid<PhoneSession>>> {
        self.metrics.store_call("phone", self.store.phone(token, now)).await
    }

    async fn phone_is_valid(&self, phone: SessionId, now: Timestamp) -> Result<bool> {
        self.metrics.store_call("phone_is_valid", self.store.phone_is_valid(phone, now)).await
    }

    async fn pc(&self, token: Digest<PcToken>, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.metrics.store_call("pc", self.store.pc(token, now)).await
    }

    async fn pc_by_id(&self, session: SessionId, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.metrics.store_call("pc_by_id", self.store.pc_by_id(session, now)).await
    }

    async fn refresh_token(&self, token: Digest<RefreshToken>, now: Timestamp) -> Result<Refresh> {
        self.metrics.store_call("refresh_token", self.store.refresh_token(token, now)).await
    }

    async fn rotate(
        &self,
        session: SessionId,
        spent: Digest<RefreshToken>,
        tokens: PcTokens,
        now: Timestamp,
    ) -> Result<bool> {
        self.metrics.store_call("rotate", self.store.rotate(session, spent, tokens, now)).await
    }

    async fn seen(&self, session: SessionId, now: Timestamp) -> Result<()> {
        self.metrics.store_call("seen", self.store.seen(session, now)).await
    }

    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<AnySession>> {
        self.metrics.store_call("sessions", self.store.sessions(account, now)).await
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<Notice>,
    ) -> Result<Vec<SessionId>> {
        self.metrics.store_call("end_sessions", self.store.end_sessions(account, ending, notice)).await
    }

    async fn known_pc(&self, account: AccountId, key: Thumbprint) -> Result<Option<Timestamp>> {
        self.metrics.store_call("known_pc", self.store.known_pc(account, key)).await
    }

    async fn forget_pc(&self, account: AccountId, key: Thumbprint) -> Result<()> {
        self.metrics.store_call("forget_pc", self.store.forget_pc(account, key)).await
    }

    async fn notify(&self, notice: Notice) -> Result<()> {
        self.metrics.store_call("notify", self.store.notify(notice)).await
    }

    async fn notices(&self, account: AccountId, after: u64) -> Result<Vec<KeptNotice>> {
        self.metrics.store_call("notices", self.store.notices(account, after)).await
    }

    async fn add_client(&self, client: ResourceServer) -> Result<bool> {
        self.metrics.store_call("add_client", self.store.add_client(client)).await
    }

    async fn client(&self, name: &str) -> Result<Option<ResourceServer>> {
        self.metrics.store_call("client", self.store.client(name)).await
    }

    async fn clients(&self) -> Result<Vec<ResourceServer>> {
        self.metrics.store_call("clients", self.store.clients()).await
    }

    async fn remove_client(&self, name: &str) -> Result<bool> {
        self.metrics.store_call("remove_client", self.store.remove_client(name)).await
    }

    async fn take(&self, key: LimitKey, rate: Rate, now: Timestamp) -> Result<Taken> {
        self.metrics.store_call("take", self.store.take(key, rate, now)).await
    }

    async fn give_back(&self, key: LimitKey, counted: Use) -> Result<()> {
        self.metrics.store_call("give_back", self.store.give_back(key, counted)).await
    }

    async fn first_use(&self, proof: ProofId, now: Timestamp) -> Result<FirstUse> {
        self.metrics.store_call("first_use", self.store.first_use(proof, now)).await
    }

    async fn purge(&self, now: Timestamp) -> Result<()> {
        self.metrics.store_call("purge", self.store.purge(now)).await
    }

    async fn ping(&self) -> Result<()> {
        self.metrics.store_call("ping", self.store.ping()).await
    }

    async fn settle(&self, tag: Tag) -> Result<()> {
        self.metrics.store_call("settle", self.store.settle(tag)).await
    }

    async fn close(&self) {
        self.store.close().await;
    }
}
