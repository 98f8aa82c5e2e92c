//! Step 2a: from grey pixels to black and white ones, in one of many ways.

use image::{GrayImage, Luma, imageops};
use rqrr::PreparedImage;
use rxing::common::HybridBinarizer;
use rxing::{Binarizer as _, Luma8LuminanceSource};

use super::picture::fit;
use super::threshold::{local_mean, otsu};
use super::turn::turned;

/// One way to prepare a picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Preparation {
    pub(super) size: Size,
    pub(super) change: Change,
    pub(super) threshold: Threshold,
}

/// To which size.
#[derive(Clone, Copy, Debug)]
pub(super) enum Size {
    /// As it is.
    Whole,
    /// The longer side at most this.
    AtMost(u32),
    /// The same, for pictures that are larger only.
    Shrunk(u32),
    /// Twice the size, for pictures whose longer side is at most this. A change is made before.
    Doubled(u32),
}

/// What is done to the pixels before they become black or white.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change {
    None,
    /// Light and dark change places.
    Inverted,
    /// Made softer by this radius: closes the gaps between the cells of a terminal, and calms noise.
    Softened(f32),
    /// Edges made harder by what this radius softens: for small and blurred codes.
    Sharpened(f32),
    /// Turned by so many degrees: patterns are looked for along rows, and some angles suit that better.
    Turned(f32),
}

/// How pixels become black or white.
#[derive(Clone, Copy, Debug)]
pub(super) enum Threshold {
    /// One for all, the cheapest: see [`otsu`].
    Otsu,
    /// `ZXing`'s: of each block of 8 × 8 pixels and its neighbours.
    Blocks,
    /// Our own, of a wider window: see [`local_mean`].
    LocalMean,
    /// `rqrr`'s: a running mean along the row.
    RunningMean,
}

impl Preparation {
    /// A picture in which a dark pixel is 1 and a light one 0. `None` if this is not for a picture of such a size.
    pub(super) fn of(&self, picture: &GrayImage) -> Option<GrayImage> {
        let mut grey = self.size.of(picture)?;
        match self.change {
            Change::None => {}
            Change::Inverted => imageops::invert(&mut grey),
            Change::Softened(radius) => grey = imageops::fast_blur(&grey, radius),
            Change::Sharpened(radius) => sharpen(&mut grey, radius),
            Change::Turned(degrees) => grey = turned(&grey, degrees),
        }
        if matches!(self.size, Size::Doubled(_)) {
            grey = doubled(&grey);
        }
        match self.threshold {
            Threshold::Otsu => Some(otsu(&grey)),
            Threshold::Blocks => blocks(grey),
            Threshold::LocalMean => Some(local_mean(&grey)),
            Threshold::RunningMean => Some(running_mean(grey)),
        }
    }
}

impl Size {
    /// The picture in this size, or still to be doubled: a change takes a quarter of the time before that.
    fn of(self, picture: &GrayImage) -> Option<GrayImage> {
        let longer = picture.width().max(picture.height());
        match self {
            Self::Whole => Some(picture.clone()),
            Self::AtMost(side) => Some(fit(picture, side)),
            Self::Shrunk(side) => (longer > side).then(|| fit(picture, side)),
            Self::Doubled(up_to) => (longer <= up_to).then(|| picture.clone()),
        }
    }
}

/// Twice as wide and high, without steps: each new pixel is three quarters of the nearest old one, a quarter of the
/// next, across and along.
fn doubled(picture: &GrayImage) -> GrayImage {
    let (width, height) = picture.dimensions();
    // The nearest old pixel, and the next on the side where the new one is.
    let places = |new: u32, len: u32| {
        let near = new / 2;
        let next = if new.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(len - 1) };
        (near as usize, next as usize)
    };
    let old = picture.as_raw();
    let mut new = Vec::with_capacity(4 * old.len());
    for y in 0..2 * height {
        let (near, next) = places(y, height);
        let row = |nth: usize| &old[nth * width as usize..][..width as usize];
        let (near, next) = (row(near), row(next));
        let column: Vec<u16> =
            near.iter().zip(next).map(|(near, next)| 3 * u16::from(*near) + u16::from(*next)).collect();
        new.extend((0..2 * width).map(|x| {
            let (near, next) = places(x, width);
            u8::try_from((3 * column[near] + column[next] + 8) / 16).unwrap_or(u8::MAX)
        }));
    }
    GrayImage::from_raw(2 * width, 2 * height, new).unwrap_or_default()
}

/// Adds to each pixel by how much it differs from its surroundings.
fn sharpen(grey: &mut GrayImage, radius: f32) {
    let soft = imageops::fast_blur(grey, radius);
    for (pixel, soft) in grey.as_mut().iter_mut().zip(soft.as_raw()) {
        let sharp = 2 * i16::from(*pixel) - i16::from(*soft);
        *pixel = u8::try_from(sharp.clamp(0, 255)).unwrap_or(u8::MAX);
    }
}

fn blocks(grey: GrayImage) -> Option<GrayImage> {
    let (width, height) = grey.dimensions();
    let source = Luma8LuminanceSource::new(grey.into_raw(), width, height).ok()?;
    let binarizer = HybridBinarizer::new(source);
    let matrix = binarizer.get_black_matrix().ok()?;
    Some(GrayImage::from_fn(width, height, |x, y| Luma([u8::from(matrix.get(x, y))])))
}

fn running_mean(grey: GrayImage) -> GrayImage {
    let (width, height) = grey.dimensions();
    let prepared = PreparedImage::prepare(grey);
    let is_dark = |x: u32, y: u32| u8::from(u8::from(prepared.get_pixel_at(x as usize, y as usize)) == 1);
    GrayImage::from_fn(width, height, |x, y| Luma([is_dark(x, y)]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twice_the_size_has_no_steps() {
        let old = GrayImage::from_raw(2, 1, vec![0, 160]).unwrap_or_default();
        let new = doubled(&old);
        assert_eq!((new.dimensions(), new.into_raw()), ((4, 2), [0, 40, 120, 160].repeat(2)));
    }

    #[test]
    fn sharper_is_further_from_what_is_around() {
        let mut grey = GrayImage::from_fn(40, 3, |x, _| Luma([if x < 20 { 100 } else { 150 }]));
        sharpen(&mut grey, 2.0);
        let row = &grey.as_raw()[..40];
        assert!(row[19] < 95 && row[20] > 155, "{row:?}");
        assert_eq!((row[5], row[35]), (100, 150));
    }

    #[test]
    fn each_size_is_for_pictures_of_its_own() {
        let picture = GrayImage::new(900, 300);
        let of = |size: Size| size.of(&picture).map(|it| it.dimensions());
        assert_eq!(of(Size::Whole), Some((900, 300)));
        assert_eq!(of(Size::AtMost(900)), Some((900, 300)));
        assert_eq!(of(Size::AtMost(899)), Some((450, 150)));
        assert_eq!(of(Size::Shrunk(900)), None);
        assert_eq!(of(Size::Shrunk(400)), Some((300, 100)));
        assert_eq!(of(Size::Doubled(900)), Some((900, 300)));
        assert_eq!(of(Size::Doubled(899)), None);
    }
}
