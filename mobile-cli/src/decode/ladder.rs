//! Step 2: the preparations, tried one by one until a code is read.
//!
//! The reader wants black and white pixels of a good size. Which threshold and
//! which size suit a photograph can't be told beforehand, but trying is cheap.
//! The steps stand in the order of how often each is the first to succeed.

use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage};
use rqrr::PreparedImage;

use super::crowd::is_crowded;
use super::guard::{Findings, quietly};
use super::payload;
use super::picture::{SEARCHED_SIDE, fit};
use super::threshold::local_mean;
use super::turn::turned;

/// One way to prepare a picture.
struct Step {
    size: Size,
    threshold: Threshold,
    change: Change,
}

/// What is done to the pixels before that.
enum Change {
    None,
    /// Light and dark change places: the reader knows dark codes on light ground only.
    Inverted,
    /// Made softer by this radius: closes the gaps between the cells of a terminal, and calms noise.
    Softened(f32),
    /// Turned by so many degrees: the reader finds its patterns along rows, and some angles suit it better.
    Turned(f32),
}

/// To which size.
enum Size {
    /// The longer side at most this.
    AtMost(u32),
    /// Twice the size, for pictures whose longer side is at most this.
    Doubled(u32),
}

/// How pixels become black or white.
enum Threshold {
    /// Our own, see [`local_mean`].
    LocalMean,
    /// The reader's own: a running mean along the row.
    RunningMean,
}

#[rustfmt::skip]
const STEPS: &[Step] = &[
    Step { size: Size::AtMost(800),           threshold: Threshold::LocalMean,   change: Change::None },
    Step { size: Size::AtMost(SEARCHED_SIDE), threshold: Threshold::RunningMean, change: Change::None },
    Step { size: Size::Doubled(900),          threshold: Threshold::LocalMean,   change: Change::None },
    Step { size: Size::Doubled(900),          threshold: Threshold::RunningMean, change: Change::None },
    Step { size: Size::AtMost(800),           threshold: Threshold::LocalMean,   change: Change::Inverted },
    Step { size: Size::AtMost(400),           threshold: Threshold::LocalMean,   change: Change::None },
    Step { size: Size::AtMost(800),           threshold: Threshold::LocalMean,   change: Change::Softened(1.5) },
    Step { size: Size::AtMost(800),           threshold: Threshold::LocalMean,   change: Change::Turned(45.0) },
    Step { size: Size::AtMost(800),           threshold: Threshold::LocalMean,   change: Change::Turned(20.0) },
    Step { size: Size::AtMost(600),           threshold: Threshold::LocalMean,   change: Change::None },
    Step { size: Size::AtMost(800),           threshold: Threshold::RunningMean, change: Change::Softened(1.5) },
];

/// Tries the steps until everything that looks like a code is read and `enough` says yes to one text.
///
/// A step in which the reader panics counts as one that found nothing.
pub(super) fn climb(picture: &GrayImage, enough: &dyn Fn(&str) -> bool, found: &Findings) {
    let mut satisfied = false;
    for step in STEPS {
        if found.are_late() {
            return;
        }
        let Some(seen) = quietly(|| step.try_on(picture)).flatten() else { continue };
        satisfied |= seen.texts.iter().any(|text| enough(text));
        seen.texts.into_iter().for_each(|text| found.add(text));
        if satisfied && seen.unread == 0 {
            return;
        }
    }
}

/// What a step saw.
struct Seen {
    texts: Vec<String>,
    /// How many places looked like a code and could not be read.
    unread: usize,
}

impl Step {
    /// `None` if the step is not for a picture of this size.
    fn try_on(&self, picture: &GrayImage) -> Option<Seen> {
        let mut grey = self.size.of(picture)?;
        match self.change {
            Change::None => {}
            Change::Inverted => imageops::invert(&mut grey),
            Change::Softened(radius) => grey = imageops::blur(&grey, radius),
            Change::Turned(degrees) => grey = turned(&grey, degrees),
        }
        Some(read(match self.threshold {
            Threshold::LocalMean => PreparedImage::without_preparation(local_mean(&grey)),
            Threshold::RunningMean => PreparedImage::prepare(grey),
        }))
    }
}

impl Size {
    fn of(&self, picture: &GrayImage) -> Option<GrayImage> {
        let original = || DynamicImage::ImageLuma8(picture.clone());
        match *self {
            Self::AtMost(side) => Some(fit(original(), side).into_luma8()),
            Self::Doubled(up_to) => {
                let (width, height) = picture.dimensions();
                let double = || original().resize_exact(width * 2, height * 2, FilterType::Triangle);
                (width.max(height) <= up_to).then(|| double().into_luma8())
            }
        }
    }
}

/// Finds the codes in black and white pixels, and reads them. Among too many patterns there are none.
fn read(mut prepared: PreparedImage<GrayImage>) -> Seen {
    if is_crowded(&prepared) {
        return Seen { texts: Vec::new(), unread: 0 };
    }
    let grids = prepared.detect_grids();
    let texts: Vec<_> = grids.iter().filter_map(payload::text_of).collect();
    Seen { unread: grids.len() - texts.len(), texts }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    #[test]
    fn a_step_in_which_the_reader_panics_found_nothing() {
        // Five finder patterns, stretched, so that a map between three of them leads beyond all numbers.
        let patterns =
            [(57_u32, 0_u32, 3_u32, 4_u32), (59, 28, 4, 2), (64, 32, 2, 1), (7, 22, 1, 1), (93, 25, 3, 3)];
        let mut pixels = GrayImage::new(120, 120);
        for (left, top, wide, high) in patterns {
            for (x, y) in (0..7 * high).flat_map(|y| (0..7 * wide).map(move |x| (x, y))) {
                let ring = (x / wide).abs_diff(3).max((y / high).abs_diff(3));
                if let Some(pixel) = pixels.get_pixel_mut_checked(left + x, top + y) {
                    *pixel = Luma([u8::from(ring == 3 || ring <= 1)]);
                }
            }
        }
        // If there is something to see, the reader has been mended, and this needs another picture.
        assert!(quietly(|| read(PreparedImage::without_preparation(pixels))).is_none());
    }
}
