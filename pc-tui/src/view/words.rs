//! Small texts: what fits into a width, how long until something, when something was.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use shared::lang::Lang;
use shared::say;
use shared::text::{chunks, fit};
use unicode_width::UnicodeWidthStr as _;

/// A text cut to `width` columns at its beginning.
pub(super) fn fit_end(text: &str, width: usize) -> String {
    let turned = |text: &str| text.chars().rev().collect::<String>();
    turned(&fit(&turned(text), width))
}

/// The same, cut in the middle: of a note, the beginning says what it is about, the end which file.
pub(super) fn fit_middle(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let tail = fit_end(text, width / 2);
    format!("{}{tail}", fit(text, width - tail.width() + 1).trim_end_matches('…'))
}

/// An error's words as a sentence of their own.
pub(super) fn sentence(text: &str, lang: Lang) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string()).unwrap_or_default();
    let end = match lang {
        _ if text.ends_with(['.', '?', '!', '。', '？', '！']) => "",
        Lang::English => ".",
        Lang::Chinese => "。",
    };
    format!("{first}{}{end}", chars.as_str())
}

/// A link in lines of at most `width` columns, broken before the code if that is possible.
pub(super) fn link_lines(link: &str, width: usize) -> Vec<String> {
    let (head, code) = link.split_at(link.rfind('/').map_or(0, |at| at + 1));
    if link.width() > width && head.width().max(code.width()) <= width {
        return vec![head.to_owned(), code.to_owned()];
    }
    chunks(link, width)
}

/// The seconds from `now` to `then`, begun ones counted: a countdown ends with 1, not with 0.
pub(super) fn seconds_until(now: Timestamp, then: Timestamp) -> u64 {
    let millis = then.as_millisecond().saturating_sub(now.as_millisecond());
    u64::try_from(millis).unwrap_or_default().div_ceil(1000)
}

/// `1:42`
pub(super) fn minutes(secs: u64) -> String {
    format!("{}:{:02}", secs / 60, secs % 60)
}

/// `today, 14:02`, or with the date if it is another day.
pub(super) fn moment(now: Timestamp, then: Timestamp, zone: &TimeZone, lang: Lang) -> String {
    let local = |time: Timestamp| time.to_zoned_datetime(zone.clone());
    if local(now).date() == local(then).date() {
        say!(lang, today(local(then).strftime("%H:%M")))
    } else {
        local(then).strftime("%Y-%m-%d %H:%M").to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_fits_its_width_in_columns() {
        assert_eq!(fit_end("https://login.example.com", 12), "…example.com");
        assert_eq!(fit_middle("saved in /home/alice/qr.png", 27), "saved in /home/alice/qr.png");
        assert_eq!(fit_middle("saved in /home/alice/qr.png", 20), "saved in /…ce/qr.png");
        assert_eq!(fit_middle("長い名前", 5), "長い…");
        assert_eq!([fit_middle("abc", 1), fit_middle("abc", 0)], ["a", ""]);
    }

    #[test]
    fn a_sentence_begins_and_ends_like_one() {
        assert_eq!(sentence("it broke", Lang::English), "It broke.");
        assert_eq!(sentence("It broke; is it on?", Lang::English), "It broke; is it on?");
        assert_eq!(sentence("网络不可达", Lang::Chinese), "网络不可达。");
        assert_eq!(sentence("请重试。", Lang::Chinese), "请重试。");
    }

    #[test]
    fn a_link_is_broken_where_its_code_begins() {
        let link = "HTTP://X/Q/ABCDEF";
        assert_eq!(link_lines(link, 17), [link]);
        assert_eq!(link_lines(link, 16), ["HTTP://X/Q/", "ABCDEF"]);
        assert_eq!(link_lines(link, 10), ["HTTP://X/Q", "/ABCDEF"]);
    }

    #[test]
    fn a_countdown_counts_begun_seconds() {
        let at = |millis| Timestamp::from_millisecond(millis).unwrap();
        assert_eq!(seconds_until(at(0), at(2001)), 3);
        assert_eq!(seconds_until(at(0), at(2000)), 2);
        assert_eq!(seconds_until(at(5), at(0)), 0);
        assert_eq!([minutes(102), minutes(9)], ["1:42", "0:09"]);
    }

    #[test]
    fn a_moment_is_told_in_local_time() {
        let zone = TimeZone::fixed(jiff::tz::Offset::from_hours(9).unwrap());
        let now = "2026-11-03T14:30:00Z".parse().unwrap();
        let at = |text: &str| moment(now, text.parse().unwrap(), &zone, Lang::English);
        assert_eq!(at("2026-11-03T14:02:00Z"), "today, 23:02");
        assert_eq!(at("2026-11-03T15:02:00Z"), "2026-11-04 00:02");
        assert_eq!(moment(now, now, &zone, Lang::Chinese), "今天 23:30");
    }
}
