//! Pictures from anywhere.

use std::collections::HashSet;

use mobile_cli::decode::{READ_WITHIN, Unreadable, texts_in};

/// The most bytes of text in one code: 2,953 bytes in the largest, of which each becomes three in UTF-8 at most.
const MAX_TEXT: usize = 3 * 2953;

/// The bytes of a file that is said to be a picture.
///
/// No panic gets out, the texts are no longer than codes can be, none is empty and none is said twice. What is
/// neither a picture nor small is told apart. Time and memory are limited by whoever runs this.
///
/// # Panics
/// When that does not hold.
pub fn picture(data: &[u8]) {
    match texts_in(data.to_vec(), READ_WITHIN, |_| true) {
        Ok(texts) => {
            let different: HashSet<_> = texts.iter().collect();
            assert!(!texts.is_empty() && different.len() == texts.len(), "{texts:?}");
            assert!(texts.iter().all(|text| (1..=MAX_TEXT).contains(&text.len())), "{texts:?}");
        }
        Err(Unreadable::NotAPicture) => {}
        // Each of the formats begins with at least two bytes of its own.
        Err(why) => assert!(data.len() >= 2, "{why:?} for {data:?}"),
    }
}
