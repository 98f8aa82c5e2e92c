//! One accent, and the terminal's own colours for the rest.

use ratatui::style::{Color, Modifier, Style};

/// The styles of everything but the QR.
pub(super) struct Theme {
    /// What the eye is to find first.
    pub(super) accent: Style,
    /// What matters.
    pub(super) strong: Style,
    /// What may be overlooked.
    pub(super) dim: Style,
}

impl Theme {
    /// With `NO_COLOR` (`has_colour` false), weight alone tells them apart.
    pub(super) fn new(has_colour: bool) -> Self {
        let strong = Style::new().add_modifier(Modifier::BOLD);
        Self {
            accent: if has_colour { strong.fg(Color::Cyan) } else { strong },
            strong,
            dim: Style::new().add_modifier(Modifier::DIM),
        }
    }
}
