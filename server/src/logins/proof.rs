//! The key that a caller has proved, and that each proof counts once.

use jiff::Timestamp;
use shared::dpop::Thumbprint;
use tokio::sync::OnceCell;

use crate::store::{FirstUse, ProofId, Store, StoreError};

/// The key that a caller has proved, if any.
pub type ProvedKey = Option<Thumbprint>;

/// A proof that is good for this call, and has yet to be used up by it.
#[derive(Debug)]
pub struct Proved {
    key: Thumbprint,
    id: ProofId,
    first: OnceCell<FirstUse>,
}

impl Proved {
    /// A proof of this key, which is known by this id.
    #[must_use]
    pub fn new(key: Thumbprint, id: ProofId) -> Self {
        Self { key, id, first: OnceCell::new() }
    }

    /// The key.
    #[must_use]
    pub fn key(&self) -> Thumbprint {
        self.key
    }

    /// Uses the proof up, once for this call, however often the call is tried. Only for a call that is about to do
    /// something: what is refused anyway takes no room among the used ones, or junk could fill it.
    ///
    /// # Errors
    /// The store's.
    pub async fn use_up(&self, store: &dyn Store, now: Timestamp) -> Result<FirstUse, StoreError> {
        self.first.get_or_try_init(|| store.first_use(self.id, now)).await.copied()
    }
}
