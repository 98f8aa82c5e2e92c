//! That README.md tells the truth where a program can tell.

use std::fs;

use crate::root;

const SCREEN: &str = "pc-tui/src/view/tests/snapshots/pc_tui__view__tests__scenes__unscanned.en.snap";
/// Where the words beside the QR code begin.
const WORDS_COLUMN: usize = 40;

pub(crate) fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap()
}

/// The text between the two fences of a block that begins with `start`.
fn block<'a>(readme: &'a str, start: &str) -> &'a str {
    let at = readme.find(&format!("```\n{start}")).unwrap() + "```\n".len();
    readme[at..].split("\n```").next().unwrap()
}

/// Whether it is the path of a file or folder, rather than of a request.
pub(crate) fn is_path(word: &str) -> bool {
    let ours = ["shared/", "server/", "pc-tui/", "mobile-cli/", "xtask/", "fuzz/", "docs/", ".ci/"];
    ours.iter().any(|folder| word.starts_with(folder)) && !word.contains(' ')
}

#[test]
fn every_file_on_the_map_is_there() {
    let readme = read("README.md");
    let mut top = "";
    let mut named = 0;
    for line in block(&readme, "shared/").lines() {
        let word = line.split_whitespace().next().unwrap();
        if !line.starts_with(' ') {
            top = word;
        }
        let path = if word == top { root().join(top) } else { root().join(top).join(word) };
        assert!(path.exists(), "{line}");
        named += 1;
    }
    assert!(named > 20, "{named} is not the whole map");
}

#[test]
fn every_file_in_the_text_is_there() {
    let readme = read("README.md");
    let named: Vec<_> = readme.split('`').filter(|word| is_path(word)).collect();
    assert!(named.len() > 10, "{named:?}");
    for path in named {
        assert!(root().join(path).exists(), "{path}");
    }
}

#[test]
fn the_picture_says_what_the_screen_says() {
    let readme = read("README.md");
    let picture = block(&readme, " Saoma");
    let screen = read(SCREEN);
    let lines = screen.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    let words = lines.map(|line| line.chars().skip(WORDS_COLUMN).collect::<String>());
    let words: Vec<_> =
        words.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty()).collect();
    assert!(words.iter().any(|words| words == "WDJB-MJHT"), "{words:?}");
    for words in words {
        assert!(picture.contains(&words), "{words}");
    }
}
