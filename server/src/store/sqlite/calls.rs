//! The store's calls: each is a look into memory, a read, or a job for the writer.

use async_trait::async_trait;
use jiff::Timestamp;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId};
use shared::login::Login;
use shared::name::Username;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken};

use super::accounts::NewPassword;
use super::logins::Record;
use super::writer::Outcome;
use super::{SqliteStore, accounts, clients, known, logins, notices, sessions};
use crate::store::{
    Account, AnySession, Change, Committed, Ending, FirstUse, Inserted, KeptNotice, LimitKey, LoginKey,
    Notice, OpenCaps, PcSession, PcTokens, PhoneSession, ProofId, Rate, Refresh, ResourceServer, Result,
    Store, StoreError, Taken, Topic, Use, Valid, Watch,
};

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, login: Login, caps: OpenCaps) -> Result<Inserted> {
        self.owns_logins()?;
        let record = record(login)?;
        self.write(move |tx| logins::insert(tx, &record, caps)).await
    }

    async fn find(&self, key: LoginKey) -> Result<Option<Login>> {
        let found = self.live()?.find(&key);
        Ok(found.map(|login| Login::clone(&login)))
    }

    async fn commit(&self, change: Change, now: Timestamp) -> Result<Committed> {
        self.owns_logins()?;
        let record = record(change.login.clone())?;
        let clock = self.clock.clone();
        self.write(move |tx| {
            // Judged here and not by the caller, who may have waited long for its turn.
            if change.until.is_some_and(|until| clock.now() >= until) {
                return Ok(Outcome::Undo(Committed::Stale));
            }
            logins::commit(tx, &record, &change, now)
        })
        .await
    }

    async fn due(&self, now: Timestamp) -> Result<Vec<LoginId>> {
        Ok(self.live()?.due(now))
    }

    async fn unfinished(&self, phone: SessionId) -> Result<Vec<LoginId>> {
        Ok(self.live()?.unfinished(phone))
    }

    fn watch(&self, topic: Topic) -> Watch {
        self.memory.hub.watch(topic)
    }

    async fn add_account(&self, account: Account) -> Result<bool> {
        self.write(move |tx| accounts::add(tx, &account)).await
    }

    async fn account(&self, username: &Username) -> Result<Option<Account>> {
        self.read(|db| accounts::find(db, username))
    }

    async fn accounts(&self) -> Result<Vec<Account>> {
        self.read_at_length(accounts::all).await
    }

    async fn set_enabled(&self, username: &Username, enabled: bool) -> Result<bool> {
        let username = username.clone();
        self.write(move |tx| accounts::set_enabled(tx, &username, enabled)).await
    }

    async fn set_password(
        &self,
        account: AccountId,
        version: u64,
        hash: String,
        keep: Option<SessionId>,
        notice: Notice,
    ) -> Result<Option<Vec<SessionId>>> {
        let new = NewPassword { account, version, hash, keep, notice };
        self.write(move |tx| accounts::set_password(tx, &new)).await
    }

    async fn remove_account(&self, username: &Username) -> Result<bool> {
        let username = username.clone();
        self.write(move |tx| accounts::remove(tx, &username)).await
    }

    async fn add_phone(&self, session: PhoneSession, version: u64) -> Result<bool> {
        self.write(move |tx| sessions::add_phone(tx, &session, version)).await
    }

    async fn phone(&self, token: Digest<PhoneToken>, now: Timestamp) -> Result<Option<Valid<PhoneSession>>> {
        self.standing(now, |standing| standing.phone(token))
    }

    async fn phone_is_valid(&self, phone: SessionId, now: Timestamp) -> Result<bool> {
        self.standing(now, |standing| standing.phone_is_valid(phone))
    }

    async fn pc(&self, token: Digest<PcToken>, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.standing(now, |standing| standing.pc(token))
    }

    async fn pc_by_id(&self, session: SessionId, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.standing(now, |standing| standing.pc_by_id(session))
    }

    async fn refresh_token(&self, token: Digest<RefreshToken>, now: Timestamp) -> Result<Refresh> {
        self.standing(now, |standing| sessions::refresh_token(standing, token))
    }

    async fn rotate(
        &self,
        session: SessionId,
        spent: Digest<RefreshToken>,
        tokens: PcTokens,
        now: Timestamp,
    ) -> Result<bool> {
        self.write(move |tx| sessions::rotate(tx, session, spent, &tokens, now)).await
    }

    async fn seen(&self, session: SessionId, now: Timestamp) -> Result<()> {
        self.alive()?;
        self.mark_seen(session, now);
        Ok(())
    }

    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<AnySession>> {
        self.standing(now, |standing| standing.of(account))
    }

    async fn end_sessions(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<Notice>,
    ) -> Result<Vec<SessionId>> {
        self.write(move |tx| sessions::end(tx, account, ending, notice.as_ref())).await
    }

    async fn known_pc(&self, account: AccountId, key: Thumbprint) -> Result<Option<Timestamp>> {
        self.read(|db| known::find(db, &self.memory.uses, account, key))
    }

    async fn forget_pc(&self, account: AccountId, key: Thumbprint) -> Result<()> {
        self.write(move |tx| known::forget_one(tx.db, account, key).map(Outcome::Keep)).await
    }

    async fn notify(&self, notice: Notice) -> Result<()> {
        self.write(move |tx| notices::notify(tx, &notice)).await
    }

    async fn notices(&self, account: AccountId, after: u64) -> Result<Vec<KeptNotice>> {
        self.read(|db| notices::read(db, account, after))
    }

    async fn add_client(&self, client: ResourceServer) -> Result<bool> {
        self.write(move |tx| clients::add(tx, &client)).await
    }

    async fn client(&self, name: &str) -> Result<Option<ResourceServer>> {
        self.read(|db| clients::find(db, name))
    }

    async fn clients(&self) -> Result<Vec<ResourceServer>> {
        self.read_at_length(clients::all).await
    }

    async fn remove_client(&self, name: &str) -> Result<bool> {
        let name = name.to_owned();
        self.write(move |tx| clients::remove(tx, &name)).await
    }

    async fn take(&self, key: LimitKey, rate: Rate, now: Timestamp) -> Result<Taken> {
        self.alive()?;
        Ok(self.limiter.take(&key, rate, now))
    }

    async fn give_back(&self, key: LimitKey, counted: Use) -> Result<()> {
        self.alive()?;
        self.limiter.give_back(&key, counted.at);
        Ok(())
    }

    async fn first_use(&self, proof: ProofId, now: Timestamp) -> Result<FirstUse> {
        self.alive()?;
        Ok(self.proofs.remember(proof, now))
    }

    async fn purge(&self, now: Timestamp) -> Result<()> {
        self.limiter.purge(now);
        self.memory.uses.purge(now);
        while self.write(move |tx| logins::purge(tx, now, PURGED_AT_ONCE)).await? {}
        let over = self.read_at_length(move |db| sessions::over(db, now)).await?;
        for some in over.chunks(PURGED_AT_ONCE) {
            let some = some.to_owned();
            self.write(move |tx| sessions::purge(tx, &some, now)).await?;
        }
        Ok(())
    }

    async fn ping(&self) -> Result<()> {
        self.read(|db| db.query_row("SELECT 1", [], |_| Ok(())))?;
        self.write(|_| Ok(Outcome::Keep(()))).await
    }

    async fn close(&self) {
        let stopped = self.stop();
        // A runtime that is going down may refuse; dropping the store waits for the threads then.
        let _ = tokio::task::spawn_blocking(move || drop(stopped)).await;
    }
}

/// How many rows one transaction forgets at most, since everybody else's writes wait for it.
const PURGED_AT_ONCE: usize = 256;

fn record(login: Login) -> Result<Record> {
    Record::of(login).map_err(|error| StoreError(error.to_string()))
}
