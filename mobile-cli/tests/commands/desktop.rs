//! Pictures from the desktop, whose programs are played by scripts.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use serde_json::json;

use crate::fake::Fake;
use crate::phone::{CODE, Phone, scanned};
use crate::scan::picture;

/// A command on a desktop of this kind, with these programs and no others.
fn on_desktop(phone: &Phone, words: &str, variable: &str, programs: &[(&str, &str)]) -> Command {
    let mut command = phone.command(words);
    let bin = command.get_current_dir().unwrap().join("bin");
    _ = fs::remove_dir_all(&bin);
    for (name, script) in programs {
        phone.put_below("bin", name, &format!("#!/bin/sh\n{script}\n"));
    }
    for (name, _) in programs {
        fs::set_permissions(bin.join(name), fs::Permissions::from_mode(0o755)).unwrap();
    }
    command.env("PATH", bin).env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env(variable, ":0");
    command
}

#[test]
fn a_picture_from_the_desktop_is_scanned() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    phone.put("qr.png", &picture(&[&fake.scan_url(CODE)]));
    for (words, variable, program, args) in [
        ("scan --clipboard", "WAYLAND_DISPLAY", "wl-paste", "--type image/png"),
        ("scan --clipboard", "DISPLAY", "xclip", "-selection clipboard -target image/png -out"),
        ("scan --screen", "WAYLAND_DISPLAY", "grim", "-"),
        ("scan --screen", "DISPLAY", "maim", ""),
        ("scan --screen", "DISPLAY", "import", "-silent -window root png:-"),
    ] {
        fake.answers("POST /v1/scans", 200, scanned());
        let script = format!("[ \"$*\" = '{args}' ] && exec /bin/cat qr.png");
        let command = on_desktop(&phone, words, variable, &[(program, &script)]);
        let ran = phone.run_command(command, b"");
        ran.assert_done("Log this PC in as alice");
        assert_eq!(fake.seen().last().unwrap().body, json!({"scan_code": CODE}), "{program}");
    }
}

#[test]
fn what_the_desktop_does_not_have_is_said_with_what_to_do() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let before = fake.connections();
    for words in ["scan --clipboard", "scan --screen"] {
        let failed = |variable: &str, programs: &[(&str, &str)], says: &str| {
            phone.run_command(on_desktop(&phone, words, variable, programs), b"").assert_failed(1, says);
        };
        failed("NOTHING", &[], "there is no desktop here");
        failed("DISPLAY", &[], "installed");
        failed("WAYLAND_DISPLAY", &[], "which is not installed");
        let nothing =
            if words.ends_with('d') { "no picture in the clipboard" } else { "the screen can't be read" };
        failed("DISPLAY", &[("xclip", "exit 1"), ("scrot", "exit 1")], nothing);
        failed("DISPLAY", &[("xclip", "echo x; exit 1"), ("scrot", "exit 0")], nothing);
        failed("DISPLAY", &[("xclip", "echo text"), ("scrot", "echo text")], "not a picture");
        let endless = "exec /bin/cat /dev/zero";
        failed("DISPLAY", &[("xclip", endless), ("scrot", endless)], "too large");
    }
    for (words, variable, says) in [
        ("scan --clipboard", "NOTHING", "没有桌面环境"),
        ("scan --clipboard", "DISPLAY", "需要 xclip，"),
        ("scan --screen", "DISPLAY", "均未安装：maim、scrot、import，"),
    ] {
        let command = on_desktop(&phone, &format!("{words} --lang zh-CN"), variable, &[]);
        phone.run_command(command, b"").assert_failed(1, says);
    }
    assert_eq!(fake.connections(), before);
}
