//! The command line (PROTOCOL §11).

use std::path::PathBuf;

use clap::{Arg, Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use shared::client::{TransportChoice, UnknownTransport};
use shared::code::{BadUrl, PublicUrl};
use shared::help::{in_language, said};
use shared::lang::{Lang, UnknownLang};
use shared::name::{BadUsername, Username, clean_claim};
use shared::to_say;
use shared::words::Text;

use crate::qr::{Style, UnknownStyle};
use crate::words;

const EXIT_CODES: &str = "Exit codes: 0 logged in, 1 failed, 2 bad usage, 3 not logged in, 4 the code expired, \
                          5 denied, 6 cancelled, 8 server unreachable\n\n\
                          Check code: where the server wants one, the phone shows two digits once it has \
                          confirmed. Type them on the screen; with --plain or --json, write them as a line to \
                          standard input after the status confirmed. Three wrong ones deny the login.";

/// Shows a QR code. Scan it with a phone that is logged in, confirm there, and this computer is logged in.
#[derive(Clone, Debug, Parser)]
#[command(name = "pc-tui", version, max_term_width = 100, after_help = EXIT_CODES)]
pub(crate) struct Arguments {
    #[command(flatten)]
    pub(crate) place: Place,
    #[command(flatten)]
    pub(crate) login: Login,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

/// What to do instead of logging in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub(crate) enum Command {
    /// Ends the session that is kept on this computer.
    Logout,
}

/// Which session, of which server.
#[derive(Clone, Debug, Args)]
pub(crate) struct Place {
    /// The server's address: http or https, a host, and perhaps a port
    #[arg(long, global = true, env = "SAOMA_SERVER", hide_env_values = true, value_name = "URL",
          default_value = "http://127.0.0.1:8080", value_parser = PublicUrl::parse)]
    pub(crate) server: PublicUrl,
    /// Allows plain http to another machine, where anybody on the way can read along
    #[arg(long, global = true)]
    pub(crate) insecure_http: bool,
    /// The language: en or zh-CN, which needs UTF-8 [default: the locale's]
    #[arg(long, global = true, env = "SAOMA_LANG", hide_env_values = true, value_name = "LANG")]
    pub(crate) lang: Option<Lang>,
    /// Where sessions are kept, instead of the user's state directory
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state_dir: Option<PathBuf>,
}

/// How to log in.
#[derive(Clone, Debug, Args)]
pub(crate) struct Login {
    /// How the server's news reach this program: auto, websocket, long-poll or poll
    #[arg(long, value_name = "NAME", default_value = "auto",
          value_parser = said(str::parse::<TransportChoice>, UnknownTransport::text, Lang::English))]
    pub(crate) transport: TransportChoice,
    /// What the phone shows as this computer's name, instead of its host name
    #[arg(long, value_name = "NAME", value_parser = said(device_name, |why| why, Lang::English))]
    pub(crate) device_name: Option<String>,
    /// Who is to log in; nobody else may
    #[arg(long, value_name = "NAME", value_parser = Username::parse)]
    pub(crate) expect_user: Option<Username>,
    /// How the QR code is drawn: auto, full, half, reverse or picture
    #[arg(long, value_name = "STYLE", default_value = "auto",
          value_parser = said(style, |why| why, Lang::English))]
    pub(crate) qr_style: Style,
    /// Saves each QR code as a picture
    #[arg(long, value_name = "FILE.png")]
    pub(crate) save_qr: Option<PathBuf>,
    /// No screen: prints the QR code, and one line per change
    #[arg(long, conflicts_with = "json")]
    pub(crate) plain: bool,
    /// No screen: prints one JSON object per line
    #[arg(long)]
    pub(crate) json: bool,
    /// How many expired codes are replaced without being asked [default: 0, on the screen 5]
    #[arg(long, value_name = "N", value_parser = said(count, |why| why, Lang::English))]
    pub(crate) renew: Option<u32>,
    /// Keeps nothing on disk, and does not use what is kept
    #[arg(long)]
    pub(crate) ephemeral: bool,
}

impl Arguments {
    /// The arguments of this program, and the language of whoever gave them. With those that ask for help, or
    /// make no sense, the program ends here.
    pub(crate) fn of_program() -> (Self, Lang) {
        let variable = |name: &str| std::env::var(name).ok();
        let words = std::env::args_os().map(|argument| argument.to_string_lossy().into_owned());
        let command = in_words_of(Lang::asked_for(words, variable));
        let read = Self::from_arg_matches(&command.get_matches());
        let arguments = read.unwrap_or_else(|error| error.exit());
        let lang = Lang::to_write(arguments.place.lang, variable);
        (arguments, lang)
    }
}

impl Place {
    /// The server, if it may be talked to.
    pub(crate) fn safe_server(&self) -> Result<PublicUrl, BadUrl> {
        if self.insecure_http { Ok(self.server.clone()) } else { self.server.clone().require_secure() }
    }
}

/// The command line in a language: its help, and what is wrong about a value. The words around that are clap's.
fn in_words_of(lang: Lang) -> clap::Command {
    let argument = |arg: Arg| match arg.get_id().as_str() {
        "server" => arg.value_parser(said(PublicUrl::parse, BadUrl::text, lang)),
        "lang" => arg.value_parser(said(str::parse::<Lang>, UnknownLang::text, lang)),
        "transport" => arg.value_parser(said(str::parse::<TransportChoice>, UnknownTransport::text, lang)),
        "device_name" => arg.value_parser(said(device_name, |why| why, lang)),
        "expect_user" => arg.value_parser(said(Username::parse, BadUsername::text, lang)),
        "qr_style" => arg.value_parser(said(style, |why| why, lang)),
        "renew" => arg.value_parser(said(count, |why| why, lang)),
        _ => arg,
    };
    in_language(Arguments::command().mut_args(argument), lang, words::help::chinese)
}

fn device_name(text: &str) -> Result<String, Text> {
    let name = clean_claim(text);
    if name.is_empty() { Err(to_say!(no_device_name())) } else { Ok(name) }
}

fn style(text: &str) -> Result<Style, Text> {
    text.parse().map_err(|UnknownStyle| to_say!(unknown_style()))
}

fn count(text: &str) -> Result<u32, Text> {
    text.parse().map_err(|_| to_say!(no_count(u32::MAX)))
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;
    use shared::client::Transport;

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(["pc-tui"].into_iter().chain(line.split_whitespace()))
    }

    #[test]
    fn the_definition_holds_together() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn without_arguments_all_is_as_documented() {
        let arguments = parse("").unwrap();
        assert_eq!(arguments.place.server.as_str(), "http://127.0.0.1:8080");
        assert_eq!(arguments.login.transport, TransportChoice::Auto);
        assert_eq!((arguments.command, arguments.login.renew), (None, None));
        assert!(!arguments.login.plain && !arguments.login.json && !arguments.login.ephemeral);
    }

    #[test]
    fn every_option_is_understood() {
        let arguments = parse(
            "--server https://login.example.com --transport long-poll --device-name thinkpad --expect-user Alice \
             --save-qr a.png --qr-style half --json --renew 3 --state-dir d --ephemeral",
        )
        .unwrap();
        assert_eq!(arguments.place.server.as_str(), "https://login.example.com");
        assert_eq!(arguments.place.state_dir, Some("d".into()));
        let login = arguments.login;
        assert_eq!(login.transport, TransportChoice::Only(Transport::LongPoll));
        assert_eq!(login.device_name.as_deref(), Some("thinkpad"));
        assert_eq!(login.expect_user.unwrap().as_str(), "alice");
        assert_eq!((login.save_qr, login.qr_style), (Some("a.png".into()), Style::Half));
        assert_eq!((login.renew, login.json, login.ephemeral), (Some(3), true, true));
        for transport in ["auto", "websocket", "long-poll", "poll"] {
            let login = parse(&format!("--transport {transport}")).unwrap().login;
            assert_eq!(login.transport.to_string(), transport);
        }
    }

    #[test]
    fn what_makes_no_sense_is_bad_usage() {
        for line in [
            "--plain --json",
            "--server login.example.com",
            "--server http://x/path",
            "--transport pigeon",
            "--qr-style braille",
            "--renew -1",
            "--renew many",
            "--expect-user a/b",
            "--device-name \u{202E}",
            "--password x",
            "login",
        ] {
            assert_eq!(parse(line).unwrap_err().exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn what_is_wrong_about_a_value_is_said_in_the_language_that_is_read() {
        for (line, english, chinese) in [
            ("--server ftp://x", ": it must be http:// or https://", "必须是 http://"),
            ("logout --server ftp://x", ": it must be http:// or https://", "必须是 http://"),
            ("--lang tlh", ": a language is one of: en", "语言只能是 en"),
            ("--transport pigeon", ": a transport is one of: auto", "传输方式只能是 auto"),
            ("--device-name \u{202E}", ": it has no character", "其中没有可以显示的字符"),
            ("--expect-user a/b", ": a user name is 1 to 64", "用户名由 1 到 64 个字符"),
            ("--qr-style braille", ": the styles are auto", "样式只能是 auto"),
            ("--renew many", ": it must be a number from 0 to 4294967295", "必须是 0 到 4294967295"),
        ] {
            for (lang, says) in [(Lang::English, english), (Lang::Chinese, chinese)] {
                let words = ["pc-tui"].into_iter().chain(line.split(' '));
                let error = in_words_of(lang).try_get_matches_from(words).unwrap_err().to_string();
                assert!(error.contains(says), "{error}");
            }
        }
    }

    #[test]
    fn the_log_out_takes_its_options_before_and_after() {
        for line in
            ["--server http://[::1]:1 --state-dir d logout", "logout --server http://[::1]:1 --state-dir d"]
        {
            let arguments = parse(line).unwrap();
            assert_eq!(arguments.command, Some(Command::Logout));
            assert_eq!(arguments.place.server.as_str(), "http://[::1]:1");
            assert_eq!(arguments.place.state_dir, Some("d".into()));
        }
    }

    #[test]
    fn plain_http_leaves_this_machine_only_on_demand() {
        let server = |line| parse(line).unwrap().place.safe_server();
        assert_eq!(server("--server http://login.example.com"), Err(BadUrl::Plain));
        server("--server http://login.example.com --insecure-http").unwrap();
        server("--server https://login.example.com").unwrap();
        server("").unwrap();
    }

    #[test]
    fn a_device_name_is_cleaned_like_any_claim() {
        let arguments = Arguments::try_parse_from(["pc-tui", "--device-name", " my\x1b[1m  pc "]).unwrap();
        assert_eq!(arguments.login.device_name.as_deref(), Some("my[1m pc"));
    }

    #[test]
    fn the_help_in_every_language() {
        for lang in Lang::ALL {
            let mut command = in_words_of(lang).term_width(100);
            insta::assert_snapshot!(format!("help.{}", lang.tag()), command.render_long_help());
        }
    }

    #[test]
    fn nothing_in_the_help_is_left_in_another_language() {
        let command = in_words_of(Lang::Chinese);
        let below = command.get_subcommands().filter(|below| below.get_name() != "help");
        for page in [&command].into_iter().chain(below) {
            let about = page.get_about().map(ToString::to_string);
            let helps = page.get_arguments().map(|arg| arg.get_help().map(ToString::to_string));
            for text in helps.chain([about]).flatten() {
                assert!(!text.is_ascii(), "{}: {text}", page.get_name());
            }
        }
    }

    #[test]
    fn the_help_is_no_failure() {
        assert_eq!(parse("--help").unwrap_err().kind(), ErrorKind::DisplayHelp);
        assert_eq!(parse("--help").unwrap_err().exit_code(), 0);
    }
}
