//! The help: what each key does.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Padding, Paragraph};
use shared::lang::Lang;
use shared::say;
use shared::text::{fit, padded, wrapped};

use super::places::Places;
use super::theme::Theme;
use crate::app::Key;

/// The columns of the longest key, and the gap behind it.
const KEY_COLUMNS: usize = 5;
/// The columns and the rows that a frame takes.
const FRAME: u16 = 4;

/// Whether all of it has room in a panel.
pub(super) fn has_room(lang: Lang, panel: Rect) -> bool {
    wrapped_keys(lang, panel.width).len() <= panel.height.into()
}

/// Beside the QR, not over it: somebody may be scanning. In a panel without room for its frame the bare keys, and
/// in the smallest windows in place of all but the last line, each in one row.
pub(super) fn draw(theme: &Theme, lang: Lang, frame: &mut Frame<'_>, places: &Places) {
    let area = places.panel;
    let in_frame = wrapped_keys(lang, area.width.saturating_sub(FRAME));
    let rows = u16::try_from(in_frame.len()).unwrap_or(u16::MAX).saturating_add(FRAME);
    if rows <= area.height {
        let framed = Rect { height: rows, ..area };
        let block = Block::bordered()
            .border_type(BorderType::Rounded)
            .border_style(theme.dim)
            .padding(Padding::symmetric(1, 1))
            // The frame below it is dim.
            .title(Line::styled(format!(" {} ", say!(lang, help())), theme.accent.not_dim()));
        frame.render_widget(Clear, framed);
        frame.render_widget(text(in_frame, theme).block(block), framed);
    } else if has_room(lang, area) {
        frame.render_widget(text(wrapped_keys(lang, area.width), theme), area);
    } else {
        let all = Rect { y: places.title.y, height: places.keys.y.saturating_sub(places.title.y), ..area };
        let keys =
            if has_room(lang, all) { wrapped_keys(lang, all.width) } else { cut_keys(lang, all.width) };
        frame.render_widget(Clear, all);
        frame.render_widget(text(keys, theme), all);
    }
}

/// The rows of the help: a key, or none where the row goes on with the last one, and what it does.
type Rows = Vec<(&'static str, String)>;

fn wrapped_keys(lang: Lang, columns: u16) -> Rows {
    let lines = |(key, does): (&'static str, String)| {
        let lines = wrapped(&does, room(columns)).into_iter().enumerate();
        lines.map(move |(row, line)| (if row == 0 { key } else { "" }, line))
    };
    Key::all(lang).into_iter().flat_map(lines).collect()
}

fn cut_keys(lang: Lang, columns: u16) -> Rows {
    Key::all(lang).map(|(key, does)| (key, fit(&does, room(columns)))).into()
}

fn room(columns: u16) -> usize {
    usize::from(columns).saturating_sub(KEY_COLUMNS)
}

fn text<'a>(rows: Rows, theme: &Theme) -> Paragraph<'a> {
    let line = |(key, does)| {
        Line::from_iter([Span::styled(padded(key, KEY_COLUMNS), theme.accent), Span::raw(does)])
    };
    Paragraph::new(rows.into_iter().map(line).collect::<Vec<_>>())
}
