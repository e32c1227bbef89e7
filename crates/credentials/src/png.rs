//! The smallest useful part of PNG: one black and white picture.

const SIGNATURE: [u8; 8] = *b"\x89PNG\r\n\x1a\n";

/// A picture of `width` by `height` pixels, black where `dark(x, y)`.
pub(crate) fn black_and_white(width: usize, height: usize, dark: impl Fn(usize, usize) -> bool) -> Vec<u8> {
    let mut rows = Vec::with_capacity(height * (width / 8 + 2));
    for y in 0..height {
        // Every row starts with its filter: none.
        rows.push(0);
        rows.extend((0..width.div_ceil(8)).map(|group| {
            let bit = |x: usize| u8::from(x < width && !dark(x, y));
            (0..8).fold(0u8, |byte, offset| byte << 1 | bit(group * 8 + offset))
        }));
    }
    let size = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    // One bit of grey a pixel; standard compression, filters, and no interlacing.
    let header = [&size(width)[..], &size(height)[..], &[1, 0, 0, 0, 0]].concat();
    let mut picture = SIGNATURE.to_vec();
    chunk(&mut picture, b"IHDR", &header);
    chunk(&mut picture, b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(&rows, 6));
    chunk(&mut picture, b"IEND", &[]);
    picture
}

fn chunk(picture: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    let length = u32::try_from(body.len()).unwrap_or(u32::MAX);
    picture.extend(length.to_be_bytes());
    picture.extend(kind);
    picture.extend(body);
    picture.extend(crc32(kind.iter().chain(body)).to_be_bytes());
}

fn crc32<'a>(bytes: impl Iterator<Item = &'a u8>) -> u32 {
    !bytes.fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ (0xedb8_8320 & (crc & 1).wrapping_neg()))
    })
}
