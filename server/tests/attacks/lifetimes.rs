//! Deadlines that somebody would like to move.

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Backend;
use crate::scene::{Scene, decide, is_good, refresh, said, text};
use crate::support::Server;

/// Everything that a PC and two phones can do with a scanned login short of deciding it.
async fn use_it(scene: &Scene, mallory: &str) {
    let Scene { server, issued, .. } = scene;
    server.redeem(issued).await;
    let device_code = issued.device_code.expose();
    server.client().snapshot(&issued.device_code).await.unwrap();
    let waits = server.request(Method::GET, "/v1/login").bearer_auth(device_code);
    waits.header("prefer", "wait=25").header("if-none-match", "\"0\"").send().await.unwrap();
    let mut socket = server.socket("/v1/login/events", device_code).await;
    socket.next().await.unwrap().unwrap();
    let scan = json!({"scan_code": server.scan_code(issued)});
    server.call(Method::POST, "/v1/scans", &scene.phone, scan.clone()).await;
    server.call(Method::POST, "/v1/scans", mallory, scan).await;
    decide(server, "confirm", mallory, &scene.confirm_token).await;
    decide(server, "deny", &scene.phone, &scene.confirm_token).await;
    let fields = [
        ("grant_type", shared::api::GRANT_DEVICE_CODE),
        ("device_code", device_code),
        ("client_id", "another"),
    ];
    server.form("/oauth/token", &fields).await;
}

async fn seconds_left(server: &Server, scene: &Scene) -> u64 {
    server.client().snapshot(&scene.issued.device_code).await.unwrap().expires_in
}

pub(crate) async fn keep_a_login_alive_by_using_it(on: Backend) {
    let scene = Scene::set(on).await;
    let mallory = scene.server.phone_token("mallory").await;
    // Replaces the token that the scene keeps: denying with it is a wrong try from here on.
    scene.server.scan(&scene.phone, &scene.issued).await;
    for (left, then) in [(120, 30), (90, 30), (60, 30), (30, 29), (1, 1)] {
        assert_eq!(seconds_left(&scene.server, &scene).await, left);
        use_it(&scene, &mallory).await;
        assert_eq!(seconds_left(&scene.server, &scene).await, left);
        scene.server.advance_secs(then);
    }
    let newest = json!({"scan_code": scene.server.scan_code(&scene.issued)});
    let late = scene.server.call(Method::POST, "/v1/scans", &scene.phone, newest).await;
    assert_eq!(said(late), (410, "code_expired".to_owned()));
    assert_eq!(scene.decide("confirm", &scene.phone).await, (410, "code_expired".to_owned()));
    assert_eq!(said(scene.server.redeem(&scene.issued).await), (400, "expired_token".to_owned()));
}

pub(crate) async fn keep_a_confirmed_login_alive_by_using_it(on: Backend) {
    let scene = Scene::set(on).await;
    let mallory = scene.server.phone_token("mallory").await;
    assert_eq!(scene.decide("confirm", &scene.phone).await.0, 200);
    // All but the PC's own redeem.
    let device_code = scene.issued.device_code.expose();
    for left in [60, 40, 20] {
        assert_eq!(seconds_left(&scene.server, &scene).await, left);
        scene.decide("confirm", &scene.phone).await;
        scene.decide("confirm", &mallory).await;
        scene.server.call(Method::DELETE, "/v1/login", device_code, Value::Null).await;
        let scan = json!({"scan_code": scene.server.scan_code(&scene.issued)});
        scene.server.call(Method::POST, "/v1/scans", &scene.phone, scan).await;
        assert_eq!(seconds_left(&scene.server, &scene).await, left);
        scene.server.advance_secs(20);
    }
    assert_eq!(said(scene.server.redeem(&scene.issued).await), (400, "expired_token".to_owned()));
}

pub(crate) async fn keep_an_access_token_alive_by_using_it(on: Backend) {
    let server = on.server().await;
    let tokens = server.log_pc_in(&server.phone_token("alice").await).await;
    let access = text(&tokens, "access_token");
    for _ in 0..59 {
        assert!(is_good(&server, access).await);
        server.advance_secs(60);
    }
    server.advance_secs(59);
    assert!(is_good(&server, access).await);
    server.advance_secs(1);
    assert!(!is_good(&server, access).await);
    // Nor is the refresh token moved by use of the other.
    server.advance_secs(30 * 24 * 3600 - 3600 - 1);
    let late = text(&tokens, "refresh_token");
    let (http, fresh) = refresh(&server, late).await;
    assert_eq!(http, StatusCode::OK, "a second early");
    server.advance_secs(30 * 24 * 3600);
    assert_eq!(refresh(&server, text(&fresh, "refresh_token")).await.0, StatusCode::BAD_REQUEST);
}

pub(crate) async fn keep_a_session_alive_past_its_year(on: Backend) {
    const DAY: u64 = 24 * 3600;
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let mut tokens = server.log_pc_in(&phone).await;
    for _ in 0..18 {
        server.advance_secs(20 * DAY);
        assert!(is_good(&server, &phone).await);
        let (http, fresh) = refresh(&server, text(&tokens, "refresh_token")).await;
        assert_eq!(http, StatusCode::OK);
        tokens = fresh;
    }
    // Day 360. A refresh at the very end buys no more than what is left.
    server.advance_secs(5 * DAY - 60);
    let (http, tokens) = refresh(&server, text(&tokens, "refresh_token")).await;
    assert_eq!(http, StatusCode::OK);
    assert!(is_good(&server, text(&tokens, "access_token")).await);
    server.advance_secs(60);
    assert!(!is_good(&server, &phone).await);
    assert!(!is_good(&server, text(&tokens, "access_token")).await);
    assert_eq!(refresh(&server, text(&tokens, "refresh_token")).await.0, StatusCode::BAD_REQUEST);
}

/// Two nodes on one store, of which one goes by a clock that was stepped by an hour: the deadlines are where
/// they were on both.
pub(crate) async fn gain_time_from_a_clock_that_is_an_hour_off(on: Backend) {
    const HOUR: u64 = 3600;
    let scene = Scene::set(on).await;
    let Scene { server, phone, issued, .. } = &scene;
    let tokens = server.log_pc_in(phone).await;
    let ahead = Server::start_over(|_| server.store.clone(), |_| {}).await;
    ahead.advance_secs(HOUR);
    // Ahead, all of it is over, and forgotten.
    assert!(ahead.client().snapshot(&issued.device_code).await.is_err());
    let late = ahead.call(Method::POST, "/v1/scans", phone, json!({"scan_code": server.scan_code(issued)}));
    assert_ne!(late.await.0, StatusCode::OK);
    assert_ne!(decide(&ahead, "confirm", phone, &scene.confirm_token).await.0, 200);
    assert!(!is_good(&ahead, text(&tokens, "access_token")).await);
    assert!(is_good(&ahead, phone).await, "ninety days");
    // What began ahead ends when it was to end there, seen from an hour before: neither sooner nor later.
    let begun_ahead = ahead.issue().await;
    assert_eq!(ahead.client().snapshot(&begun_ahead.device_code).await.unwrap().expires_in, 120);
    let confirm_token = ahead.scan(phone, &begun_ahead).await;
    let left = async || server.client().snapshot(&begun_ahead.device_code).await.unwrap().expires_in;
    assert_eq!(left().await, HOUR + 120);
    server.advance_secs(HOUR + 119);
    assert_eq!(left().await, 1);
    server.advance_secs(1);
    assert_eq!(left().await, 0);
    assert_eq!(decide(server, "confirm", phone, &confirm_token).await.0, 410);
}
