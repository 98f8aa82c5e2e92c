//! The client against scripted servers, and against networks that meddle.

mod calls;
mod canned;
mod errors;
mod feed;
mod network;
mod notifications;
mod proofs;
