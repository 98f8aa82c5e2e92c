//! Texts of one party that another one is shown.

use reqwest::Method;
use serde_json::{Value, json};
use shared::name::MAX_CLAIM;

use crate::Backend;
use crate::support::{PASSWORD, Server};

/// What a terminal obeys, and what hides, joins or reorders text.
const HOSTILE: &[&str] = &[
    "\x1b[2J\x1b[HLogged in as root",
    "\x1b]0;title\x07",
    "\x1b]8;;https://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "\u{9b}31mred",
    "a\r\nb\tc\u{85}d\u{b}e",
    "a\x08\x08b\x7f",
    "a\0b",
    "\u{202e}CP s'ecila\u{202c}",
    "\u{2066}a\u{2067}b\u{2068}c\u{2069}",
    "a\u{200e}\u{200f}\u{61c}b",
    "alice\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}",
    "a\u{ad}\u{34f}\u{180e}b",
    "\u{e0041}\u{e0042}tagged",
    "a\u{fe0f}\u{e0100}b",
    "\u{2028}line\u{2029}paragraph",
    "\u{fff9}a\u{fffa}b\u{fffb}",
    "\u{1bca0}\u{1bca3}a\u{1d173}b",
    "\u{13430}a\u{13437}b",
    "\u{115f}\u{1160}\u{3164}\u{ffa0}a",
    "\u{2800}\u{2800}a",
    "\u{e000}\u{f8ff}\u{f0000}\u{10ffff}a",
];

/// Whether a text may reach a terminal as it is. Written down apart from the server's own judgement.
fn is_harmless(text: &str) -> bool {
    let hides = |c: char| {
        matches!(u32::from(c),
            0..=0x1f | 0x7f..=0x9f | 0xad | 0x34f | 0x61c | 0x115f | 0x1160 | 0x17b4 | 0x17b5 | 0x180b..=0x180f
            | 0x200b..=0x200f | 0x2028..=0x202e | 0x2060..=0x206f | 0x2800 | 0x3164 | 0xe000..=0xf8ff | 0xfe00..=0xfe0f
            | 0xfeff | 0xffa0 | 0xfff0..=0xfffb | 0x13430..=0x1345f | 0x1bca0..=0x1bca3 | 0x1d173..=0x1d17a
            | 0xe0000..)
    };
    text.chars().count() <= MAX_CLAIM
        && !text.chars().any(hides)
        && text.trim() == text
        && !text.contains("  ")
}

fn assert_harmless(shown: &Value, sent: &str) {
    match shown {
        Value::Null => {}
        Value::String(shown) => assert!(is_harmless(shown), "{sent:?} is shown as {shown:?}"),
        other => panic!("{other}"),
    }
}

/// Issues a login with a claim in every place, and answers what the scanning phone is shown.
async fn shown(server: &Server, phone: &str, claim: &str) -> Value {
    let fields =
        [("client_id", "tests"), ("device_name", claim), ("device_os", claim), ("device_app", claim)];
    let issued = server.form("/oauth/device_authorization", &fields).await.json().await.unwrap();
    let body = json!({"scan_code": server.scan_code(&issued)});
    let (_, scanned) = server.call(Method::POST, "/v1/scans", phone, body).await;
    let confirm_token = scanned["confirm_token"].clone();
    server.call(Method::POST, "/v1/scans/confirm", phone, json!({"confirm_token": confirm_token})).await;
    assert_eq!(server.redeem(&issued).await.0, reqwest::StatusCode::OK);
    scanned["login"].clone()
}

pub(crate) async fn write_to_the_phones_terminal(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let long = "長".repeat(400);
    for claim in HOSTILE.iter().copied().chain([long.as_str()]) {
        let login = shown(&server, &phone, claim).await;
        for member in ["device_name", "device_os", "device_app"] {
            assert_harmless(&login[member], claim);
        }
    }
    // What was harmless is left alone.
    assert_eq!(shown(&server, &phone, "Zoë's PC – 書斎 (2)").await["device_name"], "Zoë's PC – 書斎 (2)");
}

pub(crate) async fn write_to_the_list_of_sessions(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    for claim in HOSTILE {
        shown(&server, &phone, claim).await;
    }
    for claim in &HOSTILE[..12] {
        let body = json!({"username": "alice", "password": PASSWORD, "device_name": claim});
        server.request(Method::POST, "/v1/phones").json(&body).send().await.unwrap();
    }
    let (_, sessions) = server.call(Method::GET, "/v1/sessions", &phone, Value::Null).await;
    let sessions = sessions["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 1 + HOSTILE.len() + 12);
    let (_, told) = server.call(Method::GET, "/v1/notifications", &phone, Value::Null).await;
    for entry in sessions.iter().chain(told["notifications"].as_array().unwrap()) {
        assert_harmless(&entry["device_name"], "a device name");
    }
}

pub(crate) async fn write_through_scope_or_client_id(on: Backend) {
    let server = on.server().await;
    for claim in HOSTILE {
        for fields in
            [[("client_id", "tests"), ("scope", *claim)], [("client_id", *claim), ("scope", "read")]]
        {
            let refused = server.form("/oauth/device_authorization", &fields).await;
            assert!(refused.status().is_client_error(), "{claim:?}");
        }
        let body = json!({"username": claim, "password": PASSWORD});
        let refused = server.request(Method::POST, "/v1/accounts").json(&body).send().await.unwrap();
        assert_eq!(refused.status(), reqwest::StatusCode::UNPROCESSABLE_ENTITY, "{claim:?}");
    }
}
