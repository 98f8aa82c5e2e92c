//! What the program says, in each language: see [`shared::words`] for how a message is added.
//!
//! `app` makes a [`Text`](shared::words::Text) of what it says, in all
//! languages; the screen and the lines say it in the one that is read.

pub(crate) mod chinese;
pub(crate) mod english;
pub(crate) mod help;

#[cfg(test)]
mod tests {
    /// Half a language's punctuation looks like a mistake.
    #[test]
    fn chinese_has_its_own_punctuation() {
        for text in [include_str!("words/chinese.rs"), include_str!("words/help.rs")] {
            let said = text.split('"').skip(1).step_by(2);
            for words in said.filter(|words| !words.is_ascii()) {
                let chars: Vec<_> = words.chars().collect();
                for pair in chars.windows(2) {
                    let is_mixed = match pair {
                        [before, ',' | '.' | ':' | ';' | '!' | '?' | '(' | ')'] => !before.is_ascii(),
                        [',' | '.' | ':' | ';' | '!' | '?' | '(' | ')', after] => !after.is_ascii(),
                        _ => false,
                    };
                    assert!(!is_mixed, "{pair:?} in {words}");
                }
            }
        }
    }
}
