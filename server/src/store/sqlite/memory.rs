//! What the writer's transactions make true in memory.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use super::kept::Kept;
use super::live::Live;
use super::uses::Uses;
use super::writer::Effect;
use crate::clock::Clock;
use crate::store::hub::{Hub, Topic};

/// What is known without the disk, and never runs ahead of it.
pub(super) struct Memory {
    live: RwLock<Live>,
    pub(super) kept: Kept,
    pub(super) uses: Uses,
    pub(super) hub: Hub,
}

impl Memory {
    /// What is known at the start.
    pub(super) fn of(live: Live, kept: Kept, clock: Clock) -> Self {
        Self { live: RwLock::new(live), kept, uses: Uses::default(), hub: Hub::new(clock) }
    }

    /// The live logins, to be read.
    pub(super) fn live(&self) -> RwLockReadGuard<'_, Live> {
        self.live.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The live logins, for the writer only.
    pub(super) fn live_mut(&self) -> RwLockWriteGuard<'_, Live> {
        self.live.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes true what is durable. Answers whom to wake.
    pub(super) fn publish(&self, effects: Vec<Effect>) -> Vec<Topic> {
        if effects.is_empty() {
            return Vec::new();
        }
        let mut topics = Vec::with_capacity(effects.len());
        let mut live = self.live_mut();
        for effect in effects {
            match effect {
                Effect::Show(login) => live.show(login),
                Effect::Replace(login) => {
                    topics.push(Topic::Login(login.id));
                    live.replace(login);
                }
                Effect::Forget(login) => live.forget(login),
                Effect::Entered(entry) => self.kept.entered(&entry),
                Effect::Posted(entry) => self.kept.posted(&entry),
                Effect::SessionChanged(session) => self.kept.remove(session),
                Effect::SessionsChanged => self.kept.remove_all(),
                Effect::Seen(session, at) => self.uses.told(session, at),
                Effect::Settle(session) => self.uses.settle(session),
                Effect::Wake(topic) => topics.push(topic),
            }
        }
        topics
    }

    /// Takes back what was held for what will not be durable.
    pub(super) fn undo(&self, effects: impl Iterator<Item = Effect>) {
        for effect in effects {
            match effect {
                Effect::Show(login) => self.live_mut().forget(login),
                Effect::Settle(session) => self.uses.settle(session),
                Effect::Seen(session, at) => self.uses.not_told(session, at),
                Effect::Replace(_)
                | Effect::Forget(_)
                | Effect::Entered(_)
                | Effect::Posted(_)
                | Effect::SessionChanged(_)
                | Effect::SessionsChanged
                | Effect::Wake(_) => {}
            }
        }
    }
}
