//! The crate `rqrr`: finds finder patterns by flooding what hangs together.
//!
//! It is the slower of the two, and reads some codes that the other can't: those with stained or broken finder
//! patterns.

use image::GrayImage;
use rqrr::{Grid, PreparedImage};

use super::{Code, Seen, Spot, distance};
use crate::decode::payload;

/// Finds and reads the codes.
pub(in crate::decode) fn read(dark: &GrayImage) -> Seen {
    let mut seen = Seen::default();
    for grid in PreparedImage::without_preparation(dark.clone()).detect_grids() {
        let spot = spot(&grid);
        match payload::of_grid(&grid) {
            Some(text) => seen.codes.push(Code { text, spot }),
            None => seen.unread.push(spot),
        }
    }
    seen
}

#[expect(clippy::cast_precision_loss, reason = "of points within a picture that is searched, or near it")]
fn spot<G>(grid: &Grid<G>) -> Spot {
    let [first, _, opposite, _] = grid.bounds.map(|point| (point.x as f32, point.y as f32));
    let middle = (f32::midpoint(first.0, opposite.0), f32::midpoint(first.1, opposite.1));
    Spot { middle, reach: distance(first, middle), fourth: opposite }
}
