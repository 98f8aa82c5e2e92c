//! Several codes in one picture.

use super::*;

#[test]
fn several_codes_are_all_read_and_equal_ones_once() {
    let codes = ["first", "second", "first"].map(|text| picture(text, 5));
    let side = codes[0].width();
    let mut wall = GrayImage::from_pixel(side * 3, side, Luma([255]));
    for (code, x) in codes.iter().zip([0, side, 2 * side]) {
        imageops::replace(&mut wall, code, i64::from(x), 0);
    }
    let mut texts = read(&png(wall)).unwrap();
    texts.sort();
    assert_eq!(texts, ["first", "second"]);
}

#[test]
fn the_search_goes_on_until_it_has_what_was_asked_for() {
    // Beside the one that every step reads there is one that only a later step does.
    let (easy, hard) = (picture("easy", 5), imageops::blur(&picture("hard", 5), 3.5));
    let mut both = GrayImage::from_pixel(easy.width() * 2, easy.height(), Luma([255]));
    imageops::replace(&mut both, &easy, 0, 0);
    imageops::replace(&mut both, &hard, i64::from(easy.width()), 0);
    let both = png(both);
    let found = |enough: &'static str| texts_in(both.clone(), LONG, move |text| text == enough).unwrap();
    assert_eq!(found("easy"), ["easy"]);
    assert_eq!(found("hard"), ["easy", "hard"]);
}

#[test]
fn a_code_in_another_s_middle_is_read_too() {
    let code = |text: &str| QrCode::with_error_correction_level(text, EcLevel::H).unwrap();
    let (mut outer, inner) = (draw(&code("outer"), 24), draw(&code("in"), 3));
    let at = i64::from((outer.width() - inner.width()) / 2);
    imageops::replace(&mut outer, &inner, at, at);
    let mut texts = read(&png(outer)).unwrap();
    texts.sort();
    assert_eq!(texts, ["in", "outer"]);
}

#[test]
fn another_code_that_is_harder_to_read_is_not_left_out() {
    let (easy, hard) = (picture("easy", 6), wavy(&picture(TEXT, 6), 6.0));
    let mut both = GrayImage::from_pixel(easy.width() + hard.width(), hard.height(), Luma([255]));
    imageops::replace(&mut both, &easy, 0, 0);
    imageops::replace(&mut both, &hard, i64::from(easy.width()), 0);
    assert_eq!(read(&png(both)).unwrap(), ["easy", TEXT]);
}
