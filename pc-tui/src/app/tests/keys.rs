//! Every key, in the stages where it does something and where it does not.

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use ratatui::layout::Size;
use shared::api::Status;
use shared::lang::Lang;

use crate::app::{Key, Manner, Message, Settings};
use crate::fixture::{LINK, Play, session, settings, unreachable};
use crate::qr::{Graphics, Protocol, Style};
use crate::view;

#[test]
fn each_key_means_one_thing() {
    let key = |c| Key::of(KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE));
    for ((c, _), expected) in Key::all(Lang::English).iter().zip([
        Key::NewCode,
        Key::SaveQr,
        Key::CopyLink,
        Key::NextTransport,
        Key::NextStyle,
        Key::LogOut,
        Key::Help,
        Key::Quit,
    ]) {
        let c = c.chars().next().unwrap();
        assert_eq!(key(c), Some(expected));
        assert_eq!(key(c.to_ascii_uppercase()), Some(expected), "also with caps lock on");
    }
    assert_eq!(key('x'), None);
    assert_eq!(Key::of(KeyEvent::new(KeyCode::Char('R'), KeyModifiers::SHIFT)), Some(Key::NewCode));
    assert_eq!(Key::of(KeyEvent::new(KeyCode::Esc, KeyModifiers::NONE)), Some(Key::Escape));
    assert_eq!(Key::of(KeyEvent::new(KeyCode::Enter, KeyModifiers::NONE)), None);
}

#[test]
fn ctrl_c_quits_and_other_chords_do_nothing() {
    let chord = |c, modifiers| Key::of(KeyEvent::new(KeyCode::Char(c), modifiers));
    assert_eq!(chord('c', KeyModifiers::CONTROL), Some(Key::Quit));
    assert_eq!(chord('z', KeyModifiers::CONTROL), Some(Key::Suspend));
    assert_eq!(chord('l', KeyModifiers::CONTROL), None, "it redraws a shell, it must not log out here");
    assert_eq!(chord('q', KeyModifiers::ALT), None);
}

#[test]
fn a_key_that_is_let_go_does_nothing() {
    let released = KeyEvent { kind: KeyEventKind::Release, ..KeyCode::Char('q').into() };
    assert_eq!(Key::of(released), None);
}

#[test]
fn r_replaces_a_code_and_cancels_the_old_one() {
    let mut play = Play::screen().until_unscanned();
    assert_eq!(play.press(Key::NewCode).done(), ["unfollow", "cancel", "unfollow", "issue"]);
    assert_eq!(play.press(Key::NewCode).done(), [""; 0], "a request under way is not sent twice");
    play.issue();
    assert_eq!(play.status(Status::Unscanned).said(), ["unscanned 1 websocket"], "versions begin anew");
}

#[test]
fn r_tries_an_unreachable_server_at_once() {
    let mut play = Play::screen();
    play.start();
    play.send(Message::Issued(play.attempt, Err(unreachable())));
    assert_eq!(play.press(Key::NewCode).done(), ["issue"]);
    assert_eq!(play.press(Key::NewCode).done(), [""; 0]);
}

#[test]
fn r_asks_about_the_session_at_once() {
    let mut play = Play::screen();
    play.send(Message::Start(Some(session())));
    play.meet(Err(unreachable()));
    assert_eq!(play.press(Key::NewCode).done(), ["meet 1"]);
    assert_eq!(play.press(Key::NewCode).done(), [""; 0], "and once");
}

#[test]
fn r_starts_over_and_allows_as_many_renewals_again() {
    let mut play = Play::new(Settings { renewals: 1, ..settings(Manner::Screen) }).until_unscanned();
    for _ in 0..3 {
        assert_eq!(play.status(Status::Expired).done(), ["unfollow", "issue"]);
        play.issue();
        assert_eq!(play.status(Status::Expired).done(), ["unfollow"]);
        assert_eq!(play.press(Key::NewCode).done(), ["unfollow", "issue"]);
        play.issue();
    }
}

#[test]
fn r_does_not_end_a_session() {
    let mut play = Play::screen().until_logged_in();
    assert_eq!(play.press(Key::NewCode).done(), [""; 0]);
    assert!(play.note().unwrap().contains("log out first"));
}

#[test]
fn s_saves_the_code_and_says_where() {
    let mut play = Play::screen().until_unscanned();
    assert_eq!(play.press(Key::SaveQr).done(), ["save saoma-qr.png"]);
    let saved = play.send(Message::QrSaved(play.attempt, "/home/alice/saoma-qr.png".into(), Ok(())));
    assert_eq!(saved.done(), [""; 0]);
    assert_eq!(play.note().as_deref(), Some("Saved in /home/alice/saoma-qr.png"));

    let elsewhere = Settings { save_qr: Some("there.png".into()), ..settings(Manner::Screen) };
    assert_eq!(Play::new(elsewhere).until_unscanned().press(Key::SaveQr).done(), ["save there.png"]);
    assert_eq!(Play::screen().until_confirmed().press(Key::SaveQr).done(), [""; 0]);
    assert_eq!(Play::screen().until_logged_in().press(Key::SaveQr).done(), [""; 0]);
}

#[test]
fn c_copies_the_link_while_it_is_good() {
    assert_eq!(Play::screen().until_scanned().press(Key::CopyLink).done(), [format!("copy {LINK}")]);
    assert_eq!(Play::screen().until_confirmed().press(Key::CopyLink).done(), [""; 0]);
    assert_eq!(Play::screen().until_logged_in().press(Key::CopyLink).done(), [""; 0]);
}

#[test]
fn t_goes_through_the_transports_and_follows_anew() {
    let mut play = Play::screen().until_unscanned();
    for transport in ["websocket", "long-poll", "poll", "auto"] {
        assert_eq!(play.press(Key::NextTransport).done(), [format!("follow {transport}")]);
        assert_eq!(play.status(Status::Unscanned).said(), [""; 0], "the same status is no news");
    }
    assert_eq!(Play::screen().until_confirmed().press(Key::NextTransport).done(), [""; 0]);
    assert_eq!(Play::screen().until_logged_in().press(Key::NextTransport).done(), [""; 0]);
}

#[test]
fn a_transport_that_was_chosen_is_kept_for_the_next_code() {
    let mut play = Play::screen().until_unscanned();
    play.press(Key::NextTransport);
    play.press(Key::NewCode);
    assert_eq!(play.issue().done(), ["follow websocket"]);
}

#[test]
fn d_goes_through_the_styles_that_the_terminal_and_the_window_can_show() {
    let cycle = |play: &mut Play| {
        let press = |_| {
            let before = view::shape(&play.app, play.app.style);
            play.press(Key::NextStyle);
            assert_ne!(view::shape(&play.app, play.app.style), before, "one sees that it was pressed");
            let note = play.app.shown_note().unwrap();
            assert!(
                Lang::ALL.iter().all(|lang| note.of(*lang).contains(play.app.style.as_str())),
                "{note:?}"
            );
            play.app.style
        };
        (0..5).map(press).collect::<Vec<_>>()
    };
    let mut play = Play::screen().until_unscanned();
    assert_eq!(play.app.style, Style::Auto);
    // Full cells don't fit 80 x 24, and half cells are what is shown there already.
    let [auto, half, reverse] = [Style::Auto, Style::Half, Style::Reverse];
    assert_eq!(cycle(&mut play), [reverse, auto, reverse, auto, reverse]);
    play.resize(120, 42);
    assert_eq!(cycle(&mut play), [auto, half, reverse, auto, half]);
    play.app.settings.abilities.has_half_cells = false;
    assert_eq!(cycle(&mut play), [reverse, auto, reverse, auto, reverse]);
    play.app.settings.abilities.graphics = Graphics::new(Protocol::Sixel, Size::new(8, 16));
    assert_eq!(cycle(&mut play)[0], Style::Picture);
}

#[test]
fn where_nothing_else_fits_d_says_so() {
    let mut play = Play::screen().until_unscanned();
    play.resize(40, 12);
    play.press(Key::NextStyle);
    assert_eq!(play.app.style, Style::Auto);
    assert!(play.app.shown_note().unwrap().of(Lang::English).starts_with("No other style"));
}

#[test]
fn a_style_that_the_terminal_can_not_show_is_replaced_with_a_word() {
    let mut settings = settings(Manner::Screen);
    settings.qr_style = Style::Picture;
    let mut play = Play::new(settings);
    assert_eq!(play.app.style, Style::Auto);
    assert_eq!(play.start().said(), ["note This terminal has no style picture; this is auto."]);
}

#[test]
fn the_help_comes_and_goes() {
    let mut play = Play::screen().until_unscanned();
    for (key, shown) in [
        (Key::Help, true),
        (Key::Help, false),
        (Key::Help, true),
        (Key::Escape, false),
        (Key::Escape, false),
        (Key::Help, true),
        (Key::NextStyle, false),
    ] {
        play.press(key);
        assert_eq!(play.app.shows_help, shown);
    }
}

#[test]
fn whoever_comes_back_from_ctrl_z_finds_all_as_it_was() {
    let mut play = Play::screen().until_unscanned();
    play.press(Key::Help);
    assert_eq!(play.press(Key::Suspend).done(), ["suspend"]);
    assert!(play.app.shows_help && play.app.open_code().is_some());
}

#[test]
fn l_needs_somebody_who_is_logged_in() {
    let mut play = Play::screen().until_unscanned();
    assert_eq!(play.press(Key::LogOut).done(), [""; 0]);
    assert_eq!(play.note().as_deref(), Some("Nobody is logged in here yet."));
}

#[test]
fn q_quits_and_no_key_does_anything_after_it() {
    let mut play = Play::screen().until_unscanned();
    assert_eq!(play.press(Key::Quit).done(), ["unfollow", "cancel", "leave 6"]);
    for key in [Key::NewCode, Key::SaveQr, Key::CopyLink, Key::LogOut, Key::Quit] {
        assert!(play.press(key).0.is_empty());
    }
}

#[test]
fn a_note_goes_by_itself() {
    let mut play = Play::screen().until_unscanned();
    play.press(Key::CopyLink);
    play.wait(7);
    assert!(play.app.shown_note().is_some());
    play.wait(1);
    assert!(play.app.shown_note().is_none());
}

#[test]
fn the_name_of_a_saved_picture_is_no_command_to_the_terminal() {
    let mut play = Play::screen().until_unscanned();
    play.send(Message::QrSaved(play.attempt, "a\x1b[2Jb.png".into(), Ok(())));
    assert_eq!(play.note().unwrap(), r"Saved in a\u{1b}[2Jb.png");
}
