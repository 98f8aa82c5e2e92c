//! A text in a given number of columns, as terminals count them.

use unicode_linebreak::linebreaks;
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// A text cut to `width` columns, with `…` where something was cut off at the end.
#[must_use]
pub fn fit(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut room = width.saturating_sub(1);
    let kept = text.chars().take_while(|c| {
        let fits = c.width().unwrap_or_default() <= room;
        room = room.saturating_sub(c.width().unwrap_or_default());
        fits
    });
    kept.chain((width > 0).then_some('…')).collect()
}

/// A text with as many spaces behind it as make it `width` columns wide.
#[must_use]
pub fn padded(text: &str, width: usize) -> String {
    text.to_owned() + &" ".repeat(width.saturating_sub(text.width()))
}

/// A text in lines of at most `width` columns, broken where its script allows that (UAX #14): between words, or
/// between Chinese characters, but not before a comma. Words such as addresses stay whole where there is room.
#[must_use]
pub fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut begin = 0;
    let is_between_words = |at: usize| {
        let (before, after) = text.split_at(at);
        before.ends_with(|c: char| c == ' ' || !c.is_ascii()) || after.starts_with(|c: char| !c.is_ascii())
    };
    let ends = linebreaks(text).map(|(at, _)| at).filter(|at| *at == text.len() || is_between_words(*at));
    for end in ends {
        let piece = &text[begin..end];
        begin = end;
        match lines.last_mut() {
            Some(line) if line.is_empty() || line.width() + piece.trim_end().width() <= width => {
                line.push_str(piece);
            }
            _ => lines.push(piece.to_owned()),
        }
    }
    lines.iter().flat_map(|line| chunks(line.trim_end(), width)).collect()
}

/// A text in pieces of at most `width` columns. A single character that is wider is left out.
#[must_use]
pub fn chunks(text: &str, width: usize) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut room = width;
    for c in text.chars() {
        let columns = c.width().unwrap_or_default();
        if columns > width {
            continue;
        }
        if columns > room {
            pieces.push(String::new());
            room = width;
        }
        room -= columns;
        pieces.iter_mut().last().unwrap_or_else(|| unreachable!("there is always a piece")).push(c);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_width_in_columns() {
        assert_eq!(fit("thinkpad", 8), "thinkpad");
        assert_eq!(fit("thinkpad", 7), "thinkp…");
        assert_eq!(fit("長い名前", 5), "長い…");
        assert_eq!(fit("長い名前", 4), "長…");
        assert_eq!(fit("abc", 1), "…");
        assert_eq!(fit("abc", 0), "");
    }

    #[test]
    fn a_text_is_padded_to_its_width_in_columns() {
        assert_eq!([padded("ab", 4), padded("长名", 5), padded("长名", 3)], ["ab  ", "长名 ", "长名"]);
    }

    #[test]
    fn a_text_is_broken_between_words() {
        assert_eq!(wrapped("to be or not", 5), ["to be", "or", "not"]);
        assert_eq!(wrapped("unreachable now", 6), ["unreac", "hable", "now"]);
        assert_eq!(wrapped("長い 名前", 4), ["長い", "名前"]);
        assert_eq!(wrapped("", 4), [""]);
        assert_eq!(wrapped("a b", 0), ["", ""]);
        assert_eq!(wrapped("at https://a.example/b-c", 21), ["at", "https://a.example/b-c"]);
        assert_eq!(wrapped("请在手机上确认，然后继续。", 14), ["请在手机上确", "认，然后继续。"]);
        assert_eq!(wrapped("如非本人操作，请按 r 键", 13), ["如非本人操", "作，请按 r 键"]);
    }
}
