//! What the server issued: the part of a login that everybody may see.

use std::fmt;

use shared::api::DeviceAuthorization;
use shared::code::UserCode;
use shared::to_say;
use shared::words::Text;

use crate::qr::Code;

/// A login's codes, ready to be shown.
pub(crate) struct Issued {
    /// What the QR holds, exactly as the server sent it.
    pub(crate) link: String,
    /// The link as a QR code.
    pub(crate) code: Code,
    /// The short form, for typing.
    pub(crate) user_code: UserCode,
    /// How long the codes work, in seconds.
    pub(crate) expires_in: u64,
}

/// Why a link can't be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BadLink {
    Characters,
    Length,
}

impl BadLink {
    pub(crate) fn text(self) -> Text {
        match self {
            Self::Characters => to_say!(strange_link()),
            Self::Length => to_say!(endless_link(MAX_LINK)),
        }
    }
}

/// The longest link that is drawn. Ours are below 100; a code of this length no longer fits any screen.
const MAX_LINK: usize = 512;

impl Issued {
    /// Checks what the server sent: a link of visible ASCII characters can neither move the cursor nor
    /// pretend to be another.
    pub(crate) fn of(answer: &DeviceAuthorization) -> Result<Self, BadLink> {
        let link = answer.verification_uri_complete.clone();
        if link.is_empty() || !link.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(BadLink::Characters);
        }
        if link.len() > MAX_LINK {
            return Err(BadLink::Length);
        }
        let code = Code::new(&link).map_err(|_| BadLink::Length)?;
        Ok(Self { link, code, user_code: answer.user_code.clone(), expires_in: answer.expires_in })
    }
}

impl fmt::Debug for Issued {
    /// Its codes are public, but live: they belong on the screen, not in a log.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Issued")
    }
}
