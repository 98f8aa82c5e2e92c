//! The store's calls.

use async_trait::async_trait;
use jiff::Timestamp;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::login::Login;
use shared::name::Username;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken};

use super::RedisStore;
use super::notices::{Brought, Told};
use super::sessions::AccountChange;
use crate::store::{
    Account, AnySession, Change, Committed, Ending, FirstUse, Inserted, KeptNotice, LimitKey, LoginKey,
    Notice, OpenCaps, PcSession, PcTokens, PhoneSession, ProofId, Rate, Refresh, ResourceServer, Result,
    Store, Taken, Topic, Use, Valid, Watch,
};

#[async_trait]
impl Store for RedisStore {
    async fn insert(&self, login: Login, caps: OpenCaps) -> Result<Inserted> {
        self.keep(&login, caps).await
    }

    async fn find(&self, key: LoginKey) -> Result<Option<Login>> {
        self.find_login(key).await
    }

    async fn commit(&self, change: Change, now: Timestamp) -> Result<Committed> {
        self.change(&change, now).await
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<LoginId>> {
        self.find_due(now).await
    }

    async fn unfinished(&self, phone: SessionId) -> Result<Vec<LoginId>> {
        self.find_unfinished(phone).await
    }

    fn watch(&self, topic: Topic) -> Watch {
        self.hub.watch(topic)
    }

    async fn add_account(&self, account: Account) -> Result<bool> {
        self.make_account(&account).await
    }

    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        self.find_account(username).await
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.all_accounts().await
    }

    async fn set_enabled(&self, username: &Username, enabled: bool) -> Result<bool> {
        self.enable(username, enabled).await
    }

    async fn set_password(
        &self,
        account: AccountId,
        version: u64,
        hash: String,
        keep: Option<SessionId>,
        notice: Notice,
    ) -> Result<Option<Vec<SessionId>>> {
        let write = self.write_id();
        let change = AccountChange {
            password: Some(hash),
            version: Some(version.to_string()),
            forgets: Some(self.clock.now().as_millisecond()),
            notice: Some(Told::counted(&notice, &write)?),
            ..AccountChange::ending(if keep.is_some() { "others" } else { "all" }, keep)
        };
        self.change_account(account, change, &write).await
    }

    async fn remove_account(&self, username: &Username) -> Result<bool> {
        self.delete_account(username).await
    }

    async fn add_phone(&self, session: PhoneSession, version: u64) -> Result<bool> {
        self.begin_phone(&session, version).await
    }

    async fn phone(&self, token: Digest<PhoneToken>, now: Timestamp) -> Result<Option<Valid<PhoneSession>>> {
        let found = self.phone_by_token(token, now).await?;
        Ok(found.map(|found| Valid { session: found.session, username: found.username }))
    }

    async fn phone_is_valid(&self, phone: SessionId, now: Timestamp) -> Result<bool> {
        Ok(self.phone_by_id(phone, now).await?.is_some())
    }

    async fn pc(&self, token: Digest<PcToken>, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.pc_by_token(token, now).await
    }

    async fn pc_by_id(&self, session: SessionId, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.standing_pc(session, now).await
    }

    async fn refresh_token(&self, token: Digest<RefreshToken>, now: Timestamp) -> Result<Refresh> {
        self.refresh(token, now).await
    }

    async fn rotate(
        &self,
        session: SessionId,
        spent: Digest<RefreshToken>,
        tokens: PcTokens,
        now: Timestamp,
    ) -> Result<bool> {
        self.replace_tokens(session, spent, &tokens, now).await
    }

    async fn seen(&self, session: SessionId, now: Timestamp) -> Result<()> {
        self.note_use(session, now).await
    }

    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<AnySession>> {
        self.list(account, now).await
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<Notice>,
    ) -> Result<Vec<SessionId>> {
        self.end(account, ending, notice.as_ref()).await
    }

    async fn known_pc(&self, account: AccountId, key: Thumbprint) -> Result<Option<Timestamp>> {
        self.known(account, key).await
    }

    async fn forget_pc(&self, account: AccountId, key: Thumbprint) -> Result<()> {
        self.forget_known(account, key).await
    }

    async fn notify(&self, notice: Notice) -> Result<()> {
        let told = Told::counted(&notice, &self.write_id())?;
        self.deliver(notice.account, &Brought { notice: Some(told), ..Brought::default() }).await
    }

    async fn notices(&self, account: AccountId, after: u64) -> Result<Vec<KeptNotice>> {
        self.read_notices(account, after).await
    }

    async fn add_client(&self, client: ResourceServer) -> Result<bool> {
        self.make_client(&client).await
    }

    async fn client(&self, name: &str) -> Result<Option<ResourceServer>> {
        self.find_client(name).await
    }

    async fn clients(&self) -> Result<Vec<ResourceServer>> {
        self.all_clients().await
    }

    async fn remove_client(&self, name: &str) -> Result<bool> {
        self.delete_client(name).await
    }

    async fn take(&self, key: LimitKey, rate: Rate, now: Timestamp) -> Result<Taken> {
        self.count(&key, rate, now).await
    }

    async fn give_back(&self, key: LimitKey, counted: Use) -> Result<()> {
        self.uncount(&key, counted).await
    }

    async fn first_use(&self, proof: ProofId, _now: Timestamp) -> Result<FirstUse> {
        Ok(if self.remember(&proof).await? { FirstUse::Yes } else { FirstUse::No })
    }

    async fn purge(&self, _now: Timestamp) -> Result<()> {
        // Keys expire by themselves.
        self.ping().await
    }

    async fn ping(&self) -> Result<()> {
        self.link.ping().await
    }

    async fn settle(&self, tag: Tag) -> Result<()> {
        self.link.settle(self.keys.settled(tag)).await
    }

    async fn close(&self) {
        self.link.close();
        self.tasks.iter().for_each(tokio::task::AbortHandle::abort);
    }
}
