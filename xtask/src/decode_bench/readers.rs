//! The readers: Saoma's, and the programs of others where they are installed.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use serde_json::Value;

use super::pictures::Picture;
use crate::{answers, root};

/// What came of a picture.
pub(super) struct Outcome {
    pub(super) texts: Vec<String>,
    pub(super) micros: u64,
    pub(super) pixels: u64,
}

/// Reads every picture with every reader that there is.
pub(super) fn all(pictures: &[Picture]) -> anyhow::Result<Vec<(&'static str, Vec<Outcome>)>> {
    let saoma = saoma(pictures)?;
    let mut all = Vec::new();
    // Both have an option that does nothing but to show that they are there.
    let others: [(&str, &str, Read); 2] =
        [("zbar", "zbarimg", zbar), ("zxing-cpp", "ZXingReader", zxing_cpp)];
    for (name, program, read) in others {
        if !is_installed(program) {
            eprintln!("{program} is not installed, so that {name} is left out");
            continue;
        }
        let outcome = |(picture, saoma): (&Picture, &Outcome)| {
            let (texts, micros) = timed(|| read(&picture.path));
            Outcome { texts, micros, pixels: saoma.pixels }
        };
        all.push((name, pictures.iter().zip(&saoma).map(outcome).collect()));
    }
    all.insert(0, ("Saoma", saoma));
    Ok(all)
}

type Read = fn(&Path) -> Vec<String>;

/// Whether the shell would find it.
fn is_installed(program: &str) -> bool {
    answers("sh", &["-c", &format!("command -v {program}")])
}

#[expect(clippy::disallowed_methods, reason = "the time that it takes is what is asked for")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let start = Instant::now();
    let done = work();
    (done, u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX))
}

/// By the decoder itself: a program reads all of them, and says how long each took.
fn saoma(pictures: &[Picture]) -> anyhow::Result<Vec<Outcome>> {
    let cargo =
        ["run", "--quiet", "--release", "--locked", "--package", "mobile-cli", "--example", "decode_each"];
    let mut child = Command::new("cargo")
        .args(cargo)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .context("cargo can't be started")?;
    let mut lines = Vec::new();
    for picture in pictures {
        let path =
            picture.path.canonicalize().with_context(|| format!("{} is missing", picture.path.display()))?;
        lines.push(path.to_str().context("a path that is no text")?.to_owned());
    }
    let mut stdin = child.stdin.take().context("no standard input")?;
    let writer = std::thread::spawn(move || stdin.write_all((lines.join("\n") + "\n").as_bytes()));
    let output = child.wait_with_output().context("no output")?;
    writer.join().ok().context("the paths were not written")??;
    ensure!(output.status.success(), "the decoder failed: {}", output.status);
    let said: Vec<_> = output.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).collect();
    ensure!(said.len() == pictures.len(), "{} pictures, {} answers", pictures.len(), said.len());
    said.into_iter().map(|line| outcome(line).context("an answer that is not as expected")).collect()
}

fn outcome(line: &[u8]) -> Option<Outcome> {
    let line: Value = serde_json::from_slice(line).ok()?;
    let texts = line["texts"].as_array()?.iter();
    Some(Outcome {
        texts: texts.filter_map(|text| text.as_str().map(ToOwned::to_owned)).collect(),
        micros: line["micros"].as_u64()?,
        pixels: line["pixels"].as_u64()?,
    })
}

fn output(command: &mut Command) -> String {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output();
    output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
}

/// One text for each code, each with a line of its own; a text with several lines counts as one.
fn zbar(picture: &Path) -> Vec<String> {
    let only_qr = ["--quiet", "--raw", "-Sdisable", "-Sqrcode.enable"];
    let text = output(Command::new("zbarimg").args(only_qr).arg(picture));
    if text.is_empty() { Vec::new() } else { vec![text] }
}

fn zxing_cpp(picture: &Path) -> Vec<String> {
    texts_of_zxing_cpp(&output(Command::new("ZXingReader").args(["-format", "QRCode"]).arg(picture)))
}

/// The texts in what `ZXingReader` prints: each between quotes, from the line `Text:` to the line `Bytes:`.
fn texts_of_zxing_cpp(printed: &str) -> Vec<String> {
    let parts = printed.split("Text:").skip(1);
    let text = |part: &str| {
        let part = part.split("\nBytes:").next()?.trim();
        Some(part.strip_prefix('"')?.strip_suffix('"')?.to_owned())
    };
    parts.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_print_is_understood() {
        let printed =
            "Text:       \"a\nb\"\nBytes:      61\nFormat:     QRCode\n\nText:       \"c\"\nBytes:      63\n";
        assert_eq!(texts_of_zxing_cpp(printed), ["a\nb", "c"]);
        assert!(texts_of_zxing_cpp("No barcode found\n").is_empty());
    }

    #[test]
    fn an_answer_has_texts_and_a_time() {
        let said = outcome(br#"{"texts":["a","b"],"error":null,"micros":12,"pixels":34}"#).unwrap();
        assert_eq!((said.texts, said.micros, said.pixels), (vec!["a".to_owned(), "b".to_owned()], 12, 34));
        assert!(outcome(b"{}").is_none() && outcome(b"x").is_none());
    }
}
