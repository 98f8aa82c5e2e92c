//! `load`: what the server costs, as a ratio to the bare limit in the same run.
//!
//! ```text
//!   core 0: the server, or the bare one    <=== sockets ===>    core 1: PCs and phones
//! ```
//!
//! A figure in requests per second is worth nothing on another machine, and little on this one an hour later. So each
//! is measured in turns with a server that does nothing but HTTP, [`bare`], and only the ratio is told, as the median
//! over several rounds. What disturbs a machine most is seen by a [`probe`] of its disk before and after.
//!
//! | module | holds |
//! | --- | --- |
//! | [`args`] | what may be asked for |
//! | [`servers`] | the programs that are measured: started, watched, stopped |
//! | [`wire`] | one connection that says prepared requests and reads answers: the load must cost less than what it loads |
//! | [`people`] | a PC and a phone, and one whole login of theirs |
//! | [`rounds`] | many at once, for a while, and what came of it |
//! | [`ratios`] | what is measured |

mod args;
mod bare;
mod people;
mod probe;
mod ratios;
mod rounds;
mod servers;
mod wire;

use clap::Parser as _;

#[expect(clippy::disallowed_methods, reason = "to measure is to look at the clock")]
fn now() -> std::time::Instant {
    std::time::Instant::now()
}

fn main() -> anyhow::Result<()> {
    let args = args::Args::parse();
    if let args::What::Bare = args.what {
        return bare::serve();
    }
    // One thread: what is measured has the other core to itself.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        match &args.what {
            args::What::Ratios(options) => ratios::run(options).await,
            args::What::Bare => Ok(()),
        }
    })
}
