//! Numbers of pixels, and fractions of them.

/// As a fraction; a searched picture has no side that does not fit.
pub(super) fn exact(pixels: u32) -> f32 {
    f32::from(u16::try_from(pixels).unwrap_or(u16::MAX))
}

/// Without its fraction.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "of a number that is not negative"
)]
pub(super) fn whole(pixels: f32) -> u32 {
    pixels as u32
}
