//! Every screen that there is, in each language.

use ratatui::buffer::Buffer;
use ratatui::style::{Color, Modifier};
use shared::api::Status;
use shared::client::ClientError;
use shared::lang::Lang;
use shared::problem::OauthCode;
use unicode_width::UnicodeWidthStr as _;

use super::{code_area, scanned, screen};
use crate::app::{Key, Manner, Message, Settings};
use crate::fixture::{LINK, Play, me, session, settings, unreachable};

/// A screen: its name, the window's columns and rows, and how it comes about.
type Scene = (&'static str, [u16; 2], fn() -> Play);

const USUAL: [u16; 2] = [80, 24];
const SMALL: [u16; 2] = [40, 12];

const TINY: [u16; 2] = [30, 10];
/// Room for the code, and for few words beside it.
const TIGHT: [u16; 2] = [60, 20];
/// For few words below it.
const NARROW: [u16; 2] = [40, 31];
/// For hardly any.
const LEAST: [u16; 2] = [34, 20];

const SCENES: [Scene; 42] = [
    ("asking", USUAL, asking),
    ("server_unreachable", USUAL, server_unreachable),
    ("asked_to_wait", USUAL, asked_to_wait),
    ("unscanned", USUAL, unscanned),
    ("unscanned_in_a_large_window", [120, 40], || Play::screen().until_unscanned()),
    ("unscanned_in_a_narrow_window", [44, 40], || Play::screen().until_unscanned()),
    ("unscanned_in_a_window_that_is_too_small", SMALL, || Play::screen().until_unscanned()),
    ("unscanned_in_a_tight_window", TIGHT, || Play::screen().until_unscanned()),
    ("unscanned_in_a_tight_and_narrow_window", NARROW, || Play::screen().until_unscanned()),
    ("unscanned_in_hardly_any_window", LEAST, || Play::screen().until_unscanned()),
    ("unscanned_in_a_tiny_window", TINY, || Play::screen().until_unscanned()),
    ("scanned_in_a_tight_window", TIGHT, || Play::screen().until_scanned()),
    ("scanned_in_a_tight_and_narrow_window", NARROW, || Play::screen().until_scanned()),
    ("scanned_in_hardly_any_window", LEAST, || Play::screen().until_scanned()),
    ("connection_lost_in_the_tightest_window", [33, 19], connection_lost),
    ("logged_in_in_hardly_any_window", LEAST, logged_in),
    ("help_in_a_tight_window", TIGHT, || pressing(Key::Help)),
    ("help_in_hardly_any_window", LEAST, || pressing(Key::Help)),
    ("help_in_a_tiny_window", TINY, || pressing(Key::Help)),
    ("unscanned_in_a_small_window", [72, 22], || Play::screen().until_unscanned()),
    ("unscanned_in_the_least_window_for_all_words", [68, 20], || Play::screen().until_unscanned()),
    ("scanned_in_the_least_window_for_all_words", [68, 20], || Play::screen().until_scanned()),
    ("another_style", USUAL, || pressing(Key::NextStyle)),
    ("no_other_style", SMALL, no_other_style),
    ("connection_lost", USUAL, connection_lost),
    ("a_note", USUAL, || pressing(Key::CopyLink)),
    ("help", USUAL, || pressing(Key::Help)),
    ("help_in_a_small_window", SMALL, || pressing(Key::Help)),
    ("scanned_by_somebody", USUAL, || Play::screen().until_scanned()),
    ("scanned_in_a_window_that_is_too_small", SMALL, || Play::screen().until_scanned()),
    ("confirmed", USUAL, || Play::screen().until_confirmed()),
    ("check_code", USUAL, check_code),
    ("check_code_after_wrong_ones", USUAL, wrong_check_code),
    ("check_code_in_a_small_window", SMALL, wrong_check_code),
    ("logged_in", USUAL, logged_in),
    ("logged_in_and_not_kept", USUAL, || but(|settings| settings.keeps = false).until_logged_in()),
    ("welcome_back", USUAL, welcome_back),
    ("welcome_back_but_unreachable", USUAL, welcome_back_but_unreachable),
    ("denied", USUAL, || over(Play::screen(), Status::Denied)),
    ("expired", USUAL, || over(but(|settings| settings.renewals = 0), Status::Expired)),
    ("cancelled", USUAL, || over(Play::screen(), Status::Cancelled)),
    ("failed", USUAL, failed),
];

/// A play with other settings.
fn but(change: fn(&mut Settings)) -> Play {
    let mut settings = settings(Manner::Screen);
    change(&mut settings);
    Play::new(settings)
}

fn asking() -> Play {
    let mut play = Play::screen();
    play.start();
    play
}

fn server_unreachable() -> Play {
    let mut play = asking();
    play.send(Message::Issued(play.attempt, Err(unreachable())));
    play.wait(1);
    play.send(Message::Issued(play.attempt, Err(unreachable())));
    play
}

fn asked_to_wait() -> Play {
    let mut play = asking();
    let error = ClientError::Oauth { error: OauthCode::SlowDown.into(), retry_after: Some(50) };
    play.send(Message::Issued(play.attempt, Err(error)));
    play.wait(8);
    play
}

fn unscanned() -> Play {
    let mut play = Play::screen().until_unscanned();
    play.wait(18);
    play
}

fn pressing(key: Key) -> Play {
    let mut play = Play::screen().until_unscanned();
    play.press(key);
    play
}

fn no_other_style() -> Play {
    let mut play = Play::screen().until_unscanned();
    play.resize(SMALL[0], SMALL[1]);
    play.press(Key::NextStyle);
    play
}

fn connection_lost() -> Play {
    let mut play = pressing(Key::CopyLink);
    play.lose(4);
    play
}

fn check_code() -> Play {
    let mut play = Play::screen().until_confirmed();
    play.check(3);
    play.wait(8);
    play
}

fn wrong_check_code() -> Play {
    let mut play = check_code();
    for key in [Key::Digit(4), Key::Digit(8)] {
        play.press(key);
    }
    play.check(1);
    play.press(Key::Digit(4));
    play
}

fn logged_in() -> Play {
    let mut play = Play::screen().until_logged_in();
    play.wait(20);
    play
}

fn welcome_back() -> Play {
    let mut play = Play::screen();
    play.send(Message::Start(Some(session())));
    play
}

fn welcome_back_but_unreachable() -> Play {
    let mut play = welcome_back();
    play.meet(Err(unreachable()));
    play
}

fn over(play: Play, status: Status) -> Play {
    let mut play = play.until_scanned();
    play.status(status);
    play
}

fn failed() -> Play {
    let mut play =
        but(|settings| settings.expect_user = Some("bob".to_owned().try_into().unwrap())).until_redeemed();
    play.meet(Ok(me("alice")));
    play
}

/// The same play for whoever reads this language: the app itself knows none.
fn in_language(mut play: Play, lang: Lang) -> Play {
    play.app.settings.lang = lang;
    play
}

/// The rows of a screen, each in quotation marks. A cell behind a wide character is that character's.
pub(super) fn rows(buffer: &Buffer) -> String {
    let row = |y| {
        let (mut row, mut x) = (String::new(), buffer.area.left());
        while x < buffer.area.right() {
            let symbol = buffer[(x, y)].symbol();
            row += symbol;
            x += u16::try_from(symbol.width()).unwrap().max(1);
        }
        format!("\"{row}\"\n")
    };
    buffer.area.rows().map(|area| row(area.y)).collect()
}

#[test]
fn every_screen_in_every_language() {
    for (name, [width, height], scene) in SCENES {
        for lang in Lang::ALL {
            let terminal = screen(&in_language(scene(), lang), width, height);
            insta::assert_snapshot!(format!("{name}.{}", lang.tag()), rows(terminal.backend().buffer()));
        }
    }
}

#[test]
fn wide_characters_are_whole_and_fill_their_row_to_the_edge_and_no_further() {
    for (name, _, scene) in SCENES {
        for lang in Lang::ALL {
            let play = in_language(scene(), lang);
            for width in 0..130 {
                let rows = rows(screen(&play, width, 24).backend().buffer());
                let is_right = |row: &str| row.width() == usize::from(width) + 2;
                assert!(rows.lines().all(is_right), "{name} in {lang:?}, {width}:\n{rows}");
            }
        }
    }
}

#[test]
fn the_code_stands_still_whatever_happens_and_in_whichever_language() {
    let scenes: [fn() -> Play; 5] = [
        unscanned,
        connection_lost,
        || pressing(Key::Help),
        || pressing(Key::SaveQr),
        || Play::screen().until_scanned(),
    ];
    let plays: Vec<_> =
        Lang::ALL.into_iter().flat_map(|lang| scenes.map(|scene| in_language(scene(), lang))).collect();
    for width in (36..140).step_by(4) {
        for height in (18..50).step_by(3) {
            let place = |play: &Play| code_area(screen(play, width, height).backend().buffer());
            let first = place(&plays[0]);
            for play in &plays {
                // Where there is no room beside the code, the help takes its place.
                let is_covered = play.app.shows_help && place(play).is_none();
                let may_be_covered = width < 80 && height < 40;
                assert!(place(play) == first || is_covered && may_be_covered, "{width} x {height}");
            }
        }
    }
}

#[test]
fn what_stands_out_does_and_nothing_else_is_in_its_colour() {
    for (name, [width, height], scene) in SCENES {
        let terminal = screen(&scene(), width, height);
        let buffer = terminal.backend().buffer();
        for at in buffer.area.positions() {
            let cell = &buffer[at];
            let is_dim = cell.modifier.contains(Modifier::DIM);
            let stands_out = cell.modifier.contains(Modifier::BOLD) || cell.fg == Color::Cyan;
            assert!(!(is_dim && stands_out), "{name}: {at} is both: {cell:?}");
        }
    }
}

#[test]
fn help_and_notes_leave_the_code_alone() {
    for lang in Lang::ALL {
        for scene in [|| pressing(Key::Help), || pressing(Key::CopyLink)] {
            let terminal = screen(&in_language(scene(), lang), 80, 24);
            assert_eq!(scanned(terminal.backend().buffer()), [LINK]);
        }
    }
}

#[test]
fn a_note_goes_by_itself() {
    let [mut noted, mut silent] = [pressing(Key::CopyLink), Play::screen().until_unscanned()];
    noted.wait(60);
    silent.wait(60);
    assert_eq!(screen(&noted, 80, 24).backend().buffer(), screen(&silent, 80, 24).backend().buffer());
}
