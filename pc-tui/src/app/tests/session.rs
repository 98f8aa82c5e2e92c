//! Prove, renew, notice the end.

use shared::client::ClientError;
use shared::exit::Exit;
use shared::name::Username;
use shared::problem::{OauthCode, ProblemCode};
use shared::words::Text;

use crate::app::{Held, Key, Manner, Message, Outcome, Settings, Stage};
use crate::fixture::{Play, me, oauth, session, settings, tokens, unauthenticated, unreachable};

fn held(play: &Play) -> &Held {
    match &play.app.stage {
        Stage::Held(held) => held,
        other => panic!("no session: {other:?}"),
    }
}

fn is_asking(play: &Play) -> bool {
    matches!(play.app.stage, Stage::Asking(_))
}

fn expecting(name: &str, manner: Manner) -> Settings {
    Settings { expect_user: Some(Username::parse(name).unwrap()), ..settings(manner) }
}

/// The next start, with the session that was kept.
fn back(settings: Settings) -> Play {
    let mut play = Play::new(settings);
    play.send(Message::Start(Some(session())));
    play
}

#[test]
fn a_kept_session_that_still_stands_is_used() {
    let mut play = Play::script();
    assert_eq!(play.send(Message::Start(Some(session()))).done(), ["meet 1"]);
    let met = play.meet(Ok(me("alice")));
    assert_eq!(met.said(), ["logged in alice 01JC0000000000000000000S7K"]);
    assert_eq!(met.done(), ["leave 0"]);
}

#[test]
fn a_kept_session_gets_new_tokens_first_if_they_are_due() {
    let mut play = Play::screen();
    play.now = crate::keep::after(play.now, 24 * 3600);
    assert_eq!(play.send(Message::Start(Some(session()))).done(), ["refresh 1"]);
    assert_eq!(play.refresh(Ok(tokens(2))).done(), ["keep 2", "meet 2"], "kept before they are used");
    play.meet(Ok(me("alice")));
    assert!(held(&play).who.is_some());
}

#[test]
fn a_kept_session_that_is_bound_to_another_key_makes_way_too() {
    let refused = || Err(ClientError::from(ProblemCode::InvalidDpopProof));
    for refusal in [OauthCode::InvalidDpopProof, OauthCode::InvalidGrant] {
        let mut play = back(settings(Manner::Script));
        assert_eq!(play.meet(refused()).done(), ["refresh 1"]);
        assert_eq!(play.refresh(Err(oauth(refusal))).done(), ["forget", "unfollow", "issue"]);
    }
    let mut play = back(settings(Manner::Screen));
    play.meet(refused());
    play.refresh(Ok(tokens(2)));
    assert_eq!(play.meet(refused()).done(), ["revoke 2", "forget", "unfollow", "issue"]);
}

#[test]
fn a_server_that_is_called_by_another_name_ends_no_session() {
    let detail = || Some(shared::problem::OTHER_ADDRESS.to_owned());
    let problem = || {
        let problem = shared::problem::Problem { detail: detail(), ..ProblemCode::InvalidDpopProof.into() };
        ClientError::Problem(problem)
    };
    let mut error: shared::problem::OauthError = OauthCode::InvalidDpopProof.into();
    error.error_description = detail();
    let refused = || ClientError::Oauth { error: error.clone(), retry_after: None };

    let mut play = back(settings(Manner::Screen));
    assert!(play.meet(Err(problem())).done().is_empty());
    let trouble = held(&play).trouble.as_ref().unwrap().why.to_string();
    assert!(trouble.contains("public URL with --server"), "{trouble}");
    let mut play = back(settings(Manner::Screen));
    play.meet(Err(unauthenticated()));
    assert!(play.refresh(Err(refused())).done().is_empty());
    assert!(held(&play).trouble.is_some());

    let effects = back(settings(Manner::Script)).meet(Err(problem()));
    assert_eq!(effects.exit(), Some(Exit::Failed));
    assert!(!effects.done().contains(&"forget".to_owned()), "{:?}", effects.done());
}

#[test]
fn a_nonce_that_the_server_asks_for_again_ends_no_session() {
    let mut play = back(settings(Manner::Screen));
    play.meet(Err(unauthenticated()));
    assert!(play.refresh(Err(oauth(OauthCode::UseDpopNonce))).done().is_empty());
    assert!(held(&play).trouble.is_some());
}

#[test]
fn a_kept_session_that_is_over_makes_way_for_a_new_login() {
    let mut play = back(settings(Manner::Script));
    assert_eq!(play.meet(Err(unauthenticated())).done(), ["refresh 1"], "it may only be the access token");
    let ended = play.refresh(Err(oauth(OauthCode::InvalidGrant)));
    assert_eq!(ended.done(), ["forget", "unfollow", "issue"]);
    assert_eq!(ended.said(), ["note The session has ended. Log in again."]);
}

#[test]
fn new_tokens_that_are_refused_too_are_the_end() {
    let mut play = back(settings(Manner::Screen));
    play.meet(Err(unauthenticated()));
    play.refresh(Ok(tokens(2)));
    assert_eq!(play.meet(Err(unauthenticated())).done(), ["revoke 2", "forget", "unfollow", "issue"]);
}

#[test]
fn a_kept_session_outlives_an_unreachable_server() {
    let mut play = back(settings(Manner::Screen));
    for pause in [1, 2, 4, 8, 16, 30, 30] {
        assert_eq!(play.meet(Err(unreachable())).done(), [""; 0]);
        assert_eq!(play.wait(pause - 1).done(), [""; 0]);
        assert_eq!(play.wait(1).done(), ["meet 1"]);
    }
    play.meet(Ok(me("alice")));
    assert!(held(&play).who.is_some() && held(&play).trouble.is_none());

    let mut script = back(settings(Manner::Script));
    let effects = script.meet(Err(unreachable()));
    assert_eq!(effects.exit(), Some(Exit::Unreachable));
    assert!(!effects.done().contains(&"forget".to_owned()));
}

#[test]
fn a_server_that_is_not_well_ends_no_session() {
    for error in [
        unreachable(),
        ProblemCode::Unavailable.into(),
        ProblemCode::RateLimited.into(),
        ClientError::Unexpected(Text::verbatim("a page")),
        oauth(OauthCode::TemporarilyUnavailable),
        oauth(OauthCode::SlowDown),
    ] {
        let mut play = back(settings(Manner::Screen));
        play.meet(Err(unauthenticated()));
        assert_eq!(play.refresh(Err(error.clone())).done(), [""; 0], "{error}");
        assert!(held(&play).trouble.is_some(), "{error}");
    }
}

#[test]
fn the_session_is_looked_after_while_the_screen_is_up() {
    let mut play = Play::screen().until_logged_in();
    assert_eq!(play.wait(29).done(), [""; 0]);
    assert_eq!(play.wait(1).done(), ["meet 1"]);
    assert_eq!(play.wait(100).done(), [""; 0], "one question at a time");
    play.meet(Ok(me("alice")));
    assert_eq!(play.wait(2600).done(), ["refresh 1"], "in the last quarter of the token's hour");
    play.refresh(Ok(tokens(2)));
    assert_eq!(play.meet(Ok(me("alice"))).said(), [""; 0], "nothing to tell");
    assert_eq!(play.wait(30).done(), ["meet 2"]);
}

#[test]
fn a_session_that_the_phone_ends_brings_the_login_screen_back() {
    let mut play = Play::screen().until_logged_in();
    play.wait(30);
    play.meet(Err(unauthenticated()));
    assert_eq!(play.refresh(Err(oauth(OauthCode::InvalidGrant))).done(), ["forget", "unfollow", "issue"]);
    assert!(is_asking(&play));
    assert_eq!(play.note().as_deref(), Some("The session has ended. Log in again."));
}

#[test]
fn a_session_that_ends_before_its_first_use_is_a_failed_login() {
    let mut play = Play::script().until_redeemed();
    play.meet(Err(unauthenticated()));
    let ended = play.refresh(Err(oauth(OauthCode::InvalidGrant)));
    assert_eq!(ended.exit(), Some(Exit::NotLoggedIn));
    assert_eq!(ended.done()[0], "forget");
}

#[test]
fn a_script_asks_a_few_times_who_has_just_logged_in() {
    let mut play = Play::script().until_redeemed();
    for _ in 0..4 {
        assert_eq!(play.meet(Err(unreachable())).exit(), None);
        play.wait(30);
    }
    assert_eq!(play.meet(Err(unreachable())).exit(), Some(Exit::Unreachable));
}

#[test]
fn an_ephemeral_session_never_meets_the_disk() {
    let ephemeral = |manner| Settings { keeps: false, ..settings(manner) };
    let mut play = Play::new(ephemeral(Manner::Screen)).until_confirmed();
    let redeemed = play.redeem(Ok(shared::client::Redeemed::Tokens(tokens(1))));
    assert_eq!(redeemed.done(), ["meet 1"]);
    play.meet(Ok(me("alice")));
    play.wait(2700);
    assert_eq!(play.refresh(Ok(tokens(2))).done(), ["meet 2"]);
    assert_eq!(play.press(Key::Quit).done(), ["forget", "revoke 2", "leave 0"], "nobody could use it again");

    let mut script = Play::new(ephemeral(Manner::Script)).until_redeemed();
    assert_eq!(script.meet(Ok(me("alice"))).done(), ["leave 0"], "a script only asked who it is");
}

#[test]
fn a_kept_session_stays_when_the_program_ends() {
    assert_eq!(Play::screen().until_logged_in().press(Key::Quit).done(), ["leave 0"]);
    assert_eq!(back(settings(Manner::Screen)).press(Key::Quit).done(), ["leave 6"], "not known to be good");
    let mut lost = back(settings(Manner::Screen));
    lost.meet(Err(unreachable()));
    assert_eq!(lost.press(Key::Quit).done(), ["leave 8"]);
}

#[test]
fn tokens_that_arrive_while_the_program_ends_are_still_kept() {
    let mut play = Play::screen().until_logged_in();
    play.wait(2700);
    assert_eq!(play.press(Key::Quit).done(), ["leave 0"]);
    assert_eq!(play.refresh(Ok(tokens(2))).done(), ["keep 2"]);

    let mut play = Play::screen().until_logged_in();
    play.wait(2700);
    play.press(Key::Quit);
    let ended = play.refresh(Err(oauth(OauthCode::InvalidGrant)));
    assert_eq!(ended.done(), ["forget"], "and no new login begins");
}

#[test]
fn a_login_that_is_stopped_before_it_is_told_of_leaves_nothing_behind() {
    let mut play = Play::script().until_redeemed();
    let effects = play.send(Message::Stop);
    assert_eq!(effects.done(), ["forget", "revoke 1", "leave 6"]);
    assert_eq!(effects.said(), ["ended cancelled"]);
}

#[test]
fn only_who_is_expected_gets_in() {
    let mut play = Play::new(expecting("alice", Manner::Script)).until_redeemed();
    assert_eq!(play.meet(Ok(me("alice"))).exit(), Some(Exit::Done));

    let mut play = Play::new(expecting("bob", Manner::Script)).until_redeemed();
    let effects = play.meet(Ok(me("alice")));
    assert_eq!(effects.done()[..2], ["forget", "revoke 1"]);
    assert_eq!(effects.exit(), Some(Exit::Denied));
    assert!(!effects.said().iter().any(|said| said.starts_with("logged in")));

    let mut play = Play::new(expecting("bob", Manner::Screen)).until_redeemed();
    play.meet(Ok(me("alice")));
    assert!(matches!(&play.app.stage, Stage::Over(Outcome::Failed { exit: Exit::Denied, .. })));
}

#[test]
fn where_somebody_is_expected_nothing_is_kept_before_it_is_known_to_be_theirs() {
    for manner in [Manner::Screen, Manner::Script] {
        let mut play = Play::new(expecting("alice", manner)).until_confirmed();
        assert_eq!(play.redeem(Ok(shared::client::Redeemed::Tokens(tokens(1)))).done(), ["meet 1"]);
        // Nor are tokens that were bought in between.
        assert_eq!(play.meet(Err(unauthenticated())).done(), ["refresh 1"]);
        assert_eq!(play.refresh(Ok(tokens(2))).done(), ["meet 2"]);
        assert_eq!(play.meet(Ok(me("alice"))).done()[0], "keep 2");
    }
    let mut play = Play::new(expecting("alice", Manner::Screen)).until_logged_in();
    play.wait(2700);
    assert_eq!(play.refresh(Ok(tokens(2))).done(), ["keep 2", "meet 2"], "from then on as always");
}

#[test]
fn what_is_not_on_disk_is_revoked_when_a_script_gives_up() {
    let ephemeral = Settings { keeps: false, ..settings(Manner::Script) };
    for (settings, revokes) in
        [(expecting("alice", Manner::Script), true), (ephemeral, true), (settings(Manner::Script), false)]
    {
        let mut play = Play::new(settings).until_redeemed();
        for _ in 0..4 {
            play.meet(Err(unreachable()));
            play.wait(30);
        }
        let given_up = play.meet(Err(unreachable()));
        assert_eq!(given_up.exit(), Some(Exit::Unreachable));
        assert_eq!(given_up.done().contains(&"revoke 1".to_owned()), revokes);
    }
}

#[test]
fn somebody_elses_kept_session_is_left_alone() {
    for manner in [Manner::Screen, Manner::Script] {
        let mut play = back(expecting("bob", manner));
        let why = "this computer is logged in as alice, not as bob; log out first with: pc-tui logout";
        assert_eq!(play.meet(Ok(me("alice"))).done(), [format!("leave 3: {why}")]);
    }
}

#[test]
fn to_log_out_ends_the_session_here_and_there_and_starts_over() {
    let mut play = Play::screen().until_logged_in();
    assert_eq!(play.press(Key::LogOut).done(), ["forget", "revoke 1", "unfollow", "issue"]);
    assert_eq!(play.note().as_deref(), Some("Logged out."));
    play.send(Message::Revoked(Ok(())));
    assert_eq!(play.note().as_deref(), Some("Logged out."));
    play.send(Message::Revoked(Err(unreachable())));
    assert!(play.note().unwrap().contains("end it on your phone"));
}

#[test]
fn tokens_that_arrive_after_the_log_out_are_revoked() {
    let mut play = Play::screen().until_logged_in();
    let old = play.attempt;
    play.wait(2700);
    play.press(Key::LogOut);
    assert_eq!(play.send(Message::Refreshed(old, Ok(tokens(2)))).done(), ["revoke 2"]);
}

#[test]
fn a_session_that_cannot_be_kept_is_said_to_be() {
    let mut play = Play::screen().until_logged_in();
    play.send(Message::NotKept(Text::verbatim("disk full")));
    assert_eq!(play.note().as_deref(), Some("disk full"));
}
