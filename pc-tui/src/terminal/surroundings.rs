//! What the environment says about the terminal. It is hearsay: variables cross `ssh` and `sudo`, or don't. What
//! the terminal itself answers goes before it.

use shared::lang::Charset;

use crate::qr::Ground;

/// What is known before the terminal is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Surroundings {
    /// What text is written in.
    pub(crate) charset: Charset,
    /// Whether it has the palette of 256 colours. Those that have no more than 16 say so in their name.
    pub(crate) has_palette: bool,
    /// What its ground looks like.
    pub(crate) ground: Ground,
    /// What it may be asked.
    pub(crate) bears: Bears,
    /// Whether tmux or screen is in between: it answers for a terminal that it may not know.
    pub(crate) is_within_another: bool,
    /// Whether it says that it is iTerm2, or one that shows pictures in the same way.
    pub(crate) is_iterm2: bool,
}

/// What a terminal may be asked. Some take a question that they don't know for text, or for a title; and GNU screen
/// lets one through whose answer then comes after its own, as if it were typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bears {
    /// What terminals have answered for forty years.
    OldQuestions,
    /// The colour of its ground, too.
    Colours,
    /// And whether it shows pictures.
    Pictures,
}

impl Surroundings {
    /// What the variables say. An empty one says nothing.
    pub(crate) fn of(variable: impl Fn(&str) -> Option<String>) -> Self {
        let says = |name: &str| variable(name).filter(|value| !value.is_empty());
        let term = says("TERM").unwrap_or_default();
        let is_within_tmux = says("TMUX").is_some() || term.starts_with("tmux");
        let is_within_screen = !is_within_tmux && (says("STY").is_some() || term.starts_with("screen"));
        let is_within_another = is_within_tmux || is_within_screen;
        let program = says("TERM_PROGRAM").unwrap_or_default();
        let has_pictures_like_iterm2 = ["iTerm.app", "WezTerm"].contains(&program.as_str())
            || says("LC_TERMINAL").is_some_and(|terminal| terminal == "iTerm2");
        let bears = match () {
            () if is_within_screen || term == "linux" || !has_palette(&term) => Bears::OldQuestions,
            () if is_within_tmux => Bears::Colours,
            () => Bears::Pictures,
        };
        Self {
            charset: Charset::of_locale(says),
            has_palette: has_palette(&term),
            ground: says("COLORFGBG").map_or(Ground::Dark, |colours| ground(&colours)),
            bears,
            is_within_another,
            is_iterm2: has_pictures_like_iterm2 && !is_within_another,
        }
    }
}

/// Whether a terminal can be written to in any other order than line by line, as the variables say.
pub(crate) fn is_screen(variable: impl Fn(&str) -> Option<String>) -> bool {
    match variable("TERM").as_deref() {
        Some("dumb") => false,
        // Elsewhere than on Unix terminals have no names.
        None | Some("") => cfg!(not(unix)),
        Some(_) => true,
    }
}

/// Terminals of the time before the palette are named after their makers or their few colours. Of all others it is
/// assumed: `xterm`, which nearly all say to be, has had it for twenty years.
fn has_palette(term: &str) -> bool {
    let is_old = term.strip_prefix("vt").is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let few = ["-m", "-mono", "-8color", "-16color", "-88color"];
    !is_old && term != "dumb" && term != "ansi" && !few.iter().any(|end| term.ends_with(end))
}

/// `15;0` or `15;default;0`: the last is the ground, and of the sixteen colours 7 and those after 8 are light.
fn ground(colours: &str) -> Ground {
    match colours.rsplit(';').next().and_then(|last| last.parse::<u8>().ok()) {
        Some(7 | 9..=15) => Ground::Light,
        _ => Ground::Dark,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Surroundings {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name);
        Surroundings::of(|name| find(name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn only_a_terminal_that_is_named_so_has_no_palette() {
        for term in ["xterm", "xterm-256color", "linux", "screen", "tmux-256color", "st", "rxvt-unicode", ""]
        {
            assert!(of(&[("TERM", term)]).has_palette, "{term}");
        }
        for term in
            ["vt100", "vt220", "dumb", "ansi", "xterm-mono", "linux-m", "xterm-16color", "rxvt-88color"]
        {
            assert!(!of(&[("TERM", term)]).has_palette, "{term}");
        }
        assert!(of(&[("TERM", "vte-256color")]).has_palette, "it is none of DEC's");
    }

    #[test]
    fn a_terminal_that_is_dumb_or_unnamed_is_no_screen() {
        for term in ["xterm-256color", "linux", "vt100", "ansi"] {
            assert!(is_screen(|_| Some(term.to_owned())), "{term}");
        }
        assert!(!is_screen(|_| Some("dumb".to_owned())));
        assert_eq!([Some(String::new()), None].map(|term| is_screen(|_| term.clone())), [cfg!(not(unix)); 2]);
    }

    #[test]
    fn the_ground_is_dark_unless_somebody_says_otherwise() {
        for (colours, expected) in [
            ("15;0", Ground::Dark),
            ("0;15", Ground::Light),
            ("0;default;7", Ground::Light),
            ("7;8", Ground::Dark),
            ("default;default", Ground::Dark),
            ("", Ground::Dark),
        ] {
            assert_eq!(of(&[("COLORFGBG", colours)]).ground, expected, "{colours}");
        }
    }

    #[test]
    fn within_another_terminal_nobody_is_iterm2() {
        assert!(of(&[("TERM_PROGRAM", "iTerm.app")]).is_iterm2);
        assert!(of(&[("LC_TERMINAL", "iTerm2"), ("TERM", "xterm-256color")]).is_iterm2);
        for (within, bears) in [
            (("TMUX", "/tmp/tmux"), Bears::Colours),
            (("TERM", "tmux-256color"), Bears::Colours),
            (("STY", "1.x"), Bears::OldQuestions),
            (("TERM", "screen.xterm"), Bears::OldQuestions),
        ] {
            let surroundings = of(&[("LC_TERMINAL", "iTerm2"), within]);
            assert!(surroundings.is_within_another && !surroundings.is_iterm2, "{within:?}");
            assert_eq!(surroundings.bears, bears, "{within:?}");
        }
    }
}
