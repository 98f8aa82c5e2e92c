//! 4. The PC redeems its confirmed login for tokens.

use jiff::Timestamp;
use shared::id::Tag;
use shared::login::{CheckCode, Event, Login, Refusal, State, Step};
use shared::random::Random;
use shared::secret::{DeviceCode, PcToken, RefreshToken, Token};

use super::{LoginError, Logins, Proved, TRIES};
use crate::limits::Limited;
use crate::store::{FirstUse, LoginKey, PC_TOKEN_LIFE, PcSession, PcTokens, REFRESH_LIFE, SessionWrite};

/// A PC session's tokens, on their way to the PC.
#[derive(Clone)]
pub struct Tokens {
    /// For the API.
    pub access: Token<PcToken>,
    /// For the next access token.
    pub refresh: Token<RefreshToken>,
    /// The scope, if one was asked for.
    pub scope: Option<String>,
    /// Whether they are worthless without their key.
    pub is_bound: bool,
}

impl Tokens {
    /// Makes new ones for a session in the partition `tag`.
    #[must_use]
    pub fn generate(tag: Tag, scope: Option<String>, is_bound: bool, random: &dyn Random) -> Self {
        Self { access: Token::generate(tag, random), refresh: Token::generate(tag, random), scope, is_bound }
    }

    /// What the store keeps of them.
    #[must_use]
    pub fn record(&self, now: Timestamp) -> PcTokens {
        PcTokens {
            access: self.access.digest(),
            access_until: now + PC_TOKEN_LIFE,
            refresh: self.refresh.digest(),
            refresh_until: now + REFRESH_LIFE,
        }
    }
}

impl Logins {
    /// Redeems a login; where it is to be checked, with the digits that were typed. One whose answer was lost
    /// may be redeemed again for a short while, as long as nobody has used its tokens; anything else is a
    /// replay, and ends the session.
    ///
    /// # Errors
    /// [`LoginError::Refused`] with what RFC 8628 §3.5 says, [`LoginError::SlowDown`] for a pending login
    /// that is polled too soon, [`LoginError::ProofUsed`] for a proof that came before, or the store's.
    pub async fn redeem(
        &self,
        device: &Token<DeviceCode>,
        client_id: &str,
        check: Option<CheckCode>,
        proof: Option<&Proved>,
    ) -> Result<Tokens, LoginError> {
        let key = proof.map(Proved::key);
        for _ in 0..TRIES {
            let login = self.read(LoginKey::Device(device.digest())).await?;
            let event = Event::Redeem {
                client_id: client_id.to_owned(),
                session: shared::id::SessionId::generate_in(login.id.tag(), self.clock.now(), &*self.random),
                unused: self.is_unused(&login).await?,
                check,
                key,
            };
            if let Some(proof) = proof {
                self.use_up(proof, &login, &event).await?;
            }
            let phone = login.state.scan().map(|scan| scan.by.phone);
            let mut tokens = None;
            let session = |step: &Step| self.session_of(&login, step, &mut tokens);
            match self.attempt(&login, &event, phone, session).await {
                Ok(Some(login)) => return tokens.ok_or_else(|| unchecked(&login)),
                // Somebody was first, or the phone's session ended meanwhile: reading again tells.
                Ok(None) | Err(LoginError::PhoneGone) => {}
                Err(LoginError::Refused(Refusal::Pending(status))) => {
                    return Err(match self.limits.poll(login.id).await {
                        Ok(_) => LoginError::Refused(Refusal::Pending(status)),
                        Err(Limited::TooMany(_)) => LoginError::SlowDown,
                        Err(Limited::Away(away)) => away.into(),
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Err(LoginError::SlowDown)
    }

    /// Uses a proof up if the login is its key's, or becomes it, and this is more than a poll: a redeem that was
    /// overheard with its proof can neither be carried out nor pass as a replay.
    async fn use_up(&self, proof: &Proved, login: &Login, event: &Event) -> Result<(), LoginError> {
        let now = self.clock.now();
        let counts = match login.apply(event, now) {
            Ok(_) => true,
            Err(Refusal::Replayed(_)) => login.key() == Some(proof.key()),
            Err(_) => false,
        };
        if !counts {
            return Ok(());
        }
        match proof.use_up(&*self.store, now).await? {
            FirstUse::Yes => Ok(()),
            FirstUse::No => Err(LoginError::ProofUsed),
            FirstUse::Full => Err(LoginError::FullOfProofs),
        }
    }

    async fn is_unused(&self, login: &Login) -> Result<bool, LoginError> {
        let State::LoggedIn { session, .. } = login.state else { return Ok(true) };
        let session = self.store.pc_by_id(session, self.clock.now()).await?;
        Ok(session.is_some_and(|valid| !valid.session.used))
    }

    /// What a redeem does to the PC session: begins it, or gives it fresh tokens.
    fn session_of(&self, before: &Login, step: &Step, tokens: &mut Option<Tokens>) -> Option<SessionWrite> {
        let State::LoggedIn { scan, session, .. } = &step.login.state else { return None };
        let (now, request, key) = (self.clock.now(), &step.login.request, step.login.key());
        let tag = step.login.id.tag();
        let fresh = Tokens::generate(tag, request.scope.clone(), key.is_some(), &*self.random);
        let made = tokens.insert(fresh);
        if matches!(before.state, State::LoggedIn { .. }) {
            return Some(SessionWrite::Reissue(*session, made.record(now)));
        }
        Some(SessionWrite::Begin(Box::new(PcSession {
            id: *session,
            account: scan.by.account,
            granted_by: scan.by.phone,
            login: step.login.id,
            client_id: request.client_id.clone(),
            scope: request.scope.clone(),
            device_name: request.device_name.clone(),
            ip: request.ip,
            key,
            created_at: now,
            last_seen_at: now,
            tokens: made.record(now),
            used: false,
        })))
    }
}

/// A redeem that was carried out without a session: the digits were wrong, and that is written down.
fn unchecked(login: &Login) -> LoginError {
    LoginError::Refused(match login.state.check() {
        Some(check) => Refusal::Unchecked { tries_left: check.tries_left },
        None => Refusal::AccessDenied,
    })
}
