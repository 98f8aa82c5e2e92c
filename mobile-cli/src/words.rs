//! What the program says, in each language: see [`shared::words`] for how a message is added.
//!
//! Why a command failed is a [`Text`](shared::words::Text), in all languages:
//! the person reads their own, and `--json` tells it in English.

pub(crate) mod chinese;
pub(crate) mod english;
pub(crate) mod help;
