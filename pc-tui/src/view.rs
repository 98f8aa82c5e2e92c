//! What the screen shows, as a pure function of the state: [`draw`].
//!
//! ```text
//!  Saoma                                      https://login.example.com   title
//!
//!  +---------------------------------+   Log in with your phone
//!  |                                 |
//!  |         the picture:            |   1  Open Saoma on your phone
//!  |         the QR code, or         |   …                                the panel:
//!  |         what became of it       |   WDJB-MJHT                        what to do now
//!  |                                 |
//!  +---------------------------------+   ━━━━━━━━━━━━━━╸────────── 1:42
//!  HTTPS://LOGIN.EXAMPLE.COM/Q/7KX2…                                      link
//!                                                                         note
//!  r new code  s save  c copy link  d style  ? help  q quit  websocket    keys
//! ```
//!
//! The picture's place depends on the window and on the server's address
//! only, so nothing shifts while a camera looks at it, also not when one code
//! follows another. In a window with little room the picture goes before the
//! words, and these have all of it as soon as there is nothing to scan. A
//! window without room for the whole picture gets none, but the user code and
//! the link.

mod figure;
mod help;
mod letters;
mod panel;
mod places;
mod theme;
mod words;

use ratatui::Frame;
use ratatui::buffer::Buffer;
use ratatui::layout::{Alignment, Position, Rect, Size};
use ratatui::style::Color;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, BorderType, Clear, Paragraph};
use shared::say;
use shared::text::wrapped;
use unicode_width::UnicodeWidthStr as _;

use crate::app::{App, Asking, Held, Outcome, Pending, Progress, Stage, Trouble};
use crate::qr::{Drawing, Graphics, QrWidget, Shape, Style};
use figure::Figure;
use places::Places;
use theme::Theme;
use words::{fit_end, fit_middle, seconds_until};

/// The columns between two keys of the last line.
const KEY_GAP: usize = 3;

/// Draws the whole screen.
pub(crate) fn draw(app: &App, frame: &mut Frame<'_>) {
    let theme = Theme::new(app.settings.has_colour);
    let places = places(app, frame.area());
    draw_title(app, &theme, frame, places.title);
    draw_picture(app, &theme, frame, &places);
    if app.shows_help {
        help::draw(&theme, app.settings.lang, frame, &places);
    } else {
        panel::draw(app, &theme, frame, &places);
    }
    draw_link(app, &theme, frame, places.link);
    draw_keys(app, &theme, frame, &places);
    if let Some(note) = note(app) {
        draw_note(&note, &theme, frame, &places);
    }
    letters::keep(app.settings.letters, frame.buffer_mut());
}

/// Where the code stands depends on the window; but where it leaves little room, that is the words' once there is
/// no code to scan, and the help's if that has no room beside it.
fn places(app: &App, area: Rect) -> Places {
    let places = places_by(app, area, app.style);
    let has_code = matches!(&app.stage, Stage::Pending(pending) if pending.is_open());
    let is_covered = app.shows_help && !help::has_room(app.settings.lang, places.panel);
    if places.is_tight && (!has_code || is_covered) { Places::without(area) } else { places }
}

fn places_by(app: &App, area: Rect, style: Style) -> Places {
    Places::of(area, app.code(), app.link_columns(), &app.drawings(style))
}

/// What the code looks like in this style, if the window has room for it.
pub(crate) fn shape(app: &App, style: Style) -> Option<Shape> {
    places_by(app, Rect::from((Position::ORIGIN, app.window)), style).picture.map(|(_, shape)| shape)
}

/// The place of a picture that the terminal draws in pixels, in a window of a size.
pub(crate) fn picture(app: &App, window: Size) -> Option<(Rect, Graphics)> {
    let Stage::Pending(pending) = &app.stage else { return None };
    match places(app, Rect::from((Position::ORIGIN, window))).picture {
        Some((area, Shape { drawing: Drawing::Picture(graphics, _), .. })) if pending.is_open() => {
            Some((area, graphics))
        }
        _ => None,
    }
}

fn draw_title(app: &App, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    let name = say!(app.settings.lang, title());
    // The end of an address says whose it is; a long beginning may hide that.
    let room = usize::from(area.width).saturating_sub(name.width() + 2);
    let address = app.settings.server.as_str();
    let host = address.split_once("://").map_or(address, |(_, host)| host);
    let server = fit_end(if address.width() <= room { address } else { host }, room);
    frame.render_widget(Line::from(Span::styled(name, theme.accent)), area);
    draw_right(server, theme, frame, area);
}

/// A text at the end of a row. It alone is styled: a line's own style would be laid over all of the row.
fn draw_right(text: String, theme: &Theme, frame: &mut Frame<'_>, area: Rect) {
    frame.render_widget(Line::from(Span::styled(text, theme.dim)).alignment(Alignment::Right), area);
}

/// The QR while it is good, else a sign of what became of it, in the same place.
fn draw_picture(app: &App, theme: &Theme, frame: &mut Frame<'_>, places: &Places) {
    let Some((area, shape)) = places.picture else { return };
    let figure = match &app.stage {
        Stage::Pending(pending) if pending.is_open() => {
            frame.render_widget(QrWidget { code: &pending.issued.code, shape }, area);
            return;
        }
        Stage::Asking(Asking { trouble: Some(_), .. })
        | Stage::Held(Held { who: None, trouble: Some(_), .. })
        | Stage::Over(Outcome::Failed { .. }) => Figure::Exclamation,
        Stage::Asking(_) | Stage::Pending(_) | Stage::Held(Held { who: None, .. }) => Figure::Dots,
        Stage::Held(_) => Figure::Check,
        Stage::Over(Outcome::Denied) => Figure::Cross,
        Stage::Over(Outcome::Expired | Outcome::Cancelled) => Figure::Hourglass,
    };
    let frame_block = Block::bordered().border_type(BorderType::Rounded).border_style(theme.dim);
    figure.draw(theme.accent, frame_block.inner(area), frame.buffer_mut());
    frame.render_widget(frame_block, area);
}

fn draw_link(app: &App, theme: &Theme, frame: &mut Frame<'_>, area: Option<Rect>) {
    if let (Stage::Pending(pending), Some(area)) = (&app.stage, area)
        && pending.is_open()
    {
        frame.render_widget(Line::styled(pending.issued.link.as_str(), theme.dim), area);
    }
}

/// One line: what has just been done, or what is wrong.
fn note(app: &App) -> Option<String> {
    let lang = app.settings.lang;
    let trouble = match &app.stage {
        Stage::Pending(Pending { trouble: Some(trouble), .. })
        | Stage::Held(Held { who: Some(_), trouble: Some(trouble), .. }) => Some(trouble),
        _ => None,
    };
    let lost = |trouble: &Trouble| say!(lang, lost(seconds_until(app.now, trouble.retry_at)));
    app.shown_note().map(|note| note.of(lang).to_owned()).or_else(|| trouble.map(lost))
}

/// Drawn last: what it needs more than its row, it takes from the row above, if nothing is there, or else from the
/// keys. In the least windows their row is its own.
fn draw_note(note: &str, theme: &Theme, frame: &mut Frame<'_>, places: &Places) {
    let row = places.note;
    let lines = wrapped(note, row.width.into());
    let above = Rect { y: row.y.saturating_sub(1), ..row };
    let area = match lines.len() {
        1 => row,
        _ if is_blank(frame.buffer_mut(), above) => above.union(row),
        _ if places.keys.is_empty() => row,
        _ => row.union(places.keys),
    };
    let rows = usize::from(area.height);
    let whole_rows = if lines.len() > rows { rows.saturating_sub(1) } else { rows };
    let (whole, rest) = lines.split_at(whole_rows.min(lines.len()));
    let mut text: Vec<_> = whole.iter().map(|line| Line::styled(line.as_str(), theme.strong)).collect();
    if let Some(begin) = rest.first().and_then(|first| note.find(first.as_str())) {
        text.push(Line::styled(fit_middle(&note[begin..], area.width.into()), theme.strong));
    }
    frame.render_widget(Clear, area);
    frame.render_widget(Paragraph::new(text), area);
}

/// Whether a row shows nothing, neither text nor the border of a code.
fn is_blank(buffer: &Buffer, row: Rect) -> bool {
    row.positions()
        .all(|at| buffer.cell(at).is_some_and(|cell| cell.symbol() == " " && cell.bg == Color::Reset))
}

/// What the special keys of a stage do there.
fn keys(app: &App) -> Vec<(&'static str, String)> {
    let lang = app.settings.lang;
    let new_code = || ("r", say!(lang, key_new_code()));
    let try_now = || ("r", say!(lang, key_try_now()));
    let log_out = || ("l", say!(lang, key_log_out()));
    match &app.stage {
        Stage::Asking(Asking { trouble: Some(_), .. }) => vec![try_now()],
        Stage::Held(Held { trouble: Some(_), .. }) => vec![try_now(), log_out()],
        Stage::Pending(pending) if pending.is_open() => vec![
            new_code(),
            ("s", say!(lang, key_save())),
            ("c", say!(lang, key_copy())),
            ("d", say!(lang, key_style())),
        ],
        Stage::Pending(Pending { progress: Progress::Redeeming(redeeming), .. })
            if redeeming.asked.is_some() =>
        {
            vec![("0-9", say!(lang, key_digits())), new_code()]
        }
        Stage::Asking(_) | Stage::Pending(_) => Vec::new(),
        Stage::Held(_) => vec![log_out()],
        Stage::Over(_) => vec![new_code()],
    }
}

fn draw_keys(app: &App, theme: &Theme, frame: &mut Frame<'_>, places: &Places) {
    let area = places.keys;
    let keys = keys(app);
    let lang = app.settings.lang;
    let always = [("?", say!(lang, key_help())), ("q", say!(lang, key_quit()))];
    // In a narrow window the special ones make way: the help has them all.
    let columns = |(key, does): &(&str, String)| key.width() + does.width() + 1 + KEY_GAP;
    let always_columns = always.iter().map(columns).sum::<usize>() - KEY_GAP;
    // The first is what most come for; the next, where there is a code, the last: it helps who can't scan that.
    let mut room = usize::from(area.width).saturating_sub(always_columns);
    let mut by_use: Vec<usize> = (0..keys.len()).collect();
    if places.picture.is_some() {
        by_use[1.min(keys.len())..].reverse();
    }
    let fitting: Vec<usize> = by_use
        .into_iter()
        .take_while(|nth| {
            let fits = columns(&keys[*nth]) <= room;
            room = room.saturating_sub(columns(&keys[*nth]));
            fits
        })
        .collect();
    let shown = keys.iter().enumerate().filter(|(nth, _)| fitting.contains(nth)).map(|(_, key)| key);
    let line: Line<'_> = shown
        .chain(&always)
        .flat_map(|(key, does)| {
            [Span::styled(*key, theme.accent), Span::styled(format!(" {does}{:KEY_GAP$}", ""), theme.dim)]
        })
        .collect();
    frame.render_widget(line, area);
    if let Stage::Pending(Pending { transport: Some(transport), trouble: None, .. }) = &app.stage
        && room >= KEY_GAP + transport.as_str().len()
    {
        draw_right(transport.as_str().to_owned(), theme, frame, area);
    }
}

#[cfg(test)]
mod tests;
