//! Reads pictures one after the other and says what came of each: what `cargo xtask decode-bench` measures.
//!
//! Standard input has a path a line. Standard output gets an object a line, in the same order:
//! `{"texts":["…"],"error":null,"micros":1234,"pixels":640000}`. The time is that of
//! [`texts_in`] alone, from the file's bytes to the texts; starting this program and reading the file are not
//! part of it.

use std::io::{self, BufRead as _, Write as _};
use std::time::Instant;

use image::ImageReader;
use mobile_cli::decode::{READ_WITHIN, texts_in};
use serde_json::json;

fn main() -> io::Result<()> {
    let mut out = io::stdout();
    for path in io::stdin().lock().lines() {
        let path = path?;
        let file = std::fs::read(&path)?;
        let size = ImageReader::open(&path)?.with_guessed_format()?.into_dimensions();
        let pixels = size.map_or(0, |(width, height)| u64::from(width) * u64::from(height));
        #[expect(clippy::disallowed_methods, reason = "the time that it takes is what is asked for")]
        let start = Instant::now();
        let (texts, error) = match texts_in(file, READ_WITHIN, |_text| true) {
            Ok(texts) => (texts, None),
            Err(error) => (Vec::new(), Some(error.to_string())),
        };
        let micros = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        writeln!(out, "{}", json!({"texts": texts, "error": error, "micros": micros, "pixels": pixels}))?;
    }
    Ok(())
}
