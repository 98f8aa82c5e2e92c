//! The code in windows of every size.

use super::*;
use crate::terminal::Letters;

#[test]
fn the_code_on_the_screen_can_be_scanned() {
    // Half cells at the smallest usual size, full cells where there is room, half cells again on demand.
    let mut play = Play::screen().until_unscanned();
    assert_eq!(scanned(usual(&play).backend().buffer()), [LINK]);
    let large = screen(&play, 120, 40);
    assert_eq!(code_area(large.backend().buffer()).unwrap().as_size(), (74, 37).into());
    assert_eq!(scanned(large.backend().buffer()), [LINK]);
    play.app.style = Style::Half;
    let small = screen(&play, 120, 40);
    assert_eq!(code_area(small.backend().buffer()).unwrap().as_size(), (37, 19).into());
    assert_eq!(scanned(small.backend().buffer()), [LINK]);
    assert_eq!(scanned(screen(&play, 44, 40).backend().buffer()), [LINK]);
}

#[test]
fn the_code_is_whole_or_not_there_in_every_window() {
    let play = Play::screen().until_unscanned();
    for width in 0..130 {
        for height in 0..50 {
            let terminal = screen(&play, width, height);
            let size = code_area(terminal.backend().buffer()).map(Rect::as_size);
            assert_eq!(size, expected_size(width, height), "{width} x {height}");
        }
    }
}

/// Full cells, else half cells; a wide border, else a narrow one; beside the panel, or above it, or with few words.
fn expected_size(width: u16, height: u16) -> Option<Size> {
    let sizes = [(74, 37), (66, 33), (37, 19), (33, 17)].map(Size::from);
    let beside = |size: Size| width >= size.width + 35 && height >= size.height + 3;
    // The link takes 54 columns.
    let below =
        |size: Size| width >= size.width + 2 && height >= size.height + 14 + 54_u16.div_ceil(size.width);
    let tightly_beside = |size: Size| width >= size.width + 27 && height >= size.height + 3;
    let tightly_below = |size: Size| width >= size.width && height >= size.height + 2;
    let first = |fits: &dyn Fn(Size) -> bool| sizes.into_iter().find(|size| fits(*size));
    first(&|size| beside(size) || below(size)).or(first(&tightly_beside)).or(first(&tightly_below))
}

#[test]
fn the_window_that_is_asked_for_is_the_least_that_shows_the_code() {
    let mut play = Play::screen().until_unscanned();
    for (style, columns, rows) in
        [(Style::Auto, 33, 19), (Style::Half, 33, 19), (Style::Full, 66, 35), (Style::Reverse, 33, 19)]
    {
        play.app.style = style;
        let code = play.app.code().unwrap();
        assert_eq!(Places::least(code, &play.app.drawings(style)), Some(Size::new(columns, rows)), "{style}");
        for width in 0..130 {
            for height in 0..50 {
                let buffer = screen(&play, width, height).backend().buffer().clone();
                let has_code = places(&play.app, buffer.area).picture.is_some();
                assert_eq!(has_code, width >= columns && height >= rows, "{style} in {width} x {height}");
                let asked = format!("{columns}x{rows} will do");
                assert!(
                    !(has_code && rows_joined(&buffer).contains(&asked)),
                    "{style} in {width} x {height}"
                );
            }
        }
    }
}

fn rows_joined(buffer: &Buffer) -> String {
    let rows = rows(buffer);
    let words: Vec<_> = rows.split(['"', '\n', ' ']).filter(|word| !word.is_empty()).collect();
    words.join(" ")
}

#[test]
fn a_window_without_room_for_the_code_asks_for_the_least_that_has() {
    let play = Play::screen().until_unscanned();
    for (width, height) in [(32, 40), (80, 18), (30, 10), (40, 12)] {
        let text = rows_joined(screen(&play, width, height).backend().buffer());
        assert!(text.contains("33x19 will do"), "{width} x {height}: {text}");
        assert!(text.contains("WDJB-MJHT") && text.contains("2:00"), "{width} x {height}: {text}");
    }
}

#[test]
fn the_code_for_typing_and_the_countdown_are_there_in_the_tightest_window() {
    for (lang, confirm) in
        [(Lang::English, "Now confirm on your phone."), (Lang::Chinese, "请在手机上确认登录。")]
    {
        let [mut play, mut scanned] = [Play::screen().until_unscanned(), Play::screen().until_scanned()];
        play.app.settings.lang = lang;
        scanned.app.settings.lang = lang;
        for (width, height) in (33..68).flat_map(|width| (19..34).map(move |height| (width, height))) {
            let text = |play: &Play| rows_joined(screen(play, width, height).backend().buffer());
            let (open, scanned) = (text(&play), text(&scanned));
            assert!(open.contains("WDJB-MJHT") && open.contains("2:00"), "{width} x {height}: {open}");
            let says_confirm = confirm.split(' ').all(|word| scanned.contains(word));
            assert!(says_confirm && scanned.contains("1:40"), "{width} x {height}: {scanned}");
        }
    }
}

#[test]
fn without_a_code_the_words_of_a_tight_window_have_all_of_it() {
    let mut play = Play::screen().until_logged_in();
    play.app.settings.lang = Lang::English;
    for (width, height) in [(60, 20), (40, 31), (34, 20), (30, 10)] {
        let text = rows_joined(screen(&play, width, height).backend().buffer());
        for what in ["01JC0000000000000000000S7K", "Not you? Press l to log out.", "? help", "q quit"] {
            assert!(text.contains(what), "{width} x {height}: {text}");
        }
    }
}

#[test]
fn what_to_do_if_somebody_else_has_scanned_is_there_in_full_in_a_window_without_the_code() {
    let mut play = Play::screen().until_scanned();
    for lang in Lang::ALL {
        play.app.settings.lang = lang;
        for (width, height) in (28..50).flat_map(|width| (10..19).map(move |height| (width, height))) {
            let text = rows_joined(screen(&play, width, height).backend().buffer()).replace(' ', "");
            for what in [say!(lang, confirm_now()), say!(lang, not_your_scan()), "1:40".to_owned()] {
                assert!(text.contains(&what.replace(' ', "")), "{what} in {width} x {height}: {text}");
            }
        }
    }
}

#[test]
fn where_not_all_keys_have_room_d_is_there_beside_a_code() {
    let play = Play::screen().until_unscanned();
    for width in 40..80 {
        let text = rows_joined(screen(&play, width, 31).backend().buffer());
        assert!(text.contains("r new code") && text.contains("d style"), "{width}: {text}");
    }
}

#[test]
fn the_help_is_whole_in_every_window() {
    for lang in Lang::ALL {
        let mut play = Play::screen().until_unscanned();
        play.app.settings.lang = lang;
        play.press(Key::Help);
        for (width, height) in (28..100).flat_map(|width| (10..40).map(move |height| (width, height))) {
            let shown = screen(&play, width, height);
            let text = rows_joined(shown.backend().buffer());
            for (key, does) in Key::all(lang) {
                let begin = format!("{key} {}", does.chars().take(3).collect::<String>());
                assert!(text.contains(begin.trim()), "{begin} in {width} x {height}: {text}");
            }
        }
    }
}

#[test]
fn what_is_noted_beside_a_code_is_said_in_full_in_every_window() {
    for lang in Lang::ALL {
        let mut play = Play::screen().until_unscanned();
        play.app.settings.lang = lang;
        let is_noted = |play: &Play, note: &str| {
            let heights = [19, 20, 21, 24, 31, 35];
            for (width, height) in (33..70).flat_map(|width| heights.map(|height| (width, height))) {
                let buffer = screen(play, width, height).backend().buffer().clone();
                let text = rows_joined(&buffer).replace(' ', "");
                assert!(text.contains(&note.replace(' ', "")), "{note} in {width} x {height}: {text}");
                if play.app.style != Style::Reverse {
                    let size = code_area(&buffer).map(Rect::as_size);
                    assert_eq!(size, expected_size(width, height), "{note} in {width} x {height}");
                }
            }
        };
        for key in [Key::CopyLink, Key::NextStyle, Key::NextStyle, Key::NextTransport] {
            play.press(key);
            let note = play.app.shown_note().unwrap().of(lang).to_owned();
            is_noted(&play, &note);
        }
        play.wait(60);
        play.lose(12);
        is_noted(&play, &say!(lang, lost(12)));
    }
}

#[test]
fn the_code_keeps_its_colours_and_its_border_in_every_window() {
    let mut play = Play::screen().until_unscanned();
    for style in Style::ALL {
        play.app.style = style;
        for (width, height) in
            (30..130).step_by(13).flat_map(|width| (10..50).step_by(9).map(move |height| (width, height)))
        {
            let terminal = screen(&play, width, height);
            let buffer = terminal.backend().buffer();
            let Some(area) = code_area(buffer) else { continue };
            assert!(
                area.positions()
                    .all(|at| [buffer[at].fg, buffer[at].bg].iter().all(|c| [DARK, LIGHT].contains(c)))
            );
            assert_eq!(scanned(buffer), [LINK], "{style} in {width} x {height}");
        }
    }
}

#[test]
fn the_steps_the_link_and_the_countdown_are_there_wherever_there_is_a_code() {
    let mut play = Play::screen().until_unscanned();
    for (lang, width) in (35..130).flat_map(|width| Lang::ALL.map(|lang| (lang, width))) {
        play.app.settings.lang = lang;
        for height in 20..50 {
            let terminal = screen(&play, width, height);
            let buffer = terminal.backend().buffer();
            let Some(code) = code_area(buffer) else { continue };
            if places(&play.app, buffer.area).is_tight {
                continue;
            }
            // The code's own cells are no text.
            let symbol = |at: Position| if code.contains(at) { " " } else { buffer[at].symbol() };
            let text: String = buffer.area.positions().map(symbol).filter(|symbol| *symbol != " ").collect();
            let step = say!(lang, step_confirm());
            for what in [LINK, "WDJB-MJHT", "2:00", step.rsplit(' ').next().unwrap()] {
                assert!(text.contains(what), "{what} in {width} x {height}: {text}");
            }
        }
    }
}

#[test]
fn where_lines_are_wide_there_are_none() {
    for letters in [Letters::SameWidth, Letters::Ascii] {
        let mut settings = settings(Manner::Screen);
        (settings.letters, settings.abilities.has_half_cells) = (letters, false);
        let mut play = Play::new(settings).until_unscanned();
        for (width, height) in [(80, 24), (120, 42)] {
            let shown = screen(&play, width, height).backend().to_string();
            assert!(shown.trim_matches('"').is_ascii(), "{shown}");
        }
        assert_eq!(scanned(screen(&play, 120, 42).backend().buffer()), [LINK]);
        play.press(Key::Help);
        assert!(usual(&play).backend().to_string().is_ascii());
    }
}
