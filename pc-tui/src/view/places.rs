//! Where everything goes: from the window's size and the code's, and from nothing that changes by itself.

use ratatui::layout::{Margin, Rect, Size};

use crate::qr::{Code, Drawing, Shape, shapes};

/// The columns between the picture and the panel beside it.
const GAP: u16 = 3;
/// The fewest columns that the panel's words need.
const PANEL_MIN_COLUMNS: u16 = 30;
/// The fewest that they can do with: the columns of the longest headline of an open code.
const TIGHT_PANEL_COLUMNS: u16 = 22;
/// The columns beyond which the panel's lines get hard to read.
const PANEL_MAX_COLUMNS: u16 = 44;
/// The rows of the panel's words down to the link and of the countdown, at the fewest columns. Some are gaps, which
/// make way where a step takes two rows.
const WORDS_ROWS: u16 = 11;
/// Title, note and keys.
const OTHER_ROWS: u16 = 3;
/// The rows below the code in the least window: the countdown, and the keys.
const LEAST_ROWS: u16 = 2;

/// The parts of the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Places {
    /// The first line.
    pub(super) title: Rect,
    /// The QR's place and how it is drawn; none if the window is too small for it.
    pub(super) picture: Option<(Rect, Shape)>,
    /// The words, beside or below the picture.
    pub(super) panel: Rect,
    /// The line of the link; without it, the panel shows the link.
    pub(super) link: Option<Rect>,
    /// The line before the last.
    pub(super) note: Rect,
    /// The last line.
    pub(super) keys: Rect,
    /// Whether there is room for the code and for few words. Without a code it is better to have more of these.
    pub(super) is_tight: bool,
}

impl Places {
    /// The places in `area` for `code`, drawn by the first of `drawings` that fits, and for a link of so many
    /// columns, which is never cut off.
    pub(super) fn of(area: Rect, code: Option<&Code>, link_columns: usize, drawings: &[Drawing]) -> Self {
        let outer = area.inner(Margin::new(1, 0));
        let link_columns = u16::try_from(link_columns).unwrap_or(u16::MAX);
        let fitting = code.and_then(|code| {
            let by_the_first = |place: &dyn Fn(Size, Shape) -> Option<Self>| {
                shapes(drawings).find_map(|shape| place(code.size(shape), shape))
            };
            by_the_first(&|size, shape| {
                beside(outer, size, shape, link_columns).or_else(|| below(outer, size, shape, link_columns))
            })
            .or_else(|| by_the_first(&|size, shape| tightly_beside(outer, size, shape, link_columns)))
            .or_else(|| by_the_first(&|size, shape| tightly_below(area, size, shape)))
        });
        fitting.unwrap_or_else(|| Self::without(area))
    }

    /// The places in `area` for words only.
    pub(super) fn without(area: Rect) -> Self {
        let around = frame(area.inner(Margin::new(1, 0)));
        let rows = area.height.saturating_sub(OTHER_ROWS);
        let panel = Rect { y: around.title.bottom(), height: rows, ..around.title };
        Self { panel, ..around }
    }

    /// The least window that shows the code by one of `drawings`.
    pub(super) fn least(code: &Code, drawings: &[Drawing]) -> Option<Size> {
        let sizes = shapes(drawings).map(|shape| code.size(shape));
        let least = sizes.min_by_key(|size| (size.height, size.width))?;
        Some(Size::new(least.width, least.height.saturating_add(LEAST_ROWS)))
    }
}

/// The picture on the left, the panel on the right, and the link in a row of its own if there is one.
fn beside(outer: Rect, size: Size, shape: Shape, link_columns: u16) -> Option<Places> {
    let places = side_by_side(outer, size, shape, link_columns)?;
    let words_rows = size.height - 2 * shape.quiet_rows();
    let columns = places.panel.width;
    let has_link = places.link.is_some() || words_rows >= WORDS_ROWS + link_columns.div_ceil(columns.max(1));
    (columns >= PANEL_MIN_COLUMNS && has_link).then_some(places)
}

/// The same with as many of the words as there is room for.
fn tightly_beside(outer: Rect, size: Size, shape: Shape, link_columns: u16) -> Option<Places> {
    let places = side_by_side(outer, size, shape, link_columns)?;
    (places.panel.width >= TIGHT_PANEL_COLUMNS).then_some(Places { is_tight: true, ..places })
}

fn side_by_side(outer: Rect, size: Size, shape: Shape, link_columns: u16) -> Option<Places> {
    let spare_rows = outer.height.checked_sub(size.height.saturating_add(OTHER_ROWS))?;
    let panel_columns = outer.width.checked_sub(size.width.saturating_add(GAP))?.min(PANEL_MAX_COLUMNS);
    let left = (outer.width - size.width - GAP - panel_columns) / 2;
    // The first spare row goes to the link, the next to the air below the title, the rest around.
    let top = 1 + spare_rows / 2;
    let picture = Rect::new(outer.x + left, outer.y + top, size.width, size.height);
    let panel = Rect { x: picture.right() + GAP, width: panel_columns, ..picture };
    let link_row = Rect { y: picture.bottom(), height: 1, width: outer.right() - picture.x, ..picture };
    let link = (spare_rows > 0 && link_row.width >= link_columns).then_some(link_row);
    Some(Places { picture: Some((picture, shape)), panel, link, ..frame(outer) })
}

/// The picture above, the panel below with the link in it: for windows that are high and narrow.
fn below(outer: Rect, size: Size, shape: Shape, link_columns: u16) -> Option<Places> {
    let left = outer.width.checked_sub(size.width)? / 2;
    let panel_rows = WORDS_ROWS + link_columns.div_ceil(size.width.max(1));
    let spare_rows = outer.height.checked_sub(size.height.saturating_add(OTHER_ROWS + panel_rows))?;
    let top = 1 + spare_rows.min(2) / 2;
    let picture = Rect::new(outer.x + left, outer.y + top, size.width, size.height);
    let around = frame(outer);
    let panel = Rect { y: picture.bottom(), height: around.note.y - picture.bottom(), ..picture };
    Some(Places { picture: Some((picture, shape)), panel, link: None, ..around })
}

/// The picture above, what is most needed below it, and nothing beside it: its border is as good as a margin. Of the
/// rows that are left the countdown gets the first and the keys the next, then the title has one, and the note: until
/// then it is said in place of the keys.
fn tightly_below(area: Rect, size: Size, shape: Shape) -> Option<Places> {
    let left = area.width.checked_sub(size.width)? / 2;
    let spare_rows = area.height.checked_sub(size.height).filter(|rows| *rows >= LEAST_ROWS)?;
    let around = frame(area.inner(Margin::new(left.min(1), 0)));
    let has_title = spare_rows > LEAST_ROWS;
    let has_note = spare_rows > LEAST_ROWS + 1;
    let title = if has_title { around.title } else { Rect::ZERO };
    let note = if has_note { around.note } else { around.keys };
    let picture = Rect::new(area.x + left, area.y + title.height, size.width, size.height);
    let panel = Rect { y: picture.bottom(), height: note.y - picture.bottom(), ..picture };
    Some(Places { title, picture: Some((picture, shape)), panel, note, is_tight: true, ..around })
}

/// The lines above and below. In a window of hardly any height the first ones win.
fn frame(outer: Rect) -> Places {
    let row = |y: u16| {
        if y < outer.height { Rect { y: outer.y + y, height: 1, ..outer } } else { Rect::ZERO }
    };
    Places {
        title: row(0),
        picture: None,
        panel: Rect::ZERO,
        link: None,
        note: row(outer.height.saturating_sub(2).max(1)),
        keys: row(outer.height.saturating_sub(1).max(2)),
        is_tight: false,
    }
}
