//! Several servers on one Redis: whatever a login needs may happen on another node each time, and nodes, shards and
//! networks may fail.

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod balancers;
mod expiry;
mod failover;
mod history;
mod load;
mod measure;
mod moving;
mod network;
mod programs;
mod restart;
mod shares;
mod spread;
mod vouching;

#[path = "../support/mod.rs"]
mod support;
