//! A stolen secret without its key.
//!
//! Each theft takes one secret of a PC that proves a key: the thief has the secret and any key but the PC's.
//! Each is tried without a proof, with a proof of the thief's own key, and with the PC's own proofs for other
//! calls. Nothing comes of it, and nothing changes for the PC.

use std::sync::Arc;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::client::{ClientError, Redeemed, TransportChoice};
use shared::dpop::Key;
use shared::problem::{OauthCode, ProblemCode};
use shared::random::OsRandom;
use shared::secret::{PcToken, Token};

use crate::Backend;
use crate::confusion::client_secret;
use crate::holder::{
    Holder, ISSUE, LOGIN, TOKEN, confirm, redeem_fields, refresh_fields, revoke_fields, send_form, show,
};
use crate::scene::{is_good, refresh, text};
use crate::support::NOW;

/// Tries a token at a call of the API in every way that a thief can; each must be refused as a bad proof.
async fn try_at_api(owner: &Holder<'_>, method: &Method, path: &str, token: &str) {
    let server = owner.server;
    let thief = Holder::new(server);
    let elsewhere = owner.proof(method, "/v1/sessions", Some(token), None);
    let other_method = owner.proof(&Method::PUT, path, Some(token), None);
    let other_token = owner.proof(method, path, Some("pc_another"), None);
    let own = thief.proof(method, path, Some(token), None);
    for (what, scheme, proof) in [
        ("as a bearer token", "Bearer", None),
        ("as a bearer token beside a proof", "Bearer", Some(&own)),
        ("without a proof", "DPoP", None),
        ("with another key", "DPoP", Some(&own)),
        ("with a proof for another path", "DPoP", Some(&elsewhere)),
        ("with a proof for another method", "DPoP", Some(&other_method)),
        ("with a proof for another token", "DPoP", Some(&other_token)),
    ] {
        let shown = format!("{scheme} {token}");
        let response = show(server, method.clone(), path, &shown, proof.map(String::as_str)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{what}");
        let challenge = response.headers()["www-authenticate"].to_str().unwrap().to_owned();
        assert!(challenge.starts_with("DPoP "), "{what}: {challenge}");
        assert_eq!(response.json::<Value>().await.unwrap()["code"], "invalid_dpop_proof", "{what}");
    }
}

/// Tries a form in every way that a thief can.
async fn try_at_token(owner: &Holder<'_>, fields: &[(&str, &str)]) {
    let server = owner.server;
    let own = Holder::new(server).proof(&Method::POST, TOKEN, None, None);
    let elsewhere = owner.proof(&Method::POST, ISSUE, None, None);
    for (what, proof) in [
        ("without a proof", None),
        ("with another key", Some(own.as_str())),
        ("with a proof for another path", Some(elsewhere.as_str())),
        ("with garbage", Some("a.b.c")),
    ] {
        let (status, answer) = send_form(server, TOKEN, fields, proof).await;
        assert_eq!((status.as_u16(), text(&answer, "error")), (400, "invalid_dpop_proof"), "{what}");
    }
}

/// A device code, read off the PC's memory or a log: neither status, nor cancel, nor tokens.
pub(crate) async fn use_a_stolen_device_code(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let issued = owner.issue().await;
    let device = issued.device_code.expose();
    try_at_api(&owner, &Method::GET, LOGIN, device).await;
    try_at_api(&owner, &Method::DELETE, LOGIN, device).await;
    try_at_api(&owner, &Method::GET, "/v1/login/events", device).await;
    try_at_token(&owner, &redeem_fields(&issued)).await;
    confirm(&server, &phone, &issued).await;
    try_at_token(&owner, &redeem_fields(&issued)).await;
    let snapshot: Value = owner.call(Method::GET, LOGIN, device).await.json().await.unwrap();
    assert_eq!((&snapshot["status"], &snapshot["version"]), (&json!("confirmed"), &json!(3)));
    assert_eq!(owner.redeem(&issued).await.0, StatusCode::OK);
    // Not as a replay either, which would end the session.
    try_at_token(&owner, &redeem_fields(&issued)).await;
    assert!(!server.notices(&phone).await.iter().any(|(kind, _)| kind == "token_replayed"));
}

/// A PC token is worth nothing, and a try does not even count as its use.
pub(crate) async fn use_a_stolen_pc_token(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let (issued, tokens) = owner.log_in(&phone).await;
    try_at_api(&owner, &Method::GET, "/v1/me", text(&tokens, "access_token")).await;
    // Unused as it is, its redeem may still be repeated.
    let (status, again) = owner.redeem(&issued).await;
    assert_eq!(status, StatusCode::OK, "{again}");
    let response = owner.call(Method::GET, "/v1/me", text(&again, "access_token")).await;
    assert_eq!(response.status(), StatusCode::OK);
}

/// A refresh token, current or spent: no new tokens, and no end of the session.
pub(crate) async fn use_a_stolen_refresh_token(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let (_, tokens) = owner.log_in(&phone).await;
    let first = text(&tokens, "refresh_token");
    try_at_token(&owner, &refresh_fields(first)).await;
    let (status, renewed) = owner.refresh(first).await;
    assert_eq!((status, text(&renewed, "token_type")), (StatusCode::OK, "DPoP"), "{renewed}");
    try_at_token(&owner, &refresh_fields(first)).await;
    let response = owner.call(Method::GET, "/v1/me", text(&renewed, "access_token")).await;
    assert_eq!(response.status(), StatusCode::OK);
    // Twice by its own key is what it always was: a replay.
    assert_eq!(text(&owner.refresh(first).await.1, "error"), "invalid_grant");
    let response = owner.call(Method::GET, "/v1/me", text(&renewed, "access_token")).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

/// A first key may come with the redeem; from then on it is needed, for the login too.
pub(crate) async fn use_what_was_bound_at_the_redeem(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let issued = server.issue().await;
    confirm(&server, &phone, &issued).await;
    let (status, tokens) = owner.redeem(&issued).await;
    assert_eq!((status, text(&tokens, "token_type")), (StatusCode::OK, "DPoP"));
    try_at_api(&owner, &Method::GET, LOGIN, issued.device_code.expose()).await;
    try_at_token(&owner, &refresh_fields(text(&tokens, "refresh_token"))).await;
    try_at_api(&owner, &Method::GET, "/v1/me", text(&tokens, "access_token")).await;
    // Its answer was lost: with the same key, it is said again.
    let (status, again) = owner.redeem(&issued).await;
    assert_eq!((status, text(&again, "token_type")), (StatusCode::OK, "DPoP"));
    let response = owner.call(Method::GET, "/v1/me", text(&again, "access_token")).await;
    assert_eq!(response.status(), StatusCode::OK);
}

/// The device code of a PC that proves nothing, redeemed first, with a key of the thief's: the PC's own redeem is
/// still the second one, which ends the thief's session and tells the owner.
pub(crate) async fn hide_a_theft_behind_a_key_of_ones_own(on: Backend) {
    for owner_proves in [false, true] {
        let server = on.server().await;
        let (phone, thief) = (server.phone_token("alice").await, Holder::new(&server));
        let issued = server.issue().await;
        confirm(&server, &phone, &issued).await;
        let (status, stolen) = thief.redeem(&issued).await;
        assert_eq!(status, StatusCode::OK);
        let second = if owner_proves {
            Holder::new(&server).redeem(&issued).await
        } else {
            server.redeem(&issued).await
        };
        assert_eq!((second.0.as_u16(), text(&second.1, "error")), (400, "invalid_grant"));
        assert!(server.notices(&phone).await.contains(&("token_replayed".to_owned(), 1)));
        let response = thief.call(Method::GET, "/v1/me", text(&stolen, "access_token")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert_eq!(text(&thief.refresh(text(&stolen, "refresh_token")).await.1, "error"), "invalid_grant");
    }
}

/// A resource server is told which key a token needs.
pub(crate) async fn use_a_stolen_pc_token_at_a_resource_server(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let (_, tokens) = owner.log_in(&phone).await;
    let secret = client_secret(&server, "files").await;
    let request = server.request(Method::POST, "/oauth/introspect").basic_auth("files", Some(&secret));
    let response = request.form(&[("token", text(&tokens, "access_token"))]).send().await.unwrap();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(answer["token_type"], "DPoP");
    assert_eq!(answer["cnf"]["jkt"], owner.key.thumbprint().to_string());
}

/// To introspect a stolen token is no use of it, as long as its key may make a difference: the PC's redeem may still
/// be repeated.
pub(crate) async fn use_a_stolen_pc_token_up_at_a_resource_server(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let secret = client_secret(&server, "files").await;
    let introspect = async |tokens: &Value| {
        let request = server.request(Method::POST, "/oauth/introspect").basic_auth("files", Some(&secret));
        let response = request.form(&[("token", text(tokens, "access_token"))]).send().await.unwrap();
        assert_eq!(response.json::<Value>().await.unwrap()["active"], true);
    };
    let (issued, stolen) = owner.log_in(&phone).await;
    introspect(&stolen).await;
    let (status, tokens) = owner.redeem(&issued).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    // Later on it is how the owner sees that the PC is in use.
    server.advance_secs(600);
    introspect(&tokens).await;
    let (_, listed) = server.call(Method::GET, "/v1/sessions", &phone, Value::Null).await;
    let pc = listed["sessions"].as_array().unwrap().iter().find(|session| session["kind"] == "pc").unwrap();
    assert_ne!(pc["last_seen_at"], pc["created_at"]);
    // A token that needs no key is used by whoever shows it.
    let issued = server.issue().await;
    confirm(&server, &phone, &issued).await;
    introspect(&server.redeem(&issued).await.1).await;
    assert_eq!(text(&server.redeem(&issued).await.1, "error"), "invalid_grant");
}

/// Without its key a stolen token ends its session, and that is all it does.
pub(crate) async fn do_more_with_a_stolen_token_than_end_it(on: Backend) {
    for stolen in ["access_token", "refresh_token"] {
        let server = on.server().await;
        let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
        let (_, tokens) = owner.log_in(&phone).await;
        let (_, other) = owner.log_in(&phone).await;
        let revoked = send_form(&server, "/oauth/revoke", &revoke_fields(text(&tokens, stolen)), None).await;
        assert_eq!(revoked, (StatusCode::OK, Value::Null), "nothing comes of it");
        let me = async |tokens: &Value| {
            owner.call(Method::GET, "/v1/me", text(tokens, "access_token")).await.status()
        };
        assert_eq!((me(&tokens).await, me(&other).await), (StatusCode::UNAUTHORIZED, StatusCode::OK));
    }
}

/// A session of a PC that proved no key, as all were before there were keys. Whoever steals its refresh token can
/// use it, which is what keys are for; but not bind it to a key, which would lock its PC out and make the thief's
/// machine a known one.
pub(crate) async fn bind_a_stolen_session_to_ones_own_key(on: Backend) {
    let server = on.server().await;
    let (phone, thief) = (server.phone_token("alice").await, Holder::new(&server));
    let tokens = server.log_pc_in(&phone).await;
    let access = text(&tokens, "access_token");
    // A proof beside the token is no use of it in another way.
    let own = thief.proof(&Method::GET, "/v1/me", Some(access), None);
    let response = show(&server, Method::GET, "/v1/me", &format!("DPoP {access}"), Some(&own)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(response.json::<Value>().await.unwrap()["code"], "invalid_dpop_proof");
    let (status, stolen) = thief.refresh(text(&tokens, "refresh_token")).await;
    assert_eq!((status, text(&stolen, "token_type")), (StatusCode::OK, "Bearer"), "{stolen}");
    let secret = client_secret(&server, "files").await;
    let asks = server.request(Method::POST, "/oauth/introspect").basic_auth("files", Some(&secret));
    let told = asks.form(&[("token", text(&stolen, "access_token"))]).send().await.unwrap();
    let told: Value = told.json().await.unwrap();
    assert_eq!((&told["token_type"], &told["cnf"]), (&json!("Bearer"), &Value::Null), "{told}");
    // Its PC refreshes without a key, as ever: that the token comes twice ends the session for both.
    assert_eq!(text(&refresh(&server, text(&tokens, "refresh_token")).await.1, "error"), "invalid_grant");
    assert!(!is_good(&server, text(&stolen, "access_token")).await);
    let scan = json!({"scan_code": server.scan_code(&thief.issue().await)});
    let (_, scanned) = server.call(Method::POST, "/v1/scans", &phone, scan).await;
    assert_eq!(scanned["login"]["known_pc"], false);
}

/// The clients' own side: a session that was kept from before its PC had a key. The PC takes no tokens that are good
/// without the key, so it gives the session back and is scanned in anew.
pub(crate) async fn have_a_pc_that_has_a_key_by_now_go_on_without_it(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let kept = server.log_pc_in(&phone).await;
    let (access, refresh_token) = (text(&kept, "access_token"), text(&kept, "refresh_token"));
    assert_eq!(server.clock.now(), NOW.parse().unwrap());
    let pc = server.client().with_key(Arc::new(Key::generate(&OsRandom)), || NOW.parse().unwrap());
    let refused = pc.me(&Token::<PcToken>::parse(access).unwrap()).await.unwrap_err();
    assert!(
        matches!(&refused, ClientError::Problem(problem) if problem.code == ProblemCode::InvalidDpopProof)
    );
    // So far nothing has come of it.
    assert!(is_good(&server, access).await);
    let refused = pc.refresh("tests", &Token::parse(refresh_token).unwrap()).await.unwrap_err();
    assert_eq!(refused.oauth(), Some(OauthCode::InvalidGrant), "{refused}");
    let (_, sessions) = server.call(Method::GET, "/v1/sessions", &phone, Value::Null).await;
    assert_eq!(sessions["sessions"].as_array().unwrap().len(), 1, "the phone's own: {sessions}");
    assert!(!is_good(&server, access).await);
}

/// The clients' own side: a PC whose clock is a day off gets in, by the server's nonce, and its tokens are bound.
pub(crate) async fn have_a_pc_without_a_clock_take_tokens_that_are_good_without_its_key(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let long_ago = || jiff::Timestamp::UNIX_EPOCH;
    let pc = server.client().with_key(Arc::new(Key::generate(&OsRandom)), long_ago);
    let issued = pc.issue(&crate::support::pc()).await.unwrap();
    let mut feed = pc.follow(issued.device_code.clone(), TransportChoice::Auto);
    assert!(feed.next().await.is_some());
    confirm(&server, &phone, &issued).await;
    assert_eq!(pc.snapshot(&issued.device_code).await.unwrap().status.as_str(), "confirmed");
    let Redeemed::Tokens(tokens) = pc.redeem("tests", &issued.device_code, None).await.unwrap() else {
        panic!("no tokens");
    };
    assert_eq!(tokens.token_type, "DPoP");
    assert_eq!(pc.me(&tokens.access_token).await.unwrap().username.as_str(), "alice");
    let tokens = pc.refresh("tests", &tokens.refresh_token).await.unwrap();
    try_at_api(&Holder::new(&server), &Method::GET, "/v1/me", tokens.access_token.expose()).await;
}
