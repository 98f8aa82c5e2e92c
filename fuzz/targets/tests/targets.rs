//! The targets on stable Rust: their seeds, and changes of them by chance.
//!
//! cargo-fuzz looks for long and follows what it finds; this looks for seconds, everywhere, at each change.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::fmt;
use std::fs;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use fuzz_targets::TARGETS;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// A change of an input. What is past its end counts from its beginning again.
#[derive(Clone, Debug)]
enum Change {
    Flip(Index, u8),
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    /// The rest becomes that of another seed.
    Splice(Index, Index),
}

fn change() -> impl Strategy<Value = Change> {
    let at = any::<Index>;
    // Bytes that mean something to some reader, beside any.
    let byte = || prop_oneof![any::<u8>(), prop::sample::select(&b"\"'&=%+{}[]:,.;-_/\\0 \n\r\t\0\xff"[..])];
    prop_oneof![
        (at(), 0..8_u8).prop_map(|(at, bit)| Change::Flip(at, 1 << bit)),
        (at(), byte()).prop_map(|(at, byte)| Change::Set(at, byte)),
        (at(), prop::collection::vec(byte(), 1..8)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
        (at(), 1..16_usize).prop_map(|(at, len)| Change::Remove(at, len)),
        (at(), 1..64_usize).prop_map(|(at, len)| Change::Repeat(at, len)),
        (at(), at()).prop_map(|(at, other)| Change::Splice(at, other)),
    ]
}

fn apply(change: &Change, input: &mut Vec<u8>, seeds: &[(String, Vec<u8>)]) {
    let place = |at: &Index| at.index(input.len() + 1);
    match change {
        Change::Flip(at, bit) if !input.is_empty() => {
            let at = at.index(input.len());
            input[at] ^= bit;
        }
        Change::Set(at, byte) if !input.is_empty() => {
            let at = at.index(input.len());
            input[at] = *byte;
        }
        Change::Flip(..) | Change::Set(..) => {}
        Change::Insert(at, bytes) => drop(input.splice(place(at)..place(at), bytes.iter().copied())),
        Change::Remove(at, len) => drop(input.drain(place(at)..(place(at) + len).min(input.len()))),
        Change::Repeat(at, len) => {
            let (from, to) = (place(at), (place(at) + len).min(input.len()));
            let again = input[from..to].to_vec();
            input.splice(from..from, again);
        }
        Change::Splice(at, other) => {
            let at = place(at);
            let (_, other) = other.get(seeds);
            input.truncate(at);
            input.extend_from_slice(&other[at.min(other.len())..]);
        }
    }
}

/// An input, shown as a byte string.
#[derive(Clone)]
struct Input(Vec<u8>);

impl fmt::Debug for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

/// Seeds with a few changes each.
fn inputs(seeds: Vec<(String, Vec<u8>)>) -> impl Strategy<Value = Input> {
    (any::<Index>(), prop::collection::vec(change(), 1..5)).prop_map(move |(seed, changes)| {
        let (_, mut input) = seed.get(&seeds).clone();
        for change in &changes {
            apply(change, &mut input, &seeds);
        }
        Input(input)
    })
}

/// The seeds of a target, by the names of their files.
fn seeds(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus").join(name);
    let mut seeds: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(path).unwrap())
        })
        .collect();
    seeds.sort_unstable();
    seeds
}

/// Every seed as it is, then `cases` changed ones.
fn run(name: &str, cases: u32) {
    let (_, target) = TARGETS.into_iter().find(|(known, _)| *known == name).unwrap();
    let seeds = seeds(name);
    for (file, seed) in &seeds {
        let played = panic::catch_unwind(AssertUnwindSafe(|| target(seed)));
        assert!(played.is_ok(), "fuzz/corpus/{name}/{file}");
    }
    // No file of failures: what is found becomes a seed.
    let config = Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    let inputs = inputs(seeds);
    let found = TestRunner::new(config).run(&inputs, |Input(input)| {
        target(&input);
        Ok(())
    });
    if let Err(found) = found {
        panic!("{found}\nmake the minimal input a file in fuzz/corpus/{name}, named after what it shows");
    }
}

macro_rules! targets {
    ($($name:ident: $cases:literal,)*) => {
        $(#[test]
        fn $name() {
            run(stringify!($name), $cases);
        })*

        #[test]
        fn none_is_left_out() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$(stringify!($name)),*]);
        }
    };
}

targets! {
    qr_text: 20_000,
    user_code: 20_000,
    form_body: 2_000,
    json_body: 2_000,
    headers: 2_000,
    dpop_proof: 4_000,
    picture: 500,
    socket_frames: 2_000,
}

/// That this can find anything at all: a target with a planted flaw, and seeds that don't show it.
#[test]
fn a_planted_flaw_is_found() {
    let seeds = vec![("seed".to_owned(), b"client_id=tests&scope=a".to_vec())];
    let config = Config { cases: 20_000, failure_persistence: None, ..Config::default() };
    let found = TestRunner::new(config).run(&inputs(seeds), |Input(input)| {
        prop_assert!(!input.windows(2).any(|pair| pair == b"&&"), "flaw");
        Ok(())
    });
    assert!(found.unwrap_err().to_string().contains("flaw"));
}
