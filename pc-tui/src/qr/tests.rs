//! What a camera makes of each drawing.

use proptest::prelude::*;
use ratatui::style::Style as Look;

use super::*;

mod pictures;

use pictures::graphics;

const URL: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/7KX2M4QZ9ABCDEFGHJKMNPQRST";

const FULL: Drawing = Drawing::Full(Ink::Palette);
const HALF: Drawing = Drawing::Half(Ink::Palette);

fn code() -> Code {
    Code::new(URL).unwrap()
}

/// Every drawing that is made of cells.
fn drawings() -> Vec<Drawing> {
    let inks = [Ink::Palette, Ink::Reversed(Ground::Dark), Ink::Reversed(Ground::Light)];
    inks.into_iter().flat_map(|ink| [Drawing::Full(ink), Drawing::Half(ink)]).collect()
}

/// What a reader makes of a picture of `width` x `height` pixels.
fn read(width: usize, height: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    const SCALE: usize = 4;
    let shade = |x: usize, y: usize| if is_dark(x / SCALE, y / SCALE) { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, shade);
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1, "one code is found");
    grids[0].decode().unwrap().1
}

/// Draws on a buffer that is full of other looks, with room around.
fn drawn(shape: Shape) -> (Buffer, Rect) {
    let code = code();
    let size = code.size(shape);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width + 5, size.height + 3));
    buffer.set_style(
        buffer.area,
        Look::new().fg(Color::Red).bg(Color::Reset).add_modifier(Modifier::REVERSED | Modifier::DIM),
    );
    let area = Rect::new(2, 1, size.width, size.height);
    QrWidget { code: &code, shape }.render(area, &mut buffer);
    (buffer, area)
}

/// Whether a cell's ground and character are dark, in a terminal whose ground is this.
fn darkness(cell: &ratatui::buffer::Cell, ink: Ink) -> [bool; 2] {
    let is_dark = |color: Color| {
        assert!([DARK, LIGHT].contains(&color), "{color:?} is none of the two colours");
        color == DARK
    };
    match ink {
        Ink::Palette => {
            assert!(cell.modifier.is_empty(), "nothing may reverse or dim a cell of the code");
            [is_dark(cell.bg), is_dark(cell.fg)]
        }
        Ink::Reversed(ground) => {
            assert_eq!((cell.fg, cell.bg), (Color::Reset, Color::Reset));
            assert!(cell.modifier.is_empty() || cell.modifier == Modifier::REVERSED);
            let above = cell.modifier.is_empty() == (ground == Ground::Dark);
            [above, !above]
        }
    }
}

/// The modules as a camera sees the cells: two a cell, the ground above, and the character below.
fn seen(buffer: &Buffer, area: Rect, ink: Ink, x: usize, half: usize) -> bool {
    let at = |n: usize| u16::try_from(n).unwrap();
    let cell = &buffer[(area.x + at(x), area.y + at(half / 2))];
    let [above, below] = darkness(cell, ink);
    match (cell.symbol(), half % 2) {
        (" ", _) | ("▄", 0) => above,
        ("▄", _) => below,
        (other, _) => panic!("{other:?} is none of the two characters"),
    }
}

#[test]
fn a_code_fits_the_smallest_usual_terminal() {
    let size = |drawing, quiet| code().size(Shape { drawing, quiet });
    assert_eq!([size(HALF, 4), size(HALF, 2)], [Size::new(37, 19), Size::new(33, 17)]);
    assert_eq!([size(FULL, 4), size(FULL, 2)], [Size::new(74, 37), Size::new(66, 33)]);
}

#[test]
fn every_drawing_of_cells_can_be_read() {
    for shape in shapes(&drawings()) {
        let (buffer, area) = drawn(shape);
        let (columns, rows) = (usize::from(area.width), usize::from(area.height));
        let text = match shape.drawing {
            Drawing::Half(ink) => read(columns, 2 * rows, |x, y| seen(&buffer, area, ink, x, y)),
            Drawing::Full(ink) => {
                assert!(area.positions().all(|at| buffer[at].symbol() == " "));
                read(rows, rows, |x, y| {
                    let left = seen(&buffer, area, ink, 2 * x, 2 * y);
                    assert_eq!(
                        left,
                        seen(&buffer, area, ink, 2 * x + 1, 2 * y),
                        "both cells of a module agree"
                    );
                    left
                })
            }
            Drawing::Picture(..) => unreachable!("none of these"),
        };
        assert_eq!(text, URL, "{shape:?}");
    }
}

#[test]
fn the_code_is_dark_on_light_and_nothing_is_drawn_around() {
    for shape in shapes(&drawings()) {
        let (buffer, area) = drawn(shape);
        let (ink, wide, high) = match shape.drawing {
            Drawing::Full(ink) => (ink, 2, 1),
            Drawing::Half(ink) => (ink, 1, 2),
            Drawing::Picture(..) => unreachable!("none of these"),
        };
        // The corner is quiet zone: light. The finder pattern's corner, as many modules in, is dark.
        assert_eq!(darkness(&buffer[(area.x, area.y)], ink), [false, ink != Ink::Palette], "{shape:?}");
        let corner = &buffer[(area.x + shape.quiet * wide, area.y + shape.quiet / high)];
        assert!(darkness(corner, ink)[0], "{shape:?}");
        let around = buffer.area.positions().filter(|at| !area.contains(*at));
        assert!(around.into_iter().all(|at| buffer[at].fg == Color::Red));
    }
}

#[test]
fn correction_is_raised_while_the_code_stays_as_large() {
    // At level M version 1 holds 20 characters, and 10 at level H; version 3 holds 61, and 47 at level Q.
    for (length, side, level) in
        [(10, 21, EcLevel::H), (47, 29, EcLevel::Q), (48, 29, EcLevel::M), (62, 33, EcLevel::Q)]
    {
        let text = "A".repeat(length);
        let code = Code::new(&text).unwrap();
        let version = qrcode::Version::Normal((i16::try_from(side).unwrap() - 17) / 4);
        let expected = QrCode::with_version(&text, version, level).unwrap();
        assert_eq!(code.side, side, "{length}");
        let expected = expected.into_colors().into_iter().map(|color| color == qrcode::Color::Dark);
        assert_eq!(code.dark, expected.collect::<Vec<_>>(), "{length} at {level:?}");
    }
}

proptest! {
    #[test]
    fn a_code_is_whole_or_not_there(
        width in 0_u16..100, height in 0_u16..60, x in 0_u16..20, y in 0_u16..20, number in 0_usize..12,
    ) {
        let shape = shapes(&drawings()).nth(number).unwrap();
        let code = code();
        let size = code.size(shape);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let before = buffer.clone();
        // Asking for more than there is does not help.
        QrWidget { code: &code, shape }.render(Rect::new(x, y, size.width, size.height), &mut buffer);
        let has_room = x + size.width <= width && y + size.height <= height;
        prop_assert_eq!(buffer != before, has_room);
    }
}

/// What a terminal that knows SGR alone makes of a text: per cell the character, and whether the ground and it are
/// dark.
fn printed(ansi: &str, ink: Ink) -> Vec<Vec<(char, [bool; 2])>> {
    let line = |line: &str| {
        let cells = line.strip_suffix("\x1b[0m").unwrap();
        let run = |run: &str| {
            let (look, symbols) = run.split_once('m').unwrap();
            let dark = match (ink, look.split_once(";48;5;")) {
                (Ink::Palette, Some((fg, bg))) => [bg == "16", fg == "38;5;16"],
                (Ink::Reversed(ground), None) => {
                    assert!(["0", "7"].contains(&look), "{look}");
                    let above = (look == "0") == (ground == Ground::Dark);
                    [above, !above]
                }
                _ => panic!("{look} is no look of {ink:?}"),
            };
            symbols.chars().map(move |symbol| (symbol, dark)).collect::<Vec<_>>()
        };
        cells.split("\x1b[").skip(1).flat_map(run).collect()
    };
    ansi.lines().map(line).collect()
}

#[test]
fn a_terminal_that_gets_text_can_be_read() {
    for shape in shapes(&drawings()) {
        let ansi = code().to_ansi(shape);
        let (is_half, ink) = match shape.drawing {
            Drawing::Full(ink) => (false, ink),
            Drawing::Half(ink) => (true, ink),
            Drawing::Picture(..) => unreachable!("none of these"),
        };
        let lines = printed(&ansi, ink);
        let size = code().size(shape);
        assert_eq!((lines[0].len(), lines.len()), (size.width.into(), size.height.into()));
        let text = if is_half {
            read(lines[0].len(), 2 * lines.len(), |x, y| {
                let (symbol, dark) = lines[y / 2][x];
                dark[if symbol == '▄' { y % 2 } else { 0 }]
            })
        } else {
            read(lines.len(), lines.len(), |x, y| lines[y][2 * x].1[0])
        };
        assert_eq!(text, URL, "{shape:?}");
    }
}

#[test]
fn plain_text_has_no_escapes_and_can_be_read_on_a_dark_ground() {
    let text = code().to_text();
    let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
    assert!(lines.len() == 19 && lines.iter().all(|line| line.len() == 37));
    let has_ink = |x: usize, y: usize| match (lines[y / 2][x], y % 2) {
        ('█', _) | ('▀', 0) | ('▄', 1) => true,
        (' ' | '▀' | '▄', _) => false,
        (other, _) => panic!("{other:?} is none of the blocks"),
    };
    assert_eq!(read(37, 38, |x, y| !has_ink(x, y)), URL);
}

#[test]
fn a_text_beyond_any_code_is_refused() {
    assert_eq!(Code::new(&"A".repeat(5000)), Err(TooLong));
}

#[test]
fn a_style_is_what_the_terminal_can_do_of_it() {
    let all = Abilities {
        has_half_cells: true,
        has_palette: true,
        ground: Ground::Light,
        graphics: Some(graphics(Protocol::Kitty)),
    };
    let reversed = Ink::Reversed(Ground::Light);
    assert_eq!(all.drawings(Style::Auto), [FULL, HALF]);
    assert_eq!(all.drawings(Style::Reverse), [Drawing::Full(reversed), Drawing::Half(reversed)]);
    let pixels = |module| Drawing::Picture(graphics(Protocol::Kitty), module);
    assert_eq!(all.drawings(Style::Picture), [pixels(18), pixels(9)]);
    assert!(Style::ALL.into_iter().all(|style| all.nearest(style) == style));

    let few = Abilities { has_half_cells: false, has_palette: true, ground: Ground::Dark, graphics: None };
    assert_eq!(few.drawings(Style::Auto), [FULL]);
    assert_eq!([Style::Half, Style::Picture].map(|style| few.nearest(style)), [Style::Auto; 2]);

    let none = Abilities { has_palette: false, ..few };
    assert_eq!(none.drawings(Style::Auto), [Drawing::Full(Ink::Reversed(Ground::Dark))]);
    assert_eq!(none.nearest(Style::Full), Style::Auto);
}

#[test]
fn styles_have_names_and_an_order() {
    for style in Style::ALL {
        assert_eq!(style.to_string().parse(), Ok(style));
        let others: Vec<Style> = style.others().collect();
        assert!(others.len() == 4 && !others.contains(&style));
    }
    "Full".parse::<Style>().unwrap_err();
    assert_eq!(Style::Picture.others().next(), Some(Style::Auto));
}
