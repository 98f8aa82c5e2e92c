//! The Saoma server.
//!
//! ```text
//! http/ ---> logins ---> shared::login      what comes of an event: pure
//!   |           \-----> store               what is kept: one commit per step
//!   \--> accounts, sessions, notices, limits ---^
//! ```

pub mod accounts;
pub mod address;
pub mod clock;
pub mod limits;
pub mod logins;
pub mod notices;
pub mod sessions;
pub mod store;
