//! `cargo xtask test`: every check there is, the quick ones first.
//!
//! It stops at the first that fails, with its exit code. The tests themselves come last, so that the last
//! lines are the test runner's own summary.

use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use crate::redis::{self, Cluster};
use crate::{answers, path, root, terminals};

/// A check: what it is called, and what it runs after `cargo`.
struct Check {
    name: &'static str,
    args: &'static [&'static str],
    env: Option<(&'static str, &'static str)>,
}

const FORMAT: Check = Check { name: "formatting", args: &["fmt", "--all", "--check"], env: None };
const LINTS: Check = Check {
    name: "lints",
    args: &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
    env: None,
};
const DOCS: Check = Check {
    name: "documentation",
    args: &["doc", "--locked", "--workspace", "--no-deps"],
    env: Some(("RUSTDOCFLAGS", "-D warnings")),
};
const DOC_TESTS: Check = Check {
    name: "examples in the documentation",
    args: &["test", "--locked", "--workspace", "--doc"],
    env: None,
};
const TERMINALS: Check = Check {
    name: "the login screen in real terminals",
    args: &["run", "--quiet", "--locked", "--package", "xtask", "--", "terminals", "--few"],
    env: None,
};
const NEXTEST: Check =
    Check { name: "tests", args: &["nextest", "run", "--locked", "--workspace"], env: None };
const TESTS: Check = Check {
    name: "tests (cargo-nextest is not installed, cargo test runs them)",
    args: &["test", "--locked", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"],
    env: None,
};

/// Runs all checks. The exit code is the first failing one's.
pub(crate) fn run() -> anyhow::Result<ExitCode> {
    set_up()?;
    let tests = if answers("cargo-nextest", &["nextest", "--version"]) { NEXTEST } else { TESTS };
    let checks = [FORMAT, LINTS, DOCS, DOC_TESTS, TERMINALS, tests];
    let cluster = Cluster::start()?;
    for (check, number) in checks.iter().zip(1..) {
        println!("==> {number}/{} {}: cargo {}", checks.len(), check.name, check.args.join(" "));
        let status = Command::new("cargo")
            .args(check.args)
            .envs(check.env)
            .env(redis::VARIABLE, cluster.place())
            .env("PATH", path())
            .current_dir(root())
            .stdin(Stdio::null())
            .status()
            .context("cargo can't be started")?;
        if !status.success() {
            let code = status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1);
            return Ok(ExitCode::from(code));
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// What the tests need beyond Rust: the terminal in which they try the login screen, the store that servers share, and
/// the load balancers before them. By the program's name, which is its Debian package's, too.
const NEEDED: [(&str, &str); 4] =
    [("tmux", "-V"), ("redis-server", "--version"), ("nginx", "-v"), ("haproxy", "-v")];

/// Brings what is missing of it, and the terminals, which are skipped aloud where they are missing.
fn set_up() -> anyhow::Result<()> {
    let is_root = Command::new("id").arg("-u").output().is_ok_and(|id| id.stdout.trim_ascii() == b"0");
    let can_install = is_root && answers("apt-get", &["--version"]);
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, ask)| !answers(program, &[ask]))
        .map(|(program, _)| *program)
        .collect();
    if !missing.is_empty() {
        let names = missing.join(" ");
        if !can_install {
            bail!("missing: {names}. Install it (Debian: apt-get install {names}), then run this again");
        }
        install(&missing).with_context(|| format!("missing: {names}"))?;
    }
    if can_install
        && !terminals::are_few_installed()
        && let Err(error) = install(&terminals::PACKAGES)
    {
        println!("    {error}");
    }
    Ok(())
}

fn install(packages: &[&str]) -> anyhow::Result<()> {
    println!("==> set-up: apt-get install {}", packages.join(" "));
    let install = [&["install", "-y", "-qq", "--no-install-recommends"][..], packages].concat();
    for args in [&["update", "-qq"][..], &install] {
        let status = Command::new("apt-get")
            .args(args)
            .env("DEBIAN_FRONTEND", "noninteractive")
            .stdin(Stdio::null())
            .status()
            .context("apt-get can't be started")?;
        if !status.success() {
            bail!("apt-get {} failed ({status})", args.join(" "));
        }
    }
    Ok(())
}
