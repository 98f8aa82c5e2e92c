//! Small files that say, or are, enormous pictures.

/// A PNG of this size, colour type and bits a pixel, all of it zero. `chunks` come before its pixels.
pub(crate) fn png(width: u32, height: u32, color: u8, bits: u32, chunks: &[u8]) -> Vec<u8> {
    let row = 1 + u64::from(width * bits).div_ceil(8);
    let mut file = png_head(width, height, color, if bits < 8 { 1 } else { 8 });
    file.extend(chunks);
    file.extend(chunk(*b"IDAT", &zeros(row * u64::from(height))));
    file.extend(chunk(*b"IEND", b""));
    file
}

pub(crate) fn png_head(width: u32, height: u32, color: u8, depth: u8) -> Vec<u8> {
    let mut header = [width.to_be_bytes(), height.to_be_bytes()].concat();
    header.extend([depth, color, 0, 0, 0]);
    [b"\x89PNG\r\n\x1a\n".to_vec(), chunk(*b"IHDR", &header)].concat()
}

/// A chunk of a PNG.
pub(crate) fn chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let body = [&kind, content].concat();
    let step = |crc: u32| crc >> 1 ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
    let crc = !body.iter().fold(!0, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    [&u32::try_from(content.len()).unwrap().to_be_bytes()[..], &body, &crc.to_be_bytes()].concat()
}

/// So many zeros, as zlib packs them: one, and then 13 bits for each 258.
pub(crate) fn zeros(count: u64) -> Vec<u8> {
    const ZERO: (u32, u32) = (0b0000_1100, 8);
    // 258 bytes more, from one byte back.
    const AGAIN: (u32, u32) = (0b0_0000_1010_0011, 13);
    let mut packed = vec![0x78, 0xda];
    let (mut bits, mut filled) = (0b011, 3);
    let mut put = |(code, len): (u32, u32)| {
        bits |= code << filled;
        filled += len;
        while filled >= 8 {
            packed.push(bits.to_le_bytes()[0]);
            bits >>= 8;
            filled -= 8;
        }
    };
    put(ZERO);
    (0..(count - 1) / 258).for_each(|_| put(AGAIN));
    (0..(count - 1) % 258).for_each(|_| put(ZERO));
    put((0, 14));
    let sum = u32::try_from(count % 65_521).unwrap() << 16 | 1;
    packed.extend(sum.to_be_bytes());
    packed
}

/// A JPEG of three components: baseline (0xc0) or progressive (0xc2), with so many bytes for its pixels.
pub(crate) fn jpeg(frame: u8, side: (u16, u16), bytes: usize) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
    file.extend([1; 64]);
    file.extend([0xff, frame, 0, 17, 8]);
    file.extend([side.1.to_be_bytes(), side.0.to_be_bytes()].concat());
    file.extend([3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0]);
    for table in [0x00, 0x10] {
        // One code, of one bit.
        file.extend([0xff, 0xc4, 0, 20, table, 1]);
        file.extend([0; 16]);
    }
    file.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, if frame == 0xc0 { 63 } else { 0 }, 0]);
    file.extend(vec![0; bytes]);
    file.extend([0xff, 0xd9]);
    file
}

/// A GIF of this size with so many frames of another size.
pub(crate) fn gif(canvas: (u16, u16), frame: (u16, u16), frames: usize) -> Vec<u8> {
    let size = |(width, height): (u16, u16)| [width.to_le_bytes(), height.to_le_bytes()].concat();
    let mut file = [b"GIF89a", &size(canvas)[..], &[0xf0, 0, 0, 0, 0, 0, 255, 255, 255]].concat();
    let frame = [b"\x2c\0\0\0\0", &size(frame)[..], b"\0\x02\x02\x4c\x01\0"].concat();
    file.extend(frame.repeat(frames));
    file.push(b';');
    file
}

/// A BMP of this size in colour, without pixels.
pub(crate) fn bmp(width: i32, height: i32) -> Vec<u8> {
    let mut file = b"BM\x36\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0".to_vec();
    file.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    file.extend(b"\x01\0\x18\0");
    file.extend([0; 24]);
    file
}

/// A WebP of these chunks.
pub(crate) fn webp(chunks: &[Vec<u8>]) -> Vec<u8> {
    let chunks = chunks.concat();
    let len = u32::try_from(chunks.len() + 4).unwrap();
    [b"RIFF", &len.to_le_bytes()[..], b"WEBP", &chunks].concat()
}

pub(crate) fn webp_chunk(kind: [u8; 4], content: &[u8]) -> Vec<u8> {
    let len = u32::try_from(content.len()).unwrap();
    let mut chunk = [&kind, &len.to_le_bytes()[..], content].concat();
    chunk.resize(chunk.len().next_multiple_of(2), 0);
    chunk
}

/// An extended WebP's first chunk.
pub(crate) fn webp_extended(flags: u8, width: u32, height: u32) -> Vec<u8> {
    let less_one = |side: u32| (side - 1).to_le_bytes()[..3].to_vec();
    webp_chunk(*b"VP8X", &[vec![flags, 0, 0, 0], less_one(width), less_one(height)].concat())
}

/// A lossless picture of one colour.
pub(crate) fn webp_lossless(width: u32, height: u32) -> Vec<u8> {
    // No transformation, no cache; five codes of one symbol each take no bits.
    let codes = (0..5).fold(0_u64, |bits, nth| bits | 1 << (4 * nth));
    let size = u64::from(width - 1) | u64::from(height - 1) << 14;
    let mut bytes = vec![0x2f];
    bytes.extend((size | codes << 38).to_le_bytes());
    bytes.extend([0; 8]);
    webp_chunk(*b"VP8L", &bytes)
}

/// A lossy picture with so many bytes for its pixels.
pub(crate) fn webp_lossy(width: u16, height: u16, bytes: u32) -> Vec<u8> {
    let mut content = ((bytes / 2) << 5 | 1 << 4).to_le_bytes()[..3].to_vec();
    content.extend([0x9d, 0x01, 0x2a]);
    content.extend([width.to_le_bytes(), height.to_le_bytes()].concat());
    content.resize(10 + bytes as usize, 0);
    webp_chunk(*b"VP8 ", &content)
}
