//! The words beside the picture: where the login stands, and what to do now.

mod open;

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use shared::lang::Lang;
use shared::say;
use shared::text::{fit, padded, wrapped};
use unicode_width::UnicodeWidthStr as _;

use super::places::Places;
use super::theme::Theme;
use super::words::{minutes, moment, seconds_until, sentence};
use crate::app::{App, Asked, Asking, Held, Outcome, Pending, Progress, Stage, Trouble};

/// The columns that the remaining time takes beside its bar.
const TIME_COLUMNS: usize = 6;
/// The columns that the name of a fact takes, in any language, and the gap behind it.
const NAME_COLUMNS: usize = 10;

/// The words, as lines of a panel of a certain width.
struct Words<'a> {
    theme: &'a Theme,
    lang: Lang,
    width: usize,
    /// The rows that there are for them.
    rows: usize,
    /// Those of them that the countdown does not take.
    untimed_rows: usize,
    /// Whether they are the less important part.
    is_tight: bool,
    /// Whether the countdown shares its line with what is most important.
    has_last_line: bool,
    /// Whether that has been said before.
    says_confirm: bool,
    lines: Vec<Line<'a>>,
}

/// Draws the panel, with the remaining time at its end.
pub(super) fn draw(app: &App, theme: &Theme, frame: &mut Frame<'_>, places: &Places) {
    let beside = places.picture.filter(|(picture, _)| picture.y == places.panel.y);
    // The words begin and end where the code does inside its quiet zone.
    let quiet_rows = beside.map_or(0, |(_, shape)| shape.quiet_rows());
    let area = places.panel.inner(Margin::new(0, quiet_rows));
    let timed = match &app.stage {
        Stage::Pending(pending) if pending.is_open() => Some(pending),
        _ => None,
    };
    let rows = usize::from(area.height);
    let untimed_rows = rows.saturating_sub(timed.is_some().into());
    let mut words = Words {
        theme,
        lang: app.settings.lang,
        width: area.width.into(),
        // Beside a code the countdown is there in any case; without one the words need all rows.
        rows: if places.picture.is_some() { rows.saturating_sub(1) } else { rows },
        untimed_rows,
        is_tight: places.is_tight,
        has_last_line: places.is_tight && beside.is_none(),
        says_confirm: false,
        lines: Vec::new(),
    };
    match &app.stage {
        Stage::Asking(asking) => words.asking(app, asking),
        Stage::Pending(pending) => words.pending(app, pending, places),
        Stage::Held(held) => words.held(app, held),
        Stage::Over(outcome) => words.over(outcome),
    }
    words.squeeze(untimed_rows);
    let rows = u16::try_from(words.lines.len()).unwrap_or(u16::MAX);
    if let Some(pending) = timed.filter(|_| rows < area.height) {
        // Beside the picture the bar ends where the picture does; elsewhere it follows the words, with a gap unless
        // it is part of them.
        let is_apart = !(words.has_last_line && matches!(pending.progress, Progress::Unscanned));
        let y = area.y + rows + u16::from(is_apart);
        let y = if beside.is_some() { area.bottom() - 1 } else { y.min(area.bottom() - 1) };
        let line = if words.has_last_line {
            last_line(app, pending, theme, &words)
        } else {
            bar(app, pending, theme, words.width)
        };
        frame.render_widget(line, Rect { y, height: 1, ..area });
    }
    frame.render_widget(Paragraph::new(words.lines), area);
}

/// What is left of the code's life. It only ever gets shorter, and never changes its colour.
fn bar<'a>(app: &App, pending: &Pending, theme: &Theme, width: usize) -> Line<'a> {
    let secs_left = seconds_until(app.now, pending.deadline);
    let halves = 2 * width.saturating_sub(TIME_COLUMNS);
    let life_secs = usize::try_from(pending.issued.expires_in).unwrap_or(usize::MAX).max(1);
    let secs = usize::try_from(secs_left).unwrap_or(usize::MAX).min(life_secs);
    let filled = halves.saturating_mul(secs).div_ceil(life_secs).min(halves);
    let left = "━".repeat(filled / 2) + if filled % 2 == 1 { "╸" } else { "" };
    let gone = "─".repeat((halves - filled) / 2);
    Line::from_iter([
        Span::styled(left, theme.accent),
        Span::styled(gone, theme.dim),
        Span::styled(format!("{:>TIME_COLUMNS$}", minutes(secs_left)), theme.strong),
    ])
}

/// The only line in the least window: what is needed most, and the remaining time.
fn last_line<'a>(app: &App, pending: &Pending, theme: &Theme, words: &Words<'_>) -> Line<'a> {
    let lead = match &pending.progress {
        Progress::Unscanned => Span::styled(format!("{}  ", pending.issued.user_code.dashed()), theme.accent),
        _ if words.says_confirm => Span::raw(""),
        _ => {
            let text = fit(&say!(words.lang, confirm_now()), words.width.saturating_sub(TIME_COLUMNS));
            let room = words.width.saturating_sub(TIME_COLUMNS);
            let time = minutes(seconds_until(app.now, pending.deadline));
            return Line::styled(format!("{}{time:>TIME_COLUMNS$}", padded(&text, room)), theme.strong);
        }
    };
    let mut line = bar(app, pending, theme, words.width.saturating_sub(lead.width()));
    line.spans.insert(0, lead);
    line
}

impl<'a> Words<'a> {
    fn line(&mut self, line: impl Into<Line<'a>>) -> &mut Self {
        self.lines.push(line.into());
        self
    }

    fn gap(&mut self) -> &mut Self {
        self.line("")
    }

    /// Where there are more than so many rows the gaps make way, the last first. What does not fit even so is cut
    /// off.
    fn squeeze(&mut self, rows: usize) {
        while self.lines.len() > rows
            && let Some(gap) = self.lines.iter().rposition(|line| line.width() == 0)
        {
            self.lines.remove(gap);
        }
        self.lines.truncate(self.rows);
    }

    /// What is said only where all of it has room, with so many rows to spare for what follows; and whether it is.
    fn if_room(&mut self, spare_rows: usize, add: impl FnOnce(&mut Self)) -> bool {
        let before = self.lines.len();
        add(self);
        let is_gap = |line: &Line<'_>| line.width() == 0;
        let last = self.lines.iter().rposition(|line| !is_gap(line)).map_or(0, |last| last + 1);
        // Elsewhere gaps make way.
        let rows = self.lines[..last].iter().filter(|line| self.is_tight || !is_gap(line)).count();
        let has_room = rows + spare_rows <= self.untimed_rows;
        if !has_room {
            self.lines.truncate(before);
        }
        has_room
    }

    /// The rows that a text takes.
    fn rows_of(&self, text: &str) -> usize {
        wrapped(text, self.width).len()
    }

    /// A text, on as many lines as it takes.
    fn text(&mut self, text: &str) -> &mut Self {
        self.styled(text, Style::new())
    }

    fn dim(&mut self, text: &str) -> &mut Self {
        self.styled(text, self.theme.dim)
    }

    fn styled(&mut self, text: &str, style: Style) -> &mut Self {
        self.lines.extend(wrapped(text, self.width).into_iter().map(|line| Line::styled(line, style)));
        self
    }

    fn headline(&mut self, text: &str) -> &mut Self {
        let text = fit(text, self.width);
        self.line(Line::styled(text, self.theme.strong)).gap()
    }

    /// `Since     today, 14:02`
    fn fact(&mut self, name: &str, value: String) -> &mut Self {
        let name = padded(name, NAME_COLUMNS);
        if name.width() + value.width() > self.width {
            return self.dim(name.trim_end()).text(&value);
        }
        self.line(Line::from_iter([Span::styled(name, self.theme.dim), Span::raw(value)]))
    }

    fn asking(&mut self, app: &App, asking: &Asking) {
        let lang = self.lang;
        match &asking.trouble {
            None => {
                self.headline(&say!(lang, asking())).text(&say!(lang, asking_for_code()));
            }
            Some(trouble) if trouble.is_answered => {
                self.headline(&say!(lang, asked_to_wait())).trouble(app, trouble);
            }
            Some(trouble) => self.headline(&say!(lang, no_answer())).trouble(app, trouble),
        }
    }

    fn trouble(&mut self, app: &App, trouble: &Trouble) {
        self.text(&sentence(trouble.why.of(self.lang), self.lang)).gap();
        self.text(&say!(self.lang, next_try(seconds_until(app.now, trouble.retry_at))));
    }

    fn pending(&mut self, app: &App, pending: &Pending, places: &Places) {
        let lang = self.lang;
        match &pending.progress {
            Progress::Unscanned if places.picture.is_none() => self.too_small(app, pending),
            Progress::Unscanned => self.unscanned(app, pending, places),
            Progress::Scanned { by } => {
                let headline = match by {
                    None => say!(lang, scanned()),
                    Some(name) => say!(lang, scanned_by(name)),
                };
                self.scanned(app, &headline);
            }
            Progress::Redeeming(redeeming) => {
                let headline = match &redeeming.by {
                    None => say!(lang, confirmed()),
                    Some(name) => say!(lang, confirmed_by(name)),
                };
                self.headline(&headline);
                match &redeeming.asked {
                    None => _ = self.text(&say!(lang, logging_in())),
                    Some(asked) => self.digits(app, pending, asked),
                }
            }
        }
    }

    fn digits(&mut self, app: &App, pending: &Pending, asked: &Asked) {
        let lang = self.lang;
        self.text(&say!(lang, type_digits())).gap();
        let first = asked.first_digit.map_or("_".to_owned(), |digit| digit.to_string());
        self.line(Line::styled(format!("   {first} _"), self.theme.accent)).gap();
        if asked.was_wrong {
            let text = say!(lang, wrong_digits(asked.tries_left.into()));
            self.styled(&text, self.theme.strong).gap();
        }
        let left = minutes(seconds_until(app.now, pending.deadline));
        self.dim(&say!(lang, time_left(left)));
    }

    fn held(&mut self, app: &App, held: &Held) {
        let lang = self.lang;
        let Some(me) = &held.who else {
            let headline = if held.is_fresh { say!(lang, logging_in()) } else { say!(lang, welcome_back()) };
            self.headline(&headline);
            match &held.trouble {
                None => _ = self.text(&say!(lang, asking_for_session())),
                Some(trouble) => self.trouble(app, trouble),
            }
            return;
        };
        let at = |time| moment(app.now, time, &app.settings.zone, lang);
        self.headline(&say!(lang, logged_in_as(&me.username)));
        self.fact(&say!(lang, since()), at(held.session.since));
        self.fact(&say!(lang, until()), at(held.session.access_until)).fact("", say!(lang, then_renewed()));
        self.fact(&say!(lang, session()), me.session_id.to_string()).gap();
        let kept = if app.settings.keeps { say!(lang, is_kept()) } else { say!(lang, is_not_kept()) };
        let not_you = say!(lang, not_you());
        self.if_room(self.rows_of(&not_you), |words| _ = words.dim(&kept).gap());
        self.text(&not_you);
    }

    fn over(&mut self, outcome: &Outcome) {
        let lang = self.lang;
        let (headline, what, next) = match outcome {
            Outcome::Denied => {
                (say!(lang, denied()), say!(lang, nobody_logged_in()), say!(lang, after_denied()))
            }
            Outcome::Expired => (say!(lang, expired()), say!(lang, nobody_used_it()), say!(lang, press_r())),
            Outcome::Cancelled => (say!(lang, cancelled()), say!(lang, given_up()), say!(lang, press_r())),
            Outcome::Failed { why, .. } => {
                (say!(lang, failed()), sentence(why.of(lang), lang), say!(lang, after_failed()))
            }
        };
        self.headline(&headline).text(&what).gap().text(&next);
    }
}
