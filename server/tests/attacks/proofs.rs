//! Proofs that are sent again, kept for later, or made up.

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use shared::api::GRANT_DEVICE_CODE;
use shared::dpop::Key;
use shared::problem::OTHER_ADDRESS;
use shared::random::OsRandom;

use crate::Backend;
use crate::holder::{Holder, ISSUE, TOKEN, confirm, redeem_fields, refresh_fields, send_form, show};
use crate::scene::text;
use crate::support::faulty::Fault;

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

/// Proofs that go with nothing, or with a poll, leave no trace: else they would fill the memory of used ones, and
/// keep everybody out who proves a key.
pub(crate) async fn fill_the_memory_of_used_proofs(on: Backend) {
    let (server, store) = on.server_watched(|_| {}).await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let (issued, tokens) = owner.log_in(&phone).await;
    let before = store.proofs_kept();
    assert_eq!(before, 2, "of the issue and the redeem");
    let (thief, pending) = (Holder::new(&server), server.issue().await);
    let (unknown_code, unknown_token) = (format!("dc_7K{:0>43}", 1), format!("rt_7K{:0>43}", 1));
    let mut redeem = redeem_fields(&issued);
    redeem[1].1 = &unknown_code;
    let forms = [
        redeem.to_vec(),
        refresh_fields(&unknown_token).to_vec(),
        // Another's, with a proof of the thief's own.
        redeem_fields(&issued).to_vec(),
        refresh_fields(text(&tokens, "refresh_token")).to_vec(),
        redeem_fields(&pending).to_vec(),
        vec![("grant_type", "password"), ("client_id", "tests")],
        vec![("grant_type", GRANT_DEVICE_CODE)],
        Vec::new(),
    ];
    let junk = futures_util::stream::iter(0..10_000).map(|n| thief.form(TOKEN, &forms[n % forms.len()]));
    let succeeded = junk.buffer_unordered(16).filter(|(status, _)| std::future::ready(status.is_success()));
    assert_eq!(succeeded.count().await, 0);
    // Nor does the PC itself for what it may not do.
    let mut wider = refresh_fields(text(&tokens, "refresh_token")).to_vec();
    wider.push(("scope", "admin"));
    assert_eq!(text(&owner.form(TOKEN, &wider).await.1, "error"), "invalid_scope");
    assert_eq!(store.proofs_kept(), before);
    // Nor do issues past their limit.
    let asked =
        futures_util::future::join_all((0..100).map(|_| thief.form(ISSUE, &[("client_id", "tests")]))).await;
    let issued = asked.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    assert_eq!(store.proofs_kept(), before + issued);
    assert!(issued < 60, "{issued}");
    // Were it full all the same, that is said at once, and not held as long as an absent store is: the clock of
    // that wait stands still here.
    store.set(Fault::FullOfProofs);
    let refresh = owner.refresh(text(&tokens, "refresh_token"));
    let (status, answer) = tokio::time::timeout(std::time::Duration::from_secs(10), refresh).await.unwrap();
    assert_eq!((status.as_u16(), text(&answer, "error")), (400, "slow_down"));
    server.advance_secs(60);
    let (status, answer) = owner.form(ISSUE, &[("client_id", "tests")]).await;
    assert_eq!((status.as_u16(), text(&answer, "error")), (503, "temporarily_unavailable"));
    // And costs nobody a session.
    store.set(Fault::None);
    assert_eq!(owner.refresh(text(&tokens, "refresh_token")).await.0, StatusCode::OK);
}

/// Of those who may not ask, or not so often, no signature is looked at.
pub(crate) async fn have_signatures_checked_for_nothing(on: Backend) {
    let bad = Some("a.b.c");
    let form = [("client_id", "tests")];
    let server = on.server_with(|settings| settings.issue_from = vec!["192.0.2.0/24".parse().unwrap()]).await;
    let (_, answer) = send_form(&server, ISSUE, &form, bad).await;
    assert_eq!(text(&answer, "error"), "access_denied");
    let server = on.server_with(|settings| settings.limits.issue.count = 2).await;
    for _ in 0..2 {
        assert_eq!(text(&send_form(&server, ISSUE, &form, bad).await.1, "error"), "invalid_dpop_proof");
    }
    assert_eq!(send_form(&server, ISSUE, &form, bad).await.0, StatusCode::TOO_MANY_REQUESTS);
    let (_, answer) =
        send_form(&server, TOKEN, &[("grant_type", "password"), ("client_id", "tests")], bad).await;
    assert_eq!(text(&answer, "error"), "unsupported_grant_type");
}

/// A PC that calls the server by another name is told so, and that nothing else is wrong: it need not take its
/// session for lost.
pub(crate) async fn have_a_pc_forget_its_session_by_another_name_of_the_server(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let (_, tokens) = owner.log_in(&phone).await;
    let token = text(&tokens, "access_token");
    let at = |key: &Key, method: &str, url: &str, token: Option<&str>| {
        key.prove((method, url), token, None, server.clock.now(), &OsRandom)
    };
    let alias = at(&owner.key, "GET", "https://alias.example/v1/me", Some(token));
    let response = show(&server, Method::GET, "/v1/me", &format!("DPoP {token}"), Some(&alias)).await;
    let answer: Value = response.json().await.unwrap();
    assert_eq!((text(&answer, "code"), text(&answer, "detail")), ("invalid_dpop_proof", OTHER_ADDRESS));
    let alias = at(&owner.key, "POST", "https://alias.example/oauth/token", None);
    let fields = refresh_fields(text(&tokens, "refresh_token"));
    let (_, answer) = send_form(&server, TOKEN, &fields, Some(&alias)).await;
    assert_eq!(
        (text(&answer, "error"), text(&answer, "error_description")),
        ("invalid_dpop_proof", OTHER_ADDRESS)
    );
    // Another path, another key or a broken proof is none of that.
    let elsewhere = at(&owner.key, "POST", "https://alias.example/oauth/revoke", None);
    let other_key = Holder::new(&server).proof(&Method::POST, TOKEN, None, None);
    for proof in [&elsewhere, &other_key, &alias[1..].to_owned()] {
        let (_, answer) = send_form(&server, TOKEN, &fields, Some(proof)).await;
        assert_ne!(text(&answer, "error_description"), OTHER_ADDRESS, "{answer}");
        assert_eq!(text(&answer, "error"), "invalid_dpop_proof");
    }
    assert_eq!(owner.refresh(text(&tokens, "refresh_token")).await.0, StatusCode::OK);
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
