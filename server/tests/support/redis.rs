//! Redis servers of the tests' own, on loopback.

#![allow(dead_code, reason = "each crate of tests uses its own part of this")]

#[path = "moving.rs"]
mod moving;

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use server::store::redis::{Options, Place};
use tempfile::TempDir;

#[allow(unused_imports, reason = "each crate of tests uses its own part of this")]
pub(crate) use moving::Moving;

/// A cluster that is there already, for as long as the tests run: `cargo xtask test` starts one, since it takes a
/// second or two to find itself. Each test has a namespace of its own in it.
const SHARED_CLUSTER: &str = "SAOMA_TEST_REDIS_CLUSTER";

/// How often something is looked at that is soon so.
const SOON: Duration = Duration::from_millis(20);
/// How many looks are enough.
const LOOKS: usize = 1500;

/// What keeps a process from being gone with what it was told a moment ago.
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];
/// What a process needs to be part of a cluster that notices quickly when one of it is gone.
const OF_A_CLUSTER: [&str; 8] = [
    "--cluster-enabled",
    "yes",
    "--cluster-node-timeout",
    "1000",
    // Otherwise a replica waits for others before it is given what it lacks.
    "--repl-diskless-sync-delay",
    "0",
    "--cluster-allow-replica-migration",
    "no",
];

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
        Self::single(&[]).await
    }

    /// An instance of this test's own, on whose disk everything is that it has answered.
    pub(crate) async fn alone_and_durable() -> Self {
        Self::single(&DURABLE).await
    }

    async fn single(options: &[&str]) -> Self {
        let node = Node::start(options).await;
        let place = format!("redis://127.0.0.1:{}", node.port).parse().unwrap();
        Self { nodes: vec![node], place, namespace: String::new() }
    }

    /// A cluster of three.
    pub(crate) async fn cluster() -> Self {
        let namespace = format!("{:x}:", u128::from_be_bytes(random()));
        if let Ok(shared) = std::env::var(SHARED_CLUSTER) {
            return Self { nodes: Vec::new(), place: shared.parse().unwrap(), namespace };
        }
        Self { namespace, ..Self::own_cluster(0, &[]).await }
    }

    /// A cluster of this test's own: three, with a replica each.
    pub(crate) async fn with_replicas() -> Self {
        Self::own_cluster(1, &[]).await
    }

    /// A cluster of this test's own: three, on whose disks everything is that they have answered.
    pub(crate) async fn durable_cluster() -> Self {
        Self::own_cluster(0, &DURABLE).await
    }

    async fn own_cluster(replicas: usize, options: &[&str]) -> Self {
        let options = [&OF_A_CLUSTER, options].concat();
        let mut nodes = Vec::new();
        for _ in 0..3 * (1 + replicas) {
            nodes.push(Node::start(&options).await);
        }
        let hosts: Vec<String> = nodes.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        let mut create = Command::new("redis-cli");
        create.args(["--cluster-yes", "--cluster", "create"]).args(&hosts);
        create.args(["--cluster-replicas", &replicas.to_string()]);
        assert!(create.stdout(Stdio::null()).status().unwrap().success(), "no cluster was made");
        for (number, node) in nodes.iter().enumerate() {
            node.says(&["CLUSTER", "INFO"], "cluster_state:ok").await;
            if number >= 3 {
                node.says(&["INFO", "replication"], "master_link_status:up").await;
            }
        }
        let place = format!("redis-cluster://{}", hosts.join(",")).parse().unwrap();
        Self { nodes, place, namespace: String::new() }
    }

    /// The number of the process that a key is written to, as those that live have it.
    pub(crate) fn owner_of(&self, key: &str) -> Option<usize> {
        let nodes = self.nodes.iter().filter(|node| !node.is_away);
        nodes.into_iter().find_map(|node| {
            let slot: u16 = node.cli(&["CLUSTER", "KEYSLOT", key]).trim().parse().ok()?;
            let seen = node.cli(&["CLUSTER", "NODES"]);
            let has_it = |slots: &str| {
                let (first, last) = slots.split_once('-').unwrap_or((slots, slots));
                matches!((first.parse::<u16>(), last.parse::<u16>()), (Ok(first), Ok(last)) if (first..=last).contains(&slot))
            };
            let owner = seen.lines().map(|line| line.split(' ').collect::<Vec<_>>()).find(|fields| {
                let flags: Vec<&str> = fields[2].split(',').collect();
                flags.contains(&"master") && !flags.contains(&"fail") && fields[8..].iter().any(|slots| has_it(slots))
            })?;
            let addr = owner[1].split('@').next()?;
            self.nodes.iter().position(|node| format!("127.0.0.1:{}", node.port) == addr)
        })
    }

    /// Waits until a key is written to another process than this.
    pub(crate) async fn taken_over(&self, key: &str, from: usize) -> usize {
        for _ in 0..LOOKS {
            if let Some(owner) = self.owner_of(key).filter(|owner| *owner != from) {
                return owner;
            }
            tokio::time::sleep(SOON).await;
        }
        panic!("nobody has taken {key} over");
    }

    /// The number of a primary's replica.
    pub(crate) fn replica_of(&self, owner: usize) -> usize {
        let its_primary = format!("master_port:{}\r", self.nodes[owner].port);
        let follows = |other: &usize| self.cli(*other, &["INFO", "replication"]).contains(&its_primary);
        (0..self.len()).find(follows).unwrap()
    }

    /// SIGKILL: nothing is finished, nothing is flushed.
    pub(crate) fn kill(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.is_away = true;
        node.process.kill().unwrap();
        node.process.wait().unwrap();
    }

    /// Starts a process again that was killed, with what is on its disk.
    pub(crate) async fn restart(&mut self, number: usize) {
        let node = &mut self.nodes[number];
        node.process = node.spawn();
        node.says(&["PING"], "PONG").await;
        node.is_away = false;
    }

    /// Waits until a process of a cluster is a replica that has all of its primary.
    pub(crate) async fn follows(&self, number: usize) {
        self.nodes[number].says(&["INFO", "replication"], "master_link_status:up").await;
    }

    /// Waits until each process of a cluster finds it whole.
    pub(crate) async fn is_whole(&self) {
        for node in &self.nodes {
            node.says(&["CLUSTER", "INFO"], "cluster_state:ok").await;
        }
    }

    /// SIGSTOP: connections stay, and nothing comes over them.
    pub(crate) fn pause(&mut self, number: usize) {
        self.nodes[number].is_away = true;
        self.nodes[number].signal("-STOP");
    }

    /// SIGCONT.
    pub(crate) fn resume(&mut self, number: usize) {
        self.nodes[number].signal("-CONT");
        self.nodes[number].is_away = false;
    }

    /// What a command of `redis-cli` answers, at one of the processes.
    pub(crate) fn cli(&self, number: usize, command: &[&str]) -> String {
        self.nodes[number].cli(command)
    }

    /// How many processes there are.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The address of one of them.
    pub(crate) fn addr_of(&self, number: usize) -> String {
        format!("127.0.0.1:{}", self.nodes[number].port)
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
        const ALL: &str = "local all = {} for _, key in ipairs(redis.call('KEYS', '*')) do \
                           all[#all + 1] = redis.call('PTTL', key) .. ' ' .. key end return all";
        let all = self.nodes[0].cli(&["EVAL", ALL, "0"]);
        let key = |line: &str| {
            let (millis, key) = line.split_once(' ')?;
            Some((key.to_owned(), millis.parse().ok().map(Duration::from_millis)))
        };
        all.lines().filter_map(key).collect()
    }

    /// Removes every key of a single one that expires by itself within this time: stands for waiting that long.
    pub(crate) fn expire_within(&self, time: Duration) {
        const ALL: &str = "for _, key in ipairs(redis.call('KEYS', '*')) do local left = redis.call('PTTL', key) \
                           if left >= 0 and left <= tonumber(ARGV[1]) then redis.call('UNLINK', key) end end";
        self.nodes[0].cli(&["EVAL", ALL, "0", &time.as_millis().to_string()]);
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
        let time = |name: &str| {
            let secs = info.lines().find_map(|line| line.strip_prefix(name)).unwrap();
            Duration::from_secs_f64(secs.trim().parse().unwrap())
        };
        Counts {
            scripts: by_command(|command| command.starts_with("eval")),
            commands: by_command(|command| !command.starts_with("eval") && !command.starts_with("info")),
            received: field("total_net_input_bytes:"),
            sent: field("total_net_output_bytes:"),
            memory: field("used_memory:"),
            cpu: time("used_cpu_user:") + time("used_cpu_sys:"),
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
    /// Scripts, which is nearly all that comes over the network.
    pub(crate) scripts: u64,
    /// Commands, most of them within scripts.
    pub(crate) commands: u64,
    /// Bytes over the network, by direction.
    pub(crate) received: u64,
    pub(crate) sent: u64,
    /// Bytes.
    pub(crate) memory: u64,
    /// What it has taken of its processor.
    pub(crate) cpu: Duration,
}

/// A process of Redis.
struct Node {
    port: u16,
    process: Child,
    options: Vec<String>,
    dir: TempDir,
    /// Whether it was killed or paused.
    is_away: bool,
}

impl Node {
    async fn start(options: &[&str]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let port = free_port();
        let options: Vec<String> = options.iter().map(|&option| option.to_owned()).collect();
        let process = spawn(port, &options, &dir);
        let node = Self { port, process, options, dir, is_away: false };
        node.says(&["PING"], "PONG").await;
        node
    }

    fn spawn(&self) -> Child {
        spawn(self.port, &self.options, &self.dir)
    }

    fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.process.id().to_string()]).status().unwrap();
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

fn spawn(port: u16, options: &[String], dir: &TempDir) -> Child {
    let log = File::options().create(true).append(true).open(dir.path().join("log")).unwrap();
    Command::new("redis-server")
        .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
        .arg(port.to_string())
        .arg("--dir")
        .arg(dir.path())
        .args(options)
        .stdout(log)
        .spawn()
        .expect("redis-server must be installed (Debian: apt-get install redis-server)")
}

/// A port that was free a moment ago, with room above it for the cluster's bus. Both are below those that the system gives
/// to connections, and of its own for each of the processes that run at once: so it still is free a moment later.
pub(crate) fn free_port() -> u16 {
    const EACH: u16 = 110;
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 100).unwrap();
    loop {
        let port = 11_000 + process * EACH + TAKEN.fetch_add(1, Ordering::Relaxed) % EACH;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
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
