//! What works once, used by many at the same moment.

mod orders;

use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::Backend;
use crate::scene::{Scene, decide, is_good, refresh, said, status, text};

pub(crate) use orders::find_an_order_of_calls_that_breaks_the_rules;

/// How many race.
const MANY: usize = 64;

pub(crate) async fn be_one_of_64_phones_that_scan(on: Backend) {
    let server = on.server().await;
    // Eight people with eight phones each.
    let mut phones = Vec::new();
    for name in ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"] {
        phones.push(server.phone_token(name).await);
        phones.extend(join_all((1..8).map(|_| server.log_in(name))).await);
    }
    assert_eq!(phones.len(), MANY);
    let issued = server.issue().await;
    let body = json!({"scan_code": server.scan_code(&issued)});
    let scans = phones.iter().map(|phone| server.call(Method::POST, "/v1/scans", phone, body.clone()));
    let scans = join_all(scans).await;
    let won = scans.iter().position(|(http, _)| *http == StatusCode::OK).unwrap();
    for (phone, scan) in scans.iter().enumerate().filter(|(phone, _)| *phone != won) {
        assert_eq!(said(scan.clone()), (409, "already_scanned".to_owned()), "{phone}");
    }
    assert_eq!(status(&server, &issued).await, ("scanned".to_owned(), 2));
    let confirm_token = text(&scans[won].1, "confirm_token");
    assert_eq!(decide(&server, "confirm", &phones[won], confirm_token).await.0, 200);
    // Every one of the others is counted for the one who won.
    let told = server.notices(&phones[won]).await;
    assert!(told.contains(&("second_scan_refused".to_owned(), MANY as u64 - 1)), "{told:?}");
}

pub(crate) async fn confirm_64_times_at_once(on: Backend) {
    let scene = Scene::set(on).await;
    let outcomes = join_all((0..MANY).map(|_| scene.decide("confirm", &scene.phone))).await;
    let used = (410, "confirm_token_used".to_owned());
    assert_eq!(outcomes.iter().filter(|outcome| outcome.0 == 200).count(), 1);
    assert_eq!(outcomes.iter().filter(|outcome| **outcome == used).count(), MANY - 1);
    assert_eq!(scene.status().await, ("confirmed".to_owned(), 3));
    assert_eq!(scene.server.notices(&scene.phone).await, [("login_confirmed".to_owned(), 1)]);
}

pub(crate) async fn confirm_what_is_being_denied(on: Backend) {
    for _ in 0..8 {
        let scene = Scene::set(on).await;
        let decisions = (0..MANY).map(|n| scene.decide(["confirm", "deny"][n % 2], &scene.phone));
        let outcomes = join_all(decisions).await;
        let won = outcomes.iter().position(|outcome| outcome.0 == 200).unwrap();
        let (state, refusal, notice) = match won % 2 {
            0 => ("confirmed", (410, "confirm_token_used".to_owned()), "login_confirmed"),
            _ => ("denied", (409, "login_closed".to_owned()), "login_denied"),
        };
        assert!(
            outcomes.iter().enumerate().all(|(n, outcome)| n == won || *outcome == refusal),
            "{outcomes:?}"
        );
        assert_eq!(scene.status().await, (state.to_owned(), 3));
        assert_eq!(scene.server.notices(&scene.phone).await, [(notice.to_owned(), 1)]);
    }
}

pub(crate) async fn redeem_64_times_at_once(on: Backend) {
    let Scene { server, issued, phone, confirm_token } = Scene::set(on).await;
    assert_eq!(decide(&server, "confirm", &phone, &confirm_token).await.0, 200);
    let answers = join_all((0..MANY).map(|_| server.redeem(&issued))).await;
    // Each may be the repeat of one whose answer was lost, so each may be answered; but one set works.
    let mut working = 0;
    for (_, tokens) in answers.iter().filter(|(http, _)| *http == StatusCode::OK) {
        working += usize::from(is_good(&server, text(tokens, "access_token")).await);
    }
    assert_eq!(working, 1);
    let mut refreshed = Vec::new();
    for (_, tokens) in answers.iter().filter(|(http, _)| *http == StatusCode::OK) {
        refreshed.push(refresh(&server, text(tokens, "refresh_token")).await.0);
    }
    assert_eq!(refreshed.iter().filter(|http| **http == StatusCode::OK).count(), 1);
    let (_, sessions) = server.call(Method::GET, "/v1/sessions", &phone, Value::Null).await;
    let pcs = sessions["sessions"].as_array().unwrap().iter().filter(|session| session["kind"] == "pc");
    assert_eq!(pcs.count(), 1);
    let told = server.notices(&phone).await;
    assert_eq!(told, [("login_confirmed".to_owned(), 1), ("logged_in".to_owned(), 1)]);
}

pub(crate) async fn refresh_64_times_at_once(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let before = server.log_pc_in(&phone).await;
    let answers = join_all((0..MANY).map(|_| refresh(&server, text(&before, "refresh_token")))).await;
    let bought = answers.iter().filter(|(http, _)| *http == StatusCode::OK).collect::<Vec<_>>();
    assert_eq!(bought.len(), 1);
    assert!(answers.iter().all(|(http, body)| *http == StatusCode::OK || body["error"] == "invalid_grant"));
    // Used twice, it has ended its session: nothing of it is left, and the owner knows.
    for tokens in [&before, &bought[0].1] {
        assert!(!is_good(&server, text(tokens, "access_token")).await);
        assert_eq!(refresh(&server, text(tokens, "refresh_token")).await.0, StatusCode::BAD_REQUEST);
    }
    let told = server.notices(&phone).await;
    assert_eq!(told.iter().filter(|(kind, _)| kind == "token_replayed").count(), 1, "{told:?}");
}

pub(crate) async fn confirm_while_logging_out(on: Backend) {
    for _ in 0..8 {
        let Scene { server, issued, phone, confirm_token } = Scene::set(on).await;
        let left = server.call(Method::DELETE, "/v1/phones/current", &phone, Value::Null);
        let confirms = join_all((0..8).map(|_| decide(&server, "confirm", &phone, &confirm_token)));
        let redeems = join_all((0..8).map(|_| server.redeem(&issued)));
        let (left, _, redeemed) = tokio::join!(left, confirms, redeems);
        assert_eq!(left.0, StatusCode::NO_CONTENT);
        // Whichever was first, nothing of it is left.
        for (_, tokens) in redeemed.iter().filter(|(http, _)| *http == StatusCode::OK) {
            assert!(!is_good(&server, text(tokens, "access_token")).await);
            assert_eq!(refresh(&server, text(tokens, "refresh_token")).await.0, StatusCode::BAD_REQUEST);
        }
        assert_ne!(server.redeem(&issued).await.0, StatusCode::OK);
    }
}
