//! Step 2c: codes that are higher than wide, with gaps from line to line, as in terminals whose lines have air between
//! them.
//!
//! ```text
//! ##############    A finder pattern in half cells: two modules and the air below them make a line. The air has the
//! ##          ##    colour of the upper module, or one for all.
//! ##  ######  ##
//! ##  ######  ##    A row through the middle is still 1:1:3:1:1 (1). The column there says how high the pattern is
//! ----------------  for its width (2). What is thinner than half a module is none: it is closed (3), and the rest
//! ##  ######  ##    made as high as wide (4).
//! ##          ##
//! ##############
//! ```

use image::GrayImage;

use super::crowd::{Run, has_proportions, runs};
use super::pixels::{exact, whole};
use super::read::{Code, Spot};

/// Of rows that are so far apart each is looked at: a finder pattern's middle is three modules high.
const EVERY_ROW: usize = 2;
/// So many rows of patterns have to agree; three patterns have more even if their modules are small.
const LEAST_VOTES: usize = 6;
/// More than a wall of codes has.
const MOST_VOTES: usize = 2_000;
/// How much higher than wide: what is less is read as it is, unless it has gaps; what is more is no code.
const LEAST_RATIO: f32 = 1.1;
const MOST_RATIO: f32 = 2.2;
/// A run of less than this many modules is a gap.
const GAP_MODULES: f32 = 0.5;

/// How a code is stretched.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stretch {
    /// How much higher than wide a module is.
    ratio: f32,
    /// How high it is, in pixels.
    module: f32,
}

/// What a row of a finder pattern says.
struct Vote {
    stretch: Stretch,
    has_gap: bool,
}

impl Stretch {
    /// How the codes in a picture are stretched in which a dark pixel is 1, if they are.
    pub(super) fn of(dark: &GrayImage) -> Option<Self> {
        let width = dark.width().max(1) as usize;
        // (1)
        let rows = dark.as_raw().chunks_exact(width).enumerate().step_by(EVERY_ROW);
        let votes = rows.flat_map(|(y, row)| {
            let stones = runs(row);
            let votes = stones.windows(3).filter(|three| has_proportions(three));
            votes.filter_map(|three| vote(dark, three, y)).collect::<Vec<_>>()
        });
        let mut votes: Vec<Vote> = votes.take(MOST_VOTES).collect();
        if votes.len() < LEAST_VOTES {
            return None;
        }
        votes.sort_by(|one, other| one.stretch.ratio.total_cmp(&other.stretch.ratio));
        let stretch = votes[votes.len() / 2].stretch;
        let has_gaps = 2 * votes.iter().filter(|vote| vote.has_gap).count() > votes.len();
        (stretch.ratio >= LEAST_RATIO || has_gaps).then_some(stretch)
    }

    /// (3, 4) The picture with gaps closed and modules as high as wide.
    pub(super) fn evened(self, dark: &GrayImage) -> GrayImage {
        let (width, height) = dark.dimensions();
        let mut closed = dark.clone();
        let least = whole(self.module * GAP_MODULES) as usize;
        for x in 0..width as usize {
            close(closed.as_mut(), x, width as usize, least);
        }
        let rows = whole(exact(height) / self.ratio);
        let from = |y: u32| whole((exact(y) + 0.5) * self.ratio).min(height.saturating_sub(1));
        GrayImage::from_fn(width, rows, |x, y| *closed.get_pixel(x, from(y)))
    }

    /// A code of that picture, as it is in the other.
    pub(super) fn code_in_place(self, code: Code) -> Code {
        let place = |(x, y): (f32, f32)| (x, y * self.ratio);
        let Spot { middle, reach, fourth } = code.spot;
        Code {
            spot: Spot { middle: place(middle), reach: reach * self.ratio, fourth: place(fourth) },
            ..code
        }
    }
}

/// (2) What three runs in a row say that may be the ring, the stone and the ring of a finder pattern.
fn vote(dark: &GrayImage, three: &[Run], y: usize) -> Option<Vote> {
    let [left, stone, right] = three else { return None };
    let wide = right.end - left.start;
    let (width, height) = (dark.width() as usize, dark.height() as usize);
    let x = usize::midpoint(stone.start, stone.end);
    // No more of the column than the highest pattern has.
    let (top, bottom) = (y.saturating_sub(2 * wide), (y + 2 * wide).min(height));
    let column: Vec<u8> = (top..bottom).map(|y| dark.as_raw()[y * width + x]).collect();
    let mut closed = column.clone();
    // A gap of half a module, of modules that are as wide as these and a little higher.
    close(&mut closed, 0, 1, wide * 6 / 70);
    let has_gap = closed != column;
    let runs = runs(&closed);
    let at = runs.iter().position(|run| (run.start..run.end).contains(&(y - top)))?;
    let around = runs.get(at.checked_sub(1)?..at + 2)?;
    let [above, stone, below] = around else { return None };
    let high = below.end - above.start;
    let parts =
        [above.end - above.start, stone.start - above.end, below.start - stone.end, below.end - below.start];
    let is_pattern = parts.iter().all(|part| (high / 14..high / 3).contains(part))
        && (high * 3 / 10..high * 6 / 10).contains(&(stone.end - stone.start));
    let ratio = size(high) / size(wide);
    let stretch = Stretch { ratio, module: size(high) / 7.0 };
    (is_pattern && (0.9..MOST_RATIO).contains(&ratio)).then_some(Vote { stretch, has_gap })
}

/// Gives what is shorter than `least` in a column, or in any other line of pixels that are `step` apart, the colour
/// of what is before it.
fn close(pixels: &mut [u8], first: usize, step: usize, least: usize) {
    let count = pixels.len().saturating_sub(first).div_ceil(step);
    let mut start = 0;
    while start < count {
        let colour = pixels[first + start * step];
        let end = (start..count).find(|nth| pixels[first + nth * step] != colour).unwrap_or(count);
        if start > 0 && end < count && end - start < least {
            (start..end).for_each(|nth| pixels[first + nth * step] = 1 - colour);
        }
        start = end;
    }
}

fn size(pixels: usize) -> f32 {
    exact(u32::try_from(pixels).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    /// Three finder patterns, each module of these sizes, and below every second row of modules a gap.
    fn patterns(wide: u32, high: u32, gap: u32) -> GrayImage {
        let line = 2 * high + gap;
        GrayImage::from_fn(30 * wide, 15 * line, |x, y| {
            let (column, row) = (x / wide, y / line * 2 + u32::from(y % line >= high));
            let at = |left: u32, top: u32| {
                let ring = column.wrapping_sub(left + 3).cast_signed().unsigned_abs();
                ring.max(row.wrapping_sub(top + 3).cast_signed().unsigned_abs())
            };
            let is_dark = [(2, 2), (20, 2), (2, 20)].map(|(left, top)| matches!(at(left, top), 0 | 1 | 3));
            Luma([u8::from(y % line < 2 * high && is_dark.contains(&true))])
        })
    }

    #[test]
    fn what_is_higher_than_wide_or_has_gaps_is_seen_and_nothing_else() {
        for (wide, high, gap, ratio) in [(8, 12, 0, 1.5), (8, 8, 3, 1.2), (10, 10, 1, 1.05), (6, 8, 2, 1.5)] {
            let stretch = Stretch::of(&patterns(wide, high, gap)).unwrap();
            assert!((stretch.ratio - ratio).abs() < 0.15, "{wide} {high} {gap}: {stretch:?}");
        }
        for (wide, high) in [(8, 8), (3, 3), (12, 9), (4, 10)] {
            assert!(Stretch::of(&patterns(wide, high, 0)).is_none(), "{wide} {high}");
        }
        for nothing in
            [GrayImage::new(0, 0), GrayImage::new(50, 50), GrayImage::from_pixel(50, 50, Luma([1]))]
        {
            assert!(Stretch::of(&nothing).is_none());
        }
    }

    #[test]
    fn an_even_picture_has_no_gaps_and_its_codes_are_back_in_place() {
        let stretch = Stretch { ratio: 1.5, module: 6.0 };
        let column = [1, 1, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0];
        let even = stretch.evened(&GrayImage::from_raw(1, 12, column.to_vec()).unwrap());
        assert_eq!((even.dimensions(), even.into_raw()), ((1, 8), vec![1, 1, 1, 1, 1, 1, 0, 0]));
        let spot = Spot { middle: (4.0, 4.0), reach: 2.0, fourth: (6.0, 6.0) };
        let Spot { middle, reach, fourth } = stretch.code_in_place(Code { text: String::new(), spot }).spot;
        assert_eq!((middle, reach, fourth), ((4.0, 6.0), 3.0, (6.0, 9.0)));
    }

    #[test]
    fn what_is_thin_goes_unless_it_is_at_the_edge() {
        let mut line = [1, 0, 0, 0, 1, 0, 0, 0, 1];
        close(&mut line, 0, 1, 2);
        assert_eq!(line, [1, 0, 0, 0, 0, 0, 0, 0, 1]);
        let mut columns = [0, 9, 0, 9, 1, 9, 0, 9, 0, 9];
        close(&mut columns, 0, 2, 2);
        assert_eq!(columns, [0, 9, 0, 9, 0, 9, 0, 9, 0, 9]);
    }
}
