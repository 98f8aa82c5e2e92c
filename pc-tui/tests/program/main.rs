//! The program itself, as scripts and people start it, against a server that plays what it is told.
//!
//! The server's part is played by a stand-in ([`fake`]), because these tests
//! are about what the program does when a server answers late, lies, or goes
//! away. Only where all depends on what the server makes of a session, it is
//! the real one ([`real`]).

#![expect(clippy::unwrap_used, reason = "a test that can't go on has failed")]

mod fake;
mod lines;
mod program;
mod real;
#[cfg(target_os = "linux")]
mod screen;
mod session;
mod unclean;
