use std::io::Cursor;

use image::{GrayImage, ImageFormat, Luma};
use qrcode::{Color, QrCode};
use serde_json::json;
use shared::problem::ProblemCode;

use crate::fake::Fake;
use crate::phone::{CODE, CONFIRM_TOKEN, PHONE_TOKEN, Phone, scanned};

/// A PNG with these codes side by side.
pub(crate) fn picture(texts: &[&str]) -> Vec<u8> {
    let codes: Vec<_> = texts.iter().map(|text| QrCode::new(text).unwrap()).collect();
    let side = codes.iter().map(|code| u32::try_from(code.width()).unwrap() + 8).max().unwrap_or(32);
    let picture =
        GrayImage::from_fn(side * 4 * u32::try_from(texts.len().max(1)).unwrap(), side * 4, |x, y| {
            let (nth, x, y) =
                (x / 4 / side, (x / 4 % side).wrapping_sub(4) as usize, (y / 4).wrapping_sub(4) as usize);
            let is_dark = codes
                .get(nth as usize)
                .is_some_and(|code| x < code.width() && y < code.width() && code[(x, y)] == Color::Dark);
            Luma([if is_dark { 0 } else { 255 }])
        });
    let mut png = Cursor::new(Vec::new());
    picture.write_to(&mut png, ImageFormat::Png).unwrap();
    png.into_inner()
}

#[test]
fn a_scan_shows_who_asks_and_keeps_the_token_to_itself() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    phone.put("qr.png", &picture(&[&fake.scan_url(CODE)]));
    fake.answers("POST /v1/scans", 200, scanned()).answers("POST /v1/scans", 200, scanned());
    let ran = phone.run("scan qr.png");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(ran.stdout);
    assert!(phone.has_a_scan());
    let seen = &fake.seen()[1];
    assert_eq!(seen.body, json!({"scan_code": CODE}));
    assert_eq!(seen.authorization, Some(format!("Bearer {PHONE_TOKEN}")));

    let ran = phone.run("scan qr.png --json");
    assert_eq!(ran.json(), json!({"expires_in": 108, "login": scanned()["login"]}));
    assert!(ran.stderr.is_empty());
}

#[test]
fn a_picture_from_standard_input_a_url_and_a_typed_code_are_scanned() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let url = fake.scan_url(CODE);
    for _ in 0..3 {
        fake.answers("POST /v1/scans", 200, scanned());
    }
    phone.run_with("scan -", &picture(&[&url])).assert_done("Log this PC in as alice");
    phone.run(&format!("scan --url {url}")).assert_done("Log this PC in as alice");
    phone.run("scan --code wdjb-mjht").assert_done("Log this PC in as alice");
    let bodies: Vec<_> = fake.seen().into_iter().skip(1).map(|seen| seen.body).collect();
    assert_eq!(
        bodies,
        [json!({"scan_code": CODE}), json!({"scan_code": CODE}), json!({"user_code": "WDJB-MJHT"})]
    );
}

#[test]
fn a_foreign_code_is_refused_before_a_request() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let ours = fake.scan_url(CODE);
    let port = fake.url().rsplit(':').next().unwrap().to_owned();
    let before = fake.connections();
    for foreign in [
        ours.replace("HTTP:", "HTTPS:"),
        ours.replace("127.0.0.1", "127.0.0.2"),
        ours.replace("127.0.0.1", "LOCALHOST"),
        ours.replace("127.0.0.1", "127.0.0.1.EVIL.EXAMPLE"),
        ours.replace("127.0.0.1", "127.0.0.1@EVIL.EXAMPLE"),
        ours.replace(&port, "1"),
        ours.replace("/Q/", "/D/"),
        ours.replace("/Q/", "/q/"),
        format!("{ours}/"),
        format!("{ours}?x=1"),
        CODE.to_owned(),
        "https://example.com/".to_owned(),
        "WIFI:T:WPA;S:x;P:y;;".to_owned(),
    ] {
        phone.put("foreign.png", &picture(&[&foreign]));
        let says = "this is no log-in code of SERVER, so nothing was sent";
        phone.run("scan foreign.png").assert_failed(1, says);
        phone.run(&format!("scan --url {foreign}")).assert_failed(1, says);
    }
    let ran = phone.run("scan foreign.png --json");
    assert_eq!((ran.exit, ran.json()["error"]["code"].clone()), (1, json!("not_our_code")));
    assert_eq!(fake.connections(), before);
    assert!(!phone.has_a_scan());
}

#[test]
fn of_several_codes_the_one_that_is_ours_is_taken() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let ours = fake.scan_url(CODE);
    let other = fake.scan_url(&CODE.replace('0', "Z"));
    fake.answers("POST /v1/scans", 200, scanned()).answers("POST /v1/scans", 200, scanned());
    phone.run_with("scan -", &picture(&["https://example.com/", &ours])).assert_done("alice");
    phone.run_with("scan -", &picture(&[&ours, &ours])).assert_done("alice");
    let before = fake.connections();
    phone.run_with("scan -", &picture(&[&ours, &other])).assert_failed(1, "take a picture of one");
    // Also where one is light on dark, as beside a login screen in another style.
    let mut beside = image::load_from_memory(&picture(&[&ours, &other])).unwrap().into_luma8();
    let width = beside.width();
    beside
        .enumerate_pixels_mut()
        .filter(|(x, _, _)| *x >= width / 2)
        .for_each(|(_, _, pixel)| pixel.0[0] ^= 255);
    let mut png = Cursor::new(Vec::new());
    beside.write_to(&mut png, ImageFormat::Png).unwrap();
    phone.run_with("scan -", &png.into_inner()).assert_failed(1, "take a picture of one");
    assert_eq!(fake.connections(), before);
}

#[test]
fn a_file_that_is_not_there_is_said_in_the_language_that_is_read() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for (words, says) in [
        ("scan none.png", "none.png can't be read: there is no such file; name a picture\n"),
        ("decode none.png --lang zh-CN", "无法读取 none.png：文件不存在，请提供图片\n"),
        ("scan . --lang zh-CN", "无法读取 .：这是一个文件夹，请提供图片\n"),
    ] {
        phone.run(words).assert_failed(1, says);
    }
    phone.put("file", b"");
    phone.run("whoami --state-dir file --lang zh-CN").assert_failed(1, "路径中有一项不是文件夹，");
}

#[test]
fn who_has_nothing_that_is_read_is_told_of_another_way() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let whole = image::load_from_memory(&picture(&[&fake.scan_url(CODE)])).unwrap();
    let mut half = Cursor::new(Vec::new());
    whole.crop_imm(0, 0, whole.width() / 2, whole.height()).write_to(&mut half, ImageFormat::Png).unwrap();
    for (picture, lang, way) in [
        (&picture(&[]), "en", "; or press d on the PC for another drawing, or type the code that it shows: "),
        (&picture(&[]), "zh-CN", "；也可以在电脑上按 d 换一种样式，或输入电脑上显示的手输码："),
        // The drawing has nothing to do with what is not in the picture.
        (half.get_ref(), "en", "; or type the code that the PC shows: "),
        (half.get_ref(), "zh-CN", "；也可以输入电脑上显示的手输码："),
    ] {
        let ran = phone.run_with(&format!("scan - --lang {lang}"), picture);
        ran.assert_failed(7, &format!("{way}mobile-cli --server SERVER scan --code XXXX-XXXX"));
        let decoded = phone.run_with(&format!("decode - --lang {lang}"), picture);
        assert!(decoded.exit == 7 && !decoded.stderr.contains("--code"), "{decoded:?}");
    }
    phone.run_with("scan -", b"x").assert_failed(1, "PNG, JPEG, WebP, GIF and BMP can\n");
}

#[test]
fn what_can_not_be_scanned_is_said_and_sent_to_nobody() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let before = fake.connections();
    phone.run("scan --code WDJB-MJH").assert_failed(2, "eight letters");
    phone.run_with("scan -", &picture(&[])).assert_failed(7, "no QR code was found");
    phone.run_with("scan -", b"no picture").assert_failed(1, "PNG, JPEG, WebP, GIF and BMP");
    phone.run("scan missing.png").assert_failed(1, "missing.png can't be read");
    phone.run("scan --code WDJB-MJHT --confirm").assert_failed(2, "give --yes");
    assert_eq!(fake.connections(), before);
}

#[test]
fn what_the_server_refuses_is_said_with_its_exit_code() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for (code, exit, says) in [
        (ProblemCode::CodeNotFound, 1, "ask the PC for a new one"),
        (ProblemCode::CodeExpired, 4, "has expired; ask the PC for a new one"),
        (ProblemCode::AlreadyScanned, 1, "another phone has scanned this code"),
        (ProblemCode::LoginClosed, 1, "this login is over"),
        (ProblemCode::RefusedByPolicy, 1, "check who is to log in"),
        (ProblemCode::RateLimited, 1, "too many tries"),
    ] {
        fake.refuses("POST /v1/scans", code);
        phone.run("scan --code WDJB-MJHT").assert_failed(exit, says);
    }
    assert!(!phone.has_a_scan());
}

#[test]
fn with_confirm_and_yes_it_is_confirmed_at_once() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for _ in 0..2 {
        fake.answers("POST /v1/scans", 200, scanned()).answers(
            "POST /v1/scans/confirm",
            200,
            json!({"status": "confirmed"}),
        );
    }
    let ran = phone.run("scan --code WDJB-MJHT --confirm --yes");
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "Confirmed: the PC is being logged in as alice.\n"));
    assert!(ran.stderr.starts_with("Log this PC in as alice\n"), "{ran:?}");
    assert_eq!(fake.seen()[2].body, json!({"confirm_token": CONFIRM_TOKEN}));
    assert!(!phone.has_a_scan());

    let ran = phone.run("scan --code WDJB-MJHT --confirm --yes --json");
    assert_eq!(ran.json(), json!({"expires_in": 108, "login": scanned()["login"], "status": "confirmed"}));
    assert!(ran.stderr.is_empty());
}

#[cfg(unix)]
#[test]
fn with_confirm_a_person_is_asked_and_no_is_the_default() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for _ in 0..5 {
        fake.answers("POST /v1/scans", 200, scanned());
    }
    for types in ["\n", "n\n", "\x04"] {
        let (exit, screen) = crate::terminal::run(phone.command("scan --code WDJB-MJHT --confirm"), types);
        assert_eq!(exit, 0, "{screen}");
        assert!(
            screen.contains("  d  deny it        y  log it in        Enter  decide nothing "),
            "{screen}"
        );
        assert!(screen.contains("Nothing was decided") && screen.contains("deny"), "{screen}");
        assert!(phone.has_a_scan());
    }
    fake.answers("POST /v1/scans/deny", 200, json!({"status": "denied"}));
    let (exit, screen) = crate::terminal::run(phone.command("scan --code WDJB-MJHT --confirm"), "d\n");
    assert_eq!(exit, 0, "{screen}");
    assert!(screen.contains("Denied: this PC is not logged in.") && !phone.has_a_scan(), "{screen}");
    assert!(!fake.calls().contains(&"POST /v1/scans/confirm".to_owned()));

    fake.answers("POST /v1/scans/confirm", 200, json!({"status": "confirmed"}));
    let (exit, screen) = crate::terminal::run(phone.command("scan --code WDJB-MJHT --confirm"), "y\n");
    assert_eq!(exit, 0, "{screen}");
    assert!(screen.contains("Confirmed: the PC is being logged in as alice."), "{screen}");
    assert!(!phone.has_a_scan());
}

#[cfg(unix)]
#[test]
fn a_terminal_gets_colours_unless_it_wants_none() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    fake.answers("POST /v1/scans", 200, scanned()).answers("POST /v1/scans", 200, scanned());
    let (_, screen) = crate::terminal::run(phone.command("scan --code WDJB-MJHT"), "");
    assert!(screen.contains("\x1b[1mLog this PC in as alice\x1b[0m"), "{screen:?}");
    let mut command = phone.command("scan --code WDJB-MJHT");
    command.env("NO_COLOR", "1");
    let (_, screen) = crate::terminal::run(command, "");
    assert!(screen.starts_with("Log this PC in as alice\n") && !screen.contains('\x1b'), "{screen:?}");
}
