//! The check code: two digits from the phone to the PC, by way of the person.

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE};
use shared::client::IssueRequest;

use crate::support::{Server, pc};

/// A login that Alice has confirmed, and whose PC must send the digits.
struct Scene {
    server: Server,
    issued: DeviceAuthorization,
    phone: String,
    confirm_token: String,
    digits: String,
}

impl Scene {
    async fn confirmed() -> Self {
        let server = Server::start_with(|settings| settings.requires_check_code = true).await;
        let phone = server.phone_token("alice").await;
        let issued = server.client().issue(&IssueRequest { check_code: true, ..pc() }).await.unwrap();
        let confirm_token = server.scan(&phone, &issued).await;
        let (status, decided) = confirm(&server, &phone, &confirm_token).await;
        assert_eq!((status, &decided["status"]), (StatusCode::OK, &json!("confirmed")));
        let digits = decided["check_code"].as_str().unwrap().to_owned();
        assert!((10..=99).contains(&digits.parse::<u8>().unwrap()));
        Self { server, issued, phone, confirm_token, digits }
    }

    async fn redeem(&self, typed: Option<&str>) -> (u16, Value) {
        redeem(&self.server, &self.issued, typed).await
    }

    async fn status(&self) -> (String, u64) {
        let snapshot = self.server.client().snapshot(&self.issued.device_code).await.unwrap();
        (snapshot.status.as_str().to_owned(), snapshot.version)
    }

    /// Two digits that are not the phone's; a different pair for each of the first few numbers.
    fn wrong(&self, number: u8) -> String {
        let digits: u8 = self.digits.parse().unwrap();
        (10 + (digits - 10 + 1 + number % 89) % 90).to_string()
    }
}

async fn confirm(server: &Server, phone: &str, confirm_token: &str) -> (StatusCode, Value) {
    let body = json!({"confirm_token": confirm_token});
    server.call(Method::POST, "/v1/scans/confirm", phone, body).await
}

async fn redeem(server: &Server, issued: &DeviceAuthorization, typed: Option<&str>) -> (u16, Value) {
    let device_code = issued.device_code.expose();
    let mut fields =
        vec![("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "tests")];
    fields.extend(typed.map(|digits| ("check_code", digits)));
    let response = server.form("/oauth/token", &fields).await;
    (response.status().as_u16(), response.json().await.unwrap())
}

/// What a redeem says that is still to be checked.
fn unchecked(answer: &(u16, Value)) -> Option<u64> {
    let (status, body) = answer;
    let is_pending = *status == 400 && body["error"] == "authorization_pending";
    (is_pending && body["status"] == "confirmed").then(|| body["tries_left"].as_u64().unwrap())
}

#[tokio::test]
async fn the_digits_of_the_phone_log_the_pc_in() {
    let scene = Scene::confirmed().await;
    let (status, tokens) = scene.redeem(Some(&scene.digits)).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(scene.status().await, ("logged_in".to_owned(), 4));
    // The answer was lost: the same again brings fresh tokens.
    assert_eq!(scene.redeem(Some(&scene.digits)).await.0, 200);
}

#[tokio::test]
async fn to_send_nothing_is_no_try_and_never_too_soon() {
    let scene = Scene::confirmed().await;
    for _ in 0..5 {
        let answer = scene.redeem(None).await;
        assert_eq!(unchecked(&answer), Some(3), "{answer:?}");
    }
    // A parameter without a value counts as not sent (RFC 6749 §3.1).
    assert_eq!(unchecked(&scene.redeem(Some("")).await), Some(3));
    assert_eq!(scene.redeem(Some(&scene.digits)).await.0, 200);
}

#[tokio::test]
async fn three_wrong_tries_deny_the_login_and_the_owner_hears_of_it() {
    let scene = Scene::confirmed().await;
    for (number, left) in [(0, 2), (1, 1)] {
        assert_eq!(unchecked(&scene.redeem(Some(&scene.wrong(number))).await), Some(left));
        assert_eq!(scene.status().await, ("confirmed".to_owned(), 3), "clients see nothing of it");
    }
    let (status, answer) = scene.redeem(Some(&scene.wrong(2))).await;
    assert_eq!((status, &answer["error"]), (400, &json!("access_denied")));
    assert_eq!(scene.status().await, ("denied".to_owned(), 4));
    assert_eq!(scene.redeem(Some(&scene.digits)).await.1["error"], "access_denied");
    let notices = scene.server.notices(&scene.phone).await;
    assert_eq!(notices, [("login_confirmed".to_owned(), 1), ("login_denied".to_owned(), 1)]);
}

#[tokio::test]
async fn the_right_digits_after_two_wrong_tries_are_still_right() {
    let scene = Scene::confirmed().await;
    assert_eq!(unchecked(&scene.redeem(Some(&scene.wrong(0))).await), Some(2));
    assert_eq!(unchecked(&scene.redeem(Some(&scene.wrong(1))).await), Some(1));
    assert_eq!(unchecked(&scene.redeem(None).await), Some(1));
    assert_eq!(scene.redeem(Some(&scene.digits)).await.0, 200);
}

#[tokio::test]
async fn what_can_t_be_a_code_is_a_wrong_try() {
    let scene = Scene::confirmed().await;
    let padded = format!("0{}", scene.digits);
    assert_eq!(unchecked(&scene.redeem(Some("banana")).await), Some(2));
    assert_eq!(unchecked(&scene.redeem(Some(&padded)).await), Some(1));
    assert_eq!(scene.redeem(Some("00")).await.1["error"], "access_denied");
}

#[tokio::test]
async fn another_client_s_guess_costs_nothing() {
    let scene = Scene::confirmed().await;
    let device_code = scene.issued.device_code.expose();
    let wrong = scene.wrong(0);
    let fields = [
        ("grant_type", GRANT_DEVICE_CODE),
        ("device_code", device_code),
        ("client_id", "other"),
        ("check_code", wrong.as_str()),
    ];
    let response = scene.server.form("/oauth/token", &fields).await;
    assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_grant");
    assert_eq!(unchecked(&scene.redeem(None).await), Some(3));
}

#[tokio::test]
async fn of_64_guesses_at_once_three_are_judged() {
    let scene = Scene::confirmed().await;
    let guesses: Vec<_> = (0..64).map(|number| scene.wrong(number)).collect();
    let answers = join_all(guesses.iter().map(|guess| scene.redeem(Some(guess)))).await;
    let mut left: Vec<_> = answers.iter().filter_map(unchecked).collect();
    left.sort_unstable();
    assert_eq!(left, [1, 2]);
    let denied = answers.iter().filter(|(_, body)| body["error"] == "access_denied").count();
    assert_eq!(denied, 62, "{answers:?}");
    assert_eq!(scene.status().await, ("denied".to_owned(), 4));
}

#[tokio::test]
async fn a_phone_whose_answer_was_lost_still_learns_the_digits_and_no_other_phone_does() {
    let scene = Scene::confirmed().await;
    let (status, problem) = confirm(&scene.server, &scene.phone, &scene.confirm_token).await;
    assert_eq!((status, &problem["code"]), (StatusCode::GONE, &json!("confirm_token_used")));
    assert_eq!(
        (&problem["login_status"], &problem["check_code"]),
        (&json!("confirmed"), &json!(scene.digits))
    );
    let other = scene.server.log_in("alice").await;
    let (status, problem) = confirm(&scene.server, &other, &scene.confirm_token).await;
    assert_eq!((status, problem.get("check_code")), (StatusCode::GONE, None));

    assert_eq!(scene.redeem(Some(&scene.digits)).await.0, 200);
    let (_, problem) = confirm(&scene.server, &scene.phone, &scene.confirm_token).await;
    assert_eq!((&problem["login_status"], problem.get("check_code")), (&json!("logged_in"), None));
}

#[tokio::test]
async fn a_login_whose_digits_nobody_types_expires() {
    let scene = Scene::confirmed().await;
    scene.server.advance_secs(60);
    assert_eq!(scene.redeem(Some(&scene.digits)).await.1["error"], "expired_token");
}

#[tokio::test]
async fn a_server_without_check_codes_ignores_them() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.client().issue(&IssueRequest { check_code: true, ..pc() }).await.unwrap();
    let confirm_token = server.scan(&phone, &issued).await;
    assert_eq!(confirm(&server, &phone, &confirm_token).await.1, json!({"status": "confirmed"}));
    assert_eq!(redeem(&server, &issued, Some("banana")).await.0, 200);
}

#[tokio::test]
async fn where_they_are_required_a_pc_that_knows_nothing_of_them_gets_no_login() {
    let server = Server::start_with(|settings| settings.requires_check_code = true).await;
    for (said, expected) in [(None, 400), (Some("0"), 400), (Some("yes"), 400), (Some("1"), 200)] {
        let fields: Vec<_> = [("client_id", Some("tests")), ("check_code", said)]
            .into_iter()
            .filter_map(|(name, value)| Some((name, value?)))
            .collect();
        let response = server.form("/oauth/device_authorization", &fields).await;
        assert_eq!(response.status().as_u16(), expected, "{said:?}");
        if expected == 400 {
            assert_eq!(response.json::<Value>().await.unwrap()["error"], "invalid_request");
        }
    }
}
