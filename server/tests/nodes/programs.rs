//! The real program, several of it: killed at any moment, and replaced one after the other, while people log in.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use shared::api::{NoticeKind, Notification, Password, PhoneLogin, Registration, ScanRequest, SessionKind};
use shared::client::{Client, ClientError, Feed, News, Phone, Redeemed, Transport, TransportChoice};
use shared::login::Status;
use shared::problem::ProblemCode;
use tempfile::TempDir;
use tokio::task::JoinSet;

use crate::support::nodes::Deployment;
use crate::support::program::Program;
use crate::support::redis::Redis;
use crate::support::{PASSWORD, pc};

/// A wait that takes this long was in vain.
pub(super) const IN_VAIN: Duration = Duration::from_mins(1);
/// How long between two blows. Time enough for a node to be up again.
const BETWEEN: Duration = Duration::from_millis(250);
/// How many PCs log in at once on each transport, and how often each; those that poll take two seconds for a step.
const PEOPLE: [(Transport, usize, usize); 3] =
    [(Transport::WebSocket, 8, 60), (Transport::LongPoll, 8, 60), (Transport::Poll, 4, 2)];
/// How often the notices are looked at, until all of them are delivered.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Three programs on one Redis, behind a front.
struct Programs {
    nodes: Vec<Program>,
    deployment: Deployment,
    redis: Redis,
    dir: TempDir,
}

impl Programs {
    async fn start() -> Self {
        let deployment = Deployment::begin(|_| {}).await;
        let dir = tempfile::tempdir().unwrap();
        let mut programs = Self { nodes: Vec::new(), deployment, redis: Redis::alone().await, dir };
        for _ in 0..3 {
            programs.nodes.push(programs.another());
        }
        programs.serve();
        programs
    }

    fn another(&self) -> Program {
        let store = self.redis.place().to_string();
        let secret = self.dir.path().join("secret").display().to_string();
        let url = self.deployment.settings.public_url.to_string();
        let args = [
            "--secret-file",
            &secret,
            "--public-url",
            &url,
            "--limit-issue",
            "10000/1m",
            // A node that is killed leaves counted what it would have given back.
            "--limit-scan",
            "10000/1m",
            "--trusted-proxy",
            "127.0.0.1/32",
        ];
        Program::start_on(&store, "127.0.0.1:0", &args, Stdio::null())
    }

    fn serve(&self) {
        let addrs = self.nodes.iter().map(|node| node.addr.parse::<SocketAddr>().unwrap());
        self.deployment.serve_at(addrs.collect());
    }

    /// Everybody logs in, again and again, while something happens to the nodes.
    async fn log_in_during(mut self, mut happens: impl FnMut(&mut Self, usize)) -> u32 {
        let client = self.deployment.client();
        let mut phones = Vec::new();
        for (transport, ..) in PEOPLE {
            // An account keeps its last thousand notices, and each login makes two.
            phones.push(phone(&client, &format!("emma-{transport}")).await);
        }
        let failures = Arc::new(AtomicU32::new(0));
        let mut people = JoinSet::new();
        for (whose, (transport, pcs, logins)) in PEOPLE.into_iter().enumerate() {
            for _ in 0..pcs {
                let (client, phone, failures) = (client.clone(), phones[whose].clone(), failures.clone());
                people.spawn(async move {
                    let mut sessions = Vec::new();
                    for _ in 0..logins {
                        sessions.push(log_pc_in(&client, &phone, transport, &failures).await);
                    }
                    (whose, sessions)
                });
            }
        }
        let done = tokio::spawn(people.join_all());
        for turn in 0.. {
            if done.is_finished() {
                break;
            }
            tokio::time::sleep(BETWEEN).await;
            happens(&mut self, turn);
        }
        let used = done.await.unwrap();
        for (whose, phone) in phones.iter().enumerate() {
            let of_phone =
                used.iter().filter(|(owner, _)| *owner == whose).flat_map(|(_, sessions)| sessions);
            let of_phone: Vec<&String> = of_phone.collect();
            let (_, pcs, logins) = PEOPLE[whose];
            assert_eq!(of_phone.len(), pcs * logins);
            let adds_up = self.everything_adds_up(phone, &of_phone);
            tokio::time::timeout(IN_VAIN, adds_up).await.expect("a session without its notice");
        }
        failures.load(Ordering::SeqCst)
    }

    /// Every session that a PC uses is there, each with one notice; and a session that no PC knows of came of an answer
    /// that was lost, and has its notice, too. What a node that died has left to be delivered, another delivers.
    async fn everything_adds_up(&self, phone: &Phone, used: &[&String]) {
        let failures = AtomicU32::new(0);
        let sessions = retried(&failures, || phone.sessions()).await.unwrap().sessions;
        let pcs: Vec<String> = sessions
            .iter()
            .filter(|session| session.kind == SessionKind::Pc)
            .map(|session| session.id.to_string())
            .collect();
        for session in used {
            assert!(pcs.contains(session), "a session that a PC uses is not listed");
        }
        loop {
            let mut told: HashMap<String, u64> = HashMap::new();
            for notice in all_notices(phone).await {
                if let (NoticeKind::LoggedIn, Some(session)) = (notice.kind, notice.session_id) {
                    *told.entry(session.to_string()).or_default() += notice.count;
                }
            }
            assert!(told.values().all(|count| *count == 1), "somebody was told twice");
            if pcs.iter().all(|session| told.contains_key(session)) {
                return;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// A phone of a new account.
pub(super) async fn phone(client: &Client, username: &str) -> Phone {
    let password = || Password::new(PASSWORD.to_owned());
    let body = Registration { username: username.to_owned(), password: password() };
    client.register(&body).await.unwrap();
    let body = PhoneLogin { username: username.to_owned(), password: password(), device_name: None };
    client.phone(client.log_in(&body).await.unwrap().phone_token)
}

async fn all_notices(phone: &Phone) -> Vec<Notification> {
    let failures = AtomicU32::new(0);
    let (mut all, mut after) = (Vec::new(), 0);
    loop {
        let page = retried(&failures, || phone.notifications(after, None)).await.unwrap().notifications;
        let Some(last) = page.last() else { return all };
        after = last.id;
        all.extend(page);
    }
}

/// Does a call as an ordinary client does: again, if nobody answered or the server asks for it.
pub(super) async fn retried<T, F>(failures: &AtomicU32, call: impl Fn() -> F) -> Result<T, ClientError>
where
    F: Future<Output = Result<T, ClientError>>,
{
    let tries = async {
        loop {
            match call().await {
                Err(error) if error.is_unreachable() || is_away(&error) => {
                    failures.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                answer => return answer,
            }
        }
    };
    tokio::time::timeout(IN_VAIN, tries).await.expect("a call that never succeeds")
}

fn is_away(error: &ClientError) -> bool {
    error.problem().is_some_and(|problem| problem.code == ProblemCode::Unavailable)
        || error.oauth().is_some_and(|code| code.as_str() == "temporarily_unavailable")
}

/// A whole login. Answers the PC's session.
pub(super) async fn log_pc_in(
    client: &Client,
    phone: &Phone,
    transport: Transport,
    failures: &AtomicU32,
) -> String {
    let request = pc();
    let issued = retried(failures, || client.issue(&request)).await.unwrap();
    let mut feed = client.follow(issued.device_code.clone(), TransportChoice::Only(transport));
    let code = client.server().scan_code_in(&issued.verification_uri_complete).unwrap();
    let seen = ScanRequest::scan_code(&code);
    let scanned = retried(failures, || phone.scan(&seen)).await.unwrap();
    heard(&mut feed, Status::Scanned).await;
    let confirmed = retried(failures, || phone.confirm(&scanned.confirm_token)).await;
    if let Err(error) = confirmed {
        // Its answer was lost, and it was done: the answer to the second says so.
        let problem = error.problem().unwrap_or_else(|| panic!("{error}"));
        assert_eq!(problem.code, ProblemCode::ConfirmTokenUsed);
        assert!(matches!(problem.login_status, Some(Status::Confirmed | Status::LoggedIn)), "{problem:?}");
    }
    heard(&mut feed, Status::Confirmed).await;
    let redeem = || client.redeem("tests", &issued.device_code, None);
    let tokens = loop {
        match retried(failures, redeem).await.unwrap() {
            Redeemed::Tokens(tokens) => break tokens,
            // The store was away for a moment, which to a poll is a reason to be slower.
            _ => tokio::time::sleep(Duration::from_millis(200)).await,
        }
    };
    let me = retried(failures, || client.me(&tokens.access_token)).await.unwrap();
    me.session_id.to_string()
}

/// Waits until a feed tells of a status, or a later one.
async fn heard(feed: &mut Feed, status: Status) {
    let news = async {
        loop {
            match feed.next().await {
                Some(News::Snapshot { snapshot, .. }) if snapshot.status >= status => return,
                Some(News::Gone(error)) => panic!("{error}"),
                Some(_) => {}
                None => panic!("the feed ended before {status:?}"),
            }
        }
    };
    tokio::time::timeout(IN_VAIN, news).await.unwrap_or_else(|_| panic!("{status:?} was not heard of"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_are_killed_take_no_acknowledged_step_along() {
    let programs = Programs::start().await;
    let mut killed = 0;
    let failures = programs
        .log_in_during(|programs, turn| {
            let fresh = programs.another();
            std::mem::replace(&mut programs.nodes[turn % 3], fresh).kill();
            programs.serve();
            killed += 1;
        })
        .await;
    println!("{killed} nodes were killed, {failures} calls had to be made again, none was lost");
    assert!(killed > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nodes_that_are_replaced_one_by_one_fail_nobody_for_good() {
    let programs = Programs::start().await;
    let mut replaced = 0;
    let failures = programs
        .log_in_during(|programs, turn| {
            let fresh = programs.another();
            let old = std::mem::replace(&mut programs.nodes[turn % 3], fresh);
            // The new one is there before the old one is told to stop, as in any rolling upgrade.
            programs.serve();
            assert_eq!(old.terminate(), Some(0), "it did not end well within ten seconds");
            replaced += 1;
        })
        .await;
    println!("{replaced} nodes were replaced, {failures} calls had to be made again");
    assert!(replaced > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_with_another_secret_does_not_start() {
    let redis = Redis::alone().await;
    let dir = tempfile::tempdir().unwrap();
    let store = redis.place().to_string();
    let start = |secret: &str| {
        let secret = dir.path().join(secret).display().to_string();
        Program::start_on(&store, "127.0.0.1:0", &["--secret-file", &secret], Stdio::null())
    };
    let (_first, _second) = (start("one"), start("one"));
    let other = dir.path().join("another").display().to_string();
    let args = ["--store", &store, "--listen", "127.0.0.1:0", "--secret-file", &other];
    let refused = crate::support::program::run(&args, "");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        said.contains("is not the secret of the other servers") && said.contains("--secret-file"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_is_not_there_is_said_in_words_that_help() {
    let args = ["--store", "redis://127.0.0.1:1", "--listen", "127.0.0.1:0"];
    let dir = tempfile::tempdir().unwrap();
    let secret = dir.path().join("secret").display().to_string();
    let refused = crate::support::program::run(&[&args[..], &["--secret-file", &secret]].concat(), "");
    assert_eq!(refused.status.code(), Some(1));
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("redis://127.0.0.1:1") && said.contains("--store"), "{said}");
}
