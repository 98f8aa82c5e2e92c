//! `cargo xtask decode-bench DIR`: how many pictures of each set are read, and how fast, beside other readers.
//!
//! ```text
//! DIR/manifest.jsonl   {"path":"a/1.png","set":"a","expected":["text"]}, one a line; "expected" is empty where
//!                      nothing may be read
//! DIR/**.png .txt      without one: every picture, and beside it the text that it holds; a set is a folder
//! ```
//!
//! Saoma's times are those of the decoder alone, measured by `mobile-cli/examples/decode_each.rs`. The others are
//! programs, one start for each picture, and the start is part of their times.

mod pictures;
mod readers;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::bail;

use pictures::Picture;
use readers::Outcome;

/// Pictures with more pixels than this have no part in the times.
const TIMED_PIXELS: u64 = 2_000_000;

/// What to read.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A folder with pictures, and a manifest.jsonl that says what they hold.
    dir: PathBuf,
    /// Also say which pictures were not read as expected.
    #[arg(long)]
    missed: bool,
}

/// Reads all pictures with each reader that there is, and prints a table.
pub(crate) fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let pictures = pictures::in_folder(&options.dir)?;
    if pictures.is_empty() {
        bail!("no pictures in {}", options.dir.display());
    }
    let mut sets: Vec<&str> = Vec::new();
    for picture in &pictures {
        if !sets.contains(&picture.set.as_str()) {
            sets.push(&picture.set);
        }
    }
    println!(
        "{:<10} {:<16} {:>9} {:>6}  {:>8} {:>8} {:>8}",
        "reader", "set", "read", "wrong", "median", "p95", "max"
    );
    for (reader, outcomes) in readers::all(&pictures)? {
        let results: Vec<_> = pictures.iter().zip(&outcomes).collect();
        for set in &sets {
            let of_set: Vec<_> = results.iter().filter(|(picture, _)| picture.set == *set).copied().collect();
            println!("{reader:<10} {set:<16} {}", row(&of_set));
        }
        println!("{reader:<10} {:<16} {}", "all", row(&results));
        let missed = results.iter().filter(|(picture, outcome)| picture.is_missed(&outcome.texts));
        for (picture, outcome) in missed.filter(|_| options.missed) {
            println!("{reader:<10} missed {} {:?}", picture.path.display(), outcome.texts);
        }
    }
    println!(
        "Times in milliseconds, of pictures up to 2 megapixels; of programs other than Saoma with their start."
    );
    Ok(ExitCode::SUCCESS)
}

/// `read/all wrong median p95 max`.
fn row(results: &[(&Picture, &Outcome)]) -> String {
    let read = results.iter().filter(|(picture, outcome)| picture.is_read(&outcome.texts)).count();
    let wrong = results.iter().filter(|(picture, outcome)| picture.is_wrong(&outcome.texts)).count();
    let with_text = results.iter().filter(|(picture, _)| !picture.expected.is_empty()).count();
    let small = results.iter().filter(|(_, outcome)| outcome.pixels <= TIMED_PIXELS);
    let mut micros: Vec<u64> = small.map(|(_, outcome)| outcome.micros).collect();
    micros.sort_unstable();
    let at = |percent: usize| micros.get((micros.len() * percent / 100).min(micros.len().saturating_sub(1)));
    let times = [50, 95, 100].map(|percent| at(percent).map_or("-".to_owned(), |micros| shown(*micros)));
    format!(
        "{:>9} {wrong:>6}  {:>8} {:>8} {:>8}",
        format!("{read}/{with_text}"),
        times[0],
        times[1],
        times[2]
    )
}

/// Milliseconds with one digit after the point.
fn shown(micros: u64) -> String {
    format!("{}.{}", micros / 1000, micros % 1000 / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_counts_what_was_read_and_times_the_small() {
        let picture = |expected: &[&str]| Picture {
            path: PathBuf::new(),
            set: "a".to_owned(),
            expected: expected.iter().map(|text| (*text).to_owned()).collect(),
        };
        let outcome = |texts: &[&str], micros: u64, pixels: u64| Outcome {
            texts: texts.iter().map(|text| (*text).to_owned()).collect(),
            micros,
            pixels,
        };
        let pictures = [picture(&["x", "y"]), picture(&["x"]), picture(&["x"]), picture(&[])];
        let outcomes = [
            outcome(&["z", "y\r\n"], 1_250, 1),
            outcome(&["z"], 2_000, 1),
            outcome(&[], 9_000_000, TIMED_PIXELS + 1),
            outcome(&["chance"], 3_999, 1),
        ];
        let row = row(&pictures.iter().zip(&outcomes).collect::<Vec<_>>());
        assert_eq!(row.split_whitespace().collect::<Vec<_>>(), ["1/3", "2", "2.0", "3.9", "3.9"]);
    }
}
