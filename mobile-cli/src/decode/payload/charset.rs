//! Which characters the bytes mean.
//!
//! Most codes hold UTF-8 and don't say so. One that holds something else may
//! say what, by a number (ECI, "extended channel interpretation"); older
//! Japanese ones are in `Shift_JIS`, as kanji mode always is; and the standard's
//! own default is Latin-1, which any bytes are.

use encoding_rs::{Encoding, GB18030, SHIFT_JIS};

/// Reads the bytes of a code, whose ECI is asked for only where it matters.
pub(super) fn decode(bytes: &[u8], eci: impl FnOnce() -> Option<u32>) -> String {
    let utf8 = std::str::from_utf8(bytes);
    match utf8 {
        Ok(text) if !text.contains('\0') => text.to_owned(),
        // With a zero among them the bytes may be UTF-16, which passes as UTF-8.
        Ok(text) => {
            eci().filter(|eci| is_utf16(*eci)).and_then(|eci| as_said(bytes, eci)).unwrap_or(text.to_owned())
        }
        Err(_) => eci()
            .and_then(|eci| as_said(bytes, eci))
            .or_else(|| strictly(SHIFT_JIS, bytes))
            .unwrap_or_else(|| latin1(bytes)),
    }
}

/// Whether the bytes are this text in Chinese, and not in UTF-8, Japanese or Latin-1.
pub(super) fn is_only_chinese(bytes: &[u8], text: &str) -> bool {
    strictly(GB18030, bytes).is_some_and(|chinese| chinese == text) && decode(bytes, || None) != text
}

fn is_utf16(eci: u32) -> bool {
    matches!(eci, 25 | 33)
}

/// As the ECI says, if it is one that is known here and the bytes are valid in it.
fn as_said(bytes: &[u8], eci: u32) -> Option<String> {
    if matches!(eci, 1 | 3) {
        return Some(latin1(bytes));
    }
    strictly(encoding(eci)?, bytes)
}

/// The character sets of AIM ITS/04-023, by the labels of the WHATWG encoding standard.
fn encoding(eci: u32) -> Option<&'static Encoding> {
    let label = match eci {
        4..=18 => return part_of_iso_8859(eci - 2),
        20 => "shift_jis",
        21 => "windows-1250",
        22 => "windows-1251",
        23 => "windows-1252",
        24 => "windows-1256",
        25 => "utf-16be",
        28 => "big5",
        29 | 31 => "gbk",
        30 => "euc-kr",
        32 => "gb18030",
        33 => "utf-16le",
        _ => return None,
    };
    Encoding::for_label(label.as_bytes())
}

fn part_of_iso_8859(part: u32) -> Option<&'static Encoding> {
    Encoding::for_label(format!("iso-8859-{part}").as_bytes())
}

/// `None` where one byte is not valid: then the bytes mean something else.
fn strictly(encoding: &'static Encoding, bytes: &[u8]) -> Option<String> {
    encoding.decode_without_bom_handling_and_without_replacement(bytes).map(std::borrow::Cow::into_owned)
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8], eci: Option<u32>) -> String {
        decode(bytes, || eci)
    }

    #[test]
    fn utf8_is_utf8_whatever_is_said() {
        for eci in [None, Some(3), Some(20), Some(26)] {
            assert_eq!(text("naïve 日本".as_bytes(), eci), "naïve 日本");
        }
        assert_eq!(text(b"a\0b", None), "a\0b");
    }

    #[test]
    fn without_a_word_shift_jis_is_tried_before_latin_1() {
        assert_eq!(text(b"\x93\xfa\x96\x7b", None), "日本");
        assert_eq!(text(b"caf\xe9", None), "café");
        assert_eq!(text(b"\x80\xff", None), "\u{80}\u{ff}");
    }

    #[test]
    fn the_code_s_own_word_counts() {
        assert_eq!(text(b"\xc8\xcf\xc1", Some(7)), "ШЯС");
        assert_eq!(text(b"\xcf\xf0\xe8", Some(22)), "При");
        assert_eq!(text(b"\xd6\xd0\xb9\xfa", Some(29)), "中国");
        assert_eq!(text(b"\xa4\xa4\xb0\xea", Some(28)), "中國");
        assert_eq!(text(b"\xc7\xd1", Some(30)), "한");
        assert_eq!(text(b"\x93\xfa", Some(3)), "\u{93}ú");
        assert_eq!(text(b"\x00A\x00B", Some(25)), "AB");
        assert_eq!(text(b"A\x00\x2d\x4e", Some(33)), "A中");
    }

    #[test]
    fn only_chinese_is_what_nothing_else_makes_of_the_bytes() {
        assert!(is_only_chinese(b"AD:\xb0\xa2", "AD:阿"));
        // The same bytes in Japanese; plain letters; other bytes.
        for (bytes, text) in [(&b"\xb0\xa2"[..], "ｰ｢"), (b"AD", "AD"), (b"\xb0\xa1", "阿")] {
            assert!(!is_only_chinese(bytes, text), "{text}");
        }
    }

    #[test]
    fn a_word_that_is_unknown_or_untrue_does_not_count() {
        assert_eq!(text(b"caf\xe9", Some(899)), "café");
        assert_eq!(text(b"caf\xe9", Some(20)), "café");
        assert_eq!(text(b"caf\xe9", Some(u32::MAX)), "café");
    }

    #[test]
    fn every_number_up_to_the_last_known_one_is_handled() {
        let known: Vec<_> =
            (0..=40).filter_map(|eci| encoding(eci).map(|e| format!("{eci} {}", e.name()))).collect();
        insta::assert_snapshot!(known.join("\n"));
    }
}
