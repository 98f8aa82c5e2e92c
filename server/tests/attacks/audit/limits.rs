//! Whoever tries until a limit stops them is seen at each of the limits.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::{ELSEWHERE, OFFICE, PASSWORDS, World, events};

/// Where the tries at each limit come from, so that none is stopped by another's.
const FLOOD: &str = "203.0.113.1";
const GUESSES: &str = "203.0.113.2";
const REGISTRATIONS: &str = "203.0.113.3";
const PASSWORD_LIST: &str = "203.0.113.4";
/// One botnet, one account.
const BOTS: [&str; 4] = ["203.0.113.5", "203.0.113.6", "203.0.113.7", "203.0.113.8"];

const LIMITS: [[&str; 2]; 9] = [
    ["--limit-issue", "3/1m"],
    ["--limit-open-per-ip", "2"],
    ["--limit-user-code", "2/10m"],
    ["--limit-user-code-per-ip", "3/10m"],
    ["--limit-device-code", "1/1m"],
    ["--limit-password", "1/10m"],
    ["--limit-password-per-ip", "2/10m"],
    ["--limit-password-per-account", "3/10m"],
    ["--limit-register", "2/1m"],
];

impl World {
    async fn post_from(&mut self, from: &str, path: &str, token: &str, body: Value) -> StatusCode {
        self.call_from(from, Method::POST, path, token, body).await.0
    }

    async fn guess_password(&mut self, from: &str, username: &str) -> StatusCode {
        let body = json!({"username": username, "password": PASSWORDS[1]});
        self.post_from(from, "/v1/phones", "x", body).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn try_unnoticed_until_a_limit_is_reached() {
    const STOPPED: StatusCode = StatusCode::TOO_MANY_REQUESTS;
    const GUESS: &str = "WDJB-MJHT";
    const NO_CODE: &str = "dc_7KAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::start(directory.path(), LIMITS.as_flattened());
    // What is guessed may be right one day, and names are secrets when they are passwords in the wrong field.
    world.secrets.extend([GUESS, NO_CODE, "pw-as-a-name-51c7ae"].map(str::to_owned));
    let (alice, bob) = (world.phone("alice").await, world.phone("bob").await);

    let issue = [("client_id", "tests")];
    for expected in [StatusCode::OK, StatusCode::OK, STOPPED, STOPPED] {
        assert_eq!(world.form(FLOOD, "/oauth/device_authorization", &issue).await.0, expected);
    }
    // The fourth address-wide try is bob's second; alice's third is one too many of hers, wherever it is from.
    let unknown = StatusCode::NOT_FOUND;
    for (phone, from, expected) in [
        (&alice, GUESSES, unknown),
        (&alice, GUESSES, unknown),
        (&bob, GUESSES, unknown),
        (&bob, GUESSES, STOPPED),
        (&alice, ELSEWHERE, STOPPED),
    ] {
        assert_eq!(world.post_from(from, "/v1/scans", phone, json!({"user_code": GUESS})).await, expected);
    }
    for expected in ["invalid_grant", "slow_down"] {
        assert_eq!(world.redeem("tests", NO_CODE, "10").await["error"], expected);
    }
    let wrong = StatusCode::UNAUTHORIZED;
    for (username, from, expected) in [
        ("alice", OFFICE, wrong),
        ("alice", OFFICE, STOPPED),
        ("pw-as-a-name-51c7ae", PASSWORD_LIST, wrong),
        ("bob", PASSWORD_LIST, wrong),
        ("nobody", PASSWORD_LIST, STOPPED),
        ("alice", BOTS[0], wrong),
        ("alice", BOTS[1], wrong),
        ("alice", BOTS[2], STOPPED),
        ("alice", BOTS[3], STOPPED),
    ] {
        assert_eq!(world.guess_password(from, username).await, expected, "{username} {from}");
    }
    for expected in [StatusCode::CREATED, StatusCode::CONFLICT, STOPPED] {
        let body = json!({"username": "carol", "password": PASSWORDS[2]});
        assert_eq!(world.post_from(REGISTRATIONS, "/v1/accounts", "x", body).await, expected);
    }

    let lines = world.end("");
    for (limit, count, fields) in [
        ("issue", 1, json!({"from": FLOOD})),
        ("open", 1, json!({"from": FLOOD})),
        ("user-code", 1, json!({"from": ELSEWHERE, "account": null})),
        ("user-code-ip", 1, json!({"from": GUESSES, "account": null})),
        ("device-code", 1, json!({"from": OFFICE})),
        ("password", 1, json!({"from": OFFICE})),
        ("password-ip", 1, json!({"from": PASSWORD_LIST})),
        ("password-account", 1, json!({"from": BOTS[2]})),
        ("password-account", 1, json!({"from": BOTS[3]})),
        ("register", 1, json!({"from": REGISTRATIONS})),
    ] {
        let mut fields = fields;
        fields["limit"] = json!(limit);
        assert_eq!(events(&lines, "WARN", "limited", &fields).count(), count, "{fields} in {lines:#?}");
    }
    assert_eq!(events(&lines, "WARN", "limited", &json!({})).count(), 10);
    // The two device codes are told as such, beside what stopped the second.
    assert_eq!(events(&lines, "WARN", "device_code_unknown", &json!({"from": OFFICE})).count(), 2);
}
