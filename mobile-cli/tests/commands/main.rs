//! Whole commands: the real program against a small server that does as it is told.
//!
//! ```text
//! Phone: the program, its state directory     Fake: answers from a script,
//!        what it printed, its exit code  ---->      remembers what it was asked,
//! Terminal: a person who types                      counts connections
//! ```

#![expect(clippy::unwrap_used, reason = "in a test, a panic is the report")]

mod account;
#[cfg(target_os = "linux")]
mod bombs;
mod decide;
mod decode;
#[cfg(unix)]
mod desktop;
mod fake;
mod foreign;
#[cfg(target_os = "linux")]
mod hostile;
mod language;
mod notifications;
mod phone;
mod real;
mod scan;
mod sessions;
#[cfg(unix)]
mod terminal;
mod unclean;
