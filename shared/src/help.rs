//! The help of a command line in another language than that of its definition, which is English.
//!
//! A definition says what there is once, in the comments of its types. Here a
//! language's words are laid over it: the program understands the same, and
//! says so otherwise.

use clap::{Arg, Command};

use crate::lang::Lang;
use crate::words::Text;

/// How a page of help is laid out: as by default, but for the heading of the usage.
const CHINESE_PAGE: &str = "{before-help}{about-with-newline}\n用法：{usage}\n\n{all-args}{after-help}";

/// The command with its help in a language. `words` has the text for a command by its name, for an argument by
/// that and its own (`scan image`), and for what is not part of any command by its own alone.
#[must_use]
pub fn in_language(mut command: Command, lang: Lang, words: fn(&str) -> Option<&'static str>) -> Command {
    // Not before it is built has it all that clap adds by itself.
    command.build();
    let command = with_whole_usage(command);
    match lang {
        Lang::English => command,
        Lang::Chinese => {
            let name = command.get_name().to_owned();
            let after = words("after");
            let command = translated(command, &name, words);
            after.into_iter().fold(command, Command::after_help)
        }
    }
}

/// The same, and to an error it adds the usage that the help has. By itself clap makes up another, of the options
/// that were given, and to it those are given, too, that the environment has.
fn with_whole_usage(mut command: Command) -> Command {
    let usage = command.render_usage().to_string();
    command.override_usage(usage.trim_start_matches("Usage: ").to_owned()).mut_subcommands(with_whole_usage)
}

/// A reader of values that says in one language why it refuses one.
pub fn said<T, E>(
    read: fn(&str) -> Result<T, E>,
    text: fn(E) -> Text,
    lang: Lang,
) -> impl Fn(&str) -> Result<T, String> + Clone {
    move |value| read(value).map_err(|why| text(why).of(lang).to_owned())
}

fn translated(command: Command, name: &str, words: fn(&str) -> Option<&'static str>) -> Command {
    let command = match words(name) {
        None => command,
        // As in a comment, the first paragraph is for lists of commands, all of it for the command's own page.
        Some(about) => match about.split_once("\n\n") {
            None => command.about(about),
            Some((first, _)) => command.about(first).long_about(about),
        },
    };
    command
        .help_template(CHINESE_PAGE)
        .subcommand_help_heading("命令")
        .mut_args(|arg| argument(arg, name, words))
        .mut_subcommands(|below| {
            let name = below.get_name().to_owned();
            translated(below, &name, words)
        })
}

/// The words of an argument. They have its default value in them, where it has one.
fn argument(arg: Arg, command: &str, words: fn(&str) -> Option<&'static str>) -> Arg {
    let id = arg.get_id().as_str();
    let text = words(&format!("{command} {id}")).or_else(|| words(id));
    let heading = match arg.get_help_heading() {
        Some(_) => "通用选项",
        None if arg.is_positional() => "参数",
        None => "选项",
    };
    let arg = arg.help_heading(heading).hide_default_value(true);
    text.into_iter().fold(arg, Arg::help)
}
