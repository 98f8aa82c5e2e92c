//! Logins: kept, found and changed.

use std::sync::atomic::{AtomicU16, Ordering};

use futures_util::future::{join_all, try_join};
use jiff::Timestamp;
use serde::Serialize;
use shared::id::{LoginId, SessionId, Tag};
use shared::login::{KEPT_AFTER_END, Login, REDEEM_WITHIN, State};

use super::notices::{Brought, Letter, Told};
use super::rows::{PcRow, from_json, json};
use super::sessions::{Begun, SessionChange, brought_by, listed_until};
use super::{RedisStore, kept, scripts, unreadable};
use crate::store::{Change, Committed, Inserted, LoginKey, OpenCaps, Result, SessionWrite, StoreError};

/// How long a login is kept whose owner must still be told that it was not finished, while no node is there to do it.
const OWED_FOR: std::time::Duration = std::time::Duration::from_hours(7 * 24);
/// How many outboxes are looked into at each tidying: all of them in 16 seconds.
pub(super) const OUTBOXES_AT_ONCE: u16 = 32;

/// Which outboxes are next.
#[derive(Default)]
pub(super) struct Sweep(AtomicU16);

/// What of a change the script needs to know.
#[derive(Serialize)]
struct LoginChange {
    at: String,
    id: String,
    expected: String,
    revision: String,
    write: String,
    kept: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    deadline: Option<i64>,
    ahead: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    confirm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session: Option<SessionChange>,
}

impl RedisStore {
    /// Takes a place among the open ones, then the user code, which is in a slot of its own, then keeps the login.
    pub(super) async fn keep(&self, login: &Login, caps: OpenCaps) -> Result<Inserted> {
        let room = self.reserve(login, caps).await?;
        if room != Inserted::Done {
            return Ok(room);
        }
        let is_kept = self.take_user_code(login).await? && self.keep_record(login).await?;
        if is_kept {
            return Ok(Inserted::Done);
        }
        self.note_gone(login.id).await?;
        Ok(Inserted::Taken)
    }

    async fn take_user_code(&self, login: &Login) -> Result<bool> {
        let mut gone = String::new();
        loop {
            let args = [login.id.to_string(), codes_kept(login).to_string(), gone];
            let code = self.keys.user(login.digests.user);
            let holder: String = self.link.run(&scripts::TAKE_CODE, &[code], &args).await?;
            if holder == args[0] {
                return Ok(true);
            }
            if !self.is_over(&holder, login.issued_at).await? {
                return Ok(false);
            }
            gone = holder;
        }
    }

    async fn keep_record(&self, login: &Login) -> Result<bool> {
        let keys = [
            self.keys.login(login.id),
            self.keys.scan(login.digests.scan),
            self.keys.device(login.digests.device),
        ];
        let mut args =
            vec![login.id.to_string(), self.write_id(), json(login)?, codes_kept(login).to_string()];
        loop {
            let holder: Option<String> = self.link.run(&scripts::INSERT, &keys, &args).await?;
            match holder {
                None => return Ok(true),
                Some(holder) if self.is_over(&holder, login.issued_at).await? => args.push(holder),
                Some(_) => return Ok(false),
            }
        }
    }

    /// Whether a login may be forgotten by now. One that is not there is perhaps about to be, by a call that has taken
    /// its codes; if not, they will expire.
    async fn is_over(&self, id: &str, now: Timestamp) -> Result<bool> {
        let id = id.parse().map_err(|_| unreadable("a code's index"))?;
        let login = self.find_login(LoginKey::Id(id)).await?;
        Ok(login.is_some_and(|login| login.due_at().is_none() && now >= login.forgotten_at()))
    }

    pub(super) async fn find_login(&self, key: LoginKey) -> Result<Option<Login>> {
        let (index, tag) = match key {
            LoginKey::Id(id) => return self.login_of_id(id).await,
            LoginKey::User(code) => {
                let mut get = redis::cmd("GET");
                get.arg(self.keys.user(code));
                let id: Option<String> = self.link.ask(&get).await?;
                let Some(id) = id else { return Ok(None) };
                return self.login_of_id(id.parse().map_err(|_| unreadable("a code's index"))?).await;
            }
            LoginKey::Scan(code) => (self.keys.scan(code), code.tag()),
            LoginKey::Device(code) => (self.keys.device(code), code.tag()),
            LoginKey::Confirm(token) => (self.keys.confirm(token), token.tag()),
        };
        let record: Option<String> = self.link.run(&scripts::FIND, &[index], &[self.keys.at(tag)]).await?;
        record.map(|record| from_json("a login", &record)).transpose()
    }

    async fn login_of_id(&self, id: LoginId) -> Result<Option<Login>> {
        let mut get = redis::cmd("HGET");
        get.arg(self.keys.login(id)).arg("record");
        let record: Option<String> = self.link.ask(&get).await?;
        record.map(|record| from_json("a login", &record)).transpose()
    }

    /// Lists in other partitions what must not be missed there, makes the change itself, and then delivers what it
    /// brings for others; what fails of that is delivered later.
    pub(super) async fn change(&self, change: &Change, now: Timestamp) -> Result<Committed> {
        let Some(generation) = self.prepare(change, now).await? else { return Ok(Committed::PhoneGone) };
        let write = self.write_id();
        let letter = letter(change, &write)?;
        let login = &change.login;
        let committed = self.commit_in_slot(change, generation, &write, letter.as_ref(), now).await?;
        if committed == Committed::Done {
            let told = async {
                match &letter {
                    Some(letter) => self.post(login.id.tag(), &write, letter).await,
                    None => Ok(()),
                }
            };
            if let Err(error) = try_join(told, self.note_open(login)).await {
                tracing::debug!(%error, "what a change brought along is delivered later");
            }
        }
        Ok(committed)
    }

    /// Lists what is about to begin. Answers the generation of the phone that consents, or None if it is gone.
    pub(super) async fn prepare(&self, change: &Change, now: Timestamp) -> Result<Option<u64>> {
        let login = &change.login;
        let due = self.note_due(login);
        let phone = async {
            if let Some(SessionWrite::Begin(pc)) = &change.session {
                if pc.id.tag() != login.id.tag() {
                    return Err(StoreError("a PC's session belongs into its login's partition".into()));
                }
                let begun = Begun::Pc(pc.id, listed_until(pc));
                let phone = self.list_with(pc.granted_by, &begun, now).await?;
                return Ok(phone
                    .filter(|phone| phone.session.account == pc.account)
                    .map(|phone| phone.generation));
            }
            let listed = match &login.state {
                State::Scanned(scan) => Some(scan.by.phone),
                State::Confirmed(confirmation) => Some(confirmation.scan.by.phone),
                _ => None,
            };
            let found = match (change.phone, listed) {
                (_, Some(phone)) => {
                    let begun = Begun::Login(login.id, login.forgotten_at());
                    let found = self.list_with(phone, &begun, now).await?;
                    match change.phone {
                        Some(required) if required != phone => self.phone_by_id(required, now).await?,
                        _ => found,
                    }
                }
                (Some(phone), None) => self.phone_by_id(phone, now).await?,
                (None, None) => None,
            };
            Ok(match (change.phone, found) {
                (Some(_), None) => None,
                (_, found) => Some(found.map_or(0, |phone| phone.generation)),
            })
        };
        let ((), generation) = try_join(due, phone).await?;
        Ok(generation)
    }

    pub(super) async fn commit_in_slot(
        &self,
        change: &Change,
        generation: u64,
        write: &str,
        letter: Option<&Letter>,
        now: Timestamp,
    ) -> Result<Committed> {
        let login = &change.login;
        let Some(expected) = login.revision.checked_sub(1) else { return Ok(Committed::Stale) };
        let (session, pc, record) = match &change.session {
            None => (None, self.keys.login(login.id), String::new()),
            Some(SessionWrite::Begin(pc)) => {
                let session = SessionChange::begins(pc, generation, now);
                (Some(session), self.keys.pc(pc.id), json(&PcRow::of(pc))?)
            }
            Some(SessionWrite::Reissue(id, tokens)) => {
                // That all it hangs on stands is for whoever looks it up to see; whether it is used, for the script.
                (Some(SessionChange::tokens(*id, tokens, now)), self.keys.pc(*id), String::new())
            }
        };
        let until = if login.due_at().is_some() { now + OWED_FOR } else { login.forgotten_at() };
        let what = LoginChange {
            at: self.keys.at(login.id.tag()),
            id: login.id.to_string(),
            expected: expected.to_string(),
            revision: login.revision.to_string(),
            write: write.to_owned(),
            kept: kept(now, until),
            deadline: change.until.map(Timestamp::as_millisecond),
            ahead: self.ahead(),
            confirm: login.state.scan().map(|scan| self.keys.confirm(scan.confirm)),
            session,
        };
        let tag = login.id.tag();
        let keys = [self.keys.login(login.id), self.keys.outbox(tag), self.keys.channel(tag), pc];
        let letter = letter.map(json).transpose()?.unwrap_or_default();
        let args = [json(&what)?, json(login)?, record, letter];
        // What a failover may not take back: somebody's consent, and what came of it.
        let committed: String = if login.state.status().is_decided() {
            self.link.run_safely(&scripts::COMMIT, &keys, &args).await?
        } else {
            self.link.run(&scripts::COMMIT, &keys, &args).await?
        };
        Ok(if committed == "done" { Committed::Done } else { Committed::Stale })
    }

    /// The logins that are due. Looks into some outboxes on the way.
    pub(super) async fn find_due(&self, now: Timestamp) -> Result<Vec<LoginId>> {
        let first = self.sweep.0.fetch_add(OUTBOXES_AT_ONCE, Ordering::Relaxed);
        let outboxes =
            (0..OUTBOXES_AT_ONCE).map(|next| self.empty_outbox(Tag::numbered(first.wrapping_add(next))));
        for emptied in join_all(outboxes).await {
            if let Err(error) = emptied {
                // It may be about one account, whose shard is away. What is due elsewhere must not wait for that.
                tracing::debug!(%error, "an outbox is emptied later");
            }
        }
        let mut due = Vec::new();
        for id in self.listed_as_due(now).await? {
            match self.is_due(id, now).await {
                Ok(true) => due.push(id),
                Ok(false) => {}
                // Its shard may be away, or it may be of a later version than this node. The others must not wait.
                Err(error) => tracing::debug!(%error, "a login that is due is looked at later"),
            }
        }
        Ok(due)
    }

    /// Whether a login is due that is listed so. One that is not is taken off the list.
    async fn is_due(&self, id: LoginId, now: Timestamp) -> Result<bool> {
        match self.find_login(LoginKey::Id(id)).await? {
            Some(login) if login.due_at().is_some_and(|at| at <= now) => return Ok(true),
            Some(login) => self.note_not_due(&login, now).await?,
            None => self.note_gone(id).await?,
        }
        Ok(false)
    }

    /// The logins that a phone scanned and that have not ended. Its list may name more.
    pub(super) async fn find_unfinished(&self, phone: SessionId) -> Result<Vec<LoginId>> {
        let mut all = redis::cmd("ZRANGE");
        all.arg(self.keys.unfinished(phone)).arg(0).arg(-1);
        let ids: Vec<String> = self.link.ask(&all).await?;
        let mut unfinished = Vec::new();
        for id in ids {
            let id: LoginId = id.parse().map_err(|_| unreadable("a list of logins"))?;
            let login = self.find_login(LoginKey::Id(id)).await?;
            let is_unfinished = login.is_some_and(|login| {
                let by = login.state.scan().map(|scan| scan.by.phone);
                by == Some(phone) && !login.state.status().is_terminal()
            });
            if is_unfinished {
                unfinished.push(id);
            }
        }
        Ok(unfinished)
    }
}

/// How long a login's codes are kept at most: nobody has them again before it is forgotten.
fn codes_kept(login: &Login) -> i64 {
    kept(login.issued_at, login.deadline + REDEEM_WITHIN + KEPT_AFTER_END)
}

/// What a change brings for its account.
pub(super) fn letter(change: &Change, write: &str) -> Result<Option<Letter>> {
    let mut brought = match &change.session {
        Some(SessionWrite::Begin(session)) => brought_by(session),
        _ => Brought::default(),
    };
    let mut to = None;
    if let Some(notice) = &change.notice {
        to = Some(notice.account);
        brought.notice = Some(Told::once(notice, write)?);
    } else if let Some(SessionWrite::Begin(session)) = &change.session {
        to = Some(session.account);
    }
    Ok(to.map(|to| Letter { to, brought }))
}
