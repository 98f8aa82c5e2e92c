//! The phone, as a command line.

mod args;
mod ask;
mod decode;
mod failure;
mod keep;
mod output;
mod show;

fn main() {}
