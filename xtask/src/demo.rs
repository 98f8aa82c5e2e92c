//! `cargo xtask demo`: one login after the other, played by the real programs.
//!
//! ```text
//!                    +--------+   scan, confirm   +---------------+
//!   xtask, starts -> | server | <---------------- |  mobile-cli   | <- xtask, says when
//!   them and looks   +--------+                   | Alice's phone |
//!   at what they say     |  status                +---------------+
//!                        v                              ^
//!                    +--------+      qr.png             |
//!                    | pc-tui | ------------------------+
//!                    +--------+
//! ```
//!
//! On a terminal the login screen has the stage and the phone plays by itself ([`screen`]). Elsewhere the PC
//! speaks JSON, every line is checked, and a transcript is printed ([`transcript`]). All that is kept goes
//! into a temporary folder; whatever happens, no program outlives the demo.

pub(crate) mod cast;
pub(crate) mod running;
mod screen;
mod transcript;

use std::io::IsTerminal;
use std::process::ExitCode;

use cast::House;

/// How to play.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Leave the phone to you: prints the commands for a second terminal before the screen starts.
    #[arg(long)]
    manual: bool,
}

/// Plays. On failure says what was expected and seen, and what the programs logged.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let on_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    if options.manual && !on_terminal {
        anyhow::bail!("--manual needs a terminal for the login screen");
    }
    let house = House::build()?;
    let played = if on_terminal { screen::play(&house, options.manual) } else { transcript::play(&house) };
    if played.is_err() {
        house.print_logs();
    }
    played.map(|()| ExitCode::SUCCESS)
}
