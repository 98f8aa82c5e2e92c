//! A picture in, the texts of its QR codes out.
//!
//! ```text
//! bytes --[1 picture]--> grey pixels --[2 ladder]--> modules --[3 payload]--> texts
//!        limits first,   at most       prepared in several    UTF-8, or as the
//!        then decoding   2000 px       ways, one by one,      code says, or a guess
//!                                      until a code is read
//! ```
//!
//! Pictures come from anywhere, so nothing here trusts them: sizes are checked
//! before pixels are decoded (1), and the reader, which panics on some
//! photographs and takes minutes for others, is guarded (2). All of it is done
//! on a thread of its own, with a time limit.
//!
//! Nothing here knows of the rest of the program: other programs may use it as it is.
//!
//! ```
//! use mobile_cli::decode::{READ_WITHIN, Unreadable, texts_in};
//!
//! # fn photograph() -> Vec<u8> { b"not even a picture".to_vec() }
//! // Any code will do; a program that looks for one of its own says so here.
//! match texts_in(photograph(), READ_WITHIN, |_text| true) {
//!     Ok(texts) => println!("{}", texts.join("\n")),
//!     Err(why) => assert_eq!(why, Unreadable::NotAPicture),
//! }
//! ```

mod cost;
mod crowd;
mod grey;
mod guard;
mod hint;
mod ladder;
mod payload;
mod picture;
mod pixels;
mod prepare;
mod read;
mod sheet;
mod stretch;
mod threshold;
mod turn;

#[cfg(test)]
mod tests;

use std::time::Duration;

use guard::Findings;
pub use picture::MAX_FILE_BYTES;

/// How long a picture may take: with what a program needs to start, a person waits for two seconds at most. Hardly any
/// picture that can be read takes a tenth of it.
pub const READ_WITHIN: Duration = Duration::from_millis(1_900);

/// Why a picture gives no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    /// The bytes are none of the formats.
    #[error("this is not a picture that can be read; PNG, JPEG, WebP, GIF and BMP can")]
    NotAPicture,
    /// It begins like a picture, and does not go on like one.
    #[error("this picture is damaged or cut off; save it anew")]
    Damaged,
    /// Larger than the limits allow.
    #[error(
        "this picture is too large; 32 MiB, 10000 pixels a side and 64 megapixels are the most, or less where the \
         format needs more memory; make it smaller"
    )]
    TooLarge,
    /// Nothing found, by any preparation.
    #[error(
        "no QR code was found; take the picture closer, straight on and sharp, with the white margin around"
    )]
    NoCode,
    /// Nothing found, and the picture is not sharp.
    #[error(
        "no QR code was found, and the picture is blurred; hold still until it is sharp, or wipe the lens"
    )]
    Blurred,
    /// Something that may be a code has too few pixels.
    #[error("no QR code was found that is large enough; take the picture closer, or make a larger one")]
    TooSmall,
    /// A part of a code was seen at the edge of the picture.
    #[error(
        "no QR code was found that is whole; have all of it in the picture, with the white margin around"
    )]
    CutOff,
    /// All of a code was seen, and its content could not be read.
    #[error(
        "no QR code was found that can be read, but something like one; take the picture straight on, sharp and \
         without reflections"
    )]
    Unclear,
    /// Nothing found in the time that there is.
    #[error("no QR code was found in time; cut the picture down to the code")]
    OutOfTime,
}

/// Reads the QR codes in a picture, each text once, in the order found.
///
/// It ends as soon as everything that looks like a code has been read and `enough` says yes to one of the
/// texts; until then it tries the next preparation.
///
/// # Errors
/// [`Unreadable`], when not one code was read.
pub fn texts_in(
    file: Vec<u8>,
    within: Duration,
    enough: impl Fn(&str) -> bool + Send + 'static,
) -> Result<Vec<String>, Unreadable> {
    let read = move |found: &Findings| {
        let picture = guard::quietly(|| picture::open(&file)).unwrap_or(Err(Unreadable::Damaged))?;
        let clues = ladder::climb(&picture, &enough, found);
        Err(guard::quietly(|| hint::why(&picture, &clues)).unwrap_or(Unreadable::NoCode))
    };
    match guard::within(within, read) {
        (texts, _) if !texts.is_empty() => Ok(texts),
        (_, Some(why)) => why,
        (_, None) => Err(Unreadable::OutOfTime),
    }
}
