//! How many finder patterns the reader will see, before it looks at them.
//!
//! It pairs the first pattern with all others that lie in line with it, and keeps the list: of tens of thousands of
//! patterns, which fit into a small picture, that takes hundreds of megabytes, and no time is enough to try them.
//!
//! ```text
//! #######
//! #     #   a row through the middle is dark, light, dark, light, dark as 1:1:3:1:1;
//! # ### #   the outer two are one piece, the ring, and the inner one is another
//! # ### #
//! # ### #
//! #     #
//! #######
//! ```

use image::GrayImage;

/// Whether there are more than so many patterns in a picture in which a dark pixel is 1.
pub(super) fn has_more_than(most: usize, dark: &GrayImage) -> bool {
    let rows = || dark.as_raw().chunks_exact(dark.width().max(1) as usize).map(runs);
    // The middle of a pattern is three rows high at least, so that this sees each, and most pictures are done with.
    let in_line = rows().step_by(3).map(|row| row.windows(3).filter(|three| has_proportions(three)).count());
    in_line.sum::<usize>() > most && patterns(&mut rows().collect::<Vec<_>>()) > most
}

/// Dark pixels side by side in a row, and the piece that they belong to.
pub(super) struct Run {
    pub(super) start: usize,
    pub(super) end: usize,
    piece: usize,
}

pub(super) fn runs(row: &[u8]) -> Vec<Run> {
    let mut runs: Vec<Run> = Vec::new();
    for (x, _) in row.iter().enumerate().filter(|(_, pixel)| **pixel == 1) {
        match runs.last_mut().filter(|run| run.end == x) {
            Some(run) => run.end += 1,
            None => runs.push(Run { start: x, end: x + 1, piece: 0 }),
        }
    }
    runs
}

/// The rings of finder patterns: as many as the reader finds, or a few more.
fn patterns(rows: &mut [Vec<Run>]) -> usize {
    let mut pieces = Pieces::default();
    for run in rows.iter_mut().flatten() {
        run.piece = pieces.add(run.end - run.start);
    }
    for two in rows.windows(2) {
        if let [above, below] = two {
            pieces.join_touching(above, below);
        }
    }
    let mut is_ring = vec![false; pieces.parents.len()];
    for three in rows.iter().flat_map(|row| row.windows(3)) {
        let [left, stone, right] = three else { continue };
        if !has_proportions(three) {
            continue;
        }
        let (ring, inner) = (pieces.root(left.piece), pieces.root(stone.piece));
        let percent = pieces.sizes[inner] * 100 / pieces.sizes[ring];
        if ring == pieces.root(right.piece) && ring != inner && (11..70).contains(&percent) {
            is_ring[ring] = true;
        }
    }
    is_ring.into_iter().filter(|is_ring| *is_ring).count()
}

/// Whether three runs and the gaps between them are as 1:1:3:1:1, as exactly as the reader wants it.
pub(super) fn has_proportions(three: &[Run]) -> bool {
    let [left, stone, right] = three else { return false };
    let widths = [
        left.end - left.start,
        stone.start - left.end,
        stone.end - stone.start,
        right.start - stone.end,
        right.end - right.start,
    ];
    let mean = (widths[0] + widths[1] + widths[3] + widths[4]) / 4;
    let slack = mean * 3 / 4;
    let is_near = |(width, share): (usize, usize)| (share * mean).abs_diff(width) <= slack;
    widths.into_iter().zip([1, 1, 3, 1, 1]).all(is_near)
}

/// What hangs together: runs that touch along a side.
#[derive(Default)]
struct Pieces {
    parents: Vec<usize>,
    /// In pixels; of a root, those of the whole piece.
    sizes: Vec<usize>,
}

impl Pieces {
    fn add(&mut self, size: usize) -> usize {
        self.parents.push(self.parents.len());
        self.sizes.push(size);
        self.parents.len() - 1
    }

    fn root(&mut self, mut piece: usize) -> usize {
        while self.parents[piece] != piece {
            self.parents[piece] = self.parents[self.parents[piece]];
            piece = self.parents[piece];
        }
        piece
    }

    fn join_touching(&mut self, above: &[Run], below: &[Run]) {
        let (mut a, mut b) = (0, 0);
        while let (Some(upper), Some(lower)) = (above.get(a), below.get(b)) {
            if upper.start < lower.end && lower.start < upper.end {
                self.join(upper.piece, lower.piece);
            }
            // The one that ends first touches nothing further.
            if upper.end < lower.end { a += 1 } else { b += 1 }
        }
    }

    fn join(&mut self, one: usize, other: usize) {
        let (one, other) = (self.root(one), self.root(other));
        if one != other {
            let (large, small) =
                if self.sizes[one] < self.sizes[other] { (other, one) } else { (one, other) };
            self.parents[small] = large;
            self.sizes[large] += self.sizes[small];
        }
    }
}

#[cfg(test)]
mod tests {
    use image::Luma;

    use super::*;

    /// Patterns of a module of so many pixels, every `pitch` modules.
    fn field(side: u32, module: u32, pitch: u32) -> GrayImage {
        GrayImage::from_fn(side, side, |x, y| {
            let ring = (x / module % pitch).abs_diff(3).max((y / module % pitch).abs_diff(3));
            Luma([u8::from(ring == 3 || ring <= 1)])
        })
    }

    fn counted(picture: &GrayImage) -> usize {
        let width = picture.width().max(1) as usize;
        patterns(&mut picture.as_raw().chunks_exact(width).map(runs).collect::<Vec<_>>())
    }

    #[test]
    fn each_pattern_is_counted_once_and_nothing_else_is() {
        assert_eq!(counted(&field(8, 1, 8)), 1);
        assert_eq!(counted(&field(80, 1, 8)), 100);
        assert_eq!(counted(&field(360, 4, 9)), 100);
        for nothing in
            [GrayImage::new(50, 50), GrayImage::from_pixel(50, 50, Luma([1])), GrayImage::new(0, 0)]
        {
            assert_eq!(counted(&nothing), 0);
        }
        // Stripes have the proportions, and are no rings.
        let stripes = GrayImage::from_fn(90, 9, |x, _| Luma([u8::from([0, 2, 3, 4, 6].contains(&(x % 9)))]));
        assert_eq!(counted(&stripes), 0);
    }

    #[test]
    fn a_field_of_patterns_is_a_crowd() {
        assert!(has_more_than(9_999, &field(800, 1, 8)));
        assert!(!has_more_than(10_000, &field(800, 1, 8)));
    }
}
