//! What is kept on disk: the phone's session, and the login that was scanned last.
//!
//! ```text
//! <state dir>/mobile-cli.https@login.example.com@8443.phone.json   the session at one server
//! <state dir>/mobile-cli.https@login.example.com@8443.scan.json    the login scanned last there
//! ```
//!
//! Two files, so that no command ever changes half of one while another
//! command changes the other half: each is written whole, beside its place,
//! and put into it in one move. Only the user can read them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use shared::api::{Account, LoginRequest, PhoneLoggedIn, Scanned};
use shared::code::PublicUrl;
use shared::disk::{self, Readers, make_private, server_name, shown, write_whole};
use shared::exit::Exit;
use shared::id::SessionId;
use shared::secret::{ConfirmToken, PhoneToken, Token};
use shared::words::Text;
use shared::{say, to_say};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// The phone's session.
#[expect(clippy::struct_field_names, reason = "the names are those on the wire")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Phone {
    /// The server that it is for. The token is shown to no other.
    server: String,
    pub(crate) phone_token: Token<PhoneToken>,
    pub(crate) account: Account,
    pub(crate) session_id: SessionId,
}

/// A login that was scanned, and is to be decided.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Scan {
    /// As the session's.
    server: String,
    /// The phone session that scanned: only it can decide.
    phone: SessionId,
    pub(crate) confirm_token: Token<ConfirmToken>,
    /// When it expires, by this machine's clock. The server's counts.
    pub(crate) expires_at: Timestamp,
    pub(crate) login: LoginRequest,
}

/// Why something can't be kept or read.
#[derive(Debug)]
pub(crate) enum KeepError {
    /// The directory or a file fails.
    Io {
        /// Which.
        path: PathBuf,
        /// How.
        source: io::Error,
    },
    /// A file holds something else. Which, and how to get a new one.
    Corrupt(Text),
    /// This system has no directory for such things.
    NoPlace,
}

impl From<KeepError> for Failure {
    fn from(error: KeepError) -> Self {
        match error {
            KeepError::Io { path, source } => {
                Self::io(Text::of_io(&source).map(|lang, why| say!(lang, cant_use(shown(&path), why))))
            }
            KeepError::Corrupt(text) => Self::new(Exit::NotLoggedIn, "corrupt_state", text),
            KeepError::NoPlace => Self::usage(to_say!(no_home())),
        }
    }
}

/// What one kind of file holds.
trait Kept: Serialize + DeserializeOwned {
    const NAME: &'static str;

    /// That something else is in the file, and how to get a new one.
    fn corrupt(path: &Path) -> Text;
    fn server(&self) -> &str;
}

impl Kept for Phone {
    const NAME: &'static str = "phone";

    fn corrupt(path: &Path) -> Text {
        to_say!(phone_file_corrupt(shown(path)))
    }

    fn server(&self) -> &str {
        &self.server
    }
}

impl Kept for Scan {
    const NAME: &'static str = "scan";

    fn corrupt(path: &Path) -> Text {
        to_say!(scan_file_corrupt(shown(path)))
    }

    fn server(&self) -> &str {
        &self.server
    }
}

/// The place for what belongs to one server.
#[derive(Debug)]
pub(crate) struct Keep {
    folder: PathBuf,
    server: PublicUrl,
}

impl Keep {
    /// The place for `server` below `folder`, or below the user's state directory. Nothing is made before
    /// there is something to keep.
    pub(crate) fn of(folder: Option<PathBuf>, server: &PublicUrl) -> Result<Self, KeepError> {
        let folder = folder.or_else(disk::folder).ok_or(KeepError::NoPlace)?;
        Ok(Self { folder, server: server.clone() })
    }

    /// The session, if this phone is logged in.
    pub(crate) fn phone(&self) -> Result<Option<Phone>, KeepError> {
        self.load()
    }

    /// Keeps a session in place of the one before, whose scan is of no more use.
    pub(crate) fn keep_phone(&self, answer: &PhoneLoggedIn) -> Result<(), KeepError> {
        self.remove::<Scan>()?;
        self.save(&Phone {
            server: self.server.as_str().to_owned(),
            phone_token: answer.phone_token.clone(),
            account: answer.account.clone(),
            session_id: answer.session_id,
        })
    }

    /// Forgets a session, unless another command has put a newer one in its place.
    pub(crate) fn forget_phone(&self, phone: &Phone) -> Result<(), KeepError> {
        match self.phone()? {
            Some(kept) if kept.session_id != phone.session_id => Ok(()),
            _ => self.remove::<Scan>().and_then(|()| self.remove::<Phone>()),
        }
    }

    /// The login that this session scanned last, if it is still to be decided.
    pub(crate) fn scan(&self, phone: &Phone) -> Result<Option<Scan>, KeepError> {
        Ok(self.load::<Scan>()?.filter(|scan| scan.phone == phone.session_id))
    }

    /// Keeps a scan in place of the one before.
    pub(crate) fn keep_scan(
        &self,
        phone: &Phone,
        answer: &Scanned,
        now: Timestamp,
    ) -> Result<Scan, KeepError> {
        let left = i64::try_from(answer.expires_in)
            .map_or(jiff::SignedDuration::MAX, jiff::SignedDuration::from_secs);
        let scan = Scan {
            server: self.server.as_str().to_owned(),
            phone: phone.session_id,
            confirm_token: answer.confirm_token.clone(),
            expires_at: now.checked_add(left).unwrap_or(Timestamp::MAX),
            login: answer.login.clone(),
        };
        self.save(&scan)?;
        Ok(scan)
    }

    /// Forgets a scan, unless another command has put a newer one in its place.
    pub(crate) fn forget_scan(&self, scan: &Scan) -> Result<(), KeepError> {
        match self.load::<Scan>()? {
            Some(kept) if kept.confirm_token.expose() != scan.confirm_token.expose() => Ok(()),
            _ => self.remove::<Scan>(),
        }
    }

    fn load<T: Kept>(&self) -> Result<Option<T>, KeepError> {
        let path = self.path::<T>();
        let text = match fs::read(&path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(KeepError::Io { path, source }),
        };
        match serde_json::from_slice::<T>(&text) {
            Ok(kept) if kept.server() == self.server.as_str() => Ok(Some(kept)),
            _ => Err(KeepError::Corrupt(T::corrupt(&path))),
        }
    }

    fn save<T: Kept>(&self, kept: &T) -> Result<(), KeepError> {
        let path = self.path::<T>();
        let write = || {
            make_private(&self.folder)?;
            let text = Zeroizing::new(serde_json::to_vec(kept)?);
            write_whole(&path, &text, Readers::Owner)
        };
        write().map_err(|source| KeepError::Io { path: path.clone(), source })
    }

    fn remove<T: Kept>(&self) -> Result<(), KeepError> {
        let path = self.path::<T>();
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(KeepError::Io { path, source }),
            _ => Ok(()),
        }
    }

    fn path<T: Kept>(&self) -> PathBuf {
        self.folder.join(format!("mobile-cli.{}.{}.json", server_name(&self.server), T::NAME))
    }
}

#[cfg(test)]
mod tests;
