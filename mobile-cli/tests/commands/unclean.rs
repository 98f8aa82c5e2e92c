//! A server that cleans nothing: whatever it puts into a text, neither a terminal nor a pipe gets to see more of it
//! than letters, each text in its own place.

use serde_json::{Value, json};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

use crate::fake::Fake;
use crate::phone::{ACCOUNT, CONFIRM_TOKEN, Phone, SESSION, logged_in, me, scanned};

const PC: &str = "01ARZ3NDEKTSV4RRFFQ69G5FB1";

/// What a terminal obeys, and what hides, joins, reorders or paints over. Each begins with letters, so that it is
/// seen to be shown.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "Think\x1b[2J\x1b[HLogged in as root",
        "Think\x1b]52;c;cm0gLXJmIH4K\x07",
        "Think\x1b]8;;https://evil.example\x1b\\Pad\x1b]8;;\x1b\\",
        "Think\x1b]0;title\x07\x1bP+q\x1b\\\x1b_x\x1b\\\x1b[6n",
        "Think\u{9b}2J\u{9d}52;c;eA==\u{9c}\u{90}q\u{9c}",
        "Think\r\n  Network    the same as this phone's",
        "Think\n\n\nPad\x0b\x0cX\u{85}Y\u{2028}Z\u{2029}",
        "Think\x08\x08\x08\x08\x08root\x7f\0\x0e\x0f",
        "Think\t\t\t\t\t\t\t\t\t\tPad",
        "Think\u{202e}daP\u{202c}\u{202a}\u{202b}\u{202d}",
        "Think\u{2066}a\u{2067}b\u{2068}c\u{2069}\u{200e}\u{200f}\u{61c}",
        "Think\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}\u{ad}\u{180e}Pad",
        "Think\u{fe0f}\u{fe00}\u{e0100}\u{180b}Pad",
        "Think\u{e0001}\u{e0041}\u{e0042}\u{e007f}Pad",
        "Think\u{2800}\u{3164}\u{115f}\u{1160}\u{ffa0}\u{fff9}Pad",
        "Think\u{e000}\u{f0000}\u{10ffff}Pad",
        "Think\" Pad (checked)",
    ]
    .map(str::to_owned)
    .into();
    texts.push(format!("Think{}Pad", "\u{0353}\u{0489}\u{20dd}".repeat(200)));
    texts.push(format!("Think {}", "\u{0336}".repeat(64)));
    texts.push("Think".repeat(2_000));
    texts.push(format!("Think{}", "電".repeat(10_000)));
    texts.push(format!("Think{}", "\n".repeat(10_000)));
    texts.push(format!("Think {}", "\u{3000}".repeat(10_000)));
    texts
}

/// Whether a character may reach a terminal. Written down apart from the program's own judgement.
fn is_harmless(c: char) -> bool {
    !matches!(u32::from(c),
        0..=9 | 0xb..=0x1f | 0x7f..=0x9f | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
        | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xe000..=0xf8ff | 0xfe00..=0xfe0f
        | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0xe0000..)
}

#[track_caller]
fn assert_clean(what: &str, shown: &str) {
    assert!(shown.contains("Think"), "{what} shows nothing of it: {shown:?}");
    assert_harmless(what, shown);
}

#[track_caller]
fn assert_harmless(what: &str, shown: &str) {
    let bad = shown.chars().find(|c| !is_harmless(*c));
    assert_eq!(bad, None, "{what}: {shown:?}");
    let mut marks = 0;
    for c in shown.chars() {
        marks = if c != '\n' && c.width() == Some(0) { marks + 1 } else { 0 };
        assert!(marks <= 3, "{what}: a pile of marks: {shown:?}");
    }
}

/// What is on a terminal, without the colours that are our own. They are three, written down apart.
#[cfg(unix)]
fn on_terminal(phone: &Phone, words: &str) -> String {
    // A question is answered with Enter.
    let types = if words.starts_with("confirm") { "\n" } else { "" };
    let (_, screen) = crate::terminal::run(phone.command(words), types);
    ["\x1b[1m", "\x1b[1;33m", "\x1b[0m"].iter().fold(screen, |screen, colour| screen.replace(colour, ""))
}

/// What is in a pipe: standard output, standard error behind it.
fn in_pipe(phone: &Phone, words: &str) -> String {
    let ran = phone.run(words);
    ran.stdout + &ran.stderr
}

#[cfg(not(unix))]
use in_pipe as on_terminal;

/// A scan's answer with a text in every place that is one.
fn scanned_with(text: &str) -> Value {
    let mut scanned = scanned();
    for place in ["device_name", "device_os", "device_app", "ip", "scope"] {
        scanned["login"][place] = json!(text);
    }
    scanned["title"] = json!(text);
    scanned
}

/// The languages, and the labels of a request in each.
const LANGUAGES: [(&str, [&str; 7]); 2] = [
    ("en", ["Device", "Address", "Network", "Known PC", "Wants", "Requested", "Time left"]),
    ("zh-CN", ["设备", "IP 地址", "网络", "常用电脑", "申请权限", "请求时间", "剩余时间"]),
];

/// What stands in the first 13 columns of a row.
fn label(row: &str) -> &str {
    let end = row.char_indices().map(|(at, _)| at).find(|at| row[..*at].width() >= 13);
    end.map_or("", |end| row[..end].trim())
}

/// The rows of a request: each begins with its label, or goes on behind the labels.
#[track_caller]
fn assert_laid_out(shown: &str, columns: usize, (_, ours): (&str, [&str; 7])) {
    let rows: Vec<_> = shown.lines().skip(2).take_while(|line| !line.is_empty()).collect();
    let labels = rows.iter().map(|row| label(row)).filter(|label| !label.is_empty());
    assert_eq!(labels.collect::<Vec<_>>(), ours, "{shown}");
    assert!(rows.iter().all(|row| row.width() <= columns), "{shown}");
}

#[test]
fn a_scan_shows_letters_only_each_claim_behind_its_label() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for text in texts() {
        for language in LANGUAGES {
            for show in [in_pipe, on_terminal] {
                fake.answers("POST /v1/scans", 200, scanned_with(&text));
                let shown = show(&phone, &format!("scan --code WDJB-MJHT --lang {}", language.0));
                assert_clean("scan", &shown);
                assert_laid_out(&shown, 80, language);
            }
            // Once more from the disk, for the question.
            #[cfg(unix)]
            assert_clean("confirm", &on_terminal(&phone, &format!("confirm --lang {}", language.0)));
        }
        fake.answers("POST /v1/scans", 200, scanned_with(&text));
        let ran = phone.run("scan --code WDJB-MJHT --json");
        assert!(ran.stdout.chars().all(is_harmless), "{ran:?}");
        assert_eq!(ran.json()["login"]["device_name"], json!(text), "for programs it is what was sent");
    }
}

#[cfg(unix)]
#[test]
fn a_narrow_terminal_breaks_no_claim_at_its_own_edge() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let text = format!("Think {}", "電".repeat(64));
    for (columns, language) in
        [40, 57, 80, 200].into_iter().flat_map(|columns| LANGUAGES.map(|lang| (columns, lang)))
    {
        fake.answers("POST /v1/scans", 200, scanned_with(&text));
        let mut command = phone.command(&format!("scan --code WDJB-MJHT --lang {}", language.0));
        command.env("NO_COLOR", "1");
        let (_, shown) = crate::terminal::run_in(command, "", columns);
        assert_clean("scan", &shown);
        assert_laid_out(&shown, usize::from(columns).min(80), language);
    }
}

#[test]
fn notifications_and_sessions_show_letters_only_each_on_its_line() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let kinds = ["logged_in", "login_denied", "second_scan_refused", "token_replayed"];
    let all: Vec<_> = texts().into_iter().zip(1..).collect();
    let notices: Vec<_> = all
        .iter()
        .map(|(text, id)| {
            json!({"id": id, "kind": kinds[id % kinds.len()], "at": "2026-11-23T12:18:00Z", "count": 1,
                "device_name": text, "ip": text.replace('"', "'"), "advice": text.replace('"', "'")})
        })
        .collect();
    let sessions: Vec<_> = all
        .iter()
        .map(|(text, _)| {
            json!({"id": PC, "kind": "pc", "device_name": text, "ip": text.replace('"', "'"), "granted_by": SESSION,
                "created_at": "2026-11-23T12:18:00Z", "last_seen_at": "2026-11-23T12:20:00Z", "current": false})
        })
        .collect();
    let manners: [fn(&Phone, &str) -> String; 4] = [
        in_pipe,
        on_terminal,
        |phone, words| in_pipe(phone, &format!("{words} --lang zh-CN")),
        |phone, words| phone.run(&format!("{words} --json")).stdout,
    ];
    for show in manners {
        fake.answers("GET /v1/notifications?after=0", 200, json!({"notifications": notices}))
            .answers(&format!("GET /v1/notifications?after={}", all.len()), 200, json!({"notifications": []}))
            .answers("GET /v1/sessions", 200, json!({"sessions": sessions}));
        for (words, begins) in [("notifications", "2026-11-23 12:18  "), ("sessions", "  01ARZ3")] {
            let shown = show(&phone, words);
            if shown.starts_with('{') {
                assert!(shown.chars().all(is_harmless), "{words}: {shown:?}");
                continue;
            }
            assert_clean(words, &shown);
            let lines: Vec<_> = shown.lines().filter(|line| line.starts_with(begins)).collect();
            assert_eq!(lines.len(), all.len(), "{words}: {shown}");
            // In the table a name may have a line of its own, which does not begin as a session does.
            let lines: Vec<_> = shown.lines().filter(|line| line.contains("\"Think")).collect();
            assert_eq!(lines.len(), all.len(), "{words}: {shown}");
            // A name ends where its quotation does.
            assert!(lines.iter().all(|line| line.matches('"').count() == 2), "{words}: {shown}");
            let names = lines.iter().map(|line| line.split('"').nth(1).unwrap());
            assert!(names.into_iter().all(|name| name.width() <= 40), "{words}: {shown}");
        }
    }
}

#[test]
fn a_name_of_an_account_that_is_none_is_not_shown_at_all() {
    let fake = Fake::start();
    for text in texts() {
        // The shortest that a server can write in place of a name.
        let (mut as_whom, mut who) = (logged_in(), me());
        as_whom["account"]["username"] = json!(text);
        who["username"] = json!(text);
        let phone = Phone::new(&fake);
        fake.answers("POST /v1/phones", 201, as_whom).answers(
            "POST /v1/accounts",
            201,
            json!({"account": {"id": ACCOUNT, "username": text}}),
        );
        for command in ["login", "register"] {
            let ran = phone.run_with(&format!("{command} alice --password-stdin"), b"correct horse");
            ran.assert_failed(1, "answered as no Saoma server does");
            assert_harmless(command, &ran.stderr);
            assert!(!ran.stderr.contains("Think"), "{ran:?}");
        }
        let phone = Phone::of_alice(&fake);
        for show in [in_pipe, on_terminal] {
            fake.answers("GET /v1/me", 200, who.clone());
            let shown = show(&phone, "whoami");
            assert_harmless("whoami", &shown);
            assert!(
                shown.contains("answered as no Saoma server does") && !shown.contains("Think"),
                "{shown:?}"
            );
        }
    }
}

#[test]
fn of_a_refusal_only_our_own_words_are_shown() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    for text in texts() {
        let refusals = [
            (
                403,
                json!({"type": text, "title": text, "detail": text, "status": 403, "code": "refused_by_policy"}),
            ),
            (400, json!({"error": "invalid_request", "error_description": text, "error_uri": text})),
            (403, json!({"type": text, "title": text, "status": 403, "code": text})),
            (500, json!({"message": text})),
            (200, json!({"confirm_token": text, "expires_in": 1, "login": text})),
            (200, json!({"confirm_token": format!("{CONFIRM_TOKEN}{text}")})),
            (200, json!(text)),
        ];
        for (status, body) in refusals {
            fake.answers("POST /v1/scans", status, body.clone()).answers(
                "POST /v1/scans",
                status,
                body.clone(),
            );
            let ran = phone.run("scan --code WDJB-MJHT");
            ran.assert_failed(1, "");
            assert!(ran.stderr.chars().all(is_harmless) && !ran.stderr.contains("Think"), "{body}: {ran:?}");
            let shown = on_terminal(&phone, "scan --code WDJB-MJHT");
            assert!(shown.chars().all(is_harmless) && !shown.contains("Think"), "{body}: {shown:?}");
        }
    }
    assert!(phone.is_logged_in() && !phone.has_a_scan());
}
