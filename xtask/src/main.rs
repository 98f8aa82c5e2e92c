//! The project's own commands: `cargo xtask test`, `cargo xtask demo` and `cargo xtask fuzz`.
//!
//! They start the real programs and look at what comes of it, nothing more.

mod demo;
mod fuzz;
#[cfg(test)]
mod readme;
mod redis;
#[cfg(test)]
mod security;
mod test;
#[cfg(test)]
mod words;

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

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
    /// Looks for input that breaks something, with cargo-fuzz.
    Fuzz(fuzz::Options),
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Whether a program is installed.
fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

fn main() -> ExitCode {
    let done = match Task::parse() {
        Task::Test => test::run(),
        Task::Demo(options) => demo::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
