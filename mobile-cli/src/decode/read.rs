//! Step 2b: from black and white pixels to codes, by one of two readers.

pub(super) mod flooded;
pub(super) mod traced;

use super::sheet::Point;

/// What a reader saw.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) codes: Vec<Code>,
    /// What looked like a code and could not be read.
    pub(super) unread: Vec<Spot>,
    /// Finder patterns, of codes that were read and of others.
    pub(super) patterns: Vec<Pattern>,
}

/// A code that was read.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) text: String,
    pub(super) spot: Spot,
}

/// Where a code is, or may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spot {
    pub(super) middle: Point,
    /// How far it reaches from there: to its corners.
    pub(super) reach: f32,
    /// The corner without a finder pattern, as far inside as those are.
    pub(super) fourth: Point,
}

/// A finder pattern.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pattern {
    pub(super) middle: Point,
    /// Pixels a module.
    pub(super) module: f32,
}

impl Code {
    /// One of which nobody knows where it is.
    pub(super) fn anywhere(self) -> Self {
        Self { spot: Spot { reach: 0.0, ..self.spot }, ..self }
    }
}

impl Spot {
    /// Whether the other is this one, or a part of it. One that is much larger is not: it is around this one.
    pub(super) fn covers(&self, other: &Self) -> bool {
        distance(self.middle, other.middle) < self.reach && other.reach < 1.5 * self.reach
    }

    fn scaled(self, by: f32) -> Self {
        Self { middle: scaled(self.middle, by), reach: self.reach * by, fourth: scaled(self.fourth, by) }
    }
}

impl Seen {
    pub(super) fn add(&mut self, other: Self) {
        self.codes.extend(other.codes);
        self.unread.extend(other.unread);
        // Each reader of the same pixels sees the same patterns.
        if other.patterns.len() > self.patterns.len() {
            self.patterns = other.patterns;
        }
    }

    /// The same in a picture of another size.
    pub(super) fn scaled(mut self, by: f32) -> Self {
        self.codes.iter_mut().for_each(|code| code.spot = code.spot.scaled(by));
        self.unread.iter_mut().for_each(|spot| *spot = spot.scaled(by));
        for pattern in &mut self.patterns {
            *pattern = Pattern { middle: scaled(pattern.middle, by), module: pattern.module * by };
        }
        self
    }
}

fn scaled(point: Point, by: f32) -> Point {
    (point.0 * by, point.1 * by)
}

pub(super) fn distance(one: Point, other: Point) -> f32 {
    (one.0 - other.0).hypot(one.1 - other.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_covers_itself_and_its_parts_but_not_its_neighbour_or_what_is_around_it() {
        let spot = |x: f32, reach: f32| Spot { middle: (x, 0.0), reach, fourth: (0.0, 0.0) };
        let code = spot(100.0, 50.0);
        for (x, reach, is_covered) in
            [(100.0, 50.0, true), (120.0, 20.0, true), (160.0, 50.0, false), (100.0, 90.0, false)]
        {
            assert_eq!(code.covers(&spot(x, reach)), is_covered, "{x} {reach}");
        }
    }
}
