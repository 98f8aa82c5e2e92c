use shared::id::LoginId;
use shared::random::OsRandom;

use super::*;

fn server(address: &str) -> PublicUrl {
    PublicUrl::parse(address).unwrap()
}

fn now() -> Timestamp {
    "2026-11-03T14:02:00Z".parse().unwrap()
}

fn answer(expires_in: u64) -> TokenAnswer {
    let tag = LoginId::generate(now(), &OsRandom).tag();
    TokenAnswer {
        access_token: Token::generate(tag, &OsRandom),
        token_type: "Bearer".to_owned(),
        expires_in,
        refresh_token: Token::generate(tag, &OsRandom),
        scope: None,
    }
}

fn session(address: &str) -> Session {
    Session::begun(&server(address), answer(3600), now())
}

const HERE: &str = "http://127.0.0.1:8080";

#[test]
fn a_session_survives_the_disk() {
    let folder = tempfile::tempdir().unwrap();
    let kept = session(HERE);
    {
        let keep = Keep::open(folder.path(), &server(HERE)).unwrap();
        assert!(keep.load().unwrap().is_none());
        keep.save(&kept).unwrap();
    }
    let found = Keep::open(folder.path(), &server(HERE)).unwrap().load().unwrap().unwrap();
    assert_eq!(found.refresh_token.expose(), kept.refresh_token.expose());
    assert_eq!(found.access_token.expose(), kept.access_token.expose());
    assert_eq!((found.since, found.access_until), (kept.since, kept.access_until));
}

#[test]
fn each_server_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let addresses = [
        HERE,
        "http://127.0.0.1:8081",
        "https://127.0.0.1:8080",
        "http://[::1]:8080",
        "https://login.example.com",
        "https://login.example.com-8443",
        "https://login.example.com:8443",
    ];
    let keeps = addresses.map(|address| Keep::open(folder.path(), &server(address)).unwrap());
    for (keep, address) in keeps.iter().zip(addresses) {
        assert!(keep.load().unwrap().is_none(), "{address} has none yet");
        keep.save(&session(address)).unwrap();
    }
    keeps[0].forget().unwrap();
    assert!(keeps[0].load().unwrap().is_none());
    assert!(keeps[1..].iter().all(|keep| keep.load().unwrap().is_some()));
}

#[test]
fn one_process_at_a_time_uses_it() {
    let folder = tempfile::tempdir().unwrap();
    let first = Keep::open(folder.path(), &server(HERE)).unwrap();
    let second = Keep::open(folder.path(), &server(HERE)).unwrap_err();
    assert!(matches!(second, KeepError::InUse { .. }), "{second:?}");
    drop(first);
    Keep::open(folder.path(), &server(HERE)).unwrap();
}

#[test]
fn what_cannot_be_read_is_set_aside_and_in_nobodys_way() {
    let folder = tempfile::tempdir().unwrap();
    let keep = Keep::open(folder.path(), &server(HERE)).unwrap();
    let elsewhere = serde_json::to_string(&session("https://login.example.com")).unwrap();
    for text in ["", "{", "null", "\u{feff}{}", &elsewhere] {
        fs::write(&keep.path, text).unwrap();
        let error = keep.load().unwrap_err();
        let KeepError::Unreadable { aside, .. } = &error else { panic!("{error:?}") };
        assert_eq!(fs::read_to_string(aside).unwrap(), text);
        assert!(keep.load().unwrap().is_none());
        keep.save(&session(HERE)).unwrap();
        keep.load().unwrap().unwrap();
    }
}

#[test]
fn a_write_that_fails_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let keep = Keep::open(folder.path(), &server(HERE)).unwrap();
    fs::create_dir(&keep.path).unwrap();
    let error = keep.save(&session(HERE)).unwrap_err().text().to_string();
    assert!(error.contains("--state-dir") && error.contains("--ephemeral"), "{error}");
}

#[cfg(unix)]
#[test]
fn nobody_else_can_read_it() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let below = folder.path().join("state/saoma");
    let keep = Keep::open(&below, &server(HERE)).unwrap();
    keep.save(&session(HERE)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&below), mode(&keep.path)), (0o700, 0o600));
}

#[test]
fn new_tokens_are_due_in_the_last_quarter_of_the_old_ones() {
    let session = Session::begun(&server(HERE), answer(3600), now());
    let at = |secs| after(now(), secs);
    assert!(!session.is_due(now()) && !session.is_due(at(2699)));
    assert!(session.is_due(at(2700)) && session.is_due(at(999_999)));
    let renewed = session.renewed(answer(60), at(2700));
    assert_eq!(renewed.since, now());
    assert!(!renewed.is_due(at(2744)) && renewed.is_due(at(2745)));
}

#[test]
fn no_lifetime_is_too_long() {
    let session = Session::begun(&server(HERE), answer(u64::MAX), now());
    assert!(!session.is_due(now()));
}

#[test]
fn debug_shows_no_token() {
    let session = session(HERE);
    let shown = format!("{session:?}");
    assert!(!shown.contains(session.access_token.expose()));
    assert!(!shown.contains(session.refresh_token.expose()));
}
