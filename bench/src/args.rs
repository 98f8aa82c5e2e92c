//! What may be asked for.

use std::path::PathBuf;

use anyhow::ensure;
use clap::{Args as Arguments, Parser, Subcommand};

/// Measures the server against the bare limit.
#[derive(Parser)]
#[command(version, about)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Subcommand)]
pub(crate) enum What {
    /// Requests and whole logins per second, beside bare axum.
    Ratios(Ratios),
    /// The bare server itself.
    #[command(hide = true)]
    Bare,
}

/// What all have in common.
#[derive(Arguments)]
pub(crate) struct Common {
    /// The server to measure; by default the one that was built beside this program.
    #[arg(long, value_name = "FILE")]
    server: Option<PathBuf>,
    /// Also a store to measure beside SQLite: redis://HOST:PORT or redis-cluster://HOST:PORT,…
    #[arg(long, value_name = "STORE")]
    pub(crate) redis: Option<String>,
    /// Results as one JSON object.
    #[arg(long)]
    pub(crate) json: bool,
}

impl Common {
    /// The server to measure.
    pub(crate) fn server(&self) -> anyhow::Result<PathBuf> {
        let server = match &self.server {
            Some(server) => server.clone(),
            None => std::env::current_exe()?.with_file_name("server"),
        };
        ensure!(server.exists(), "{} is missing: cargo build --release -p server", server.display());
        Ok(server)
    }
}

#[derive(Arguments)]
pub(crate) struct Ratios {
    #[command(flatten)]
    pub(crate) common: Common,
    /// The seconds of each measurement.
    #[arg(long, value_name = "N", default_value_t = 3)]
    pub(crate) secs: u64,
    /// How often each is measured, in turns.
    #[arg(long, value_name = "N", default_value_t = 5)]
    pub(crate) rounds: usize,
    /// How many connections ask at once; a login takes two.
    #[arg(long, value_name = "N", default_value_t = 64)]
    pub(crate) connections: usize,
    /// Only what has this in its name; may be given several times.
    #[arg(long, value_name = "TEXT")]
    pub(crate) only: Vec<String>,
}
