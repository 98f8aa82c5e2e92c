//! The project's own commands: `cargo xtask test` and `cargo xtask demo`.
//!
//! They start the real programs and look at what comes of it, nothing more.

mod demo;
#[cfg(test)]
mod readme;
mod redis;
#[cfg(test)]
mod security;
mod test;

use std::path::Path;
use std::process::ExitCode;

use clap::Parser;

/// The project's own commands.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
enum Task {
    /// Checks everything: formatting, lints, documentation and all tests.
    Test,
    /// Plays a whole login with the real programs: on a terminal the login screen, elsewhere a transcript
    /// that is checked line by line.
    Demo(demo::Options),
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Test => test::run(),
        Task::Demo(options) => demo::run(&options),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
