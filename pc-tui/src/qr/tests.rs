use ratatui::style::Modifier;

use super::*;

const URL: &str = "HTTPS://LOGIN.EXAMPLE.COM/Q/7KX2M4QZ9ABCDEFGHJKMNPQRST";

/// What a reader makes of a picture of `width` x `height` pixels.
fn read(width: usize, height: usize, is_dark: impl Fn(usize, usize) -> bool) -> String {
    const SCALE: usize = 4;
    let shade = |x: usize, y: usize| if is_dark(x / SCALE, y / SCALE) { 0 } else { 255 };
    let mut picture = rqrr::PreparedImage::prepare_from_greyscale(width * SCALE, height * SCALE, shade);
    let grids = picture.detect_grids();
    assert_eq!(grids.len(), 1, "one code is found");
    grids[0].decode().unwrap().1
}

/// Draws on a buffer that is full of other styles, with room around.
fn drawn(drawing: Drawing) -> (Buffer, Rect) {
    let code = Code::new(URL).unwrap();
    let size = code.size(drawing);
    let mut buffer = Buffer::empty(Rect::new(0, 0, size.width + 5, size.height + 3));
    buffer.set_style(
        buffer.area,
        Style::new().fg(Color::Red).bg(Color::Reset).add_modifier(Modifier::REVERSED | Modifier::DIM),
    );
    let area = Rect::new(2, 1, size.width, size.height);
    QrWidget { code: &code, drawing }.render(area, &mut buffer);
    (buffer, area)
}

fn is_dark(color: Color) -> bool {
    assert!([DARK, LIGHT].contains(&color), "{color:?} is none of the two colours");
    color == DARK
}

/// The modules as a camera sees the cells: the ground above, the character's colour below.
fn seen(buffer: &Buffer, area: Rect, x: usize, half: usize) -> bool {
    let at = |n: usize| u16::try_from(n).unwrap();
    let cell = &buffer[(area.x + at(x), area.y + at(half / 2))];
    match (cell.symbol(), half % 2) {
        (" ", _) | ("▄", 0) => is_dark(cell.bg),
        ("▄", _) => is_dark(cell.fg),
        (other, _) => panic!("{other:?} is none of the two characters"),
    }
}

#[test]
fn a_code_fits_the_smallest_usual_terminal() {
    let code = Code::new(URL).unwrap();
    assert_eq!(code.size(Drawing::Half), Size::new(37, 19));
    assert_eq!(code.size(Drawing::Full), Size::new(74, 37));
}

#[test]
fn half_cells_can_be_read() {
    let (buffer, area) = drawn(Drawing::Half);
    let text = read(area.width.into(), usize::from(area.height) * 2, |x, y| seen(&buffer, area, x, y));
    assert_eq!(text, URL);
}

#[test]
fn full_cells_can_be_read_and_are_spaces() {
    let (buffer, area) = drawn(Drawing::Full);
    let modules = usize::from(area.height);
    let text = read(modules, modules, |x, y| {
        let left = seen(&buffer, area, 2 * x, 2 * y);
        assert_eq!(left, seen(&buffer, area, 2 * x + 1, 2 * y), "both cells of a module agree");
        left
    });
    assert_eq!(text, URL);
    assert!(area.positions().all(|at| buffer[at].symbol() == " "));
}

#[test]
fn the_code_is_dark_on_light_with_colours_of_its_own() {
    for drawing in [Drawing::Half, Drawing::Full] {
        let (buffer, area) = drawn(drawing);
        for at in area.positions() {
            let cell = &buffer[at];
            assert!([cell.fg, cell.bg].iter().all(|color| [DARK, LIGHT].contains(color)), "{cell:?}");
            assert!(cell.modifier.is_empty(), "nothing may reverse or dim a cell of the code");
        }
        // The corner is quiet zone: light. The finder pattern's corner, four modules in, is dark.
        let wide = if drawing == Drawing::Full { 2 } else { 1 };
        let high = if drawing == Drawing::Full { 1 } else { 2 };
        assert_eq!(buffer[(area.x, area.y)].bg, LIGHT);
        assert_eq!(buffer[(area.x + 4 * wide, area.y + 4 / high)].bg, DARK);
        assert_eq!(buffer[(area.x - 1, area.y)].fg, Color::Red, "nothing is drawn outside the area");
        assert_eq!(buffer[(area.right(), area.y)].fg, Color::Red, "nothing is drawn outside the area");
    }
}

#[test]
fn a_code_is_never_clipped() {
    let code = Code::new(URL).unwrap();
    for (width, height) in [(36, 19), (37, 18)] {
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let before = buffer.clone();
        // Asking for more than there is does not help.
        QrWidget { code: &code, drawing: Drawing::Half }.render(Rect::new(0, 0, 37, 19), &mut buffer);
        assert_eq!(buffer, before);
    }
}

#[test]
fn a_terminal_that_gets_text_can_be_read() {
    let code = Code::new(URL).unwrap();
    let ansi = code.to_ansi();
    let mut modules: Vec<Vec<bool>> = Vec::new();
    for line in ansi.lines() {
        let (mut upper, mut lower) = (Vec::new(), Vec::new());
        let cells = line.strip_suffix("\x1b[0m").unwrap();
        for run in cells.split("\x1b[38;5;").skip(1) {
            let (colours, symbols) = run.split_once('m').unwrap();
            let (fg, bg) = colours.split_once(";48;5;").unwrap();
            for symbol in symbols.chars() {
                upper.push(bg == "16");
                lower.push(if symbol == '▄' { fg } else { bg } == "16");
            }
        }
        modules.extend([upper, lower]);
    }
    assert_eq!(read(37, 38, |x, y| modules[y][x]), URL);
}

#[test]
fn plain_text_has_no_escapes_and_can_be_read_on_a_dark_ground() {
    let code = Code::new(URL).unwrap();
    let text = code.to_text();
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
fn the_picture_is_a_png_that_can_be_read() {
    let png = Code::new(URL).unwrap().to_png().unwrap();
    let picture = image::load_from_memory_with_format(&png, image::ImageFormat::Png).unwrap().into_luma8();
    assert_eq!(picture.dimensions(), (37 * 8, 37 * 8));
    let mut prepared = rqrr::PreparedImage::prepare_from_greyscale(296, 296, |x, y| {
        picture.get_pixel(u32::try_from(x).unwrap(), u32::try_from(y).unwrap()).0[0]
    });
    assert_eq!(prepared.detect_grids()[0].decode().unwrap().1, URL);
}

#[test]
fn a_text_beyond_any_code_is_refused() {
    assert_eq!(Code::new(&"A".repeat(5000)), Err(TooLong));
}
