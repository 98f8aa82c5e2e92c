//! What a person is asked: passwords, and yes or no.

use std::io::{self, BufRead, Read as _, Write as _};

use shared::api::Password;
use shared::lang::Lang;
use shared::{say, to_say};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// More than any password; a line without end is none.
const MAX_LINE_BYTES: u64 = 4096;

/// Where passwords come from.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Passwords {
    /// From a person, without an echo.
    Prompt,
    /// From standard input, one a line.
    Stdin,
}

impl Passwords {
    pub(crate) fn from_stdin(stdin: bool) -> Self {
        if stdin { Self::Stdin } else { Self::Prompt }
    }

    /// A password that exists.
    pub(crate) fn existing(self, question: &str) -> Result<Password, Failure> {
        match self {
            Self::Prompt => prompt(question),
            Self::Stdin => line(&mut io::stdin().lock()),
        }
    }

    /// A password to be. A person types it twice, since nobody sees what was typed.
    pub(crate) fn new_one(self, question: &str, lang: Lang) -> Result<Password, Failure> {
        let password = self.existing(question)?;
        if !password.is_acceptable() {
            let (min, max) = (Password::MIN_CHARS, Password::MAX_CHARS);
            return Err(Failure::usage(to_say!(password_length(min, max))));
        }
        if matches!(self, Self::Prompt) && prompt(&say!(lang, same_again()))?.expose() != password.expose() {
            return Err(Failure::usage(to_say!(passwords_differ())));
        }
        Ok(password)
    }
}

fn prompt(question: &str) -> Result<Password, Failure> {
    rpassword::prompt_password(question).map(Password::new).map_err(|error| match error.kind() {
        io::ErrorKind::UnexpectedEof | io::ErrorKind::Interrupted => Failure::usage(to_say!(no_password())),
        _ => Failure::usage(to_say!(no_terminal_for_password())),
    })
}

/// The next line, without its end.
fn line(stdin: &mut impl BufRead) -> Result<Password, Failure> {
    let mut line = Zeroizing::new(Vec::with_capacity(usize::try_from(MAX_LINE_BYTES).unwrap_or_default()));
    let read = stdin.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line);
    read.map_err(|error| Failure::io(to_say!(stdin_unreadable(&error))))?;
    if line.len() as u64 == MAX_LINE_BYTES && !line.ends_with(b"\n") {
        return Err(Failure::usage(to_say!(line_too_long())));
    }
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    match std::str::from_utf8(text) {
        Ok("") => Err(Failure::usage(to_say!(no_more_passwords()))),
        Ok(text) => Ok(Password::new(text.to_owned())),
        Err(_) => Err(Failure::usage(to_say!(password_not_utf8()))),
    }
}

/// What a person says to a login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    /// Refuse it.
    Deny,
    /// Log it in.
    Yes,
    /// Neither, clearly.
    Nothing,
}

/// Asks on the terminal. Whatever is neither a clear yes nor a clear no decides nothing, and so does Enter.
pub(crate) fn decision(lang: Lang) -> Result<Said, Failure> {
    answer(&say!(lang, decide())).map(|answer| said(&answer))
}

/// Asks on the terminal. Anything but a clear yes is a no.
pub(crate) fn yes(question: &str) -> Result<bool, Failure> {
    answer(&format!("{question} [y/N]")).map(|answer| said(&answer) == Said::Yes)
}

fn answer(question: &str) -> Result<String, Failure> {
    let ask = || {
        write!(io::stderr(), "\n{question} ")?;
        let mut answer = String::new();
        io::stdin().lock().take(MAX_LINE_BYTES).read_line(&mut answer)?;
        Ok(answer)
    };
    ask().map_err(|error: io::Error| Failure::io(to_say!(terminal_fails(&error))))
}

fn said(answer: &str) -> Said {
    match answer.trim().to_ascii_lowercase().as_str() {
        "y" | "yes" | "是" | "确认" => Said::Yes,
        "d" | "deny" | "拒绝" => Said::Deny,
        _ => Said::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_lines() {
        let mut stdin = "old one\r\nnew  ö\nlast".as_bytes();
        let mut next = || line(&mut stdin).map(|password| password.expose().to_owned());
        assert_eq!(next().unwrap(), "old one");
        assert_eq!(next().unwrap(), "new  ö");
        assert_eq!(next().unwrap(), "last");
        insta::assert_snapshot!(next().unwrap_err().line(Lang::English));
    }

    #[test]
    fn what_is_no_password_is_refused() {
        assert!(line(&mut &b"\xff\n"[..]).unwrap_err().line(Lang::English).contains("UTF-8"));
        assert!(line(&mut &b"\nsecond\n"[..]).is_err());
        assert!(line(&mut io::BufReader::new(io::repeat(b'x'))).is_err());
    }

    #[test]
    fn only_a_yes_is_a_yes_and_only_a_denial_a_denial() {
        for answer in ["y\n", "Y\r\n", " yes ", "YES", "是\n", "确认"] {
            assert_eq!(said(answer), Said::Yes, "{answer}");
        }
        for answer in ["d\n", "D\r\n", " deny ", "DENY", "拒绝\n"] {
            assert_eq!(said(answer), Said::Deny, "{answer}");
        }
        for answer in [
            "",
            "\n",
            "n\n",
            "no",
            "yep",
            "ya",
            "да",
            "y y",
            "dy",
            "yd",
            "d d",
            "log it in",
            "否",
            "不是",
            "是的吗",
            "不拒绝",
        ] {
            assert_eq!(said(answer), Said::Nothing, "{answer}");
        }
    }
}
