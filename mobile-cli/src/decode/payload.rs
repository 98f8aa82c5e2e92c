//! Step 3: from a code's modules to its text.

mod charset;
mod eci;

use rqrr::{BitGrid, Grid, SimpleGrid};
use rxing::common::BitMatrix;
use rxing::common::cpp_essentials::DecoderResult;
use rxing::qrcode::cpp_port::decoder::Decode;

use super::sheet::expected;

/// At least so many hundredths of the modules that are the same in all codes must be as they are there.
///
/// Error correction alone lets one in a million chance patterns through, and some pictures hold thousands.
const KNOWN_PERCENT: usize = 75;

/// The text of a code, if it can be read and is not empty.
pub(super) fn of_grid<G: BitGrid>(grid: &Grid<G>) -> Option<String> {
    let side = grid.grid.size();
    let modules: Vec<bool> = (0..side * side).map(|nth| grid.grid.bit(nth / side, nth % side)).collect();
    of_modules(&modules, side)
}

/// The same of modules row by row, dark or not.
pub(super) fn of_modules(modules: &[bool], side: usize) -> Option<String> {
    let mut matrix = BitMatrix::with_single_dimension(u32::try_from(side).ok()?).ok()?;
    let places = (0_u32..).zip(modules).filter(|(_, is_dark)| **is_dark).map(|(nth, _)| nth);
    places.for_each(|nth| matrix.set(nth % matrix.width(), nth / matrix.width()));
    of_matrix(&matrix)
}

/// The same of a matrix.
pub(super) fn of_matrix(matrix: &BitMatrix) -> Option<String> {
    let decoded = Decode(matrix).ok().filter(DecoderResult::isValid)?;
    if !is_plausible(matrix) {
        return None;
    }
    let content = decoded.content();
    let eci = || content.has_eci.then(|| eci_of(matrix)).flatten();
    let text = hanzi(&decoded).unwrap_or_else(|| charset::decode(content.bytes(), eci));
    (!text.is_empty()).then_some(text)
}

/// The text, if it is in Hanzi mode (GB/T 18284), whose bytes mean Chinese without a word.
///
/// The decoder does not tell the mode, but what it makes of the bytes: it takes them for Chinese only then.
fn hanzi(decoded: &DecoderResult<bool>) -> Option<String> {
    let content = decoded.content();
    let is_chinese = |text: &String| charset::is_only_chinese(content.bytes(), text);
    (!content.has_eci).then(|| decoded.text()).filter(is_chinese)
}

/// Whether finder and timing patterns are where they must be.
fn is_plausible(matrix: &BitMatrix) -> bool {
    let side = matrix.width();
    let places = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
    let known = expected(side as usize).into_iter().zip(places).filter(|(expected, _)| *expected != 0.0);
    let (mut right, mut all) = (0, 0);
    for (expected, (x, y)) in known {
        all += 1;
        right += usize::from(matrix.get(x, y) == (expected > 0.0));
    }
    right * 100 >= all * KNOWN_PERCENT
}

/// The number of the character set that a code says it has. The decoder doesn't tell.
fn eci_of(matrix: &BitMatrix) -> Option<u32> {
    let is_dark = |x: usize, y: usize| {
        u32::try_from(x).ok().zip(u32::try_from(y).ok()).is_some_and(|(x, y)| matrix.get(x, y))
    };
    let grid = Grid::new(SimpleGrid::from_func(matrix.width() as usize, is_dark));
    let meta = grid.decode_to(Vec::new()).ok()?;
    eci::designator(&grid.grid, &meta)
}

#[cfg(test)]
mod tests {
    use qrcode::{Color, EcLevel, QrCode};

    use super::*;

    #[test]
    fn what_can_be_corrected_but_has_no_patterns_is_no_code() {
        let code = QrCode::with_error_correction_level("HELLO", EcLevel::H).unwrap();
        let side = code.width();
        let mut modules: Vec<bool> = code.to_colors().iter().map(|color| *color == Color::Dark).collect();
        assert_eq!(of_modules(&modules, side).as_deref(), Some("HELLO"));
        // Nothing of the data is in these.
        let known = expected(side).into_iter().zip(&mut modules).filter(|(expected, _)| *expected != 0.0);
        known.step_by(3).for_each(|(_, module)| *module = !*module);
        assert_eq!(of_modules(&modules, side), None);
    }
}
