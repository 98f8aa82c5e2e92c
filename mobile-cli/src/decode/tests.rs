//! On pictures that are made here: every format, angle and size, and what must not be believed.

use std::io::Cursor;
use std::time::Duration;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageFormat, Luma, LumaA};
use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};

use super::*;

mod hints;
mod lines;
mod several;

const TEXT: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/7K0123456789ABCDEFGHJKMNPQ";
/// In a test nobody waits for, and a busy machine is no failure.
const LONG: Duration = Duration::from_mins(10);

fn draw(code: &QrCode, module_px: u32) -> GrayImage {
    let colors = code.to_colors();
    let width = u32::try_from(code.width()).unwrap();
    let (margin, side) = (4, width + 8);
    GrayImage::from_fn(side * module_px, side * module_px, |x, y| {
        let (x, y) = ((x / module_px).wrapping_sub(margin), (y / module_px).wrapping_sub(margin));
        let is_dark = x < width && y < width && colors[(y * width + x) as usize] == Color::Dark;
        Luma([if is_dark { 0 } else { 255 }])
    })
}

fn picture(text: &str, module_px: u32) -> GrayImage {
    draw(&QrCode::with_error_correction_level(text, EcLevel::M).unwrap(), module_px)
}

fn file(picture: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    picture.into().write_to(&mut file, format).unwrap();
    file.into_inner()
}

fn png(picture: impl Into<DynamicImage>) -> Vec<u8> {
    file(picture, ImageFormat::Png)
}

fn read(file: &[u8]) -> Result<Vec<String>, Unreadable> {
    texts_in(file.to_vec(), LONG, |_| true)
}

#[track_caller]
fn assert_read(picture: impl Into<DynamicImage>, what: &str) {
    assert_eq!(read(&png(picture)).as_deref(), Ok(&[TEXT.to_owned()][..]), "{what}");
}

/// The picture turned about its middle, on white.
fn turned(picture: &GrayImage, degrees: u16) -> GrayImage {
    let exact = |pixels: u32| f32::from(u16::try_from(pixels).unwrap());
    let middle = exact(picture.width()) / 2.0;
    let (sin, cos) = f32::from(degrees).to_radians().sin_cos();
    GrayImage::from_fn(picture.width() * 3 / 2, picture.height() * 3 / 2, |x, y| {
        let (x, y) = (exact(x) - middle * 1.5, exact(y) - middle * 1.5);
        let (x, y) = (cos * x + sin * y + middle, cos * y - sin * x + middle);
        imageops::interpolate_bilinear(picture, x, y).unwrap_or(Luma([255]))
    })
}

#[test]
fn every_format_is_read_in_grey_colour_and_sixteen_bits() {
    let grey = DynamicImage::from(picture(TEXT, 5));
    let formats =
        [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp];
    for format in formats {
        let written: DynamicImage =
            if format == ImageFormat::Png { grey.to_luma16().into() } else { grey.to_rgb8().into() };
        assert_eq!(read(&file(written, format)).unwrap(), [TEXT], "{format:?}");
    }
    assert_read(grey.to_rgba8(), "colour with transparency");
}

#[test]
fn every_size_is_read() {
    for module_px in [1, 2, 3, 5, 9, 20, 60] {
        assert_read(picture(TEXT, module_px), &format!("{module_px} pixels a module"));
    }
    let odd = imageops::resize(&picture(TEXT, 7), 171, 171, FilterType::Triangle);
    assert_read(odd, "4.6 pixels a module");
}

#[test]
fn every_angle_and_a_mirror_are_read() {
    let upright = picture(TEXT, 6);
    for degrees in (0..360).step_by(24) {
        assert_read(turned(&upright, degrees), &format!("turned by {degrees}°"));
    }
    assert_read(imageops::flip_horizontal(&upright), "mirrored");
}

#[test]
fn light_on_dark_dim_and_unevenly_lit_are_read() {
    let mut inverted = picture(TEXT, 6);
    imageops::invert(&mut inverted);
    assert_read(inverted, "inverted");
    let mut dim = picture(TEXT, 6);
    dim.pixels_mut().for_each(|pixel| pixel.0[0] = 60 + pixel.0[0] / 6);
    assert_read(dim, "dim");
    let mut shaded = picture(TEXT, 6);
    let width = shaded.width();
    shaded.enumerate_pixels_mut().for_each(|(x, _, pixel)| {
        let light = 255 - x * 200 / width;
        pixel.0[0] = u8::try_from((u32::from(pixel.0[0]) + 40) * light / 300).unwrap();
    });
    assert_read(shaded, "in a shadow");
}

#[test]
fn what_is_transparent_counts_as_white() {
    let code = picture(TEXT, 5);
    let clear = image::ImageBuffer::from_fn(code.width(), code.height(), |x, y| {
        LumaA([0, 255 - code.get_pixel(x, y).0[0]])
    });
    assert_read(DynamicImage::ImageLumaA8(clear), "black on nothing");
}

#[test]
fn a_hard_compressed_jpeg_is_read() {
    let mut jpeg = Vec::new();
    DynamicImage::from(picture(TEXT, 4))
        .write_with_encoder(JpegEncoder::new_with_quality(&mut jpeg, 10))
        .unwrap();
    assert_eq!(read(&jpeg).unwrap(), [TEXT]);
}

/// The picture as if it were on a surface with waves: each pixel comes from a few pixels beside.
fn wavy(picture: &GrayImage, by: f32) -> GrayImage {
    let exact = |pixels: u32| f32::from(u16::try_from(pixels).unwrap());
    let (width, height) = picture.dimensions();
    let wave = |at: u32, len: u32| (exact(at) / exact(len) * 6.0).sin() * by;
    GrayImage::from_fn(width, height, |x, y| {
        let from = (exact(x) + wave(y, height), exact(y) + wave(x, width));
        imageops::interpolate_bilinear(picture, from.0, from.1).unwrap_or(Luma([255]))
    })
}

#[test]
fn a_code_on_a_surface_that_is_not_flat_is_read() {
    // By up to one and a half modules, where half a one is enough to read the neighbour instead.
    for by in [3.0, 6.0, 9.0] {
        assert_read(wavy(&picture(TEXT, 6), by), &format!("waves of {by} pixels"));
    }
}

#[test]
fn payloads_are_read_as_they_say_or_else_as_they_look() {
    let code = |eci: Option<u32>, write: &dyn Fn(&mut Bits)| {
        let mut bits = Bits::new(Version::Normal(4));
        if let Some(eci) = eci {
            bits.push_eci_designator(eci).unwrap();
        }
        write(&mut bits);
        bits.push_terminator(EcLevel::M).unwrap();
        read(&png(draw(&QrCode::with_bits(bits, EcLevel::M).unwrap(), 5))).unwrap().remove(0)
    };
    let bytes = |eci: Option<u32>, bytes: &[u8]| code(eci, &|bits| bits.push_byte_data(bytes).unwrap());
    assert_eq!(bytes(None, "héllo 日本".as_bytes()), "héllo 日本");
    assert_eq!(bytes(None, b"\x93\xfa\x96\x7b"), "日本");
    assert_eq!(bytes(None, b"caf\xe9"), "café");
    assert_eq!(bytes(Some(22), b"\xcf\xf0\xe8\xe2\xe5\xf2"), "Привет");
    assert_eq!(bytes(Some(3), b"\x93\xfa"), "\u{93}ú");
    assert_eq!(code(None, &|bits| bits.push_kanji_data(b"\x93\xfa\x96\x7b").unwrap()), "日本");
    assert_eq!(code(None, &|bits| bits.push_numeric_data(b"0042").unwrap()), "0042");
}

#[test]
fn a_field_of_finder_patterns_is_searched_to_the_end() {
    // 40,000 of them, as close as they can be. The reader alone would never come to the end.
    let field = GrayImage::from_fn(1_600, 1_600, |x, y| {
        let ring = (x % 8).abs_diff(3).max((y % 8).abs_diff(3));
        Luma([if ring == 3 || ring <= 1 { 0 } else { 255 }])
    });
    assert_eq!(read(&png(field)), Err(Unreadable::TooSmall));
}

#[test]
fn a_picture_without_a_code_has_none() {
    for blank in [GrayImage::new(1, 1), GrayImage::new(3, 900), GrayImage::from_pixel(640, 480, Luma([255]))]
    {
        assert_eq!(read(&png(blank)), Err(Unreadable::NoCode));
    }
    // Something to see, but no code.
    let stripes =
        GrayImage::from_fn(400, 300, |x, y| Luma([if (x / 9 + y / 30) % 2 == 0 { 20 } else { 230 }]));
    assert_eq!(read(&png(stripes)), Err(Unreadable::NoCode));
}

#[test]
fn what_is_no_picture_is_said_to_be_none() {
    for file in [&b""[..], b"x", b"%PDF-1.7\n", b"<svg xmlns='http://www.w3.org/2000/svg'/>", &[0; 4096]] {
        assert_eq!(read(file), Err(Unreadable::NotAPicture));
    }
    let too_long = vec![0; usize::try_from(MAX_FILE_BYTES).unwrap() + 1];
    assert_eq!(read(&too_long), Err(Unreadable::TooLarge));
}

#[test]
fn a_file_that_was_cut_off_anywhere_is_an_error_or_still_legible() {
    let code = DynamicImage::from(picture("cut", 3)).to_rgb8();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif, ImageFormat::Bmp]
    {
        let whole = file(code.clone(), format);
        for len in (0..whole.len()).step_by(whole.len() / 12) {
            match read(&whole[..len]) {
                Ok(texts) => assert_eq!(texts, ["cut"], "{format:?} cut to {len}"),
                Err(error) => assert!(error != Unreadable::OutOfTime, "{format:?} cut to {len}: {error}"),
            }
        }
        assert!(read(&whole[..whole.len() / 3]).is_err(), "{format:?}");
    }
}

/// Files that say they are enormous, most of them without a single pixel behind that.
fn giants() -> Vec<(&'static str, Vec<u8>)> {
    let png = |width: u32, height: u32| {
        let mut file = png(GrayImage::new(1, 1));
        file[16..20].copy_from_slice(&width.to_be_bytes());
        file[20..24].copy_from_slice(&height.to_be_bytes());
        let sum = crc32(&file[12..29]);
        file[29..33].copy_from_slice(&sum.to_be_bytes());
        file
    };
    let jpeg = {
        let mut file = file(GrayImage::new(8, 8), ImageFormat::Jpeg);
        let frame = file.windows(2).position(|marker| marker == [0xff, 0xc0]).unwrap();
        file[frame + 5..frame + 9].fill(0xff);
        file
    };
    let bmp = {
        let mut file = file(DynamicImage::new_rgb8(1, 1), ImageFormat::Bmp);
        file[18..22].copy_from_slice(&9_999_u32.to_le_bytes());
        file[22..26].copy_from_slice(&9_999_u32.to_le_bytes());
        file
    };
    let gif = {
        let mut file = file(DynamicImage::new_rgba8(1, 1), ImageFormat::Gif);
        file[6..10].fill(0xff);
        file
    };
    let webp = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\x10\x27\0\0\0\0\0\0\0\0\0\0\0".to_vec();
    vec![
        ("png, a side", png(10_001, 1)),
        ("png, megapixels", png(9_000, 9_000)),
        ("png, beyond any memory", png(0x7fff_ffff, 0x7fff_ffff)),
        ("jpeg", jpeg),
        ("bmp", bmp),
        ("gif", gif),
        ("webp", webp),
    ]
}

/// As PNG's chunks have it.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "that it is quick is what is tested")]
fn giants_are_refused_by_their_word_alone() {
    for (what, file) in giants() {
        let start = std::time::Instant::now();
        assert_eq!(read(&file), Err(Unreadable::TooLarge), "{what}");
        assert!(start.elapsed() < Duration::from_secs(1), "{what}");
    }
}

#[test]
fn the_largest_picture_that_is_allowed_is_searched() {
    let mut wall = GrayImage::from_pixel(9_000, 7_000, Luma([255]));
    imageops::replace(&mut wall, &picture(TEXT, 40), 3_000, 2_000);
    assert_read(wall, "63 megapixels");
}

#[test]
fn a_search_that_takes_too_long_is_given_up() {
    // A wall of finder patterns: the reader tries each with all the others.
    let wall = GrayImage::from_fn(700, 700, |x, y| {
        let (x, y) = ((x / 2) % 9, (y / 2) % 9);
        let ring = x.abs_diff(3).max(y.abs_diff(3));
        Luma([if ring == 3 || ring <= 1 { 0 } else { 255 }])
    });
    assert_eq!(texts_in(png(wall), Duration::from_millis(1), |_| true), Err(Unreadable::OutOfTime));
}
