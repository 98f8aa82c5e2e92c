//! Texts that people and cameras bring along: what a QR says, and what is typed.

use shared::code::{PublicUrl, ScanCode, UserCode};
use shared::secret::Malformed;
use url::Url;

/// Servers that differ in one thing each: no QR may be of two of them.
const SERVERS: [&str; 6] = [
    "https://login.example.com",
    "http://login.example.com",
    "https://login.example.com:8443",
    "https://login.example.org",
    "http://127.0.0.1:8080",
    "http://[::1]:8080",
];
const SOME_CODE: &str = "7KX2M4QZ9ABCDEFGHJKMNPQRST";
const LETTERS: &str = "BCDFGHJKLMNPQRSTVWXZ";

/// The text of a QR code, as its finder hands it on.
///
/// What is taken for a server's code is exactly what that server would show, and of no other server. Whatever
/// is taken for a server's address has codes that it knows again.
///
/// # Panics
/// When that does not hold.
pub fn qr_text(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    qr_text_by(&text, |server, text| server.scan_code_in(text).ok());
    if let Ok(code) = ScanCode::parse(&text) {
        assert_eq!(code.as_str(), text);
        assert!(text.len() == ScanCode::LEN && text.bytes().all(|c| c.is_ascii_alphanumeric()), "{text:?}");
    }
    if let Ok(server) = PublicUrl::parse(&text) {
        assert_eq!(PublicUrl::parse(server.as_str()).as_ref(), Ok(&server), "{text:?}");
        let code = ScanCode::parse(SOME_CODE).expect("a good code");
        assert_eq!(server.scan_code_in(&server.scan_url(&code)), Ok(code), "{text:?}");
        let secure = server.is_https() || server.is_loopback();
        assert_eq!(server.require_secure().is_ok(), secure, "{text:?}");
    }
}

/// What must hold of whoever finds codes in texts.
fn qr_text_by(text: &str, scan_code_in: impl Fn(&PublicUrl, &str) -> Option<ScanCode>) {
    let mut taken = 0;
    for server in SERVERS {
        let server = PublicUrl::parse(server).expect("a server's address");
        let Some(code) = scan_code_in(&server, text) else { continue };
        taken += 1;
        // Read by somebody else, it is of the same origin, and there is nothing else to it.
        let seen = Url::parse(text).expect("what is taken for a URL is one");
        let own = Url::parse(server.as_str()).expect("a server's address");
        assert_eq!(seen.origin(), own.origin(), "{text:?}");
        assert_eq!(seen.path(), format!("/Q/{}", code.as_str()), "{text:?}");
        let bare = seen.query().is_none() && seen.fragment().is_none() && seen.password().is_none();
        assert!(bare && seen.username().is_empty(), "{text:?}");
        // It is what this server would show, but for the case of its name and the port that needs no saying.
        let shown = server.scan_url(&code);
        let head = |text: &str| text.strip_suffix(code.as_str()).map(str::to_ascii_uppercase);
        let with_port = shown.replacen("/Q/", if server.is_https() { ":443/Q/" } else { ":80/Q/" }, 1);
        assert!(head(text) == head(&shown) || head(text) == head(&with_port), "{text:?} for {shown}");
        assert_eq!(scan_code_in(&server, &shown), Some(code), "{text:?}");
    }
    assert!(taken <= 1, "{text:?} is of {taken} servers");
}

/// A code that somebody types.
///
/// What is taken is exactly the texts with eight of the letters, whatever their case and the spaces and dashes
/// between them; and as it is shown, it is read again.
///
/// # Panics
/// When that does not hold.
pub fn user_code(data: &[u8]) {
    user_code_by(&String::from_utf8_lossy(data), UserCode::parse);
}

fn user_code_by(text: &str, parse: impl Fn(&str) -> Result<UserCode, Malformed>) {
    let is_between = |c: char| matches!(c, ' ' | '-' | '‐' | '‑' | '‒' | '–' | '—' | '―');
    let letters: String = text.chars().filter(|c| !is_between(*c)).map(|c| c.to_ascii_uppercase()).collect();
    let is_code = letters.chars().count() == 8 && letters.chars().all(|c| LETTERS.contains(c));
    let code = parse(text);
    assert_eq!(code.is_ok(), is_code, "{text:?}");
    let Ok(code) = code else { return };
    let shown = code.dashed();
    assert_eq!(shown, format!("{}-{}", &letters[..4], &letters[4..]), "{text:?}");
    for again in [shown.clone(), shown.to_ascii_lowercase(), shown.replace('-', " ")] {
        assert_eq!(parse(&again).as_ref(), Ok(&code), "{again:?}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OURS: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/7KX2M4QZ9ABCDEFGHJKMNPQRST";

    #[test]
    fn what_is_ours_passes() {
        qr_text(OURS.as_bytes());
        user_code(b"wdjb mjht");
    }

    /// That the target can fail: a finder with a flaw, and the text that shows it.
    #[test]
    #[should_panic(expected = "EVIL")]
    fn a_finder_that_looks_at_the_beginning_only_is_found_out() {
        let lax = |server: &PublicUrl, text: &str| {
            let head = text.get(..server.as_str().len())?;
            let code = text.get(text.len().checked_sub(ScanCode::LEN)?..)?;
            ScanCode::parse(code).ok().filter(|_| head.eq_ignore_ascii_case(server.as_str()))
        };
        qr_text_by(OURS, lax);
        qr_text_by(&OURS.replace(".COM/", ".COM.EVIL.EXAMPLE/"), lax);
    }

    #[test]
    #[should_panic(expected = "ADJB")]
    fn a_reader_of_vowels_is_found_out() {
        let lax = |text: &str| UserCode::parse(&text.replace('A', "W"));
        user_code_by("WDJB-MJHT", lax);
        user_code_by("ADJB-MJHT", lax);
    }
}
