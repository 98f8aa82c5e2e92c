//! Answers that take longer than they say.
//!
//! Time itself is not measured here. What makes it is: what an answer waits for, which is what its request asks of
//! the store, in order.

use std::time::Duration;

use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};
use shared::api::{GRANT_DEVICE_CODE, GRANT_REFRESH_TOKEN, NoticeKind};
use shared::id::SessionId;
use shared::name::Username;
use shared::random::OsRandom;

use super::{resource_server, type_code};
use crate::Backend;
use crate::scene::{self, decide, seen, text};
use crate::support::PASSWORD;
use crate::support::faulty::Fault;

/// The calls but those that note a session's use: that is written down once a minute, whatever is asked for.
fn but_seen(calls: Vec<&str>) -> Vec<&str> {
    calls.into_iter().filter(|call| *call != "seen").collect()
}

/// What a wrong code costs is the same look-ups, whatever is wrong with it.
pub(crate) async fn learn_by_the_work_which_typed_codes_exist(on: Backend) {
    let (server, store) = on
        .server_watched(|settings| {
            settings.limits.user_code.count = 100;
            settings.limits.user_code_per_ip.count = 100;
        })
        .await;
    let (alice, mallory) = (server.phone("alice").await, server.phone_token("mallory").await);
    let another = server.log_in("alice").await;
    let [scanned, confirmed, logged_in, denied, cancelled, expired] = [
        server.issue().await,
        server.issue().await,
        server.issue().await,
        server.issue().await,
        server.issue().await,
        server.issue().await,
    ];
    for (issued, what) in [(&confirmed, "confirm"), (&logged_in, "confirm"), (&denied, "deny")] {
        let token = server.scan(&another, issued).await;
        assert_eq!(decide(&server, what, &another, &token).await.0, 200);
    }
    server.scan(&another, &scanned).await;
    assert_eq!(server.redeem(&logged_in).await.0, StatusCode::OK);
    server.client().cancel(&cancelled.device_code).await.unwrap();
    let cost = async |code: &str| {
        store.forget_calls();
        let answer = type_code(&server, &mallory, code).await;
        (answer, but_seen(store.calls_from("phone")))
    };
    let expected = cost("BBBB-BBBB").await;
    assert_eq!(expected.0.status, StatusCode::NOT_FOUND);
    assert_eq!(expected.1, ["phone", "take", "take", "find"]);
    for (what, issued) in [
        ("another's scan", &scanned),
        ("confirmed", &confirmed),
        ("logged in", &logged_in),
        ("denied", &denied),
        ("cancelled", &cancelled),
    ] {
        assert_eq!(cost(&issued.user_code.dashed()).await, expected, "{what}");
    }
    // What the owner is told, she is told behind the answer.
    let mut read = 0;
    loop {
        let told = alice.notifications(read, Some(Duration::from_secs(55))).await.unwrap().notifications;
        if told.iter().any(|notice| notice.kind == NoticeKind::SecondScanRefused) {
            break;
        }
        read = told.last().map_or(read, |notice| notice.id);
    }
    // Nobody has looked since it ran out, so nobody has written that down.
    server.advance_secs(120);
    assert_eq!(cost(&expired.user_code.dashed()).await, expected, "expired");
}

/// A request with a secret, and what it asks the store first.
type Ask<'a> = (&'static str, Box<dyn Fn(&str) -> RequestBuilder + 'a>);

/// What was good once looks and costs like what never was, wherever it is shown. And a store is asked for secrets by
/// their digests only, its interface takes nothing else: what is found can't be felt for, character by character.
pub(crate) async fn learn_by_the_work_what_was_good_once(on: Backend) {
    const NINETY_DAYS: u64 = 90 * 24 * 3600;
    let (server, store) = on.server_watched(|settings| settings.limits.scan.count = 100).await;
    // So that there is something to be found of all that is over.
    store.set(Fault::Hoards);
    let secret = resource_server(&server).await;
    let pc_of = async |phone: &str| {
        let tokens = server.log_pc_in(phone).await;
        ["access_token", "refresh_token"].map(|name| text(&tokens, name).to_owned())
    };
    // Over by time, first all of it and then the access token alone.
    let idle = server.phone_token("alice").await;
    let [old_access, old_refresh] = pc_of(&idle).await;
    server.advance_secs(NINETY_DAYS);
    let alice = server.log_in("alice").await;
    let [late_access, _] = pc_of(&alice).await;
    server.advance_secs(3600);
    // Over by somebody's will.
    let [revoked_access, revoked_refresh] = pc_of(&alice).await;
    server.form("/oauth/revoke", &[("token", &revoked_access), ("client_id", "tests")]).await;
    let left = server.log_in("alice").await;
    let [left_access, left_refresh] = pc_of(&left).await;
    server.call(Method::DELETE, "/v1/phones/current", &left, Value::Null).await;
    let bob = server.phone_token("bob").await;
    let [closed_access, closed_refresh] = pc_of(&bob).await;
    assert!(server.store.set_enabled(&Username::parse("bob").unwrap(), false).await.unwrap());
    // And a login that ended five minutes ago.
    let forgotten = server.issue().await;
    let confirm_token = server.scan(&alice, &forgotten).await;
    assert_eq!(decide(&server, "deny", &alice, &confirm_token).await.0, 200);
    server.advance_secs(300);

    let never = |like: &str| format!("{}{}", &like[..5], "A".repeat(43));
    let api = |method: Method, path: &'static str| -> Box<dyn Fn(&str) -> RequestBuilder + '_> {
        let server = &server;
        Box::new(move |token| server.request(method.clone(), path).bearer_auth(token))
    };
    let form = |path: &'static str,
                field: &'static str,
                grant: &'static str|
     -> Box<dyn Fn(&str) -> RequestBuilder + '_> {
        let (server, secret) = (&server, &secret);
        Box::new(move |token| {
            let request = server.request(Method::POST, path);
            if path == "/oauth/introspect" {
                return request.basic_auth("files", Some(secret)).form(&[(field, token)]);
            }
            request.form(&[("client_id", "tests"), ("grant_type", grant), (field, token)])
        })
    };
    let scan = |path: &'static str, member: &'static str| -> Box<dyn Fn(&str) -> RequestBuilder + '_> {
        let (server, alice) = (&server, &alice);
        Box::new(move |code| {
            server.request(Method::POST, path).bearer_auth(alice).json(&json!({ member: code }))
        })
    };
    let phones = [idle.as_str(), &left, &bob];
    let access = [&*old_access, &late_access, &revoked_access, &left_access, &closed_access];
    let refresh = [&*old_refresh, &revoked_refresh, &left_refresh, &closed_refresh];
    let device = forgotten.device_code.expose();
    let scan_code = server.scan_code(&forgotten);
    let cases: Vec<(Ask<'_>, Vec<&str>, String)> = vec![
        (("phone", api(Method::GET, "/v1/me")), phones.to_vec(), never(&idle)),
        (("phone", api(Method::GET, "/v1/sessions")), phones.to_vec(), never(&idle)),
        (("phone", api(Method::DELETE, "/v1/phones/current")), phones.to_vec(), never(&idle)),
        (("pc", api(Method::GET, "/v1/me")), access.to_vec(), never(&old_access)),
        (("client", form("/oauth/introspect", "token", "")), access.to_vec(), never(&old_access)),
        (("pc", form("/oauth/revoke", "token", "")), access.to_vec(), never(&old_access)),
        (
            ("refresh_token", form("/oauth/token", "refresh_token", "refresh_token")),
            refresh.to_vec(),
            never(&old_refresh),
        ),
        (("refresh_token", form("/oauth/revoke", "token", "")), refresh.to_vec(), never(&old_refresh)),
        (("find", api(Method::GET, "/v1/login")), vec![device], never(device)),
        (("find", api(Method::DELETE, "/v1/login")), vec![device], never(device)),
        (("find", form("/oauth/token", "device_code", GRANT_DEVICE_CODE)), vec![device], never(device)),
        (("phone", scan("/v1/scans/confirm", "confirm_token")), vec![&confirm_token], never(&confirm_token)),
        (("phone", scan("/v1/scans", "scan_code")), vec![&scan_code], "0".repeat(26)),
    ];
    for ((first, ask), once, never) in &cases {
        let cost = async |secret: &str| {
            store.forget_calls();
            let answer = seen(ask(secret)).await;
            (answer, but_seen(store.calls_from(first)))
        };
        let expected = cost(never).await;
        for secret in once {
            assert_eq!(cost(secret).await, expected, "{secret}");
        }
    }
    // Another client's refresh token is none, at the same price, and so it stays good.
    let tokens = server.log_pc_in(&alice).await;
    let cost = async |token: &str| {
        let fields =
            [("grant_type", GRANT_REFRESH_TOKEN), ("refresh_token", token), ("client_id", "mallory")];
        store.forget_calls();
        let answer = seen(server.request(Method::POST, "/oauth/token").form(&fields)).await;
        (answer, store.calls_from("refresh_token"))
    };
    let theirs = text(&tokens, "refresh_token");
    assert_eq!(cost(theirs).await, cost(&never(theirs)).await);
    assert_eq!(scene::refresh(&server, theirs).await.0, StatusCode::OK);
}

/// Names and ids that are no secrets: whose account, which resource server, whose session. (What a password costs
/// beside the look-up is one hash, real or not.)
pub(crate) async fn learn_by_the_work_which_names_and_ids_exist(on: Backend) {
    let (server, store) = on.server_watched(|settings| settings.limits.password.count = 50).await;
    let secret = resource_server(&server).await;
    let (alice, bob) = (server.phone("alice").await, server.phone_token("bob").await);
    let theirs = alice.me().await.unwrap().session_id.to_string();
    let never = SessionId::generate(server.clock.now(), &OsRandom).to_string();
    server.phone_token("carol").await;
    assert!(server.store.set_enabled(&Username::parse("carol").unwrap(), false).await.unwrap());
    let cost = async |request: RequestBuilder, first: &str| {
        store.forget_calls();
        let answer = seen(request).await;
        (answer, store.calls_from(first))
    };
    let log_in = async |username: &str, password: &str| {
        let body = json!({"username": username, "password": password});
        cost(server.request(Method::POST, "/v1/phones").json(&body), "take").await
    };
    let expected = log_in("nobody", PASSWORD).await;
    assert_eq!(expected.1, ["take", "take", "take", "account"]);
    for (username, password) in
        [("nobody", "wrong"), ("alice", "wrong"), ("carol", PASSWORD), ("carol", "wrong")]
    {
        assert_eq!(log_in(username, password).await, expected, "{username}");
    }
    let introspect = async |name: &str, secret: &str| {
        let request = server.request(Method::POST, "/oauth/introspect").basic_auth(name, Some(secret));
        cost(request.form(&[("token", "x")]), "client").await
    };
    let wrong = format!("{}{}", &secret[..5], "A".repeat(43));
    assert_eq!(introspect("files", &wrong).await, introspect("nobody", &secret).await);
    let end = async |id: &str| {
        let request = server.request(Method::DELETE, &format!("/v1/sessions/{id}"));
        cost(request.bearer_auth(&bob), "phone").await
    };
    assert_eq!(end(&theirs).await, end(&never).await);
    alice.me().await.unwrap();
}
