//! 1. A login is issued: its codes are made, and room is found for it.

use shared::code::{ScanCode, UserCode};
use shared::id::LoginId;
use shared::login::{Digests, Event, Login, Request};
use shared::secret::{DeviceCode, Token};

use super::{LoginError, Logins, TRIES};
use crate::store::{Inserted, LoginKey};

/// A new login: its record, and the codes, which exist only here and in the answer.
pub struct Issued {
    /// The record.
    pub login: Login,
    /// For the QR.
    pub scan_code: ScanCode,
    /// For typing.
    pub user_code: UserCode,
    /// For the PC alone.
    pub device_code: Token<DeviceCode>,
}

impl Logins {
    /// 1. Issues a login.
    ///
    /// # Errors
    /// [`LoginError::TooManyOpen`] past the caps, or the store's.
    pub async fn issue(&self, request: Request) -> Result<Issued, LoginError> {
        let mut turn = None;
        for _ in 0..TRIES {
            let issued = self.make(request.clone());
            match self.store.insert(issued.login.clone(), self.limits.open_caps()).await? {
                Inserted::Done => return Ok(issued),
                Inserted::Taken => {}
                Inserted::AddressFull | Inserted::Full(None) => return Err(LoginError::TooManyOpen),
                // One at a time: all at once would end the same login, for one of them to take its place.
                Inserted::Full(Some(_)) if turn.is_none() => turn = Some(self.making_room.lock().await),
                Inserted::Full(Some(victim)) => {
                    let evicted = self.step(LoginKey::Id(victim), None, &Event::Evict).await;
                    // Evicted, or it moved on by itself: either way there may be room now.
                    if let Err(LoginError::Away(away)) = evicted {
                        return Err(away.into());
                    }
                }
            }
        }
        Err(LoginError::TooManyOpen)
    }

    fn make(&self, request: Request) -> Issued {
        let (now, random) = (self.clock.now(), &*self.random);
        let id = LoginId::generate(now, random);
        let scan_code = ScanCode::generate(id.tag(), random);
        let user_code = UserCode::generate(random);
        let device_code = Token::generate(id.tag(), random);
        let digests = Digests {
            scan: scan_code.digest(),
            user: user_code.digest(&self.secret),
            device: device_code.digest(),
        };
        let login = Login::new(id, digests, request, now, self.lifetime);
        Issued { login, scan_code, user_code, device_code }
    }
}
