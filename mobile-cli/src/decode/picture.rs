//! Step 1: from a file's bytes to grey pixels, within limits.

use std::io::Cursor;

use image::imageops::FilterType;
use image::{DynamicImage, GrayImage, ImageDecoder, ImageReader, Limits};

use super::Unreadable;

/// The largest file that is read.
pub(crate) const MAX_FILE_BYTES: u64 = 32 << 20;
/// The longest side.
const MAX_SIDE: u32 = 10_000;
/// The most pixels: a 64-megapixel telephone's photograph.
const MAX_PIXELS: u64 = 64 << 20;
/// The most memory that a decoder may take; 64 megapixels in RGBA.
const MAX_ALLOC_BYTES: u64 = 256 << 20;
/// The longest side that is searched. More pixels a module than this leaves help nobody.
pub(super) const SEARCHED_SIDE: u32 = 1600;

/// Decodes a picture and makes it grey, at most [`SEARCHED_SIDE`] long.
pub(super) fn open(file: &[u8]) -> Result<GrayImage, Unreadable> {
    if file.len() as u64 > MAX_FILE_BYTES {
        return Err(Unreadable::TooLarge);
    }
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOC_BYTES);

    let mut reader =
        ImageReader::new(Cursor::new(file)).with_guessed_format().map_err(|_| Unreadable::NotAPicture)?;
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(refused)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > MAX_PIXELS {
        return Err(Unreadable::TooLarge);
    }
    // The pixels count towards the limit too, and only this says so to every decoder.
    limits.reserve(decoder.total_bytes()).and_then(|()| decoder.set_limits(limits)).map_err(refused)?;
    let picture = DynamicImage::from_decoder(decoder).map_err(refused)?;
    let grey = DynamicImage::ImageLuma8(on_white(picture));
    Ok(fit(grey, SEARCHED_SIDE).into_luma8())
}

/// Makes a picture smaller, if it is longer than `side`.
pub(super) fn fit(picture: DynamicImage, side: u32) -> DynamicImage {
    if picture.width().max(picture.height()) <= side {
        return picture;
    }
    picture.resize(side, side, FilterType::Triangle)
}

/// In grey, and what is transparent in white: a code without a background is usually black.
fn on_white(picture: DynamicImage) -> GrayImage {
    if !picture.color().has_alpha() {
        return picture.into_luma8();
    }
    let pixels = picture.into_luma_alpha8();
    let (width, height) = pixels.dimensions();
    let blend = |pixel: &[u8]| {
        let (grey, alpha) = (u16::from(pixel[0]), u16::from(pixel[1]));
        u8::try_from((grey * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
    };
    let blended = pixels.as_raw().chunks_exact(2).map(blend).collect();
    GrayImage::from_raw(width, height, blended).unwrap_or_default()
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
