//! Step 4, when nothing was read: what a person can do about it.
//!
//! ```text
//! three finder patterns   the fourth corner is outside: cut off       1 or 2   where the rest of the code were,
//!                         modules of hardly a pixel: too small                 the picture has ended: cut off
//!                         else, if it is soft: blurred                         …
//! none                    soft: blurred      a fine-grained spot: too small      else there is no code
//! ```

use image::GrayImage;

use super::Unreadable;
use super::ladder::Clues;
use super::picture::fit;
use super::pixels::exact;
use super::read::{Pattern, distance};
use super::sheet::Point;
use super::threshold::local_mean;

/// Modules of fewer pixels are rarely read.
const SMALL_MODULE_PX: f32 = 2.2;
/// From the middle of a finder pattern, a code reaches at least this far into one quadrant, in modules: the smallest
/// that is in use for addresses.
const CODE_REACH: f32 = 21.5;
/// Softness is judged in pictures of at most this side: a large photograph is always soft when seen up close.
const JUDGED_SIDE: u32 = 800;
/// Softer than this is blurred.
const BLURRED: f32 = 0.62;

/// Why no code was read in a picture, by what was seen of one.
pub(super) fn why(picture: &GrayImage, clues: &Clues) -> Unreadable {
    let size = (exact(picture.width()), exact(picture.height()));
    let is_outside = |point: Point| point.0 < 0.0 || point.1 < 0.0 || point.0 > size.0 || point.1 > size.1;
    // Something small nearly always looks like a finder pattern somewhere; what is too small has none that is larger.
    let largest = clues.patterns.iter().map(|pattern| pattern.module).fold(0.0, f32::max);
    let is_blurred = softness(&fit(picture, JUDGED_SIDE)).is_some_and(|softness| softness > BLURRED);
    if let [.., likely] = clues.unread.as_slice() {
        return match () {
            () if is_outside(likely.fourth) => Unreadable::CutOff,
            () if largest < SMALL_MODULE_PX => Unreadable::TooSmall,
            () if is_blurred => Unreadable::Blurred,
            () => Unreadable::Unclear,
        };
    }
    match clues.patterns.as_slice() {
        [] if is_blurred => Unreadable::Blurred,
        [] if has_fine_grained_spot(picture) => Unreadable::TooSmall,
        [] => Unreadable::NoCode,
        [one] if goes_on_outside_of_one(one, size) => Unreadable::CutOff,
        [one, other] if goes_on_outside_of_two(one, other, &is_outside) => Unreadable::CutOff,
        _ if largest < SMALL_MODULE_PX => Unreadable::TooSmall,
        _ if is_blurred => Unreadable::Blurred,
        _ => Unreadable::NoCode,
    }
}

/// Whether the picture is too small, wherever the rest of the code lies.
fn goes_on_outside_of_one(pattern: &Pattern, size: (f32, f32)) -> bool {
    let reach = CODE_REACH * pattern.module;
    let fits = |at: f32, len: f32| at - reach >= 0.0 || at + reach <= len;
    !fits(pattern.middle.0, size.0) || !fits(pattern.middle.1, size.1)
}

/// Whether the third pattern of a code may be where the picture has ended. That it is elsewhere is not likely: there
/// it would have been seen.
fn goes_on_outside_of_two(one: &Pattern, other: &Pattern, is_outside: &dyn Fn(Point) -> bool) -> bool {
    let ratio = one.module.max(other.module) / one.module.min(other.module);
    let apart = distance(one.middle, other.middle) / one.module;
    if ratio > 1.5 || !(10.0..250.0).contains(&apart) {
        return false;
    }
    let (a, b) = (one.middle, other.middle);
    let across = (a.1 - b.1, b.0 - a.0);
    let beside = [a, b]
        .into_iter()
        .flat_map(|it| [(it.0 + across.0, it.1 + across.1), (it.0 - across.0, it.1 - across.1)]);
    beside.into_iter().any(is_outside)
}

/// How little the differences between neighbouring pixels change when the picture is softened: 0 of sharp edges, 1
/// of such as were soft before. `None` of a picture without any difference to speak of.
#[expect(clippy::cast_precision_loss, reason = "a sum of few differences")]
fn softness(grey: &GrayImage) -> Option<f32> {
    const AROUND: usize = 4;
    let (width, height) = (grey.width() as usize, grey.height() as usize);
    let columns = || (0..width).map(|x| (x..grey.as_raw().len()).step_by(width));
    let rows = || (0..height).map(|y| (y * width..(y + 1) * width).step_by(1));
    let of_line = |line: std::iter::StepBy<std::ops::Range<usize>>| -> (u64, u64) {
        let pixels: Vec<u32> = line.map(|nth| u32::from(grey.as_raw()[nth])).collect();
        let sums: Vec<u32> = pixels.windows(2 * AROUND + 1).map(|window| window.iter().sum()).collect();
        let inner = pixels.get(AROUND..pixels.len().saturating_sub(AROUND)).unwrap_or_default();
        let (mut all, mut lost) = (0, 0);
        for (sharp, soft) in inner.windows(2).zip(sums.windows(2)) {
            let before = u64::from(sharp[0].abs_diff(sharp[1])) * (2 * AROUND as u64 + 1);
            // What differs so little is noise.
            if before > 2 * AROUND as u64 + 1 {
                all += before;
                lost += before.saturating_sub(u64::from(soft[0].abs_diff(soft[1])));
            }
        }
        (all, lost)
    };
    let softness = |sums: (u64, u64)| {
        let enough = grey.as_raw().len() as u64 / 4;
        (sums.0 > enough).then(|| 1.0 - sums.1 as f32 / sums.0 as f32)
    };
    let total = |sum: (u64, u64), line: (u64, u64)| (sum.0 + line.0, sum.1 + line.1);
    let across = softness(rows().map(of_line).fold((0, 0), total));
    let along = softness(columns().map(of_line).fold((0, 0), total));
    // Softer in one direction: moved.
    across.into_iter().chain(along).reduce(f32::max)
}

/// Whether some place is black and white in turn from pixel to pixel, as a code that was taken from too far away.
fn has_fine_grained_spot(picture: &GrayImage) -> bool {
    const SIDE: u32 = 20;
    /// Of a hundred neighbours in a row or column: a code with modules of two pixels has 25.
    const CHANGES_PERCENT: usize = 24;
    const MIN_CONTRAST: u8 = 60;
    let (width, height) = picture.dimensions();
    let dark = local_mean(picture);
    let places = |x: u32, y: u32| (y..y + SIDE).flat_map(move |y| (x..x + SIDE).map(move |x| (x, y)));
    let is_fine = |x: u32, y: u32| {
        let differs = |(at, to): ((u32, u32), (u32, u32))| {
            let is_inside = to.0 < x + SIDE && to.1 < y + SIDE;
            is_inside && dark.get_pixel(at.0, at.1) != dark.get_pixel(to.0, to.1)
        };
        let across = places(x, y).map(|at| (at, (at.0 + 1, at.1))).filter(|it| differs(*it)).count();
        let along = places(x, y).map(|at| (at, (at.0, at.1 + 1))).filter(|it| differs(*it)).count();
        let light = |at: (u32, u32)| picture.get_pixel(at.0, at.1).0[0];
        let (least, most) =
            places(x, y).map(light).fold((255, 0), |it, light| (light.min(it.0), light.max(it.1)));
        let all = (SIDE * (SIDE - 1)) as usize;
        across.min(along) * 100 >= all * CHANGES_PERCENT && most - least >= MIN_CONTRAST
    };
    let starts = |len: u32| (0..=len.saturating_sub(SIDE)).step_by(10);
    width >= SIDE
        && height >= SIDE
        && starts(height).flat_map(|y| starts(width).map(move |x| (x, y))).any(|(x, y)| is_fine(x, y))
}
