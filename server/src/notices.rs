//! What an account's owner is told, as it is shown.

use std::sync::Arc;

use shared::api::{NoticeKind, Notification};
use shared::id::AccountId;

use crate::store::{KeptNotice, Store, StoreError, Topic, Watch};

/// Reads notices.
pub struct Notices {
    store: Arc<dyn Store>,
}

impl Notices {
    /// Reads from `store`.
    pub fn new(store: Arc<dyn Store>) -> Self {
        Self { store }
    }

    /// Notices with ids above `after`, oldest first, 100 at most.
    ///
    /// # Errors
    /// The store's.
    pub async fn after(&self, account: AccountId, after: u64) -> Result<Vec<Notification>, StoreError> {
        Ok(self.store.notices(account, after).await?.into_iter().map(shown).collect())
    }

    /// Hears of new notices, and of ended sessions, of an account.
    #[must_use]
    pub fn watch(&self, account: AccountId) -> Watch {
        self.store.watch(Topic::Account(account))
    }
}

fn shown(kept: KeptNotice) -> Notification {
    let KeptNotice { id, count, notice } = kept;
    Notification {
        id,
        kind: notice.kind,
        at: notice.at,
        count,
        device_name: notice.device_name,
        ip: notice.ip.map(|ip| ip.to_string()),
        session_id: notice.session,
        advice: advice(notice.kind).map(str::to_owned),
    }
}

/// What to do about it, where there is something to do.
fn advice(kind: NoticeKind) -> Option<&'static str> {
    match kind {
        NoticeKind::LoggedIn => Some("If that was not you, end the session and change the password."),
        NoticeKind::SecondScanRefused | NoticeKind::ConfirmFromAnotherPhone => Some(
            "If that was not a phone of yours, somebody else sees your PC's screen: deny, and log in again where nobody can see it.",
        ),
        NoticeKind::TokenReplayed => Some(
            "A stolen token was used, so the PC's session has ended. Log in again, and change the password if you don't know how it was stolen.",
        ),
        NoticeKind::PasswordChanged => {
            Some("If that was not you, ask whoever runs the server to disable the account.")
        }
        NoticeKind::LoginNotFinished => Some(
            "The PC never finished this login, and it has expired. Nobody was logged in; scan a new code.",
        ),
        NoticeKind::LoginConfirmed | NoticeKind::LoginDenied => None,
    }
}
