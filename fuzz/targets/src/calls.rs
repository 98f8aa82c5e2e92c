//! Bodies and headers of requests.

use http::header::{HeaderName, HeaderValue};
use http::{Method, Request, StatusCode, header};
use http_body_util::Full;

use crate::answer::{Answer, ISSUE};
use crate::choice;
use crate::scene::{FORM, JSON, TOKEN, bearing, redeem};
use crate::stage::{House, on_stage, with_body};

/// Where forms are sent.
const FORMS: [&str; 4] = [ISSUE, TOKEN, "/oauth/revoke", "/oauth/introspect"];

/// A form body, for the PC and resource servers.
///
/// The first byte says where it is sent, the second who sends it, the rest is the body. What holds: see
/// `Answer::check` and `House::attempt`; and no token is given for a login that is not confirmed.
///
/// # Panics
/// When that does not hold.
pub fn form_body(data: &[u8]) {
    let Some((&[place, sender], body)) = data.split_first_chunk() else { return };
    on_stage(async |house| {
        let path = FORMS[choice(place, FORMS.len())];
        let body = house.scene.filled(body, house);
        let names = |secret: &str| body.windows(secret.len()).any(|window| window == secret.as_bytes());
        let [.., confirmed, logged_in] = house.scene.device_codes.clone();
        let (may_redeem, replays) =
            (names(&confirmed) || names(&logged_in) || names("rt_"), names(&logged_in));
        let request = with_body(&Method::POST, path, FORM, body.into());
        let request = match choice(sender, 4) {
            0 => request,
            1 => bearing(request, "Basic", &basic(house, b"{basic}")),
            // The user `tests`, without a password.
            2 => bearing(request, "Basic", "dGVzdHM6"),
            _ => bearing(request, "Basic", "!"),
        };
        let answer = house.attempt(request, replays).await;
        assert!(!answer.is_good() || path != TOKEN || may_redeem, "tokens for nothing: {answer:?}");
        if path == ISSUE && answer.is_good() {
            check_issued(house, &answer);
        }
    });
}

fn basic(house: &House, name: &[u8]) -> String {
    String::from_utf8_lossy(&house.scene.filled(name, house)).into_owned()
}

/// Nothing that is sent chooses what a login is like.
fn check_issued(house: &House, answer: &Answer) {
    let issued = answer.json();
    assert_eq!(issued["verification_uri"], house.url.join("/D"), "{answer:?}");
    assert_eq!(
        (issued["expires_in"].as_u64(), issued["interval"].as_u64()),
        (Some(600), Some(2)),
        "{answer:?}"
    );
    assert!(house.url.scan_code_in(&answer.text("verification_uri_complete")).is_ok(), "{answer:?}");
    assert!(answer.text("device_code").starts_with("dc_"), "{answer:?}");
}

/// Where the phone sends JSON, and whether anybody may who has no phone token.
const JSON_CALLS: [(Method, &str, bool); 6] = [
    (Method::POST, "/v1/accounts", true),
    (Method::POST, "/v1/phones", true),
    (Method::POST, "/v1/scans", false),
    (Method::POST, "/v1/scans/confirm", false),
    (Method::POST, "/v1/scans/deny", false),
    (Method::PUT, "/v1/account/password", false),
];

/// A JSON body, for the phone.
///
/// The first byte says where it is sent, the second with which token, the rest is the body. What holds: see
/// `Answer::check` and `House::attempt`; and only a phone does what a phone does, with its own scans.
///
/// # Panics
/// When that does not hold.
pub fn json_body(data: &[u8]) {
    let Some((&[place, sender], body)) = data.split_first_chunk() else { return };
    on_stage(async |house| {
        let (method, path, anybody) = &JSON_CALLS[choice(place, JSON_CALLS.len())];
        let body = house.scene.filled(body, house);
        let is_text = std::str::from_utf8(&body).is_ok();
        let request = with_body(method, path, JSON, body.into());
        let sender = choice(sender, 5);
        let [alice, bobby] = house.phones.clone();
        let request = match sender {
            0 => request,
            1 => bearing(request, "Bearer", &alice),
            2 => bearing(request, "Bearer", &bobby),
            3 => bearing(request, "Bearer", &house.scene.pc_token),
            _ => bearing(request, "DPoP", &alice),
        };
        let answer = house.attempt(request, false).await;
        let decides = path.starts_with("/v1/scans/");
        let is_allowed = *anybody || sender == 1 || (sender == 2 && !decides);
        assert!(!answer.is_good() || is_allowed, "done for {sender}: {answer:?}");
        assert!(!answer.is_good() || is_text, "done for what is no JSON: {answer:?}");
    });
}

/// Requests whose headers are tried. Where there is a body, it is one that is fine.
const HEADER_CALLS: [(Method, &str, &str); 11] = [
    (Method::GET, "/v1/login", ""),
    (Method::GET, "/v1/login/events", ""),
    (Method::GET, "/v1/notifications?after=999999", ""),
    (Method::GET, "/v1/notifications/events", ""),
    (Method::GET, "/v1/me", ""),
    (Method::GET, "/v1/sessions", ""),
    (Method::POST, ISSUE, "client_id=tests"),
    (Method::POST, TOKEN, ""),
    (Method::POST, "/oauth/introspect", "token={pc}"),
    (Method::POST, "/v1/scans", r#"{"scan_code":"00000000000000000000000000"}"#),
    (Method::GET, "/.well-known/oauth-authorization-server", ""),
];

/// By which letter a line begins that sets the header.
const HEADERS: [(u8, &str); 14] = [
    (b'P', "prefer"),
    (b'I', "if-none-match"),
    (b'A', "authorization"),
    (b'O', "origin"),
    (b'C', "content-type"),
    (b'F', "forwarded"),
    (b'X', "x-forwarded-for"),
    (b'D', "dpop"),
    (b'H', "host"),
    (b'K', "sec-websocket-key"),
    (b'V', "sec-websocket-version"),
    (b'S', "sec-websocket-protocol"),
    (b'E', "sec-websocket-extensions"),
    (b'T', "accept"),
];
/// How many lines are read: within the most that the server takes.
const MOST_LINES: usize = 40;

/// The headers of a request.
///
/// The first byte says of which; then each line is a header: its letter in `HEADERS` and a value. What holds:
/// see `Answer::check` and `House::attempt`; nothing is answered without the credentials for it, no socket
/// opens for a foreign origin, nothing is "not modified" that was not asked about, and no wait is longer than the
/// longest.
///
/// # Panics
/// When that does not hold.
pub fn headers(data: &[u8]) {
    let Some((&place, lines)) = data.split_first() else { return };
    on_stage(async |house| {
        let (method, path, body) = &HEADER_CALLS[choice(place, HEADER_CALLS.len())];
        let body = match *path {
            TOKEN => redeem(&house.scene.device_codes[0]).into_bytes(),
            _ => house.scene.filled(body.as_bytes(), house),
        };
        let mut request = with_body(method, path, "", body.into());
        let headers = request.headers_mut();
        let is_socket = path.ends_with("/events");
        if is_socket {
            headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
            headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            headers.insert(header::SEC_WEBSOCKET_KEY, HeaderValue::from_static("AAAAAAAAAAAAAAAAAAAAAA=="));
        }
        let lines = house.scene.filled(lines, house);
        for line in lines.split(|&byte| byte == b'\n').take(MOST_LINES) {
            let Some((&letter, value)) = line.split_first() else { continue };
            let by_letter = HEADERS.iter().find(|(known, _)| *known == letter);
            let (_, name) = by_letter.unwrap_or(&HEADERS[choice(letter, HEADERS.len())]);
            // What is no header's value never leaves a client, nor passes the server's reader of heads.
            let Ok(value) = HeaderValue::from_bytes(value) else { continue };
            let name = HeaderName::from_static(name);
            if name == header::HOST || (is_socket && name.as_str().starts_with("sec-websocket-")) {
                headers.insert(name, value);
            } else {
                headers.append(name, value);
            }
        }
        let sent = request.clone();
        let answer = house.attempt(request, false).await;
        check_headers(house, &sent, &answer);
    });
}

fn check_headers(house: &House, sent: &Request<Full<bytes::Bytes>>, answer: &Answer) {
    let headers = sent.headers();
    let shows = |secrets: &[&String]| {
        let mut lines = headers.get_all(header::AUTHORIZATION).iter();
        let line = lines.next().map_or(&b""[..], HeaderValue::as_bytes).trim_ascii_end();
        lines.next().is_none() && secrets.iter().any(|secret| line.ends_with(secret.as_bytes()))
    };
    let scene = &house.scene;
    let logins: Vec<_> = scene.device_codes.iter().collect();
    let (alice, bobby) = (&house.phones[0], &house.phones[1]);
    let is_good = answer.is_good() || answer.status == StatusCode::NOT_MODIFIED;
    let is_shown = match answer.path.as_str() {
        "/v1/login" | "/v1/login/events" => shows(&logins),
        "/v1/me" => shows(&[alice, bobby, &scene.pc_token]),
        path if path.starts_with("/v1/") => shows(&[alice, bobby]),
        "/oauth/introspect" => headers.contains_key(header::AUTHORIZATION),
        _ => true,
    };
    assert!(!is_good || is_shown, "without credentials: {answer:?}");
    if answer.status == StatusCode::SWITCHING_PROTOCOLS {
        let own = house.url.as_str().as_bytes();
        let origin = headers.get(header::ORIGIN).map(HeaderValue::as_bytes);
        assert!(origin.is_none_or(|origin| origin.eq_ignore_ascii_case(own)), "a foreign origin: {answer:?}");
    }
    if answer.status == StatusCode::NOT_MODIFIED {
        let asks = if answer.path == "/v1/login" { "if-none-match" } else { "prefer" };
        assert!(headers.contains_key(asks), "not asked about: {answer:?}");
    }
    if answer.path == ISSUE && answer.is_good() {
        check_issued(house, answer);
    }
}
