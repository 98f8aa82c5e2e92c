//! Codes as pictures: as a file, and by each protocol of terminals.

use ratatui::buffer::CellDiffOption;

use super::*;

/// The size of a PNG, and what is read in it.
fn read_png(png: &[u8]) -> ((u32, u32), String) {
    let picture = image::load_from_memory_with_format(png, image::ImageFormat::Png).unwrap().into_luma8();
    let (width, height) = picture.dimensions();
    let at = |n: usize| u32::try_from(n).unwrap();
    let shade = |x, y| picture.get_pixel(at(x), at(y)).0[0];
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width as usize, height as usize, shade);
    ((width, height), prepared.detect_grids()[0].decode().unwrap().1)
}

#[test]
fn the_picture_is_a_png_that_can_be_read() {
    assert_eq!(read_png(&code().to_png().unwrap()), ((37 * 8, 37 * 8), URL.to_owned()));
}

pub(super) fn graphics(protocol: Protocol) -> Graphics {
    Graphics::new(protocol, Size::new(9, 18)).unwrap()
}

/// What the first cell of a picture has for the terminal, and the picture's place.
fn sequence(protocol: Protocol) -> (String, Rect) {
    let shape = Shape { drawing: Drawing::Picture(graphics(protocol), 9), quiet: 4 };
    let (buffer, area) = drawn(shape);
    // 37 modules of 9 pixels are 37 columns of 9, and 18.5 rows of 18.
    assert_eq!(area.as_size(), Size::new(37, 19));
    let (first, others) = (area.as_position(), area.positions().skip(1));
    assert!(others.into_iter().all(|at| buffer[at].diff_option == CellDiffOption::Skip));
    (buffer[first].symbol().to_owned(), area)
}

#[test]
fn a_cell_that_no_terminal_has_is_not_believed() {
    let of = |width, height| Graphics::new(Protocol::Sixel, Size::new(width, height));
    assert!([of(0, 18), of(9, 0), of(9, 129), of(u16::MAX, 18)].iter().all(Option::is_none));
    let graphics = graphics(Protocol::Sixel);
    assert_eq!(graphics.resized(Size::new(0, 0)), graphics);
    assert_eq!(Some(graphics.resized(Size::new(10, 20))), of(10, 20));
}

#[test]
fn kitty_gets_a_png_in_pieces_that_it_does_not_scale() {
    let (sequence, area) = sequence(Protocol::Kitty);
    let pieces: Vec<&str> =
        sequence.split("\x1b_G").skip(1).map(|piece| piece.strip_suffix("\x1b\\").unwrap()).collect();
    let (options, _) = pieces[0].split_once(';').unwrap();
    assert!(options.starts_with("a=T,f=100,q=2,C=1,i=7707,p=1,c=37,r=19,m="), "{options}");
    let mut base64 = String::new();
    for (number, piece) in pieces.iter().enumerate() {
        let (options, data) = piece.split_once(';').unwrap();
        assert!(
            options.ends_with(if number + 1 < pieces.len() { "m=1" } else { "m=0" }) && data.len() <= 4096
        );
        base64.push_str(data);
    }
    let png = data_encoding::BASE64.decode(base64.as_bytes()).unwrap();
    let pixels = (u32::from(area.width) * 9, u32::from(area.height) * 18);
    assert_eq!(read_png(&png), (pixels, URL.to_owned()));
    assert!(graphics(Protocol::Kitty).removal().contains("a=d,d=I,i=7707"));
}

#[test]
fn iterm2_gets_a_png() {
    let (sequence, _) = sequence(Protocol::Iterm2);
    let (options, base64) = sequence.split_once(':').unwrap();
    let png = data_encoding::BASE64.decode(base64.strip_suffix('\x07').unwrap().as_bytes()).unwrap();
    assert!(options.starts_with("\x1b]1337;File=inline=1;") && options.contains("width=37;height=19"));
    assert!(options.contains(&format!("size={};", png.len())));
    assert_eq!(read_png(&png).1, URL);
}

#[test]
fn sixels_are_the_same_picture() {
    let (sequence, area) = sequence(Protocol::Sixel);
    let (width, height) = (usize::from(area.width) * 9, usize::from(area.height) * 18);
    let body = sequence.strip_prefix(&format!("\x1bP0;1;0q\"1;1;{width};{height}")).unwrap();
    let body = body.strip_prefix("#0;2;0;0;0#1;2;100;100;100").unwrap().strip_suffix("\x1b\\").unwrap();
    let mut pixels = vec![vec![None; width]; height];
    for (band, text) in body.split_terminator('-').enumerate() {
        for (is_dark, layer) in [true, false].into_iter().zip(text.split('$')) {
            let (_, runs) = layer.split_at("#0".len());
            let mut x = 0;
            for run in runs.split('!').skip(1) {
                let (count, bits) = run.split_at(run.len() - 1);
                for _ in 0..count.parse().unwrap() {
                    for row in (0..6).filter(|row| (bits.as_bytes()[0] - 63) >> row & 1 == 1) {
                        let pixel = &mut pixels[6 * band + row][x];
                        assert_eq!(pixel.replace(is_dark), None, "no pixel has two colours");
                    }
                    x += 1;
                }
            }
            assert_eq!(x, width);
        }
    }
    let shade = |x: usize, y: usize| if pixels[y][x].expect("every pixel has a colour") { 0 } else { 255 };
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    assert_eq!(prepared.detect_grids()[0].decode().unwrap().1, URL);
}
