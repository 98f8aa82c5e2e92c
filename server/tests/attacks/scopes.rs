//! What a PC may do with its tokens is what its person was shown.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};

use crate::Backend;
use crate::confusion::client_secret;
use crate::scene::{decide, said, text};
use crate::support::Server;

const ISSUE: &str = "/oauth/device_authorization";
const TOKEN: &str = "/oauth/token";

async fn form(
    server: &Server,
    path: &str,
    fields: &[(&str, &str)],
    scope: Option<&str>,
) -> (StatusCode, Value) {
    let fields = fields.iter().copied().chain(scope.map(|scope| ("scope", scope))).collect::<Vec<_>>();
    let response = server.form(path, &fields).await;
    (response.status(), response.json().await.unwrap())
}

async fn issue(server: &Server, scope: Option<&str>) -> DeviceAuthorization {
    let (status, issued) = form(server, ISSUE, &[("client_id", "tests")], scope).await;
    assert_eq!(status, StatusCode::OK, "{issued}");
    serde_json::from_value(issued).unwrap()
}

async fn redeem(server: &Server, issued: &DeviceAuthorization, scope: Option<&str>) -> (StatusCode, Value) {
    let device_code = issued.device_code.expose();
    let fields = [("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "tests")];
    form(server, TOKEN, &fields, scope).await
}

async fn refresh(server: &Server, tokens: &Value, scope: Option<&str>) -> (StatusCode, Value) {
    let token = text(tokens, "refresh_token");
    let fields = [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", token), ("client_id", "tests")];
    form(server, TOKEN, &fields, scope).await
}

/// The scope that was asked for at first is shown, confirmed, granted and told, at every step the same, whatever is
/// asked for later.
pub(crate) async fn gain_a_scope_that_nobody_confirmed(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let secret = client_secret(&server, "files").await;
    let told = async |tokens: &Value| {
        let asks = server.request(Method::POST, "/oauth/introspect").basic_auth("files", Some(&secret));
        let answer = asks.form(&[("token", text(tokens, "access_token"))]).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert_eq!(answer["active"], true);
        answer["scope"].clone()
    };
    for (asked, wider) in [
        (
            Some("read"),
            &["write", "read write", "READ", "rea", "read  read", " read", "read\u{0}", "\u{1b}[2J"][..],
        ),
        (Some("read files:write"), &["read files", "read files:write admin", "read,files:write"]),
        (None, &["read", "*", " "]),
    ] {
        let granted = asked.map_or(Value::Null, |scope| json!(scope));
        let issued = issue(&server, asked).await;
        let body = json!({"scan_code": server.scan_code(&issued), "scope": "admin"});
        let (_, scanned) = server.call(Method::POST, "/v1/scans", &phone, body).await;
        assert_eq!(scanned["login"]["scope"], granted);
        let confirmed = decide(&server, "confirm", &phone, text(&scanned, "confirm_token")).await;
        assert_eq!(confirmed.0, 200);
        // RFC 8628 knows no scope here, and what is not known is ignored.
        let (status, mut tokens) = redeem(&server, &issued, Some("admin")).await;
        assert_eq!((status, &tokens["scope"]), (StatusCode::OK, &granted));
        assert_eq!(told(&tokens).await, granted);
        // A refresh that asks for more changes nothing: the token that it had is not used up.
        for wider in wider {
            let refused = said(refresh(&server, &tokens, Some(wider)).await);
            assert_eq!(refused, (400, "invalid_scope".to_owned()), "{wider:?} for {asked:?}");
        }
        assert_eq!(told(&tokens).await, granted);
        // Less may be asked for; what is granted is what was confirmed, and the answer says so.
        for scope in [None, asked, asked.and_then(|scope| scope.split(' ').next())] {
            let (status, fresh) = refresh(&server, &tokens, scope).await;
            assert_eq!((status, &fresh["scope"]), (StatusCode::OK, &granted), "{scope:?}");
            assert_eq!(told(&fresh).await, granted);
            tokens = fresh;
        }
    }
}

/// A scope is words of RFC 6749 §3.3, and few enough of them to be read before one confirms.
pub(crate) async fn ask_for_a_scope_that_nobody_can_read(on: Backend) {
    // There is room for one login: none is made of what is refused.
    let server = on.server_with(|settings| settings.limits.open.per_address = 1).await;
    let too_long = "a".repeat(513);
    let (huge, many) = ("a".repeat(10 * 1024), "a ".repeat(5 * 1024) + "a");
    let every_control =
        (0..0x20_u8).chain([0x7f]).map(|c| format!("read{}", char::from(c))).collect::<Vec<_>>();
    let refused = [
        "read\u{85}",
        "read\u{202e}",
        "lire é",
        "a  b",
        " a",
        "a ",
        " ",
        "\"a\"",
        "a\\b",
        &too_long,
        &huge,
        &many,
    ];
    for scope in refused.into_iter().chain(every_control.iter().map(String::as_str)) {
        let (status, answer) = form(&server, ISSUE, &[("client_id", "tests")], Some(scope)).await;
        assert_eq!((status.as_u16(), text(&answer, "error")), (400, "invalid_scope"), "{scope:?}");
        assert!(!text(&answer, "error_description").is_empty());
    }
    // The rest is shown as it is, to the last character that may be.
    let longest = format!(
        "{} {}",
        ('!'..='~').filter(|c| !['"', '\\'].contains(c)).collect::<String>(),
        "b".repeat(512 - 93)
    );
    let issued = issue(&server, Some(&longest)).await;
    let phone = server.phone_token("alice").await;
    let body = json!({"scan_code": server.scan_code(&issued)});
    let (_, scanned) = server.call(Method::POST, "/v1/scans", &phone, body).await;
    assert_eq!(scanned["login"]["scope"], json!(longest));
}
