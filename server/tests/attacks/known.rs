//! A PC that the phone calls known, and is not, or is no longer.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shared::api::DeviceAuthorization;

use crate::Backend;
use crate::holder::{Holder, ISSUE, revoke_fields, send_form};
use crate::scene::{change_password, text};
use crate::support::PASSWORD;

/// A PC is known by a key that it has proved, to the account that it logged in to, until the password changes.
pub(crate) async fn pass_as_a_known_pc(on: Backend) {
    let server = on.server().await;
    let (alice, bob) = (server.phone_token("alice").await, server.phone_token("bob").await);
    let (owner, thief) = (Holder::new(&server), Holder::new(&server));
    let seen = async |phone: &str, issued: &DeviceAuthorization| {
        let body = json!({"scan_code": server.scan_code(issued)});
        let (_, scanned) = server.call(Method::POST, "/v1/scans", phone, body).await;
        (scanned["login"]["known_pc"].clone(), scanned["login"]["last_seen_at"].is_string())
    };
    assert_eq!(seen(&alice, &owner.issue().await).await, (json!(false), false));
    owner.log_in(&alice).await;
    assert_eq!(seen(&alice, &owner.issue().await).await, (json!(true), true));
    // Another account, another key, or no key at all.
    assert_eq!(seen(&bob, &owner.issue().await).await, (json!(false), false));
    assert_eq!(seen(&alice, &thief.issue().await).await, (json!(false), false));
    assert_eq!(seen(&alice, &server.issue().await).await, (Value::Null, false));
    // A proof is needed, not the knowledge of a key.
    let proof = thief.proof(&Method::POST, ISSUE, None, None);
    let stolen = owner.proof(&Method::POST, ISSUE, None, None);
    let (ours, theirs) = (stolen.split('.').next().unwrap(), proof.split_once('.').unwrap().1);
    let forged = format!("{ours}.{theirs}");
    let (_, answer) = send_form(&server, ISSUE, &[("client_id", "tests")], Some(&forged)).await;
    assert_eq!(text(&answer, "error"), "invalid_dpop_proof");
    let changed = change_password(&server, &alice, PASSWORD, "another one").await;
    assert_eq!(changed, StatusCode::NO_CONTENT);
    assert_eq!(seen(&alice, &owner.issue().await).await, (json!(false), false));
}

/// A PC that was put out is known no longer, however that was; one that logged out by itself still is.
pub(crate) async fn pass_as_a_known_pc_once_put_out(on: Backend) {
    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let known = async |pc: &Holder<'_>, report: bool| {
        let issued = pc.issue().await;
        let body = json!({"scan_code": server.scan_code(&issued)});
        let (_, scanned) = server.call(Method::POST, "/v1/scans", &phone, body).await;
        let body = json!({"confirm_token": scanned["confirm_token"], "report": report});
        assert_eq!(server.call(Method::POST, "/v1/scans/deny", &phone, body).await.0, StatusCode::OK);
        scanned["login"]["known_pc"] == true
    };
    let end = async |path: &str| {
        assert_eq!(server.call(Method::DELETE, path, &phone, Value::Null).await.0, StatusCode::NO_CONTENT);
    };
    let log_in = async |pc: &Holder<'_>| {
        let (issued, tokens) = pc.log_in(&phone).await;
        assert!(known(pc, false).await, "a denial alone changes nothing");
        (issued, tokens)
    };
    let session_of = async |pc: &Holder<'_>, tokens: &Value| -> String {
        let me: Value =
            pc.call(Method::GET, "/v1/me", text(tokens, "access_token")).await.json().await.unwrap();
        text(&me, "session_id").to_owned()
    };
    let (pc, friend) = (Holder::new(&server), Holder::new(&server));
    friend.log_in(&phone).await;

    let (_, tokens) = log_in(&pc).await;
    end(&format!("/v1/sessions/{}", session_of(&pc, &tokens).await)).await;
    assert!(!known(&pc, false).await, "its owner ended it");

    let (issued, tokens) = log_in(&pc).await;
    session_of(&pc, &tokens).await;
    assert_eq!(text(&pc.redeem(&issued).await.1, "error"), "invalid_grant");
    assert!(!known(&pc, false).await, "its device code was replayed");

    let (_, tokens) = log_in(&pc).await;
    let spent = text(&tokens, "refresh_token");
    assert_eq!(pc.refresh(spent).await.0, StatusCode::OK);
    assert_eq!(text(&pc.refresh(spent).await.1, "error"), "invalid_grant");
    assert!(!known(&pc, false).await, "its refresh token was replayed");

    log_in(&pc).await;
    assert!(known(&pc, true).await);
    assert!(!known(&pc, false).await, "it was reported");

    // A phone in other hands, and what it let in.
    let other = server.log_in("alice").await;
    pc.log_in(&other).await;
    let (_, me) = server.call(Method::GET, "/v1/me", &other, Value::Null).await;
    end(&format!("/v1/sessions/{}", text(&me, "session_id"))).await;
    assert!(!known(&pc, false).await, "the phone that let it in was ended");

    let (_, tokens) = log_in(&pc).await;
    let (status, _) = pc.form("/oauth/revoke", &revoke_fields(text(&tokens, "refresh_token"))).await;
    assert_eq!(status, StatusCode::OK);
    assert!(known(&pc, false).await, "it logged out");
    assert!(known(&friend, false).await, "and another PC is another PC");
    let (_, tokens) = log_in(&pc).await;
    session_of(&pc, &tokens).await;
    end("/v1/sessions?others=true").await;
    assert!(!known(&pc, false).await && !known(&friend, false).await, "its owner ended them all");
}
