//! Step 1: from a file's bytes to grey pixels, within limits.

use std::io::Cursor;

use image::{ColorType, GrayImage, ImageDecoder, ImageFormat, ImageReader, Limits};

use super::{Unreadable, cost, grey};

/// The largest file that is read, in bytes. Of a larger one no more than one byte past this need be read.
pub const MAX_FILE_BYTES: u64 = 32 << 20;
/// The longest side.
const MAX_SIDE: u32 = 10_000;
/// The most pixels: a 64-megapixel telephone's photograph.
const MAX_PIXELS: u64 = 64 << 20;
/// The most memory for a picture, its file included: 64 megapixels in RGBA and a little more.
const MAX_BYTES: u64 = 272 << 20;
/// The most memory for what a file holds beside pixels, as comments, which may be compressed too.
const MAX_COMMENT_BYTES: u64 = 8 << 20;
/// The longest side that is searched. More pixels a module than this leaves help nobody.
const SEARCHED_SIDE: u32 = 2000;

/// Decodes a picture and makes it grey, at most [`SEARCHED_SIDE`] long.
pub(super) fn open(file: &[u8]) -> Result<GrayImage, Unreadable> {
    let len = file.len() as u64;
    if len > MAX_FILE_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let mut reader =
        ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|_| Unreadable::NotAPicture)?;
    let format = reader.format().ok_or(Unreadable::NotAPicture)?;
    reader.limits(limits(MAX_COMMENT_BYTES));
    let mut decoder = reader.into_decoder().map_err(refused)?;

    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    if pixels > MAX_PIXELS {
        return Err(Unreadable::TooLarge);
    }
    if format == ImageFormat::WebP && !cost::webp_is_as_large_as_it_says(file, width, height) {
        return Err(Unreadable::Damaged);
    }
    let mut left = limits(MAX_BYTES - len);
    let bytes = decoder.total_bytes();
    left.reserve(bytes + cost::beside_the_pixels(format, file, pixels)).map_err(refused)?;
    decoder.set_limits(left).map_err(refused)?;

    let color = decoder.color_type();
    let mut content = vec![0; usize::try_from(bytes).map_err(|_| Unreadable::TooLarge)?];
    decoder.read_image(&mut content).map_err(refused)?;
    let box_side = width.max(height).div_ceil(SEARCHED_SIDE).max(1);
    grey::shrunk(&content, color, width, box_side).ok_or(Unreadable::NotAPicture)
}

fn limits(max_alloc: u64) -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(max_alloc);
    limits
}

/// Makes a picture smaller by a whole number, if it is longer than `side`.
pub(super) fn fit(picture: &GrayImage, side: u32) -> GrayImage {
    let box_side = picture.width().max(picture.height()).div_ceil(side);
    let shrunk = || grey::shrunk(picture.as_raw(), ColorType::L8, picture.width(), box_side);
    if box_side > 1 { shrunk().unwrap_or_else(|| picture.clone()) } else { picture.clone() }
}

/// What a decoder's refusal means to a person.
#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn refused(error: image::ImageError) -> Unreadable {
    match error {
        image::ImageError::Limits(_) => Unreadable::TooLarge,
        image::ImageError::Unsupported(_) => Unreadable::NotAPicture,
        _ => Unreadable::Damaged,
    }
}
