//! Bad input gets a clear error, repeats nothing, changes nothing, and is never the server's fault.

use crate::support::Server;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

const CANARY: &str = "c4n4ry";

/// Every route with its methods, as the server itself describes them.
async fn routes(server: &Server) -> Vec<(Method, String)> {
    let document: Value =
        server.request(Method::GET, "/openapi.json").send().await.unwrap().json().await.unwrap();
    let paths = document["paths"].as_object().unwrap();
    let routes = paths.iter().flat_map(|(path, methods)| {
        methods
            .as_object()
            .unwrap()
            .keys()
            .map(move |method| (method.to_uppercase().parse().unwrap(), path.clone()))
    });
    routes.collect()
}

#[tokio::test]
async fn the_document_is_as_reviewed() {
    let document = server::http::openapi().to_pretty_json().unwrap();
    insta::assert_snapshot!(document);
}

#[tokio::test]
async fn nonsense_never_provokes_a_5xx_and_is_never_repeated() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let credentials = [None, Some(CANARY), Some(phone.as_str()), Some(issued.device_code.expose())];
    let deep = format!("{}{}", "[".repeat(8000), "]".repeat(8000));
    let bodies: [(&str, Vec<u8>); 9] = [
        ("application/json", b"".to_vec()),
        ("application/json", format!("{{\"{CANARY}\": ").into_bytes()),
        ("application/json", format!("\"{CANARY}\"").into_bytes()),
        ("application/json", json!({"username": CANARY, "password": CANARY, "scan_code": CANARY, "confirm_token": CANARY, "old": CANARY, "new": CANARY}).to_string().into_bytes()),
        ("application/json", deep.into_bytes()),
        ("application/json", vec![0xff; 100]),
        ("text/plain", CANARY.as_bytes().to_vec()),
        ("application/x-www-form-urlencoded", format!("client_id={CANARY}&grant_type={CANARY}&device_code={CANARY}&token={CANARY}&%ff=%00").into_bytes()),
        ("application/x-www-form-urlencoded", vec![b'&'; 16 * 1024]),
    ];
    for (method, path) in routes(&server).await {
        for credential in credentials {
            for (content_type, body) in &bodies {
                // These two are no nonsense: they log out, and cancel.
                if method == Method::DELETE && ["/v1/phones/current", "/v1/login"].contains(&path.as_str()) {
                    continue;
                }
                let path =
                    path.replace("{id}", CANARY).replace("{scan_code}", &format!("{CANARY}%22%3Cb%3E"));
                let mut request =
                    server.request(method.clone(), &format!("{path}?after={CANARY}&others={CANARY}"));
                if let Some(credential) = credential {
                    request = request.bearer_auth(credential);
                }
                let response = request
                    .header(header::CONTENT_TYPE, *content_type)
                    .body(body.clone())
                    .send()
                    .await
                    .unwrap();
                let status = response.status();
                assert!(status.as_u16() < 500, "{method} {path}: {status}");
                assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store", "{method} {path}");
                let content_type = response.headers().get(header::CONTENT_TYPE).cloned();
                let answer = response.text().await.unwrap();
                assert!(!answer.contains(CANARY), "{method} {path}: {answer}");
                if status.is_client_error() {
                    let problem: Value = serde_json::from_str(&answer).unwrap();
                    if path.starts_with("/oauth/") {
                        assert!(problem["error"].is_string(), "{method} {path}: {answer}");
                    } else {
                        assert_eq!(content_type.unwrap(), "application/problem+json", "{method} {path}");
                        let code = problem["code"].as_str().unwrap();
                        assert_eq!(problem["type"], format!("urn:saoma:{code}"));
                        assert_eq!(problem["status"], status.as_u16());
                    }
                }
            }
        }
    }
    // And nothing came of all that.
    assert_eq!(server.client().snapshot(&issued.device_code).await.unwrap().version, 1);
    assert!(server.notices(&phone).await.is_empty());
}

#[tokio::test]
async fn a_wrong_method_or_address_or_body_is_named() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let scans = || server.request(Method::POST, "/v1/scans").bearer_auth(&phone);
    for (request, status, code) in [
        (server.request(Method::GET, "/nowhere"), 404, "not_found"),
        (server.request(Method::PATCH, "/v1/me"), 405, "method_not_allowed"),
        (server.request(Method::GET, "/v1/scans"), 405, "method_not_allowed"),
        (scans().body("{}"), 415, "unsupported_media_type"),
        (scans().header(header::CONTENT_TYPE, "application/json").body("{"), 400, "bad_request"),
        (
            scans()
                .header(header::CONTENT_TYPE, "application/json")
                .body(b"{\"scan_code\":\"x\",\"\xff\":1}".to_vec()),
            400,
            "bad_request",
        ),
        (scans().json(&json!({"scan_code": "x".repeat(17 * 1024)})), 413, "payload_too_large"),
        (scans().json(&json!({"scan_code": null})), 422, "unprocessable"),
        (server.request(Method::GET, "/v1/notifications?after=x").bearer_auth(&phone), 400, "bad_request"),
        (server.request(Method::GET, "/v1/login/events").bearer_auth("x"), 401, "unauthenticated"),
        (server.request(Method::GET, "/v1/me"), 401, "unauthenticated"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(response.status().as_u16(), status, "{code}");
        if status == 405 {
            assert!(response.headers().contains_key(header::ALLOW));
        }
        if status == 401 {
            assert!(response.headers().contains_key(header::WWW_AUTHENTICATE));
        }
        assert_eq!(response.json::<Value>().await.unwrap()["code"], code);
    }
}

#[tokio::test]
async fn two_credentials_are_none() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let request = server.request(Method::GET, "/v1/me").bearer_auth(&phone).bearer_auth(&phone);
    assert_eq!(request.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_foreign_page_opens_no_socket() {
    let server = Server::start().await;
    let issued = server.issue().await;
    let upgrade = |origin: &str| {
        let request =
            server.request(Method::GET, "/v1/login/events").bearer_auth(issued.device_code.expose());
        let request = request.header("connection", "upgrade").header("upgrade", "websocket");
        let request = request
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        if origin.is_empty() { request.send() } else { request.header("origin", origin).send() }
    };
    for (origin, status) in
        [("https://evil.example", 403), ("null", 403), (server.url.as_str(), 101), ("", 101)]
    {
        assert_eq!(upgrade(origin).await.unwrap().status().as_u16(), status, "{origin}");
    }
}

#[tokio::test]
async fn pages_are_the_same_for_any_code_and_change_nothing() {
    let server = Server::start().await;
    let issued = server.issue().await;
    let good = server.scan_code(&issued);
    let bad = "0123456789ABCDEFGHJKMNPQRS";
    let get = async |method: Method, path: &str| {
        let response = server.request(method, path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        assert!(
            response.headers()[header::CONTENT_SECURITY_POLICY]
                .to_str()
                .unwrap()
                .contains("default-src 'none'")
        );
        response.text().await.unwrap()
    };
    let good_page = get(Method::GET, &format!("/Q/{good}")).await;
    assert_eq!(good_page.replace(&good, bad), get(Method::GET, &format!("/Q/{bad}")).await);
    assert!(good_page.contains("mobile-cli"));
    get(Method::HEAD, &format!("/Q/{good}")).await;
    assert!(!get(Method::GET, "/Q/%3Cscript%3E").await.contains("<script>"));
    assert!(get(Method::GET, "/D").await.contains("mobile-cli"));
    assert_eq!(server.client().snapshot(&issued.device_code).await.unwrap().version, 1);
}

/// Whoever was sent a code gets here first, with a browser: it must say what to do, whatever the code.
#[tokio::test]
async fn the_pages_say_when_to_deny() {
    let server = Server::start().await;
    let good = format!("/Q/{}", server.scan_code(&server.issue().await));
    for path in [good.as_str(), "/Q/0123456789ABCDEFGHJKMNPQRS", "/Q/nonsense", "/D"] {
        let page = server.request(Method::GET, path).send().await.unwrap().text().await.unwrap();
        let (_, warning) = page.split_once("<p class=\"warning\">").unwrap();
        let words = warning.split_whitespace().collect::<Vec<_>>().join(" ");
        let code = if path == "/D" { "type" } else { "scan" };
        assert!(page.contains("<html lang=\"en\">"));
        for said in [
            format!("Only {code} a code that you asked for yourself, on a screen in front of you."),
            "If a website or another person sent you this, close it, and deny if your phone asks:".to_owned(),
            "confirming would log <em>their</em> PC in as you.".to_owned(),
        ] {
            assert!(words.contains(&said), "{path}: {words}");
        }
    }
}

#[tokio::test]
async fn the_pages_are_in_the_language_that_is_asked_for() {
    let server = Server::start().await;
    for path in ["/Q/0123456789ABCDEFGHJKMNPQRS", "/Q/nonsense", "/D"] {
        for (wish, tag, says) in [
            ("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN", "如果是网站或他人发给您的，请关闭本页"),
            ("en-GB,zh;q=0.5", "en", "If a website or another person sent you this"),
            ("fr", "en", "If a website or another person sent you this"),
        ] {
            let request = server.request(Method::GET, path).header(header::ACCEPT_LANGUAGE, wish);
            let response = request.send().await.unwrap();
            let headers = response.headers().clone();
            assert_eq!(headers[header::CONTENT_LANGUAGE], tag, "{path} for {wish}");
            assert_eq!(headers[header::VARY], "accept-language");
            assert_eq!(headers[header::CACHE_CONTROL], "no-store");
            let page = response.text().await.unwrap();
            assert!(page.contains(&format!("<html lang=\"{tag}\">")) && page.contains(says), "{page}");
            let body = page.split_once("</style>").unwrap().1;
            assert!(
                body.contains("mobile-cli") && !body.contains('{'),
                "nothing is left to be filled in: {body}"
            );
        }
    }
    let missing =
        server.request(Method::GET, "/v1/nothing").header(header::ACCEPT_LANGUAGE, "zh").send().await;
    assert!(
        missing.unwrap().text().await.unwrap().contains("There is nothing here"),
        "programs read English"
    );
}

#[tokio::test]
async fn the_pictures_hold_exactly_the_link() {
    let server = Server::start().await;
    let issued = server.issue().await;
    let code = server.scan_code(&issued);
    let get = async |path: String| server.request(Method::GET, &path).send().await.unwrap();
    let png = get(format!("/Q/{code}.png")).await;
    assert_eq!(png.headers()[header::CONTENT_TYPE], "image/png");
    let picture = image::load_from_memory(&png.bytes().await.unwrap()).unwrap().to_luma8();
    let mut prepared = rqrr::PreparedImage::prepare(picture);
    let (_, text) = prepared.detect_grids()[0].decode().unwrap();
    assert_eq!(text, issued.verification_uri_complete);
    let svg = get(format!("/Q/{code}.svg")).await;
    assert_eq!(svg.headers()[header::CONTENT_TYPE], "image/svg+xml");
    assert!(svg.text().await.unwrap().contains("<svg"));
    assert_eq!(get("/Q/nonsense.png".to_owned()).await.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_slow_body_takes_no_room_from_others() {
    let server = Server::start_with(|settings| settings.max_in_hand = 1).await;
    let mut slow = tokio::net::TcpStream::connect(server.addr).await.unwrap();
    let head = "POST /v1/accounts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    for _ in 0..20 {
        server.issue().await;
    }
}

#[tokio::test]
async fn a_list_is_no_object() {
    let server = Server::start().await;
    let phone = server.phone_token("alice").await;
    let scan_code = server.scan_code(&server.issue().await);
    let (status, answer) = server.call(Method::POST, "/v1/scans", &phone, json!([scan_code])).await;
    assert_eq!((status, &answer["code"]), (StatusCode::UNPROCESSABLE_ENTITY, &json!("unprocessable")));
}

#[tokio::test]
async fn a_head_that_is_too_large_or_broken_costs_its_connection_alone() {
    let server = Server::start().await;
    for head in [
        format!("GET / HTTP/1.1\r\nx: {}\r\n\r\n", "x".repeat(20_000)),
        "\0\0\0\r\n\r\n".to_owned(),
        "GET / HTTP/9.9\r\n\r\n".to_owned(),
    ] {
        let mut stream = tokio::net::TcpStream::connect(server.addr).await.unwrap();
        let _ = stream.write_all(head.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    server.issue().await;
}
