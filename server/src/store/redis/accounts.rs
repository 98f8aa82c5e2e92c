//! Accounts and resource servers.

use futures_util::StreamExt as _;
use futures_util::stream;
use shared::id::AccountId;
use shared::name::Username;

use super::keys::NAMES_PARTS;
use super::rows::{ACCOUNT_FIELDS, ClientRow, account, from_json, json};
use super::sessions::AccountChange;
use super::{RedisStore, scripts, unreadable};
use crate::store::{Account, ResourceServer, Result};

/// How many accounts are read at a time for the list of all.
const READ_AT_ONCE: usize = 64;

impl RedisStore {
    /// The account is written first, and then gets its name: who dies in between leaves an account that nobody can
    /// find, and no name that nobody can have.
    pub(super) async fn make_account(&self, new: &Account) -> Result<bool> {
        let mut set = redis::cmd("HSET");
        set.arg(self.keys.account(new.id)).arg("username").arg(new.username.as_str());
        set.arg("password").arg(&new.password).arg("version").arg(new.password_version);
        set.arg("enabled").arg(if new.enabled { "1" } else { "0" });
        set.arg("created_at").arg(new.created_at.as_millisecond());
        self.link.ask::<()>(&set).await?;
        let mut gone = String::new();
        loop {
            let names = self.keys.names(&new.username);
            let args = [new.username.as_str().to_owned(), new.id.to_string(), gone];
            let holder: String = self.link.run(&scripts::TAKE_NAME, &[names], &args).await?;
            let holder_id: AccountId = holder.parse().map_err(|_| unreadable("the list of names"))?;
            if holder_id == new.id {
                return Ok(true);
            }
            if self.account_of(holder_id).await?.is_some() {
                let mut delete = redis::cmd("DEL");
                delete.arg(self.keys.account(new.id));
                self.link.ask::<()>(&delete).await?;
                return Ok(false);
            }
            // Whoever removed that account died before its name was free.
            gone = holder;
        }
    }

    async fn account_of(&self, id: AccountId) -> Result<Option<Account>> {
        let mut get = redis::cmd("HMGET");
        get.arg(self.keys.account(id)).arg(&ACCOUNT_FIELDS);
        account(id, self.link.ask(&get).await?)
    }

    pub(super) async fn find_account(&self, name: &Username) -> Result<Option<Account>> {
        let mut get = redis::cmd("HGET");
        get.arg(self.keys.names(name)).arg(name.as_str());
        let id: Option<String> = self.link.ask(&get).await?;
        let Some(id) = id else { return Ok(None) };
        self.account_of(id.parse().map_err(|_| unreadable("the list of names"))?).await
    }

    pub(super) async fn all_accounts(&self) -> Result<Vec<Account>> {
        let mut accounts = Vec::new();
        for part in 0..NAMES_PARTS {
            let mut values = redis::cmd("HVALS");
            values.arg(self.keys.names_part(part));
            let ids: Vec<String> = self.link.ask(&values).await?;
            let read = async |id: String| {
                self.account_of(id.parse().map_err(|_| unreadable("the list of names"))?).await
            };
            let mut read = stream::iter(ids).map(read).buffer_unordered(READ_AT_ONCE);
            while let Some(account) = read.next().await {
                accounts.extend(account?);
            }
        }
        accounts.sort_by(|a, b| a.username.cmp(&b.username));
        Ok(accounts)
    }

    pub(super) async fn enable(&self, name: &Username, enabled: bool) -> Result<bool> {
        let Some(account) = self.find_account(name).await? else { return Ok(false) };
        let change = AccountChange {
            enabled: Some(if enabled { "1" } else { "0" }),
            forgets: (!enabled).then(|| self.clock.now().as_millisecond()),
            ..AccountChange::ending(if enabled { "none" } else { "all" }, None)
        };
        Ok(self.change_account(account.id, change, &self.write_id()).await?.is_some())
    }

    pub(super) async fn delete_account(&self, name: &Username) -> Result<bool> {
        let Some(account) = self.find_account(name).await? else { return Ok(false) };
        let change = AccountChange { removed: true, ..AccountChange::ending("all", None) };
        let removed = self.change_account(account.id, change, &self.write_id()).await?;
        let args = [name.as_str().to_owned(), account.id.to_string()];
        self.link.run::<()>(&scripts::GIVE_NAME_BACK, &[self.keys.names(name)], &args).await?;
        Ok(removed.is_some())
    }

    pub(super) async fn make_client(&self, client: &ResourceServer) -> Result<bool> {
        let row = json(&ClientRow::of(client))?;
        let mut set = redis::cmd("HSETNX");
        set.arg(self.keys.clients()).arg(&client.name).arg(&row);
        if self.link.ask(&set).await? {
            return Ok(true);
        }
        // The same call again, whose answer was lost?
        Ok(self.find_client(&client.name).await?.as_ref() == Some(client))
    }

    pub(super) async fn find_client(&self, name: &str) -> Result<Option<ResourceServer>> {
        let mut get = redis::cmd("HGET");
        get.arg(self.keys.clients()).arg(name);
        let row: Option<String> = self.link.ask(&get).await?;
        row.map(|row| Ok(from_json::<ClientRow>("a resource server", &row)?.client(name))).transpose()
    }

    pub(super) async fn all_clients(&self) -> Result<Vec<ResourceServer>> {
        let mut all = redis::cmd("HGETALL");
        all.arg(self.keys.clients());
        let mut rows: Vec<(String, String)> = self.link.ask(&all).await?;
        rows.sort();
        rows.iter()
            .map(|(name, row)| Ok(from_json::<ClientRow>("a resource server", row)?.client(name)))
            .collect()
    }

    pub(super) async fn delete_client(&self, name: &str) -> Result<bool> {
        let is_there = self.find_client(name).await?.is_some();
        let mut delete = redis::cmd("HDEL");
        delete.arg(self.keys.clients()).arg(name);
        // How many it removed says nothing: it may have been sent twice.
        self.link.ask::<()>(&delete).await?;
        Ok(is_there)
    }
}
