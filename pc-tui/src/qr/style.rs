//! Which drawing is the right one: what a person asked for, and what the terminal can do.
//!
//! What is read best comes first. In terminals of every kind, two spaces a
//! module were read by every reader, and half cells by most; the terminal's
//! own colours are a guess at best, and a picture needs a protocol that few
//! terminals have.

use std::fmt;
use std::str::FromStr;

use super::{Drawing, Graphics, Ground, Ink, QUIET_ZONES, Shape};

/// How a code is to be drawn, as a person names it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Style {
    /// Full cells where the window has room, else half cells, as far as the terminal can do them.
    #[default]
    Auto,
    /// Full cells, in colours of the palette.
    Full,
    /// Half cells, in colours of the palette.
    Half,
    /// The terminal's own two colours, reversed where the module has the other one.
    Reverse,
    /// A picture, by a protocol that the terminal has.
    Picture,
}

/// That a word names no style.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnknownStyle;

/// What a terminal can show, as far as that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Abilities {
    /// Whether `▄` is one cell: the text is UTF-8, and the character not wide.
    pub(crate) has_half_cells: bool,
    /// Whether it has the palette of 256 colours.
    pub(crate) has_palette: bool,
    /// What its ground looks like.
    pub(crate) ground: Ground,
    /// How it shows pictures.
    pub(crate) graphics: Option<Graphics>,
}

impl Abilities {
    /// The drawings of a style, the best first; none, if the terminal can't show it.
    pub(crate) fn drawings(&self, style: Style) -> Vec<Drawing> {
        let palette = self.has_palette.then_some(Ink::Palette);
        let full = palette.map(Drawing::Full);
        let half = palette.filter(|_| self.has_half_cells).map(Drawing::Half);
        let reversed = Ink::Reversed(self.ground);
        match style {
            Style::Auto if palette.is_none() => self.drawings(Style::Reverse),
            Style::Auto => full.into_iter().chain(half).collect(),
            Style::Full => full.into_iter().collect(),
            Style::Half => half.into_iter().collect(),
            Style::Reverse => {
                let half = self.has_half_cells.then_some(Drawing::Half(reversed));
                [Drawing::Full(reversed)].into_iter().chain(half).collect()
            }
            Style::Picture => self.graphics.map(Graphics::drawings).into_iter().flatten().collect(),
        }
    }

    /// The style, or `Auto` where the terminal can't show it.
    pub(crate) fn nearest(&self, style: Style) -> Style {
        if self.drawings(style).is_empty() { Style::Auto } else { style }
    }
}

impl Style {
    /// All there are, in the order in which one follows the other.
    pub(crate) const ALL: [Self; 5] = [Self::Auto, Self::Full, Self::Half, Self::Reverse, Self::Picture];

    /// The name.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Full => "full",
            Self::Half => "half",
            Self::Reverse => "reverse",
            Self::Picture => "picture",
        }
    }

    /// The others, in the order in which they come after this one.
    pub(crate) fn others(self) -> impl Iterator<Item = Self> {
        Self::ALL
            .into_iter()
            .cycle()
            .skip_while(move |style| *style != self)
            .skip(1)
            .take(Self::ALL.len() - 1)
    }
}

impl fmt::Display for Style {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Style {
    type Err = UnknownStyle;

    fn from_str(name: &str) -> Result<Self, UnknownStyle> {
        Self::ALL.into_iter().find(|style| style.as_str() == name).ok_or(UnknownStyle)
    }
}

/// The shapes of some drawings, the best first: a better drawing with a narrow border goes before a worse one
/// with a wide border.
pub(crate) fn shapes(drawings: &[Drawing]) -> impl Iterator<Item = Shape> {
    let with_borders = |drawing: Drawing| QUIET_ZONES.map(move |quiet| Shape { drawing, quiet });
    drawings.iter().copied().flat_map(with_borders)
}
