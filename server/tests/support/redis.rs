//! Redis servers of the tests' own, on loopback.

#![allow(dead_code, reason = "each crate of tests uses its own part of this")]

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use server::store::redis::{Options, Place};
use tempfile::TempDir;

/// A cluster that is there already, for as long as the tests run: `cargo xtask test` starts one, since it takes a
/// second or two to find itself. Each test has a namespace of its own in it.
const SHARED_CLUSTER: &str = "SAOMA_TEST_REDIS_CLUSTER";

/// How often something is looked at that is soon so.
const SOON: Duration = Duration::from_millis(20);
/// How many looks are enough.
const LOOKS: usize = 1500;

/// One Redis, or a cluster, and where in it a test may write.
pub(crate) struct Redis {
    /// The processes that are this test's own.
    nodes: Vec<Node>,
    place: Place,
    namespace: String,
}

impl Redis {
    /// An instance of this test's own.
    pub(crate) async fn alone() -> Self {
        let node = Node::start(&[]).await;
        let place = format!("redis://127.0.0.1:{}", node.port).parse().unwrap();
        Self { nodes: vec![node], place, namespace: String::new() }
    }

    /// A cluster of three.
    pub(crate) async fn cluster() -> Self {
        let namespace = format!("{:x}:", u128::from_be_bytes(random()));
        if let Ok(shared) = std::env::var(SHARED_CLUSTER) {
            return Self { nodes: Vec::new(), place: shared.parse().unwrap(), namespace };
        }
        let mut nodes = Vec::new();
        for _ in 0..3 {
            nodes.push(Node::start(&["--cluster-enabled", "yes"]).await);
        }
        let hosts: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster-yes", "--cluster", "create"]).args(&hosts);
        assert!(create.stdout(Stdio::null()).status().unwrap().success(), "no cluster was made");
        for node in &nodes {
            node.says(&["CLUSTER", "INFO"], "cluster_state:ok").await;
        }
        let place = format!("redis-cluster://{}", hosts.join(",")).parse().unwrap();
        Self { nodes, place, namespace }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// The address of a single one.
    pub(crate) fn addr(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.nodes[0].port).into()
    }

    /// Every key of a single one, with how long it will be there, if not for ever.
    pub(crate) fn keys(&self) -> Vec<(String, Option<Duration>)> {
        let mut keys = Vec::new();
        for key in self.nodes[0].cli(&["KEYS", "*"]).lines() {
            let millis: i64 = self.nodes[0].cli(&["PTTL", key]).trim().parse().unwrap();
            if millis != -2 {
                keys.push((key.to_owned(), u64::try_from(millis).ok().map(Duration::from_millis)));
            }
        }
        keys
    }

    /// What a single one has done and holds.
    pub(crate) fn counts(&self) -> Counts {
        let info = self.nodes[0].cli(&["INFO", "everything"]);
        let number = |text: &str| text.trim().parse::<u64>().unwrap();
        let field = |name: &str| info.lines().find_map(|line| line.strip_prefix(name)).map_or(0, number);
        let by_command = |is_counted: fn(&str) -> bool| {
            let stats = info.lines().filter_map(|line| line.strip_prefix("cmdstat_"));
            let calls = stats.filter_map(|line| {
                let (command, stats) = line.split_once(":calls=")?;
                is_counted(command).then(|| number(stats.split(',').next().unwrap_or_default()))
            });
            calls.sum::<u64>()
        };
        let all = by_command(|command| !command.starts_with("info"));
        let scripts = by_command(|command| command.starts_with("eval"));
        Counts {
            calls: field("total_commands_processed:"),
            inner: all - scripts,
            received: field("total_net_input_bytes:"),
            sent: field("total_net_output_bytes:"),
            memory: field("used_memory:"),
        }
    }

    /// How this test uses it.
    pub(crate) fn options(&self) -> Options {
        Options { namespace: self.namespace.clone(), ..Options::default() }
    }
}

/// What a Redis has done and holds.
#[derive(Clone, Copy)]
pub(crate) struct Counts {
    /// Calls that came over the network.
    pub(crate) calls: u64,
    /// Commands, those within scripts included.
    pub(crate) inner: u64,
    /// Bytes over the network, by direction.
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Bytes.
    pub(crate) memory: u64,
}

/// A process of Redis.
struct Node {
    port: u16,
    process: Child,
    _dir: TempDir,
}

impl Node {
    async fn start(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let log = File::create(dir.path().join("log")).unwrap();
        let process = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(port.to_string())
            .arg("--dir")
            .arg(dir.path())
            .args(options)
            .stdout(log)
            .spawn()
            .expect("redis-server must be installed (Debian: apt-get install redis-server)");
        let node = Self { port, process, _dir: dir };
        node.says(&["PING"], "PONG").await;
        node
    }

    /// What a command answers; nothing, while it does not.
    fn cli(&self, command: &[&str]) -> String {
        let said = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(command).output();
        said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned()).unwrap_or_default()
    }

    /// Waits until a command is answered like this.
    async fn says(&self, command: &[&str], answer: &str) {
        for _ in 0..LOOKS {
            if self.cli(command).contains(answer) {
                return;
            }
            tokio::time::sleep(SOON).await;
        }
        panic!("Redis does not say {answer}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // It is this test's own, and has nothing to write down.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A port that was free a moment ago, with room above it for the cluster's bus.
fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        if port < 50_000 {
            return port;
        }
    }
}

fn random() -> [u8; 16] {
    use shared::random::{OsRandom, Random as _};
    let mut bytes = [0; 16];
    OsRandom.fill(&mut bytes);
    bytes
}
