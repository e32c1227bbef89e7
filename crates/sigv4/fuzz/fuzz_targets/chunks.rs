//! However a chunked body is cut, it decodes to the same payload or the same refusal.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use rolecall_sigv4::{ChunkLimits, Decoded, PayloadDecoder, PayloadError, PayloadHash};

fn decode(body: &[u8], piece: usize) -> Result<Vec<u8>, PayloadError> {
    let hash = PayloadHash::StreamingUnsignedTrailer;
    let limits = ChunkLimits { chunk_bytes: 1 << 16, payload_bytes: 1 << 20 };
    let Some(mut decoder) = PayloadDecoder::anonymous(&hash, None, limits) else { return Ok(Vec::new()) };
    let mut payload = Vec::new();
    for part in body.chunks(piece) {
        let mut input = Bytes::copy_from_slice(part);
        while let Decoded::Data(data) = decoder.decode(&mut input)? {
            payload.extend_from_slice(&data);
        }
    }
    decoder.finish()?;
    Ok(payload)
}

fuzz_target!(|input: &[u8]| {
    let Some((piece, body)) = input.split_first() else { return };
    let whole = decode(body, body.len().max(1));
    let cut = decode(body, usize::from(*piece).max(1));
    assert_eq!(whole.is_ok(), cut.is_ok());
    if let (Ok(whole), Ok(cut)) = (whole, cut) {
        assert_eq!(whole, cut);
    }
});
