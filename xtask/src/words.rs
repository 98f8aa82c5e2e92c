//! That every message of the catalogues is said by somebody. All else about them the compiler knows.

use std::fs;
use std::path::{Path, PathBuf};

use crate::root;

/// The crates that speak to people.
const SPEAKERS: [&str; 4] = ["shared", "pc-tui", "mobile-cli", "server"];

/// The programs' own text below a folder, without the catalogues.
fn sources(folder: &Path, all: &mut String) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for entry in entries {
        if entry.is_dir() && !entry.ends_with("words") {
            sources(&entry, all);
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            *all += &fs::read_to_string(entry).unwrap();
        }
    }
}

/// The names of the messages in a catalogue.
fn names(catalogue: &str) -> Vec<&str> {
    catalogue
        .lines()
        .filter_map(|line| line.strip_prefix("    ")?.split_once('('))
        .filter(|(name, rest)| {
            rest.contains(") = ") && name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')
        })
        .map(|(name, _)| name)
        .collect()
}

#[test]
fn no_message_is_there_for_nobody() {
    for speaker in SPEAKERS {
        let source = root().join(speaker).join("src");
        let catalogue = fs::read_to_string(source.join("words/english.rs")).unwrap();
        let mut said = String::new();
        sources(&source, &mut said);
        said.retain(|c| !c.is_whitespace());
        let names = names(&catalogue);
        assert!(names.len() > 5, "{speaker}: {} are not all messages", names.len());
        for name in names {
            let is_said = ["lang,", "lang(),", "to_say!("]
                .iter()
                .any(|before| said.contains(&format!("{before}{name}(")));
            assert!(is_said, "{speaker}: nobody says {name}");
        }
    }
}

#[test]
fn the_messages_stand_in_the_same_order_in_every_language() {
    for speaker in SPEAKERS {
        let read =
            |lang: &str| fs::read_to_string(root().join(speaker).join("src/words").join(lang)).unwrap();
        let (english, chinese) = (read("english.rs"), read("chinese.rs"));
        assert_eq!(names(&english), names(&chinese), "{speaker}");
    }
}

/// Where Chinese has a mark of its own width, the other is a slip.
#[test]
fn chinese_is_punctuated_as_chinese() {
    let is_chinese =
        |c: char| matches!(c, '\u{3000}'..='\u{303f}' | '\u{4e00}'..='\u{9fff}' | '\u{ff00}'..='\u{ffef}');
    let mut texts = vec![root().join("mobile-cli/src/words/help.rs")];
    texts.extend(SPEAKERS.map(|speaker| root().join(speaker).join("src/words/chinese.rs")));
    for path in texts {
        for line in fs::read_to_string(&path).unwrap().lines() {
            let chars: Vec<char> = line.chars().filter(|c| *c != ' ').collect();
            let slip = chars.windows(2).find(|two| {
                let is_slip = |one: char, other: char| ",;:!?()".contains(one) && is_chinese(other);
                is_slip(two[0], two[1]) || is_slip(two[1], two[0])
            });
            assert_eq!(slip, None, "{}: {line}", path.display());
        }
    }
}
