//! What is said of a picture in which no code is read.

use super::*;

#[test]
fn what_is_not_whole_is_said_to_be_cut_off() {
    let code = picture(TEXT, 6);
    let (width, height) = code.dimensions();
    for (what, left, top, right, bottom) in [
        ("the left half", 0, 0, width / 2, height),
        ("the right half", width / 2, 0, width, height),
        ("the upper half", 0, 0, width, height / 2),
        ("less than the upper two thirds", 0, 0, width, height * 5 / 8),
        ("a quarter", 0, 0, width / 2, height / 2),
    ] {
        let part = imageops::crop_imm(&code, left, top, right - left, bottom - top).to_image();
        assert_eq!(read(&png(part)), Err(Unreadable::CutOff), "{what}");
    }
}

#[test]
fn what_is_too_small_is_said_to_be() {
    let code = picture(TEXT, 8);
    for module_px in [0.7, 0.9] {
        let side = f32::from(u16::try_from(code.width()).unwrap()) / 8.0 * module_px;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small positive number"
        )]
        let small = imageops::resize(&code, side as u32, side as u32, FilterType::Triangle);
        let mut desk = GrayImage::from_pixel(400, 300, Luma([150]));
        imageops::replace(&mut desk, &small, 170, 120);
        assert_eq!(read(&png(desk)), Err(Unreadable::TooSmall), "{module_px} pixels a module");
    }
}

#[test]
fn what_is_blurred_is_said_to_be() {
    for (module_px, radius) in [(6, 8.0), (6, 12.0), (12, 14.0), (20, 24.0)] {
        let blurred = imageops::blur(&picture(TEXT, module_px), radius);
        assert_eq!(read(&png(blurred)), Err(Unreadable::Blurred), "{module_px} pixels a module, {radius}");
    }
}

#[test]
fn what_is_there_but_spoilt_is_said_to_be() {
    let mut spoilt = picture(TEXT, 6);
    let side = spoilt.width();
    // All between the finder patterns, and what they don't share.
    for (x, y) in (14 * 6..side).flat_map(|y| (14 * 6..side).map(move |x| (x, y))) {
        spoilt.put_pixel(x, y, Luma([if (x / 31 + y / 23) % 2 == 0 { 0 } else { 255 }]));
    }
    assert_eq!(read(&png(spoilt)), Err(Unreadable::Unclear));
}
