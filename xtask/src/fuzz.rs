//! `cargo xtask fuzz`: every target of `fuzz/`, one after the other, with cargo-fuzz.
//!
//! ```text
//! fuzz/corpus/TARGET     the seeds: read, and never written to
//! fuzz/grown/TARGET      what led to new code: kept for the next run, not committed
//! fuzz/artifacts/TARGET  what broke something
//! ```
//!
//! The same targets run as tests, on seeds and small changes of them: this looks for longer, and is not part of
//! `cargo xtask test`.

use std::fs;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, bail};

use crate::{answers, root};

/// Where cargo-fuzz builds.
const BUILT_IN: &str = "target/fuzz";
/// The longest that one input may take, in seconds: a picture may take two, and an instrumented program is slow.
const TIMEOUT_SECS: u32 = 30;
/// The most memory, in MB: the largest picture takes 300, and what watches over memory as much again.
const MEMORY_MB: u32 = 2048;

/// The targets, and the most bytes of an input: past it there is only more of the same.
const TARGETS: [(&str, u32); 8] = [
    ("qr_text", 256),
    ("user_code", 64),
    ("form_body", 2048),
    ("json_body", 2048),
    ("headers", 1024),
    ("dpop_proof", 1024),
    ("picture", 16 * 1024),
    ("socket_frames", 1024),
];

/// What to fuzz, and for how long.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// The seconds for each target.
    #[arg(default_value_t = 60)]
    seconds: u32,
    /// Only this target; may be given several times. All, if not given.
    #[arg(long = "target", value_name = "NAME", value_parser = TARGETS.map(|(name, _)| name))]
    targets: Vec<String>,
    /// What watches over memory: it finds more, and costs speed.
    #[arg(long, default_value = "address", value_parser = ["address", "none"])]
    sanitizer: String,
}

/// Runs the targets. Goes on after a finding, so that the others have their turn.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    if !answers("cargo-fuzz", &["--version"]) {
        bail!("cargo-fuzz is missing: cargo install --locked cargo-fuzz, then run this again");
    }
    let is_wanted =
        |name: &str| options.targets.is_empty() || options.targets.iter().any(|want| want == name);
    let mut found = Vec::new();
    for (name, max_len) in TARGETS.into_iter().filter(|(name, _)| is_wanted(name)) {
        println!("==> {name}, for {} s", options.seconds);
        if !fuzz(name, max_len, options)? {
            found.push(name);
        }
    }
    if found.is_empty() {
        println!("==> nothing found");
        return Ok(ExitCode::SUCCESS);
    }
    for name in found {
        eprintln!(
            "error: {name} found something, or did not build; its input, if there is one, is in fuzz/artifacts/{name}: \
             keep it in fuzz/corpus/{name}, named after what it shows"
        );
    }
    Ok(ExitCode::FAILURE)
}

/// Runs one target; false if it ended before its time.
fn fuzz(name: &str, max_len: u32, options: &Options) -> anyhow::Result<bool> {
    let [grown, seeds] = ["grown", "corpus"].map(|folder| format!("fuzz/{folder}/{name}"));
    fs::create_dir_all(root().join(&grown)).context("the folder for what is found can't be made")?;
    let status = Command::new("cargo")
        .args(["fuzz", "run", "--target-dir", BUILT_IN, "--sanitizer", &options.sanitizer])
        .args([name, &grown, &seeds, "--"])
        .arg(format!("-max_total_time={}", options.seconds))
        .arg(format!("-max_len={max_len}"))
        .arg(format!("-timeout={TIMEOUT_SECS}"))
        .arg(format!("-rss_limit_mb={MEMORY_MB}"))
        // Server and store have threads of their own, which are not asked to end when the program does.
        .args(["-detect_leaks=0", "-print_final_stats=1"])
        // The compiler's instruments are behind a switch; with it, a stable compiler is as good as a nightly one.
        .env("RUSTC_BOOTSTRAP", "1")
        .current_dir(root())
        .stdin(Stdio::null())
        .status()
        .context("cargo can't be started")?;
    Ok(status.success())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_target_is_run_and_has_seeds() {
        let in_folder = |folder: &str, ending: &str| -> BTreeSet<String> {
            let entries = fs::read_dir(root().join(folder)).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.map(|name| name.trim_end_matches(ending).to_owned()).collect()
        };
        let known: BTreeSet<_> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(in_folder("fuzz/fuzz_targets", ".rs"), known);
        assert_eq!(in_folder("fuzz/corpus", ""), known);
        let manifest = fs::read_to_string(root().join("fuzz/Cargo.toml")).unwrap();
        for (name, max_len) in TARGETS {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            let seeds = fs::read_dir(root().join("fuzz/corpus").join(name)).unwrap();
            let longest = seeds.map(|seed| seed.unwrap().metadata().unwrap().len()).max();
            assert!((1..=u64::from(max_len)).contains(&longest.unwrap()), "{name}");
        }
    }

    /// The programs are built from the same versions as what they try.
    #[test]
    fn the_lock_files_agree() {
        let packages = |path: &str| -> BTreeSet<String> {
            let lock = fs::read_to_string(root().join(path)).unwrap();
            let packages = lock.split("[[package]]").skip(1);
            packages.map(|package| package.lines().skip(1).take(2).collect::<Vec<_>>().join(" ")).collect()
        };
        let (ours, theirs) = (packages("Cargo.lock"), packages("fuzz/Cargo.lock"));
        let own =
            ["arbitrary", "fuzz", "jobserver", "libfuzzer-sys"].map(|name| format!("name = \"{name}\" "));
        let other: Vec<_> = theirs
            .difference(&ours)
            .filter(|package| !own.iter().any(|name| package.starts_with(name.as_str())))
            .collect();
        assert!(other.is_empty(), "copy Cargo.lock to fuzz/Cargo.lock, then build there: {other:#?}");
    }
}
