//! More than anybody needs.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use reqwest::{Method, StatusCode};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};

use crate::Backend;
use crate::scene::{said, status};
use crate::support::Server;
use crate::support::program::Program;

/// How many logins one address asks for, and many of them.
const FROM_ONE: usize = 100_000;
const FROM_MANY: usize = 10_000;
/// How many wait for nothing.
const IDLE: u32 = 5_000;
/// How many of them at once.
const AT_ONCE: usize = 32;

/// Asks for many logins, each from the address that `from` says, and answers how many there were.
async fn flood(http: &reqwest::Client, url: &str, many: usize, from: impl Fn(usize) -> String) -> usize {
    let asks = futures_util::stream::iter(0..many).map(|n| {
        let request = http.post(url).header("x-forwarded-for", from(n)).form(&[("client_id", "flood")]);
        async move {
            let answer = request.send().await.unwrap();
            let http = answer.status();
            answer.bytes().await.unwrap();
            assert!([200, 429, 503].contains(&http.as_u16()), "{http}");
            usize::from(http == StatusCode::OK)
        }
    });
    asks.buffer_unordered(AT_ONCE).fold(0, async |sum, issued| sum + issued).await
}

/// An address of its own for each of five thousand numbers.
fn address(n: usize) -> String {
    format!("198.18.{}.{}", n % 5000 / 250, n % 250)
}

pub(crate) async fn fill_the_server_from_one_address(on: Backend) {
    let server =
        on.server_with(|settings| settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()]).await;
    let url = server.url.join("/oauth/device_authorization");
    let issued = flood(&server.http, &url, FROM_MANY / 2, |_| "198.51.100.7".to_owned()).await;
    assert_eq!(issued, 60);
    // The limits are the address's own: everybody else is served, logs in, and is not evicted.
    let phone = server.phone_token("alice").await;
    server.log_pc_in(&phone).await;
}

pub(crate) async fn fill_the_server_from_thousands_of_addresses(on: Backend) {
    let server = on
        .server_with(|settings| {
            settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            settings.limits.open.total = 500;
        })
        .await;
    let phone = server.phone_token("alice").await;
    let scanned = server.issue().await;
    let confirm_token = server.scan(&phone, &scanned).await;
    let url = server.url.join("/oauth/device_authorization");
    flood(&server.http, &url, 2000, address).await;
    // What somebody has scanned never gives way.
    assert_eq!(status(&server, &scanned).await, ("scanned".to_owned(), 2));
    assert_eq!(crate::scene::decide(&server, "confirm", &phone, &confirm_token).await.0, 200);
    server.log_pc_in(&phone).await;
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fill_the_memory_of_the_server() {
    let directory = tempfile::tempdir().unwrap();
    let more = ["--trusted-proxy", "127.0.0.0/8"];
    let program = Program::start(&directory.path().join("saoma.db"), "127.0.0.1:0", &more);
    let resident_kib = || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", program.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<usize>().unwrap()
    };
    let http = crate::support::http();
    let url = program.url.join("/oauth/device_authorization");
    flood(&http, &url, 500, address).await;
    let before = resident_kib();
    flood(&http, &url, FROM_MANY, address).await;
    let from_one = flood(&http, &url, FROM_ONE, |_| "198.51.100.7".to_owned());
    // Everybody else is served all the while.
    let others = async {
        let mut served = 0;
        loop {
            served += flood(&http, &url, 1, |_| address(served)).await;
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        issued = from_one => assert!(issued <= FROM_ONE / 100, "{issued}"),
        () = others => {}
    }
    let after = resident_kib();
    assert!(after < before + 48 * 1024, "{before} KiB before, {after} KiB after");
    program.client().issue(&crate::support::pc()).await.unwrap();
}

/// Where each change takes a while to become durable, so that many really want the same place.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn have_others_refused_while_the_program_is_full() {
    let directory = tempfile::tempdir().unwrap();
    let more = ["--trusted-proxy", "127.0.0.0/8", "--limit-open", "50"];
    let program = Program::start(&directory.path().join("saoma.db"), "127.0.0.1:0", &more);
    let (http, url) = (crate::support::http(), program.url.join("/oauth/device_authorization"));
    flood(&http, &url, 50, address).await;
    let asks = (0..400).map(|n| flood(&http, &url, 1, move |_| address(n)));
    let issued: usize = join_all(asks).await.into_iter().sum();
    assert_eq!(issued, 400);
}

pub(crate) async fn starve_polls_with_five_thousand_idle_waiters(on: Backend) {
    // Each is a descriptor at either end, and both ends are in this process. A front has two more, for which the usual
    // hard limit of 20,000 leaves room for somewhat fewer.
    let (idle, ends) = match on {
        Backend::Alone => (IDLE, 2),
        Backend::Nodes => (IDLE * 4 / 5, 4),
    };
    allow_descriptors(u64::from(idle) * ends + 500);
    let server = on.server_with(|settings| {
        settings.limits.issue.count = idle;
        settings.limits.open.per_address = idle;
    });
    let server = server.await;
    let phone = server.phone_token("alice").await;
    let mut waiting = Vec::new();
    for _ in 0..idle / 2 {
        let issued = server.issue().await;
        for _ in 0..2 {
            let mut stream = TcpStream::connect(server.addr).await.unwrap();
            let head = format!(
                "GET /v1/login HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nprefer: wait=55\r\n\
                 if-none-match: \"1\"\r\n\r\n",
                issued.device_code.expose()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            waiting.push(stream);
        }
    }
    assert_eq!(waiting.len(), idle as usize);
    // Everything else goes on, and within the patience of any client.
    timeout(Duration::from_secs(10), async {
        server.log_pc_in(&phone).await;
        let issued = server.issue().await;
        assert_eq!(said(server.redeem(&issued).await), (400, "authorization_pending".to_owned()));
    })
    .await
    .unwrap();
    // They do wait: none has been answered.
    let mut byte = [0];
    for stream in &mut waiting {
        let answered = stream.try_read(&mut byte);
        assert!(answered.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock));
    }
}

pub(crate) async fn have_others_refused_while_the_server_is_full(on: Backend) {
    let server = on
        .server_with(|settings| {
            settings.trusted_proxies = vec!["127.0.0.1/32".parse().unwrap()];
            settings.limits.open.total = 50;
        })
        .await;
    let url = server.url.join("/oauth/device_authorization");
    flood(&server.http, &url, 50, address).await;
    // All of them want the place of the same login at once, and each gets some other's.
    let asks = (0..400).map(|n| flood(&server.http, &url, 1, move |_| address(n)));
    let issued: usize = join_all(asks).await.into_iter().sum();
    assert_eq!(issued, 400);
}

/// Raises this process's limit of open descriptors, if it is lower.
#[cfg(unix)]
fn allow_descriptors(wanted: u64) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    if limit.current.is_some_and(|current| current < wanted) {
        let raised = Rlimit { current: Some(wanted), ..limit };
        setrlimit(Resource::Nofile, raised).expect("the hard limit of open files is too low for this test");
    }
}

#[cfg(not(unix))]
fn allow_descriptors(_wanted: u64) {}

/// Sends a byte of `dribble` at a time, without end, and answers after how long the server had enough.
async fn dribbled_for(server: &Server, begin: &str, dribble: u8) -> Duration {
    let since = Instant::now();
    let (mut read, mut write) = TcpStream::connect(server.addr).await.unwrap().into_split();
    write.write_all(begin.as_bytes()).await.unwrap();
    let dribbling = async {
        while write.write_all(&[dribble]).await.is_ok() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        std::future::pending::<()>().await;
    };
    let mut answer = Vec::new();
    tokio::select! {
        // An error is a connection that was cut as well.
        _ = read.read_to_end(&mut answer) => {}
        () = dribbling => {}
    }
    since.elapsed()
}

pub(crate) async fn hold_a_connection_with_a_head_that_never_ends(on: Backend) {
    let server = on.server().await;
    let begin = "GET /v1/login HTTP/1.1\r\nhost: x\r\nx-slow: ";
    let held =
        join_all((0..20).map(|_| timeout(Duration::from_secs(30), dribbled_for(&server, begin, b'a'))));
    let (held, _) = tokio::join!(held, server.issue());
    assert!(held.iter().all(Result::is_ok), "{held:?}");
}

/// A request for a log-in whose body was begun.
const SLOW_BODY: &str =
    "POST /v1/phones HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9999\r\n";

pub(crate) async fn hold_a_connection_with_a_body_that_never_ends(on: Backend) {
    let server = on.server().await;
    let begin = format!("{SLOW_BODY}\r\n{{");
    let held =
        join_all((0..20).map(|_| timeout(Duration::from_secs(30), dribbled_for(&server, &begin, b' '))));
    let (held, _) = tokio::join!(held, server.issue());
    assert!(held.iter().all(Result::is_ok), "{held:?}");
}

pub(crate) async fn hold_a_connection_by_saying_that_one_waits(on: Backend) {
    let server = on.server().await;
    // Only what can be waited for is given the time.
    let begin = format!("{SLOW_BODY}prefer: wait=55\r\n\r\n{{");
    let held = timeout(Duration::from_secs(30), dribbled_for(&server, &begin, b' ')).await;
    assert!(held.is_ok());
    // The connection is gone, the server is not.
    assert_eq!(server.request(Method::GET, "/D").send().await.unwrap().status(), StatusCode::OK);
}
