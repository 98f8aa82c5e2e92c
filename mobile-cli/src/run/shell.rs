//! Words as they are typed into a shell: what is printed as a command can be copied from there, and obeyed by nothing
//! on its way.

use std::ffi::OsStr;
use std::fmt::Write as _;

use shared::name::is_unprintable;

/// A word for a command line. What could control or deceive a terminal is written in numbers, as POSIX has it since
/// 2024, and bash, zsh and ksh long before: `$'a\033[2J'`.
pub(super) fn typed(word: &OsStr) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "/._-:".contains(c);
    match word.to_str() {
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) if !text.chars().any(is_unprintable) => format!("'{}'", text.replace('\'', r"'\''")),
        _ => numbered(word.as_encoded_bytes()),
    }
}

fn numbered(bytes: &[u8]) -> String {
    let mut typed = "$'".to_owned();
    let in_numbers = |typed: &mut String, bytes: &[u8]| {
        for byte in bytes {
            _ = write!(typed, "\\{byte:03o}");
        }
    };
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\\' | '\'' => typed.extend(['\\', c]),
                c if is_unprintable(c) => in_numbers(&mut typed, c.encode_utf8(&mut [0; 4]).as_bytes()),
                c => typed.push(c),
            }
        }
        in_numbers(&mut typed, chunk.invalid());
    }
    typed + "'"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_plain_stays_and_the_rest_is_quoted_or_numbered() {
        for (word, shown) in [
            ("/tmp/a-b_c.d", "/tmp/a-b_c.d"),
            ("http://x:80", "http://x:80"),
            ("手机", "手机"),
            ("", "''"),
            ("it's; my phone", r"'it'\''s; my phone'"),
            ("http://[::1]:80", "'http://[::1]:80'"),
            (r"a\b", r"'a\b'"),
            ("it's\x1b[2J7", r"$'it\'s\033[2J7'"),
            ("a\n\\\u{202e}b", r"$'a\012\\\342\200\256b'"),
        ] {
            assert_eq!(typed(OsStr::new(word)), shown);
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_shell_reads_the_word_that_was_meant() {
        use std::os::unix::ffi::OsStrExt as _;
        for word in [
            &b"/tmp/a b"[..],
            b"$(id)`id`\\'\"; # *?[a]{b,c}~!",
            b"~/x",
            b"a\x1b]0;title\x07\x1b[2J\n\t\\'9",
            b"\xff\xfe1\x9b2J",
            "a\u{202e}b\u{e0001}電".as_bytes(),
        ] {
            let typed = typed(OsStr::from_bytes(word));
            assert!(!typed.chars().any(is_unprintable), "{typed:?}");
            let script = format!("printf %s {typed}");
            let said = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            assert_eq!(said.stdout, word, "{typed}");
        }
    }
}
