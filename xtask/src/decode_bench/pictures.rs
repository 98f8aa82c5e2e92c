//! Which pictures there are, and what they hold.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::Value;

/// What a file's name ends with if it is a picture.
const ENDINGS: [&str; 6] = ["png", "jpg", "jpeg", "webp", "gif", "bmp"];

/// A picture, and what it holds.
pub(super) struct Picture {
    pub(super) path: PathBuf,
    pub(super) set: String,
    /// Any of these is right. None: there is nothing to be read.
    pub(super) expected: Vec<String>,
}

impl Picture {
    /// Whether one of the texts is right.
    pub(super) fn is_read(&self, texts: &[String]) -> bool {
        texts.iter().any(|text| self.expected.iter().any(|expected| plain(text) == plain(expected)))
    }

    /// Whether there are texts, and none of them is right.
    pub(super) fn is_wrong(&self, texts: &[String]) -> bool {
        !texts.is_empty() && !self.is_read(texts)
    }

    /// Whether it was not read as it should be.
    pub(super) fn is_missed(&self, texts: &[String]) -> bool {
        self.is_wrong(texts) || (!self.expected.is_empty() && texts.is_empty())
    }
}

/// Without what differs between systems: how lines end.
fn plain(text: &str) -> String {
    text.replace("\r\n", "\n").trim_end_matches('\n').to_owned()
}

/// The pictures of a folder: as its manifest says, or else all that there are.
pub(super) fn in_folder(dir: &Path) -> anyhow::Result<Vec<Picture>> {
    let manifest = dir.join("manifest.jsonl");
    if !manifest.exists() {
        let mut pictures = Vec::new();
        collect(dir, dir, &mut pictures)?;
        return Ok(pictures);
    }
    let text =
        fs::read_to_string(&manifest).with_context(|| format!("{} can't be read", manifest.display()))?;
    text.lines().map(|line| listed(dir, line).with_context(|| format!("not as expected: {line}"))).collect()
}

fn listed(dir: &Path, line: &str) -> Option<Picture> {
    let line: Value = serde_json::from_str(line).ok()?;
    let texts = line["expected"].as_array()?.iter();
    Some(Picture {
        path: dir.join(line["path"].as_str()?),
        set: line["set"].as_str()?.to_owned(),
        expected: texts.filter_map(|text| text.as_str().map(ToOwned::to_owned)).collect(),
    })
}

/// Without a text beside it, nobody knows what a picture holds: whatever is read of it then counts as wrong.
fn collect(top: &Path, dir: &Path, pictures: &mut Vec<Picture>) -> anyhow::Result<()> {
    let entries = fs::read_dir(dir).with_context(|| format!("{} can't be read", dir.display()))?;
    let mut paths = entries.map(|entry| Ok(entry?.path())).collect::<anyhow::Result<Vec<_>>>()?;
    paths.sort();
    for path in paths {
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default().to_lowercase();
        if path.is_dir() {
            collect(top, &path, pictures)?;
        } else if ENDINGS.contains(&ending.as_str()) {
            let set = dir.strip_prefix(top).unwrap_or(dir).to_string_lossy().into_owned();
            let expected = fs::read_to_string(path.with_extension("txt")).into_iter().collect();
            pictures.push(Picture { path, set, expected });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_goes_before_what_lies_there() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("b")).unwrap();
        for (name, content) in [("b/1.PNG", ""), ("b/1.txt", "text\n"), ("2.jpg", ""), ("c.md", "")] {
            fs::write(dir.path().join(name), content).unwrap();
        }
        let shown = || {
            let pictures = in_folder(dir.path()).unwrap().into_iter();
            pictures
                .map(|it| (it.path.file_name().unwrap().to_owned(), it.set, it.expected))
                .collect::<Vec<_>>()
        };
        let text = vec!["text\n".to_owned()];
        assert_eq!(
            shown(),
            [("2.jpg".into(), String::new(), vec![]), ("1.PNG".into(), "b".to_owned(), text.clone())]
        );

        let line = r#"{"path":"b/1.PNG","set":"one","expected":["text\n"],"truth":"shipped"}"#;
        fs::write(dir.path().join("manifest.jsonl"), line).unwrap();
        assert_eq!(shown(), [("1.PNG".into(), "one".to_owned(), text)]);
        fs::write(dir.path().join("manifest.jsonl"), "{}").unwrap();
        assert!(in_folder(dir.path()).is_err());
    }
}
