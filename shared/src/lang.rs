//! The languages that people are spoken to in, and which of them somebody reads.
//!
//! What programs read, such as JSON, exit codes, logs and the wire, is the
//! same in all of them. So is what people read where Chinese can't be written: see [`Charset`].

use std::str::FromStr;

/// A language. It is passed along like any other value: nothing is global, so tests and requests in different
/// languages run side by side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Lang {
    /// English; also of whoever reads neither.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

/// That a text names no language that is spoken here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a language is one of: en, zh-CN")]
pub struct UnknownLang;

#[cfg(feature = "client")]
impl UnknownLang {
    /// The same in every language.
    #[must_use]
    pub fn text(self) -> crate::words::Text {
        crate::to_say!(unknown_lang(self))
    }
}

/// What a locale writes text in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Charset {
    /// UTF-8.
    Utf8,
    /// Nobody has said.
    Unknown,
    /// The locale says another one.
    Other,
}

impl Charset {
    /// The locale's. Without one it is unknown: C is what POSIX says then, and UTF-8 what terminals do. `variable`
    /// looks up a variable of the environment.
    #[must_use]
    pub fn of_locale(variable: impl Fn(&str) -> Option<String>) -> Self {
        match set(["LC_ALL", "LC_CTYPE", "LANG"], variable).map(|locale| locale.to_ascii_lowercase()) {
            None if cfg!(windows) => Self::Utf8,
            None => Self::Unknown,
            Some(locale) if locale.contains("utf-8") || locale.contains("utf8") => Self::Utf8,
            Some(_) => Self::Other,
        }
    }
}

/// The variables where POSIX says to look: the first that is set to something wins.
fn set(variables: [&str; 3], value: impl Fn(&str) -> Option<String>) -> Option<String> {
    variables.into_iter().filter_map(value).find(|value| !value.is_empty())
}

impl Lang {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::English, Self::Chinese];

    /// The variable of the environment that stands in for `--lang`.
    pub const VARIABLE: &str = "SAOMA_LANG";

    /// Its tag (RFC 5646).
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }

    /// The language to explain a program in, before its arguments are understood: of its own option, its own
    /// variable, or else the locale. `variable` looks up a variable of the environment.
    #[must_use]
    pub fn asked_for(
        arguments: impl IntoIterator<Item = String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Self {
        let mut arguments = arguments.into_iter();
        let mut option = None;
        while let Some(argument) = arguments.next() {
            match argument.strip_prefix("--lang") {
                Some("") => option = arguments.next(),
                Some(rest) => option = rest.strip_prefix('=').map(str::to_owned).or(option),
                None => {}
            }
        }
        let known = |name: String| name.parse().ok();
        let named = option.and_then(known).or_else(|| variable(Self::VARIABLE).and_then(known));
        Self::to_write(named, variable)
    }

    /// The language to write in: the one that was `asked` for, or else the locale's; but English where the locale is
    /// not written in UTF-8. `variable` looks up a variable of the environment.
    #[must_use]
    pub fn to_write(asked: Option<Self>, variable: impl Fn(&str) -> Option<String>) -> Self {
        if Charset::of_locale(&variable) == Charset::Other {
            return Self::English;
        }
        let of_locale = || Self::spoken_in(&set(["LC_ALL", "LC_MESSAGES", "LANG"], variable)?);
        asked.or_else(of_locale).unwrap_or_default()
    }

    /// The language to answer in, for the values of `Accept-Language` headers (RFC 9110 §12.5.4). Of equal
    /// wishes the first wins.
    #[must_use]
    pub fn accepted<'a>(headers: impl IntoIterator<Item = &'a str>) -> Self {
        let mut best = (Self::default(), 0.0);
        for wish in headers.into_iter().flat_map(|header| header.split(',')) {
            let (range, weight) = wish.split_once(';').unwrap_or((wish, "q=1"));
            let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
            let lang =
                if range.trim() == "*" { Some(Self::default()) } else { Self::spoken_in(range.trim()) };
            if let (Some(lang), Some(weight)) = (lang, weight)
                && weight > best.1
            {
                best = (lang, weight);
            }
        }
        best.0
    }

    /// The language of a tag or a locale's name, whatever region, script or encoding follows.
    fn spoken_in(name: &str) -> Option<Self> {
        let primary = name.split(['-', '_', '.', '@']).next().unwrap_or_default();
        Self::ALL.into_iter().find(|lang| lang.primary().eq_ignore_ascii_case(primary))
    }

    fn primary(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }
}

impl FromStr for Lang {
    type Err = UnknownLang;

    /// Reads a tag, as it is written in a locale, too: `zh-CN`, `zh_CN`, `zh`.
    fn from_str(text: &str) -> Result<Self, UnknownLang> {
        let text = text.replace('_', "-");
        let named =
            |lang: &Self| [lang.tag(), lang.primary()].iter().any(|name| name.eq_ignore_ascii_case(&text));
        Self::ALL.into_iter().find(named).ok_or(UnknownLang)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An environment.
    fn among(set: &[(&str, &str)]) -> impl Fn(&str) -> Option<String> {
        |name| set.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
    }

    #[test]
    fn a_language_is_read_by_its_tag_or_name() {
        for lang in Lang::ALL {
            assert_eq!(lang.tag().parse(), Ok(lang));
        }
        assert_eq!(
            ["zh", "ZH-cn", "zh_CN", "EN"].map(str::parse),
            [Ok(Lang::Chinese), Ok(Lang::Chinese), Ok(Lang::Chinese), Ok(Lang::English)]
        );
        for text in ["", "de", "zh-", "zh-TWN", "chinese"] {
            assert_eq!(text.parse::<Lang>(), Err(UnknownLang), "{text}");
        }
    }

    #[test]
    fn of_a_locale_the_strongest_variable_that_is_set_counts() {
        let of = |set: &[(&str, &str)]| Lang::to_write(None, among(set));
        assert_eq!(of(&[]), Lang::English);
        for value in ["zh_CN.UTF-8", "zh.utf8", "zh_TW.UTF-8@radical", "zh-Hans.utf-8"] {
            assert_eq!(of(&[("LANG", value)]), Lang::Chinese, "{value}");
        }
        for value in ["C", "POSIX", "C.UTF-8", "de_DE.UTF-8", "en_GB", "zhx_CN.UTF-8", ""] {
            assert_eq!(of(&[("LANG", value)]), Lang::English, "{value}");
        }
        let [english, chinese] = ["en_US.UTF-8", "zh_CN.UTF-8"];
        assert_eq!(of(&[("LC_ALL", english), ("LC_MESSAGES", chinese), ("LANG", chinese)]), Lang::English);
        assert_eq!(of(&[("LC_ALL", ""), ("LC_MESSAGES", chinese), ("LANG", english)]), Lang::Chinese);
        assert_eq!(of(&[("LC_MESSAGES", "C"), ("LANG", chinese)]), Lang::English);
        assert_eq!(of(&[("LC_MESSAGES", "zh_CN"), ("LC_CTYPE", "C.UTF-8")]), Lang::Chinese);
    }

    #[test]
    fn where_the_locale_is_not_written_in_utf_8_there_is_english_whatever_was_asked_for() {
        for value in ["C", "POSIX", "zh_CN", "zh_CN.GBK", "zh_CN.GB18030", "zh_TW.Big5"] {
            for asked in [None, Some(Lang::Chinese)] {
                assert_eq!(Lang::to_write(asked, among(&[("LANG", value)])), Lang::English, "{value}");
            }
        }
        for set in [&[][..], &[("LANG", "C.UTF-8")], &[("LANG", "C"), ("LC_ALL", "en_US.utf8")]] {
            assert_eq!(Lang::to_write(Some(Lang::Chinese), among(set)), Lang::Chinese, "{set:?}");
        }
    }

    #[test]
    fn the_first_variable_that_says_something_names_the_charset() {
        for (set, charset) in [
            (&[("LC_ALL", "C.UTF-8"), ("LANG", "C")][..], Charset::Utf8),
            (&[("LC_ALL", ""), ("LC_CTYPE", "zh_CN.utf8"), ("LANG", "C")], Charset::Utf8),
            (&[("LC_CTYPE", "UTF-8")], Charset::Utf8),
            (&[("LC_ALL", "C"), ("LANG", "en_US.UTF-8")], Charset::Other),
            (&[("LANG", "zh_CN.GB18030")], Charset::Other),
            (&[("LANG", "en_US")], Charset::Other),
        ] {
            assert_eq!(Charset::of_locale(among(set)), charset, "{set:?}");
        }
        let unsaid = if cfg!(windows) { Charset::Utf8 } else { Charset::Unknown };
        assert_eq!(Charset::of_locale(among(&[])), unsaid);
    }

    #[test]
    fn a_program_is_explained_in_the_language_that_its_arguments_name() {
        let of = |line: &str, set: &[(&str, &str)]| {
            Lang::asked_for(line.split(' ').map(str::to_owned), among(set))
        };
        let locale = [("LANG", "zh_CN.UTF-8")];
        assert_eq!(of("x --help --lang zh", &[]), Lang::Chinese);
        assert_eq!(of("x --lang=zh-CN --help", &[]), Lang::Chinese);
        assert_eq!(of("x --help --lang en", &locale), Lang::English);
        assert_eq!(of("x --help", &locale), Lang::Chinese);
        assert_eq!(of("x --help", &[("SAOMA_LANG", "en"), locale[0]]), Lang::English);
        assert_eq!(of("x --language en --lang", &locale), Lang::Chinese);
        // That it is none is said in the language that is read otherwise.
        assert_eq!(of("x --lang tlh", &[("SAOMA_LANG", "zh-CN")]), Lang::Chinese);
    }

    #[test]
    fn of_the_languages_that_a_browser_wishes_for_the_first_of_the_heaviest_wins() {
        for (header, lang) in [
            ("", Lang::English),
            ("zh-CN,zh;q=0.9,en;q=0.8", Lang::Chinese),
            ("en-US,en;q=0.9,zh;q=0.8", Lang::English),
            ("de, zh;q=0.5, en;q=0.4", Lang::Chinese),
            ("en;q=0.1 , ZH-hant-TW; q=0.2", Lang::Chinese),
            ("fr", Lang::English),
            ("zh;q=0", Lang::English),
            ("*, zh", Lang::English),
            ("*;q=0.1, zh;q=0.5", Lang::Chinese),
            ("zh;q=NaN, zh;q=x, zh;level=1", Lang::English),
        ] {
            assert_eq!(Lang::accepted([header]), lang, "{header}");
        }
        assert_eq!(Lang::accepted(["de", "zh"]), Lang::Chinese, "a list may come in several headers");
    }
}
