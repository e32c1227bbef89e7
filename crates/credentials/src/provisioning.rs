//! How a seed gets into an authenticator app: the `otpauth:` URI, and its QR code as a PNG.

use std::fmt::Write as _;

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::png;
use crate::totp::Seed;

/// How many pixels wide a module of the code is, and how many modules of white surround it.
const MODULE_PIXELS: usize = 6;
const QUIET_ZONE: usize = 4;

/// The URI that authenticator apps read, for the device `device_name` of `account` (its alias or id).
pub fn uri(seed: &Seed, device_name: &str, account: &str) -> Zeroizing<String> {
    let label = format!("{}@{}", escaped(device_name), escaped(account));
    let issuer = "Amazon%20Web%20Services";
    let secret = seed.base32();
    Zeroizing::new(format!("otpauth://totp/{issuer}:{label}?secret={}&issuer={issuer}", secret.as_str()))
}

/// The QR code of `text` as a black and white PNG; `None` where it is too long for one.
pub fn qr_png(text: &str) -> Option<Vec<u8>> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).ok()?;
    let modules: Vec<Vec<bool>> = code
        .to_colors()
        .chunks(code.width())
        .map(|row| row.iter().map(|color| *color == Color::Dark).collect())
        .collect();
    let side = (code.width() + 2 * QUIET_ZONE) * MODULE_PIXELS;
    let dark = |x: usize, y: usize| {
        let module = |pixel: usize| (pixel / MODULE_PIXELS).checked_sub(QUIET_ZONE);
        let row = module(y).and_then(|row| modules.get(row));
        row.zip(module(x)).and_then(|(row, column)| row.get(column)).copied().unwrap_or(false)
    };
    Some(png::black_and_white(side, side, dark))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_uri_names_device_account_and_issuer() {
        let seed = Seed::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
        assert_eq!(
            uri(&seed, "robot+1", "123456789012").as_str(),
            "otpauth://totp/Amazon%20Web%20Services:robot%2B1@123456789012\
             ?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Amazon%20Web%20Services"
        );
    }

    #[test]
    fn the_picture_shows_the_code_with_a_white_border() {
        let text = "otpauth://totp/Amazon%20Web%20Services:robot@123456789012?secret=JBSWY3DPEHPK3PXP";
        let bytes = qr_png(text).unwrap();
        let mut reader = ::png::Decoder::new(std::io::Cursor::new(&bytes)).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let frame = reader.next_frame(&mut pixels).unwrap();
        let code = QrCode::with_error_correction_level(text, EcLevel::M).unwrap();
        assert_eq!(frame.width as usize, (code.width() + 8) * 6);
        let white = |x: usize, y: usize| pixels[y * frame.line_size + x / 8] >> (7 - x % 8) & 1 == 1;
        assert!((0..frame.width as usize).all(|x| white(x, 0) && white(x, 23)));
        let colors = code.to_colors();
        for (index, color) in colors.iter().enumerate() {
            let (row, column) = (index / code.width(), index % code.width());
            let (x, y) = ((column + 4) * 6 + 3, (row + 4) * 6 + 3);
            assert_eq!(white(x, y), *color == Color::Light, "{row},{column}");
        }
    }

    #[test]
    fn a_text_too_long_for_a_code_is_refused() {
        assert!(qr_png(&"x".repeat(5_000)).is_none());
    }
}
