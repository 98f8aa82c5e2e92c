//! The admin plane: alive, ready, and what is measured; and that it is nobody's way in, or in anybody's way.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode, header};
use serde_json::{Value, json};
use server::store::Store;
use shared::api::{DeviceAuthorization, GRANT_DEVICE_CODE};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::support::faulty::{Fault, Faulty};
use crate::support::monitor::{Metrics, Monitor};
use crate::support::program::Program;
use crate::support::{PASSWORD, Server};

async fn start() -> (Server, Arc<Faulty>) {
    let mut faulty = None;
    let wrap = |store| faulty.insert(Faulty::over(store)).clone() as Arc<dyn Store>;
    let server = Server::start_on(wrap, |_| {}).await;
    (server, faulty.unwrap())
}

async fn decide(server: &Server, what: &str, phone: &str, confirm_token: &str) {
    let body = json!({"confirm_token": confirm_token});
    let (status, _) = server.call(Method::POST, &format!("/v1/scans/{what}"), phone, body).await;
    assert_eq!(status, StatusCode::OK);
}

/// A redeem on its way, which the server holds while its store is away.
fn redeem_in_hand(server: &Server, issued: &DeviceAuthorization) -> tokio::task::JoinHandle<StatusCode> {
    let device_code = issued.device_code.expose();
    let fields = [("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "tests")];
    let request = server.request(Method::POST, "/oauth/token").form(&fields).send();
    tokio::spawn(async move { request.await.unwrap().status() })
}

/// Moves the held clock on until the server lets go of what it holds.
async fn let_go(server: &Server, held: tokio::task::JoinHandle<StatusCode>) -> StatusCode {
    while !held.is_finished() {
        server.clock.advance(Duration::from_millis(250));
        tokio::task::yield_now().await;
    }
    held.await.unwrap()
}

#[tokio::test]
async fn each_plane_has_its_own_addresses_and_no_others() {
    let server = Server::start().await;
    let monitor = server.monitor().await;
    for (path, text, kind) in [
        ("/healthz", Some("ok"), "text/plain; charset=utf-8"),
        ("/readyz", Some("ready"), "text/plain; charset=utf-8"),
        ("/metrics", None, "application/openmetrics-text; version=1.0.0; charset=utf-8"),
    ] {
        let answer = monitor.request(Method::GET, path).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK, "{path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], kind);
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        let said = answer.text().await.unwrap();
        assert!(text.is_none_or(|text| text == said) && !said.is_empty(), "{said}");
        let head = monitor.request(Method::HEAD, path).send().await.unwrap();
        assert_eq!((head.status(), head.text().await.unwrap().as_str()), (StatusCode::OK, ""));
        let elsewhere = server.request(Method::GET, path).send().await.unwrap();
        assert_eq!(elsewhere.status(), StatusCode::NOT_FOUND, "{path}");
        assert_eq!(elsewhere.headers()[header::CONTENT_TYPE], "application/problem+json");
    }
    let phone = server.phone_token("alice").await;
    for (method, path) in [
        (Method::GET, "/"),
        (Method::GET, "/v1/me"),
        (Method::GET, "/v1/sessions"),
        (Method::GET, "/openapi.json"),
        (Method::GET, "/D"),
        (Method::GET, "/metrics/"),
        (Method::GET, "//metrics"),
        (Method::POST, "/metrics"),
        (Method::POST, "/oauth/device_authorization"),
        (Method::DELETE, "/healthz"),
    ] {
        let answer = monitor.request(method.clone(), path).bearer_auth(&phone).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{method} {path}");
        assert_eq!(answer.headers()[header::CONTENT_TYPE], "text/plain; charset=utf-8");
        assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
        assert_eq!(answer.text().await.unwrap(), "not found");
    }
}

#[tokio::test]
async fn it_is_ready_only_while_its_store_answers_which_a_crowd_asks_once() {
    let (server, faulty) = start().await;
    let monitor = server.monitor().await;
    let pings = r#"saoma_store_call_seconds_count{call="ping",outcome="ok"}"#;
    let crowd = futures_util::future::join_all((0..50).map(|_| monitor.get("/readyz"))).await;
    assert!(crowd.iter().all(|(status, _)| *status == 200), "{crowd:?}");
    assert_eq!(monitor.metrics().await.count(pings), 1);

    for fault in [Fault::Away, Fault::Silent] {
        faulty.set(fault);
        server.advance_secs(1);
        assert_eq!(monitor.get("/readyz").await, (503, "the store is away".to_owned()), "{fault:?}");
        // It is alive all the same: to start it anew would help nobody.
        assert_eq!(monitor.get("/healthz").await.0, 200);
        faulty.set(Fault::None);
        server.advance_secs(1);
        assert_eq!(monitor.get("/readyz").await, (200, "ready".to_owned()));
    }
    let metrics = monitor.metrics().await;
    assert_eq!(metrics.count(pings), 3);
    for outcome in ["failed", "abandoned"] {
        let series = format!(r#"saoma_store_call_seconds_count{{call="ping",outcome="{outcome}"}}"#);
        assert_eq!(metrics.count(&series), 1, "{outcome}");
    }
}

#[tokio::test]
async fn it_is_not_ready_while_it_finishes_what_is_in_hand() {
    let (mut server, faulty) = start().await;
    let monitor = server.monitor().await;
    let issued = server.issue().await;
    assert_eq!(monitor.get("/readyz").await.0, 200);
    faulty.set(Fault::Away);
    let held = redeem_in_hand(&server, &issued);
    monitor.until("saoma_requests_in_hand", 1).await;
    faulty.set(Fault::None);

    server.begin_stop();
    let told = async {
        while monitor.get("/readyz").await != (503, "stopping".to_owned()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), told).await.unwrap();
    assert_eq!(monitor.get("/healthz").await.0, 200);
    // The request is not answered yet, and it will be.
    assert!(!held.is_finished());
    assert_eq!(let_go(&server, held).await, StatusCode::BAD_REQUEST);
    server.stop().await;
    assert_eq!(monitor.get("/readyz").await, (503, "stopping".to_owned()));
}

#[tokio::test]
async fn what_becomes_of_logins_is_counted() {
    let server = Server::start_with(|settings| settings.limits.open.total = 1).await;
    let monitor = server.monitor().await;
    let phone = server.phone_token("alice").await;
    let mut before = monitor.metrics().await;
    let mut risen = async || {
        let now = monitor.metrics().await;
        let risen = (now.risen(&before, "saoma_logins_total"), now.risen(&before, "saoma_transitions_total"));
        before = now;
        risen
    };
    let counts =
        |labels: &[&str]| labels.iter().map(|label| ((*label).to_owned(), 1)).collect::<Vec<(String, u64)>>();

    server.log_pc_in(&phone).await;
    assert_eq!(risen().await, (counts(&["issued", "logged_in"]), counts(&["confirm", "redeem", "scan"])));

    let issued = server.issue().await;
    let first = server.scan(&phone, &issued).await;
    // Scanned again by the same phone: that is repaired, and no transition.
    let confirm_token = server.scan(&phone, &issued).await;
    assert_ne!(first, confirm_token);
    decide(&server, "deny", &phone, &confirm_token).await;
    assert_eq!(risen().await, (counts(&["denied", "issued"]), counts(&["deny", "scan"])));

    let issued = server.issue().await;
    server.client().cancel(&issued.device_code).await.unwrap();
    assert_eq!(risen().await, (counts(&["cancelled", "issued"]), counts(&["cancel"])));

    let issued = server.issue().await;
    server.advance_secs(121);
    assert_eq!(server.client().snapshot(&issued.device_code).await.unwrap().status.as_str(), "expired");
    assert_eq!(risen().await, (counts(&["expired", "issued"]), counts(&["expire"])));

    server.issue().await;
    // There is room for one.
    let issued = server.issue().await;
    let (logins, transitions) = risen().await;
    assert_eq!(logins, [("expired".to_owned(), 1), ("issued".to_owned(), 2)]);
    assert_eq!(transitions, counts(&["evict"]));

    server.scan(&phone, &issued).await;
    server.call(Method::DELETE, "/v1/phones/current", &phone, Value::Null).await;
    assert_eq!(risen().await, (counts(&["denied"]), counts(&["phone_ended", "scan"])));
}

#[tokio::test]
async fn a_login_that_three_wrong_digits_denied_is_counted_as_that() {
    let server = Server::start_with(|settings| settings.requires_check_code = true).await;
    let monitor = server.monitor().await;
    let phone = server.phone_token("alice").await;
    let fields = [("client_id", "tests"), ("check_code", "1")];
    let issued = server.form("/oauth/device_authorization", &fields).await;
    let issued: DeviceAuthorization = issued.json().await.unwrap();
    let confirm_token = server.scan(&phone, &issued).await;
    decide(&server, "confirm", &phone, &confirm_token).await;
    let before = monitor.metrics().await;
    for _ in 0..3 {
        let device_code = issued.device_code.expose();
        let redeem =
            [("grant_type", GRANT_DEVICE_CODE), ("device_code", device_code), ("client_id", "tests")];
        let wrong = [&redeem[..], &[("check_code", "no digits")]].concat();
        assert_eq!(server.form("/oauth/token", &wrong).await.status(), StatusCode::BAD_REQUEST);
    }
    let after = monitor.metrics().await;
    assert_eq!(after.risen(&before, "saoma_transitions_total"), [("check_failed".to_owned(), 1)]);
    assert_eq!(after.risen(&before, "saoma_logins_total"), [("denied".to_owned(), 1)]);
}

/// The series of one metric for the PC's and for the phone's feed, over both transports.
fn of_feeds(metric: &str) -> [String; 4] {
    [
        ("login", "websocket"),
        ("login", "long_poll"),
        ("notifications", "websocket"),
        ("notifications", "long_poll"),
    ]
    .map(|(feed, transport)| format!(r#"{metric}{{feed="{feed}",transport="{transport}"}}"#))
}

#[tokio::test]
async fn who_waits_is_counted_and_what_they_are_sent_is_timed() {
    let server = Server::start().await;
    let monitor = server.monitor().await;
    let phone = server.phone_token("alice").await;
    let issued = server.issue().await;
    let poll = |path: &str, token: &str| {
        let request = server.request(Method::GET, path).bearer_auth(token).header("prefer", "wait=55");
        tokio::spawn(request.header(header::IF_NONE_MATCH, "\"1\"").send())
    };
    let mut login_socket = server.socket("/v1/login/events", issued.device_code.expose()).await;
    let login_poll = poll("/v1/login", issued.device_code.expose());
    let mut notice_socket = server.socket("/v1/notifications/events", &phone).await;
    let notice_poll = poll("/v1/notifications", &phone);
    for waiters in of_feeds("saoma_waiters") {
        monitor.until(&waiters, 1).await;
    }
    // The snapshot that a socket begins with is there without waiting: no push.
    login_socket.next().await.unwrap().unwrap();
    for pushes in of_feeds("saoma_push_seconds_count") {
        assert_eq!(monitor.metrics().await.count(&pushes), 0, "{pushes}");
    }

    let confirm_token = server.scan(&phone, &issued).await;
    assert_eq!(login_poll.await.unwrap().unwrap().status(), StatusCode::OK);
    decide(&server, "confirm", &phone, &confirm_token).await;
    assert_eq!(notice_poll.await.unwrap().unwrap().status(), StatusCode::OK);
    let [by_socket, by_poll, notice_by_socket, notice_by_poll] = of_feeds("saoma_push_seconds_count");
    // A socket may skip what was over before it could be sent; it was not, if its frames say so.
    let mut frames = Vec::new();
    while !frames.iter().any(|frame: &String| frame.contains("confirmed")) {
        frames.push(login_socket.next().await.unwrap().unwrap().into_text().unwrap().to_string());
    }
    let sent = frames.len() as u64;
    for (series, count) in [(by_socket, sent), (by_poll, 1), (notice_by_socket, 1), (notice_by_poll, 1)] {
        monitor.until(&series, count).await;
    }
    notice_socket.next().await.unwrap().unwrap();
    drop((login_socket, notice_socket));
    for waiters in of_feeds("saoma_waiters") {
        monitor.until(&waiters, 0).await;
    }
}

#[tokio::test]
async fn open_connections_and_requests_in_hand_are_counted() {
    let (server, faulty) = start().await;
    let monitor = server.monitor().await;
    assert_eq!(monitor.metrics().await.count("saoma_connections"), 0);
    let mut connections = Vec::new();
    for _ in 0..3 {
        connections.push(TcpStream::connect(server.addr).await.unwrap());
    }
    monitor.until("saoma_connections", 3).await;
    drop(connections);
    monitor.until("saoma_connections", 0).await;

    let issued = server.issue().await;
    monitor.until("saoma_requests_in_hand", 0).await;
    faulty.set(Fault::Away);
    let held = redeem_in_hand(&server, &issued);
    monitor.until("saoma_requests_in_hand", 1).await;
    let_go(&server, held).await;
    monitor.until("saoma_requests_in_hand", 0).await;
}

#[tokio::test]
async fn what_a_limit_refuses_is_counted() {
    let mut faulty = None;
    let wrap = |store| faulty.insert(Faulty::over(store)).clone() as Arc<dyn Store>;
    let set = |settings: &mut server::Settings| {
        settings.limits.issue.count = 3;
        settings.limits.open.per_address = 2;
        settings.max_in_hand = 1;
    };
    let server = Server::start_on(wrap, set).await;
    let faulty = faulty.unwrap();
    let monitor = server.monitor().await;
    let phone = server.phone_token("alice").await;
    let before = monitor.metrics().await;
    let issue = async || server.form("/oauth/device_authorization", &[("client_id", "tests")]).await;
    let issued: DeviceAuthorization = issue().await.json().await.unwrap();
    assert_eq!(issue().await.status(), StatusCode::OK);
    // Two are open; then three were asked for within the minute.
    assert_eq!(issue().await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(issue().await.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(server.redeem(&issued).await.1["error"], "authorization_pending");
    assert_eq!(server.redeem(&issued).await.1["error"], "slow_down");
    let large = json!({"scan_code": "X".repeat(20_000)});
    assert_eq!(server.call(Method::POST, "/v1/scans", &phone, large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    for _ in 0..6 {
        server.call(Method::POST, "/v1/scans", &phone, json!({"user_code": "BBBB-BBBB"})).await;
        let body = json!({"username": "alice", "password": "not this one"});
        server.call(Method::POST, "/v1/phones", "", body).await;
    }
    server.advance_secs(2);
    faulty.set(Fault::Away);
    let held = redeem_in_hand(&server, &issued);
    monitor.until("saoma_requests_in_hand", 1).await;
    let refused = server.request(Method::GET, "/D").send().await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    let_go(&server, held).await;
    let limits = ["body", "in-hand", "issue", "open", "password", "poll", "user-code"];
    let expected: Vec<_> = limits.map(|limit| (limit.to_owned(), 1)).into();
    assert_eq!(monitor.metrics().await.risen(&before, "saoma_refused_total"), expected);
}

/// All that somebody might send whom nobody wants.
async fn attack(server: &Server, name: &str, address: &str) -> Vec<String> {
    let from = |request: reqwest::RequestBuilder| request.header("x-forwarded-for", address);
    let post = |path: &str, token: &str, body: Value| {
        from(server.request(Method::POST, path)).bearer_auth(token).json(&body).send()
    };
    let account = json!({"username": name, "password": PASSWORD, "device_name": format!("{name}'s device")});
    post("/v1/accounts", "", account.clone()).await.unwrap();
    let logged_in: Value = post("/v1/phones", "", account).await.unwrap().json().await.unwrap();
    let text = |answer: &Value, member: &str| answer[member].as_str().unwrap().to_owned();
    let phone = text(&logged_in, "phone_token");
    let form = [("client_id", name), ("device_name", name), ("scope", name)];
    let issued = from(server.request(Method::POST, "/oauth/device_authorization")).form(&form).send().await;
    let issued: DeviceAuthorization = issued.unwrap().json().await.unwrap();
    let (device_code, scan_code) = (issued.device_code.expose().to_owned(), server.scan_code(&issued));
    let confirm_token = server.scan(&phone, &issued).await;
    for (path, token, body) in [
        ("/v1/scans", phone.as_str(), json!({"user_code": "BBBB-BBBB"})),
        ("/v1/scans", phone.as_str(), json!({"scan_code": scan_code.to_lowercase()})),
        ("/v1/scans/confirm", device_code.as_str(), json!({"confirm_token": phone})),
        ("/v1/scans/confirm", phone.as_str(), json!({"confirm_token": {"x": name}})),
        ("/v1/phones", name, json!({"username": name, "password": format!("{name}'s guess")})),
        ("/v1/phones", name, json!({"username": format!("{name}-nobody"), "password": name})),
        ("/v1/scans/confirm", phone.as_str(), json!({"confirm_token": confirm_token})),
    ] {
        post(path, token, body).await.unwrap();
    }
    let redeem = [("grant_type", GRANT_DEVICE_CODE), ("device_code", &device_code), ("client_id", name)];
    let tokens = from(server.request(Method::POST, "/oauth/token")).form(&redeem).send().await.unwrap();
    let tokens: Value = tokens.json().await.unwrap();
    // A replay, which ends the session; and addresses and methods that there are none of.
    server.request(Method::GET, "/v1/me").bearer_auth(text(&tokens, "access_token")).send().await.unwrap();
    from(server.request(Method::POST, "/oauth/token")).form(&redeem).send().await.unwrap();
    let path = format!("/v1/{name}/{scan_code}?{name}={device_code}");
    from(server.request(Method::from_bytes(b"BREW").unwrap(), &path)).send().await.unwrap();
    let me = server.call(Method::GET, "/v1/me", &phone, Value::Null).await.1;
    vec![
        name.to_owned(),
        address.to_owned(),
        phone,
        device_code,
        scan_code,
        issued.user_code.dashed(),
        confirm_token,
        text(&tokens, "access_token"),
        text(&tokens, "refresh_token"),
        text(&me, "id"),
        text(&me, "session_id"),
        PASSWORD.to_owned(),
    ]
}

#[tokio::test]
async fn whoever_does_what_there_is_nothing_of_theirs_in_it_and_no_more_of_it() {
    let server = Server::start_with(|settings| {
        settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
    });
    let server = server.await;
    let monitor = server.monitor().await;
    let mut theirs = attack(&server, "mallory-0", "192.0.2.10").await;
    monitor.get("/readyz").await;
    // The admin plane itself is asked for things, too.
    monitor.request(Method::GET, "/mallory-0?metrics=mallory-0").send().await.unwrap();
    let names = |metrics: &Metrics| metrics.series.keys().cloned().collect::<BTreeSet<_>>();
    let first = monitor.metrics().await;
    for n in 1..20 {
        theirs.extend(attack(&server, &format!("mallory-{n}"), &format!("192.0.2.{}", 10 + n)).await);
    }
    let last = monitor.metrics().await;
    assert!(last.count(r#"saoma_logins_total{outcome="logged_in"}"#) >= 20, "{}", last.text);
    let more: Vec<_> = names(&last).difference(&names(&first)).cloned().collect();
    assert!(more.is_empty(), "{more:?}");
    assert!(last.series.len() < 1000, "{}", last.series.len());
    theirs.extend(["127.0.0.1".to_owned(), "mallory".to_owned()]);
    for of_theirs in theirs {
        assert!(!last.text.contains(&of_theirs), "{of_theirs}");
    }
    // And whatever labels there are hold words of the program, or a bucket's bound.
    for series in names(&last) {
        for label in series.split_once('{').map_or("", |(_, labels)| labels).split("\",") {
            let (name, value) = label.trim_end_matches("\"}").split_once("=\"").unwrap_or(("", ""));
            let is_word = value.bytes().all(|c| c.is_ascii_lowercase() || matches!(c, b'_' | b'-'));
            let is_number = value.parse::<f64>().is_ok();
            let is_version = name == "version" && value == env!("CARGO_PKG_VERSION");
            assert!(is_word || (name == "le" && is_number) || is_version, "{series}");
        }
    }
}

#[tokio::test]
async fn whoever_fills_it_keeps_nobody_from_logging_in_and_has_it_for_a_short_while() {
    let server = Server::start().await;
    let monitor = server.monitor().await;
    let mut silent = Vec::new();
    for _ in 0..80 {
        silent.push(TcpStream::connect(monitor.addr).await.unwrap());
    }
    let phone = server.phone_token("alice").await;
    server.log_pc_in(&phone).await;
    // No connection is let go by its own end, so this is answered because the server had enough of them.
    let answered = tokio::time::timeout(Duration::from_mins(2), monitor.get("/healthz")).await;
    assert_eq!(answered.unwrap().0, 200);
    drop(silent);
}

#[tokio::test]
async fn junk_is_refused_and_a_connection_carries_one_request() {
    let server = Server::start().await;
    let monitor = server.monitor().await;
    let large = format!("GET /healthz HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(64 * 1024));
    let twice = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n".repeat(2);
    for (sent, begins, answers) in [
        (twice.as_str(), "HTTP/1.1 200", 1),
        ("\0\x01\x02 nothing\r\n\r\n", "HTTP/1.1 400", 1),
        (large.as_str(), "HTTP/1.1 431", 1),
        ("OPTIONS * HTTP/1.1\r\nhost: x\r\n\r\n", "HTTP/1.1 404", 1),
    ] {
        let mut stream = TcpStream::connect(monitor.addr).await.unwrap();
        // It may be cut while this is being sent.
        let _ = stream.write_all(sent.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with(begins), "{answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), answers, "{answer}");
    }
    assert_eq!(monitor.get("/healthz").await, (200, "ok".to_owned()));
    server.issue().await;
}

/// The names of metrics in an expression.
fn names_in(expr: &str) -> impl Iterator<Item = &str> {
    expr.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
        .filter(|word| word.starts_with("saoma_") || word.starts_with("process_"))
}

#[tokio::test]
async fn the_dashboard_shows_what_there_is_all_of_it_and_nothing_else() {
    let server = Server::start().await;
    let monitor = server.monitor().await;
    let phone = server.phone_token("alice").await;
    server.log_pc_in(&phone).await;
    let metrics = monitor.metrics().await;
    let samples: BTreeSet<_> =
        metrics.series.keys().map(|series| series.split('{').next().unwrap()).collect();

    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/grafana-dashboard.json");
    let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    let variables = dashboard["templating"]["list"].as_array().unwrap();
    assert!(
        variables.iter().any(|variable| variable["type"] == "datasource" && variable["name"] == "datasource")
    );
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let mut shown = BTreeSet::new();
    for panel in panels {
        assert_ne!(panel["title"].as_str().unwrap(), "");
        for target in panel["targets"].as_array().unwrap() {
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            let expr = target["expr"].as_str().unwrap();
            assert!(names_in(expr).next().is_some(), "{expr}");
            shown.extend(names_in(expr));
        }
    }
    let unknown: Vec<_> = shown.iter().filter(|name| !samples.contains(*name)).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let types = metrics.text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let mut kinds = 0;
    for (metric, kind) in types.map(|line| line.split_once(' ').unwrap()) {
        let sample = match kind {
            "counter" => format!("{metric}_total"),
            "histogram" => format!("{metric}_bucket"),
            "info" => format!("{metric}_info"),
            _ => metric.to_owned(),
        };
        assert!(shown.contains(sample.as_str()), "no panel shows {sample}");
        kinds += 1;
    }
    assert!(kinds >= 10, "{}", metrics.text);
}

/// Where the admin plane of a program listens, by its log.
fn admin_addr(log: &std::path::Path) -> std::net::SocketAddr {
    let mut lines = BufReader::new(File::open(log).unwrap()).lines().map(Result::unwrap);
    let line = lines.find(|line| line.contains("the admin plane listens on")).unwrap();
    let addr = line.split("http://").nth(1).unwrap();
    addr.split(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ':')).next().unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_has_it_only_when_asked_and_says_where_in_its_log() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("saoma.db");
    for format in ["human", "json"] {
        let log = directory.path().join(format);
        let more = ["--admin-listen", "127.0.0.1:0", "--log", format];
        let mut program =
            Program::start_logging(&database, "127.0.0.1:0", &more, File::create(&log).unwrap());
        let monitor = Monitor { addr: admin_addr(&log), http: crate::support::http() };
        assert_eq!(monitor.get("/readyz").await, (200, "ready".to_owned()));
        let version = format!(r#"saoma_build_info{{version="{}"}}"#, env!("CARGO_PKG_VERSION"));
        assert_eq!(monitor.metrics().await.count(&version), 1);
        assert_eq!(monitor.http.get(program.url.join("/metrics")).send().await.unwrap().status(), 404);
        let mut stdout = program.child.stdout.take().unwrap();
        assert_eq!(program.terminate(), Some(0));
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut stdout, &mut rest).unwrap();
        assert_eq!(rest, "");
        assert!(monitor.request(Method::GET, "/healthz").send().await.is_err());
    }
    let log = directory.path().join("without");
    let program = Program::start_logging(&database, "127.0.0.1:0", &[], File::create(&log).unwrap());
    drop(program);
    assert!(!std::fs::read_to_string(&log).unwrap().contains("admin plane"));
}
