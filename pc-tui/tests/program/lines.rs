//! `--json` and `--plain`: what a script sees.

use std::path::Path;
use std::process::Stdio;

use shared::api::Status;
use tempfile::tempdir;

use crate::fake::{Fake, SESSION};
use crate::program::{Program, command, told};

const JSON: &[&str] = &["--json", "--ephemeral", "--transport", "long-poll"];

#[tokio::test]
async fn a_login_is_told_as_the_contract_says() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut program = Program::start(&fake, folder.path(), JSON);
    let link = fake.link(1);
    assert_eq!(
        program.line().await,
        format!(
            r#"{{"event":"issued","scan_url":"{link}","user_code":"WDJB-MJHT","expires_in":120,"qr_png":null}}"#
        )
    );
    let status = |status, version| {
        format!(r#"{{"event":"status","status":"{status}","version":{version},"transport":"long-poll"}}"#)
    };
    assert_eq!(program.line().await, status("unscanned", 1));
    fake.moves_to(Status::Scanned);
    assert_eq!(program.line().await, status("scanned", 2));
    fake.moves_to(Status::Confirmed);
    assert_eq!(program.line().await, status("confirmed", 3));
    let end = program.end().await;
    assert_eq!(end.rest, [format!(r#"{{"event":"logged_in","username":"alice","session_id":"{SESSION}"}}"#)]);
    assert_eq!((end.exit, end.stderr.as_str()), (0, ""));
    assert_eq!(fake.calls()[1..], ["redeem", "me"]);
}

#[tokio::test]
async fn each_end_has_its_exit_code() {
    for (status, name, exit) in
        [(Status::Denied, "denied", 5), (Status::Expired, "expired", 4), (Status::Cancelled, "cancelled", 6)]
    {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        let mut program = Program::start(&fake, folder.path(), JSON);
        for _ in ["issued", "unscanned"] {
            program.line().await;
        }
        fake.moves_to(status);
        let end = program.end().await;
        assert_eq!(
            end.rest.iter().map(|line| told(line)).collect::<Vec<_>>(),
            [format!("status {name}"), format!("ended {name}")]
        );
        assert_eq!((end.exit, end.stderr.as_str()), (exit, ""));
    }
}

#[tokio::test]
async fn an_expired_code_is_renewed_as_often_as_allowed() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut program = Program::start(&fake, folder.path(), &[JSON, &["--renew", "1"]].concat());
    for number in [1, 2] {
        assert_eq!(program.event().await, format!("issued {}", fake.link(number)));
        assert_eq!(program.event().await, "status unscanned");
        fake.moves_to(Status::Expired);
        assert_eq!(program.event().await, "status expired");
    }
    assert_eq!(program.event().await, "ended expired");
    assert_eq!(program.end().await.exit, 4);
}

#[tokio::test]
async fn a_stopped_program_cancels_its_login() {
    for signal in ["TERM", "INT", "HUP"] {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        let mut program = Program::start(&fake, folder.path(), JSON);
        for _ in ["issued", "unscanned"] {
            program.line().await;
        }
        program.signal(signal).await;
        assert_eq!(program.event().await, "ended cancelled");
        assert_eq!(program.end().await.exit, 6);
        assert_eq!(fake.calls().last().unwrap(), "cancel");
    }
}

#[tokio::test]
async fn a_program_that_nobody_reads_cancels_its_login() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut program = Program::start(&fake, folder.path(), JSON);
    for _ in ["issued", "unscanned"] {
        program.line().await;
    }
    let program = program.hang_up();
    fake.moves_to(Status::Scanned);
    let (exit, stderr) = program.end().await;
    assert_eq!(exit, 1);
    assert!(stderr.starts_with("pc-tui: can't write to standard output"), "{stderr}");
    fake.is_asked("cancel").await;
}

#[tokio::test]
async fn an_unreachable_server_is_told_in_one_line() {
    let folder = tempdir().unwrap();
    // A port that was free a moment ago.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    for mode in ["--json", "--plain"] {
        let end = Program::spawn(command(&server, folder.path(), &[mode])).end().await;
        assert_eq!((end.exit, end.rest), (8, vec![]));
        assert!(end.stderr.starts_with("pc-tui: ") && end.stderr.lines().count() == 1, "{}", end.stderr);
    }
}

#[tokio::test]
async fn plain_http_to_another_machine_is_bad_usage() {
    let folder = tempdir().unwrap();
    for args in [&["--json"][..], &["logout"]] {
        let end = Program::spawn(command("http://login.example.com", folder.path(), args)).end().await;
        assert_eq!(end.exit, 2);
        assert!(end.stderr.starts_with("pc-tui: plain http"), "{}", end.stderr);
    }
}

#[tokio::test]
async fn the_picture_is_whole_when_the_code_is_told_of() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let picture = folder.path().join("qr.png");
    let save = ["--save-qr", picture.to_str().unwrap()];
    let mut program = Program::start(&fake, folder.path(), &[JSON, &save].concat());
    let issued = program.line().await;
    let png = image::open(&picture).unwrap().into_luma8();
    assert!(issued.contains(&format!(r#""qr_png":"{}""#, picture.display())), "{issued}");
    let mut prepared = rqrr::PreparedImage::prepare(png);
    assert_eq!(prepared.detect_grids()[0].decode().unwrap().1, fake.link(1));
}

#[tokio::test]
async fn a_picture_that_cannot_be_written_fails_before_the_code_is_told_of() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let nowhere = folder.path().join("no/such/folder/qr.png");
    let save = ["--save-qr", nowhere.to_str().unwrap()];
    let end = Program::start(&fake, folder.path(), &[JSON, &save].concat()).end().await;
    assert_eq!((end.exit, end.rest), (1, vec![]));
    assert!(end.stderr.contains("no/such/folder"), "{}", end.stderr);
    assert_eq!(fake.calls()[1..], ["cancel"]);
}

#[tokio::test]
async fn the_server_hears_who_asks_and_who_is_expected() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let who = ["--device-name", "thinkpad", "--expect-user", "Alice"];
    let mut program = Program::start(&fake, folder.path(), &[JSON, &who].concat());
    program.line().await;
    assert_eq!(fake.calls(), ["issue for pc-tui on thinkpad to alice"]);
}

#[tokio::test]
async fn whoever_is_not_expected_is_thrown_out_again() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let args = ["--json", "--transport", "long-poll", "--expect-user", "bob"];
    let mut program = Program::start(&fake, folder.path(), &args);
    for _ in ["issued", "unscanned"] {
        program.line().await;
    }
    fake.moves_to(Status::Confirmed);
    assert_eq!(program.event().await, "status confirmed");
    let end = program.end().await;
    assert_eq!((end.exit, end.rest), (5, vec![]));
    assert_eq!(end.stderr, "pc-tui: alice logged in, but bob was expected; that session was ended\n");
    assert_eq!(fake.calls().last().unwrap(), "revoke");
    assert_eq!(Program::start(&fake, folder.path(), &["logout"]).end().await.exit, 3, "nothing is kept");
}

#[tokio::test]
async fn a_redeem_whose_answer_is_lost_is_repeated() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let mut program = Program::start(&fake, folder.path(), JSON);
    for _ in ["issued", "unscanned"] {
        program.line().await;
    }
    fake.loses_an_answer();
    fake.moves_to(Status::Confirmed);
    assert_eq!(program.event().await, "status confirmed");
    assert_eq!(program.event().await, "logged_in alice");
    assert_eq!(program.end().await.exit, 0);
    assert_eq!(fake.calls()[1..], ["redeem", "redeem", "me"]);
}

#[tokio::test]
async fn a_link_that_would_move_the_cursor_is_not_shown() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    fake.sends_as_link("HTTP://X/Q/\x1b[2J");
    let end = Program::start(&fake, folder.path(), &["--plain", "--ephemeral"]).end().await;
    assert_eq!((end.exit, end.rest), (1, vec![]));
    assert!(end.stderr.starts_with("pc-tui: the server sent a link") && !end.stderr.contains('\x1b'));
    assert_eq!(fake.calls()[1..], ["cancel"]);
}

#[tokio::test]
async fn without_a_terminal_it_is_plain_and_without_escapes() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    for mode in [&[][..], &["--plain"]] {
        let args = [mode, &["--ephemeral", "--transport", "long-poll"]].concat();
        let mut program = Program::start(&fake, folder.path(), &args);
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != "unscanned: waiting for a phone") {
            lines.push(program.line().await);
        }
        let text = lines.join("\n");
        assert!(text.contains("\n███") && !text.contains('\x1b'), "{text}");
        assert!(text.contains("/Q/7K") && text.contains("WDJB-MJHT"), "{text}");
        fake.moves_to(Status::Denied);
        let end = program.end().await;
        assert_eq!(end.rest, ["denied: the phone said no", "ended: denied"]);
        assert_eq!(end.exit, 5);
    }
}

/// What the program says in an environment, with options, once a code is there.
async fn said(fake: &Fake, state_dir: &Path, environment: &[(&str, &str)], options: &[&str]) -> Vec<String> {
    let args = [&["--plain", "--ephemeral", "--transport", "long-poll"], options].concat();
    let mut command = command(&fake.url(), state_dir, &args);
    command.envs(environment.iter().copied());
    let mut program = Program::spawn(command);
    while !program.line().await.contains("WDJB-MJHT") {}
    fake.moves_to(Status::Denied);
    program.end().await.rest
}

#[tokio::test]
async fn it_speaks_the_language_of_the_option_or_else_of_the_locale() {
    let folder = tempdir().unwrap();
    for (environment, options, last) in [
        (&[("LC_ALL", "zh_CN.UTF-8")][..], &[][..], "登录结束：已拒绝"),
        (&[("LC_ALL", "zh_CN.UTF-8")], &["--lang", "en"], "ended: denied"),
        (&[("LC_ALL", ""), ("LC_MESSAGES", ""), ("LANG", "zh_TW.UTF-8")], &[], "登录结束：已拒绝"),
        (&[("SAOMA_LANG", "zh")], &[], "登录结束：已拒绝"),
        (&[], &["--lang", "zh-CN"], "登录结束：已拒绝"),
        (&[("LC_ALL", "zh_CN.GBK")], &["--lang", "zh-CN"], "ended: denied"),
        (&[], &[], "ended: denied"),
    ] {
        let fake = Fake::start().await;
        let lines = said(&fake, folder.path(), environment, options).await;
        assert_eq!(lines.last().unwrap(), last, "{environment:?} {options:?}");
    }
    let fake = Fake::start().await;
    let end = Program::start(&fake, folder.path(), &["--lang", "tlh"]).end().await;
    assert!(end.exit == 2 && end.stderr.contains("en, zh-CN"), "{}", end.stderr);
}

#[tokio::test]
async fn why_it_ends_is_said_in_the_language_that_is_read() {
    let folder = tempdir().unwrap();
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for (server, lang, state_dir, says) in [
        ("http://login.example.com", "en", folder.path(), "pc-tui: plain http "),
        ("http://login.example.com", "zh-CN", folder.path(), "pc-tui：明文 http "),
        ("http://127.0.0.1:9", "en", &file, "/file: something on the way is no folder; "),
        ("http://127.0.0.1:9", "zh-CN", &file, "/file：路径中有一项不是文件夹，"),
    ] {
        let end = Program::spawn(command(server, state_dir, &["logout", "--lang", lang])).end().await;
        assert!(end.stderr.contains(says), "{}", end.stderr);
    }
}

#[tokio::test]
async fn the_usage_after_an_error_is_that_of_the_help_whatever_the_environment_has() {
    let folder = tempdir().unwrap();
    let mut command = command("http://127.0.0.1:9", folder.path(), &["--plain", "--json"]);
    command.envs([("SAOMA_SERVER", "http://127.0.0.1:9"), ("SAOMA_LANG", "en")]);
    let end = Program::spawn(command).end().await;
    assert!(end.exit == 2 && end.stderr.contains("\nUsage: pc-tui [OPTIONS] [COMMAND]\n"), "{}", end.stderr);
}

#[tokio::test]
async fn lines_have_the_style_that_is_asked_for_and_only_characters_of_the_locale() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    for (style, locale, start) in [
        ("full", "C.UTF-8", "\x1b[38;5;231;48;5;231m  "),
        ("half", "C.UTF-8", "\x1b[38;5;231;48;5;231m  "),
        ("reverse", "C.UTF-8", "\x1b[7m  "),
        ("picture", "C.UTF-8", "note: This terminal has no style picture"),
        ("half", "", "\x1b[38;5;231;48;5;231m  "),
        ("full", "C", "\x1b[38;5;231;48;5;231m  "),
        ("half", "C", "note: This terminal has no style half"),
        ("auto", "C", "No QR code: this locale has no characters for it."),
    ] {
        let args = ["--plain", "--ephemeral", "--qr-style", style];
        let mut command = command(&fake.url(), folder.path(), &args);
        command.env("LC_ALL", locale).env_remove("LC_CTYPE").env_remove("LANG");
        let mut program = Program::spawn(command);
        let mut lines = vec![program.line().await];
        while !lines.last().unwrap().starts_with("unscanned: ") {
            lines.push(program.line().await);
        }
        assert!(lines.iter().any(|line| line.starts_with(start)), "{style} in {locale}: {lines:#?}");
        assert!(locale != "C" || lines.iter().all(|line| line.is_ascii()), "{style}");
        assert!(lines.iter().any(|line| line.starts_with("link: HTTP://")), "{style}");
    }
}

#[tokio::test]
async fn a_full_disk_behind_standard_output_is_an_error() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") else { return };
    let mut child = command(&fake.url(), folder.path(), JSON)
        .stdout(Stdio::from(full))
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    assert_eq!(child.wait().await.unwrap().code(), Some(1));
    fake.is_asked("cancel").await;
}

#[tokio::test]
async fn a_check_code_is_read_from_standard_input() {
    let asked = "type the two digits that the phone shows, and press Enter";
    for (mode, lines, exit) in
        [("--json", "48\r\nbanana\n47\n", 0), ("--plain", "48\n 47\n", 0), ("--json", "48\n", 1)]
    {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        fake.wants_digits();
        let mut command =
            command(&fake.url(), folder.path(), &[mode, "--ephemeral", "--transport", "long-poll"]);
        command.stdin(Stdio::piped());
        let mut program = Program::spawn(command);
        while !program.line().await.contains("unscanned") {}
        fake.moves_to(Status::Confirmed);
        // The script need not wait until it is asked.
        program.writes(lines).await;
        let end = program.end().await;
        assert_eq!(end.exit, exit, "{end:?}");
        let told = if mode == "--json" { end.stderr } else { end.rest.join("\n") };
        assert!(told.contains(asked) && told.contains("2 tries left"), "{told}");
        let redeems = fake.calls().iter().filter(|call| *call == "redeem").count();
        assert_eq!(redeems, if exit == 0 { 3 } else { 2 });
    }
}

#[tokio::test]
async fn the_name_of_a_file_is_no_command_to_the_terminal() {
    let (fake, folder) = (Fake::start().await, tempdir().unwrap());
    let nowhere = folder.path().join("no\x1b[2J\u{202e}where").join("qr.png");
    let save = ["--save-qr", nowhere.to_str().unwrap()];
    let end = Program::start(&fake, folder.path(), &save).end().await;
    assert_eq!(end.exit, 1);
    assert!(end.stderr.contains(r"no\u{1b}[2J\u{202e}where/qr.png"), "{}", end.stderr);
    assert!(!end.stderr.contains(['\x1b', '\u{202e}']), "{}", end.stderr);
}
