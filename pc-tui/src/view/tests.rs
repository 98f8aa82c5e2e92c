mod scenes;
mod window;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use shared::api::Status;
use shared::lang::Lang;

use super::*;
use crate::app::{Key, Manner};
use crate::fixture::{LINK, Play, settings};
use crate::qr::{DARK, LIGHT};
use scenes::rows;

/// The screen of a play, in a window of a size.
fn screen(play: &Play, width: u16, height: u16) -> Terminal<TestBackend> {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| draw(&play.app, frame)).unwrap();
    terminal
}

fn usual(play: &Play) -> Terminal<TestBackend> {
    screen(play, 80, 24)
}

/// What a camera makes of a screen: reads whatever is in the colours of a code.
fn scanned(buffer: &Buffer) -> Vec<String> {
    const SCALE: usize = 4;
    let (width, height) = (usize::from(buffer.area.width), usize::from(buffer.area.height));
    let is_dark = |x: usize, y: usize| {
        let cell = &buffer[(u16::try_from(x).unwrap(), u16::try_from(y / 2).unwrap())];
        let color = if cell.symbol() == "▄" && y % 2 == 1 { cell.fg } else { cell.bg };
        // A dark theme: what has no colour of its own is dark.
        color != LIGHT
    };
    // A cell is twice as high as wide; a half cell is square.
    let shade = |x: usize, y: usize| if is_dark(x / SCALE, y / SCALE) { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, 2 * height * SCALE, shade);
    picture.detect_grids().iter().map(|grid| grid.decode().unwrap().1).collect()
}

/// The cells that are in the colours of a code.
fn code_area(buffer: &Buffer) -> Option<Rect> {
    let ours = buffer.area.positions().filter(|at| [DARK, LIGHT].contains(&buffer[*at].bg));
    ours.map(|at| Rect::new(at.x, at.y, 1, 1)).reduce(Rect::union)
}

#[test]
fn the_code_does_not_shift_while_the_login_moves_on() {
    let mut play = Play::screen().until_unscanned();
    let place = |play: &Play| code_area(usual(play).backend().buffer());
    let first = place(&play);
    play.wait(30);
    assert_eq!(place(&play), first);
    play.lose(3);
    assert_eq!(place(&play), first);
    play.status(Status::Scanned);
    assert_eq!(place(&play), first);
    play.press(Key::Help);
    assert_eq!(place(&play), first);
    play.press(Key::NewCode);
    assert_eq!(place(&play), None);
    play.issue();
    assert_eq!(place(&play), first);
}

#[test]
fn a_code_that_is_no_longer_good_is_not_on_the_screen() {
    let mut play = Play::screen().until_scanned();
    play.status(Status::Denied);
    assert_eq!(code_area(usual(&play).backend().buffer()), None);
}

#[test]
fn without_colour_only_the_code_has_some() {
    let mut settings = settings(Manner::Screen);
    settings.has_colour = false;
    let play = Play::new(settings).until_unscanned();
    let terminal = usual(&play);
    let buffer = terminal.backend().buffer();
    assert_eq!(scanned(buffer), [LINK]);
    let area = code_area(buffer).unwrap();
    for at in buffer.area.positions().filter(|at| !area.contains(*at)) {
        assert_eq!((buffer[at].fg, buffer[at].bg), (Color::Reset, Color::Reset));
    }
}

#[test]
fn there_is_one_accent_colour() {
    let plays =
        [Play::screen().until_unscanned(), Play::screen().until_scanned(), Play::screen().until_logged_in()];
    for play in plays {
        let terminal = usual(&play);
        let buffer = terminal.backend().buffer();
        let colours = [Color::Reset, Color::Cyan, LIGHT, DARK];
        assert!(buffer.area.positions().all(|at| colours.contains(&buffer[at].fg)));
    }
}

#[test]
fn the_whole_link_and_user_code_are_there_in_a_small_window() {
    let mut play = Play::screen().until_unscanned();
    for lang in Lang::ALL {
        play.app.settings.lang = lang;
        let text = rows(screen(&play, 40, 12).backend().buffer());
        let joined: String = text.lines().map(|line| line.trim_matches('"').trim()).collect();
        assert!(joined.contains(LINK) && joined.contains("WDJB-MJHT"), "{text}");
    }
}

/// What a server that cleans nothing may send, with letters before it.
fn unclean() -> Vec<String> {
    let mut texts: Vec<String> = [
        "\x1b[2J\x1b]52;c;eA==\x07\x1b]8;;x\x1b\\",
        "\u{9b}2J\u{9d}52;c;eA==\u{9c}",
        "\r\n\n\x0b\x0c\u{85}\u{2028}\u{2029}\t\t\t",
        "\x08\x08\x7f\0",
        "\u{202E}e\u{202C}\u{2066}a\u{2067}b\u{2068}c\u{2069}\u{200E}\u{200F}\u{61C}",
        "\u{200B}\u{200C}\u{200D}\u{2060}\u{FEFF}\u{AD}",
        "\u{FE0F}\u{E0100}\u{E0001}\u{E0041}\u{E007F}",
        "\u{2800}\u{3164}\u{115F}\u{FFA0}",
    ]
    .map(str::to_owned)
    .into();
    texts.push("\u{0353}\u{0489}\u{20DD}".repeat(100));
    texts.push("電".repeat(10_000));
    texts.push("x".repeat(10_000));
    texts.push("\n".repeat(10_000));
    texts.into_iter().map(|text| format!("Eve{text}")).collect()
}

/// Whether what stands in a cell is what it looks like: a character that takes the cell, and a few marks on it.
fn is_plain(cell: &str) -> bool {
    let hides = |c: char| {
        matches!(u32::from(c),
            0..=0x1f | 0x7f..=0x9f | 0xad | 0x115f | 0x61c | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x2800
            | 0x3164 | 0xfe00..=0xfe0f | 0xfeff | 0xffa0 | 0xe0000..)
    };
    !cell.chars().any(hides) && cell.chars().count() <= 4
}

#[test]
fn nothing_from_elsewhere_gets_onto_the_screen_unclean() {
    use shared::api::Snapshot;
    use shared::client::{News, Transport};

    for text in unclean() {
        for (lang, status, says) in [
            (Lang::English, Status::Scanned, "Scanned by Eve"),
            (Lang::English, Status::Confirmed, "Confirmed by Eve"),
            (Lang::Chinese, Status::Scanned, "扫描成功：Eve"),
            (Lang::Chinese, Status::Confirmed, "已确认：Eve"),
        ] {
            let shown = |name: &str| {
                let mut play = Play::screen().until_unscanned();
                play.app.settings.lang = lang;
                let scanned_by = Some(name.to_owned());
                let snapshot = Snapshot { status, version: 2, expires_in: 100, scanned_by, username: None };
                play.news(News::Snapshot { snapshot, transport: Transport::Poll });
                usual(&play).backend().clone()
            };
            let (shown, usual) = (shown(&text), shown("Eve"));
            assert!(rows(shown.buffer()).contains(says), "{text:?}: {shown}");
            let unclean = |at: &Position| !is_plain(shown.buffer()[*at].symbol());
            assert_eq!(shown.buffer().area.positions().find(unclean), None, "{text:?}: {shown}");
            // It has changed nothing but the rest of its own line.
            let (said, changed) =
                (shown.buffer(), |at: &Position| shown.buffer()[*at] != usual.buffer()[*at]);
            let row =
                said.area.rows().find(|row| row.positions().any(|at| said[at].symbol() == "E")).unwrap();
            let elsewhere = said.area.positions().filter(changed).find(|at| at.y != row.y);
            assert_eq!(elsewhere, None, "{text:?}: {shown}");
        }
    }
}

#[test]
fn of_a_refusal_only_our_own_words_are_on_the_screen() {
    use shared::client::{ClientError, News};
    use shared::problem::{OauthCode, OauthError, Problem, ProblemCode};

    for text in unclean() {
        let problem = Problem { title: text.clone(), kind: text.clone(), ..ProblemCode::NotFound.into() };
        let oauth = OauthError { error_description: Some(text), ..OauthCode::InvalidRequest.into() };
        let errors = [ClientError::Problem(problem), ClientError::Oauth { error: oauth, retry_after: None }];
        let languages = [(Lang::English, "That did not work"), (Lang::Chinese, "登录失败")];
        for (error, (lang, says)) in
            errors.into_iter().flat_map(|error| languages.map(|language| (error.clone(), language)))
        {
            let mut play = Play::screen().until_unscanned();
            play.app.settings.lang = lang;
            play.news(News::Gone(error));
            let shown = usual(&play).backend().clone();
            assert!(rows(shown.buffer()).contains(says), "{shown}");
            assert!(!shown.to_string().contains("Eve"), "{shown}");
            assert!(
                shown.buffer().area.positions().all(|at| is_plain(shown.buffer()[at].symbol())),
                "{shown}"
            );
        }
    }
}

#[test]
fn the_remaining_time_only_ever_shrinks() {
    let mut play = Play::screen().until_unscanned();
    let mut before = usize::MAX;
    for _ in 0..121 {
        let text = usual(&play).backend().to_string();
        let left = 2 * text.matches('━').count() + text.matches('╸').count();
        assert!(left <= before);
        before = left;
        play.wait(1);
    }
    assert_eq!(before, 0, "and is used up in the end");
}

#[test]
fn the_code_has_no_modifier_of_the_words_around() {
    let play = Play::screen().until_unscanned();
    let terminal = usual(&play);
    let buffer = terminal.backend().buffer();
    let area = code_area(buffer).unwrap();
    assert!(area.positions().all(|at| buffer[at].modifier == Modifier::empty()));
}
