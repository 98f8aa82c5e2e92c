//! The server as its users meet it: over a real socket, with a clock that the test holds.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

mod check_code;
mod crash;
mod errors;
mod faults;
mod logins;
mod monitor;
mod oauth;
mod phone;
mod program;
mod review;
mod stock_client;
#[path = "../support/mod.rs"]
mod support;
mod table;
