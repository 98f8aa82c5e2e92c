//! Redis servers of the tests' own, on loopback.

use std::fs::File;
use std::net::TcpListener;
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
    _nodes: Vec<Node>,
    place: Place,
    namespace: String,
}

impl Redis {
    /// An instance of this test's own.
    pub(crate) async fn alone() -> Self {
        let node = Node::start(&[]).await;
        let place = format!("redis://127.0.0.1:{}", node.port).parse().unwrap();
        Self { _nodes: vec![node], place, namespace: String::new() }
    }

    /// A cluster of three.
    pub(crate) async fn cluster() -> Self {
        let namespace = format!("{:x}:", u128::from_be_bytes(random()));
        if let Ok(shared) = std::env::var(SHARED_CLUSTER) {
            return Self { _nodes: Vec::new(), place: shared.parse().unwrap(), namespace };
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
        Self { _nodes: nodes, place, namespace }
    }

    /// Where it is.
    pub(crate) fn place(&self) -> &Place {
        &self.place
    }

    /// How this test uses it.
    pub(crate) fn options(&self) -> Options {
        Options { namespace: self.namespace.clone(), ..Options::default() }
    }
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

    /// Waits until a command is answered like this.
    async fn says(&self, command: &[&str], answer: &str) {
        for _ in 0..LOOKS {
            let said = Command::new("redis-cli").args(["-p", &self.port.to_string()]).args(command).output();
            if said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(answer)) {
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
