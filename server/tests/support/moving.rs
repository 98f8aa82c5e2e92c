//! Slots of a cluster that are on their way to another node.

use super::Redis;

/// A slot on its way from one node to another.
pub(crate) struct Moving<'a> {
    redis: &'a Redis,
    from: usize,
    to: usize,
    slot: String,
}

impl<'a> Moving<'a> {
    /// Begins to move the slot of a key, and moves nothing yet.
    pub(crate) fn begin(redis: &'a Redis, key: &str) -> Self {
        let (from, slot) = (redis.owner_of(key).unwrap(), redis.cli(0, &["CLUSTER", "KEYSLOT", key]));
        let moving = Self { redis, from, to: (from + 1) % redis.len(), slot: slot.trim().to_owned() };
        moving.set(moving.to, &["IMPORTING", &moving.id(from)]);
        moving.set(from, &["MIGRATING", &moving.id(moving.to)]);
        moving
    }

    fn id(&self, number: usize) -> String {
        self.redis.cli(number, &["CLUSTER", "MYID"]).trim().to_owned()
    }

    fn set(&self, at: usize, how: &[&str]) {
        let said = self.redis.cli(at, &[&["CLUSTER", "SETSLOT", &self.slot], how].concat());
        assert_eq!(said.trim(), "OK");
    }

    /// The keys that are still where they were.
    pub(crate) fn left(&self) -> Vec<String> {
        let keys = self.redis.cli(self.from, &["CLUSTER", "GETKEYSINSLOT", &self.slot, "1000"]);
        keys.lines().filter(|key| !key.is_empty()).map(str::to_owned).collect()
    }

    /// How many keys are where it goes.
    pub(crate) fn arrived(&self) -> usize {
        self.redis.cli(self.to, &["CLUSTER", "COUNTKEYSINSLOT", &self.slot]).trim().parse().unwrap()
    }

    /// Moves some of its keys.
    pub(crate) fn migrate(&self, keys: &[String]) {
        let to = self.redis.addr_of(self.to);
        let (host, port) = to.split_once(':').unwrap();
        for key in keys {
            let said = self.redis.cli(self.from, &["MIGRATE", host, port, key, "0", "5000"]);
            assert!(["OK", "NOKEY"].contains(&said.trim()), "{said}");
        }
    }

    /// Moves the rest.
    pub(crate) fn end(self) {
        self.migrate(&self.left());
        for at in [self.to, self.from] {
            self.set(at, &["NODE", &self.id(self.to)]);
        }
    }
}
