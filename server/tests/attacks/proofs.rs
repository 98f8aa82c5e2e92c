//! Proofs that are sent again, kept for later, or made up.

use reqwest::{Method, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use shared::api::DeviceAuthorization;
use shared::random::OsRandom;

use crate::Backend;
use crate::holder::{Holder, ISSUE, TOKEN, confirm, redeem_fields, refresh_fields, send_form, show};
use crate::scene::{change_password, text};
use crate::support::PASSWORD;

/// A proof that was seen once is used up, at each call that makes something.
pub(crate) async fn send_a_proof_again(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let proof = owner.proof(&Method::POST, ISSUE, None, None);
    let form = [("client_id", "tests")];
    assert_eq!(send_form(&server, ISSUE, &form, Some(&proof)).await.0, StatusCode::OK);
    let (status, answer) = send_form(&server, ISSUE, &form, Some(&proof)).await;
    assert_eq!((status.as_u16(), text(&answer, "error")), (400, "invalid_dpop_proof"));
    let issued = owner.issue().await;
    confirm(&server, &phone, &issued).await;
    let proof = owner.proof(&Method::POST, TOKEN, None, None);
    let (status, tokens) = send_form(&server, TOKEN, &redeem_fields(&issued), Some(&proof)).await;
    assert_eq!(status, StatusCode::OK);
    for fields in [redeem_fields(&issued), refresh_fields(text(&tokens, "refresh_token"))] {
        let (_, answer) = send_form(&server, TOKEN, &fields, Some(&proof)).await;
        assert_eq!(text(&answer, "error"), "invalid_dpop_proof");
    }
    // 64 at once: one is the first.
    let proof = owner.proof(&Method::POST, ISSUE, None, None);
    let calls = (0..64).map(|_| send_form(&server, ISSUE, &form, Some(&proof)));
    let answers = futures_util::future::join_all(calls).await;
    assert_eq!(answers.iter().filter(|(status, _)| *status == StatusCode::OK).count(), 1);
}

/// A proof of another time needs the server's nonce, which works for a while and only where it was made.
pub(crate) async fn send_a_proof_of_another_time(on: Backend) {
    let server = on.server().await;
    let owner = Holder::new(&server);
    let form = [("client_id", "tests")];
    let early = owner.proof(&Method::POST, ISSUE, None, None);
    server.advance_secs(61);
    let request = server.request(Method::POST, ISSUE).form(&form).header("DPoP", &early);
    let response = request.send().await.unwrap();
    let nonce = response.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    assert_eq!(text(&response.json().await.unwrap(), "error"), "use_dpop_nonce");
    // A clock that is off by a day is fine with the nonce.
    let (url, day) = (server.url.join(ISSUE), std::time::Duration::from_hours(24));
    let off =
        |nonce: &str| owner.key.prove(("POST", &url), None, Some(nonce), server.clock.now() - day, &OsRandom);
    assert_eq!(send_form(&server, ISSUE, &form, Some(&off(&nonce))).await.0, StatusCode::OK);
    let forged = format!("{}{}", &nonce[..nonce.len() - 1], if nonce.ends_with('A') { "Q" } else { "A" });
    for nonce in [forged.as_str(), "", "0.x"] {
        let (_, answer) = send_form(&server, ISSUE, &form, Some(&off(nonce))).await;
        assert_eq!(text(&answer, "error"), "use_dpop_nonce", "{nonce}");
    }
    server.advance_secs(121);
    let (_, answer) = send_form(&server, ISSUE, &form, Some(&off(&nonce))).await;
    assert_eq!(text(&answer, "error"), "use_dpop_nonce");
    // The API says so in its own words.
    let phone = server.phone_token("alice").await;
    let (_, tokens) = owner.log_in(&phone).await;
    let token = text(&tokens, "access_token");
    let early = owner.proof(&Method::GET, "/v1/me", Some(token), None);
    server.advance_secs(61);
    let response = show(&server, Method::GET, "/v1/me", &format!("DPoP {token}"), Some(&early)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(response.headers()["www-authenticate"].to_str().unwrap().contains("use_dpop_nonce"));
    let nonce = response.headers()["dpop-nonce"].to_str().unwrap();
    let proof = owner.proof(&Method::GET, "/v1/me", Some(token), Some(nonce));
    let response = show(&server, Method::GET, "/v1/me", &format!("DPoP {token}"), Some(&proof)).await;
    assert_eq!(response.status(), StatusCode::OK);
}

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

/// The other algorithm: a client with a key of P-256 is served, and its signatures are looked at.
pub(crate) async fn forge_a_signature_of_p256(on: Backend) {
    use data_encoding::BASE64URL_NOPAD as B64;
    let server = on.server().await;
    let random = SystemRandom::new();
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
    let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
    let point = pair.public_key().as_ref();
    let jwk =
        json!({"kty": "EC", "crv": "P-256", "x": B64.encode(&point[1..33]), "y": B64.encode(&point[33..])});
    let proof = |id: &str, break_it: bool| {
        let header = json!({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk}).to_string();
        let iat = server.clock.now().as_second();
        let claims = json!({"jti": id, "htm": "POST", "htu": server.url.join(ISSUE), "iat": iat}).to_string();
        let signed = format!("{}.{}", B64.encode(header.as_bytes()), B64.encode(claims.as_bytes()));
        let mut signature = pair.sign(&random, signed.as_bytes()).unwrap().as_ref().to_vec();
        signature[7] ^= u8::from(break_it);
        format!("{signed}.{}", B64.encode(&signature))
    };
    let form = [("client_id", "tests")];
    assert_eq!(send_form(&server, ISSUE, &form, Some(&proof("1", false))).await.0, StatusCode::OK);
    let (_, answer) = send_form(&server, ISSUE, &form, Some(&proof("2", true))).await;
    assert_eq!(text(&answer, "error"), "invalid_dpop_proof");
}
