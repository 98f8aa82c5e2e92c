//! What a decoder takes beside the pixels that it hands over, by what the file's first bytes say.
//!
//! Decoders keep to a limit for the pixels, and some of them take as much again without a word: a JPEG that is
//! sent in several passes is kept whole until the last, an animated WebP is painted on a canvas of its own. So
//! that is counted here, before a pixel is decoded.

use image::ImageFormat;

/// The bytes that decoding takes beside the pixels, at most.
pub(super) fn beside_the_pixels(format: ImageFormat, file: &[u8], pixels: u64) -> u64 {
    match format {
        // Its decoder works on a copy of the file.
        ImageFormat::Jpeg => file.len() as u64 + pixels * jpeg_kept(file).unwrap_or(JPEG_KEPT_AT_MOST) / 100,
        // One byte a pixel, which then becomes a colour.
        ImageFormat::Gif => pixels,
        ImageFormat::WebP => pixels * webp_bytes_a_pixel(file),
        _ => 0,
    }
}

/// Four components in full, 2 bytes each. In hundredths of a byte a pixel, as [`jpeg_kept`] is.
const JPEG_KEPT_AT_MOST: u64 = 800;

/// What is kept of a JPEG until its last pass, in hundredths of a byte a pixel: nothing where there is one pass.
/// `None` if the file can't be followed up to its first pass.
fn jpeg_kept(file: &[u8]) -> Option<u64> {
    let mut rest = file.get(2..)?;
    // Of the frame: whether it is progressive, how many components it has, what they take if they are kept.
    let mut frame = None;
    loop {
        let (&[0xff, marker], after) = rest.split_first_chunk()? else { return None };
        // A marker may be preceded by any number of fill bytes.
        if marker == 0xff {
            rest = rest.get(1..)?;
            continue;
        }
        let length = usize::from(u16::from_be_bytes(*after.first_chunk()?));
        let segment = after.get(2..length)?;
        match marker {
            0xc0..=0xc2 if frame.is_some() => return None,
            0xc0..=0xc2 => {
                let components = usize::from(*segment.get(5)?);
                frame = Some((marker == 0xc2, components, kept_of(segment.get(6..6 + 3 * components)?)?));
            }
            0xda => {
                let (is_progressive, components, kept) = frame?;
                let in_one_pass = !is_progressive && usize::from(*segment.first()?) == components;
                return Some(if in_one_pass { 0 } else { kept });
            }
            _ => {}
        }
        rest = after.get(length..)?;
    }
}

/// 2 bytes a sample. The colours often have fewer samples than the picture has pixels.
fn kept_of(components: &[u8]) -> Option<u64> {
    let sampling = || components.chunks_exact(3).map(|it| (u64::from(it[1] >> 4), u64::from(it[1] & 15)));
    let (across, down) = (sampling().map(|it| it.0).max()?, sampling().map(|it| it.1).max()?);
    let samples: u64 = sampling().map(|(across, down)| across * down).sum();
    (200 * samples).checked_div(across * down)
}

/// By the first chunk: lossy, lossless, or extended, which may have a separate transparency, or frames.
fn webp_bytes_a_pixel(file: &[u8]) -> u64 {
    const ANIMATED: u8 = 2;
    match (file.get(12..16), file.get(20)) {
        (Some(b"VP8 "), _) => 2,
        (Some(b"VP8L"), _) => 4,
        (Some(b"VP8X"), Some(flags)) if flags & ANIMATED == 0 => 8,
        _ => 16,
    }
}

/// Whether each lossy picture in an extended WebP is within the size that the file says it has: the decoder
/// looks only when it has decoded it.
pub(super) fn webp_is_as_large_as_it_says(file: &[u8], width: u32, height: u32) -> bool {
    const START: [u8; 3] = [0x9d, 0x01, 0x2a];
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    file.windows(18)
        .filter(|it| it.starts_with(b"VP8 ") && it[11..14] == START)
        .all(|it| side(it[14], it[15]) <= width && side(it[16], it[17]) <= height)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A JPEG up to its first pass: how its frame is marked, how its components are sampled, how many of them
    /// the pass has.
    fn jpeg(marker: u8, sampling: &[u8], in_pass: u8) -> Vec<u8> {
        let count = u8::try_from(sampling.len()).unwrap();
        let mut file = vec![0xff, 0xd8, 0xff, 0xe0, 0, 4, 0xff, 0xc2, 0xff, 0xff];
        file.extend([marker, 0, 8 + 3 * count, 8, 0, 1, 0, 1, count]);
        file.extend(sampling.iter().flat_map(|sampling| [1, *sampling, 0]));
        file.extend([0xff, 0xda, 0, 3, in_pass]);
        file
    }

    #[test]
    fn a_jpeg_of_several_passes_is_kept_until_the_last() {
        let kept = |marker, sampling: &[u8], in_pass| jpeg_kept(&jpeg(marker, sampling, in_pass));
        assert_eq!(kept(0xc0, &[0x22, 0x11, 0x11], 3), Some(0));
        assert_eq!(kept(0xc0, &[0x11], 1), Some(0));
        assert_eq!(kept(0xc0, &[0x11, 0x11, 0x11], 1), Some(600));
        assert_eq!(kept(0xc2, &[0x22, 0x11, 0x11], 3), Some(300));
        assert_eq!(kept(0xc2, &[0x11; 4], 1), Some(800));
        assert_eq!(kept(0xc2, &[0], 1), None);
    }

    #[test]
    fn what_can_t_be_followed_counts_as_the_most() {
        let whole = jpeg(0xc0, &[0x11], 1);
        for len in 0..whole.len() {
            assert_eq!(jpeg_kept(&whole[..len]), None);
        }
        let bytes = beside_the_pixels(ImageFormat::Jpeg, &whole[..8], 100);
        assert_eq!(bytes, 8 + 100 * JPEG_KEPT_AT_MOST / 100);
    }

    #[test]
    fn a_webp_is_as_large_as_the_largest_picture_in_it() {
        let file = b"RIFF....WEBPVP8X....VP8 \0\0\0\0\0\0\0\x9d\x01\x2a\x10\x40\x20\xc0";
        assert!(webp_is_as_large_as_it_says(file, 16, 32));
        assert!(!webp_is_as_large_as_it_says(file, 15, 32));
        assert!(!webp_is_as_large_as_it_says(file, 16, 31));
    }
}
