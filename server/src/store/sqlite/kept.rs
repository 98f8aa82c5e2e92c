//! Sessions that are in memory, as the disk has them.
//!
//! ```text
//!   fresh     begun by steps that are in the journal, and not yet in the tables: all of them
//!   newer     read lately                      a look into `older` moves what it finds here;
//!   older     read before                      when `newer` is full it becomes `older`
//! ```
//!
//! A session is found here only while its time, by what is in memory, is not
//! over; else the tables are asked, whose answer counts. The writer removes what
//! it ends. What another process ends is noticed too, see
//! [`Outside`](super::outside::Outside).

use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use shared::id::{AccountId, SessionId};
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken};

use super::journal::Entry;
use super::uses::Uses;
use crate::store::{Map, PcSession, PhoneSession, Valid, phone_ends_at};

/// How many sessions of a kind are newer, or older. Half a kilobyte each.
const GENERATION_MAX: usize = 16_384;

/// What memory knows.
pub(super) enum Known<T> {
    /// This.
    Yes(T),
    /// Nothing: the tables do.
    No,
    /// Nothing, and the tables know only once the journal is posted.
    Unposted,
}

/// The sessions in memory.
pub(super) struct Kept {
    sessions: Mutex<Sessions>,
    /// Whether any are kept. A process beside a server does not hear what that one writes.
    is_kept: bool,
}

#[derive(Default)]
struct Sessions {
    phones: Lately<Valid<PhoneSession>>,
    pcs: Lately<PcSession>,
    fresh: Generation<PcSession>,
    refresh_tokens: Map<Digest<RefreshToken>, SessionId>,
    /// How many steps are not posted that the tables of an account lack.
    unposted: Map<AccountId, usize>,
    /// Counts how often something was removed.
    turn: u64,
}

/// When something was read: if nothing has been removed since, it may be kept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Turn(Option<u64>);

/// A kind of session.
trait Session {
    type Token: Copy + Eq + Hash;
    fn id(&self) -> SessionId;
    fn token(&self) -> Self::Token;
}

/// A phone's session has its owner's name with it; those of PCs have theirs by their phones.
impl Session for Valid<PhoneSession> {
    type Token = Digest<PhoneToken>;

    fn id(&self) -> SessionId {
        self.session.id
    }

    fn token(&self) -> Self::Token {
        self.session.token
    }
}

impl Session for PcSession {
    type Token = Digest<PcToken>;

    fn id(&self) -> SessionId {
        self.id
    }

    fn token(&self) -> Self::Token {
        self.tokens.access
    }
}

/// Sessions, and two ways to find them.
struct Generation<S: Session> {
    by_id: Map<SessionId, Arc<S>>,
    by_token: Map<S::Token, SessionId>,
}

impl<S: Session> Default for Generation<S> {
    fn default() -> Self {
        Self { by_id: Map::default(), by_token: Map::default() }
    }
}

impl<S: Session> Generation<S> {
    fn insert(&mut self, session: Arc<S>) {
        self.by_token.insert(session.token(), session.id());
        self.by_id.insert(session.id(), session);
    }

    fn remove(&mut self, id: SessionId) -> Option<Arc<S>> {
        let session = self.by_id.remove(&id)?;
        self.by_token.remove(&session.token());
        Some(session)
    }
}

/// The sessions that were read lately.
struct Lately<S: Session> {
    newer: Generation<S>,
    older: Generation<S>,
}

impl<S: Session> Default for Lately<S> {
    fn default() -> Self {
        Self { newer: Generation::default(), older: Generation::default() }
    }
}

impl<S: Session> Lately<S> {
    fn insert(&mut self, session: Arc<S>) {
        self.remove(session.id());
        if self.newer.by_id.len() >= GENERATION_MAX {
            self.older = std::mem::take(&mut self.newer);
        }
        self.newer.insert(session);
    }

    fn by_token(&mut self, token: &S::Token) -> Option<&Arc<S>> {
        let (newer, older) = (&self.newer.by_token, &self.older.by_token);
        let id = *newer.get(token).or_else(|| older.get(token))?;
        self.by_id(id)
    }

    fn by_id(&mut self, id: SessionId) -> Option<&Arc<S>> {
        if let Some(session) = self.older.remove(id) {
            self.insert(session);
        }
        self.newer.by_id.get(&id)
    }

    fn remove(&mut self, id: SessionId) {
        self.newer.remove(id);
        self.older.remove(id);
    }
}

impl Kept {
    /// Nothing yet, or nothing ever.
    pub(super) fn new(is_kept: bool) -> Self {
        Self { sessions: Mutex::default(), is_kept }
    }

    /// The valid phone session of a token, if it is known.
    pub(super) fn phone(
        &self,
        token: Digest<PhoneToken>,
        uses: &Uses,
        now: Timestamp,
    ) -> Option<Valid<PhoneSession>> {
        let mut phone = Valid::clone(self.sessions().phones.by_token(&token)?);
        phone.session.last_seen_at = seen_at(&phone.session, uses);
        (now < phone.session.ends_at()).then_some(phone)
    }

    /// Whether a phone session is valid: true, or not known.
    pub(super) fn phone_is_valid(&self, phone: SessionId, uses: &Uses, now: Timestamp) -> bool {
        self.sessions().phone_at(phone, uses, now).is_some()
    }

    /// Whether a PC session is not yet in the tables.
    pub(super) fn is_fresh(&self, pc: SessionId) -> bool {
        self.sessions().fresh.by_id.contains_key(&pc)
    }

    /// The valid PC session of an access token.
    pub(super) fn pc(&self, token: Digest<PcToken>, uses: &Uses, now: Timestamp) -> Known<Valid<PcSession>> {
        let mut sessions = self.sessions();
        let fresh = sessions.fresh.by_token.get(&token).copied();
        let found = match fresh.and_then(|id| sessions.fresh.by_id.get(&id)) {
            Some(fresh) => Some(fresh.clone()),
            None => sessions.pcs.by_token(&token).cloned(),
        };
        let in_time = found.filter(|pc| now < pc.tokens.access_until);
        sessions.judged(fresh.is_some(), in_time, uses, now)
    }

    /// A PC session that stands, by its id.
    pub(super) fn pc_by_id(&self, id: SessionId, uses: &Uses, now: Timestamp) -> Known<Valid<PcSession>> {
        let mut sessions = self.sessions();
        let fresh = sessions.fresh.by_id.get(&id).cloned();
        let is_fresh = fresh.is_some();
        let found = fresh.or_else(|| sessions.pcs.by_id(id).cloned());
        sessions.judged(is_fresh, found, uses, now)
    }

    /// Whether a session with this refresh token is not yet in the tables.
    pub(super) fn is_unposted(&self, token: Digest<RefreshToken>) -> bool {
        self.sessions().refresh_tokens.contains_key(&token)
    }

    /// Whether the tables lack something of an account.
    pub(super) fn lacks(&self, account: AccountId) -> bool {
        self.sessions().unposted.contains_key(&account)
    }

    /// Before a read whose outcome is to be kept.
    pub(super) fn turn(&self) -> Turn {
        Turn(self.is_kept.then(|| self.sessions().turn))
    }

    /// Keeps a phone session that was read in a turn.
    pub(super) fn keep_phone(&self, turn: Turn, phone: Option<&Valid<PhoneSession>>) {
        let Some(phone) = phone else { return };
        let mut sessions = self.sessions();
        if turn.0 == Some(sessions.turn) {
            sessions.phones.insert(Arc::new(phone.clone()));
        }
    }

    /// Keeps a PC session that was read in a turn.
    pub(super) fn keep_pc(&self, turn: Turn, pc: Option<&Valid<PcSession>>) {
        let Some(pc) = pc else { return };
        let mut sessions = self.sessions();
        if turn.0 == Some(sessions.turn) {
            sessions.pcs.insert(Arc::new(pc.session.clone()));
        }
    }

    /// A step is durable, and not posted.
    pub(super) fn entered(&self, entry: &Entry) {
        self.sessions().enter(entry);
    }

    /// A step is posted.
    pub(super) fn posted(&self, entry: &Entry) {
        let Some(account) = entry.account() else { return };
        let mut sessions = self.sessions();
        if let Some(unposted) = sessions.unposted.get_mut(&account) {
            *unposted -= 1;
            if *unposted == 0 {
                sessions.unposted.remove(&account);
            }
        }
        if let Some(session) = entry.session() {
            sessions.refresh_tokens.remove(&session.tokens.refresh);
            if let Some(session) = sessions.fresh.remove(session.id).filter(|_| self.is_kept) {
                sessions.pcs.insert(session);
            }
        }
    }

    /// Removes a session that has ended or changed.
    pub(super) fn remove(&self, id: SessionId) {
        let mut sessions = self.sessions();
        sessions.turn += 1;
        sessions.phones.remove(id);
        sessions.pcs.remove(id);
    }

    /// Removes everything: nobody says what has ended.
    pub(super) fn remove_all(&self) {
        self.sessions().remove_all();
    }

    /// Begins again, with what is in the journal: it is the disk's.
    pub(super) fn begin_again<'a>(&self, journal: impl Iterator<Item = &'a Entry>) {
        if !self.is_kept {
            return;
        }
        let mut sessions = self.sessions();
        sessions.remove_all();
        sessions.fresh = Generation::default();
        sessions.refresh_tokens.clear();
        sessions.unposted.clear();
        journal.for_each(|entry| sessions.enter(entry));
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        // Nothing that is done under the lock can panic half-way.
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sessions {
    fn enter(&mut self, entry: &Entry) {
        let Some(account) = entry.account() else { return };
        *self.unposted.entry(account).or_default() += 1;
        if let Some(session) = entry.session() {
            self.refresh_tokens.insert(session.tokens.refresh, session.id);
            self.fresh.insert(session.clone());
        }
    }

    fn remove_all(&mut self) {
        self.turn += 1;
        self.phones = Lately::default();
        self.pcs = Lately::default();
    }

    /// A phone, if by what is in memory its time is not over.
    fn phone_at(
        &mut self,
        phone: SessionId,
        uses: &Uses,
        now: Timestamp,
    ) -> Option<Arc<Valid<PhoneSession>>> {
        let phone = self.phones.by_id(phone)?;
        let seen = seen_at(&phone.session, uses);
        (now < phone_ends_at(phone.session.created_at, seen)).then(|| phone.clone())
    }

    fn judged(
        &mut self,
        is_fresh: bool,
        found: Option<Arc<PcSession>>,
        uses: &Uses,
        now: Timestamp,
    ) -> Known<Valid<PcSession>> {
        let in_time = found.filter(|pc| now < pc.ends_at());
        let phone = in_time.as_ref().and_then(|pc| self.phone_at(pc.granted_by, uses, now));
        let (Some(pc), Some(phone)) = (in_time, phone) else {
            return if is_fresh { Known::Unposted } else { Known::No };
        };
        let mut session = PcSession::clone(&pc);
        if let Some(at) = uses.last(session.id) {
            session.last_seen_at = session.last_seen_at.max(at);
            session.used = true;
        }
        Known::Yes(Valid { session, username: phone.username.clone() })
    }
}

fn seen_at(phone: &PhoneSession, uses: &Uses) -> Timestamp {
    uses.last(phone.id).map_or(phone.last_seen_at, |at| phone.last_seen_at.max(at))
}
