//! What a code says about its character set (ECI).
//!
//! The reader skips the header that says it, and gives the bytes alone. So the
//! header is read again here, from the modules:
//!
//! ```text
//! 0111  0ddddddd                     a number up to 127
//! 0111  10dddddd dddddddd            a number up to 16383
//! 0111  110ddddd dddddddd dddddddd   a number up to 999999
//! ```
//!
//! It is where the data begin, so the first four bytes of the first block hold
//! it. They are taken as they stand in the picture, without error correction:
//! where dirt hits just them the header is not seen, and the character set is
//! guessed as if there were none.

use rqrr::{BitGrid, Grid, MetaData};

/// The mode indicator of an ECI header.
const MODE_ECI: u32 = 0b0111;

/// The number in a code's ECI header, if it begins with one.
pub(super) fn designator(grid: &dyn BitGrid, meta: &MetaData) -> Option<u32> {
    let unmasked = Unmasked { grid, mask: meta.mask };
    let (seen, raw) = Grid::new(unmasked).get_raw_data().ok()?;
    // A mirrored code was read the other way round, and its bits are not where they are looked for here.
    if (seen.mask, seen.ecc_level) != (meta.mask, meta.ecc_level) {
        return None;
    }
    let blocks = block_count(meta)?;
    // The blocks' bytes are dealt like cards, one of each block in turn.
    let start = (0..4).try_fold(0, |bits, i| Some(bits << 8 | u32::from(*raw.data.get(i * blocks)?)))?;
    parse(start)
}

/// Reads the header at the start of these 32 bits.
fn parse(bits: u32) -> Option<u32> {
    if bits >> 28 != MODE_ECI {
        return None;
    }
    let after_mode = bits << 4;
    match after_mode.leading_ones() {
        0 => Some(after_mode >> 24 & 0x7f),
        1 => Some(after_mode >> 16 & 0x3fff),
        2 => Some(after_mode >> 8 & 0x1f_ffff),
        _ => None,
    }
}

/// Into how many blocks the data are divided: by version, for the levels L, M, Q and H (ISO/IEC 18004, table 9).
#[rustfmt::skip]
const BLOCKS: [[u8; 40]; 4] = [
    [1, 1, 1, 1, 1, 2, 2, 2, 2, 4, 4, 4, 4, 4, 6, 6, 6, 6, 7, 8, 8, 9, 9, 10, 12, 12, 12, 13, 14, 15, 16, 17, 18, 19, 19, 20, 21, 22, 24, 25],
    [1, 1, 1, 2, 2, 4, 4, 4, 5, 5, 5, 8, 9, 9, 10, 10, 11, 13, 14, 16, 17, 17, 18, 20, 21, 23, 25, 26, 28, 29, 31, 33, 35, 37, 38, 40, 43, 45, 47, 49],
    [1, 1, 2, 2, 4, 4, 6, 6, 8, 8, 8, 10, 12, 16, 12, 17, 16, 18, 21, 20, 23, 23, 25, 27, 29, 34, 34, 35, 38, 40, 43, 45, 48, 51, 53, 56, 59, 62, 65, 68],
    [1, 1, 2, 4, 4, 4, 5, 6, 8, 8, 11, 11, 16, 16, 18, 16, 19, 21, 25, 25, 25, 34, 30, 32, 35, 37, 40, 42, 45, 48, 51, 54, 57, 60, 63, 66, 70, 74, 77, 81],
];

fn block_count(meta: &MetaData) -> Option<usize> {
    // The level as the format information has it: 01 is L, 00 is M, 11 is Q and 10 is H.
    let level = [1, 0, 3, 2].get(usize::from(meta.ecc_level))?;
    BLOCKS[*level].get(meta.version.0.checked_sub(1)?).map(|blocks| usize::from(*blocks))
}

/// A code with its mask taken off.
struct Unmasked<'a> {
    grid: &'a dyn BitGrid,
    mask: u16,
}

impl BitGrid for Unmasked<'_> {
    fn size(&self) -> usize {
        self.grid.size()
    }

    fn bit(&self, y: usize, x: usize) -> bool {
        self.grid.bit(y, x) ^ (!self.is_format(y, x) && is_flipped(self.mask, y, x))
    }
}

impl Unmasked<'_> {
    /// The format information, along row and column 8 beside the finder patterns, is not masked; the other
    /// patterns aren't either, but nobody reads data there.
    fn is_format(&self, y: usize, x: usize) -> bool {
        let beside_a_finder = |along: usize| along <= 8 || along >= self.size() - 8;
        (y == 8 && beside_a_finder(x)) || (x == 8 && beside_a_finder(y))
    }
}

/// The eight mask patterns (ISO/IEC 18004, table 10).
fn is_flipped(mask: u16, y: usize, x: usize) -> bool {
    match mask {
        0 => (y + x).is_multiple_of(2),
        1 => y.is_multiple_of(2),
        2 => x.is_multiple_of(3),
        3 => (y + x).is_multiple_of(3),
        4 => (y / 2 + x / 3).is_multiple_of(2),
        5 => (y * x) % 2 + (y * x) % 3 == 0,
        6 => ((y * x) % 2 + (y * x) % 3).is_multiple_of(2),
        _ => ((y + x) % 2 + (y * x) % 3).is_multiple_of(2),
    }
}

#[cfg(test)]
mod tests {
    use qrcode::bits::Bits;
    use qrcode::{Color, EcLevel, QrCode, Version};
    use rqrr::SimpleGrid;

    use super::*;

    fn designator_of(code: &QrCode) -> Option<u32> {
        let colors = code.to_colors();
        let dark = |x, y| colors[y * code.width() + x] == Color::Dark;
        let grid = Grid::new(SimpleGrid::from_func(code.width(), dark));
        let meta = grid.decode_to(Vec::new()).unwrap();
        designator(&grid.grid, &meta)
    }

    #[test]
    fn the_header_is_found_in_every_version_and_level() {
        for version in 1..=40 {
            for level in [EcLevel::L, EcLevel::M, EcLevel::Q, EcLevel::H] {
                // Numbers of all three lengths, and payloads that differ, so that every mask comes up.
                let eci = [22, 899, 123_456][usize::try_from(version).unwrap() % 3];
                let mut bits = Bits::new(Version::Normal(version));
                bits.push_eci_designator(eci).unwrap();
                bits.push_byte_data(&[u8::try_from(version).unwrap()]).unwrap();
                bits.push_terminator(level).unwrap();
                let code = QrCode::with_bits(bits, level).unwrap();
                assert_eq!(designator_of(&code), Some(eci), "version {version} level {level:?}");
            }
        }
    }

    #[test]
    fn a_code_without_the_header_has_none() {
        for text in ["1234", "HELLO", "hello", "日本"] {
            assert_eq!(designator_of(&QrCode::new(text).unwrap()), None, "{text}");
        }
        assert_eq!(parse(0b0111_1110_0000_0000 << 16), None);
    }
}
