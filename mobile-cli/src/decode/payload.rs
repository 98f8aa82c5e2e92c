//! Step 3: from a code's modules to its text.

mod charset;
mod eci;

use rqrr::{BitGrid, Grid};

/// The text of a code, if it can be read and is not empty.
pub(super) fn text_of<G: BitGrid>(grid: &Grid<G>) -> Option<String> {
    let mut bytes = Vec::new();
    let meta = grid.decode_to(&mut bytes).ok()?;
    let text = charset::decode(&bytes, || eci::designator(&grid.grid, &meta));
    (!text.is_empty()).then_some(text)
}
