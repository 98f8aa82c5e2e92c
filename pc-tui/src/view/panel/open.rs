//! What is said while the code is there to be scanned: all of it where there is room, else what is needed most.

use ratatui::text::{Line, Span};
use shared::say;
use shared::text::{fit, wrapped};

use super::Words;
use crate::app::{App, Pending};
use crate::view::places::Places;
use crate::view::words::link_lines;

impl Words<'_> {
    pub(super) fn unscanned(&mut self, app: &App, pending: &Pending, places: &Places) {
        if self.is_tight {
            return self.unscanned_in_short(pending, places);
        }
        let lang = self.lang;
        self.headline(&say!(lang, log_in())).steps();
        self.gap().dim(&say!(lang, type_code())).code(pending);
        if places.link.is_none() {
            self.gap().dim(&say!(lang, open_link())).link(pending);
        }
        // Of what does not fit, this is missed least: it comes again once the code is scanned.
        let introduction = say!(lang, shown_there_as());
        if self.lines.len() + self.rows_of(&introduction) + 3 <= self.rows {
            self.gap().device(app, &introduction);
        }
    }

    /// The code for typing first, then what to do, then the link.
    fn unscanned_in_short(&mut self, pending: &Pending, places: &Places) {
        let lang = self.lang;
        let has_code = !self.has_last_line;
        let code_rows = usize::from(has_code);
        self.if_room(code_rows, |words| _ = words.headline(&say!(lang, log_in())));
        self.if_room(code_rows, |words| _ = words.steps().gap());
        self.if_room(code_rows, |words| _ = words.dim(&say!(lang, type_code())));
        if has_code {
            self.code(pending);
        }
        if has_code && places.link.is_none() {
            self.if_room(0, |words| words.gap().dim(&say!(lang, open_link())).link(pending));
        }
    }

    fn steps(&mut self) -> &mut Self {
        let lang = self.lang;
        for (number, step) in [
            ("1  ", say!(lang, step_open())),
            ("2  ", say!(lang, step_scan())),
            ("3  ", say!(lang, step_confirm())),
        ] {
            for (nth, text) in wrapped(&step, self.width.saturating_sub(number.len())).into_iter().enumerate()
            {
                let number = if nth == 0 { number } else { "   " };
                self.line(Line::from_iter([Span::styled(number, self.theme.accent), Span::raw(text)]));
            }
        }
        self
    }

    /// A broken code would only make people try in vain. What is typed goes before the link, which nobody types.
    pub(super) fn too_small(&mut self, app: &App, pending: &Pending) {
        let lang = self.lang;
        let least = app.code().and_then(|code| Places::least(code, &app.drawings(app.style)));
        let enlarge = match least {
            None => say!(lang, no_room()),
            Some(least) => say!(lang, no_room_but(least.width, least.height)),
        };
        self.if_room(1, |words| _ = words.text(&enlarge).gap());
        self.if_room(1, |words| _ = words.dim(&say!(lang, or_type_code())));
        self.code(pending);
        self.if_room(0, |words| words.gap().dim(&say!(lang, open_link())).link(pending));
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

    pub(super) fn scanned(&mut self, app: &App, headline: &str) {
        let lang = self.lang;
        let (now, warning) = (say!(lang, confirm_now()), say!(lang, not_your_scan()));
        let warning_rows = self.rows_of(&warning) + 1;
        if self.is_tight {
            self.if_room(0, |words| _ = words.headline(headline));
            self.says_confirm = self.if_room(0, |words| _ = words.text(&now));
            self.if_room(warning_rows, |words| words.gap().device(app, &say!(lang, it_asks_about())));
            self.if_room(0, |words| _ = words.gap().text(&warning));
        } else {
            self.headline(headline).text(&now).gap();
            self.if_room(warning_rows, |words| words.device(app, &say!(lang, it_asks_about())));
            self.gap().text(&warning);
        }
    }
}
