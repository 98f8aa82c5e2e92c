//! The commands, one function each.

mod account;
mod decide;
mod decode;
mod desktop;
mod notifications;
mod scan;
mod sessions;
mod shell;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shared::client::{Client, ClientError};
use shared::code::PublicUrl;
use shared::exit::Exit;
use shared::lang::Lang;
use shared::problem::ProblemCode;
use shared::{say, to_say};

use crate::args::{Args, Command, DEFAULT_SERVER};
use crate::failure::Failure;
use crate::keep::{self, Keep};
use crate::output::Output;

/// How this program calls itself to a server.
const USER_AGENT: &str = concat!("mobile-cli/", env!("CARGO_PKG_VERSION"));

/// The time, and where its reader is.
#[derive(Debug)]
pub(crate) struct Clock {
    /// What time it is.
    pub(crate) now: fn() -> Timestamp,
    /// Where times are read.
    pub(crate) zone: TimeZone,
}

/// Does what was said on the command line.
pub(crate) async fn run(args: Args, output: Output, clock: &Clock) -> Result<(), Failure> {
    // The one command that has nothing to do with any server.
    if let Command::Decode { image } = &args.command {
        return decode::decode(image, output);
    }
    let context = Context::new(&args, output, clock)?;
    match args.command {
        Command::Register { name, passwords } => account::register(&context, &name, &passwords).await,
        Command::Login { name, device_name, passwords } => {
            account::log_in(&context, &name, device_name, &passwords).await
        }
        Command::Password { passwords } => account::change_password(&context.phone()?, &passwords).await,
        Command::Logout => account::log_out(&context.phone()?).await,
        Command::Whoami => account::who_am_i(&context.phone()?).await,
        Command::Scan(what) => scan::scan(&context, what).await,
        Command::Confirm { yes } => decide::confirm(&context, yes).await,
        Command::Deny { yes, report } => decide::deny(&context, yes, report).await,
        Command::Decode { image } => decode::decode(&image, output),
        Command::Sessions { command: None } => sessions::list(&context.phone()?).await,
        Command::Sessions { command: Some(which) } => sessions::end(&context.phone()?, which).await,
        Command::Notifications { follow: false } => notifications::list(&context.phone()?).await,
        Command::Notifications { follow: true } => notifications::follow(&context.phone()?).await,
    }
}

/// What every command that talks to a server needs.
struct Context<'a> {
    server: PublicUrl,
    client: Client,
    keep: Keep,
    output: Output,
    clock: &'a Clock,
    /// What every further command needs, too.
    options: String,
}

impl<'a> Context<'a> {
    fn new(args: &Args, output: Output, clock: &'a Clock) -> Result<Self, Failure> {
        let server = args.server.clone();
        let server = if args.insecure_http { Ok(server) } else { server.require_secure() };
        let server = server.map_err(|error| {
            Failure::usage(error.text().map(|lang, why| say!(lang, bad_server(&args.server, why))))
        })?;
        let client = Client::new(server.clone(), USER_AGENT)?;
        let keep = Keep::of(args.state_dir.clone(), &server)?;
        let options = options(args);
        Ok(Self { server, client, keep, output, clock, options })
    }

    /// This phone's session; without one there is nothing to do but to log in.
    fn phone(&self) -> Result<Phone<'_>, Failure> {
        let Some(kept) = self.keep.phone()? else {
            let message = to_say!(not_logged_in(&self.server, self.line("login NAME")));
            return Err(Failure::new(Exit::NotLoggedIn, "not_logged_in", message));
        };
        let client = self.client.phone(kept.phone_token.clone());
        Ok(Phone { context: self, kept, client })
    }

    /// The language that the person reads.
    fn lang(&self) -> Lang {
        self.output.lang()
    }

    /// A command for the same server and phone, to be copied from what is printed.
    fn line(&self, command: &str) -> String {
        format!("mobile-cli {}{command}", self.options)
    }
}

/// The options that say which server and which phone, as typed into a shell; nothing for the usual ones.
fn options(args: &Args) -> String {
    let mut options = Vec::new();
    if args.server.as_str() != DEFAULT_SERVER {
        options.push(format!("--server {} ", shell::typed(args.server.as_str().as_ref())));
    }
    if args.insecure_http {
        options.push("--insecure-http ".to_owned());
    }
    if let Some(folder) = &args.state_dir {
        options.push(format!("--state-dir {} ", shell::typed(folder.as_os_str())));
    }
    options.concat()
}

/// A phone that is logged in, for all it knows.
struct Phone<'a> {
    context: &'a Context<'a>,
    kept: keep::Phone,
    client: shared::client::Phone,
}

impl Phone<'_> {
    /// Takes an answer. If it is that the session has ended, the session is forgotten.
    fn take<T>(&self, answer: Result<T, ClientError>) -> Result<T, Failure> {
        answer.map_err(
            |error| if is(&error, ProblemCode::Unauthenticated) { self.is_over() } else { error.into() },
        )
    }

    /// The failure for a session that the server no longer knows.
    fn is_over(&self) -> Failure {
        if let Err(error) = self.context.keep.forget_phone(&self.kept) {
            return error.into();
        }
        let again = self.context.line(&format!("login {}", self.kept.account.username));
        Failure::new(Exit::NotLoggedIn, ProblemCode::Unauthenticated.as_str(), to_say!(session_over(&again)))
    }
}

/// Whether it is this that the server said.
fn is(error: &ClientError, code: ProblemCode) -> bool {
    error.problem().is_some_and(|problem| problem.code == code)
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;

    #[test]
    fn a_line_to_copy_has_what_was_not_usual() {
        let said = |given: &[&str]| {
            options(&Args::try_parse_from([&["mobile-cli", "whoami"], given].concat()).unwrap())
        };
        assert_eq!(said(&["--server", DEFAULT_SERVER, "--json"]), "");
        let folder = "--state-dir=/tmp/a-b_c.d";
        assert_eq!(
            said(&["--server", "http://x", "--insecure-http", folder]),
            "--server http://x --insecure-http --state-dir /tmp/a-b_c.d "
        );
        assert_eq!(said(&["--state-dir", "it's; my phone"]), r"--state-dir 'it'\''s; my phone' ");
        assert_eq!(said(&["--state-dir", "a\x1b[2J"]), r"--state-dir $'a\033[2J' ");
        assert_eq!(said(&["--server", "http://$(id)"]), "--server 'http://$(id)' ");
    }
}
