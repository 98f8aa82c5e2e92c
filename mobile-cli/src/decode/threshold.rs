//! Black or white: each pixel against its surroundings.

use image::{GrayImage, Luma};

/// A pixel is black below this many hundredths of the mean around it.
const BLACK_BELOW_PERCENT: u64 = 95;
/// The window is the shorter side divided by this.
const WINDOWS_PER_SIDE: u32 = 16;

/// Black (1) where a pixel is darker than the mean of the window around it, else white (0). Shadows and
/// gradients, which defeat one threshold for all, hardly change within a window.
pub(super) fn local_mean(grey: &GrayImage) -> GrayImage {
    let (width, height) = grey.dimensions();
    let reach = (width.min(height) / WINDOWS_PER_SIDE / 2).max(1);
    let sums = Sums::of(grey);
    GrayImage::from_fn(width, height, |x, y| {
        let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(width));
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(height));
        let count = u64::from((right - left) * (bottom - top));
        let sum = u64::from(sums.within(left, top, right, bottom));
        let pixel = u64::from(grey.get_pixel(x, y).0[0]);
        Luma([u8::from(pixel * count * 100 < sum * BLACK_BELOW_PERCENT)])
    })
}

/// For each point, the sum of all pixels above and to the left of it: the sum of any rectangle is then four
/// look-ups, whatever its size.
struct Sums {
    /// The picture's width and one.
    stride: usize,
    /// 32 bits are enough for 4096 × 4096 pixels, and a searched picture is far smaller.
    sums: Vec<u32>,
}

impl Sums {
    fn of(grey: &GrayImage) -> Self {
        let (width, height) = (grey.width() as usize, grey.height() as usize);
        let stride = width + 1;
        let mut sums = vec![0; stride * (height + 1)];
        for (y, row) in grey.as_raw().chunks_exact(width.max(1)).enumerate() {
            let mut row_sum = 0;
            for (x, pixel) in row.iter().enumerate() {
                row_sum += u32::from(*pixel);
                sums[(y + 1) * stride + x + 1] = sums[y * stride + x + 1] + row_sum;
            }
        }
        Self { stride, sums }
    }

    fn within(&self, left: u32, top: u32, right: u32, bottom: u32) -> u32 {
        let at = |x: u32, y: u32| self.sums[y as usize * self.stride + x as usize];
        at(right, bottom) + at(left, top) - at(right, top) - at(left, bottom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dark_spot_is_black_in_light_and_in_shadow() {
        // From 40 at the left to 232 at the right, with two spots that are a third darker than around them.
        let spots = [(8, 16), (56, 16)];
        let grey = GrayImage::from_fn(64, 32, |x, y| {
            let light = 40 + 3 * u8::try_from(x).unwrap();
            Luma([if spots.contains(&(x, y)) { light / 3 * 2 } else { light }])
        });
        let black: Vec<_> = local_mean(&grey)
            .enumerate_pixels()
            .filter(|(_, _, p)| p.0[0] == 1)
            .map(|(x, y, _)| (x, y))
            .collect();
        assert_eq!(black, spots);
    }

    #[test]
    fn sums_are_those_of_the_pixels() {
        let grey = GrayImage::from_fn(7, 5, |x, y| Luma([u8::try_from(x * 10 + y).unwrap()]));
        let sums = Sums::of(&grey);
        let slow = |l: u32, t: u32, r: u32, b: u32| -> u32 {
            (t..b).flat_map(|y| (l..r).map(move |x| x * 10 + y)).sum()
        };
        for (l, t, r, b) in [(0, 0, 7, 5), (2, 1, 3, 2), (3, 0, 7, 4), (4, 4, 4, 4)] {
            assert_eq!(sums.within(l, t, r, b), slow(l, t, r, b));
        }
    }

    #[test]
    fn the_smallest_pictures_are_no_trouble() {
        for (width, height) in [(1, 1), (1, 40), (40, 1), (0, 0)] {
            assert_eq!(local_mean(&GrayImage::new(width, height)).dimensions(), (width, height));
        }
    }
}
