//! Sessions of phones and PCs: begun, used, refreshed, listed and ended.

use std::sync::Arc;

use shared::api;
use shared::id::{AccountId, SessionId};
use shared::random::Random;
use shared::secret::{Digest, PcToken, PhoneToken, RefreshToken, Token};

use crate::address::Origin;
use crate::audit::Audit;
use crate::clock::Clock;
use crate::logins::{Logins, ProvedKey, Tokens};
use crate::store::{
    Account, AnySession, Ending, Notice, PcSession, PhoneSession, Refresh, Store, StoreError, Valid,
};

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
        if let Some(valid) = &valid {
            self.store.seen(valid.session.id, now);
        }
        Ok(valid)
    }

    /// The valid PC session of an access token, which counts as used by this.
    ///
    /// # Errors
    /// The store's.
    pub async fn pc(&self, token: Digest<PcToken>) -> Result<Option<Valid<PcSession>>, StoreError> {
        let now = self.clock.now();
        let valid = self.store.pc(token, now).await?;
        if let Some(valid) = &valid {
            self.store.seen(valid.session.id, now);
        }
        Ok(valid)
    }

    /// Buys new tokens with a refresh token. One that was used before ends its session (RFC 9700 §4.14.2).
    /// A stolen one does neither without the key that its session is bound to. What may be done with the tokens
    /// was confirmed once: a `scope` beyond that is refused, and any other is the one that was confirmed.
    ///
    /// # Errors
    /// The store's; [`NoTokens`] within, if it is no good.
    pub async fn refresh(
        &self,
        token: Digest<RefreshToken>,
        client_id: &str,
        key: ProvedKey,
        scope: Option<&str>,
    ) -> Result<Result<Tokens, NoTokens>, StoreError> {
        for _ in 0..TRIES {
            let now = self.clock.now();
            let session = match self.store.refresh_token(token, now).await? {
                Refresh::Unknown => return Ok(Err(NoTokens::NoGrant)),
                Refresh::Spent(session) => {
                    let refused = may_refresh(&session, client_id, key);
                    if refused.is_ok() {
                        self.replayed(&session).await?;
                    }
                    return Ok(Err(refused.err().unwrap_or(NoTokens::NoGrant)));
                }
                Refresh::Current(valid) => valid.session,
            };
            if let Err(refused) = may_refresh(&session, client_id, key) {
                return Ok(Err(refused));
            }
            if !is_within(scope, session.scope.as_deref()) {
                return Ok(Err(NoTokens::WiderScope));
            }
            let (tag, is_bound) = (session.id.tag(), session.key.is_some());
            let tokens = Tokens::generate(tag, session.scope.clone(), is_bound, &*self.random);
            if self.store.rotate(session.id, token, tokens.record(now), now).await? {
                return Ok(Ok(tokens));
            }
        }
        Err(StoreError("a refresh token changed under every try".to_owned()))
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

    /// Notes that a session was used.
    pub fn seen(&self, session: SessionId) {
        self.store.seen(session, self.clock.now());
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
        self.end(session.account, Ending::One(session.id), Some(notice)).await.map(drop)
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
        Ok(!ended.is_empty())
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

/// Why a refresh token buys nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoTokens {
    /// It is not known, used, or another client's.
    NoGrant,
    /// Its session is bound to a key, and that one was not proved.
    OtherKey,
    /// More was asked for than was confirmed.
    WiderScope,
}

fn may_refresh(session: &PcSession, client_id: &str, key: ProvedKey) -> Result<(), NoTokens> {
    if session.client_id != client_id {
        return Err(NoTokens::NoGrant);
    }
    // A session without a key stays without one: nobody can bind to their own key what they have stolen.
    if session.key.is_some_and(|bound| key != Some(bound)) {
        Audit::OtherKey { login: session.login, owner: Some(session.account), session: Some(session.id) }
            .log();
        return Err(NoTokens::OtherKey);
    }
    Ok(())
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
