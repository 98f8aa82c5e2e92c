//! The phone, as a command line.
//!
//! ```text
//! arguments --args--> what to do --run--> one function per command --> exit code
//!                                          |      |      |      |
//!                                       decode   keep   ask    show
//!                                    a picture's what  what a  what a
//!                                          texts is on person  person
//!                                                disk  says    sees
//! ```
//!
//! `decode` is the library of this package, which other programs may use too.
//!
//! What is on the wire is [`shared::client`]'s business alone.

mod args;
mod ask;
mod failure;
mod keep;
mod output;
mod run;
mod show;
mod words;

use std::process::ExitCode;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shared::lang::Lang;
use shared::to_say;
use shared::words::Text;

use args::Args;
use failure::Failure;
use output::Output;
use run::Clock;

fn main() -> ExitCode {
    let variable = |name: &str| std::env::var(name).ok();
    let arguments = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
    let args = match Args::explained(Lang::asked_for(arguments, variable)) {
        Ok(args) => args,
        Err(error) => return refuse(&error),
    };
    let lang = Lang::to_write(args.lang, variable);
    let output = Output::new(args.json, lang);
    match start(args, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output.fail(&failure);
            failure.exit.into()
        }
    }
}

/// Ends the program for arguments that are none of its own; also for those that ask for help, which is no error.
fn refuse(error: &clap::Error) -> ExitCode {
    _ = error.print();
    // What was to be read by programs is so even now, though the arguments were not understood.
    if error.use_stderr() && std::env::args_os().any(|arg| arg == "--json") {
        // They read English.
        let error = Args::explained(Lang::English).err();
        let text = error.map(|error| error.render().to_string()).unwrap_or_default();
        let first_line = text.lines().next().unwrap_or_default();
        let first_line = Text::verbatim(first_line.trim_start_matches("error: "));
        Output::new(true, Lang::English).report(&Failure::usage(first_line));
    }
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(u8::MAX))
}

fn start(args: Args, output: Output) -> Result<(), Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::io(to_say!(no_resources(&error))))?;
    runtime.block_on(run::run(args, output, &Clock { now, zone: TimeZone::system() }))
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that is passed in")]
fn now() -> Timestamp {
    Timestamp::now()
}
