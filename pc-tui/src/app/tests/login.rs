//! Ask, show, follow, redeem.

use shared::api::{CheckCode, DeviceAuthorization, Status};
use shared::client::{ClientError, News, Redeemed, Transport};
use shared::exit::Exit;
use shared::problem::{OauthCode, ProblemCode};
use shared::words::Text;

use crate::app::{Key, Manner, Message, Outcome, Progress, Settings, Stage};
use crate::fixture::{LINK, Play, authorization, me, oauth, settings, tokens, unauthenticated, unreachable};

fn outcome(play: &Play) -> &Outcome {
    match &play.app.stage {
        Stage::Over(outcome) => outcome,
        other => panic!("not over: {other:?}"),
    }
}

fn is_asking(play: &Play) -> bool {
    matches!(play.app.stage, Stage::Asking(_))
}

fn progress(play: &Play) -> &Progress {
    match &play.app.stage {
        Stage::Pending(pending) => &pending.progress,
        other => panic!("not pending: {other:?}"),
    }
}

#[test]
fn a_login_from_the_first_to_the_last() {
    let mut play = Play::script();
    assert_eq!(play.start().done(), ["unfollow", "issue"]);
    let issued = play.issue();
    assert_eq!(
        (issued.said(), issued.done()),
        (vec![format!("issued {LINK}")], vec!["follow auto".to_owned()])
    );
    assert_eq!(play.status(Status::Unscanned).said(), ["unscanned 1 websocket"]);
    assert_eq!(play.status(Status::Scanned).said(), ["scanned 2 websocket"]);
    let confirmed = play.status(Status::Confirmed);
    assert_eq!(confirmed.said(), ["confirmed 3 websocket"]);
    assert_eq!(confirmed.done(), ["unfollow", "redeem"]);
    assert_eq!(play.redeem(Ok(Redeemed::Tokens(tokens(1)))).done(), ["keep 1", "meet 1"]);
    let met = play.meet(Ok(me("alice")));
    assert_eq!(met.said(), ["logged in alice 01JC0000000000000000000S7K"]);
    assert_eq!(met.exit(), Some(Exit::Done));
}

#[test]
fn a_status_is_told_once_whatever_the_feed_repeats() {
    let mut play = Play::script().until_scanned();
    assert_eq!(play.status(Status::Scanned).said(), [""; 0]);
    assert_eq!(play.status(Status::Unscanned).said(), [""; 0], "nor an older one");
}

#[test]
fn a_denied_login_ends_a_script_and_not_the_screen() {
    let mut play = Play::script().until_scanned();
    let denied = play.status(Status::Denied);
    assert_eq!(denied.said(), ["denied 5 websocket", "ended denied"]);
    assert_eq!(denied.exit(), Some(Exit::Denied));

    let mut play = Play::screen().until_scanned();
    assert_eq!(play.status(Status::Denied).done(), ["unfollow"]);
    assert_eq!(outcome(&play), &Outcome::Denied);
    assert_eq!(play.wait(1000).done(), [""; 0], "it waits for a person");
}

#[test]
fn a_login_that_the_server_cancelled_is_over() {
    let mut play = Play::script().until_unscanned();
    let cancelled = play.status(Status::Cancelled);
    assert_eq!(cancelled.said(), ["cancelled 5 websocket", "ended cancelled"]);
    assert_eq!(cancelled.exit(), Some(Exit::Cancelled));
}

#[test]
fn the_screen_renews_an_expired_code_five_times_and_then_waits() {
    let mut play = Play::screen().until_unscanned();
    for _ in 0..5 {
        assert_eq!(play.status(Status::Expired).done(), ["unfollow", "issue"]);
        play.issue();
        play.status(Status::Unscanned);
    }
    assert_eq!(play.status(Status::Expired).done(), ["unfollow"]);
    assert_eq!(outcome(&play), &Outcome::Expired);
}

#[test]
fn a_script_ends_with_the_code_unless_it_may_renew() {
    let mut play = Play::script().until_unscanned();
    let expired = play.status(Status::Expired);
    assert_eq!(expired.said(), ["expired 5 websocket", "ended expired"]);
    assert_eq!(expired.exit(), Some(Exit::Expired));

    let mut play = Play::new(Settings { renewals: 1, ..settings(Manner::Script) }).until_unscanned();
    let expired = play.status(Status::Expired);
    assert_eq!(expired.said(), ["expired 5 websocket"]);
    assert_eq!(expired.done(), ["unfollow", "issue"]);
    assert_eq!(play.issue().said(), [format!("issued {LINK}")]);
    assert_eq!(play.status(Status::Unscanned).said(), ["unscanned 1 websocket"]);
    assert_eq!(play.status(Status::Expired).exit(), Some(Exit::Expired));
}

#[test]
fn a_login_that_the_server_has_forgotten_is_as_good_as_expired() {
    let mut play = Play::screen().until_unscanned();
    assert_eq!(play.news(News::Gone(unauthenticated())).done(), ["unfollow", "issue"]);
}

#[test]
fn a_feed_that_was_taken_over_is_not_taken_back() {
    let mut play = Play::script().until_unscanned();
    let gone = play.news(News::Gone(ClientError::Unexpected(Text::verbatim("taken over"))));
    assert_eq!(gone.done(), ["unfollow", "leave 1: taken over"]);
}

#[test]
fn the_screen_keeps_trying_with_longer_and_longer_pauses() {
    let mut play = Play::screen();
    play.start();
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        play.send(Message::Issued(play.attempt, Err(unreachable())));
        assert_eq!(play.wait(pause - 1).done(), [""; 0], "not before {pause} s");
        assert_eq!(play.wait(1).done(), ["issue"], "after {pause} s");
    }
    play.issue();
    assert!(matches!(progress(&play), Progress::Unscanned));
}

#[test]
fn the_screen_waits_as_long_as_the_server_asks_for() {
    let mut play = Play::screen();
    play.start();
    let busy = ClientError::Oauth { error: OauthCode::SlowDown.into(), retry_after: Some(20) };
    play.send(Message::Issued(play.attempt, Err(busy)));
    assert_eq!(play.wait(19).done(), [""; 0]);
    assert_eq!(play.wait(1).done(), ["issue"]);
}

#[test]
fn a_script_gives_up_on_an_unreachable_server() {
    let mut play = Play::script();
    play.start();
    let effects = play.send(Message::Issued(play.attempt, Err(unreachable())));
    assert_eq!(effects.exit(), Some(Exit::Unreachable));
    assert_eq!(effects.said(), [""; 0], "there was no login that could have ended");
}

#[test]
fn an_answer_that_makes_no_sense_is_shown_and_not_repeated() {
    let mut play = Play::screen();
    play.start();
    play.send(Message::Issued(play.attempt, Err(ClientError::Unexpected(Text::verbatim("a page")))));
    assert_eq!(outcome(&play), &Outcome::Failed { why: Text::verbatim("a page"), exit: Exit::Failed });
    assert_eq!(play.wait(1000).done(), [""; 0]);
}

#[test]
fn a_link_that_is_none_is_refused_and_its_login_cancelled() {
    let links = ["", "HTTPS://X/Q/\x1b[2J", "HTTPS://X/Q/Ü", "HTTPS://X/Q/A B", &"A".repeat(513)];
    for link in links {
        let mut play = Play::script();
        play.start();
        let answer = DeviceAuthorization { verification_uri_complete: link.to_owned(), ..authorization() };
        let effects = play.send(Message::Issued(play.attempt, Ok(answer)));
        assert_eq!(effects.done()[..2], ["cancel", "unfollow"], "{link:?}");
        assert_eq!(effects.exit(), Some(Exit::Failed), "{link:?}");
        assert!(effects.said().is_empty(), "{link:?}");
    }
}

#[test]
fn a_link_is_taken_verbatim() {
    for link in ["http://x/q/abc?d=%20#~", &"A".repeat(512)] {
        let mut play = Play::script();
        play.start();
        let answer = DeviceAuthorization { verification_uri_complete: link.to_owned(), ..authorization() };
        let effects = play.send(Message::Issued(play.attempt, Ok(answer)));
        assert_eq!(effects.said(), [format!("issued {link}")]);
    }
}

#[test]
fn the_picture_is_whole_before_anybody_hears_of_the_code() {
    let with_picture = Settings { save_qr: Some("qr.png".into()), ..settings(Manner::Script) };
    let mut play = Play::new(with_picture);
    play.start();
    let issued = play.issue();
    assert_eq!((issued.said(), issued.done()), (vec![], vec!["save qr.png".to_owned()]));
    let saved = play.send(Message::QrSaved(play.attempt, "qr.png".into(), Ok(())));
    assert_eq!(saved.said(), [format!("issued {LINK}")]);
    assert_eq!(saved.done(), ["follow auto"]);
}

#[test]
fn a_picture_that_cannot_be_written_fails_a_script_and_not_the_screen() {
    let with_picture = |manner| Settings { save_qr: Some("qr.png".into()), ..settings(manner) };
    let mut play = Play::new(with_picture(Manner::Script));
    play.start();
    play.issue();
    let failed = play.send(Message::QrSaved(play.attempt, "qr.png".into(), Err(Text::verbatim("disk full"))));
    assert_eq!(failed.done(), ["cancel", "unfollow", "leave 1: disk full"]);

    let mut play = Play::new(with_picture(Manner::Screen));
    play.start();
    play.issue();
    let failed = play.send(Message::QrSaved(play.attempt, "qr.png".into(), Err(Text::verbatim("disk full"))));
    assert_eq!(failed.done(), ["follow auto"]);
    assert_eq!(play.note().as_deref(), Some("disk full"));
}

#[test]
fn a_lost_connection_is_told_and_got_over() {
    let mut play = Play::script().until_unscanned();
    assert_eq!(play.lose(3).said(), ["trouble 3"]);
    assert_eq!(play.wait(60).exit(), None);
    play.news(News::Back { transport: Transport::LongPoll });
    assert!(matches!(&play.app.stage, Stage::Pending(pending)
        if pending.trouble.is_none() && pending.transport == Some(Transport::LongPoll)));
    assert_eq!(play.status(Status::Scanned).said(), ["scanned 2 websocket"]);
}

#[test]
fn a_code_that_runs_out_unheard_is_given_up_by_the_own_clock() {
    let mut play = Play::screen().until_unscanned();
    play.lose(3);
    assert_eq!(play.wait(124).done(), [""; 0]);
    assert_eq!(play.wait(1).done(), ["cancel", "unfollow", "issue"], "cancelled, as clocks may be wrong");

    let mut play = Play::script().until_unscanned();
    play.lose(3);
    assert_eq!(play.wait(125).exit(), Some(Exit::Unreachable));

    let mut play = Play::script().until_unscanned();
    assert_eq!(play.wait(125).exit(), Some(Exit::Expired), "a feed that is up, yet silent");
}

#[test]
fn a_redeem_whose_answer_was_lost_is_repeated_for_a_while() {
    let mut play = Play::screen().until_confirmed();
    for _ in 0..24 {
        assert_eq!(play.redeem(Err(unreachable())).done(), [""; 0]);
        assert_eq!(play.wait(1).done(), ["redeem"]);
    }
    assert_eq!(play.redeem(Ok(Redeemed::Tokens(tokens(1)))).done(), ["keep 1", "meet 1"]);
}

#[test]
fn a_redeem_is_not_repeated_when_that_would_look_like_a_replay() {
    let mut play = Play::screen().until_confirmed();
    play.wait(25);
    assert_eq!(play.redeem(Err(unreachable())).done(), ["unfollow"]);
    assert!(matches!(outcome(&play), Outcome::Failed { exit: Exit::Unreachable, .. }));
}

#[test]
fn a_redeem_that_came_too_soon_is_tried_again() {
    let mut play = Play::screen().until_confirmed();
    play.redeem(Ok(Redeemed::Pending { status: None, tries_left: None }));
    assert_eq!(play.wait(1).done(), ["redeem"]);
    play.redeem(Ok(Redeemed::SlowDown));
    assert_eq!(play.wait(4).done(), [""; 0]);
    assert_eq!(play.wait(1).done(), ["redeem"]);
    play.redeem(Err(oauth(OauthCode::TemporarilyUnavailable)));
    assert_eq!(play.wait(1).done(), ["redeem"]);
}

#[test]
fn a_redeem_that_stays_pending_ends_with_the_login() {
    let mut play = Play::script().until_confirmed();
    let mut exit = None;
    for _ in 0..70 {
        play.redeem(Ok(Redeemed::Pending { status: None, tries_left: None }));
        exit = exit.or(play.wait(1).exit());
    }
    assert_eq!(exit, Some(Exit::Expired));
}

#[test]
fn what_the_redeem_says_is_final() {
    let redeem = |code| {
        let mut play = Play::script().until_confirmed();
        let effects = play.redeem(Err(oauth(code)));
        (effects.said().join(" "), effects.exit())
    };
    assert_eq!(redeem(OauthCode::AccessDenied), ("ended denied".to_owned(), Some(Exit::Denied)));
    assert_eq!(redeem(OauthCode::ExpiredToken), ("ended expired".to_owned(), Some(Exit::Expired)));
    assert_eq!(redeem(OauthCode::InvalidGrant), (String::new(), Some(Exit::NotLoggedIn)));
}

#[test]
fn once_confirmed_the_feed_has_no_say() {
    let mut play = Play::script().until_confirmed();
    for status in [Status::LoggedIn, Status::Expired, Status::Denied] {
        let effects = play.status(status);
        assert!(effects.0.is_empty(), "{effects:?}");
    }
}

#[test]
fn a_login_that_somebody_else_redeemed_is_redeemed_again_so_that_it_ends() {
    let mut play = Play::script().until_scanned();
    let effects = play.status(Status::LoggedIn);
    assert_eq!((effects.said(), effects.done()), (vec![], vec!["unfollow".to_owned(), "redeem".to_owned()]));
    assert_eq!(play.redeem(Err(oauth(OauthCode::InvalidGrant))).exit(), Some(Exit::NotLoggedIn));
}

#[test]
fn what_comes_for_a_login_that_was_given_up_is_given_back() {
    let mut play = Play::screen();
    play.start();
    let old = play.attempt;
    play.send(Message::Stop);
    assert_eq!(play.send(Message::Issued(old, Ok(authorization()))).done(), ["cancel"]);

    let mut play = Play::screen().until_confirmed();
    let old = play.attempt;
    play.press(crate::app::Key::NewCode);
    let late = Redeemed::Tokens(tokens(7));
    assert_eq!(play.send(Message::Redeemed(old, Ok(late))).done(), ["revoke 7"]);
    assert!(is_asking(&play), "and changes nothing");

    let old = old - 1;
    for late in [
        Message::Issued(old, Err(unreachable())),
        Message::QrSaved(old, "qr.png".into(), Err(Text::verbatim(""))),
        Message::News(old, News::Gone(unauthenticated())),
        Message::Redeemed(old, Err(unreachable())),
        Message::Met(old, Err(unauthenticated())),
        Message::Refreshed(old, Err(ProblemCode::Unavailable.into())),
    ] {
        assert!(play.send(late).0.is_empty());
    }
    assert_eq!(play.send(Message::Refreshed(old, Ok(tokens(8)))).done(), ["revoke 8"]);
}

#[test]
fn to_stop_cancels_what_is_pending() {
    for play in
        [Play::script().until_unscanned(), Play::script().until_scanned(), Play::script().until_confirmed()]
    {
        let mut play = play;
        let effects = play.send(Message::Stop);
        assert_eq!(effects.done(), ["unfollow", "cancel", "leave 6"]);
        assert_eq!(effects.said(), ["ended cancelled"]);
        assert!(play.send(Message::Stop).0.is_empty(), "once");
        assert!(play.wait(1000).0.is_empty(), "nothing goes on after that");
    }
}

#[test]
fn a_stopped_program_says_how_it_stood() {
    let exit = |mut play: Play| play.send(Message::Stop).exit();
    let mut asking = Play::screen();
    asking.start();
    assert_eq!(exit(asking), Some(Exit::Cancelled));

    let mut lost = Play::screen();
    lost.start();
    lost.send(Message::Issued(lost.attempt, Err(unreachable())));
    assert_eq!(exit(lost), Some(Exit::Unreachable));

    let mut denied = Play::screen().until_scanned();
    denied.status(Status::Denied);
    assert_eq!(exit(denied), Some(Exit::Denied));
    assert_eq!(exit(Play::screen().until_logged_in()), Some(Exit::Done));
}

#[test]
fn two_digits_are_sent_as_soon_as_they_are_typed() {
    let mut play = Play::screen().until_confirmed();
    assert_eq!(play.press(Key::Digit(4)).done(), [""; 0], "nobody asked yet");
    assert_eq!(play.check(3).said(), ["check 3 false"]);
    for key in [Key::Digit(0), Key::Digit(5), Key::Backspace, Key::Digit(4)] {
        assert_eq!(play.press(key).done(), [""; 0]);
    }
    assert_eq!(play.press(Key::Digit(8)).done(), ["redeem 48"]);
    assert_eq!(play.press(Key::Digit(1)).done(), [""; 0], "the answer is awaited");
    assert_eq!(play.check(2).said(), ["check 2 true"]);
    play.press(Key::Digit(4));
    assert_eq!(play.press(Key::Digit(7)).done(), ["redeem 47"]);
    // A lost answer: the same once more.
    play.redeem(Err(unreachable()));
    assert_eq!(play.wait(1).done(), ["redeem 47"]);
    assert_eq!(play.redeem(Ok(Redeemed::Tokens(tokens(1)))).done(), ["keep 1", "meet 1"]);
}

#[test]
fn a_script_writes_the_digits_as_a_line() {
    let code = |digits| Message::Typed(Some(CheckCode::parse(digits)));
    let mut play = Play::script().until_confirmed();
    assert_eq!(play.check(3).done(), ["listen"]);
    assert_eq!(play.send(code("4")).done(), ["listen"], "not sent");
    assert_eq!(play.send(code("48")).done(), ["redeem 48"]);
    assert_eq!(play.check(2).done(), ["listen"]);
    assert_eq!(play.send(code("47")).done(), ["redeem 47"]);
    assert_eq!(play.send(code("47")).done(), [""; 0], "nobody asked");
}

#[test]
fn digits_that_never_come_end_the_login() {
    let mut play = Play::script().until_confirmed();
    play.check(3);
    assert_eq!(play.send(Message::Typed(None)).exit(), Some(Exit::Failed));
    let mut play = Play::script().until_confirmed();
    play.check(3);
    assert_eq!(play.wait(64).done(), [""; 0]);
    assert_eq!(play.wait(1).exit(), Some(Exit::Expired));
    let mut play = Play::script().until_confirmed();
    play.check(1);
    play.send(Message::Typed(Some(CheckCode::parse("48"))));
    assert_eq!(play.redeem(Err(oauth(OauthCode::AccessDenied))).exit(), Some(Exit::Denied));
}
