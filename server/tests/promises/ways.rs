//! The ways in which sessions end.

use std::time::Duration;

use server::store::{Account, Ending, PHONE_IDLE, PhoneSession, SESSION_LIFE};
use shared::api::NoticeKind;

use crate::world::{World, random};

/// A way in which a phone's session ends, and what it granted with it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    LoggedOut,
    EndedByAnother,
    PasswordChanged,
    PasswordChangedWithoutAny,
    Disabled,
    DisabledAndEnabled,
    Removed,
    Idle,
    Old,
}

pub(crate) const WAYS: [Way; 9] = [
    Way::LoggedOut,
    Way::EndedByAnother,
    Way::PasswordChanged,
    Way::PasswordChangedWithoutAny,
    Way::Disabled,
    Way::DisabledAndEnabled,
    Way::Removed,
    Way::Idle,
    Way::Old,
];

impl Way {
    /// Ends a phone's session. Answers with the world in which it has ended.
    pub(crate) async fn end(self, world: &World, account: &Account, phone: &PhoneSession) -> World {
        let name = &account.username;
        match self {
            Self::LoggedOut => {
                let ended = world.end_sessions(account.id, Ending::One(phone.id), None).await.unwrap();
                assert!(ended.contains(&phone.id));
            }
            Self::EndedByAnother => {
                let other = world.phone_of(account).await;
                let ended = world.end_sessions(account.id, Ending::Others(other.id), None).await.unwrap();
                assert!(ended.contains(&phone.id) && !ended.contains(&other.id));
            }
            Self::PasswordChanged => {
                let other = world.phone_of(account).await;
                assert!(world.change_password(account, 1, Some(other.id)).await);
            }
            Self::PasswordChangedWithoutAny => assert!(world.change_password(account, 1, None).await),
            Self::Disabled => assert!(world.set_enabled(name, false).await.unwrap()),
            Self::DisabledAndEnabled => {
                assert!(world.set_enabled(name, false).await.unwrap());
                assert!(world.set_enabled(name, true).await.unwrap());
            }
            Self::Removed => assert!(world.remove_account(name).await.unwrap()),
            Self::Idle => return world.later(PHONE_IDLE),
            Self::Old => {
                // Used all the time, and still at its end after a year.
                let mut age = Duration::ZERO;
                while age < SESSION_LIFE {
                    world.seen(phone.id, world.now + age).await.unwrap();
                    age += PHONE_IDLE / 2;
                }
                return world.later(SESSION_LIFE);
            }
        }
        world.clone()
    }
}

impl World {
    /// Changes a password. Answers whether it was still of that version.
    pub(crate) async fn change_password(
        &self,
        account: &Account,
        version: u64,
        keep: Option<shared::id::SessionId>,
    ) -> bool {
        let notice = self.notice(account.id, NoticeKind::PasswordChanged, random());
        let hash = format!("hash {}", version + 1);
        self.set_password(account.id, version, hash, keep, notice).await.unwrap().is_some()
    }
}
