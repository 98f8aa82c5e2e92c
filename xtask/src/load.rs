//! `cargo xtask load`: what the server costs beside the bare limit, measured with the release build of both.

use std::process::{Command, ExitCode};

use anyhow::Context;

use crate::root;

/// What is handed on to the load itself.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// What to measure and how; `cargo xtask load help` says what there is.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, value_name = "ARGUMENTS")]
    arguments: Vec<String>,
}

/// Builds both, and measures.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let arguments = ["build", "--release", "--locked", "-p", "server", "-p", "bench"];
    let built = Command::new("cargo").args(arguments).current_dir(root()).status();
    if !built.context("cargo can't be started")?.success() {
        return Ok(ExitCode::FAILURE);
    }
    let arguments = ["run", "--quiet", "--release", "--locked", "-p", "bench", "--bin", "load", "--"];
    let status = Command::new("cargo").args(arguments).args(&options.arguments).current_dir(root()).status();
    let status = status.context("cargo can't be started")?;
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
