use std::path::Path;

use serde_json::json;
use shared::id::LoginId;
use shared::lang::Lang;
use shared::random::OsRandom;
use tempfile::TempDir;

use super::*;

const SERVER: &str = "https://login.example.com";

fn keep(folder: &TempDir, server: &str) -> Keep {
    Keep::of(Some(folder.path().join("state")), &PublicUrl::parse(server).unwrap()).unwrap()
}

fn now() -> Timestamp {
    "2026-11-23T12:00:00Z".parse().unwrap()
}

fn logged_in(session: &str) -> PhoneLoggedIn {
    let tag = LoginId::generate(now(), &OsRandom).tag();
    serde_json::from_value(json!({
        "phone_token": Token::<PhoneToken>::generate(tag, &OsRandom),
        "account": {"id": "01ARZ3NDEKTSV4RRFFQ69G5FAA", "username": "alice"},
        "session_id": session,
    }))
    .unwrap()
}

fn scanned() -> Scanned {
    let tag = LoginId::generate(now(), &OsRandom).tag();
    serde_json::from_value(json!({
        "confirm_token": Token::<ConfirmToken>::generate(tag, &OsRandom),
        "expires_in": 90,
        "login": {"requested_at": now(), "ip": "192.0.2.7"},
    }))
    .unwrap()
}

const FIRST: &str = "01ARZ3NDEKTSV4RRFFQ69G5F01";
const SECOND: &str = "01ARZ3NDEKTSV4RRFFQ69G5F02";

#[test]
fn what_is_kept_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(&folder, SERVER);
    assert!(keep.phone().unwrap().is_none());
    let answer = logged_in(FIRST);
    keep.keep_phone(&answer).unwrap();
    let phone = keep.phone().unwrap().unwrap();
    assert_eq!(phone.phone_token.expose(), answer.phone_token.expose());
    assert_eq!((phone.account.username.as_str(), phone.session_id), ("alice", answer.session_id));

    assert!(keep.scan(&phone).unwrap().is_none());
    let answer = scanned();
    keep.keep_scan(&phone, &answer, now()).unwrap();
    let scan = keep.scan(&phone).unwrap().unwrap();
    assert_eq!(scan.confirm_token.expose(), answer.confirm_token.expose());
    assert_eq!(scan.expires_at, "2026-11-23T12:01:30Z".parse().unwrap());
    assert_eq!(scan.login, answer.login);

    keep.forget_scan(&scan).unwrap();
    assert!(keep.scan(&phone).unwrap().is_none());
    keep.forget_phone(&phone).unwrap();
    keep.forget_phone(&phone).unwrap();
    assert!(keep.phone().unwrap().is_none());
}

#[test]
fn each_server_has_its_own() {
    let folder = tempfile::tempdir().unwrap();
    keep(&folder, SERVER).keep_phone(&logged_in(FIRST)).unwrap();
    for other in [
        "http://login.example.com",
        "https://login.example.com:8443",
        "https://example.com",
        "http://127.0.0.1:8080",
        "http://[::1]:8080",
    ] {
        let other = keep(&folder, other);
        assert!(other.phone().unwrap().is_none());
        other.keep_phone(&logged_in(SECOND)).unwrap();
        assert_eq!(other.phone().unwrap().unwrap().session_id.to_string(), SECOND);
    }
    assert_eq!(keep(&folder, SERVER).phone().unwrap().unwrap().session_id.to_string(), FIRST);
}

#[test]
fn a_new_session_ends_the_old_one_s_scan() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(&folder, SERVER);
    keep.keep_phone(&logged_in(FIRST)).unwrap();
    let first = keep.phone().unwrap().unwrap();
    keep.keep_scan(&first, &scanned(), now()).unwrap();
    keep.keep_phone(&logged_in(SECOND)).unwrap();
    assert!(keep.scan(&first).unwrap().is_none());
    // A scan of the old session that comes in late is not the new one's.
    keep.keep_scan(&first, &scanned(), now()).unwrap();
    assert!(keep.scan(&keep.phone().unwrap().unwrap()).unwrap().is_none());
}

#[test]
fn only_what_was_meant_is_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(&folder, SERVER);
    keep.keep_phone(&logged_in(FIRST)).unwrap();
    let first = keep.phone().unwrap().unwrap();
    let old = keep.keep_scan(&first, &scanned(), now()).unwrap();
    let new = keep.keep_scan(&first, &scanned(), now()).unwrap();
    keep.forget_scan(&old).unwrap();
    assert_eq!(keep.scan(&first).unwrap().unwrap().confirm_token.expose(), new.confirm_token.expose());

    keep.keep_phone(&logged_in(SECOND)).unwrap();
    keep.forget_phone(&first).unwrap();
    assert_eq!(keep.phone().unwrap().unwrap().session_id.to_string(), SECOND);
}

#[test]
fn a_corrupt_file_is_said_and_can_be_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(&folder, SERVER);
    keep.keep_phone(&logged_in(FIRST)).unwrap();
    let phone = keep.phone().unwrap().unwrap();
    keep.keep_scan(&phone, &scanned(), now()).unwrap();

    let whole = fs::read(keep.path::<Phone>()).unwrap();
    let elsewhere = String::from_utf8(whole.clone()).unwrap().replace(SERVER, "https://evil.example");
    for text in [&b""[..], b"{}", b"\xff", &whole[..whole.len() / 2], elsewhere.as_bytes()] {
        fs::write(keep.path::<Phone>(), text).unwrap();
        let error = keep.phone().unwrap_err();
        assert!(matches!(error, KeepError::Corrupt(_)), "{error:?}");
        assert_eq!(Failure::from(error).exit, Exit::NotLoggedIn);
    }
    keep.keep_phone(&logged_in(SECOND)).unwrap();
    assert!(keep.phone().unwrap().is_some());

    fs::write(keep.path::<Scan>(), "x").unwrap();
    let error = Failure::from(keep.scan(&phone).unwrap_err()).line(Lang::English);
    assert!(error.contains("scan the code again"), "{error}");
    keep.keep_scan(&phone, &scanned(), now()).unwrap();
    assert!(keep.scan(&phone).unwrap().is_some());
}

#[test]
fn a_place_that_can_not_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("state"), "a file").unwrap();
    let error = Failure::from(keep(&folder, SERVER).keep_phone(&logged_in(FIRST)).unwrap_err());
    let error = error.line(Lang::English);
    assert!(error.contains("state") && error.contains("--state-dir"), "{error}");
}

#[test]
fn a_place_whose_name_a_terminal_would_obey_is_named_harmlessly() {
    let folder = tempfile::tempdir().unwrap();
    let state = folder.path().join("a\x1b[2J");
    let server = PublicUrl::parse(SERVER).unwrap();
    let keep = || Keep::of(Some(state.clone()), &server).unwrap();
    fs::write(&state, "a file").unwrap();
    let cant_use = Failure::from(keep().keep_phone(&logged_in(FIRST)).unwrap_err());
    fs::remove_file(&state).unwrap();
    keep().keep_phone(&logged_in(FIRST)).unwrap();
    let phone = keep().phone().unwrap().unwrap();
    fs::write(keep().path::<Scan>(), "x").unwrap();
    let bad_scan = Failure::from(keep().scan(&phone).unwrap_err());
    fs::write(keep().path::<Phone>(), "x").unwrap();
    let bad_phone = Failure::from(keep().phone().unwrap_err());
    for failure in [cant_use, bad_scan, bad_phone] {
        let line = failure.line(Lang::English);
        assert!(line.contains(r"a\u{1b}[2J") && !line.contains('\x1b'), "{line}");
    }
}

#[cfg(unix)]
#[test]
fn only_the_user_can_read_it_and_no_litter_is_left() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    let keep = keep(&folder, SERVER);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    keep.keep_phone(&logged_in(FIRST)).unwrap();
    let phone = keep.phone().unwrap().unwrap();
    // In place of one that was open to all, too.
    fs::set_permissions(keep.path::<Phone>(), fs::Permissions::from_mode(0o644)).unwrap();
    keep.keep_phone(&logged_in(SECOND)).unwrap();
    keep.keep_scan(&phone, &scanned(), now()).unwrap();
    assert_eq!(mode(&keep.folder), 0o700);
    let files: Vec<_> = fs::read_dir(&keep.folder).unwrap().map(|file| file.unwrap().path()).collect();
    assert_eq!(files.len(), 2);
    assert!(files.iter().all(|file| mode(file) == 0o600));
}

#[test]
fn debug_says_nothing_of_the_tokens() {
    let folder = tempfile::tempdir().unwrap();
    let keep = keep(&folder, SERVER);
    keep.keep_phone(&logged_in(FIRST)).unwrap();
    let phone = keep.phone().unwrap().unwrap();
    let scan = keep.keep_scan(&phone, &scanned(), now()).unwrap();
    let shown = format!("{phone:?} {scan:?}");
    assert!(!shown.contains("ph_") && !shown.contains("ct_"), "{shown}");
}
