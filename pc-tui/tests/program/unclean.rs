//! A server that cleans nothing: what it writes of others, and of itself, comes to no pipe and no terminal but as
//! letters.

use serde_json::json;
use shared::api::Status;
use tempfile::tempdir;

use crate::fake::Fake;
use crate::program::Program;

/// What a terminal obeys, and what hides, joins, reorders or paints over.
pub(crate) fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "Eve\x1b[2J\x1b[HLogged in as root",
        "Eve\x1b]52;c;cm0gLXJmIH4K\x07",
        "Eve\x1b]8;;https://evil.example\x1b\\here\x1b]8;;\x1b\\",
        "Eve\u{9b}2J\u{9d}52;c;eA==\u{9c}",
        "Eve\r\nlogged in as root, session 01JC0000000000000000000S7K",
        "Eve\u{85}x\u{2028}y\u{2029}z\x0b\x0c\t",
        "Eve\x08\x08\x08root\x7f\0",
        "Eve\u{202e}toor\u{202c}\u{2066}a\u{2067}b\u{2068}c\u{2069}\u{200f}",
        "Eve\u{200b}\u{200d}\u{2060}\u{feff}\u{ad}",
        "Eve\u{fe0f}\u{e0100}\u{e0041}\u{e007f}",
    ]
    .map(str::to_owned)
    .into();
    texts.push(format!("Eve{}", "\u{0353}\u{0489}".repeat(100)));
    texts.push(format!("Eve{}", "電".repeat(10_000)));
    texts.push(format!("Eve{}", "\n".repeat(10_000)));
    texts
}

/// Whether a character may reach a terminal. Written down apart from the program's own judgement.
pub(crate) fn is_harmless(c: char) -> bool {
    !matches!(u32::from(c),
        0..=9 | 0xb..=0x1f | 0x7f..=0x9f | 0xad | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f
        | 0xfe00..=0xfe0f | 0xfeff | 0xe0000..)
}

/// The marks that are piled up here, in the longest pile.
pub(crate) fn pile(text: &str) -> usize {
    let is_mark = |c: char| matches!(c, '\u{0353}' | '\u{0489}');
    text.split(|c| !is_mark(c)).map(|marks| marks.chars().count()).max().unwrap_or_default()
}

#[track_caller]
fn assert_harmless(what: &str, shown: &str) {
    assert_eq!(shown.chars().find(|c| !is_harmless(*c)), None, "{what}: {shown:?}");
    assert!(pile(shown) <= 3, "{what}: {shown:?}");
}

#[tokio::test]
async fn whoever_scans_is_told_in_letters_and_on_one_line() {
    let english = [
        "en",
        "unscanned: waiting for a phone",
        "scanned by Eve",
        ": confirm on your phone",
        "ended: denied",
    ];
    let chinese = ["zh-CN", "等待扫码。", "扫描成功：Eve", "。请在手机上确认登录。", "登录结束：已拒绝"];
    for text in texts() {
        for [lang, unscanned, begin, end, denied] in [english, chinese] {
            let (fake, folder) = (Fake::start().await, tempdir().unwrap());
            fake.names_the_scanner(&text);
            let args = ["--plain", "--ephemeral", "--transport", "long-poll", "--lang", lang];
            let mut program = Program::start(&fake, folder.path(), &args);
            while program.line().await != unscanned {}
            fake.moves_to(Status::Scanned);
            let scanned = program.line().await;
            assert!(scanned.starts_with(begin) && scanned.ends_with(end), "{scanned}");
            assert!(scanned.chars().count() <= 100, "{scanned}");
            assert_harmless("scanned", &scanned);
            fake.moves_to(Status::Denied);
            assert_eq!(program.end().await.rest[1..], [denied]);
        }

        // Programs are not told at all.
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        fake.names_the_scanner(&text);
        let args = ["--json", "--ephemeral", "--transport", "long-poll"];
        let mut program = Program::start(&fake, folder.path(), &args);
        for _ in ["issued", "unscanned"] {
            program.line().await;
        }
        fake.moves_to(Status::Denied);
        let end = program.end().await;
        assert!(!end.rest.concat().contains("Eve") && end.stderr.is_empty(), "{end:?}");
    }
}

#[tokio::test]
async fn a_name_that_is_none_logs_nobody_in_and_is_not_told() {
    for text in texts() {
        let (fake, folder) = (Fake::start().await, tempdir().unwrap());
        let args = ["--plain", "--transport", "long-poll"];
        let mut program = Program::start(&fake, folder.path(), &args);
        program.line().await;
        fake.moves_to(Status::Confirmed);
        assert_eq!(program.end().await.exit, 0);
        // Whose session it is, the next start asks once, as the one before has: there it may take its time.
        fake.names_the_user(&text);
        for manner in ["--plain", "--json"] {
            let end = Program::start(&fake, folder.path(), &[manner]).end().await;
            let told = end.rest.concat() + &end.stderr;
            assert_eq!(end.exit, 1, "{told}");
            assert!(told.contains("answered as no Saoma server does") && !told.contains("Eve"), "{told}");
            assert_harmless("logged in", &told);
        }
    }
}

#[tokio::test]
async fn of_a_refusal_only_our_own_words_are_told() {
    for text in texts() {
        let refusals = [
            ("issue", 400, json!({"error": "invalid_request", "error_description": text, "error_uri": text})),
            ("issue", 400, json!({"error": text, "error_description": text})),
            ("issue", 500, json!({"type": text, "title": text, "detail": text})),
            ("issue", 200, json!({"device_code": text, "user_code": text, "verification_uri": text})),
            (
                "status",
                403,
                json!({"type": text, "title": text, "detail": text, "status": 403, "code": "not_found"}),
            ),
        ];
        for (call, status, body) in refusals {
            let (fake, folder) = (Fake::start().await, tempdir().unwrap());
            fake.refuses(call, status, body.clone());
            for manner in ["--plain", "--json"] {
                let args = [manner, "--ephemeral", "--transport", "long-poll"];
                let end = Program::start(&fake, folder.path(), &args).end().await;
                assert_eq!(end.exit, 1, "{body}: {end:?}");
                let told = end.rest.join("\n") + &end.stderr;
                assert!(end.stderr.starts_with("pc-tui: ") && !told.contains("Eve"), "{body}: {told}");
                assert_harmless("refusal", &told);
            }
        }
    }
}
