//! A client with a key: what it proves, when it says it again, and which tokens it takes.

use std::collections::HashSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::HeaderMap;
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE, HeaderName, WWW_AUTHENTICATE};
use axum::response::Response;
use jiff::Timestamp;

use super::canned::{Answer, Canned, token};
use super::network::{Ask, Fate, HASTE, Network, device_code, next};
use crate::client::{Client, ClientError, IssueRequest, News, Redeemed, Transport, TransportChoice};
use crate::dpop::{Key, NONCE_HEADER, Proof};
use crate::problem::OauthCode;
use crate::random::OsRandom;
use crate::secret::{DeviceCode, PcToken, RefreshToken};

const NOW: i64 = 1_800_000_000;
const NONCE: HeaderName = HeaderName::from_static(NONCE_HEADER);

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn keyed(client: &Client) -> (Client, Arc<Key>) {
    let key = Arc::new(Key::generate(&OsRandom));
    (client.clone().with_key(Arc::clone(&key), now), key)
}

/// The one proof of a request.
fn proof(headers: &HeaderMap) -> Proof {
    let proofs: Vec<_> = headers.get_all("dpop").iter().collect();
    let [text] = proofs[..] else { panic!("{} proofs", proofs.len()) };
    Proof::read(text.to_str().unwrap()).unwrap()
}

fn nonces(server: &Canned) -> Vec<Option<String>> {
    server.heads().iter().map(|head| proof(&head.headers).nonce).collect()
}

fn wants_nonce(nonce: &'static str) -> Answer {
    Answer::json(400, r#"{"error": "use_dpop_nonce"}"#).with(NONCE, nonce)
}

fn tokens(kind: &str) -> Answer {
    let (access, refresh) = (token::<PcToken>(), token::<RefreshToken>());
    Answer::json(
        200,
        format!(
            r#"{{"access_token": "{}", "token_type": "{kind}", "expires_in": 3600, "refresh_token": "{}"}}"#,
            access.expose(),
            refresh.expose()
        ),
    )
}

#[tokio::test]
async fn each_request_proves_the_key_for_itself_alone() {
    let server = Canned::new(Answer::new(503)).await;
    let (client, key) = keyed(&server.client);
    let (code, access) = (token::<DeviceCode>(), token::<PcToken>());
    client.issue(&IssueRequest::default()).await.unwrap_err();
    client.redeem("pc-tui", &code, None).await.unwrap_err();
    client.refresh("pc-tui", &token()).await.unwrap_err();
    client.revoke("pc-tui", "pc_00anything").await.unwrap_err();
    client.snapshot(&code).await.unwrap_err();
    client.cancel(&code).await.unwrap_err();
    client.me(&access).await.unwrap_err();
    let expected = [
        ("POST", "/oauth/device_authorization", None),
        ("POST", "/oauth/token", None),
        ("POST", "/oauth/token", None),
        ("POST", "/oauth/revoke", None),
        ("GET", "/v1/login", Some(code.expose())),
        ("DELETE", "/v1/login", Some(code.expose())),
        ("GET", "/v1/me", Some(access.expose())),
    ];
    let heads = server.heads();
    assert_eq!(heads.len(), expected.len());
    let mut ids = HashSet::new();
    for (head, (method, path, token)) in heads.iter().zip(expected) {
        let proof = proof(&head.headers);
        assert_eq!((head.method.as_str(), head.uri.path()), (method, path));
        assert_eq!(proof.is_for(method, &server.client.server().join(path)), Ok(()), "{method} {path}");
        assert_eq!((proof.key, proof.issued_at, proof.nonce.as_deref()), (key.thumbprint(), NOW, None));
        let authorization = head.headers.get(AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(authorization, token.map(|token| format!("DPoP {token}")));
        if let Some(token) = token {
            assert_eq!(proof.is_with(token, true), Ok(()), "{method} {path}");
        }
        assert!(ids.insert(proof.id), "{method} {path}");
    }
}

#[tokio::test]
async fn each_way_of_a_feed_proves_the_key_too() {
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        let network = Network::start(|_, _| Fate::Pass).await;
        let (client, key) = keyed(&network.client(HASTE));
        let code = device_code();
        let mut feed = client.follow(code.clone(), TransportChoice::Only(transport));
        assert!(matches!(next(&mut feed).await, Some(News::Snapshot { .. })));
        let (_, headers, path) = network.seen().remove(0);
        let proof = proof(&headers);
        assert_eq!(headers[AUTHORIZATION], format!("DPoP {}", code.expose()));
        assert_eq!(proof.is_for("GET", &network.url.join(&path)), Ok(()), "{transport}");
        assert_eq!((proof.is_with(code.expose(), true), proof.key), (Ok(()), key.thumbprint()));
    }
}

#[tokio::test]
async fn without_a_key_nothing_is_proven_and_any_token_taken() {
    let server = Canned::new(tokens("Bearer")).await;
    let client = &server.client;
    client.redeem("pc-tui", &token(), None).await.unwrap();
    client.refresh("pc-tui", &token()).await.unwrap();
    client.me(&token()).await.unwrap_err();
    let heads = server.heads();
    assert_eq!(heads.len(), 3);
    assert!(heads.iter().all(|head| !head.headers.contains_key("dpop")));
    assert!(heads[2].headers[AUTHORIZATION].to_str().unwrap().starts_with("Bearer pc_"));
    // Nor does it take a hint to say it again.
    let server = Canned::new(wants_nonce("n")).await;
    server.client.refresh("pc-tui", &token()).await.unwrap_err();
    assert_eq!(server.heads().len(), 1);
}

#[tokio::test]
async fn a_nonce_that_is_asked_for_is_given_at_once_and_from_then_on() {
    let server = Canned::with(|before| if before == 0 { wants_nonce("n1") } else { tokens("DPoP") }).await;
    let (client, _) = keyed(&server.client);
    let redeemed = client.redeem("pc-tui", &token(), None).await.unwrap();
    assert!(matches!(redeemed, Redeemed::Tokens(_)));
    client.refresh("pc-tui", &token()).await.unwrap();
    assert_eq!(nonces(&server), [None, Some("n1".to_owned()), Some("n1".to_owned())]);
    let asked = server.asked();
    let asked: Vec<_> = asked.split("\n\n").collect();
    assert_eq!(asked[0], asked[1], "the whole of it, with its body");
    assert!(asked[1].contains("device_code=dc_"), "{asked:?}");
    let ids: HashSet<_> = server.heads().iter().map(|head| proof(&head.headers).id).collect();
    assert_eq!(ids.len(), 3);
}

#[tokio::test]
async fn it_is_given_once_however_often_it_is_asked_for() {
    let server = Canned::with(|before| wants_nonce(["n1", "n2", "n3", "n4"][before])).await;
    let (client, _) = keyed(&server.client);
    let error = client.refresh("pc-tui", &token()).await.unwrap_err();
    assert_eq!(error.oauth(), Some(OauthCode::UseDpopNonce));
    assert_eq!(nonces(&server), [None, Some("n1".to_owned())]);
    // The next call begins with the latest.
    client.refresh("pc-tui", &token()).await.unwrap_err();
    assert_eq!(nonces(&server)[2..], [Some("n2".to_owned()), Some("n3".to_owned())]);
    // To be asked for what the proof had is no reason to say it again.
    let server = Canned::new(wants_nonce("n")).await;
    let (client, _) = keyed(&server.client);
    for requests in [2, 3] {
        client.refresh("pc-tui", &token()).await.unwrap_err();
        assert_eq!(server.heads().len(), requests);
    }
}

#[tokio::test]
async fn a_challenge_asks_for_it_as_well() {
    let challenge = r#"DPoP error="use_dpop_nonce", algs="ES256 EdDSA""#;
    let server = Canned::new(Answer::new(401).with(WWW_AUTHENTICATE, challenge).with(NONCE, "n")).await;
    let (client, _) = keyed(&server.client);
    client.me(&token()).await.unwrap_err();
    assert_eq!(nonces(&server), [None, Some("n".to_owned())]);

    let network = Network::start(move |_, before| {
        let answer = Response::builder().status(401).header(WWW_AUTHENTICATE, challenge).header(NONCE, "n");
        if before == 0 { Fate::Answer(answer.body(Body::empty()).unwrap()) } else { Fate::Pass }
    })
    .await;
    let (client, _) = keyed(&network.client(HASTE));
    let mut feed = client.follow(device_code(), TransportChoice::Auto);
    let news = next(&mut feed).await;
    assert!(matches!(news, Some(News::Snapshot { transport: Transport::WebSocket, .. })), "{news:?}");
    assert_eq!(network.asked(), [Ask::Socket, Ask::Socket]);
    assert_eq!(proof(&network.seen()[1].1).nonce.as_deref(), Some("n"));
}

/// A wrong check code counts: to say it again would count twice.
#[tokio::test]
async fn no_other_refusal_is_repeated_whatever_nonce_comes_with_it() {
    let pending = r#"{"error": "authorization_pending", "status": "confirmed", "tries_left": 2}"#;
    let problem = r#"{"type": "urn:saoma:unauthenticated", "title": "No.", "status": 401,
                      "code": "unauthenticated"}"#;
    let refusals = [
        Answer::json(400, pending),
        Answer::new(401).with(CONTENT_TYPE, "application/problem+json").saying(problem),
        Answer::new(401).with(WWW_AUTHENTICATE, r#"Basic realm="use_dpop_nonce""#),
        Answer::new(503),
    ];
    for answer in refusals {
        let server = Canned::new(answer.clone().with(NONCE, "n")).await;
        let (client, _) = keyed(&server.client);
        let told = format!("{:?}", client.redeem("pc-tui", &token(), None).await);
        let bare = Canned::new(answer).await;
        let expected = format!("{:?}", bare.client.redeem("pc-tui", &token(), None).await);
        let at = |server: &Canned| server.client.server().to_string();
        assert_eq!(told.replace(&at(&server), "it"), expected.replace(&at(&bare), "it"));
        assert_eq!(server.heads().len(), 1, "{told}");
        client.me(&token()).await.unwrap_err();
        assert_eq!(nonces(&server), [None, Some("n".to_owned())], "but it is remembered");
    }
}

#[tokio::test]
async fn tokens_that_are_good_without_the_key_are_given_back() {
    for kind in ["Bearer", "bearer", "", "DPoPx"] {
        let server = Canned::new(tokens(kind)).await;
        let (client, _) = keyed(&server.client);
        let error = client.redeem("pc-tui", &token(), None).await.unwrap_err();
        assert!(matches!(error, ClientError::Unexpected(_)), "{error:?}");
        assert!(error.to_string().contains("tokens that are good without this PC's key"), "{error}");
        let error = client.refresh("pc-tui", &token()).await.unwrap_err();
        assert_eq!(error.oauth(), Some(OauthCode::InvalidGrant), "that session is over");
        let paths: Vec<_> = server.heads().iter().map(|head| head.uri.path().to_owned()).collect();
        assert_eq!(paths, ["/oauth/token", "/oauth/revoke", "/oauth/token", "/oauth/revoke"]);
    }
    for kind in ["DPoP", "dpop"] {
        let server = Canned::new(tokens(kind)).await;
        let (client, _) = keyed(&server.client);
        client.redeem("pc-tui", &token(), None).await.unwrap();
        client.refresh("pc-tui", &token()).await.unwrap();
    }
}

#[tokio::test]
async fn neither_key_nor_proof_is_shown() {
    let server = Canned::new(Answer::new(503)).await;
    let (client, key) = keyed(&server.client);
    let error = client.me(&token()).await.unwrap_err();
    let head = server.heads().remove(0);
    let shown = format!("{client:?} {error} {error:?}");
    assert!(!shown.contains(key.expose().as_str()));
    assert!(!shown.contains(head.headers["dpop"].to_str().unwrap()));
}
