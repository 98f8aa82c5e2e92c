//! The project's own commands: `cargo xtask test`, `demo`, `terminals`, `decode-bench`, `load` and `fuzz`.
//!
//! They start the real programs and look at what comes of it, nothing more.

mod decode_bench;
mod demo;
mod fuzz;
mod load;
#[cfg(test)]
mod readme;
mod redis;
#[cfg(test)]
mod security;
mod terminals;
mod test;
#[cfg(test)]
mod words;

use std::ffi::OsString;
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
    /// Shows the login screen in real terminals, and reads the code off their windows.
    Terminals(terminals::Options),
    /// Looks for input that breaks something, with cargo-fuzz.
    Fuzz(fuzz::Options),
    /// Measures what the server costs, beside the bare limit.
    Load(load::Options),
    /// Says how many pictures of a folder are read, and how fast, beside zbar and zxing-cpp where they are
    /// installed.
    DecodeBench(decode_bench::Options),
}

/// The repository.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("."))
}

/// Where programs are looked for: also where Debian has servers, which not everybody has in their `PATH`.
fn path() -> OsString {
    let mut path = std::env::var_os("PATH").unwrap_or_default();
    path.push(":/usr/sbin");
    path
}

/// Whether a program is installed.
fn answers(program: &str, args: &[&str]) -> bool {
    Command::new(program)
        .args(args)
        .env("PATH", path())
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
        Task::Terminals(options) => terminals::run(&options),
        Task::Fuzz(options) => fuzz::run(&options),
        Task::Load(options) => load::run(&options),
        Task::DecodeBench(options) => decode_bench::run(&options),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}
