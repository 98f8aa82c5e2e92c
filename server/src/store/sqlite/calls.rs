//! The store's calls: each is a look into memory, a read, or a job for the writer.

use std::sync::Arc;

use async_trait::async_trait;
use jiff::Timestamp;
use shared::dpop::Thumbprint;
use shared::id::{AccountId, LoginId, SessionId};
use shared::login::Login;
use shared::name::Username;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken};

use super::accounts::NewPassword;
use super::journal::Entry;
use super::kept::Known;
use super::memory::Memory;
use super::sessions::Standing;
use super::writer::{Needs, Outcome};
use super::{SqliteStore, accounts, clients, known, logins, notices, sessions};
use crate::store::{
    Account, AnySession, Change, Committed, Ending, FirstUse, Inserted, KeptNotice, LimitKey, LoginKey,
    Notice, OpenCaps, PcSession, PcTokens, PhoneSession, ProofId, Rate, Refresh, ResourceServer, Result,
    SessionWrite, Store, StoreError, Taken, Topic, Use, Valid, Watch,
};

#[async_trait]
impl Store for SqliteStore {
    async fn insert(&self, login: Login, caps: OpenCaps) -> Result<Inserted> {
        self.owns_logins()?;
        let entry = Entry::issued(&login).map_err(|error| unwritable(&error))?;
        let login = Arc::new(login);
        self.call(Needs::Nothing, move |tx| logins::insert(tx, &login, &entry, caps)).await
    }

    async fn find(&self, key: LoginKey) -> Result<Option<Arc<Login>>> {
        Ok(self.live()?.find(&key))
    }

    async fn commit(&self, change: Change, now: Timestamp) -> Result<Committed> {
        self.owns_logins()?;
        let Change { login, until, phone, session, notice } = change;
        let reissue = match &session {
            Some(SessionWrite::Reissue(session, tokens)) => Some((*session, tokens.clone())),
            Some(SessionWrite::Begin(_)) | None => None,
        };
        // Only tokens that are replaced are looked up in the tables.
        let needs = if reissue.is_some() { Needs::All } else { Needs::Nothing };
        let entry = Entry::changed(&login, session, notice).map_err(|error| unwritable(&error))?;
        let login = Arc::new(login);
        let clock = self.clock.clone();
        self.call(needs, move |tx| {
            // Judged here and not by the caller, who may have waited long for its turn.
            if until.is_some_and(|until| clock.now() >= until) {
                return Ok(Outcome::Undo(Committed::Stale));
            }
            logins::commit(tx, &login, &entry, phone, reissue.as_ref(), now)
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
        self.up_to_date().await?;
        let Memory { kept, uses, .. } = &*self.memory;
        if let Some(phone) = kept.phone(token, uses, now) {
            return Ok(Some(phone));
        }
        let turn = kept.turn();
        let found = self.standing(now, |standing| standing.phone(token))?;
        kept.keep_phone(turn, found.as_ref());
        Ok(found)
    }

    async fn phone_is_valid(&self, phone: SessionId, now: Timestamp) -> Result<bool> {
        self.up_to_date().await?;
        let Memory { kept, uses, .. } = &*self.memory;
        if kept.phone_is_valid(phone, uses, now) {
            return Ok(true);
        }
        let turn = kept.turn();
        let found = self.standing(now, |standing| standing.phone_by_id(phone))?;
        kept.keep_phone(turn, found.as_ref());
        Ok(found.is_some())
    }

    async fn pc(&self, token: Digest<PcToken>, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.up_to_date().await?;
        let Memory { kept, uses, .. } = &*self.memory;
        let known = kept.pc(token, uses, now);
        self.pc_if(known, now, |standing| standing.pc(token)).await
    }

    async fn pc_by_id(&self, session: SessionId, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        self.up_to_date().await?;
        let Memory { kept, uses, .. } = &*self.memory;
        let known = kept.pc_by_id(session, uses, now);
        self.pc_if(known, now, |standing| standing.pc_by_id(session)).await
    }

    async fn refresh_token(&self, token: Digest<RefreshToken>, now: Timestamp) -> Result<Refresh> {
        self.up_to_date().await?;
        self.post_if(self.memory.kept.is_unposted(token)).await?;
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
        self.memory.uses.mark(session, now);
        Ok(())
    }

    async fn sessions(&self, account: AccountId, now: Timestamp) -> Result<Vec<AnySession>> {
        self.posted_for(account).await?;
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
        self.posted_for(account).await?;
        self.read(|db| known::find(db, &self.memory.uses, account, key))
    }

    async fn forget_pc(&self, account: AccountId, key: Thumbprint) -> Result<()> {
        self.write(move |tx| known::forget_one(tx.db, account, key).map(Outcome::Keep)).await
    }

    async fn notify(&self, notice: Notice) -> Result<()> {
        self.write(move |tx| notices::notify(tx, &notice)).await
    }

    async fn notices(&self, account: AccountId, after: u64) -> Result<Vec<KeptNotice>> {
        self.posted_for(account).await?;
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
        let Memory { kept, uses, .. } = &*self.memory;
        // What memory had of these is older than what the tables have.
        for session in uses.purge(now) {
            kept.remove(session);
        }
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
        self.nothing(Needs::Nothing).await
    }

    async fn close(&self) {
        let stopped = self.stop();
        // A runtime that is going down may refuse; dropping the store waits for the threads then.
        let _ = tokio::task::spawn_blocking(move || drop(stopped)).await;
    }
}

/// How many rows one transaction forgets at most, since everybody else's writes wait for it.
const PURGED_AT_ONCE: usize = 256;

impl SqliteStore {
    /// A PC session as memory knows it, or the tables.
    async fn pc_if(
        &self,
        known: Known<Valid<PcSession>>,
        now: Timestamp,
        read: impl FnOnce(Standing<'_>) -> rusqlite::Result<Option<Valid<PcSession>>>,
    ) -> Result<Option<Valid<PcSession>>> {
        match known {
            Known::Yes(pc) => return Ok(Some(pc)),
            Known::No => self.post_if(false).await?,
            Known::Unposted => self.post_if(true).await?,
        }
        let turn = self.memory.kept.turn();
        let found = self.standing(now, read)?;
        self.memory.kept.keep_pc(turn, found.as_ref());
        Ok(found)
    }
}

fn unwritable(error: &serde_json::Error) -> StoreError {
    StoreError(error.to_string())
}
