//! What goes to standard output and standard error, and how it looks there.

use std::io::{self, IsTerminal, Write};

use serde::Serialize;
use serde_json::ser::{CharEscape, Formatter};
use shared::lang::Lang;
use shared::name::is_unprintable;
use shared::to_say;

use crate::failure::Failure;

/// The columns of a line where nobody says how many there are, and the most that are easy to read.
const USUAL_COLUMNS: usize = 80;
/// The fewest columns that lines are broken for.
const FEWEST_COLUMNS: usize = 32;

/// Where a command says what came of it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// Whether programs read standard output, and people only standard error.
    json: bool,
    /// Whether `NO_COLOR` (no-color.org) is set.
    no_color: bool,
    /// What people read.
    lang: Lang,
}

impl Output {
    pub(crate) fn new(json: bool, lang: Lang) -> Self {
        Self { json, lang, no_color: std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty()) }
    }

    /// The language that people read.
    pub(crate) fn lang(self) -> Lang {
        self.lang
    }

    /// Whether standard output gets objects.
    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Says what the server answered: the answer itself to programs, `words` to people.
    pub(crate) fn answer<T: Serialize>(
        self,
        answer: &T,
        words: impl FnOnce(Paint) -> String,
    ) -> Result<(), Failure> {
        if self.json { object(answer) } else { print(&words(self.paint(&io::stdout()))) }
    }

    /// Text for the person only, whoever reads standard output.
    pub(crate) fn tell(self, words: impl FnOnce(Paint) -> String) -> Result<(), Failure> {
        write(&mut io::stderr(), format!("{}\n", words(self.paint(&io::stderr()))).as_bytes())
    }

    /// Says why the command failed, and nothing more can be said if that fails too.
    pub(crate) fn fail(self, failure: &Failure) {
        self.report(failure);
        _ = self.tell(|_| failure.line(self.lang));
    }

    /// The part of that which is for programs.
    pub(crate) fn report(self, failure: &Failure) {
        if self.json {
            _ = object(&failure.report());
        }
    }

    fn paint(self, stream: &impl IsTerminal) -> Paint {
        let is_terminal = stream.is_terminal();
        let width = is_terminal.then(terminal_size::terminal_size).flatten();
        let columns = width.map_or(USUAL_COLUMNS, |(width, _)| usize::from(width.0));
        Paint {
            on: is_terminal && !self.no_color,
            columns: columns.clamp(FEWEST_COLUMNS, USUAL_COLUMNS),
            window: width.map(|(width, _)| usize::from(width.0)),
            lang: self.lang,
        }
    }
}

/// Text for standard output, with a line break after it.
pub(crate) fn print(text: &str) -> Result<(), Failure> {
    write(&mut io::stdout(), format!("{text}\n").as_bytes())
}

/// One object, on a line of its own.
fn object<T: Serialize>(object: &T) -> Result<(), Failure> {
    let mut line = Vec::new();
    object
        .serialize(&mut serde_json::Serializer::with_formatter(&mut line, Printable))
        .map_err(|error| Failure::io(to_say!(no_json(&error))))?;
    line.push(b'\n');
    write(&mut io::stdout(), &line)
}

/// Whether a person can be shown something and asked about it.
pub(crate) fn is_interactive() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Writes all of it. That the reader has gone, as `head` does, is no failure of ours.
fn write(stream: &mut impl Write, bytes: &[u8]) -> Result<(), Failure> {
    match stream.write_all(bytes).and_then(|()| stream.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::io(to_say!(no_output(&error))))
        }
        _ => Ok(()),
    }
}

/// How words look to whoever reads them: colours, where they are wanted, how wide a line may be, and the language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Paint {
    on: bool,
    columns: usize,
    window: Option<usize>,
    lang: Lang,
}

impl Paint {
    /// Without colours.
    #[cfg(test)]
    pub(crate) fn plain(lang: Lang) -> Self {
        Self { on: false, columns: USUAL_COLUMNS, window: None, lang }
    }

    /// The same, on a terminal of so many columns.
    #[cfg(test)]
    pub(crate) fn narrow(columns: usize, lang: Lang) -> Self {
        Self { columns, window: Some(columns), ..Self::plain(lang) }
    }

    /// The language.
    pub(crate) fn lang(self) -> Lang {
        self.lang
    }

    /// The most columns of a line. A terminal breaks a longer one by itself, and goes on at its left edge, where
    /// our own words stand.
    pub(crate) fn columns(self) -> usize {
        self.columns
    }

    /// The columns of the terminal, where it is one: what a table may have.
    pub(crate) fn window(self) -> Option<usize> {
        self.window
    }

    /// What the eye should find first.
    pub(crate) fn strong(self, text: &str) -> String {
        self.wrap("1", text)
    }

    /// What the eye must not miss.
    pub(crate) fn warning(self, text: &str) -> String {
        self.wrap("1;33", text)
    }

    fn wrap(self, style: &str, text: &str) -> String {
        if self.on { format!("\x1b[{style}m{text}\x1b[0m") } else { text.to_owned() }
    }
}

/// JSON that also a terminal can take: what could control or deceive it is escaped, which changes nothing
/// for whoever parses it.
struct Printable;

impl Formatter for Printable {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut units = [0; 2];
        for piece in fragment.split_inclusive(is_unprintable) {
            let unprintable = piece.chars().next_back().filter(|c| is_unprintable(*c));
            let printable = piece.len() - unprintable.map_or(0, char::len_utf8);
            writer.write_all(&piece.as_bytes()[..printable])?;
            for unit in unprintable.map_or(&[][..], |c| c.encode_utf16(&mut units)) {
                write!(writer, "\\u{unit:04x}")?;
            }
        }
        Ok(())
    }

    fn write_char_escape<W: ?Sized + Write>(&mut self, writer: &mut W, escape: CharEscape) -> io::Result<()> {
        serde_json::ser::CompactFormatter.write_char_escape(writer, escape)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_printable_and_means_the_same() {
        let text = "a\u{9b}31m\u{202e}b\u{7f}\x1b\n\"日本\u{e0001}";
        let mut json = Vec::new();
        text.serialize(&mut serde_json::Serializer::with_formatter(&mut json, Printable)).unwrap();
        let json = String::from_utf8(json).unwrap();
        assert_eq!(json, r#""a\u009b31m\u202eb\u007f\u001b\n\"日本\udb40\udc01""#);
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }
}
