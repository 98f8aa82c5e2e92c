//! What the pages for people say, in each language: see [`shared::words`] for how a message is added.
//!
//! All else that the server says is for programs, or for whoever runs it, and in English.

pub(crate) mod chinese;
pub(crate) mod english;
