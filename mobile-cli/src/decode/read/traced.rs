//! The crate `rxing`, of which only the parts are used: it finds finder patterns by tracing their edges.
//!
//! Its own loop over the patterns would neither end in time among many nor outlive a panic. So the loop is here,
//! and after the flat grids of the crate it tries [rubber sheets](sheet).

use image::GrayImage;
use rxing::common::{BIT_FIELD_BASE_BITS, BitArray, BitMatrix, DetectorRXingResult as _};
use rxing::qrcode::cpp_port::detector::{
    FindFinderPatterns, FinderPatternSet, GenerateFinderPatternSets, SampleQR,
};

use super::{Code, Pattern, Seen, Spot, distance};
use crate::decode::guard::quietly;
use crate::decode::payload;
use crate::decode::sheet::{self, Corner, Point};
use crate::decode::threshold::Sums;

/// The most sets of three patterns that are tried. The likeliest come first: a wall of codes has one for each code,
/// noise has thousands.
const MOST_SETS: usize = 400;
/// The most sets on which a sheet is tried: each takes some milliseconds.
const MOST_SHEETS: usize = 2;
/// The largest side of a sheet, in modules. Larger codes have so many alignment patterns that no sheet is needed.
const MOST_SHEET_SIDE: usize = 77;

/// Finds and reads the codes. With `bent` also those on surfaces that are not flat.
pub(in crate::decode) fn read(dark: &GrayImage, bent: bool, is_late: &dyn Fn() -> bool) -> Option<Seen> {
    let matrix = matrix(dark)?;
    let mut patterns = FindFinderPatterns(&matrix, true, 0);
    let sets = GenerateFinderPatternSets(&mut patterns);
    let mut seen = Seen { patterns: patterns.iter().map(pattern).collect(), ..Seen::default() };
    let (mut read, mut unread): (Vec<FinderPatternSet>, Vec<FinderPatternSet>) = Default::default();
    let (tidy, other): (Vec<_>, Vec<_>) = sets.into_iter().partition(is_tidy);
    for set in tidy.into_iter().chain(other).take(MOST_SETS) {
        if is_late() {
            return Some(seen);
        }
        let spot = spot(&set);
        if seen.codes.iter().any(|code| code.spot.covers(&spot)) {
            continue;
        }
        match quietly(|| flat(&matrix, &set)).flatten() {
            Some(text) => {
                seen.codes.push(Code { text, spot });
                read.push(set);
            }
            None => unread.push(set),
        }
    }
    let dark = bent.then(|| Sums::of(dark));
    let mut sheets = 0;
    for set in unread {
        // A pattern of one code is none of another.
        if !is_tidy(&set) || read.iter().any(|read| share_a_pattern(read, &set)) {
            continue;
        }
        let spot = spot(&set);
        let is_known = |others: &[Spot]| others.iter().any(|other| other.covers(&spot));
        let is_read = seen.codes.iter().any(|code| code.spot.covers(&spot));
        if is_read || is_known(&seen.unread) {
            continue;
        }
        let text = dark.as_ref().filter(|_| sheets < MOST_SHEETS && !is_late()).and_then(|dark| {
            sheets += 1;
            on_sheet(dark, &set)
        });
        match text {
            Some(text) => {
                seen.codes.push(Code { text, spot });
                read.push(set);
            }
            None => seen.unread.push(spot),
        }
    }
    Some(seen)
}

/// Whether the patterns are of one size and at the corners of something like a square, as of a code that is not
/// seen from far aside. Any three patterns that are there by chance rarely are.
fn is_tidy(set: &FinderPatternSet) -> bool {
    let Corner { middle, right, below, .. } = corner(set);
    let ratio = |one: f32, other: f32| one.max(other) / one.min(other).max(f32::MIN_POSITIVE);
    let [a, b, c] = [&set.tl, &set.tr, &set.bl].map(|it| pattern(it).module);
    let (across, along) = (distance(middle, right), distance(middle, below));
    let square = across.hypot(along);
    ratio(a, b).max(ratio(b, c)).max(ratio(a, c)) < 1.5
        && ratio(across, along) < 1.5
        && ratio(distance(right, below), square) < 1.2
}

fn share_a_pattern(one: &FinderPatternSet, other: &FinderPatternSet) -> bool {
    let others = [other.tl, other.tr, other.bl];
    [one.tl, one.tr, one.bl].iter().any(|pattern| others.contains(pattern))
}

/// Word by word: bit by bit, this would take as long as all that follows.
fn matrix(dark: &GrayImage) -> Option<BitMatrix> {
    let width = dark.width() as usize;
    let mut matrix = BitMatrix::new(dark.width(), dark.height()).ok()?;
    let mut bits = BitArray::with_size(width);
    for (y, row) in (0..dark.height()).zip(dark.as_raw().chunks_exact(width.max(1))) {
        for (nth, pixels) in row.chunks(BIT_FIELD_BASE_BITS).enumerate() {
            let word = pixels.iter().rev().fold(0, |word, pixel| word << 1 | usize::from(*pixel));
            bits.setBulk(nth * BIT_FIELD_BASE_BITS, word);
        }
        matrix.setRow(y, &bits);
    }
    Some(matrix)
}

fn flat(matrix: &BitMatrix, set: &FinderPatternSet) -> Option<String> {
    payload::of_matrix(SampleQR(matrix, set).ok()?.getBits())
}

/// The text, if a sheet of one of the sizes that the code may have fits.
fn on_sheet(dark: &Sums, set: &FinderPatternSet) -> Option<String> {
    let corner = corner(set);
    let [middle, right, below] = [corner.middle, corner.right, corner.below];
    let between = f32::midpoint(distance(middle, right), distance(middle, below)) / corner.module;
    // The middles of two finder patterns are 4 × version + 10 modules apart.
    let version = sheet::whole(((between - 10.0) / 4.0).round().max(1.0));
    let mut text = None;
    for version in [version, version + 1, version.saturating_sub(1)] {
        let side = 17 + 4 * version;
        if version > 0 && side <= MOST_SHEET_SIDE {
            sheet::each(dark, corner, side, &mut |modules| {
                text = payload::of_modules(modules, side);
                text.is_some()
            });
        }
        if text.is_some() {
            break;
        }
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a size in pixels")]
fn pattern(pattern: &rxing::common::cpp_essentials::ConcentricPattern) -> Pattern {
    Pattern { middle: (pattern.p.x, pattern.p.y), module: pattern.size as f32 / 7.0 }
}

fn corner(set: &FinderPatternSet) -> Corner {
    let [middle, right, below] = [&set.tl, &set.tr, &set.bl].map(pattern);
    let module = (middle.module + right.module + below.module) / 3.0;
    Corner { middle: middle.middle, right: right.middle, below: below.middle, module }
}

/// The middle is halfway between the two opposite patterns.
fn spot(set: &FinderPatternSet) -> Spot {
    let Corner { middle: first, right, below, module } = corner(set);
    let middle: Point = (f32::midpoint(right.0, below.0), f32::midpoint(right.1, below.1));
    let fourth = (2.0 * middle.0 - first.0, 2.0 * middle.1 - first.1);
    Spot { middle, reach: distance(right, below) / 2.0 + 3.5 * module, fourth }
}
