//! The load balancers of `docs/`, as they are written there, in front of three real servers.
//!
//! Of their configurations only the addresses are replaced, and TLS is left out: it ends before what is tried here.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use reqwest::header::AUTHORIZATION;
use server::clock::Clock;
use shared::api::{
    DeviceAuthorization, GRANT_DEVICE_CODE, Password, PasswordChange, ScanRequest, SessionKind,
};
use shared::client::{Client, Feed, News, Transport, TransportChoice};
use shared::code::PublicUrl;
use shared::login::Status;
use tempfile::TempDir;
use tokio::net::TcpStream;

use super::programs::{IN_VAIN, log_pc_in, phone, retried};
use crate::support::program::Program;
use crate::support::redis::{Redis, free_port};
use crate::support::{PASSWORD, http, pc};

/// How often something is looked at that is soon so.
const SOON: Duration = Duration::from_millis(20);
/// Longer than the minute after which either balancer, left to itself, gives a silent connection up.
const LONG: Duration = Duration::from_secs(66);

/// A load balancer.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Nginx,
    Haproxy,
}

impl Kind {
    /// The configuration in `docs/`, for these addresses.
    fn configuration(self, listen: SocketAddr, servers: &[(SocketAddr, SocketAddr)], dir: &Path) -> String {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
        let (name, mut replaced) = match self {
            Self::Nginx => {
                let certificate = "ssl_certificate     /etc/ssl/login.example.com.pem;";
                let key = "ssl_certificate_key /etc/ssl/login.example.com.key;";
                let listens = ("listen 443 ssl;", format!("listen {listen};"));
                // So that whoever runs the tests may write there.
                let writes = ("access_log off;", in_dir(dir));
                ("nginx.conf", vec![listens, (certificate, String::new()), (key, String::new()), writes])
            }
            Self::Haproxy => {
                let certificate = "bind :443 ssl crt /etc/ssl/login.example.com.pem";
                // As many as the configuration names takes more descriptors than whoever runs the tests may have.
                let few = ("maxconn 65536", "maxconn 500".to_owned());
                ("haproxy.cfg", vec![(certificate, format!("bind {listen}")), few])
            }
        };
        for ((addr, admin), there) in
            servers.iter().zip(["10.0.0.11:8080", "10.0.0.12:8080", "10.0.0.13:8080"])
        {
            let here = match self {
                Self::Nginx => addr.to_string(),
                Self::Haproxy => format!("{addr} port {}", admin.port()),
            };
            replaced.push((there, here));
        }
        let mut text = fs::read_to_string(docs.join(name)).unwrap();
        for (what, by) in replaced {
            assert_eq!(text.matches(what).count(), 1, "{what} in docs/{name}");
            text = text.replace(what, &by);
        }
        text
    }

    fn command(self, configuration: &Path, dir: &Path) -> Command {
        match self {
            Self::Nginx => {
                let mut nginx = Command::new("nginx");
                let settings = format!("daemon off; pid {}; error_log stderr;", dir.join("pid").display());
                nginx.arg("-p").arg(dir).arg("-c").arg(configuration).args(["-g", &settings]);
                nginx
            }
            Self::Haproxy => {
                let mut haproxy = Command::new("haproxy");
                haproxy.args(["-db", "-f"]).arg(configuration);
                haproxy
            }
        }
    }
}

/// Where nginx keeps what is too large for its memory, which nothing here is.
fn in_dir(dir: &Path) -> String {
    let kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let paths = kinds.map(|kind| format!("{kind}_temp_path {};", dir.join(kind).display()));
    format!("access_log off;\n    {}", paths.join(" "))
}

/// A balancer, and three servers on one Redis behind it.
struct Scene {
    kind: Kind,
    url: PublicUrl,
    balancer: Child,
    servers: Vec<Option<Program>>,
    addrs: Vec<(SocketAddr, SocketAddr)>,
    redis: Redis,
    dir: TempDir,
}

impl Scene {
    async fn set(kind: Kind) -> Self {
        Self::set_on(kind, Redis::alone().await).await
    }

    async fn set_on(kind: Kind, redis: Redis) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let local = |port| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listen = local(free_port());
        let addrs: Vec<_> = (0..3).map(|_| (local(free_port()), local(free_port()))).collect();
        let configuration = dir.path().join("configuration");
        fs::write(&configuration, kind.configuration(listen, &addrs, dir.path())).unwrap();
        let balancer = kind.command(&configuration, dir.path()).stdin(Stdio::null()).spawn();
        let balancer = balancer
            .unwrap_or_else(|_| panic!("{kind:?} must be installed (Debian: apt-get install nginx haproxy)"));
        let url = PublicUrl::parse(&format!("http://{listen}")).unwrap();
        let mut scene = Self { kind, url, balancer, servers: vec![None, None, None], addrs, redis, dir };
        for number in 0..3 {
            scene.start(number);
        }
        while TcpStream::connect(listen).await.is_err() {
            assert_eq!(scene.balancer.try_wait().unwrap(), None, "{kind:?} does not run");
            tokio::time::sleep(SOON).await;
        }
        scene.is_ready().await;
        scene
    }

    fn start(&mut self, number: usize) {
        let (addr, admin) = self.addrs[number];
        let secret = self.dir.path().join("secret").display().to_string();
        let args = [
            "--secret-file",
            &secret,
            "--public-url",
            &self.url.to_string(),
            "--trusted-proxy",
            "127.0.0.1/32",
            "--admin-listen",
            &admin.to_string(),
            "--limit-issue",
            "10000/1m",
            "--limit-scan",
            "10000/1m",
        ];
        let (store, listen) = (self.redis.place().to_string(), addr.to_string());
        self.servers[number] = Some(Program::start_on(&store, &listen, &args, Stdio::null()));
    }

    /// Waits until every server is sent work.
    async fn is_ready(&self) {
        let (client, before) = (self.client(), self.issued().await);
        soon(async || {
            // Each over a connection of its own.
            let _ = client.clone().issue(&pc()).await;
            let after = self.issued().await;
            after.iter().zip(&before).all(|(after, before)| after > before)
        })
        .await;
    }

    /// How many logins each server has issued.
    async fn issued(&self) -> Vec<u64> {
        let mut counts = Vec::new();
        for (_, admin) in &self.addrs {
            let text =
                http().get(format!("http://{admin}/metrics")).send().await.unwrap().text().await.unwrap();
            let count =
                text.lines().find_map(|line| line.strip_prefix("saoma_logins_total{outcome=\"issued\"} "));
            counts.push(count.unwrap().parse().unwrap());
        }
        counts
    }

    /// Somebody with connections of its own.
    fn client(&self) -> Client {
        Client::new(self.url.clone(), "tests").unwrap()
    }

    fn scan_of(&self, issued: &DeviceAuthorization) -> ScanRequest {
        ScanRequest::scan_code(&self.url.scan_code_in(&issued.verification_uri_complete).unwrap())
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        // nginx has workers, which it ends when it is asked to.
        let _ = Command::new("kill").arg(self.balancer.id().to_string()).status();
        let _ = self.balancer.wait();
    }
}

/// Waits for something that is soon so.
async fn soon(so: impl AsyncFn() -> bool) {
    let looks = async {
        while !so().await {
            tokio::time::sleep(SOON).await;
        }
    };
    tokio::time::timeout(IN_VAIN, looks).await.expect("it does not come about");
}

/// The next news of a feed, which must be of this status, and come without any trouble before.
async fn undisturbed(feed: &mut Feed, status: Status) {
    let news = tokio::time::timeout(IN_VAIN, feed.next()).await.expect("nothing was heard");
    assert!(matches!(&news, Some(News::Snapshot { snapshot, .. }) if snapshot.status == status), "{news:?}");
}

/// On each transport people log in, and each server takes its part.
async fn everybody_logs_in(kind: Kind) {
    let scene = Scene::set(kind).await;
    let phone = phone(&scene.client(), "emma").await;
    let failures = Arc::new(AtomicU32::new(0));
    let before = scene.issued().await;
    let mut people = tokio::task::JoinSet::new();
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        for _ in 0..4 {
            let (client, phone, failures) = (scene.client(), phone.clone(), failures.clone());
            people.spawn(async move { log_pc_in(&client, &phone, transport, &failures).await });
        }
    }
    assert_eq!(people.join_all().await.len(), 12);
    assert_eq!(failures.load(Ordering::SeqCst), 0, "{:?}", scene.kind);
    for (after, before) in scene.issued().await.iter().zip(before) {
        assert!(*after > before, "{kind:?} keeps a server idle");
    }
}

/// What is shown of a PC is where its connection came from, and not what it says of itself.
async fn addresses_are_those_of_connections(kind: Kind) {
    let scene = Scene::set(kind).await;
    let phone = phone(&scene.client(), "emma").await;
    let far = Ipv4Addr::new(127, 0, 0, 2);
    let pc = reqwest::Client::builder().no_proxy().local_address(Some(far.into())).build().unwrap();
    for header in ["X-Forwarded-For", "x-forwarded-for", "X-Real-IP", "Forwarded"] {
        let said = if header == "Forwarded" { "for=203.0.113.7" } else { "203.0.113.7" };
        let request = pc.post(scene.url.join("/oauth/device_authorization")).header(header, said);
        let answer = request.form(&[("client_id", "tests")]).send().await.unwrap();
        let issued: DeviceAuthorization = answer.json().await.unwrap();
        let scanned = phone.scan(&scene.scan_of(&issued)).await.unwrap();
        assert_eq!(scanned.login.ip.as_deref(), Some("127.0.0.2"), "{kind:?} {header}");
    }
}

/// Servers end, one by SIGTERM and one by SIGKILL, while PCs wait; and come back.
async fn servers_come_and_go(kind: Kind) {
    let mut scene = Scene::set(kind).await;
    let phone = phone(&scene.client(), "emma").await;
    let mut waiting = Vec::new();
    for transport in [Transport::WebSocket, Transport::LongPoll, Transport::Poll] {
        for _ in 0..6 {
            let client = scene.client();
            let issued = client.issue(&pc()).await.unwrap();
            let mut feed = client.follow(issued.device_code.clone(), TransportChoice::Only(transport));
            undisturbed(&mut feed, Status::Unscanned).await;
            waiting.push((client, issued, feed));
        }
    }
    assert_eq!(scene.servers[0].take().unwrap().terminate(), Some(0), "it did not end well");
    scene.servers[1].take().unwrap().kill();
    let failures = AtomicU32::new(0);
    for (client, issued, mut feed) in waiting {
        // Over the balancer, too, and over a connection that it may have kept to a server that is gone.
        let scan = scene.scan_of(&issued);
        let scanned = retried(&failures, || phone.scan(&scan)).await.unwrap();
        let heard = async {
            loop {
                match feed.next().await {
                    Some(News::Snapshot { snapshot, .. }) if snapshot.status == Status::Scanned => return,
                    Some(News::Gone(error)) => panic!("{error}"),
                    Some(_) => {}
                    None => panic!("a feed ended"),
                }
            }
        };
        tokio::time::timeout(IN_VAIN, heard).await.expect("a PC was left waiting");
        retried(&failures, || phone.deny(&scanned.confirm_token, false)).await.unwrap();
        assert!(client.issue(&pc()).await.is_ok(), "{kind:?} sends work to a server that is gone");
    }
    println!("{kind:?}: {} calls were made again", failures.load(Ordering::SeqCst));
    scene.start(0);
    scene.start(1);
    scene.is_ready().await;
}

/// How long a shard is away: more than the balancer's patience with a server that is.
const AWAY_FOR: Duration = Duration::from_secs(6);

/// While a part of Redis is away all servers say so, each in its client's own words: no balancer takes them for dead.
async fn a_shard_that_is_away_is_no_servers_fault(kind: Kind) {
    let mut scene = Scene::set_on(kind, Redis::durable_cluster().await).await;
    let client = scene.client();
    let issued = client.issue(&pc()).await.unwrap();
    let owner = scene.redis.owner_of(&format!("{{{}}}", issued.device_code.tag().as_str())).unwrap();
    scene.redis.pause(owner);
    let (clock, url) = (Clock::system(), scene.url.join("/oauth/token"));
    let began = clock.now();
    while clock.now() < began + AWAY_FOR {
        let fields = [
            ("grant_type", GRANT_DEVICE_CODE),
            ("device_code", issued.device_code.expose()),
            ("client_id", "tests"),
        ];
        let polled = http().post(&url).form(&fields).send().await.unwrap();
        assert_eq!(polled.status(), 400, "{kind:?} after {:?}", clock.now().duration_since(began));
        let said: serde_json::Value = polled.json().await.unwrap();
        assert!(["slow_down", "authorization_pending"].contains(&said["error"].as_str().unwrap()), "{said}");
    }
    scene.redis.resume(owner);
    let failures = AtomicU32::new(0);
    let request = pc();
    retried(&failures, || client.issue(&request)).await.unwrap();
}

/// What does something is sent to one server, and answered by it.
async fn what_does_something_goes_through(kind: Kind) {
    let scene = Scene::set(kind).await;
    let client = scene.client();
    let phone = phone(&client, "emma").await;
    log_pc_in(&client, &phone, Transport::LongPoll, &AtomicU32::new(0)).await;
    let sessions = phone.sessions().await.unwrap().sessions;
    let pc = sessions.iter().find(|session| session.kind == SessionKind::Pc).unwrap();
    phone.end_session(pc.id).await.unwrap();
    let (old, new) = (PASSWORD, "quite another password");
    let [old, new] = [old, new].map(|password| Password::new(password.to_owned()));
    phone.change_password(&PasswordChange { old, new }).await.unwrap();
    let large = "a".repeat(100_000);
    let refused = http().post(scene.url.join("/oauth/token")).body(large).send().await.unwrap();
    assert_eq!(refused.status(), 413);
    let said: serde_json::Value = refused.json().await.unwrap();
    assert_eq!(said["error"], "invalid_request");
}

/// A PC may wait for as long as the server lets it.
async fn nobody_is_cut_off(kind: Kind) {
    let scene = Scene::set(kind).await;
    let (client, phone) = (scene.client(), phone(&scene.client(), "emma").await);
    let polls = async {
        let issued = client.issue(&pc()).await.unwrap();
        let request = http().get(scene.url.join("/v1/login")).header("Prefer", "wait=55");
        let request = request.header("If-None-Match", "\"1\"");
        let bearer = format!("Bearer {}", issued.device_code.expose());
        let (clock, sent) = (Clock::system(), request.header(AUTHORIZATION, bearer).send());
        let began = clock.now();
        let status = sent.await.unwrap().status();
        assert_eq!(status, 304, "{kind:?}");
        assert!(clock.now() >= began + Duration::from_secs(54), "it did not wait");
    };
    let listens = async {
        let issued = client.issue(&pc()).await.unwrap();
        let mut feed = client.follow(issued.device_code.clone(), TransportChoice::Only(Transport::WebSocket));
        undisturbed(&mut feed, Status::Unscanned).await;
        let silent = tokio::time::timeout(LONG, feed.next()).await;
        assert!(silent.is_err(), "{kind:?}: {silent:?}");
        phone.scan(&scene.scan_of(&issued)).await.unwrap();
        undisturbed(&mut feed, Status::Scanned).await;
    };
    tokio::join!(polls, listens);
}

macro_rules! before_servers {
    ($($nginx:ident, $haproxy:ident: $what:ident;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $nginx() {
            $what(Kind::Nginx).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
        async fn $haproxy() {
            $what(Kind::Haproxy).await;
        }
    )*};
}

before_servers! {
    everybody_logs_in_through_nginx, everybody_logs_in_through_haproxy: everybody_logs_in;
    nginx_says_where_a_connection_came_from, haproxy_says_where_a_connection_came_from:
        addresses_are_those_of_connections;
    a_part_of_redis_may_be_away_behind_nginx, a_part_of_redis_may_be_away_behind_haproxy:
        a_shard_that_is_away_is_no_servers_fault;
    nginx_passes_on_what_does_something, haproxy_passes_on_what_does_something:
        what_does_something_goes_through;
    servers_come_and_go_behind_nginx, servers_come_and_go_behind_haproxy: servers_come_and_go;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_waits_for_a_minute_is_not_cut_off() {
    tokio::join!(nobody_is_cut_off(Kind::Nginx), nobody_is_cut_off(Kind::Haproxy));
}
