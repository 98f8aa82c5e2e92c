//! How many logins are open, from where, and which one gives way when there are too many.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use shared::id::LoginId;
use shared::login::{Login, Status};

use crate::address::Address;
use crate::store::{Inserted, Map, OpenCaps};

/// The open logins. Every question is answered without a walk through them.
#[derive(Default)]
pub(super) struct Open {
    members: Map<LoginId, Member>,
    /// When they run out, so that a login stops counting without anybody writing that down.
    run_out: BTreeSet<(Timestamp, LoginId)>,
    places: HashMap<Option<Address>, Place>,
    /// The addresses that have something to give way, by how many open logins they have.
    crowd: BTreeSet<(u32, Option<Address>)>,
}

struct Member {
    address: Option<Address>,
    runs_out_at: Timestamp,
    /// When it was issued, if nobody has scanned it.
    unscanned_since: Option<Timestamp>,
}

/// One address.
#[derive(Default)]
struct Place {
    open: u32,
    unscanned: BTreeSet<(Timestamp, LoginId)>,
}

impl Open {
    /// Whether there is room for one more from `address`, once what has run out by `now` is gone.
    pub(super) fn judge(&mut self, address: Option<Address>, caps: OpenCaps, now: Timestamp) -> Inserted {
        while let Some((_, id)) = self.run_out.first().copied().filter(|(at, _)| *at <= now) {
            self.remove(id);
        }
        let here = self.places.get(&address).map_or(0, |place| place.open);
        if here >= caps.per_address {
            Inserted::AddressFull
        } else if self.members.len() >= caps.total as usize {
            Inserted::Full(self.gives_way())
        } else {
            Inserted::Done
        }
    }

    /// Counts a login, if it is open.
    pub(super) fn add(&mut self, login: &Login) {
        let Some(runs_out_at) = login.runs_out_at() else { return };
        let address = login.request.ip.map(Address::of);
        let unscanned_since = (login.state.status() == Status::Unscanned).then_some(login.issued_at);
        self.members.insert(login.id, Member { address, runs_out_at, unscanned_since });
        self.run_out.insert((runs_out_at, login.id));
        self.change(address, |place| {
            place.open += 1;
            place.unscanned.extend(unscanned_since.map(|since| (since, login.id)));
        });
    }

    /// A login has changed: it may be open no longer, or for another time, or no longer unscanned.
    pub(super) fn replace(&mut self, login: &Login) {
        let is_as_before = self.members.get(&login.id).is_some_and(|member| {
            Some(member.runs_out_at) == login.runs_out_at()
                && member.unscanned_since.is_some() == (login.state.status() == Status::Unscanned)
        });
        if !is_as_before {
            self.remove(login.id);
            self.add(login);
        }
    }

    /// Counts a login no more, if it was counted.
    pub(super) fn remove(&mut self, id: LoginId) {
        let Some(member) = self.members.remove(&id) else { return };
        self.run_out.remove(&(member.runs_out_at, id));
        self.change(member.address, |place| {
            place.open -= 1;
            if let Some(since) = member.unscanned_since {
                place.unscanned.remove(&(since, id));
            }
        });
    }

    /// The oldest unscanned login of the address that has the most.
    fn gives_way(&self) -> Option<LoginId> {
        let (_, address) = self.crowd.last()?;
        let (_, id) = self.places.get(address)?.unscanned.first()?;
        Some(*id)
    }

    fn change(&mut self, address: Option<Address>, change: impl FnOnce(&mut Place)) {
        let place = self.places.entry(address).or_default();
        self.crowd.remove(&(place.open, address));
        change(place);
        if !place.unscanned.is_empty() {
            self.crowd.insert((place.open, address));
        } else if place.open == 0 {
            self.places.remove(&address);
        }
    }
}

#[cfg(test)]
impl Open {
    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty() && self.run_out.is_empty() && self.places.is_empty() && self.crowd.is_empty()
    }
}
