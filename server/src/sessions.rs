//! Sessions of phones and PCs: begun, used, refreshed, listed and ended.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use shared::api;
use shared::id::{AccountId, SessionId};
use shared::login::REPEAT_WITHIN;
use shared::random::Random;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken, Token};

use crate::address::Origin;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::logins::{Logins, Proved, ProvedKey, Tokens};
use crate::store::{
    Account, AnySession, Ending, FirstUse, Notice, PcSession, PhoneSession, Refresh, Store, StoreError, Valid,
};

/// How long a session that was seen is not noted as seen again.
const SEEN_EVERY: Duration = Duration::from_mins(1);
/// How often a refresh is tried against others.
const TRIES: usize = 8;

/// Everything about sessions.
pub struct Sessions {
    store: Arc<dyn Store>,
    clock: Clock,
    random: Arc<dyn Random>,
    logins: Arc<Logins>,
}

impl Sessions {
    /// Keeps sessions in `store`; ending one also denies the logins that it scanned.
    pub fn new(store: Arc<dyn Store>, clock: Clock, random: Arc<dyn Random>, logins: Arc<Logins>) -> Self {
        Self { store, clock, random, logins }
    }

    /// Begins a phone's session for an account whose password was just checked. None if the account has
    /// changed since.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin_phone(
        &self,
        account: &Account,
        device_name: Option<String>,
        from: Origin,
    ) -> Result<Option<(Token<PhoneToken>, PhoneSession)>, StoreError> {
        let now = self.clock.now();
        let id = SessionId::generate_in(account.id.tag(), now, &*self.random);
        let token = Token::generate(id.tag(), &*self.random);
        let session = PhoneSession {
            id,
            account: account.id,
            token: token.digest(),
            device_name,
            ip: from.ip,
            created_at: now,
            last_seen_at: now,
        };
        let begun = self.store.add_phone(session.clone(), account.password_version).await?;
        Ok(begun.then_some((token, session)))
    }

    /// The valid phone session of a token, which counts as used by this.
    ///
    /// # Errors
    /// The store's.
    pub async fn phone(&self, token: Digest<PhoneToken>) -> Result<Option<Valid<PhoneSession>>, StoreError> {
        let now = self.clock.now();
        let valid = self.store.phone(token, now).await?;
        if let Some(Valid { session, .. }) = &valid
            && now >= session.last_seen_at + SEEN_EVERY
        {
            self.store.seen(session.id, now).await?;
        }
        Ok(valid)
    }

    /// The valid PC session of an access token that a resource server asks about.
    ///
    /// Somebody has shown it the token, so this is a use. But of a token that needs a key it is not known yet whether
    /// that was proved: the resource server learns which key from the answer. A thief who shows the token anywhere
    /// must not make the repeat of its PC's redeem a replay; once none can be, this counts too.
    ///
    /// # Errors
    /// The store's.
    pub async fn introspected(&self, token: Digest<PcToken>) -> Result<Option<Valid<PcSession>>, StoreError> {
        let now = self.clock.now();
        let valid = self.store.pc(token, now).await?;
        if let Some(Valid { session, .. }) = &valid
            && (session.key.is_none() || now >= session.created_at + REPEAT_WITHIN)
        {
            self.used(session, now).await?;
        }
        Ok(valid)
    }

    /// Buys new tokens with a refresh token. One that was used before ends its session (RFC 9700 §4.14.2).
    /// A stolen one does neither without the key that its session is bound to. What may be done with the tokens
    /// was confirmed once: a `scope` beyond that is refused, and any other is the one that was confirmed.
    ///
    /// A call that tries again, since the store was away, passes the same `fresh`: that its own rotation came about
    /// after all is no replay.
    ///
    /// # Errors
    /// The store's; [`NoTokens`] within, if it is no good.
    pub async fn refresh(
        &self,
        token: Digest<RefreshToken>,
        client_id: &str,
        proof: Option<&Proved>,
        scope: Option<&str>,
        fresh: &Fresh,
    ) -> Result<Result<Tokens, NoTokens>, StoreError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let session = match self.store.refresh_token(token, now).await? {
                Refresh::Unknown => return Ok(Err(NoTokens::NoGrant)),
                Refresh::Spent(session) => {
                    if let Some(tokens) = fresh.of(&session) {
                        return Ok(Ok(tokens));
                    }
                    // Whatever scope it asks for, a replay is one.
                    let refused = self.may_refresh(&session, client_id, proof, None).await?;
                    if refused.is_ok() {
                        self.replayed(&session).await?;
                    }
                    return Ok(Err(refused.err().unwrap_or(NoTokens::NoGrant)));
                }
                Refresh::Current(valid) => valid.session,
            };
            if let Err(refused) = self.may_refresh(&session, client_id, proof, scope).await? {
                return Ok(Err(refused));
            }
            let (tag, is_bound) = (session.id.tag(), session.key.is_some());
            let make = || Tokens::generate(tag, session.scope.clone(), is_bound, &*self.random);
            let record = fresh.made(make).record(now);
            if self.store.rotate(session.id, token, record, now).await? {
                return Ok(Ok(fresh.made(make)));
            }
        }
        Err(StoreError("a refresh token changed under every try".to_owned()))
    }

    /// Whether this client may refresh this session for this scope, with this proof, which is used up if so.
    async fn may_refresh(
        &self,
        session: &PcSession,
        client_id: &str,
        proof: Option<&Proved>,
        scope: Option<&str>,
    ) -> Result<Result<(), NoTokens>, StoreError> {
        if let Err(refused) = may_refresh(session, client_id, proof.map(Proved::key), scope) {
            return Ok(Err(refused));
        }
        let Some(proof) = proof else { return Ok(Ok(())) };
        Ok(match proof.use_up(&*self.store, self.clock.now()).await? {
            FirstUse::Yes => Ok(()),
            FirstUse::No => Err(NoTokens::ProofUsed),
            FirstUse::Full => Err(NoTokens::FullOfProofs),
        })
    }

    /// What a refresh token stands for, if it is the current one of a valid session.
    ///
    /// # Errors
    /// The store's.
    pub async fn by_refresh(
        &self,
        token: Digest<RefreshToken>,
    ) -> Result<Option<Valid<PcSession>>, StoreError> {
        Ok(match self.store.refresh_token(token, self.clock.now()).await? {
            Refresh::Current(valid) => Some(valid),
            Refresh::Unknown | Refresh::Spent(_) => None,
        })
    }

    /// What an access token stands for, without counting as a use of it.
    ///
    /// # Errors
    /// The store's.
    pub async fn by_access(&self, token: Digest<PcToken>) -> Result<Option<Valid<PcSession>>, StoreError> {
        self.store.pc(token, self.clock.now()).await
    }

    /// Notes that a PC's session was used, if that is news.
    ///
    /// # Errors
    /// The store's.
    pub async fn used(&self, session: &PcSession, now: Timestamp) -> Result<(), StoreError> {
        if session.used && now < session.last_seen_at + SEEN_EVERY {
            return Ok(());
        }
        self.store.seen(session.id, now).await
    }

    async fn replayed(&self, session: &PcSession) -> Result<(), StoreError> {
        Audit::RefreshTokenReplayed { account: session.account, session: session.id }.log();
        let notice = Notice {
            account: session.account,
            kind: api::NoticeKind::TokenReplayed,
            subject: session.login.to_bytes(),
            at: self.clock.now(),
            device_name: session.device_name.clone(),
            ip: session.ip,
            session: Some(session.id),
        };
        self.put_out(session.account, Ending::One(session.id), Some(notice)).await.map(drop)
    }

    /// The sessions of an account as their owner sees them, newest first.
    ///
    /// # Errors
    /// The store's.
    pub async fn list(&self, account: AccountId, current: SessionId) -> Result<api::Sessions, StoreError> {
        let sessions = self.store.sessions(account, self.clock.now()).await?;
        Ok(api::Sessions { sessions: sessions.into_iter().map(|session| listed(session, current)).collect() })
    }

    /// Ends sessions, and what hangs on them. Answers whether there were any.
    ///
    /// # Errors
    /// The store's.
    pub async fn end(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<Notice>,
    ) -> Result<bool, StoreError> {
        let ended = self.store.end_sessions(account, ending, notice).await?;
        Audit::SessionsEnded { account, sessions: ended.len() }.log();
        self.ended(&ended).await?;
        if let (Ending::One(id), true) = (ending, ended.is_empty()) {
            self.store.settle(id.tag()).await?;
        }
        Ok(!ended.is_empty())
    }

    /// The same, where the PCs that are put out may be somebody else's: the phone is not to call them known when
    /// they ask again.
    ///
    /// # Errors
    /// The store's.
    pub async fn put_out(
        &self,
        account: AccountId,
        ending: Ending,
        notice: Option<Notice>,
    ) -> Result<bool, StoreError> {
        // Before they end: should the second not come about, these PCs are only not known.
        for session in self.store.sessions(account, self.clock.now()).await? {
            let AnySession::Pc(pc) = session else { continue };
            let ends = match ending {
                Ending::One(id) => pc.id == id || pc.granted_by == id,
                Ending::Others(_) => true,
            };
            if let Some(key) = pc.key.filter(|_| ends) {
                self.store.forget_pc(account, key).await?;
            }
        }
        self.end(account, ending, notice).await
    }

    /// Denies what these sessions, which have ended, had scanned: their PCs hear of it at once.
    ///
    /// # Errors
    /// The store's.
    pub async fn ended(&self, sessions: &[SessionId]) -> Result<(), StoreError> {
        for session in sessions {
            self.logins.phone_ended(*session).await?;
        }
        Ok(())
    }
}

/// The tokens that one call buys, however often it asks the store.
#[derive(Default)]
pub struct Fresh(OnceLock<Tokens>);

impl Fresh {
    fn made(&self, make: impl Fn() -> Tokens) -> Tokens {
        self.0.get_or_init(make).clone()
    }

    /// The tokens, if they are what a session has by now.
    fn of(&self, session: &PcSession) -> Option<Tokens> {
        self.0.get().filter(|tokens| tokens.refresh.digest() == session.tokens.refresh).cloned()
    }
}

/// Why a refresh token buys nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTokens {
    /// It is not known, used, or another client's.
    NoGrant,
    /// Its session is bound to a key, and that one was not proved.
    OtherKey,
    /// More was asked for than was confirmed.
    WiderScope,
    /// The proof was used before.
    ProofUsed,
    /// There is no room for another used proof.
    FullOfProofs,
}

fn may_refresh(
    session: &PcSession,
    client_id: &str,
    key: ProvedKey,
    scope: Option<&str>,
) -> Result<(), NoTokens> {
    if session.client_id != client_id {
        return Err(NoTokens::NoGrant);
    }
    // A session without a key stays without one: nobody can bind to their own key what they have stolen.
    if session.key.is_some_and(|bound| key != Some(bound)) {
        Audit::OtherKey { login: session.login, owner: Some(session.account), session: Some(session.id) }
            .log();
        return Err(NoTokens::OtherKey);
    }
    if is_within(scope, session.scope.as_deref()) { Ok(()) } else { Err(NoTokens::WiderScope) }
}

/// Whether a scope asks for no more than was granted (RFC 6749 §6).
fn is_within(asked: Option<&str>, granted: Option<&str>) -> bool {
    let is_granted = |word| granted.is_some_and(|granted| granted.split(' ').any(|one| one == word));
    asked.is_none_or(|asked| asked.split(' ').all(is_granted))
}

fn listed(session: AnySession, current: SessionId) -> api::Session {
    let ip = |ip: Option<std::net::IpAddr>| ip.map(|ip| ip.to_string());
    match session {
        AnySession::Phone(phone) => api::Session {
            id: phone.id,
            kind: api::SessionKind::Phone,
            device_name: phone.device_name,
            ip: ip(phone.ip),
            created_at: phone.created_at,
            last_seen_at: phone.last_seen_at,
            granted_by: None,
            current: phone.id == current,
        },
        AnySession::Pc(pc) => api::Session {
            id: pc.id,
            kind: api::SessionKind::Pc,
            device_name: pc.device_name,
            ip: ip(pc.ip),
            created_at: pc.created_at,
            last_seen_at: pc.last_seen_at,
            granted_by: Some(pc.granted_by),
            current: pc.id == current,
        },
    }
}
