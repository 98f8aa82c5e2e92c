//! What the program says, in each language: see [`shared::words`] for how a message is added.
//!
//! `app` makes a [`Text`](shared::words::Text) of what it says, in all
//! languages; the screen and the lines say it in the one that is read.

pub(crate) mod chinese;
pub(crate) mod english;
pub(crate) mod help;
