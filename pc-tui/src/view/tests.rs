use ratatui::Terminal;
use ratatui::backend::TestBackend;
use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use shared::api::Status;

use super::*;
use crate::app::{Manner, Message};
use crate::fixture::{LINK, Play, me, session, settings, unreachable};
use crate::qr::{DARK, LIGHT};

mod window;

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
fn asking() {
    let mut play = Play::screen();
    play.start();
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn server_unreachable() {
    let mut play = Play::screen();
    play.start();
    play.send(Message::Issued(play.attempt, Err(unreachable())));
    play.wait(1);
    play.send(Message::Issued(play.attempt, Err(unreachable())));
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn unscanned() {
    let mut play = Play::screen().until_unscanned();
    play.wait(18);
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn unscanned_in_a_large_window() {
    let play = Play::screen().until_unscanned();
    insta::assert_snapshot!(screen(&play, 120, 40).backend());
}

#[test]
fn unscanned_in_a_narrow_window() {
    let play = Play::screen().until_unscanned();
    insta::assert_snapshot!(screen(&play, 44, 40).backend());
}

#[test]
fn unscanned_in_a_window_that_is_too_small() {
    let play = Play::screen().until_unscanned();
    insta::assert_snapshot!(screen(&play, 40, 12).backend());
}

#[test]
fn connection_lost() {
    let mut play = Play::screen().until_unscanned();
    play.press(Key::CopyLink);
    play.lose(4);
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn scanned_by_somebody() {
    let play = Play::screen().until_scanned();
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn confirmed() {
    let play = Play::screen().until_confirmed();
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn check_code() {
    let mut play = Play::screen().until_confirmed();
    play.check(3);
    play.wait(8);
    insta::assert_snapshot!(usual(&play).backend());
    for key in [Key::Digit(4), Key::Digit(8)] {
        play.press(key);
    }
    play.check(1);
    play.press(Key::Digit(4));
    insta::assert_snapshot!("check_code_after_wrong_ones", usual(&play).backend());
    insta::assert_snapshot!("check_code_in_a_small_window", screen(&play, 40, 12).backend());
}

#[test]
fn logged_in() {
    let mut play = Play::screen().until_logged_in();
    play.wait(20);
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn logged_in_and_not_kept() {
    let mut settings = settings(Manner::Screen);
    settings.keeps = false;
    let play = Play::new(settings).until_logged_in();
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn welcome_back() {
    let mut play = Play::screen();
    play.send(Message::Start(Some(session())));
    insta::assert_snapshot!(usual(&play).backend());
    play.meet(Err(unreachable()));
    insta::assert_snapshot!("welcome_back_but_unreachable", usual(&play).backend());
}

#[test]
fn denied() {
    let mut play = Play::screen().until_scanned();
    play.status(Status::Denied);
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn expired() {
    let mut settings = settings(Manner::Screen);
    settings.renewals = 0;
    let mut play = Play::new(settings).until_unscanned();
    play.status(Status::Expired);
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn failed() {
    let mut settings = settings(Manner::Screen);
    settings.expect_user = Some("bob".to_owned().try_into().unwrap());
    let mut play = Play::new(settings).until_redeemed();
    play.meet(Ok(me("alice")));
    insta::assert_snapshot!(usual(&play).backend());
}

#[test]
fn help() {
    let mut play = Play::screen().until_unscanned();
    play.press(Key::Help);
    insta::assert_snapshot!(usual(&play).backend());
    assert_eq!(scanned(usual(&play).backend().buffer()), [LINK], "the help leaves the code alone");
}

#[test]
fn a_note() {
    let mut play = Play::screen().until_unscanned();
    play.press(Key::CopyLink);
    insta::assert_snapshot!(usual(&play).backend());
    play.wait(60);
    assert_eq!(
        usual(&play).backend().buffer(),
        usual(&play_after(60)).backend().buffer(),
        "it goes by itself"
    );
}

fn play_after(secs: u64) -> Play {
    let mut play = Play::screen().until_unscanned();
    play.wait(secs);
    play
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
    let play = Play::screen().until_unscanned();
    let text: String = screen(&play, 40, 12).backend().to_string();
    let joined: String = text.lines().map(|line| line.trim_matches('"').trim()).collect();
    assert!(joined.contains(LINK) && joined.contains("WDJB-MJHT"), "{text}");
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
        for (status, says) in [(Status::Scanned, "Scanned by Eve"), (Status::Confirmed, "Confirmed by Eve")] {
            let shown = |name: &str| {
                let mut play = Play::screen().until_unscanned();
                let scanned_by = Some(name.to_owned());
                let snapshot = Snapshot { status, version: 2, expires_in: 100, scanned_by, username: None };
                play.news(News::Snapshot { snapshot, transport: Transport::Poll });
                usual(&play).backend().clone()
            };
            let (shown, usual) = (shown(&text), shown("Eve"));
            assert!(shown.to_string().contains(says), "{text:?}: {shown}");
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
        for error in [ClientError::Problem(problem), ClientError::Oauth { error: oauth, retry_after: None }] {
            let mut play = Play::screen().until_unscanned();
            play.news(News::Gone(error));
            let shown = usual(&play).backend().clone();
            assert!(shown.to_string().contains("That did not work"), "{shown}");
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
