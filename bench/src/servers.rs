//! The programs that are measured.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Room enough for one address to be everybody.
const UNLIMITED: [[&str; 2]; 8] = [
    ["--limit-issue", "1000000000/1m"],
    ["--limit-open-per-ip", "100000000"],
    ["--limit-open", "100000000"],
    ["--limit-scan", "1000000000/1m"],
    ["--limit-device-code", "1000000000/1m"],
    ["--limit-password", "1000000000/1m"],
    ["--limit-register", "1000000000/1m"],
    ["--max-connections", "1000000"],
];

/// A running program on a core of its own. Killed when this is dropped.
pub(crate) struct Measured {
    child: Child,
    pub(crate) addr: SocketAddr,
    /// Where it keeps what it keeps; removed with it.
    dir: tempfile::TempDir,
}

/// What a program has used so far.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    pub(crate) cpu: Duration,
    pub(crate) rss_bytes: u64,
}

/// Two cores, if there are as many: what is measured runs on the first, and who measures on the second.
pub(crate) struct Cores([CpuSet; 2]);

impl Cores {
    pub(crate) fn find() -> anyhow::Result<Self> {
        let all = sched_getaffinity(None)?;
        let mut each = (0..CpuSet::MAX_CPU).filter(|&core| all.is_set(core));
        let (Some(first), Some(second)) = (each.next(), each.next()) else {
            bail!("two cores are needed: one for the server, one for the load");
        };
        let only = |core| {
            let mut set = CpuSet::new();
            set.set(core);
            set
        };
        Ok(Self([only(first), only(second)]))
    }

    /// Starts a program on the first core; from here on, this program is on the second.
    fn start(&self, command: &mut Command) -> anyhow::Result<Child> {
        sched_setaffinity(None, &self.0[0])?;
        let child = command.spawn();
        sched_setaffinity(None, &self.0[1])?;
        child.with_context(|| format!("{} can't be started", command.get_program().display()))
    }
}

impl Measured {
    /// axum with nothing behind it.
    pub(crate) fn bare(cores: &Cores) -> anyhow::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("bare");
        Self::start(cores, command, tempfile::tempdir_in(near()?)?)
    }

    /// The server on a store of its own: `sqlite`, `memory`, or where a Redis is.
    pub(crate) fn server(cores: &Cores, program: &Path, store: &str, more: &[&str]) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir_in(near()?)?;
        let place = match store {
            "sqlite" => format!("sqlite:{}", dir.path().join("saoma.db").display()),
            "memory" => "sqlite::memory:".to_owned(),
            redis => redis.to_owned(),
        };
        let log = fs::File::create(dir.path().join("log"))?;
        let mut command = Command::new(program);
        command.args(["--listen", "127.0.0.1:0", "--open-registration", "--log", "json", "--store", &place]);
        command.arg("--secret-file").arg(dir.path().join("secret"));
        command.args(UNLIMITED.as_flattened()).args(more).stderr(log);
        Self::start(cores, command, dir)
    }

    fn start(cores: &Cores, mut command: Command, dir: tempfile::TempDir) -> anyhow::Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = cores.start(&mut command)?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("it has an output")?).read_line(&mut line)?;
        let addr = line.trim().strip_prefix("listening on http://").and_then(|addr| addr.parse().ok());
        ensure!(addr.is_some(), "{} did not start: {line:?}", command.get_program().display());
        Ok(Self { child, addr: addr.context("it listens")?, dir })
    }

    /// What it has used so far.
    pub(crate) fn used(&self) -> anyhow::Result<Used> {
        let proc = PathBuf::from(format!("/proc/{}", self.child.id()));
        let stat = fs::read_to_string(proc.join("stat"))?;
        // proc(5): the name, which may hold anything, ends with the last bracket; utime and stime are fields 14 and 15.
        let fields =
            stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace()).context("it has no stat")?;
        let ticks: Vec<u64> = fields.skip(11).take(2).filter_map(|ticks| ticks.parse().ok()).collect();
        let per_sec = rustix::param::clock_ticks_per_second();
        let cpu = Duration::from_micros(ticks.iter().sum::<u64>() * 1_000_000 / per_sec);
        let status = fs::read_to_string(proc.join("status"))?;
        let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib: u64 =
            rss.and_then(|rss| rss.trim().strip_suffix(" kB")?.parse().ok()).context("it has no size")?;
        Ok(Used { cpu, rss_bytes: kib * 1024 })
    }

    /// How large its files of a kind are, in bytes, by what their names end with.
    pub(crate) fn file_bytes(&self, ending: &str) -> anyhow::Result<u64> {
        let mut bytes = 0;
        for file in fs::read_dir(self.dir.path())? {
            let file = file?;
            if file.file_name().to_string_lossy().ends_with(ending) {
                bytes += file.metadata()?.len();
            }
        }
        Ok(bytes)
    }
}

impl Drop for Measured {
    fn drop(&mut self) {
        // Nobody needs it any more, and it may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A directory on the disk that the program was built on, since what `/tmp` is on may never be synced.
pub(crate) fn near() -> anyhow::Result<PathBuf> {
    let program = std::env::current_exe()?;
    Ok(program.parent().context("it is in a directory")?.to_owned())
}
