//! Makes the seeds that nobody writes by hand: pictures. All others are text that an editor shows.
//!
//! `cargo test -p fuzz-targets --test seeds -- --ignored` writes them anew.

#![expect(clippy::unwrap_used, reason = "a test that can't go on panics")]

use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::codecs::gif::GifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::{DynamicImage, Frame, GrayImage, ImageFormat, Luma};
use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};

fn draw(code: &QrCode, module_px: u32) -> DynamicImage {
    let (colors, width) = (code.to_colors(), u32::try_from(code.width()).unwrap());
    let side = (width + 8) * module_px;
    let pixels = GrayImage::from_fn(side, side, |x, y| {
        let (x, y) = ((x / module_px).wrapping_sub(4), (y / module_px).wrapping_sub(4));
        let is_dark = x < width && y < width && colors[(y * width + x) as usize] == Color::Dark;
        Luma([if is_dark { 0 } else { 255 }])
    });
    DynamicImage::ImageLuma8(pixels)
}

fn file(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn jpeg(picture: &DynamicImage) -> Vec<u8> {
    let mut file = Vec::new();
    JpegEncoder::new_with_quality(&mut file, 60).encode_image(picture).unwrap();
    file
}

fn gif(pictures: &[&DynamicImage]) -> Vec<u8> {
    let mut file = Vec::new();
    let frames = pictures.iter().map(|picture| Frame::new(picture.to_rgba8()));
    GifEncoder::new(&mut file).encode_frames(frames).unwrap();
    file
}

/// A code whose text says in which charset it is.
fn with_eci(charset: u32, text: &[u8]) -> QrCode {
    let mut bits = Bits::new(Version::Normal(2));
    bits.push_eci_designator(charset).unwrap();
    bits.push_byte_data(text).unwrap();
    bits.push_terminator(EcLevel::L).unwrap();
    QrCode::with_bits(bits, EcLevel::L).unwrap()
}

#[test]
#[ignore = "writes files"]
fn write_pictures() {
    let code = |text: &[u8]| QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
    let ours = draw(&code(b"HTTPS://A.EXAMPLE/Q/7KX2M4QZ9ABCDEFGHJKMNPQRST"), 2);
    let grey = DynamicImage::ImageLuma8(GrayImage::from_fn(24, 16, |x, y| {
        Luma([u8::try_from(x * 8 + y * 3).unwrap()])
    }));
    let mut inverted = ours.clone();
    inverted.invert();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus/picture");
    for (name, bytes) in [
        ("code.png", file(&ours, ImageFormat::Png)),
        ("code_in_colour.png", file(&DynamicImage::ImageRgba8(ours.to_rgba8()), ImageFormat::Png)),
        ("code_of_16_bits.png", file(&DynamicImage::ImageLuma16(ours.to_luma16()), ImageFormat::Png)),
        ("code.jpeg", jpeg(&ours)),
        ("code.webp", file(&ours, ImageFormat::WebP)),
        ("code.gif", gif(&[&ours])),
        ("code_that_moves.gif", gif(&[&grey, &ours])),
        ("code.bmp", file(&draw(&code(b"HELLO"), 1), ImageFormat::Bmp)),
        ("code_light_on_dark.png", file(&inverted, ImageFormat::Png)),
        ("code_turned.png", file(&ours.rotate90(), ImageFormat::Png)),
        ("latin_1.png", file(&draw(&with_eci(3, b"caf\xe9"), 2), ImageFormat::Png)),
        ("shift_jis.png", file(&draw(&with_eci(20, b"\x93\xfa\x96\x7b"), 2), ImageFormat::Png)),
        ("utf_8.png", file(&draw(&code("扫码 é".as_bytes()), 2), ImageFormat::Png)),
        ("unknown_charset.png", file(&draw(&with_eci(899, b"x"), 2), ImageFormat::Png)),
        ("no_code.png", file(&grey, ImageFormat::Png)),
        ("no_code.jpeg", jpeg(&grey)),
        ("no_code.webp", file(&grey, ImageFormat::WebP)),
        ("no_code.gif", gif(&[&grey])),
        ("cut_off.png", file(&ours, ImageFormat::Png)[..200].to_vec()),
    ] {
        fs::write(folder.join(name), bytes).unwrap();
    }
    fs::write(folder.join("no_picture"), "not even a picture").unwrap();
}
