//! A phone that is not where the PC is, and a PC that is not where PCs belong.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::Settings;
use shared::api::DeviceAuthorization;

use crate::Backend;
use crate::scene::{Seen, decide, said, seen, status};
use crate::support::Server;

/// Where the PC and an honest phone are.
const OFFICE: &str = "192.0.2.7";
const ELSEWHERE: &str = "198.51.100.9";

/// A server behind a proxy here, so that requests come from wherever they say.
fn behind_a_proxy(settings: &mut Settings) {
    settings.trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
}

async fn of_one_network(on: Backend) -> Server {
    on.server_with(|settings| {
        behind_a_proxy(settings);
        settings.requires_same_network = true;
        settings.limits.user_code.count = 3;
    })
    .await
}

/// A login of a PC at an address.
async fn ask(server: &Server, from: &str) -> (StatusCode, Value) {
    let request = server.request(Method::POST, "/oauth/device_authorization");
    let asked = request.header("x-forwarded-for", from).form(&[("client_id", "tests")]).send().await.unwrap();
    (asked.status(), asked.json().await.unwrap())
}

async fn issue(server: &Server, from: &str) -> DeviceAuthorization {
    serde_json::from_value(ask(server, from).await.1).unwrap()
}

/// A scan by a phone at an address.
async fn scan(server: &Server, phone: &str, from: &str, body: &Value) -> Seen {
    let request = server.request(Method::POST, "/v1/scans").bearer_auth(phone);
    seen(request.header("x-forwarded-for", from).json(body)).await
}

fn code(seen: &Seen) -> (u16, String) {
    said((seen.status, serde_json::from_slice(&seen.body).unwrap()))
}

pub(crate) async fn let_a_pc_far_away_in(on: Backend) {
    let server = of_one_network(on).await;
    let phone = server.phone_token("alice").await;
    let policy = (403, "refused_by_policy".to_owned());
    for (pc, phone_at) in [
        (ELSEWHERE, OFFICE),
        ("2001:db8:1:2::7", "2001:db8:1:3::7"),
        // Nobody can tell: that is not the same.
        ("2001:db8::7", OFFICE),
        ("unknown", OFFICE),
        (OFFICE, "unknown"),
        ("unknown", "unknown"),
    ] {
        let issued = issue(&server, pc).await;
        let body = json!({"scan_code": server.scan_code(&issued)});
        assert_eq!(code(&scan(&server, &phone, phone_at, &body).await), policy, "{pc} {phone_at}");
        assert_eq!(status(&server, &issued).await, ("unscanned".to_owned(), 1));
    }
    for (pc, phone_at) in [(OFFICE, "::ffff:192.0.2.7"), ("2001:db8:1:2::7", "2001:db8:1:2:3::9")] {
        let issued = issue(&server, pc).await;
        let body = json!({"scan_code": server.scan_code(&issued)});
        assert_eq!(scan(&server, &phone, phone_at, &body).await.status, StatusCode::OK, "{pc} {phone_at}");
    }
    assert_eq!(server.notices(&phone).await, []);
}

pub(crate) async fn scan_from_afar_what_a_phone_in_the_office_has_scanned(on: Backend) {
    let server = of_one_network(on).await;
    let (alice, mallory) = (server.phone_token("alice").await, server.phone_token("mallory").await);
    let issued = issue(&server, OFFICE).await;
    let body = json!({"scan_code": server.scan_code(&issued)});
    let scanned = scan(&server, &alice, OFFICE, &body).await;
    let confirm_token = serde_json::from_slice::<Value>(&scanned.body).unwrap()["confirm_token"].clone();
    // Not even that it was scanned is told, and the owner's own token is not taken from her.
    for phone in [&alice, &mallory] {
        assert_eq!(code(&scan(&server, phone, ELSEWHERE, &body).await).0, 403);
    }
    // The scan proved where the phone is; it may have left the Wi-Fi since.
    let confirmed = decide(&server, "confirm", &alice, confirm_token.as_str().unwrap()).await;
    assert_eq!(confirmed.0, 200);
}

pub(crate) async fn learn_from_afar_which_typed_codes_exist(on: Backend) {
    let server = of_one_network(on).await;
    let (alice, bob) = (server.phone_token("alice").await, server.phone_token("bob").await);
    let issued = issue(&server, OFFICE).await;
    let typed = json!({"user_code": issued.user_code.dashed()});
    let expected = scan(&server, &alice, ELSEWHERE, &json!({"user_code": "BBBB-BBBB"})).await;
    assert_eq!(code(&expected), (404, "code_not_found".to_owned()));
    for _ in 0..2 {
        assert_eq!(scan(&server, &alice, ELSEWHERE, &typed).await, expected);
    }
    // It counts as a wrong one too, or the limit would tell.
    assert_eq!(code(&scan(&server, &alice, ELSEWHERE, &typed).await).0, 429);
    assert_eq!(scan(&server, &bob, OFFICE, &typed).await.status, StatusCode::OK);
}

pub(crate) async fn ask_from_a_network_that_may_not(on: Backend) {
    let server = on
        .server_with(|settings| {
            behind_a_proxy(settings);
            settings.issue_from =
                ["192.0.2.0/24", "2001:db8:1::/48"].map(|net| net.parse().unwrap()).to_vec();
            settings.limits.open.total = 1;
        })
        .await;
    let denied = (400, "access_denied".to_owned());
    for from in [ELSEWHERE, "2001:db8:2::1", "unknown", ""] {
        assert_eq!(said(ask(&server, from).await), denied, "{from:?}");
    }
    // What a client claims to be forwarded for is not what the proxy says.
    assert_eq!(said(ask(&server, "192.0.2.7, 198.51.100.9").await), denied);
    // Nothing is made: the one login that may be open would have to give way.
    let issued = issue(&server, OFFICE).await;
    assert_eq!(said(ask(&server, ELSEWHERE).await), denied);
    assert_eq!(status(&server, &issued).await.0, "unscanned");
    assert_eq!(ask(&server, "2001:db8:1:2::7").await.0, StatusCode::OK);
}
