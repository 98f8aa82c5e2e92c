//! Sessions. A PC's is found only while its phone's is, and of the same generation: ending all PCs of a phone is one
//! write, of the phone.

use std::collections::HashMap;
use std::time::Duration;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use jiff::Timestamp;
use serde::Serialize;
use shared::id::{AccountId, LoginId, SessionId, Tag};
use shared::name::Username;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken};

use super::keys::text;
use super::notices::{Brought, Letter, Met, Told};
use super::rows::{FoundPc, PcRow, PhoneRow, from_json, json, time};
use super::{RedisStore, kept, millis_between, scripts, unreadable};
use crate::store::{
    AnySession, Ending, Notice, PHONE_IDLE, PcSession, PcTokens, PhoneSession, Refresh, Result, SESSION_LIFE,
    Valid,
};

/// How many sessions of an account are looked up at once.
const READ_AT_ONCE: usize = 32;
/// How long after it was listed a PC that is not there may still come to be.
const ABOUT_TO_BE: Duration = Duration::from_mins(10);

/// What a phone session's record, use, generation and owner are read as.
type PhoneFields = Option<(String, String, u64, String)>;

/// A valid phone session.
pub(super) struct FoundPhone {
    pub(super) session: PhoneSession,
    pub(super) username: Username,
    pub(super) generation: u64,
}

/// What begins with a phone's consent, to be listed with it.
pub(super) enum Begun {
    /// A login that it scanned, and until when that matters.
    Login(LoginId, Timestamp),
    /// A PC that it lets in.
    Pc(SessionId, Timestamp),
}

impl RedisStore {
    pub(super) async fn begin_phone(&self, phone: &PhoneSession, version: u64) -> Result<bool> {
        let keys = [
            self.keys.account(phone.account),
            self.keys.phone(phone.id),
            self.keys.token(phone.token),
            self.keys.of_account("phones", phone.account),
        ];
        let args = [
            version.to_string(),
            phone.id.to_string(),
            json(&PhoneRow::of(phone))?,
            text(phone.token.as_bytes()),
            phone.account.to_string(),
            phone.last_seen_at.as_millisecond().to_string(),
            kept(phone.last_seen_at, phone.ends_at()).to_string(),
        ];
        self.link.run(&scripts::ADD_PHONE, &keys, &args).await
    }

    pub(super) async fn phone_by_token(
        &self,
        token: Digest<PhoneToken>,
        now: Timestamp,
    ) -> Result<Option<FoundPhone>> {
        let args = [self.keys.at(token.tag()), String::new()];
        let fields = self.link.run(&scripts::PHONE, &[self.keys.token(token)], &args).await?;
        found_phone(fields, now)
    }

    pub(super) async fn phone_by_id(&self, id: SessionId, now: Timestamp) -> Result<Option<FoundPhone>> {
        let args = [self.keys.at(id.tag()), id.to_string()];
        let fields = self.link.run(&scripts::PHONE, &[self.keys.phone(id)], &args).await?;
        found_phone(fields, now)
    }

    /// Finds a phone session, and lists what begins with it. A PC is listed in replicas as well, before it is let in: a
    /// session that its owner does not see is none that may be there.
    pub(super) async fn list_with(
        &self,
        phone: SessionId,
        begun: &Begun,
        now: Timestamp,
    ) -> Result<Option<FoundPhone>> {
        let (what, id, until) = match begun {
            Begun::Login(id, until) => ("login", id.to_string(), until),
            Begun::Pc(id, until) => ("pc", id.to_string(), until),
        };
        let args = [
            self.keys.at(phone.tag()),
            phone.to_string(),
            what.to_owned(),
            id,
            now.as_millisecond().to_string(),
            until.as_millisecond().to_string(),
        ];
        let keys = [self.keys.phone(phone)];
        let fields = match begun {
            Begun::Login(..) => self.link.run(&scripts::PHONE, &keys, &args).await?,
            Begun::Pc(..) => self.link.run_safely(&scripts::PHONE, &keys, &args).await?,
        };
        found_phone(fields, now)
    }

    /// A PC's session by the index of one of its tokens.
    async fn pc_by(&self, index: String, tag: Tag, now: Timestamp) -> Result<Option<FoundPc>> {
        let args = [self.keys.at(tag), now.as_millisecond().to_string()];
        let hash: Option<HashMap<String, String>> = self.link.run(&scripts::PC, &[index], &args).await?;
        PcRow::found(&hash.unwrap_or_default())
    }

    async fn pc_of_id(&self, id: SessionId) -> Result<Option<FoundPc>> {
        let mut all = redis::cmd("HGETALL");
        all.arg(self.keys.pc(id));
        PcRow::found(&self.link.ask(&all).await?)
    }

    /// Whether all that a PC's session hangs on is good.
    async fn standing(&self, pc: Option<FoundPc>, now: Timestamp) -> Result<Option<Valid<PcSession>>> {
        let Some(FoundPc { session, generation }) = pc.filter(|pc| now < pc.session.ends_at()) else {
            return Ok(None);
        };
        let phone = self.phone_by_id(session.granted_by, now).await?;
        let phone =
            phone.filter(|phone| phone.session.account == session.account && phone.generation == generation);
        Ok(phone.map(|phone| Valid { session, username: phone.username }))
    }

    pub(super) async fn pc_by_token(
        &self,
        token: Digest<PcToken>,
        now: Timestamp,
    ) -> Result<Option<Valid<PcSession>>> {
        let found = self.pc_by(self.keys.access(token), token.tag(), now).await?;
        self.standing(found.filter(|pc| now < pc.session.tokens.access_until), now).await
    }

    pub(super) async fn standing_pc(
        &self,
        id: SessionId,
        now: Timestamp,
    ) -> Result<Option<Valid<PcSession>>> {
        let found = self.pc_of_id(id).await?;
        self.standing(found, now).await
    }

    pub(super) async fn refresh(&self, token: Digest<RefreshToken>, now: Timestamp) -> Result<Refresh> {
        let tag = token.tag();
        let current = self.pc_by(self.keys.refresh(token), tag, now).await?;
        if current.is_some() {
            let current = self.standing(current, now).await?;
            return Ok(current.map_or(Refresh::Unknown, Refresh::Current));
        }
        let spent = self.pc_by(self.keys.spent(token), tag, now).await?;
        let spent = self.standing(spent, now).await?;
        Ok(spent.map_or(Refresh::Unknown, |spent| Refresh::Spent(spent.session)))
    }

    pub(super) async fn replace_tokens(
        &self,
        id: SessionId,
        spent: Digest<RefreshToken>,
        tokens: &PcTokens,
        now: Timestamp,
    ) -> Result<bool> {
        #[derive(Serialize)]
        struct New {
            at: String,
            id: String,
            spent: String,
            spent_until: String,
            spent_kept: i64,
            access: String,
            access_until: i64,
            access_kept: i64,
            refresh: String,
            refresh_until: i64,
            kept: i64,
        }
        let Some(before) = self.standing_pc(id, now).await? else { return Ok(false) };
        let until = before.session.tokens.refresh_until;
        let new = New {
            at: self.keys.at(id.tag()),
            id: id.to_string(),
            spent: text(spent.as_bytes()),
            spent_until: until.as_millisecond().to_string(),
            spent_kept: kept(now, until),
            access: text(tokens.access.as_bytes()),
            access_until: tokens.access_until.as_millisecond(),
            access_kept: kept(now, tokens.access_until),
            refresh: text(tokens.refresh.as_bytes()),
            refresh_until: tokens.refresh_until.as_millisecond(),
            kept: kept(now, tokens.refresh_until),
        };
        let keys = [
            self.keys.pc(id),
            self.keys.spent(spent),
            self.keys.access(tokens.access),
            self.keys.refresh(tokens.refresh),
        ];
        self.link.run(&scripts::ROTATE, &keys, &[json(&new)?]).await
    }

    pub(super) async fn note_use(&self, id: SessionId, now: Timestamp) -> Result<()> {
        let args = [
            now.as_millisecond().to_string(),
            kept(now, now + PHONE_IDLE).to_string(),
            self.keys.at(id.tag()),
        ];
        let pc: Option<String> =
            self.link.run(&scripts::SEEN, &[self.keys.pc(id), self.keys.phone(id)], &args).await?;
        let Some(pc) = pc else { return Ok(()) };
        let pc: PcRow = from_json("a PC's session", &pc)?;
        match pc.key {
            Some(key) => self.see_again(pc.account, key, now).await,
            None => Ok(()),
        }
    }

    /// Notes that a known PC was seen.
    async fn see_again(
        &self,
        account: AccountId,
        key: shared::dpop::Thumbprint,
        now: Timestamp,
    ) -> Result<()> {
        let mut add = redis::cmd("ZADD");
        // Only what is known: a changed password forgets.
        add.arg(self.keys.of_account("known", account)).arg("XX").arg("GT").arg(now.as_millisecond());
        add.arg(key.to_string());
        self.link.ask(&add).await
    }

    pub(super) async fn list(&self, account: AccountId, now: Timestamp) -> Result<Vec<AnySession>> {
        let keys = [
            self.keys.account(account),
            self.keys.of_account("phones", account),
            self.keys.of_account("pcs", account),
        ];
        let (rows, members): (Vec<(String, String, u64)>, Vec<String>) =
            self.link.run(&scripts::SESSIONS, &keys, &[self.keys.at(account.tag())]).await?;
        let mut phones = HashMap::new();
        for (row, seen, generation) in rows {
            let phone = phone(&row, &seen)?;
            if now < phone.ends_at() {
                phones.insert(phone.id, (phone, generation));
            }
        }
        let id = |member: &str| member.split(':').next()?.parse::<SessionId>().ok();
        let ids: Vec<SessionId> = members.iter().filter_map(|member| id(member)).collect();
        let pcs = stream::iter(ids).map(|id| self.pc_of_id(id)).buffered(READ_AT_ONCE);
        let pcs: Vec<Option<FoundPc>> = pcs.try_collect().await?;
        self.unlist(account, &members, &pcs, now).await;
        let stands = |pc: &FoundPc| {
            let phone = phones.get(&pc.session.granted_by);
            now < pc.session.ends_at() && phone.is_some_and(|(_, generation)| *generation == pc.generation)
        };
        let pcs = pcs.into_iter().flatten().filter(stands).map(|pc| AnySession::Pc(pc.session));
        let mut all: Vec<AnySession> = pcs.collect();
        all.extend(phones.into_values().map(|(phone, _)| AnySession::Phone(phone)));
        all.sort_by_key(|session| {
            std::cmp::Reverse(match session {
                AnySession::Phone(phone) => (phone.created_at, phone.id),
                AnySession::Pc(pc) => (pc.created_at, pc.id),
            })
        });
        Ok(all)
    }

    /// Takes PCs off an account's list that are not there: they have expired, or never came about.
    async fn unlist(
        &self,
        account: AccountId,
        members: &[String],
        found: &[Option<FoundPc>],
        now: Timestamp,
    ) {
        let listed_at = |member: &str| Some(member.split(':').next()?.parse::<SessionId>().ok()?.made_at());
        let is_gone = |(member, found): &(&String, &Option<FoundPc>)| {
            found.is_none() && listed_at(member).is_some_and(|at| at + ABOUT_TO_BE < now)
        };
        let gone: Vec<&String> =
            members.iter().zip(found).filter(is_gone).map(|(member, _)| member).collect();
        if gone.is_empty() {
            return;
        }
        let mut remove = redis::cmd("ZREM");
        remove.arg(self.keys.of_account("pcs", account)).arg(gone);
        if let Err(error) = self.link.ask::<()>(&remove).await {
            tracing::debug!(%error, "a list is tidied later");
        }
    }

    pub(super) async fn end(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<&Notice>,
    ) -> Result<Vec<SessionId>> {
        let write = self.write_id();
        let told = notice.map(|notice| Told::counted(notice, &write)).transpose()?;
        if let Ending::One(id) = ending
            && self.phone_is(id, account).await?.is_none()
            && let Some(pc) = self.pc_of_id(id).await?.filter(|pc| pc.session.account == account)
        {
            return self.end_pc(&pc.session, told, &write).await;
        }
        let change = AccountChange {
            notice: told,
            ..match ending {
                Ending::One(phone) => AccountChange::ending("one", Some(phone)),
                Ending::Others(phone) => AccountChange::ending("others", Some(phone)),
            }
        };
        Ok(self.change_account(account, change, &write).await?.unwrap_or_default())
    }

    /// Whether it is a phone's session, of this account.
    async fn phone_is(&self, id: SessionId, account: AccountId) -> Result<Option<()>> {
        let mut exists = redis::cmd("SISMEMBER");
        exists.arg(self.keys.of_account("phones", account)).arg(id.to_string());
        Ok(self.link.ask::<bool>(&exists).await?.then_some(()))
    }

    async fn end_pc(&self, pc: &PcSession, notice: Option<Told>, write: &str) -> Result<Vec<SessionId>> {
        let tag = pc.id.tag();
        let letter = Letter { to: pc.account, brought: Self::ended(pc.id, pc.granted_by, notice) };
        let args = [self.keys.at(tag), pc.account.to_string(), write.to_owned(), json(&letter)?];
        let ended: bool = self
            .link
            .run_safely(&scripts::END_PC, &[self.keys.pc(pc.id), self.keys.outbox(tag)], &args)
            .await?;
        if ended {
            self.post(tag, write, &letter).await?;
            return Ok(vec![pc.id]);
        }
        // Somebody was first. The owner is told all the same.
        self.deliver(pc.account, &letter.brought).await?;
        Ok(Vec::new())
    }

    /// Changes an account with what hangs on it. None if it is not there, or its password of another version.
    pub(super) async fn change_account(
        &self,
        account: AccountId,
        mut change: AccountChange,
        write: &str,
    ) -> Result<Option<Vec<SessionId>>> {
        let tag = account.tag();
        change.at = self.keys.at(tag);
        change.account = account.to_string();
        let keys = [
            self.keys.account(account),
            self.keys.of_account("phones", account),
            self.keys.of_account("pcs", account),
            self.keys.channel(tag),
            self.keys.outcome(tag, write),
        ];
        let ended: Option<Vec<String>> =
            self.link.run_safely(&scripts::ACCOUNT, &keys, &[json(&change)?]).await?;
        let id = |id: &String| id.parse().map_err(|_| unreadable("a list of sessions"));
        let Some(ended) = ended else { return Ok(None) };
        let ended: Vec<SessionId> = ended.iter().map(id).collect::<Result<_>>()?;
        self.sweep_up(&ended).await;
        Ok(Some(ended))
    }

    /// Removes the records of PCs that have ended with their phones. Nobody finds them any more; this is for tidiness,
    /// and they expire besides.
    async fn sweep_up(&self, ended: &[SessionId]) {
        let sweep = async |id: &SessionId| {
            let Some(pc) = self.pc_of_id(*id).await? else { return Ok(()) };
            let args =
                [self.keys.at(id.tag()), pc.session.account.to_string(), self.write_id(), String::new()];
            let keys = [self.keys.pc(*id), self.keys.outbox(id.tag())];
            self.link.run::<()>(&scripts::END_PC, &keys, &args).await
        };
        let swept = stream::iter(ended).map(sweep).buffer_unordered(READ_AT_ONCE);
        let swept: Vec<Result<()>> = swept.collect().await;
        if let Some(error) = swept.into_iter().find_map(Result::err) {
            tracing::debug!(%error, "an ended session is left to expire");
        }
    }
}

/// A change of an account.
#[derive(Default, Serialize)]
pub(super) struct AccountChange {
    pub(super) at: String,
    pub(super) account: String,
    pub(super) ends: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) password: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) version: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) enabled: Option<&'static str>,
    pub(super) removed: bool,
    /// When the PCs that are known are forgotten, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) forgets: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) notice: Option<Told>,
}

impl AccountChange {
    pub(super) fn ending(ends: &'static str, phone: Option<SessionId>) -> Self {
        Self { ends, phone: phone.map(|phone| phone.to_string()), ..Self::default() }
    }
}

/// A PC's session as the commit script writes it.
#[derive(Serialize)]
pub(super) struct SessionChange {
    id: String,
    begins: bool,
    seen: i64,
    generation: u64,
    access: String,
    access_until: i64,
    access_kept: i64,
    refresh: String,
    refresh_until: i64,
    kept: i64,
}

impl SessionChange {
    pub(super) fn begins(pc: &PcSession, generation: u64, now: Timestamp) -> Self {
        let seen = pc.last_seen_at.as_millisecond();
        Self { begins: true, seen, generation, ..Self::tokens(pc.id, &pc.tokens, now) }
    }

    pub(super) fn tokens(id: SessionId, tokens: &PcTokens, now: Timestamp) -> Self {
        Self {
            id: id.to_string(),
            begins: false,
            seen: 0,
            generation: 0,
            access: text(tokens.access.as_bytes()),
            access_until: tokens.access_until.as_millisecond(),
            access_kept: kept(now, tokens.access_until),
            refresh: text(tokens.refresh.as_bytes()),
            refresh_until: tokens.refresh_until.as_millisecond(),
            kept: kept(now, tokens.refresh_until),
        }
    }
}

/// What a session that begins brings for its account.
pub(super) fn brought_by(session: &PcSession) -> Brought {
    Brought { met: Met::of(session), ..Brought::default() }
}

/// Until when a PC stays in its account's list at most.
pub(super) fn listed_until(pc: &PcSession) -> Timestamp {
    pc.created_at + SESSION_LIFE
}

fn phone(row: &str, seen: &str) -> Result<PhoneSession> {
    const WHAT: &str = "a phone's session";
    from_json::<PhoneRow>(WHAT, row)?.session(time(WHAT, seen)?)
}

fn found_phone(fields: PhoneFields, now: Timestamp) -> Result<Option<FoundPhone>> {
    let Some((row, seen, generation, username)) = fields else { return Ok(None) };
    let session = phone(&row, &seen)?;
    let username = Username::parse(&username).map_err(|_| unreadable("an account"))?;
    Ok((millis_between(now, session.ends_at()) > 0).then_some(FoundPhone { session, username, generation }))
}
