//! A code on a surface that is not flat: cloth, a bottle, a crumpled page.
//!
//! The readers lay a flat grid over a code, at most seen from the side. Here the grid is a rubber sheet: it is
//! pinned to the finder patterns, and its knots are pulled to where the modules are most clearly dark or light.
//!
//! ```text
//! 3 finder patterns --[1 flat]--> corner --[2 pull]--> 3 × 3 knots --> 5 × 5 --> 9 × 9
//!                    the fourth corner, where      each knot by a part of a module, as long as
//!                    the alignment pattern fits    that makes the modules around it clearer
//! ```
//!
//! Nothing is invented by that: what the modules say must still pass the code's own error correction.

use super::threshold::Sums;

/// A point in a picture, or a way in one, in pixels.
pub(super) type Point = (f32, f32);

/// Three finder patterns of one code: the middles of the one at the corner, the one to its right and the one below.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner {
    pub(super) middle: Point,
    pub(super) right: Point,
    pub(super) below: Point,
    /// Pixels a module.
    pub(super) module: f32,
}

/// How far the fourth corner may be from where it were on a flat sheet, as a part of the code's side.
const CORNER_REACH: f32 = 0.22;
/// How many places of the fourth corner are tried.
const CORNERS: usize = 2;
/// Knots a side, one after the other.
const KNOTS: [usize; 3] = [3, 5, 9];
/// By how much a knot is pulled at once, in modules.
const PULLS: [f32; 3] = [0.6, 0.3, 0.15];
/// What a knot that is pulled away from its neighbours costs, for each square module.
const STIFFNESS: f32 = 0.6;

/// Hands over the modules of a code row by row, dark or not, as one rubber sheet after the other sees them, until
/// `accept` says yes. `dark` has the sums of a picture in which a dark pixel is 1, `side` is the code's in modules.
pub(super) fn each(dark: &Sums, corner: Corner, side: usize, accept: &mut dyn FnMut(&[bool]) -> bool) {
    let flat = Sheet::flat(dark, corner, side);
    for fourth in flat.fourth_corners() {
        let mut sheet = flat.with_fourth(fourth);
        for knots in KNOTS {
            sheet = sheet.with_knots(knots);
            sheet.pull();
            if sheet.fit() < MIN_FIT {
                break;
            }
            if accept(&sheet.read()) {
                return;
            }
        }
    }
}

/// Fewer of the timing and alignment modules than this part are right where there is no code of that size.
const MIN_FIT: f32 = 0.7;

struct Sheet<'a> {
    dark: &'a Sums,
    /// A module is judged by the square of pixels this far around its middle.
    reach: f32,
    side: usize,
    /// What each module must be: 1 dark, -1 light, 0 either.
    expected: Vec<f32>,
    corner: Point,
    /// One module to the right and one down, on a flat sheet.
    right: Point,
    down: Point,
    knots: usize,
    /// By how many modules each knot is off the flat sheet.
    off: Vec<Point>,
}

impl<'a> Sheet<'a> {
    fn flat(dark: &'a Sums, corner: Corner, side: usize) -> Self {
        let between = exact(side) - 7.0;
        let way = |to: Point| ((to.0 - corner.middle.0) / between, (to.1 - corner.middle.1) / between);
        let (right, down) = (way(corner.right), way(corner.below));
        // The middle of the finder pattern is three and a half modules from the code's corner.
        let start = (corner.middle.0 - 3.5 * (right.0 + down.0), corner.middle.1 - 3.5 * (right.1 + down.1));
        Self {
            dark,
            reach: (corner.module * 0.25).max(0.5),
            side,
            expected: expected(side),
            corner: start,
            right,
            down,
            knots: 2,
            off: vec![(0.0, 0.0); 4],
        }
    }

    /// By how many modules the sheet is off at a place between 0 and 1.
    fn off_at(&self, across: f32, along: f32) -> Point {
        let last = exact(self.knots - 1);
        let (x, y) = (across * last, along * last);
        let (left, top) = (whole(x).min(self.knots - 2), whole(y).min(self.knots - 2));
        let (x, y) = (x - exact(left), y - exact(top));
        let at = |column: usize, row: usize| self.off[row * self.knots + column];
        let mix = |a: Point, b: Point, t: f32| (a.0 + (b.0 - a.0) * t, a.1 + (b.1 - a.1) * t);
        let above = mix(at(left, top), at(left + 1, top), x);
        let below = mix(at(left, top + 1), at(left + 1, top + 1), x);
        mix(above, below, y)
    }

    /// How dark a module is, from -1 to 1; 0 outside of the picture.
    fn value(&self, column: usize, row: usize) -> f32 {
        let (u, v) = (exact(column) + 0.5, exact(row) + 0.5);
        let off = self.off_at(u / exact(self.side), v / exact(self.side));
        let (u, v) = (u + off.0, v + off.1);
        let x = self.corner.0 + u * self.right.0 + v * self.down.0;
        let y = self.corner.1 + u * self.right.1 + v * self.down.1;
        self.dark.share(x, y, self.reach).map_or(0.0, |share| 2.0 * share - 1.0)
    }

    fn clarity_of(&self, column: usize, row: usize) -> f32 {
        let value = self.value(column, row);
        match self.expected[row * self.side + column] {
            0.0 => value.abs(),
            expected => 2.0 * expected * value,
        }
    }

    /// How clearly the modules in a rectangle are what they are.
    fn clarity(&self, columns: std::ops::Range<usize>, rows: std::ops::Range<usize>, step: usize) -> f32 {
        rows.step_by(step)
            .map(|row| columns.clone().step_by(step).map(|column| self.clarity_of(column, row)).sum::<f32>())
            .sum()
    }

    /// Where the fourth corner may be, in modules off the flat sheet.
    fn fourth_corners(&self) -> Vec<Point> {
        let mut sheet = self.with_fourth((0.0, 0.0));
        let most = whole(exact(self.side) * CORNER_REACH * 2.0);
        let half = |nth: usize| (exact(nth) - exact(most)) / 2.0;
        let mut found: Vec<(f32, Point)> = Vec::new();
        for (x, y) in (0..=2 * most).flat_map(|y| (0..=2 * most).map(move |x| (x, y))) {
            sheet.off[3] = (half(x), half(y));
            let side = self.side;
            let clarity = if side > 21 {
                sheet.clarity(side - 9..side - 4, side - 9..side - 4, 1) * 2.0
                    + sheet.clarity(side / 2..side, side / 2..side, 3)
            } else {
                sheet.clarity(side / 2..side, side / 2..side, 1)
            };
            found.push((clarity, sheet.off[3]));
        }
        found.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut corners: Vec<Point> = Vec::new();
        for (_, corner) in found {
            let is_new = corners.iter().all(|it| (it.0 - corner.0).abs().max((it.1 - corner.1).abs()) > 1.5);
            if is_new {
                corners.push(corner);
            }
            if corners.len() == CORNERS {
                break;
            }
        }
        corners
    }

    fn with_fourth(&self, off: Point) -> Self {
        let none = (0.0, 0.0);
        Self { expected: self.expected.clone(), knots: 2, off: vec![none, none, none, off], ..*self }
    }

    /// The same sheet with so many knots a side.
    fn with_knots(&self, knots: usize) -> Self {
        let place = |nth: usize| exact(nth) / exact(knots - 1);
        let off = (0..knots * knots).map(|nth| self.off_at(place(nth % knots), place(nth / knots))).collect();
        Self { expected: self.expected.clone(), knots, off, ..*self }
    }

    /// Pulls each knot as long as that makes the modules around it clearer.
    fn pull(&mut self) {
        for pull in PULLS {
            for nth in 0..self.off.len() {
                let mut best = self.merit(nth);
                for (x, y) in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1)] {
                    let before = self.off[nth];
                    let by = |direction: i8| f32::from(direction) * pull;
                    self.off[nth] = (before.0 + by(x), before.1 + by(y));
                    let merit = self.merit(nth);
                    if merit > best { best = merit } else { self.off[nth] = before }
                }
            }
        }
    }

    /// How clear the modules around a knot are, less what it costs that it is off its neighbours' line.
    fn merit(&self, nth: usize) -> f32 {
        let (column, row) = (nth % self.knots, nth / self.knots);
        let at = |place: usize| place * self.side / (self.knots - 1);
        let around = |place: usize| at(place.saturating_sub(1))..at(place + 1).min(self.side);
        let neighbours = [
            (column > 0).then(|| nth - 1),
            (column + 1 < self.knots).then_some(nth + 1),
            (row > 0).then(|| nth - self.knots),
            (row + 1 < self.knots).then_some(nth + self.knots),
        ];
        let (mut bend, mut count) = (0.0, 0.0);
        for neighbour in neighbours.into_iter().flatten() {
            let (here, there) = (self.off[nth], self.off[neighbour]);
            bend += (here.0 - there.0).powi(2) + (here.1 - there.1).powi(2);
            count += 1.0;
        }
        let (columns, rows) = (around(column), around(row));
        let modules = exact(columns.len() * rows.len());
        self.clarity(columns, rows, 1) - STIFFNESS * bend / count * modules.sqrt()
    }

    /// Which part of the timing and alignment modules are as they must be.
    fn fit(&self) -> f32 {
        let far = |place: usize| (8..self.side - 8).contains(&place);
        let places = (0..self.side * self.side).map(|nth| (nth % self.side, nth / self.side));
        let (mut right, mut all) = (0.0, 0.0);
        for (column, row) in places.filter(|(column, row)| far(*column) || far(*row)) {
            let expected = self.expected[row * self.side + column];
            if expected != 0.0 {
                all += 1.0;
                right += f32::from(u8::from(expected * self.value(column, row) > 0.0));
            }
        }
        right / all
    }

    /// Row by row, dark or not.
    fn read(&self) -> Vec<bool> {
        (0..self.side * self.side).map(|nth| self.value(nth % self.side, nth / self.side) > 0.0).collect()
    }
}

/// What the modules of every code of this size must be.
pub(super) fn expected(side: usize) -> Vec<f32> {
    let sign = |is_dark: bool| if is_dark { 1.0 } else { -1.0 };
    let one = |column: usize, row: usize| {
        let near = |place: usize| place.min(side - 1 - place);
        // A finder pattern and the light line around it; there is none at the fourth corner.
        if near(column) < 8 && near(row) < 8 && (column < 8 || row < 8) {
            let ring = near(column).abs_diff(3).max(near(row).abs_diff(3));
            return sign(ring == 3 || ring <= 1);
        }
        if side > 21 && (side - 9..side - 4).contains(&column) && (side - 9..side - 4).contains(&row) {
            return sign(column.abs_diff(side - 7).max(row.abs_diff(side - 7)) != 1);
        }
        if column == 6 || row == 6 {
            return sign((column + row).is_multiple_of(2));
        }
        0.0
    };
    (0..side * side).map(|nth| one(nth % side, nth / side)).collect()
}

fn exact(number: usize) -> f32 {
    f32::from(u16::try_from(number).unwrap_or(u16::MAX))
}

/// What is before the point; 0 for what is less.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "cut off is what it is to be")]
pub(super) fn whole(number: f32) -> usize {
    number as usize
}

#[cfg(test)]
mod tests {
    use qrcode::{Color, QrCode, Version};

    use super::*;

    #[test]
    fn every_code_has_what_is_expected_of_it() {
        for version in [1, 2, 7, 15, 40] {
            let code = QrCode::with_version("x", Version::Normal(version), qrcode::EcLevel::L).unwrap();
            let expected = expected(code.width());
            let differing = expected.iter().zip(code.to_colors()).filter(|(expected, color)| {
                **expected != 0.0 && (**expected > 0.0) != (*color == Color::Dark)
            });
            assert_eq!(differing.count(), 0, "version {version}");
        }
    }
}
