//! How the QR is drawn: what the person chose, as far as the terminal and its window can show it.

use ratatui::layout::Size;
use shared::to_say;

use super::App;
use crate::qr::{Drawing, Style};
use crate::view;

impl App {
    /// The drawings of a style in this terminal, the best first.
    pub(crate) fn drawings(&self, style: Style) -> Vec<Drawing> {
        self.settings.abilities.drawings(style)
    }

    /// The window has another size, and so may its cells.
    pub(super) fn on_window(&mut self, cells: Size, cell_pixels: Option<Size>) {
        self.window = cells;
        if let (Some(graphics), Some(cell)) = (&mut self.settings.abilities.graphics, cell_pixels) {
            *graphics = graphics.resized(cell);
        }
    }

    /// Says so where the style that was asked for is none of this terminal's.
    pub(super) fn say_if_style_is_missing(&mut self) {
        let wanted = self.settings.qr_style;
        if self.style != wanted {
            self.note(to_say!(style_missing(wanted, self.style)));
        }
    }

    /// Not those that the terminal can't show, nor those that the window has no room for: the code would be gone. Nor
    /// those that look like this one here: the key would seem to be dead.
    pub(super) fn next_style(&mut self) {
        let present = view::shape(self, self.style);
        let is_another = |shape| Some(shape) != present;
        let next = self.style.others().find(|style| view::shape(self, *style).is_some_and(is_another));
        let Some(style) = next else {
            return self.note(to_say!(no_other_style()));
        };
        self.style = style;
        self.note(match style {
            Style::Auto => to_say!(drawn_auto(style)),
            Style::Full => to_say!(drawn_full(style)),
            Style::Half => to_say!(drawn_half(style)),
            Style::Reverse => to_say!(drawn_reverse(style)),
            Style::Picture => to_say!(drawn_picture(style)),
        });
    }
}
