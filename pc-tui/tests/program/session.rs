//! The session, from one run to the next.

use std::fs;
use std::path::Path;

use shared::api::Status;
use tempfile::tempdir;

use crate::fake::Fake;
use crate::program::{Program, command};
use crate::real;

const JSON: &[&str] = &["--json", "--transport", "long-poll"];

/// Logs in, so that there is a session.
async fn log_in(fake: &Fake, folder: &Path, args: &[&str]) {
    let mut program = Program::start(fake, folder, &[JSON, args].concat());
    for _ in ["issued", "unscanned"] {
        program.line().await;
    }
    fake.moves_to(Status::Confirmed);
    assert_eq!(program.event().await, "status confirmed");
    assert_eq!(program.event().await, "logged_in alice");
    assert_eq!(program.end().await.exit, 0);
}

/// The one file that a session is kept in.
fn session_file(folder: &Path) -> Option<std::path::PathBuf> {
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.extension().is_some_and(|extension| extension == "json"))
}

#[tokio::test]
async fn the_next_start_is_logged_in_already() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    let asked_before = fake.calls().len();
    let end = Program::start(&fake, folder.path(), JSON).end().await;
    assert_eq!(end.exit, 0);
    assert!(end.rest.len() == 1 && end.rest[0].starts_with(r#"{"event":"logged_in","username":"alice""#));
    assert_eq!(fake.calls()[asked_before..], ["me"]);
    let end = Program::start(&fake, folder.path(), &["--plain"]).end().await;
    assert!(end.exit == 0 && end.rest[0].starts_with("logged in as alice"));
}

#[cfg(unix)]
#[tokio::test]
async fn what_is_kept_is_private() {
    use std::os::unix::fs::PermissionsExt as _;

    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    let file = session_file(folder.path()).unwrap();
    assert_eq!(fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
}

#[tokio::test]
async fn to_log_out_ends_it_once() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    let end = Program::start(&fake, folder.path(), &["logout"]).end().await;
    assert_eq!((end.exit, end.rest), (0, vec![format!("logged out of {}", fake.url())]));
    assert_eq!(fake.calls().last().unwrap(), "revoke");
    assert_eq!(session_file(folder.path()), None);

    let asked_before = fake.calls().len();
    let end = Program::start(&fake, folder.path(), &["logout"]).end().await;
    assert_eq!(end.exit, 3);
    assert_eq!(end.stderr, format!("pc-tui: not logged in to {} here\n", fake.url()));
    assert_eq!(fake.calls().len(), asked_before);
}

#[tokio::test]
async fn an_ephemeral_login_keeps_nothing_and_uses_nothing() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let state = folder.path().join("state");
    log_in(&fake, &state, &["--ephemeral"]).await;
    assert!(!state.exists());
    log_in(&fake, &state, &[]).await;
    // There is a session now, but it is not looked at.
    log_in(&fake, &state, &["--ephemeral"]).await;
}

#[tokio::test]
async fn a_session_that_the_phone_has_ended_makes_way() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    fake.ends_the_session();
    let mut program = Program::start(&fake, folder.path(), JSON);
    assert_eq!(program.event().await, format!("issued {}", fake.link(2)));
    assert_eq!(session_file(folder.path()), None);
    program.signal("TERM").await;
    let end = program.end().await;
    assert_eq!(end.exit, 6);
    assert_eq!(end.stderr, "pc-tui: The session has ended. Log in again.\n");
}

#[tokio::test]
async fn old_tokens_are_renewed_first_and_the_new_ones_kept() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    // As if the login had been a day ago.
    let file = session_file(folder.path()).unwrap();
    let mut session: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for member in ["access_since", "access_until"] {
        let time: jiff::Timestamp = session[member].as_str().unwrap().parse().unwrap();
        session[member] = (time - jiff::SignedDuration::from_hours(24)).to_string().into();
    }
    fs::write(&file, session.to_string()).unwrap();
    let asked_before = fake.calls().len();
    for _ in 0..2 {
        assert_eq!(Program::start(&fake, folder.path(), JSON).end().await.exit, 0);
    }
    assert_eq!(fake.calls()[asked_before..], ["refresh", "me", "me"]);
}

#[tokio::test]
async fn one_process_at_a_time() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut first = Program::start(&fake, folder.path(), JSON);
    first.line().await;
    for args in [JSON, &["logout"]] {
        let end = Program::start(&fake, folder.path(), args).end().await;
        assert_eq!((end.exit, end.rest), (1, vec![]));
        assert!(end.stderr.starts_with("pc-tui: another pc-tui uses the session"), "{}", end.stderr);
    }
    first.signal("TERM").await;
    first.end().await;
    log_in(&fake, folder.path(), &[]).await;
}

#[tokio::test]
async fn what_cannot_be_read_is_said_and_set_aside() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    let file = session_file(folder.path()).unwrap();
    fs::write(&file, "{ half a sess").unwrap();
    let mut program = Program::start(&fake, folder.path(), JSON);
    assert_eq!(program.event().await, format!("issued {}", fake.link(2)));
    program.signal("TERM").await;
    let end = program.end().await;
    assert!(end.stderr.contains("could not be read; it was set aside as"), "{}", end.stderr);

    fs::write(&file, "{ half a sess").unwrap();
    let end = Program::start(&fake, folder.path(), &["logout"]).end().await;
    assert!(end.exit == 1 && end.stderr.contains("set aside as"), "{}", end.stderr);
}

#[tokio::test]
async fn somebody_elses_session_is_neither_used_nor_ended() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    let end = Program::start(&fake, folder.path(), &[JSON, &["--expect-user", "bob"]].concat()).end().await;
    assert_eq!((end.exit, end.rest), (3, vec![]));
    assert!(end.stderr.contains("logged in as alice, not as bob"), "{}", end.stderr);
    assert!(!fake.calls().contains(&"revoke".to_owned()));
    assert_eq!(Program::start(&fake, folder.path(), JSON).end().await.exit, 0);
}

#[tokio::test]
async fn log_the_pc_in_to_the_account_of_a_bystander() {
    for manner in ["--json", "--plain"] {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        // This server passes over whom the PC expects, and lets the first that scans confirm.
        let expecting = [manner, "--transport", "long-poll", "--expect-user", "bob"];
        let mut program = Program::start(&fake, folder.path(), &expecting);
        program.line().await;
        fake.moves_to(Status::Confirmed);
        let end = program.end().await;
        assert_eq!(end.exit, 5, "{}", end.stderr);
        let says = "alice logged in, but bob was expected; that session was ended";
        assert!(end.stderr.contains(says), "{}", end.stderr);
        let claims = |line: &&String| line.contains("alice") || line.contains("session_id");
        assert_eq!(end.rest.iter().find(claims), None);
        assert!(fake.calls()[0].ends_with(" to bob"), "{:?}", fake.calls());
        assert_eq!(fake.calls()[1..], ["redeem", "me", "revoke"]);
        assert_eq!(session_file(folder.path()), None);
    }
}

#[cfg(unix)]
#[tokio::test]
async fn one_key_of_its_own_is_proved_always() {
    use std::os::unix::fs::PermissionsExt as _;

    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &[]).await;
    let path = folder.path().join("pc-tui.key");
    let key = fs::read_to_string(&path).unwrap();
    // A key that others could read is taken from them, and stays the same.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let end = Program::start(&fake, folder.path(), JSON).end().await;
    assert!(!end.rest.join("").contains(&key) && !end.stderr.contains(&key));
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!((fs::read_to_string(&path).unwrap(), fake.keys()), (key, 1));
    log_in(&fake, &folder.path().join("other"), &["--ephemeral"]).await;
    assert_eq!(fake.keys(), 2);
}

#[tokio::test]
async fn a_key_file_without_a_key_says_what_to_do_and_that_helps() {
    let half_a_key = "5ec2e7".repeat(10);
    for content in [b"nonsense".as_slice(), b"", b"\xff\xfe\0", half_a_key.as_bytes(), &[0; 64]] {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        let path = folder.path().join("pc-tui.key");
        fs::write(&path, content).unwrap();
        for args in [JSON, &["--plain"], &["logout"]] {
            let end = Program::start(&fake, folder.path(), args).end().await;
            assert_eq!((end.exit, end.rest), (1, vec![]), "{args:?}");
            let says = "does not hold this PC's key; move it away to have a new one made, and log in again";
            assert_eq!(end.stderr, format!("pc-tui: {} {says}\n", path.display()));
        }
        assert_eq!(fs::read(&path).unwrap(), content, "nobody but its owner does away with it");
        assert!(fake.calls().is_empty(), "{:?}", fake.calls());
        // Who keeps nothing needs no key that is kept.
        log_in(&fake, folder.path(), &["--ephemeral"]).await;

        fs::rename(&path, folder.path().join("aside")).unwrap();
        log_in(&fake, folder.path(), &[]).await;
        assert_eq!(fs::read(&path).unwrap().len(), 64);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_before_there_was_a_key_makes_way_for_a_new_login() {
    for is_old in [false, true] {
        let (folder, (client, phone)) = (tempdir().unwrap(), real::start().await);
        real::was_logged_in_without_a_key(&client, &phone, folder.path(), is_old).await;
        let program = || Program::spawn(command(client.server().as_str(), folder.path(), JSON));
        assert_eq!(phone.sessions().await.unwrap().sessions.len(), 2);

        let mut new_login = program();
        let issued = new_login.event().await;
        // Nobody can use the old one any more: neither here nor where a copy of it may be.
        assert_eq!(session_file(folder.path()), None);
        assert_eq!(phone.sessions().await.unwrap().sessions.len(), 1);
        assert!(folder.path().join("pc-tui.key").exists());

        real::lets_in(&phone, &client, issued.strip_prefix("issued ").unwrap()).await;
        let end = new_login.end().await;
        assert_eq!(end.exit, 0, "{end:?}");
        assert_eq!(end.stderr, "pc-tui: The session has ended. Log in again.\n");
        // The new one is bound to the key, and stays.
        let end = program().end().await;
        assert!(end.exit == 0 && end.rest[0].contains(r#""event":"logged_in""#), "{end:?}");
        assert_eq!(phone.sessions().await.unwrap().sessions.len(), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_from_before_there_was_a_key_can_be_ended() {
    let (folder, (client, phone)) = (tempdir().unwrap(), real::start().await);
    real::was_logged_in_without_a_key(&client, &phone, folder.path(), false).await;
    let end = Program::spawn(command(client.server().as_str(), folder.path(), &["logout"])).end().await;
    assert_eq!((end.exit, end.stderr.as_str()), (0, ""));
    assert_eq!(phone.sessions().await.unwrap().sessions.len(), 1);
    assert_eq!(session_file(folder.path()), None);
}

#[cfg(unix)]
#[tokio::test]
async fn a_program_that_is_killed_before_it_knows_who_logged_in_leaves_nobodys_session() {
    for manner in ["--json", "--plain"] {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        fake.holds_back_who_it_is(true);
        let expecting = [manner, "--transport", "long-poll", "--expect-user", "bob"];
        let mut program = Program::start(&fake, folder.path(), &expecting);
        program.line().await;
        fake.moves_to(Status::Confirmed);
        // It has alice's tokens by now, and does not know that they are alice's.
        fake.is_asked("me").await;
        program.kill().await;
        assert_eq!(session_file(folder.path()), None, "{manner}");

        fake.holds_back_who_it_is(false);
        let mut next = Program::start(&fake, folder.path(), JSON);
        assert_eq!(next.event().await, format!("issued {}", fake.link(2)), "it was logged in as alice");
        next.signal("TERM").await;
        next.end().await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn whoever_is_expected_is_kept_and_where_nobody_is_a_kill_loses_nothing() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    log_in(&fake, folder.path(), &["--expect-user", "alice"]).await;
    assert_eq!(Program::start(&fake, folder.path(), JSON).end().await.exit, 0);

    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    fake.holds_back_who_it_is(true);
    let mut program = Program::start(&fake, folder.path(), JSON);
    program.line().await;
    fake.moves_to(Status::Confirmed);
    fake.is_asked("me").await;
    program.kill().await;
    fake.holds_back_who_it_is(false);
    assert_eq!(Program::start(&fake, folder.path(), JSON).end().await.exit, 0, "it is logged in already");
}

#[tokio::test]
async fn tokens_that_are_good_without_the_key_are_not_taken() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    fake.gives_bearer_tokens();
    let mut program = Program::start(&fake, folder.path(), JSON);
    for _ in ["issued", "unscanned"] {
        program.line().await;
    }
    fake.moves_to(Status::Confirmed);
    let end = program.end().await;
    assert_eq!((end.exit, session_file(folder.path())), (1, None));
    assert!(end.stderr.contains("tokens that are good without this PC's key"), "{}", end.stderr);
}
