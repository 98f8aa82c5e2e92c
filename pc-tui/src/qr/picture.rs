//! A code as a PNG.

use std::io::{self, Cursor};

use image::{GrayImage, ImageFormat, Luma};

use super::Code;

/// The width of a module in pixels: large enough for any reader, small enough for a chat window.
const MODULE_PIXELS: u32 = 8;

impl Code {
    /// The bytes of a PNG file, quiet zone included.
    pub(crate) fn to_png(&self) -> io::Result<Vec<u8>> {
        let side = u32::try_from(self.side).map_err(io::Error::other)? * MODULE_PIXELS;
        let module = |pixel: u32| (pixel / MODULE_PIXELS) as usize;
        let shade = |dark| Luma([if dark { 0 } else { 255 }]);
        let picture = GrayImage::from_fn(side, side, |x, y| shade(self.is_dark(module(x), module(y))));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, ImageFormat::Png).map_err(io::Error::other)?;
        Ok(bytes.into_inner())
    }
}
