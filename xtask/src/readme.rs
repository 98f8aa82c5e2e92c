//! That README.md tells the truth where a program can tell.

use std::collections::BTreeSet;
use std::fs;

use crate::root;

/// Each language's page.
const PAGES: [&str; 2] = ["README.md", "README.zh-CN.md"];

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

/// The language of each block between fences, and its lines.
fn blocks(readme: &str) -> Vec<(&str, Vec<&str>)> {
    let parts = readme.split("\n```").skip(1).step_by(2);
    parts
        .map(|part| part.split_once('\n').unwrap())
        .map(|(lang, text)| (lang, text.lines().collect()))
        .collect()
}

/// The text outside the blocks.
fn prose(readme: &str) -> String {
    readme.split("\n```").step_by(2).collect()
}

/// What stands between each two marks, each once, in order.
fn between<'a>(text: &'a str, open: &str, close: &str) -> Vec<&'a str> {
    let mut all: Vec<_> =
        text.split(open).skip(1).filter_map(|rest| rest.split_once(close)).map(|(found, _)| found).collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[test]
fn every_file_on_the_map_is_there() {
    for page in PAGES {
        let readme = read(page);
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
}

#[test]
fn every_file_in_the_text_is_there() {
    for page in PAGES {
        let readme = read(page);
        let named: Vec<_> = readme.split('`').filter(|word| is_path(word)).collect();
        assert!(named.len() > 10, "{named:?}");
        for path in named {
            assert!(root().join(path).exists(), "{path}");
        }
    }
}

/// A translation does not drift: what is no language's is the same in both, and stands in the same places.
#[test]
fn both_pages_have_the_same_content() {
    let [english, chinese] = PAGES.map(read);
    let levels = |readme: &str| -> Vec<usize> {
        let prose = prose(readme);
        prose
            .lines()
            .filter(|line| line.starts_with('#'))
            .map(|line| line.split(' ').next().unwrap().len())
            .collect()
    };
    assert_eq!(levels(&english), levels(&chinese), "headings");
    let shapes = |readme: &str| -> Vec<String> {
        let prose = prose(readme);
        let first = prose.lines().map(|line| line.split(' ').next().unwrap().to_owned());
        first.filter(|word| ["|", "-", "1.", "2.", "3.", "4."].contains(&word.as_str())).collect()
    };
    assert_eq!(shapes(&english), shapes(&chinese), "rows of tables, and items of lists");
    let codes = |readme: &str| {
        let prose = prose(readme);
        prose.split('`').skip(1).step_by(2).map(str::to_owned).collect::<BTreeSet<_>>()
    };
    assert_eq!(codes(&english), codes(&chinese), "pieces of code");
    let links = |readme: &str| {
        let links = between(readme, "](", ")").into_iter().map(str::to_owned);
        links.filter(|link| !link.starts_with("README")).collect::<Vec<_>>()
    };
    assert_eq!(links(&english), links(&chinese), "links");
    let (ours, theirs) = (blocks(&english), blocks(&chinese));
    assert_eq!(ours.len(), theirs.len(), "blocks");
    for ((lang, lines), (other_lang, other_lines)) in ours.iter().zip(&theirs) {
        assert_eq!((lang, lines.len()), (other_lang, other_lines.len()), "{lines:?}");
        let command = |line: &&str| line.split(" # ").next().unwrap().trim_end().to_owned();
        if !lang.is_empty() {
            assert!(lines.iter().map(command).eq(other_lines.iter().map(command)), "{other_lines:?}");
        }
    }
    for (readme, other) in [(&english, "README.zh-CN.md"), (&chinese, "README.md")] {
        assert!(
            readme.lines().take(3).any(|line| line.contains(&format!("]({other})"))),
            "{other} is linked at the top"
        );
    }
}
