//! Step 2: the preparations, tried one by one until a code is read.
//!
//! Which threshold and which size suit a photograph can't be told beforehand, but trying is cheap. The steps stand
//! in the order of what each reads for the time that it takes, measured on photographs that the steps before it
//! don't read.

use image::GrayImage;

use super::crowd::has_more_than;
use super::guard::{Findings, quietly};
use super::pixels::exact;
use super::prepare::{Change, Preparation, Size, Threshold};
use super::read::{Code, Pattern, Seen, Spot, flooded, traced};
use super::stretch::Stretch;

/// One way to prepare a picture, and how it is read then.
struct Step {
    preparation: Preparation,
    readers: &'static [Reader],
    /// Only for pictures in which a finder pattern was seen: this takes long.
    last: bool,
}

/// How black and white pixels are read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// By [`traced`].
    Traced,
    /// The same, of light codes on dark ground.
    Light,
    /// By [`traced`], and then as on a surface that is not flat.
    Bent,
    /// By [`flooded`].
    Flooded,
    /// As if it were [evened](Stretch), if it is uneven; dark or light.
    Evened,
}

const fn step(size: Size, change: Change, threshold: Threshold, readers: &'static [Reader]) -> Step {
    Step { preparation: Preparation { size, change, threshold }, readers, last: false }
}

const fn last(size: Size, change: Change, threshold: Threshold, readers: &'static [Reader]) -> Step {
    Step { preparation: Preparation { size, change, threshold }, readers, last: true }
}

use Change::{Inverted, Sharpened, Softened, Turned};
use Reader::{Bent, Evened, Flooded, Light, Traced};
use Size::{AtMost, Doubled, Shrunk, Whole};
use Threshold::{Blocks, LocalMean, Otsu, RunningMean};

#[rustfmt::skip]
const STEPS: &[Step] = &[
    step(Whole,        Change::None,   Otsu,        &[Traced, Light]),
    step(Shrunk(400),  Change::None,   Blocks,      &[Traced]),
    step(Whole,        Change::None,   Blocks,      &[Bent, Light]),
    step(Whole,        Change::None,   Otsu,        &[Evened]),
    step(Shrunk(400),  Change::None,   LocalMean,   &[Bent, Flooded]),
    step(Whole,        Change::None,   LocalMean,   &[Traced]),
    step(AtMost(800),  Change::None,   LocalMean,   &[Flooded]),
    step(AtMost(800),  Inverted,       LocalMean,   &[Traced, Flooded]),
    step(Shrunk(400),  Change::None,   Blocks,      &[Flooded]),
    step(Doubled(900), Change::None,   Blocks,      &[Bent]),
    last(Doubled(900), Sharpened(1.0), Blocks,      &[Bent]),
    last(Doubled(900), Change::None,   LocalMean,   &[Flooded]),
    last(AtMost(1000), Softened(2.0),  RunningMean, &[Traced, Light]),
    last(AtMost(800),  Softened(1.5),  LocalMean,   &[Flooded]),
    last(AtMost(800),  Softened(3.0),  Blocks,      &[Bent, Light]),
    last(AtMost(600),  Change::None,   LocalMean,   &[Bent, Flooded]),
    last(AtMost(800),  Turned(45.0),   LocalMean,   &[Flooded]),
    last(AtMost(800),  Turned(20.0),   Otsu,        &[Flooded]),
    last(AtMost(600),  Turned(70.0),   LocalMean,   &[Flooded]),
];

/// How many steps more are taken for something that looks like another code.
const STEPS_FOR_ANOTHER: usize = 4;
/// More finder patterns than a wall of codes has; each has three.
const MOST_TRACED: usize = 3_000;
/// `rqrr` tries each pattern with all others.
const MOST_FLOODED: usize = 300;
/// What was seen of codes, when none was read.
#[derive(Debug, Default)]
pub(super) struct Clues {
    /// The finder patterns that were seen at once, where those were the most.
    pub(super) patterns: Vec<Pattern>,
    /// Where three of them were as those of a code.
    pub(super) unread: Vec<Spot>,
}

/// Tries the steps until everything that looks like a code is read and `enough` says yes to one text.
///
/// A step in which a reader panics counts as one that found nothing.
pub(super) fn climb(picture: &GrayImage, enough: &dyn Fn(&str) -> bool, found: &Findings) -> Clues {
    let mut clues = Clues::default();
    let mut read: Vec<Spot> = Vec::new();
    let (mut is_enough, mut further) = (false, STEPS_FOR_ANOTHER);
    for step in STEPS {
        if found.are_late() || (step.last && clues.patterns.is_empty()) {
            break;
        }
        let Some(seen) = quietly(|| step.try_on(picture, found)).flatten() else { continue };
        for code in seen.codes {
            is_enough |= enough(&code.text);
            read.push(code.spot);
            found.add(code.text);
        }
        let unread = seen.unread.into_iter();
        clues.unread.extend(unread);
        clues.unread.retain(|spot| !read.iter().any(|code| code.covers(spot)));
        if seen.patterns.len() > clues.patterns.len() {
            clues.patterns = seen.patterns;
        }
        if is_enough {
            if clues.unread.is_empty() || further == 0 {
                break;
            }
            further -= 1;
        }
    }
    clues
}

impl Step {
    /// What is seen, in the picture's own pixels. `None` if the step is not for a picture of this size.
    fn try_on(&self, picture: &GrayImage, found: &Findings) -> Option<Seen> {
        let dark = self.preparation.of(picture)?;
        let mut seen = Seen::default();
        for reader in self.readers {
            if found.are_late() {
                break;
            }
            seen.add(quietly(|| reader.read(&dark, found)).flatten().unwrap_or_default());
        }
        if matches!(self.preparation.change, Turned(_)) {
            // Where that is in the picture itself is of no use any more: these are the last steps.
            seen = Seen { codes: seen.codes.into_iter().map(Code::anywhere).collect(), ..Seen::default() };
        }
        let by = exact(picture.width()) / exact(dark.width());
        Some(seen.scaled(by))
    }
}

impl Reader {
    /// Among too many patterns nothing is seen.
    fn read(self, dark: &GrayImage, found: &Findings) -> Option<Seen> {
        let most = if self == Flooded { MOST_FLOODED } else { MOST_TRACED };
        let light = (self == Light).then(|| negative(dark));
        let dark = light.as_ref().unwrap_or(dark);
        if has_more_than(most, dark) {
            return None;
        }
        match self {
            Flooded => Some(flooded::read(dark)),
            Evened => {
                Some(evened(dark, found).or_else(|| evened(&negative(dark), found)).unwrap_or_default())
            }
            _ => traced::read(dark, self == Bent, &|| found.are_late()),
        }
    }
}

/// Only what was read: where something else only looks like a code, these pixels are not those of the picture.
fn evened(dark: &GrayImage, found: &Findings) -> Option<Seen> {
    let stretch = Stretch::of(dark)?;
    let seen = traced::read(&stretch.evened(dark), false, &|| found.are_late())?;
    let codes: Vec<Code> = seen.codes.into_iter().map(|code| stretch.code_in_place(code)).collect();
    (!codes.is_empty()).then(|| Seen { codes, ..Seen::default() })
}

fn negative(dark: &GrayImage) -> GrayImage {
    let mut light = dark.clone();
    light.as_mut().iter_mut().for_each(|pixel| *pixel = 1 - *pixel);
    light
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
        assert!(quietly(|| flooded::read(&pixels)).is_none());
    }
}
