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

/// Full cells, else half cells; a wide border, else a narrow one; beside the panel, or above it.
fn expected_size(width: u16, height: u16) -> Option<Size> {
    let sizes = [(74, 37), (66, 33), (37, 19), (33, 17)].map(Size::from);
    let beside = |size: Size| width >= size.width + 35 && height >= size.height + 3;
    // The link takes 54 columns.
    let below =
        |size: Size| width >= size.width + 2 && height >= size.height + 14 + 54_u16.div_ceil(size.width);
    sizes.into_iter().find(|size| beside(*size) || below(*size))
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
