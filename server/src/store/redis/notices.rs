//! Notices, and what else a change brings for another partition.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use shared::dpop::Thumbprint;
use shared::id::{AccountId, SessionId, Tag};

use super::keys::text;
use super::rows::{NoticeRow, from_json, json};
use super::{RedisStore, scripts, unreadable};
use crate::store::{KeptNotice, NOTICES_KEPT, NOTICES_READ, Notice, PcSession, Result};

/// How many known PCs an account has at most.
const KNOWN_KEPT: usize = 100;
/// How long it is remembered that a PC was forgotten: that it had logged in before may lie in an outbox for as long as
/// no node is there to deliver it.
const FORGOTTEN_FOR: Duration = Duration::from_hours(7 * 24);

/// What a change brings for an account.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Brought {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notice: Option<Told>,
    /// A PC that has logged in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) met: Option<Met>,
    /// A PC of its list that has ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) ended: Option<String>,
}

/// A notice on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct Told {
    account: AccountId,
    about: String,
    record: String,
    /// Whether it happens once only, however often it is told.
    once: bool,
    write: String,
    kept: usize,
}

/// A known PC on its way.
#[derive(Serialize, Deserialize)]
pub(super) struct Met {
    key: String,
    seen: i64,
    kept: usize,
}

impl Told {
    /// A notice that comes with a transition: there is one of each for a login.
    pub(super) fn once(notice: &Notice, write: &str) -> Result<Self> {
        Self::of(notice, write, true)
    }

    /// A notice that is counted.
    pub(super) fn counted(notice: &Notice, write: &str) -> Result<Self> {
        Self::of(notice, write, false)
    }

    fn of(notice: &Notice, write: &str, once: bool) -> Result<Self> {
        let kind = serde_json::to_value(notice.kind).unwrap_or_default();
        let about = format!("{}:{}", kind.as_str().unwrap_or_default(), text(&notice.subject));
        let record = json(&NoticeRow::of(notice))?;
        Ok(Self { account: notice.account, about, record, once, write: write.to_owned(), kept: NOTICES_KEPT })
    }
}

impl Met {
    pub(super) fn of(session: &PcSession) -> Option<Self> {
        session.key.map(|key| Self::at(key, session.created_at.as_millisecond()))
    }

    pub(super) fn at(key: Thumbprint, seen: i64) -> Self {
        Self { key: key.to_string(), seen, kept: KNOWN_KEPT }
    }
}

/// What lies in an outbox.
#[derive(Serialize, Deserialize)]
pub(super) struct Letter {
    pub(super) to: AccountId,
    pub(super) brought: Brought,
}

impl RedisStore {
    /// Does to an account what a change has brought, and wakes who watches it. In replicas as well: who posts a letter
    /// throws it away after that.
    pub(super) async fn deliver(&self, to: AccountId, brought: &Brought) -> Result<()> {
        let tag = to.tag();
        let args = [self.keys.at(tag), to.to_string(), json(brought)?];
        self.link.run_safely(&scripts::DELIVER, &[self.keys.channel(tag)], &args).await
    }

    /// Delivers a letter and takes it out of its outbox.
    pub(super) async fn post(&self, from: Tag, write: &str, letter: &Letter) -> Result<()> {
        self.deliver(letter.to, &letter.brought).await?;
        let mut remove = redis::cmd("HDEL");
        remove.arg(self.keys.outbox(from)).arg(write);
        self.link.ask(&remove).await
    }

    /// Delivers what lies in a partition's outbox.
    pub(super) async fn empty_outbox(&self, tag: Tag) -> Result<()> {
        let mut all = redis::cmd("HGETALL");
        all.arg(self.keys.outbox(tag));
        let letters: Vec<(String, String)> = self.link.ask(&all).await?;
        for (write, letter) in letters {
            let posted = async { self.post(tag, &write, &from_json("an outbox", &letter)?).await };
            if let Err(error) = posted.await {
                // It may be about an account whose shard is away. The others must not wait for that.
                tracing::debug!(%error, "a letter is delivered later");
            }
        }
        Ok(())
    }

    pub(super) async fn read_notices(&self, account: AccountId, after: u64) -> Result<Vec<KeptNotice>> {
        let keys = [self.keys.of_account("notices", account), self.keys.of_account("notice", account)];
        let args = [after.to_string(), NOTICES_READ.to_string()];
        let rows: Vec<(u64, String, u64)> = self.link.run(&scripts::NOTICES, &keys, &args).await?;
        rows.into_iter()
            .map(|(id, row, count)| from_json::<NoticeRow>("a notice", &row)?.kept(account, id, count))
            .collect()
    }

    pub(super) async fn known(&self, account: AccountId, key: Thumbprint) -> Result<Option<jiff::Timestamp>> {
        let mut score = redis::cmd("ZSCORE");
        score.arg(self.keys.of_account("known", account)).arg(key.to_string());
        let seen: Option<i64> = self.link.ask(&score).await?;
        seen.map(|seen| jiff::Timestamp::from_millisecond(seen).map_err(|_| unreadable("a known PC")))
            .transpose()
    }

    pub(super) async fn forget_known(&self, account: AccountId, key: Thumbprint) -> Result<()> {
        let keys = [self.keys.of_account("known", account), self.keys.of_account("forgot", account)];
        let now = self.clock.now().as_millisecond().to_string();
        let args = [key.to_string(), now, FORGOTTEN_FOR.as_millis().to_string()];
        self.link.run_safely(&scripts::FORGET, &keys, &args).await
    }

    /// Tells an account's owner that a PC session of theirs has ended, in its partition.
    pub(super) fn ended(session: SessionId, granted_by: SessionId, notice: Option<Told>) -> Brought {
        Brought { notice, met: None, ended: Some(member(session, granted_by)) }
    }
}

/// A PC in its account's list.
pub(super) fn member(pc: SessionId, phone: SessionId) -> String {
    format!("{pc}:{phone}")
}
