//! The session on disk, so that the next start is logged in already.
//!
//! ```text
//! <state dir>/pc-tui.https@login.example.com@8443.json   the session of one server, 0600
//! <state dir>/pc-tui.https@login.example.com@8443.lock   held by the one process that uses it
//! <state dir>/pc-tui.key                                 this PC's own key, for all servers, 0600
//! ```
//!
//! One process at a time, because a refresh token works once: two processes
//! that renew the same session look to the server like a thief and its
//! victim, and it ends the session. For the same reason the new tokens are on
//! disk before they are used, and never half written. Only where somebody is
//! expected, a new session comes to disk no sooner than it is known to be theirs.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use shared::api::TokenAnswer;
use shared::code::PublicUrl;
use shared::disk::{Readers, make_private, server_name, shown, tighten, write_new, write_whole};
use shared::dpop::Key;
use shared::random::Random;
use shared::secret::{PcToken, RefreshToken, Token};
use shared::words::Text;
use shared::{say, to_say};
use zeroize::Zeroizing;

/// A PC session: what a login earned.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Session {
    /// The server that it is for. Tokens are shown to no other.
    pub(crate) server: String,
    /// When the login was.
    pub(crate) since: Timestamp,
    /// The access token.
    pub(crate) access_token: Token<PcToken>,
    /// When the access token was issued.
    pub(crate) access_since: Timestamp,
    /// When the access token runs out.
    pub(crate) access_until: Timestamp,
    /// Buys the next access token, once.
    pub(crate) refresh_token: Token<RefreshToken>,
}

impl Session {
    /// What a login earned at `now`.
    pub(crate) fn begun(server: &PublicUrl, answer: TokenAnswer, now: Timestamp) -> Self {
        Self {
            server: server.as_str().to_owned(),
            since: now,
            access_token: answer.access_token,
            access_since: now,
            access_until: after(now, answer.expires_in),
            refresh_token: answer.refresh_token,
        }
    }

    /// The same session with the tokens of a refresh.
    pub(crate) fn renewed(self, answer: TokenAnswer, now: Timestamp) -> Self {
        Self {
            access_token: answer.access_token,
            access_since: now,
            access_until: after(now, answer.expires_in),
            refresh_token: answer.refresh_token,
            ..self
        }
    }

    /// Whether it is time for new tokens: in the last quarter of the access token's life.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        let life_secs = self.access_until.as_second() - self.access_since.as_second();
        now.as_second() >= self.access_until.as_second() - life_secs / 4
    }
}

/// `secs` after `now`, whatever number a server may name.
pub(crate) fn after(now: Timestamp, secs: u64) -> Timestamp {
    let secs = i64::try_from(secs).unwrap_or(i64::MAX);
    now.checked_add(jiff::SignedDuration::from_secs(secs)).unwrap_or(Timestamp::MAX)
}

/// Why a session can't be kept or read.
#[derive(Debug)]
pub(crate) enum KeepError {
    Io { path: PathBuf, source: io::Error },
    InUse { server: String },
    BadKey(PathBuf),
    Unreadable { path: PathBuf, aside: PathBuf },
}

impl KeepError {
    /// What is wrong, and what to do about it.
    pub(crate) fn text(&self) -> Text {
        match self {
            Self::Io { path, source } => {
                Text::of_io(source).map(|lang, why| say!(lang, cant_use(shown(path), why)))
            }
            Self::InUse { server } => to_say!(in_use(server)),
            Self::BadKey(path) => to_say!(bad_key(shown(path))),
            Self::Unreadable { path, aside } => to_say!(unreadable_session(shown(path), shown(aside))),
        }
    }
}

/// This PC's own key: what its tokens are bound to, and what makes it known. Made at the first start.
pub(crate) fn key(folder: &Path, random: &dyn Random) -> Result<Key, KeepError> {
    make_private(folder).map_err(|source| KeepError::Io { path: folder.to_owned(), source })?;
    let path = folder.join("pc-tui.key");
    let failed = |source| KeepError::Io { path: path.clone(), source };
    match fs::exists(&path) {
        Ok(true) => {}
        Ok(false) => {
            let text = Key::generate(random).expose();
            // Of two that start at once, one makes it, and both read that one.
            write_new(&path, text.as_bytes(), Readers::Owner).map_err(failed)?;
        }
        Err(source) => return Err(failed(source)),
    }
    tighten(&path).map_err(failed)?;
    let text = Zeroizing::new(fs::read(&path).map_err(failed)?);
    let key = std::str::from_utf8(&text).ok().and_then(|text| Key::parse(text).ok());
    key.ok_or(KeepError::BadKey(path))
}

/// The place of one server's session. The lock is held as long as this lives.
#[derive(Debug)]
pub(crate) struct Keep {
    server: String,
    path: PathBuf,
    _lock: File,
}

impl Keep {
    /// Opens the place for `server` below `folder`, made if missing, for this process alone.
    pub(crate) fn open(folder: &Path, server: &PublicUrl) -> Result<Self, KeepError> {
        make_private(folder).map_err(|source| KeepError::Io { path: folder.to_owned(), source })?;
        let name = format!("pc-tui.{}", server_name(server));
        let lock_path = folder.join(format!("{name}.lock"));
        let failed = |source| KeepError::Io { path: lock_path.clone(), source };
        let lock = File::options().create(true).truncate(false).write(true).open(&lock_path);
        let lock = lock.map_err(failed)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(KeepError::InUse { server: server.as_str().to_owned() });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        Ok(Self {
            server: server.as_str().to_owned(),
            path: folder.join(format!("{name}.json")),
            _lock: lock,
        })
    }

    /// The session that was kept, if there is one. What can't be read is set aside, so that it is in
    /// nobody's way and still there to be looked at.
    pub(crate) fn load(&self) -> Result<Option<Session>, KeepError> {
        let text = match fs::read(&self.path) {
            Ok(text) => Zeroizing::new(text),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(self.failed(source)),
        };
        if let Ok(session) = serde_json::from_slice::<Session>(&text)
            && session.server == self.server
        {
            return Ok(Some(session));
        }
        let aside = self.path.with_extension("json.unreadable");
        fs::rename(&self.path, &aside).map_err(|source| self.failed(source))?;
        Err(KeepError::Unreadable { path: self.path.clone(), aside })
    }

    /// Keeps a session in place of the one before.
    ///
    /// If that fails, the one before is forgotten: its refresh token may be used up, and a second use
    /// would look like a theft.
    pub(crate) fn save(&self, session: &Session) -> Result<(), KeepError> {
        let written = serde_json::to_vec(session)
            .map(Zeroizing::new)
            .map_err(io::Error::other)
            .and_then(|text| write_whole(&self.path, &text, Readers::Owner));
        written.map_err(|source| {
            _ = self.forget();
            self.failed(source)
        })
    }

    /// Forgets the session.
    pub(crate) fn forget(&self) -> Result<(), KeepError> {
        match fs::remove_file(&self.path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(self.failed(source)),
            _ => Ok(()),
        }
    }

    fn failed(&self, source: io::Error) -> KeepError {
        KeepError::Io { path: self.path.clone(), source }
    }
}

#[cfg(test)]
mod tests;
