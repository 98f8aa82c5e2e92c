//! That SECURITY.md names no file and no test that isn't there.
//!
//! ```text
//! `server/src/audit.rs`              a file or folder
//! `e2e/oauth.rs: name_of_a_test`     a test: as much of its file's path as no other file ends with
//! ```

use std::fs;
use std::path::{Path, PathBuf};

use crate::readme::{is_path, read};
use crate::root;

/// What stands between two backticks on a line. A word of its own never goes over the end of one.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.lines().flat_map(|line| line.split('`').skip(1).step_by(2))
}

/// A word of the form `file.rs: name`, in its two parts.
fn reference(word: &str) -> Option<(&str, &str)> {
    let (file, name) = word.split_once(": ")?;
    Path::new(file).extension().is_some_and(|ending| ending == "rs").then_some((file, name))
}

/// Every Rust source of the workspace.
fn sources() -> Vec<PathBuf> {
    let mut sources = Vec::new();
    let mut folders: Vec<_> = ["shared", "server", "pc-tui", "mobile-cli", "xtask", "fuzz/targets"]
        .map(|folder| root().join(folder))
        .into();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                sources.push(path);
            }
        }
    }
    sources
}

/// Whether a source marks the function as a test.
fn is_marked(source: &str, name: &str) -> bool {
    let is_head = |line: &str| {
        let line = line.trim_start().trim_start_matches("async ");
        line.strip_prefix("fn ")
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('('))
    };
    let lines: Vec<_> = source.lines().collect();
    lines.iter().enumerate().any(|(at, line)| {
        let above = lines[..at].iter().rev().map(|line| line.trim_start());
        let mut above = above.take_while(|line| line.starts_with("#[") || line.starts_with("//"));
        is_head(line) && above.any(|line| line.starts_with("#[test]") || line.starts_with("#[tokio::test"))
    })
}

/// Whether the suite's `main.rs` makes a test of the function, which the source then only defines.
fn is_listed(path: &Path, source: &str, name: &str) -> bool {
    let entry = format!(": {name},");
    source.contains(&format!("fn {name}("))
        && path.ancestors().skip(1).take(2).any(|folder| {
            let suite = fs::read_to_string(folder.join("main.rs")).unwrap_or_default();
            suite.lines().any(|line| line.ends_with(&entry))
        })
}

/// What is wrong with a reference to a test, if anything.
fn trouble(sources: &[PathBuf], file: &str, name: &str) -> Option<String> {
    let named: Vec<_> = sources.iter().filter(|path| path.ends_with(file)).collect();
    let [path] = named[..] else { return Some(format!("{} files are called {file}", named.len())) };
    let source = fs::read_to_string(path).unwrap();
    let is_there = is_marked(&source, name) || is_listed(path, &source, name);
    (!is_there).then(|| format!("{file} has no test {name}"))
}

#[test]
fn every_file_is_there() {
    let text = read("SECURITY.md");
    let named: Vec<_> = quoted(&text).filter(|word| is_path(word)).collect();
    assert!(named.len() > 3, "{named:?}");
    let missing: Vec<_> = named.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn every_test_is_there() {
    let (text, sources) = (read("SECURITY.md"), sources());
    let named: Vec<_> = quoted(&text).filter_map(reference).collect();
    assert!(named.len() > 40, "{named:?}");
    let troubles: Vec<_> = named.iter().filter_map(|(file, name)| trouble(&sources, file, name)).collect();
    assert!(troubles.is_empty(), "{troubles:#?}");
}

#[test]
fn a_reference_to_no_test_is_noticed() {
    let sources = sources();
    let trouble = |file, name| trouble(&sources, file, name);
    assert_eq!(trouble("security.rs", "a_reference_to_no_test_is_noticed"), None);
    assert_eq!(trouble("attacks/reuse.rs", "redeem_64_times_at_once"), None);
    // No such file, several of them, a function that is no test, a name that only begins like one.
    assert!(trouble("no_such.rs", "x").is_some());
    assert!(trouble("main.rs", "main").is_some());
    assert!(trouble("security.rs", "sources").is_some());
    assert!(trouble("attacks/scene.rs", "is_good").is_some());
    assert!(trouble("attacks/reuse.rs", "redeem_64_times").is_some());
    assert_eq!(quoted("a `b.rs: c` d `e`").filter_map(reference).collect::<Vec<_>>(), [("b.rs", "c")]);
}
