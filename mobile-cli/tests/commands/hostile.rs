//! Pictures that were made to take all memory or all time: the program says what is wrong, and takes neither.

use std::fs::{self, File};
use std::io::Read as _;
use std::process::{Command, Stdio};

use image::{GrayImage, ImageFormat, Luma};

use crate::bombs::{
    bmp, chunk, gif, jpeg, png, png_head, webp, webp_chunk, webp_extended, webp_lossless, webp_lossy, zeros,
};
use crate::fake::Fake;
use crate::phone::Phone;

const MOST_BYTES: u64 = 300_000_000;
const TOO_LARGE: (i32, &str) = (1, "this picture is too large");
const DAMAGED: (i32, &str) = (1, "damaged or cut off");
const NOTHING: (i32, &str) = (7, "no QR code was found");

/// Runs a command, and watches how much memory it ever had.
#[track_caller]
fn assert_refused(what: &str, mut command: Command, (exit, says): (i32, &str)) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        peak = peak.max(kib.unwrap_or(0) * 1024);
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(exit), "{what}: {said}");
    assert!(said.starts_with("mobile-cli: ") && said.lines().count() == 1, "{what}: {said}");
    assert!(said.contains(says), "{what}: {said}");
    assert!(peak <= MOST_BYTES, "{what}: {peak} bytes");
}

#[track_caller]
fn assert_all_refused(files: &[(&str, Vec<u8>, (i32, &str))]) {
    let phone = Phone::new(&Fake::start());
    for (what, file, expected) in files {
        phone.put("bomb", file);
        assert_refused(what, phone.command("decode bomb"), *expected);
    }
}

#[test]
fn what_says_that_it_is_enormous_is_refused() {
    let frame = [&[0; 6][..], b"\x27\x23\0\x57\x1b\0", &[0; 4], &webp_lossless(9_000, 7_000)].concat();
    let animated =
        [webp_extended(2, 9_000, 7_000), webp_chunk(*b"ANIM", &[0; 6]), webp_chunk(*b"ANMF", &frame)];
    assert_all_refused(&[
        ("png, its header only", png_head(60_000, 60_000, 2, 8), TOO_LARGE),
        ("png, 60000 × 60000 in full", png(60_000, 60_000, 0, 1, &[]), TOO_LARGE),
        ("jpeg, its header only", jpeg(0xc0, (65_535, 65_535), 0), TOO_LARGE),
        ("jpeg, 20000 × 20000 in full", jpeg(0xc0, (20_000, 20_000), 4_687_500), TOO_LARGE),
        ("gif, its canvas", gif((65_535, 65_535), (1, 1), 1), TOO_LARGE),
        ("gif, its frame", gif((10, 10), (65_535, 65_535), 1), TOO_LARGE),
        ("bmp", bmp(60_000, 60_000), TOO_LARGE),
        ("bmp, upside down", bmp(9_000, -60_000), TOO_LARGE),
        ("webp, lossless", webp(&[webp_lossless(16_383, 16_383)]), TOO_LARGE),
        ("webp, lossy", webp(&[webp_lossy(16_383, 16_383, 1_000)]), TOO_LARGE),
        ("webp, animated", webp(&animated), TOO_LARGE),
    ]);
}

#[test]
fn what_takes_more_memory_than_its_size_tells_is_refused() {
    let inner = [webp_extended(0, 10, 10), webp_lossy(16_383, 16_383, 1_000_000)];
    assert_all_refused(&[
        ("jpeg in passes", jpeg(0xc2, (9_000, 7_000), 369_000), TOO_LARGE),
        ("gif with a frame beside its canvas", gif((9_000, 7_000), (8_999, 7_000), 1), TOO_LARGE),
        ("webp without transparency", webp(&[webp_lossless(9_000, 7_000)]), TOO_LARGE),
        ("webp, larger inside than outside", webp(&inner), DAMAGED),
    ]);
}

#[test]
fn the_largest_that_are_allowed_keep_to_the_memory() {
    assert_all_refused(&[
        ("png, 63 megapixels in colour", png(9_000, 7_000, 6, 32, &[]), NOTHING),
        ("jpeg, 63 megapixels", jpeg(0xc0, (9_000, 7_000), 738_000), NOTHING),
        ("gif of a million frames", gif((10, 10), (1, 1), 1_000_000), NOTHING),
    ]);
}

#[test]
fn comments_are_not_unpacked() {
    let packed = zeros(512 << 20);
    let with = |kind: [u8; 4], head: &[u8]| png(1, 1, 0, 8, &chunk(kind, &[head, &packed].concat()));
    let profile = chunk(*b"iCCP", &[b"icc\0\0", &zeros(250 << 20)[..]].concat());
    assert_all_refused(&[
        ("zTXt", with(*b"zTXt", b"Comment\0\0"), NOTHING),
        ("iTXt", with(*b"iTXt", b"XML:com.adobe.xmp\0\x01\0\0\0"), NOTHING),
        ("iCCP", with(*b"iCCP", b"icc\0\0"), NOTHING),
        ("iCCP beside many pixels", png(9_000, 7_000, 6, 32, &profile), NOTHING),
    ]);
}

#[test]
fn what_never_ends_is_read_up_to_the_most() {
    let phone = Phone::new(&Fake::start());
    assert_refused("a device", phone.command("decode /dev/zero"), TOO_LARGE);
    let mut piped = phone.command("decode -");
    piped.stdin(File::open("/dev/zero").unwrap());
    assert_refused("standard input", piped, TOO_LARGE);
    assert_refused("nothing", phone.command("decode /dev/null"), (1, "not a picture"));
    assert_refused("a directory", phone.command("decode /"), (1, "can't be read"));
}

#[test]
fn a_field_of_finder_patterns_is_given_up() {
    let field = |side: u32, module: u32, pitch: u32| {
        let picture = GrayImage::from_fn(side, side, |x, y| {
            let ring = ((x / module) % pitch).abs_diff(3).max(((y / module) % pitch).abs_diff(3));
            Luma([if ring == 3 || ring <= 1 { 0 } else { 255 }])
        });
        let mut file = std::io::Cursor::new(Vec::new());
        picture.write_to(&mut file, ImageFormat::Png).unwrap();
        file.into_inner()
    };
    assert_all_refused(&[
        ("fine", field(1_600, 1, 9), NOTHING),
        ("coarse", field(1_080, 3, 9), NOTHING),
        ("large", field(4_000, 5, 9), NOTHING),
        ("as close as can be", field(1_600, 1, 8), NOTHING),
    ]);
}

#[test]
fn a_scan_of_such_a_picture_asks_nobody() {
    let fake = Fake::start();
    let phone = Phone::of_alice(&fake);
    let before = fake.connections();
    phone.put("bomb", &png_head(60_000, 60_000, 2, 8));
    assert_refused("scan", phone.command("scan bomb"), TOO_LARGE);
    phone.put("bomb", &jpeg(0xc2, (9_000, 7_000), 369_000));
    assert_refused("scan", phone.command("scan bomb"), TOO_LARGE);
    assert_eq!(fake.connections(), before);
}
