//! A stolen code without its key, guesses at the digits, and a person who says no.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use server::clock::Clock;
use shared::api::{GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};
use shared::dpop::Key;
use shared::random::OsRandom;

use super::{OFFICE, World, events};
use crate::scene::text;

impl World {
    /// A request that proves a key, of which the proof is a secret too.
    async fn proved(
        &mut self,
        key: &Key,
        (method, path): (Method, &str),
        token: Option<&str>,
        fields: &[(&str, &str)],
    ) -> (StatusCode, Value) {
        let url = self.program.url.join(path);
        let proof = key.prove((method.as_str(), &url), token, None, Clock::system().now(), &OsRandom);
        let mut request = self.http.request(method, url).header("DPoP", &proof);
        request = match token {
            Some(token) => request.header("authorization", format!("DPoP {token}")),
            None => request.form(fields),
        };
        self.secrets.push(proof);
        self.answer(request.header("x-forwarded-for", OFFICE)).await
    }

    /// What a decision needs: a login, scanned; its device code and confirm token.
    async fn scanned(&mut self, phone: &str) -> (String, String) {
        let (device_code, scan_code) = self.issue().await;
        (device_code, self.scan(phone, &scan_code).await)
    }
}

fn fields<'a>(grant: &'a str, name: &'a str, secret: &'a str) -> [(&'a str, &'a str); 3] {
    [("grant_type", grant), ("client_id", "tests"), (name, secret)]
}

#[tokio::test(flavor = "multi_thread")]
async fn try_unnoticed_what_was_stolen_without_its_key() {
    const TOKEN: &str = "/oauth/token";
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::start(directory.path(), &[]);
    let alice = world.phone("alice").await;
    let (own, others) = (Key::generate(&OsRandom), Key::generate(&OsRandom));
    world.secrets.extend([&own, &others].map(|key| key.expose().to_string()));
    let asked = (Method::POST, "/oauth/device_authorization");
    let (_, issued) = world.proved(&own, asked, None, &[("client_id", "tests")]).await;
    let device_code = text(&issued, "device_code").to_owned();
    let scan_code = text(&issued, "verification_uri_complete").rsplit('/').next().unwrap().to_owned();
    world.secrets.push(scan_code.clone());
    let bad = |(status, answer): (StatusCode, Value)| {
        assert!(status.is_client_error(), "{answer}");
        assert_eq!(answer["code"].as_str().or(answer["error"].as_str()), Some("invalid_dpop_proof"));
    };
    // Its status, before anybody has scanned it; then its tokens, then the status and the end of it.
    bad(world.proved(&others, (Method::GET, "/v1/login"), Some(&device_code), &[]).await);
    let confirm_token = world.scan(&alice, &scan_code).await;
    world.decide("confirm", &alice, &confirm_token).await;
    let redeem = fields(GRANT_DEVICE_CODE, "device_code", &device_code);
    bad(world.proved(&others, (Method::POST, TOKEN), None, &redeem).await);
    bad(world.form(OFFICE, TOKEN, &redeem).await);
    bad(world.proved(&others, (Method::DELETE, "/v1/login"), Some(&device_code), &[]).await);
    let (_, tokens) = world.proved(&own, (Method::POST, TOKEN), None, &redeem).await;
    let [access, refresh] = ["access_token", "refresh_token"].map(|name| text(&tokens, name).to_owned());
    // And each of those.
    bad(world.proved(&others, (Method::GET, "/v1/me"), Some(&access), &[]).await);
    bad(world.call_from(OFFICE, Method::GET, "/v1/me", &access, Value::Null).await);
    let refresh = fields(GRANT_REFRESH_TOKEN, "refresh_token", &refresh);
    bad(world.proved(&others, (Method::POST, TOKEN), None, &refresh).await);

    let lines = world.end("");
    let of = |fields| events(&lines, "WARN", "other_key", &fields).collect::<Vec<_>>();
    assert_eq!(of(json!({"login": null})).len(), 7, "{lines:#?}");
    assert_eq!(of(json!({"login": null, "owner": null})).len(), 6, "all but the first, when it had none");
    assert_eq!(of(json!({"login": null, "owner": null, "session": null})).len(), 3, "of the session");
    let logged_in = events(&lines, "INFO", "logged_in", &json!({})).next().unwrap();
    assert!(of(json!({})).iter().all(|line| line["login"] == logged_in["login"]));
    assert!(of(json!({"session": null})).iter().all(|line| line["session"] == logged_in["session"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn guess_the_digits_unnoticed() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::start(directory.path(), &["--check-code", "require"]);
    let alice = world.phone("alice").await;
    let (device_code, confirm_token) = world.scanned(&alice).await;
    let confirmed = world.decide("confirm", &alice, &confirm_token).await;
    let digits: u8 = text(&confirmed, "check_code").parse().unwrap();
    let wrong = (10..=99).filter(|guess| *guess != digits).take(3).map(|guess: u8| guess.to_string());
    for (guess, expected) in wrong.zip(["authorization_pending", "authorization_pending", "access_denied"]) {
        assert_eq!(world.redeem("tests", &device_code, &guess).await["error"], expected);
    }
    assert_eq!(world.redeem("tests", &device_code, &digits.to_string()).await["error"], "access_denied");

    let lines = world.end("");
    let known = json!({"login": null, "account": null});
    let tries = events(&lines, "WARN", "wrong_check_code", &known);
    assert_eq!(tries.map(|line| line["tries_left"].clone()).collect::<Vec<_>>(), [2, 1, 0], "{lines:#?}");
    assert_eq!(events(&lines, "INFO", "logged_in", &json!({})).count(), 0);
}

/// A report is one thing more than a no, and names the login that it is about.
#[tokio::test(flavor = "multi_thread")]
async fn have_a_report_of_it_go_unnoticed() {
    let directory = tempfile::tempdir().unwrap();
    let mut world = World::start(directory.path(), &[]);
    let alice = world.phone("alice").await;
    for report in [json!({}), json!({"report": false}), json!({"report": true})] {
        let (_, confirm_token) = world.scanned(&alice).await;
        let mut body = report;
        body["confirm_token"] = json!(confirm_token);
        assert_eq!(world.call("/v1/scans/deny", &alice, body).await.1["status"], "denied");
    }

    let lines = world.end("");
    let known = json!({"login": null, "account": null, "pc_ip": OFFICE});
    let denied =
        events(&lines, "INFO", "login_denied", &known).map(|line| &line["login"]).collect::<Vec<_>>();
    let reported = events(&lines, "WARN", "reported", &known).map(|line| &line["login"]).collect::<Vec<_>>();
    assert_eq!(denied.len(), 3, "{lines:#?}");
    assert_eq!(reported, [denied[2]], "{lines:#?}");
}
