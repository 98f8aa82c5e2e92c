//! A Redis Cluster of three, for as long as the tests run. To find itself takes it a second or two, so they share it.

use std::io;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, bail};
use tempfile::TempDir;

/// The variable in which the tests look for it.
pub(crate) const VARIABLE: &str = "SAOMA_TEST_REDIS_CLUSTER";

const NODES: usize = 3;
/// How often it is looked whether it is up, and how many looks are enough.
const LOOK_EVERY: Duration = Duration::from_millis(50);
const LOOKS: usize = 400;

/// The cluster's processes, which end with this.
pub(crate) struct Cluster {
    nodes: Vec<(u16, Child)>,
    dir: TempDir,
}

impl Cluster {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let dir = tempfile::tempdir()?;
        let mut cluster = Self { nodes: Vec::new(), dir };
        for _ in 0..NODES {
            cluster.add()?;
        }
        cluster.wait_for("PING", "PONG")?;
        let created = Command::new("redis-cli")
            .args(["--cluster-yes", "--cluster", "create"])
            .args(cluster.hosts())
            .stdout(Stdio::null())
            .status()
            .context("redis-cli can't be started")?;
        if !created.success() {
            bail!("redis-cli could not make a cluster of {}", cluster.hosts().join(", "));
        }
        cluster.wait_for("CLUSTER INFO", "cluster_state:ok")?;
        Ok(cluster)
    }

    /// Where it is, as `--store` names it.
    pub(crate) fn place(&self) -> String {
        format!("redis-cluster://{}", self.hosts().join(","))
    }

    fn hosts(&self) -> Vec<String> {
        self.nodes.iter().map(|(port, _)| format!("127.0.0.1:{port}")).collect()
    }

    fn add(&mut self) -> anyhow::Result<()> {
        let port = free_port()?;
        let dir = self.dir.path().join(port.to_string());
        std::fs::create_dir(&dir)?;
        let node = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--cluster-enabled", "yes", "--save", "", "--appendonly", "no"])
            .args(["--port", &port.to_string(), "--dir"])
            .arg(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("redis-server can't be started")?;
        self.nodes.push((port, node));
        Ok(())
    }

    /// Waits until every node answers a command like this.
    fn wait_for(&self, command: &str, answer: &str) -> anyhow::Result<()> {
        for (port, _) in &self.nodes {
            let says = || {
                let mut ask = Command::new("redis-cli");
                let said = ask.args(["-p", &port.to_string()]).args(command.split(' ')).output();
                said.is_ok_and(|said| String::from_utf8_lossy(&said.stdout).contains(answer))
            };
            if !(0..LOOKS).any(|_| {
                says() || {
                    sleep(LOOK_EVERY);
                    false
                }
            }) {
                bail!("the Redis on port {port} does not come up");
            }
        }
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for (_, node) in &mut self.nodes {
            // It has nothing to write down.
            let _ = node.kill();
            let _ = node.wait();
        }
    }
}

/// A port that was free a moment ago, low enough for the cluster's own, which is 10,000 above.
fn free_port() -> io::Result<u16> {
    loop {
        let port = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port();
        if port < 50_000 {
            return Ok(port);
        }
    }
}
