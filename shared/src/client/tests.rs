//! The client against scripted servers, and against networks that meddle.

mod feed;
mod network;
