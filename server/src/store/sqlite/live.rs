//! The live logins, in memory, as the disk has them.
//!
//! ```text
//! insert:   reserve ------> disk ------> show          its codes and its place are taken at once,
//!                            \-- no ---> withdraw      nobody finds it before it is durable
//! commit:   .................disk ------> replace
//! purge:    .................disk ------> forget
//! ```
//!
//! Only the writer changes this, after the disk has agreed. So a read shows
//! only what is committed, and costs a look into a map.

mod open;

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::Timestamp;
use shared::id::{LoginId, SessionId};
use shared::login::Login;

use crate::address::Address;
use crate::store::{Inserted, LoginKey, Map, OpenCaps};
use open::Open;

/// The logins that have not been forgotten, and every way to find them.
#[derive(Default)]
pub(super) struct Live {
    logins: Map<LoginId, Held>,
    keys: Map<LoginKey, LoginId>,
    unfinished: Map<SessionId, BTreeSet<LoginId>>,
    due: BTreeSet<(Timestamp, LoginId)>,
    forgettable: BTreeSet<(Timestamp, LoginId)>,
    open: Open,
}

struct Held {
    login: Arc<Login>,
    /// Whether the disk has it.
    shown: bool,
}

impl Live {
    /// Takes a new login's codes and its place among the open ones, if all are free.
    pub(super) fn reserve(&mut self, login: &Arc<Login>, caps: OpenCaps) -> Inserted {
        let now = login.issued_at;
        let room = self.open.judge(login.request.ip.map(Address::of), caps, now);
        if room != Inserted::Done {
            return room;
        }
        if keys_of(login).any(|key| self.is_taken(&key, now)) {
            return Inserted::Taken;
        }
        self.keys.extend(keys_of(login).map(|key| (key, login.id)));
        self.open.add(login);
        self.logins.insert(login.id, Held { login: login.clone(), shown: false });
        Inserted::Done
    }

    /// The disk has a reserved login.
    pub(super) fn show(&mut self, id: LoginId) {
        if let Some(held) = self.logins.get_mut(&id) {
            held.shown = true;
            let login = held.login.clone();
            self.add_to_lists(&login);
        }
    }

    /// The disk has this instead of what was there.
    pub(super) fn replace(&mut self, login: Arc<Login>) {
        let Some(held) = self.logins.get_mut(&login.id).filter(|held| held.shown) else {
            self.keys.extend(keys_of(&login).map(|key| (key, login.id)));
            self.open.add(&login);
            self.add_to_lists(&login);
            self.logins.insert(login.id, Held { login, shown: true });
            return;
        };
        let before = std::mem::replace(&mut held.login, login.clone());
        // Its other codes never change.
        if !confirms_of(&before).eq(confirms_of(&login)) {
            for key in confirms_of(&before) {
                self.keys.remove(&key);
            }
            self.keys.extend(confirms_of(&login).map(|key| (key, login.id)));
        }
        self.open.replace(&login);
        self.remove_from_lists(&before);
        self.add_to_lists(&login);
    }

    /// The disk does not have it, or not any more.
    pub(super) fn forget(&mut self, id: LoginId) {
        let Some(Held { login, .. }) = self.logins.remove(&id) else { return };
        for key in keys_of(&login) {
            // It may be a newer login's by now.
            if self.keys.get(&key) == Some(&id) {
                self.keys.remove(&key);
            }
        }
        self.open.remove(id);
        self.remove_from_lists(&login);
    }

    /// Finds a login that the disk has.
    pub(super) fn find(&self, key: &LoginKey) -> Option<Arc<Login>> {
        let held = self.logins.get(self.keys.get(key)?)?;
        held.shown.then(|| held.login.clone())
    }

    /// The logins whose running out must be written down by `now`.
    pub(super) fn due(&self, now: Timestamp) -> Vec<LoginId> {
        self.due.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).collect()
    }

    /// The logins that this phone scanned and that have not ended.
    pub(super) fn unfinished(&self, phone: SessionId) -> Vec<LoginId> {
        self.unfinished.get(&phone).into_iter().flatten().copied().collect()
    }

    /// Some of the logins that may be forgotten by `now`, with when that came.
    pub(super) fn forgettable(&self, now: Timestamp, at_most: usize) -> Vec<LoginId> {
        self.forgettable.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id).take(at_most).collect()
    }

    fn is_taken(&self, key: &LoginKey, now: Timestamp) -> bool {
        let holder = self.keys.get(key).and_then(|id| self.logins.get(id));
        holder.is_some_and(|held| forgettable_at(&held.login).is_none_or(|at| now < at))
    }

    fn add_to_lists(&mut self, login: &Login) {
        self.due.extend(login.due_at().map(|at| (at, login.id)));
        self.forgettable.extend(forgettable_at(login).map(|at| (at, login.id)));
        if let Some(phone) = unfinished_by(login) {
            self.unfinished.entry(phone).or_default().insert(login.id);
        }
    }

    fn remove_from_lists(&mut self, login: &Login) {
        if let Some(at) = login.due_at() {
            self.due.remove(&(at, login.id));
        }
        if let Some(at) = forgettable_at(login) {
            self.forgettable.remove(&(at, login.id));
        }
        if let Some(phone) = unfinished_by(login)
            && let Some(logins) = self.unfinished.get_mut(&phone)
        {
            logins.remove(&login.id);
            if logins.is_empty() {
                self.unfinished.remove(&phone);
            }
        }
    }
}

/// When a login may be forgotten. Not before its owner was told what is due.
pub(super) fn forgettable_at(login: &Login) -> Option<Timestamp> {
    login.due_at().is_none().then(|| login.forgotten_at())
}

/// The phone that scanned it, while it has not ended.
fn unfinished_by(login: &Login) -> Option<SessionId> {
    let scan = login.state.scan()?;
    (!login.state.status().is_terminal()).then_some(scan.by.phone)
}

fn keys_of(login: &Login) -> impl Iterator<Item = LoginKey> {
    let digests = &login.digests;
    let codes = [
        LoginKey::Id(login.id),
        LoginKey::Scan(digests.scan),
        LoginKey::User(digests.user),
        LoginKey::Device(digests.device),
    ];
    codes.into_iter().chain(confirms_of(login))
}

fn confirms_of(login: &Login) -> impl Iterator<Item = LoginKey> {
    let confirms =
        login.state.scan().into_iter().flat_map(|scan| scan.replaced.iter().chain([&scan.confirm]));
    confirms.copied().map(LoginKey::Confirm)
}

#[cfg(test)]
mod tests;
