//! The words beside the picture: where the login stands, and what to do now.

use ratatui::Frame;
use ratatui::layout::{Margin, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use shared::text::{fit, wrapped};

use super::places::Places;
use super::theme::Theme;
use super::words::{in_seconds, link_lines, minutes, moment, seconds_until, sentence};
use crate::app::{App, Asked, Asking, Held, Outcome, Pending, Progress, Stage, Trouble};
use crate::plain::tries;

/// The columns that the remaining time takes beside its bar.
const TIME_COLUMNS: usize = 6;

/// The words, as lines of a panel of a certain width.
struct Words<'a> {
    theme: &'a Theme,
    width: usize,
    lines: Vec<Line<'a>>,
}

/// Draws the panel, with the remaining time at its end.
pub(super) fn draw(app: &App, theme: &Theme, frame: &mut Frame<'_>, places: &Places) {
    let beside = places.picture.filter(|(picture, _)| picture.y == places.panel.y);
    // The words begin and end where the code does inside its quiet zone.
    let quiet_rows = beside.map_or(0, |(_, shape)| shape.quiet_rows());
    let area = places.panel.inner(Margin::new(0, quiet_rows));
    let mut words = Words { theme, width: area.width.into(), lines: Vec::new() };
    match &app.stage {
        Stage::Asking(asking) => words.asking(app, asking),
        Stage::Pending(pending) => words.pending(app, pending, places),
        Stage::Held(held) => words.held(app, held),
        Stage::Over(outcome) => words.over(outcome),
    }
    let rows = u16::try_from(words.lines.len()).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(words.lines), area);
    if let Stage::Pending(pending) = &app.stage
        && pending.is_open()
        && rows < area.height
    {
        // Beside the picture the bar ends where the picture does; elsewhere it follows the words.
        let y = if beside.is_some() { area.bottom() - 1 } else { (area.y + rows + 1).min(area.bottom() - 1) };
        frame.render_widget(bar(app, pending, theme, area.width.into()), Rect { y, height: 1, ..area });
    }
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

impl<'a> Words<'a> {
    fn line(&mut self, line: impl Into<Line<'a>>) -> &mut Self {
        self.lines.push(line.into());
        self
    }

    fn gap(&mut self) -> &mut Self {
        self.line("")
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

    fn headline(&mut self, text: impl Into<String>) -> &mut Self {
        let text = fit(&text.into(), self.width);
        self.line(Line::styled(text, self.theme.strong)).gap()
    }

    /// `Since     today, 14:02`
    fn fact(&mut self, name: &str, value: String) -> &mut Self {
        self.line(Line::from_iter([Span::styled(format!("{name:<10}"), self.theme.dim), Span::raw(value)]))
    }

    fn asking(&mut self, app: &App, asking: &Asking) {
        match &asking.trouble {
            None => _ = self.headline("One moment").text("Asking the server for a code …"),
            Some(trouble) => self.headline("The server does not answer").trouble(app, trouble),
        }
    }

    fn trouble(&mut self, app: &App, trouble: &Trouble) {
        self.text(&sentence(&trouble.why)).gap();
        self.text(&format!("Next try {}.", in_seconds(app.now, trouble.retry_at)));
    }

    fn pending(&mut self, app: &App, pending: &Pending, places: &Places) {
        match &pending.progress {
            Progress::Unscanned if places.picture.is_none() => self.too_small(app, pending),
            Progress::Unscanned => self.unscanned(app, pending, places),
            Progress::Scanned { by } => {
                let by = by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
                self.headline(format!("Scanned{by}")).text("Now confirm on your phone.").gap();
                self.device(app, "It asks about this computer:");
                self.gap().text("Is that not you? Press r for a new code; this one is worthless then.");
            }
            Progress::Redeeming(redeeming) => {
                let by = redeeming.by.as_deref().map(|by| format!(" by {by}")).unwrap_or_default();
                self.headline(format!("Confirmed{by}"));
                match &redeeming.asked {
                    None => _ = self.text("Logging in …"),
                    Some(asked) => self.digits(app, pending, asked),
                }
            }
        }
    }

    fn digits(&mut self, app: &App, pending: &Pending, asked: &Asked) {
        self.text("Type the two digits that your phone shows:").gap();
        let first = asked.first_digit.map_or("_".to_owned(), |digit| digit.to_string());
        self.line(Line::styled(format!("   {first} _"), self.theme.accent)).gap();
        if asked.was_wrong {
            let text = format!("Those were not it: {}.", tries(asked.tries_left));
            self.styled(&text, self.theme.strong).gap();
        }
        let left = minutes(seconds_until(app.now, pending.deadline));
        self.dim(&format!("Time left: {left}"));
    }

    fn unscanned(&mut self, app: &App, pending: &Pending, places: &Places) {
        self.headline("Log in with your phone");
        for (number, step) in [
            ("1  ", "Open Saoma on your phone"),
            ("2  ", "Scan this code"),
            ("3  ", "Check the computer, then confirm"),
        ] {
            self.line(Line::from_iter([Span::styled(number, self.theme.accent), Span::raw(step)]));
        }
        self.gap().dim("Can't scan it? Type this code there:").code(pending);
        if places.link.is_none() {
            self.gap().dim("Or open this link there:").link(pending);
        }
        self.gap().device(app, "This computer is shown there as");
    }

    /// A broken code would only make people try in vain.
    fn too_small(&mut self, app: &App, pending: &Pending) {
        let least = app.code().and_then(|code| Places::least(code, &app.drawings(app.style)));
        let size = least.map(|size| format!(": {} x {} will do", size.width, size.height));
        self.text(&format!("No room here for the QR code. Enlarge the window{}.", size.unwrap_or_default()));
        self.gap().dim("Or type this code on your phone:").code(pending);
        self.dim("Or open this link there:").link(pending);
    }

    fn code(&mut self, pending: &Pending) -> &mut Self {
        self.line(Line::styled(pending.issued.user_code.dashed(), self.theme.accent))
    }

    fn link(&mut self, pending: &Pending) {
        for line in link_lines(&pending.issued.link, self.width) {
            self.line(line);
        }
    }

    fn device(&mut self, app: &App, introduction: &str) {
        self.dim(introduction);
        for text in [&app.settings.device.name, &app.settings.device.os] {
            self.line(fit(text, self.width));
        }
    }

    fn held(&mut self, app: &App, held: &Held) {
        let Some(me) = &held.who else {
            self.headline(if held.is_fresh { "Logging in …" } else { "Welcome back" });
            match &held.trouble {
                None => _ = self.text("Asking the server whether the session still stands …"),
                Some(trouble) => self.trouble(app, trouble),
            }
            return;
        };
        let at = |time| moment(app.now, time, &app.settings.zone);
        self.headline(format!("Logged in as {}", me.username));
        self.fact("Since", at(held.session.since));
        self.fact("Until", at(held.session.access_until)).fact("", "then renewed by itself".to_owned());
        self.fact("Session", me.session_id.to_string()).gap();
        self.dim(if app.settings.keeps {
            "The session is kept on this computer: the next start is logged in already."
        } else {
            "The session is not kept: it ends when you quit."
        });
        self.gap().text("Not you? Press l to log out.");
    }

    fn over(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Denied => self
                .headline("Denied on the phone")
                .text("Nobody was logged in.")
                .gap()
                .text("If you did want to log in, press r for a new code."),
            Outcome::Expired => self
                .headline("The code has expired")
                .text("Nobody has used it for a while.")
                .gap()
                .text("Press r for a new code."),
            Outcome::Cancelled => self
                .headline("The login was cancelled")
                .text("The server gave it up.")
                .gap()
                .text("Press r for a new code."),
            Outcome::Failed { why, .. } => self
                .headline("That did not work")
                .text(&sentence(why))
                .gap()
                .text("Press r to try again with a new code."),
        };
    }
}
