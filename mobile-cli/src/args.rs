//! What can be said on the command line.

use std::path::PathBuf;

use clap::{Arg, ArgGroup, Args as Arguments, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use shared::code::{BadUrl, PublicUrl};
use shared::help::{in_language, said};
use shared::id::SessionId;
use shared::lang::{Lang, UnknownLang};
use shared::name::{BadUsername, Username};
use shared::to_say;
use shared::words::Text;

use crate::words;

/// The server that is meant when none is named.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";

/// Above the options that every command has.
const COMMON: &str = "Common options";

const ABOUT_EXITS: &str = "\
Exit codes:
  0 done   1 failed   2 bad usage   3 not logged in, or credentials refused   4 expired
  5 denied   6 cancelled   7 no QR code found   8 server unreachable

With --json standard output gets one object: the server's answer, or
{\"error\":{\"code\":…,\"title\":…}} when the command fails, beside the line on standard error.";

/// The phone, as a command line: scans the code that a PC shows, and decides.
#[derive(Debug, Parser)]
#[command(name = "mobile-cli", version, after_help = ABOUT_EXITS)]
pub(crate) struct Args {
    /// The server. A QR code of any other is refused before anything is sent
    #[arg(long, global = true, help_heading = COMMON, env = "SAOMA_SERVER", hide_env_values = true, value_name = "URL",
          default_value = DEFAULT_SERVER, value_parser = PublicUrl::parse)]
    pub(crate) server: PublicUrl,

    /// Where the log-in is kept, for each server apart [default: the user's state directory]
    #[arg(long, global = true, help_heading = COMMON, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,

    /// Print the server's answer, without tokens, as one object
    #[arg(long, global = true, help_heading = COMMON)]
    pub(crate) json: bool,

    /// The language: en or zh-CN, which needs UTF-8 [default: the locale's]
    #[arg(long, global = true, help_heading = COMMON, env = "SAOMA_LANG", hide_env_values = true, value_name = "LANG")]
    pub(crate) lang: Option<Lang>,

    /// Allow plain http to another machine, where everybody on the way can read along
    #[arg(long, global = true, help_heading = COMMON)]
    pub(crate) insecure_http: bool,

    #[command(subcommand)]
    pub(crate) command: Command,
}

impl Args {
    /// The arguments of this program, or else why not, or the help that they ask for, in a language.
    pub(crate) fn explained(lang: Lang) -> Result<Self, clap::Error> {
        Self::from_arg_matches(&in_words_of(lang).try_get_matches()?)
    }
}

/// The command line in a language: its help, and what is wrong about a value. The words around that are clap's.
fn in_words_of(lang: Lang) -> clap::Command {
    in_language(refusing_in(lang, Args::command()), lang, words::help::chinese)
}

fn refusing_in(lang: Lang, command: clap::Command) -> clap::Command {
    let argument = |arg: Arg| match arg.get_id().as_str() {
        "server" => arg.value_parser(said(PublicUrl::parse, BadUrl::text, lang)),
        "lang" => arg.value_parser(said(str::parse::<Lang>, UnknownLang::text, lang)),
        "name" => arg.value_parser(said(Username::parse, BadUsername::text, lang)),
        "id" => arg.value_parser(said(Ended::parse, |why| why, lang)),
        _ => arg,
    };
    command.mut_args(argument).mut_subcommands(|below| refusing_in(lang, below))
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account
    Register {
        /// 1 to 64 of the characters a-z 0-9 . _ -
        #[arg(value_parser = Username::parse)]
        name: Username,
        #[command(flatten)]
        passwords: Passwords,
    },
    /// Log this phone in
    Login {
        /// The account's name
        #[arg(value_parser = Username::parse)]
        name: Username,
        /// What this phone is called in the list of sessions
        #[arg(long, value_name = "NAME", default_value = "mobile-cli")]
        device_name: String,
        #[command(flatten)]
        passwords: Passwords,
    },
    /// Change the password; every other session ends
    Password {
        #[command(flatten)]
        passwords: Passwords,
    },
    /// Log this phone out; the PCs that it logged in are logged out too
    Logout,
    /// Say who this phone is logged in as
    Whoami,
    /// Scan the code that a PC shows: says who asks, and keeps the scan for `confirm` or `deny`
    Scan(Scan),
    /// Log the PC in whose code was scanned last
    Confirm {
        /// Don't ask; needed where there is no terminal to ask on
        #[arg(long)]
        yes: bool,
    },
    /// Refuse the PC whose code was scanned last
    Deny {
        /// Don't ask; needed where there is no terminal to ask on
        #[arg(long)]
        yes: bool,
        /// Report it as an attack
        #[arg(long)]
        report: bool,
    },
    /// Print the text of each QR code in a picture, one a line; needs no server
    ///
    /// Into a pipe or file the text goes as it is; on a terminal, characters that could deceive or control it
    /// are escaped.
    Decode {
        /// PNG, JPEG, WebP, GIF or BMP; - for standard input
        image: PathBuf,
    },
    /// List the phones and PCs of this account
    #[command(args_conflicts_with_subcommands = true)]
    Sessions {
        #[command(subcommand)]
        command: Option<SessionsCommand>,
    },
    /// List what happened to this account, the oldest first
    Notifications {
        /// Go on with what happens, until Ctrl-C; with --json, one object a line
        #[arg(long)]
        follow: bool,
    },
}

/// Where passwords come from. Never from an argument: the list of processes is public.
#[derive(Debug, Arguments)]
pub(crate) struct Passwords {
    /// Read from standard input, one a line, instead of asking; `password` reads the old one, then the new
    #[arg(long)]
    pub(crate) password_stdin: bool,
}

/// What to scan.
#[derive(Debug, Arguments)]
#[command(group = ArgGroup::new("what").required(true))]
#[expect(clippy::struct_excessive_bools, reason = "each is an option of its own")]
pub(crate) struct Scan {
    /// A picture of the QR code: PNG, JPEG, WebP, GIF or BMP; - for standard input
    #[arg(group = "what")]
    pub(crate) image: Option<PathBuf>,
    /// The code under the QR code, as in WDJB-MJHT
    #[arg(long, group = "what", value_name = "CODE")]
    pub(crate) code: Option<String>,
    /// The text of the QR code
    #[arg(long, group = "what", value_name = "URL")]
    pub(crate) url: Option<String>,
    /// The picture that was copied last
    #[arg(long, group = "what")]
    pub(crate) clipboard: bool,
    /// What is seen on the screen now
    #[arg(long, group = "what")]
    pub(crate) screen: bool,
    /// Ask right away whether to log the PC in
    #[arg(long)]
    pub(crate) confirm: bool,
    /// With --confirm: don't ask; needed where there is no terminal to ask on
    #[arg(long, requires = "confirm")]
    pub(crate) yes: bool,
}

/// What to do with sessions, other than to list them.
#[derive(Debug, Subcommand)]
pub(crate) enum SessionsCommand {
    /// End a session; the PCs that a phone logged in end with it
    #[command(group = ArgGroup::new("which").required(true))]
    End {
        /// The session's id, from the list; or a number from `notifications`: the PC that this one tells of
        #[arg(group = "which", value_parser = said(Ended::parse, |why| why, Lang::English))]
        id: Option<Ended>,
        /// All but this phone's own
        #[arg(long, group = "which")]
        others: bool,
    },
}

/// A session that is to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// By its own id.
    Session(SessionId),
    /// By the id of the notification that tells of it.
    Notice(u64),
}

impl Ended {
    /// A session's id has 26 characters, more than any number that a notification has: neither is ever the other.
    fn parse(text: &str) -> Result<Self, Text> {
        let number = || text.bytes().all(|c| c.is_ascii_digit()).then(|| text.parse().ok()).flatten();
        let session = text.parse().map(Self::Session).ok();
        session
            .or_else(|| number().filter(|id| *id > 0).map(Self::Notice))
            .ok_or_else(|| to_say!(neither_id_nor_number()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    /// The pages of help for all commands, as they are in a language.
    fn pages(lang: Lang) -> Vec<clap::Command> {
        let mut all = Vec::new();
        let mut pages = vec![in_words_of(lang).term_width(100)];
        while let Some(mut page) = pages.pop() {
            page.build();
            all.push(page.clone());
            let below = page.get_subcommands().filter(|below| below.get_name() != "help");
            pages.extend(
                below.cloned().map(|below| below.term_width(100)).collect::<Vec<_>>().into_iter().rev(),
            );
        }
        all
    }

    #[test]
    fn the_help_in_every_language() {
        for lang in Lang::ALL {
            let pages = pages(lang).into_iter().map(|mut page| page.render_long_help().to_string());
            let all = pages.collect::<Vec<_>>().join(&format!("\n{}\n\n", "=".repeat(40)));
            insta::assert_snapshot!(format!("help.{}", lang.tag()), all);
        }
    }

    #[test]
    fn nothing_in_the_help_is_left_in_another_language() {
        for page in pages(Lang::Chinese) {
            let about = page.get_about().map(ToString::to_string);
            let helps = page.get_arguments().map(|arg| arg.get_help().map(ToString::to_string));
            for text in helps.chain([about]).flatten() {
                assert!(!text.is_ascii(), "{}: {text}", page.get_name());
            }
        }
    }

    #[test]
    fn what_is_wrong_about_a_value_is_said_in_the_language_that_is_read() {
        for (line, english, chinese) in [
            ("mobile-cli whoami --server ftp://x", ": it must be http:// or https://", "必须是 http://"),
            ("mobile-cli --server ftp://x whoami", ": it must be http:// or https://", "必须是 http://"),
            ("mobile-cli whoami --lang tlh", ": a language is one of: en", "语言只能是 en"),
            ("mobile-cli register a/b", ": a user name is 1 to 64", "用户名由 1 到 64 个字符"),
            ("mobile-cli login a/b", ": a user name is 1 to 64", "用户名由 1 到 64 个字符"),
            ("mobile-cli sessions end x", ": neither a session's id", "既不是会话 ID"),
        ] {
            for (lang, says) in [(Lang::English, english), (Lang::Chinese, chinese)] {
                let error = in_words_of(lang).try_get_matches_from(line.split(' ')).unwrap_err().to_string();
                assert!(error.contains(says), "{error}");
            }
        }
    }

    fn parse(line: &str) -> Result<Args, clap::error::ErrorKind> {
        Args::try_parse_from(line.split(' ')).map_err(|error| error.kind())
    }

    #[test]
    fn what_is_missing_too_much_or_malformed_is_bad_usage() {
        for line in [
            "mobile-cli",
            "mobile-cli register",
            "mobile-cli register a/b",
            "mobile-cli login alice secret",
            "mobile-cli login alice --password secret",
            "mobile-cli scan",
            "mobile-cli scan a.png --code WDJB-MJHT",
            "mobile-cli scan --url X --code WDJB-MJHT",
            "mobile-cli scan --clipboard --screen",
            "mobile-cli scan a.png --screen",
            "mobile-cli scan a.png --yes",
            "mobile-cli decode",
            "mobile-cli sessions end",
            "mobile-cli sessions end notanid",
            "mobile-cli sessions end 0",
            "mobile-cli sessions end +7",
            "mobile-cli sessions end 99999999999999999999",
            "mobile-cli sessions end 01ARZ3NDEKTSV4RRFFQ69G5FAV --others",
            "mobile-cli --server ftp://x whoami",
            "mobile-cli --server http://x/path whoami",
        ] {
            let kind = parse(line).map(|_| ()).unwrap_err();
            assert!(kind != clap::error::ErrorKind::DisplayHelp, "{line}: {kind:?}");
        }
    }

    #[test]
    fn a_number_is_a_notice_and_an_id_a_session_even_if_it_is_all_digits() {
        assert_eq!(Ended::parse("12"), Ok(Ended::Notice(12)));
        assert_eq!(Ended::parse("18446744073709551615"), Ok(Ended::Notice(u64::MAX)));
        for id in ["01ARZ3NDEKTSV4RRFFQ69G5FAV", "01234567890123456789012345"] {
            assert_eq!(Ended::parse(id), Ok(Ended::Session(id.parse().unwrap())));
        }
    }

    #[test]
    fn common_options_stand_before_or_after_the_command() {
        for line in
            ["mobile-cli --json --server https://x whoami", "mobile-cli whoami --server https://x --json"]
        {
            let args = parse(line).unwrap();
            assert!(args.json && args.server.as_str() == "https://x", "{line}");
        }
        let args = parse("mobile-cli scan - --confirm --yes").unwrap();
        assert!(matches!(args.command, Command::Scan(Scan { confirm: true, yes: true, .. })));
    }
}
