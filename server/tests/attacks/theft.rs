//! A stolen secret without its key.
//!
//! Each theft takes one secret of a PC that proves a key: the thief has the secret and any key but the PC's.
//! Each is tried without a proof, with a proof of the thief's own key, and with the PC's own proofs for other
//! calls. Nothing comes of it, and nothing changes for the PC.

use reqwest::{Method, Response, StatusCode};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _};
use serde_json::{Value, json};
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN};
use shared::dpop::Key;
use shared::random::OsRandom;

use crate::Backend;
use crate::scene::{decide, text};
use crate::support::Server;

const TOKEN: &str = "/oauth/token";
const ISSUE: &str = "/oauth/device_authorization";
const LOGIN: &str = "/v1/login";

/// Somebody with a key, at a server.
struct Holder<'a> {
    server: &'a Server,
    key: Key,
}

impl<'a> Holder<'a> {
    fn new(server: &'a Server) -> Self {
        Self { server, key: Key::generate(&OsRandom) }
    }

    fn proof(&self, method: &Method, path: &str, token: Option<&str>, nonce: Option<&str>) -> String {
        let (url, now) = (self.server.url.join(path), self.server.clock.now());
        self.key.prove((method.as_str(), &url), token, nonce, now, &OsRandom)
    }

    async fn form(&self, path: &str, fields: &[(&str, &str)]) -> (StatusCode, Value) {
        send_form(self.server, path, fields, Some(&self.proof(&Method::POST, path, None, None))).await
    }

    async fn issue(&self) -> DeviceAuthorization {
        let (status, issued) = self.form(ISSUE, &[("client_id", "tests"), ("device_name", "desk")]).await;
        assert_eq!(status, StatusCode::OK, "{issued}");
        serde_json::from_value(issued).unwrap()
    }

    async fn redeem(&self, issued: &DeviceAuthorization) -> (StatusCode, Value) {
        self.form(TOKEN, &redeem_fields(issued)).await
    }

    async fn refresh(&self, token: &str) -> (StatusCode, Value) {
        self.form(TOKEN, &refresh_fields(token)).await
    }

    async fn call(&self, method: Method, path: &str, token: &str) -> Response {
        let proof = self.proof(&method, path, Some(token), None);
        show(self.server, method, path, &format!("DPoP {token}"), Some(&proof)).await
    }

    /// A whole login of this PC for a phone; answers its tokens.
    async fn log_in(&self, phone: &str) -> (DeviceAuthorization, Value) {
        let issued = self.issue().await;
        confirm(self.server, phone, &issued).await;
        let (status, tokens) = self.redeem(&issued).await;
        assert_eq!((status, text(&tokens, "token_type")), (StatusCode::OK, "DPoP"), "{tokens}");
        (issued, tokens)
    }
}

fn redeem_fields(issued: &DeviceAuthorization) -> [(&str, &str); 3] {
    [("grant_type", GRANT_DEVICE_CODE), ("device_code", issued.device_code.expose()), ("client_id", "tests")]
}

fn refresh_fields(token: &str) -> [(&str, &str); 3] {
    [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", token), ("client_id", "tests")]
}

fn revoke_fields(token: &str) -> [(&str, &str); 2] {
    [("token", token), ("client_id", "tests")]
}

async fn send_form(
    server: &Server,
    path: &str,
    fields: &[(&str, &str)],
    proof: Option<&str>,
) -> (StatusCode, Value) {
    let mut request = server.request(Method::POST, path).form(fields);
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    let response = request.send().await.unwrap();
    // A revocation has nothing to say.
    (response.status(), response.json().await.unwrap_or_default())
}

async fn show(server: &Server, method: Method, path: &str, shown: &str, proof: Option<&str>) -> Response {
    let mut request = server.request(method, path).header("authorization", shown);
    if let Some(proof) = proof {
        request = request.header("DPoP", proof);
    }
    request.send().await.unwrap()
}

async fn confirm(server: &Server, phone: &str, issued: &DeviceAuthorization) {
    let confirm_token = server.scan(phone, issued).await;
    assert_eq!(decide(server, "confirm", phone, &confirm_token).await.0, 200);
}

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

/// Proofs that go with nothing, or with a poll, leave no trace: else they would fill the memory of used ones, and
/// keep everybody out who proves a key.
pub(crate) async fn fill_the_memory_of_used_proofs(on: Backend) {
    use crate::support::faulty::{Fault, Faulty};
    use futures_util::StreamExt as _;

    let mut watched = None;
    let watch = |clock| {
        watched.insert(Faulty::over((on.0)(clock))).clone() as std::sync::Arc<dyn server::store::Store>
    };
    let server = Server::start_over(watch, |_| {}).await;
    let store = watched.unwrap();
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
    let forged = nonce.replace(|c: char| c == nonce.chars().last().unwrap(), "A");
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
    let changed =
        crate::scene::change_password(&server, &alice, crate::support::PASSWORD, "another one").await;
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

/// A resource server is told which key a token needs.
pub(crate) async fn use_a_stolen_pc_token_at_a_resource_server(on: Backend) {
    let server = on.server().await;
    let (phone, owner) = (server.phone_token("alice").await, Holder::new(&server));
    let (_, tokens) = owner.log_in(&phone).await;
    let secret = crate::confusion::client_secret(&server, "files").await;
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
    let secret = crate::confusion::client_secret(&server, "files").await;
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

/// A PC that calls the server by another name is told so, and that nothing else is wrong: it need not take its
/// session for lost.
pub(crate) async fn have_a_pc_forget_its_session_by_another_name_of_the_server(on: Backend) {
    use shared::problem::OTHER_ADDRESS;

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

/// The clients' own side: a PC whose clock is a day off gets in, by the server's nonce, and its tokens are bound.
pub(crate) async fn have_a_pc_without_a_clock_take_tokens_that_are_good_without_its_key(on: Backend) {
    use shared::client::{Redeemed, TransportChoice};

    let server = on.server().await;
    let phone = server.phone_token("alice").await;
    let long_ago = || jiff::Timestamp::UNIX_EPOCH;
    let pc = server.client().with_key(std::sync::Arc::new(Key::generate(&OsRandom)), long_ago);
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
