//! Texts that are secret, or may be.

use serde::{Deserialize, Serialize};

/// What was sent in a secret's place: it may be one, or anything. Zeroed when dropped, and never shown.
#[derive(Clone, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[serde(transparent)]
pub struct Unread(String);

impl Unread {
    /// Takes a text that is to be read as a secret.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The text itself, to be read.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for Unread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Unread")
    }
}

/// A password on its way. Zeroed when dropped, and never shown.
#[derive(Clone, Serialize, Deserialize, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// The fewest characters of a new one.
    pub const MIN_CHARS: usize = 8;
    /// The most characters of a new one.
    pub const MAX_CHARS: usize = 256;

    /// Takes a text as a password.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(text)
    }

    /// The password itself, to be hashed or sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether it may be chosen: 8 to 256 characters, any.
    #[must_use]
    pub fn is_acceptable(&self) -> bool {
        (Self::MIN_CHARS..=Self::MAX_CHARS).contains(&self.0.chars().count())
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password")
    }
}
