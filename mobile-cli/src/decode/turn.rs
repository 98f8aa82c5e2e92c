//! A picture at another angle.

use image::{GrayImage, Luma, imageops};

use super::pixels::{exact, whole};

/// The picture turned about its middle, whole, on white.
pub(super) fn turned(picture: &GrayImage, degrees: f32) -> GrayImage {
    let (width, height) = picture.dimensions();
    // No corner is further from the middle than half of this.
    let side = whole(exact(width).hypot(exact(height)).ceil());
    let (sin, cos) = degrees.to_radians().sin_cos();
    let (middle_x, middle_y, middle) = (exact(width) / 2.0, exact(height) / 2.0, exact(side) / 2.0);
    GrayImage::from_fn(side, side, |x, y| {
        let (x, y) = (exact(x) - middle, exact(y) - middle);
        let (x, y) = (cos * x + sin * y + middle_x, cos * y - sin * x + middle_y);
        imageops::interpolate_bilinear(picture, x, y).unwrap_or(Luma([255]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quarter_turn_moves_a_corner_and_keeps_the_middle() {
        let mut picture = GrayImage::from_pixel(8, 8, Luma([255]));
        picture.put_pixel(4, 4, Luma([0]));
        picture.put_pixel(1, 1, Luma([0]));
        let quarter = turned(&picture, 90.0);
        let dark: Vec<_> =
            quarter.enumerate_pixels().filter(|it| it.2.0[0] < 128).map(|(x, y, _)| (x, y)).collect();
        assert_eq!((quarter.dimensions(), dark), ((12, 12), vec![(9, 3), (6, 6)]));
    }
}
