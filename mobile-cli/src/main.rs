//! The phone, as a command line.

mod decode;

fn main() {}
