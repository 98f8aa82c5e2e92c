//! A code as a PNG.

use std::io::{self, Cursor};

use image::{GrayImage, ImageFormat, Luma};
use ratatui::layout::Size;

use super::{Code, QUIET_ZONES};

/// The width of a module in pixels: large enough for any reader, small enough for a chat window.
const MODULE_PIXELS: u16 = 8;

impl Code {
    /// The bytes of a PNG file, quiet zone included.
    pub(crate) fn to_png(&self) -> io::Result<Vec<u8>> {
        let quiet = QUIET_ZONES[0];
        let side = u16::try_from(self.side(quiet)).map_err(io::Error::other)?.saturating_mul(MODULE_PIXELS);
        png(&self.pixels(quiet, MODULE_PIXELS, Size::new(side, side)))
    }

    /// The code in the middle of a picture of a size in pixels, with at least the border that is asked for if
    /// the size has room for it.
    pub(super) fn pixels(&self, quiet: u16, module_pixels: u16, size: Size) -> GrayImage {
        let module = u32::from(module_pixels);
        let pixels = u32::try_from(self.side(quiet)).unwrap_or(u32::MAX).saturating_mul(module);
        let (width, height) = (u32::from(size.width), u32::from(size.height));
        let (left, top) = (width.saturating_sub(pixels) / 2, height.saturating_sub(pixels) / 2);
        let is_dark = |x: u32, y: u32| {
            let at = |pixel: u32, start: u32| Some((pixel.checked_sub(start)? / module) as usize);
            matches!((at(x, left), at(y, top)), (Some(x), Some(y)) if self.is_dark(quiet, x, y))
        };
        GrayImage::from_fn(width, height, |x, y| Luma([if is_dark(x, y) { 0 } else { 255 }]))
    }
}

/// A picture as the bytes of a PNG file.
pub(super) fn png(picture: &GrayImage) -> io::Result<Vec<u8>> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).map_err(io::Error::other)?;
    Ok(bytes.into_inner())
}
