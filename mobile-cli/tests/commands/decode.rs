use serde_json::json;

use crate::fake::Fake;
use crate::phone::Phone;
use crate::scan::picture;

/// A phone without a server: whatever asks one fails.
fn alone() -> Phone {
    let fake = Fake::start();
    let phone = Phone::new(&fake);
    phone.put("qr.png", &picture(&["first", "zweite ö\n\x1b[31m\u{202e}"]));
    phone
}

#[test]
fn into_a_pipe_each_text_goes_as_it_is() {
    let ran = alone().run("decode qr.png");
    assert_eq!((ran.exit, ran.stderr.as_str()), (0, ""));
    assert_eq!(ran.stdout, "first\nzweite ö\n\x1b[31m\u{202e}\n");
    let ran = alone().run_with("decode -", &picture(&["one"]));
    assert_eq!((ran.exit, ran.stdout.as_str()), (0, "one\n"));
}

#[test]
fn for_programs_the_texts_are_one_object() {
    let ran = alone().run("--json decode qr.png");
    assert_eq!(ran.json(), json!({"texts": ["first", "zweite ö\n\x1b[31m\u{202e}"]}));
    assert!(ran.stdout.contains(r"\u202e"), "{ran:?}");
}

#[cfg(unix)]
#[test]
fn on_a_terminal_nothing_can_control_it() {
    let (exit, screen) = crate::terminal::run(alone().command("decode qr.png"), "");
    assert_eq!((exit, screen.as_str()), (0, "first\nzweite ö\\n\\u{1b}[31m\\u{202e}\n"));
}

#[test]
fn what_holds_no_code_is_said_with_what_to_do() {
    let phone = alone();
    phone.put("blank.png", &picture(&[]));
    phone.put("text.png", b"not a picture");
    phone.run("decode blank.png").assert_failed(7, "no QR code was found; take the picture closer");
    phone.run("decode text.png").assert_failed(1, "not a picture that can be read");
    phone.run("decode missing.png").assert_failed(1, "missing.png can't be read");
    phone.run("decode .").assert_failed(1, "can't be read");
    assert_eq!(phone.run("--json decode blank.png").json()["error"]["code"], json!("no_qr_code"));
}
