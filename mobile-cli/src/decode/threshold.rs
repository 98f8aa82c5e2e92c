//! Black or white: each pixel against its surroundings.

use image::GrayImage;

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
    let mut black = grey.clone();
    for (y, row) in (0..height).zip(black.as_mut().chunks_exact_mut(width.max(1) as usize)) {
        let (top, bottom) = (y.saturating_sub(reach), (y + reach + 1).min(height));
        for (x, pixel) in (0..width).zip(row) {
            let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(width));
            let count = u64::from((right - left) * (bottom - top));
            let sum = u64::from(sums.within(left, top, right, bottom));
            *pixel = u8::from(u64::from(*pixel) * count * 100 < sum * BLACK_BELOW_PERCENT);
        }
    }
    black
}

/// Black (1) where a pixel is darker than the one limit that divides all pixels into two groups that differ most
/// from each other and least within (Otsu's method). Enough where the light is even, as on a screen.
pub(super) fn otsu(grey: &GrayImage) -> GrayImage {
    let mut counts = [0_u64; 256];
    grey.as_raw().iter().for_each(|pixel| counts[usize::from(*pixel)] += 1);
    let limit = otsu_limit(&counts);
    let mut black = grey.clone();
    black.as_mut().iter_mut().for_each(|pixel| *pixel = u8::from(*pixel <= limit));
    black
}

/// The lightest that is black, by how many pixels are as light as each index says.
#[expect(clippy::cast_precision_loss, reason = "a picture has fewer pixels than a fraction can tell apart")]
fn otsu_limit(counts: &[u64; 256]) -> u8 {
    let light = |(light, count): (u8, &u64)| u64::from(light) * count;
    let (all, all_light): (u64, u64) = (counts.iter().sum(), (0..=255).zip(counts).map(light).sum());
    let (mut dark, mut dark_light, mut limit, mut most) = (0, 0, 0, 0.0);
    for (nth, count) in (0..=255).zip(counts) {
        dark += count;
        dark_light += light((nth, count));
        if dark == 0 || dark == all {
            continue;
        }
        let mean = |light: u64, count: u64| light as f64 / count as f64;
        let apart = mean(dark_light, dark) - mean(all_light - dark_light, all - dark);
        let between = dark as f64 * (all - dark) as f64 * apart * apart;
        if between > most {
            (most, limit) = (between, nth);
        }
    }
    limit
}

/// For each point, the sum of all pixels above and to the left of it: the sum of any rectangle is then four
/// look-ups, whatever its size.
pub(super) struct Sums {
    /// The picture's width and one.
    stride: usize,
    /// 32 bits are enough for 4096 × 4096 pixels, and a searched picture is far smaller.
    sums: Vec<u32>,
}

impl Sums {
    pub(super) fn of(grey: &GrayImage) -> Self {
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

    /// The mean of the pixels in a square this far around a point. `None` if the point is not in the picture.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "of points within the picture"
    )]
    #[expect(clippy::cast_precision_loss, reason = "of few pixels")]
    pub(super) fn share(&self, x: f32, y: f32, reach: f32) -> Option<f32> {
        let (width, height) = (self.stride - 1, self.sums.len() / self.stride - 1);
        if !(x >= 0.0 && y >= 0.0 && x < width as f32 && y < height as f32) {
            return None;
        }
        let (left, top) = ((x - reach).max(0.0) as u32, (y - reach).max(0.0) as u32);
        let right = ((x + reach) as u32 + 1).min(width as u32);
        let bottom = ((y + reach) as u32 + 1).min(height as u32);
        let count = (right - left) * (bottom - top);
        Some(self.within(left, top, right, bottom) as f32 / count as f32)
    }

    fn within(&self, left: u32, top: u32, right: u32, bottom: u32) -> u32 {
        let at = |x: u32, y: u32| self.sums[y as usize * self.stride + x as usize];
        at(right, bottom) + at(left, top) - at(right, top) - at(left, bottom)
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

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
    fn one_limit_divides_what_is_dark_from_what_is_light() {
        let grey =
            GrayImage::from_fn(16, 16, |x, y| Luma([if x < 5 { 40 } else { 200 } + u8::from(y % 2 == 0)]));
        let black = otsu(&grey);
        assert!(black.enumerate_pixels().all(|(x, _, pixel)| pixel.0[0] == u8::from(x < 5)));
        assert_eq!(otsu(&GrayImage::new(0, 0)).dimensions(), (0, 0));
    }

    #[test]
    fn a_share_is_the_mean_of_a_square_as_far_as_the_picture_goes() {
        let sums = Sums::of(&GrayImage::from_fn(6, 4, |x, _| Luma([u8::from(x < 3)])));
        assert_eq!(sums.share(1.5, 1.5, 1.0), Some(1.0));
        assert_eq!(sums.share(3.5, 1.5, 1.0), Some(1.0 / 3.0));
        assert_eq!(sums.share(0.0, 0.0, 1.0), Some(1.0));
        assert_eq!((sums.share(6.0, 1.0, 1.0), sums.share(-0.1, 1.0, 1.0)), (None, None));
        assert_eq!(sums.share(f32::NAN, 1.0, 1.0), None);
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
