//! Codes as terminals draw them that put air between their lines.

use super::*;

/// What a terminal paints the air with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Air {
    Light,
    Dark,
    /// As the upper half of the line: what is behind the characters is painted, and they are not stretched.
    Behind,
}

/// A code in half cells, two modules to a line. Modules are so many pixels wide, lines so many high, of which the
/// lowest are air.
fn in_lines(wide: u32, line: u32, air: u32, colour: Air) -> GrayImage {
    let modules = picture(TEXT, 1);
    let half = (line - air) / 2;
    GrayImage::from_fn(modules.width() * wide, modules.height().div_ceil(2) * line, |x, y| {
        let (upper, below) = (y / line * 2, y % line);
        let module = |row: u32| modules.get_pixel_checked(x / wide, row).copied().unwrap_or(Luma([255]));
        match colour {
            _ if below < half => module(upper),
            _ if below < 2 * half => module(upper + 1),
            Air::Behind => module(upper),
            Air::Light => Luma([255]),
            Air::Dark => Luma([0]),
        }
    })
}

/// Up to a seventh of a line.
fn most_air(line: u32) -> u32 {
    (0..=line * 15 / 100).rev().find(|air| (line - air).is_multiple_of(2)).unwrap_or_default()
}

#[test]
fn codes_with_air_between_their_lines_are_read() {
    for (wide, percent) in [6, 11].into_iter().flat_map(|wide| [100, 115, 130, 145, 160].map(|it| (wide, it)))
    {
        let line = 2 * wide * percent / 100;
        for colour in [Air::Light, Air::Dark, Air::Behind] {
            let air = most_air(line);
            let what = format!("{wide} pixels wide, lines of {line}, {air} of them air: {colour:?}");
            assert_read(in_lines(wide, line, air, colour), &what);
        }
    }
}

#[test]
fn the_same_light_on_dark_are_read() {
    for colour in [Air::Light, Air::Dark, Air::Behind] {
        let mut code = in_lines(8, 22, most_air(22), colour);
        imageops::invert(&mut code);
        assert_read(code, &format!("{colour:?}"));
    }
}

#[test]
fn one_with_air_is_read_beside_one_without() {
    let codes = [picture("flat", 8), in_lines(8, 22, 2, Air::Behind)];
    let [width, height] = [codes[0].width() + codes[1].width(), codes[1].height()];
    let mut both = GrayImage::from_pixel(width, height, Luma([255]));
    imageops::replace(&mut both, &codes[0], 0, 0);
    imageops::replace(&mut both, &codes[1], i64::from(codes[0].width()), 0);
    let texts = texts_in(png(both), LONG, |text| text == TEXT).unwrap();
    assert_eq!(texts, ["flat", TEXT]);
}
