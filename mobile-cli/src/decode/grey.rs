//! From pixels of any colour to grey ones, and fewer of them.
//!
//! A large photograph has far more pixels than are searched. So several are made one while they are made grey,
//! row by row: nothing as large as the photograph is needed a second time.

use image::{ColorType, GrayImage};

/// Makes pixels grey, and `box_side` × `box_side` of them one. What is transparent is white: a code without a
/// background is usually black. `None` for colours that none of the formats has.
pub(super) fn shrunk(pixels: &[u8], color: ColorType, width: u32, box_side: u32) -> Option<GrayImage> {
    let of = match color {
        ColorType::L8 => boxes::<1, 1>,
        ColorType::La8 => boxes::<2, 1>,
        ColorType::Rgb8 => boxes::<3, 1>,
        ColorType::Rgba8 => boxes::<4, 1>,
        ColorType::L16 => boxes::<1, 2>,
        ColorType::La16 => boxes::<2, 2>,
        ColorType::Rgb16 => boxes::<3, 2>,
        ColorType::Rgba16 => boxes::<4, 2>,
        _ => return None,
    };
    of(pixels, width as usize, box_side as usize)
}

/// The mean of each box. Those at the right and at the bottom may be cut.
fn boxes<const CHANNELS: usize, const BYTES: usize>(
    pixels: &[u8],
    width: usize,
    side: usize,
) -> Option<GrayImage> {
    let pixel = CHANNELS * BYTES;
    if side == 1 {
        let height = u32::try_from(pixels.len() / pixel / width.max(1)).ok()?;
        let grey = pixels.chunks_exact(pixel).map(grey_of::<CHANNELS, BYTES>).collect();
        return GrayImage::from_raw(u32::try_from(width).ok()?, height, grey);
    }
    let mut grey = Vec::new();
    let mut sums = vec![0_u32; width.div_ceil(side)];
    let mut rows = 0;
    for band in pixels.chunks(width * pixel * side) {
        sums.fill(0);
        let mut high = 0;
        for row in band.chunks_exact(width * pixel) {
            high += 1;
            for (sum, part) in sums.iter_mut().zip(row.chunks(pixel * side)) {
                *sum +=
                    part.chunks_exact(pixel).map(|it| u32::from(grey_of::<CHANNELS, BYTES>(it))).sum::<u32>();
            }
        }
        let wide = |nth: usize| side.min(width - nth * side);
        let means =
            sums.iter().enumerate().map(|(nth, sum)| sum / u32::try_from(wide(nth) * high).unwrap_or(1));
        grey.extend(means.map(|mean| u8::try_from(mean).unwrap_or(u8::MAX)));
        rows += 1;
    }
    GrayImage::from_raw(u32::try_from(sums.len()).ok()?, rows, grey)
}

/// The light of a pixel.
#[inline]
fn grey_of<const CHANNELS: usize, const BYTES: usize>(pixel: &[u8]) -> u8 {
    // Of two bytes, in this machine's order, the more significant is enough.
    let at = |nth: usize| match BYTES {
        1 => pixel[nth],
        _ => u16::from_ne_bytes([pixel[2 * nth], pixel[2 * nth + 1]]).to_be_bytes()[0],
    };
    let light = if CHANNELS < 3 { at(0) } else { light([at(0), at(1), at(2)]) };
    if CHANNELS % 2 == 1 { light } else { on_white(light, at(CHANNELS - 1)) }
}

/// As bright as the eye finds a colour (ITU-R BT.709).
#[inline]
fn light(rgb: [u8; 3]) -> u8 {
    let [red, green, blue] = rgb.map(u32::from);
    u8::try_from((2126 * red + 7152 * green + 722 * blue) / 10_000).unwrap_or(u8::MAX)
}

#[inline]
fn on_white(light: u8, alpha: u8) -> u8 {
    let (light, alpha) = (u32::from(light), u32::from(alpha));
    u8::try_from((light * alpha + 255 * (255 - alpha)) / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_colour_has_its_grey() {
        let wide =
            |bytes: &[u8]| bytes.iter().flat_map(|it| u16::from_be_bytes([*it, 7]).to_ne_bytes()).collect();
        let cases: [(ColorType, ColorType, &[u8], u8); 4] = [
            (ColorType::L8, ColorType::L16, &[90], 90),
            (ColorType::La8, ColorType::La16, &[0, 51], 204),
            (ColorType::Rgb8, ColorType::Rgb16, &[255, 0, 0], 54),
            (ColorType::Rgba8, ColorType::Rgba16, &[0, 255, 0, 255], 182),
        ];
        for (color, color16, pixel, light) in cases {
            let wide: Vec<u8> = wide(pixel);
            assert_eq!(shrunk(pixel, color, 1, 1).unwrap().into_raw(), [light], "{color:?}");
            assert_eq!(shrunk(&wide, color16, 1, 1).unwrap().into_raw(), [light], "{color16:?}");
        }
        assert!(shrunk(&[0; 12], ColorType::Rgb32F, 1, 1).is_none());
    }

    #[test]
    fn a_box_is_its_mean_also_where_it_is_cut() {
        let pixels = [1, 3, 10, 5, 7, 20, 100, 200, 30];
        let grey = shrunk(&pixels, ColorType::L8, 3, 2).unwrap();
        assert_eq!((grey.dimensions(), grey.into_raw()), ((2, 2), vec![4, 15, 150, 30]));
    }
}
