//! What the server, the PC and the phone must agree on.
//!
//! Everything here is pure: no clock, no store, no network, except behind the
//! features `client`, `disk` and `help`. Read it in this order:
//!
//! | module | holds |
//! | --- | --- |
//! | [`id`] | ids of accounts, sessions and logins, and the [`Tag`](id::Tag) that says where they live |
//! | [`secret`] | one type per kind of secret, and the digest that is all a store ever sees |
//! | [`dpop`] | proofs of possession: the PC's key, and what is signed with it |
//! | [`code`] | the scan code, the user code, and the URL in the QR |
//! | [`name`] | user names, and what a PC claims about itself |
//! | [`text`] | a text in a number of columns |
//! | [`lang`], [`words`] | the languages that people read, and messages in each |
//! | [`login`] | the state machine of one login |
//! | [`api`] | the bodies on the wire |
//! | [`problem`] | every failure: its name, its HTTP status, its words |
//! | `client` | the typed client, and the PC's status feed |
//! | `help` | the help of a command line in other languages |
//! | `disk` | files that are whole or not there, for what the clients keep |

pub mod api;
#[cfg(feature = "client")]
pub mod client;
pub mod code;
#[cfg(feature = "disk")]
pub mod disk;
pub mod dpop;
pub mod exit;
#[cfg(feature = "help")]
pub mod help;
pub mod id;
pub mod lang;
pub mod login;
pub mod name;
pub mod problem;
pub mod random;
pub mod secret;
pub mod text;
pub mod words;
