//! Messages for people, in each language.
//!
//! ```text
//! words/english.rs:  no_such_host(server) = "the server at {server} can't be reached (no such host)";
//! words/chinese.rs:  no_such_host(server) = "无法连接服务器 {server}（找不到该主机）";
//!
//! say!(lang, no_such_host(server))   in one language, now
//! to_say!(no_such_host(server))      a [`Text`]: in whichever language it is asked for later
//! ```
//!
//! To add a message is a line in each language's file, and a call. Each crate
//! that speaks to people has the two files as its modules `words::english`
//! and `words::chinese`; what several of them say is said here.
//!
//! There is nothing to look up and nothing that could be missing when the
//! program runs: a message is a function, so what a language lacks, what takes
//! other arguments there, and an argument that is left out are errors of the
//! compiler's. (A test of `xtask` tells of a message that nobody says.) No
//! library does as much: Fluent's `fl!` checks the ids and arguments of only
//! the language that it falls back to.

#[cfg(feature = "client")]
pub(crate) mod chinese;
#[cfg(feature = "client")]
pub(crate) mod english;

use std::fmt;
#[cfg(feature = "client")]
use std::io;

use crate::lang::Lang;
#[cfg(feature = "client")]
use crate::{say, to_say};

/// A message in every language, to be said once it is known in which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    english: String,
    chinese: String,
}

impl Text {
    /// The same message in each language. See [`to_say!`](crate::to_say).
    #[must_use]
    pub fn new(english: String, chinese: String) -> Self {
        Self { english, chinese }
    }

    /// Words that are no language's, or somebody else's: the same in all.
    #[must_use]
    pub fn verbatim(words: impl fmt::Display) -> Self {
        let words = words.to_string();
        Self { english: words.clone(), chinese: words }
    }

    /// The message in a language.
    #[must_use]
    pub fn of(&self, lang: Lang) -> &str {
        match lang {
            Lang::English => &self.english,
            Lang::Chinese => &self.chinese,
        }
    }

    /// The same in another form. A form may depend on the language.
    #[must_use]
    pub fn map(&self, form: impl Fn(Lang, &str) -> String) -> Self {
        Self { english: form(Lang::English, &self.english), chinese: form(Lang::Chinese, &self.chinese) }
    }
}

#[cfg(feature = "client")]
impl Text {
    /// Why a file can't be used: what is usual in each language, the rest in the system's own.
    #[must_use]
    pub fn of_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => to_say!(no_such_file()),
            io::ErrorKind::PermissionDenied => to_say!(no_permission()),
            io::ErrorKind::IsADirectory => to_say!(is_a_folder()),
            io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => to_say!(is_no_folder()),
            _ => Self::verbatim(error),
        }
    }
}

/// A line on standard error: which program says it, and what.
#[cfg(feature = "client")]
#[must_use]
pub fn said_by(program: &str, words: &str, lang: Lang) -> String {
    say!(lang, said_by(program, words))
}

impl fmt::Display for Text {
    /// In English, as logs and programs have it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english)
    }
}

/// The messages of a language: `name(arguments) = "text with {arguments}";`, or, where a number's grammar
/// matters, `name(number) = { 1 => "one", _ => "{number}" };`.
#[macro_export]
macro_rules! catalogue {
    ($($name:ident($($arg:ident),*) = $body:tt;)*) => {
        $($crate::message!($name($($arg),*) = $body);)*
    };
}

/// One message of a [`catalogue!`].
#[doc(hidden)]
#[macro_export]
macro_rules! message {
    ($name:ident($($arg:ident),*) = $text:literal) => {
        pub(crate) fn $name($($arg: impl ::std::fmt::Display),*) -> String {
            // An argument that a language leaves out is an error, since each is named.
            format!($text $(, $arg = $arg)*)
        }
    };
    ($name:ident($number:ident) = { $($case:pat => $text:literal),+ $(,)? }) => {
        pub(crate) fn $name($number: u64) -> String {
            match $number { $($case => format!($text)),+ }
        }
    };
}

/// Says a message of the calling crate's own catalogue in a language: `say!(lang, message(arguments))`.
#[macro_export]
#[expect(clippy::crate_in_macro_def, reason = "it is the caller's catalogue that is meant")]
macro_rules! say {
    ($lang:expr, $name:ident($($arg:expr),* $(,)?)) => {
        match $lang {
            $crate::lang::Lang::English => crate::words::english::$name($($arg),*),
            $crate::lang::Lang::Chinese => crate::words::chinese::$name($($arg),*),
        }
    };
}

/// A message of the calling crate's own catalogue in every language, as a [`Text`]: `to_say!(message(arguments))`.
/// The arguments are looked at once for each language.
#[macro_export]
#[expect(clippy::crate_in_macro_def, reason = "it is the caller's catalogue that is meant")]
macro_rules! to_say {
    ($name:ident($($arg:expr),* $(,)?)) => {
        $crate::words::Text::new(
            crate::words::english::$name($($arg),*),
            crate::words::chinese::$name($($arg),*),
        )
    };
}
