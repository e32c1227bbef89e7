//! The examples of AWS's documentation, and bodies that must be refused.

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};

use super::*;
use crate::{Family, Presented, Request, Rules, SecretKey, SigError, Timestamp, verify};

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

struct Example {
    headers: &'static [(&'static str, &'static str)],
    signed: &'static str,
    seed: &'static str,
}

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming.html>
const SIGNED: Example = Example {
    headers: &[
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
    ],
    signed: "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class",
    seed: "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9",
};
const SIGNED_CHUNKS: [&str; 3] = [
    "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
    "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
    "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
];

/// <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html>
const TRAILER: Example = Example {
    headers: &[
        ("host", "s3.amazonaws.com"),
        ("x-amz-date", "20130524T000000Z"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("x-amz-trailer", "x-amz-checksum-crc32c"),
    ],
    signed: "content-encoding;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-storage-class;x-amz-trailer",
    seed: "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e",
};
const TRAILER_CHUNKS: [&str; 3] = [
    "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
    "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
    "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
];
const TRAILER_SIGNATURE: &str = "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435";

impl Example {
    fn verified(&self) -> Result<Verified, SigError> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers {
            headers.append(*name, value.parse().unwrap());
        }
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,SignedHeaders={},Signature={}",
            self.signed, self.seed
        );
        headers.append("authorization", authorization.parse().unwrap());
        let uri: Uri = "/examplebucket/chunkObject.txt".parse().unwrap();
        let request = Request { method: &Method::PUT, uri: &uri, headers: &headers };
        let presented = Presented::parse(request, Family::S3)?.unwrap();
        let payload = presented.declared_payload(request)?;
        let now = Timestamp::parse_basic("20130524T000000Z").unwrap();
        verify(&presented, request, &SecretKey::new(SECRET), &payload, now, &Rules::default())
    }
}

fn body(signatures: [&str; 3], end: &str) -> Vec<u8> {
    let mut body = Vec::new();
    for (size, signature) in [65_536_usize, 1_024, 0].into_iter().zip(signatures) {
        body.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        if size > 0 {
            body.extend(std::iter::repeat_n(b'a', size));
            body.extend_from_slice(b"\r\n");
        }
    }
    body.extend_from_slice(end.as_bytes());
    body
}

fn trailer_end() -> String {
    format!("x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:{TRAILER_SIGNATURE}\r\n\r\n")
}

fn decode(
    mut decoder: PayloadDecoder,
    body: &[u8],
    piece: usize,
) -> Result<(Vec<u8>, Trailers), PayloadError> {
    let mut payload = Vec::new();
    for part in body.chunks(piece) {
        let mut input = Bytes::copy_from_slice(part);
        while let Decoded::Data(data) = decoder.decode(&mut input)? {
            assert!(!data.is_empty());
            payload.extend_from_slice(&data);
        }
        assert!(input.is_empty());
    }
    Ok((payload, decoder.finish()?))
}

fn decoder(example: &Example) -> PayloadDecoder {
    PayloadDecoder::new(&example.verified().unwrap(), Some(66_560), ChunkLimits::default())
}

#[test]
fn the_documented_signed_body_decodes_however_it_is_cut() {
    let body = body(SIGNED_CHUNKS, "\r\n");
    for piece in [1, 2, 7, 85, 4_096, 65_536, usize::MAX] {
        let (payload, trailers) = decode(decoder(&SIGNED), &body, piece).unwrap();
        assert_eq!(payload, vec![b'a'; 66_560]);
        assert_eq!(trailers, Trailers::default());
    }
}

#[test]
fn the_documented_trailers_decode_however_they_are_cut() {
    let body = body(TRAILER_CHUNKS, &trailer_end());
    for piece in [1, 3, 1_000, usize::MAX] {
        let (payload, trailers) = decode(decoder(&TRAILER), &body, piece).unwrap();
        assert_eq!(payload.len(), 66_560);
        assert_eq!(trailers.value("x-amz-checksum-crc32c"), Some("sOO8/Q=="));
    }
}

#[test]
fn every_changed_byte_of_a_signed_body_is_noticed() {
    let good = body(TRAILER_CHUNKS, &trailer_end());
    let interesting = (0..100).chain(65_600..65_800).chain(66_700..good.len());
    for at in interesting {
        let mut bad = good.clone();
        bad[at] ^= 1;
        // The case of a hexadecimal size is no change of meaning; a flipped lowest bit never is one.
        assert!(decode(decoder(&TRAILER), &bad, 4_096).is_err(), "byte {at}");
    }
}

#[test]
fn every_truncation_is_noticed() {
    let good = body(SIGNED_CHUNKS, "\r\n");
    for length in (0..200).chain(65_500..65_700).chain(66_650..good.len()) {
        assert!(decode(decoder(&SIGNED), &good[..length], 4_096).is_err(), "{length} bytes");
    }
    let mut longer = good;
    longer.push(b'x');
    assert!(decode(decoder(&SIGNED), &longer, 4_096).is_err());
}

#[test]
fn chunks_cannot_be_left_out_or_exchanged() {
    let swapped = body([SIGNED_CHUNKS[1], SIGNED_CHUNKS[0], SIGNED_CHUNKS[2]], "\r\n");
    assert_eq!(decode(decoder(&SIGNED), &swapped, 4_096), Err(PayloadError::ChunkSignatureMismatch));
    let end_only = format!("0;chunk-signature={}\r\n\r\n", SIGNED_CHUNKS[2]);
    assert!(decode(decoder(&SIGNED), end_only.as_bytes(), 4_096).is_err());
}

#[test]
fn a_chunk_larger_than_the_limit_is_refused_before_it_is_held() {
    let limits = ChunkLimits { chunk_bytes: 65_535, ..ChunkLimits::default() };
    let decoder = PayloadDecoder::new(&SIGNED.verified().unwrap(), Some(66_560), limits);
    let body = body(SIGNED_CHUNKS, "\r\n");
    assert_eq!(decode(decoder, &body, 100), Err(PayloadError::ChunkTooLarge(65_536)));
}

fn unsigned(expected: Option<u64>, limits: ChunkLimits) -> PayloadDecoder {
    PayloadDecoder::anonymous(&PayloadHash::StreamingUnsignedTrailer, expected, limits).unwrap()
}

#[test]
fn unsigned_chunks_with_a_trailer_decode() {
    let body = b"5\r\nhello\r\n6\r\n world\r\n0\r\nx-amz-checksum-crc32:DUoRhQ==\r\n\r\n";
    for piece in 1..body.len() {
        let (payload, trailers) = decode(unsigned(Some(11), ChunkLimits::default()), body, piece).unwrap();
        assert_eq!(payload, b"hello world");
        assert_eq!(trailers.iter().collect::<Vec<_>>(), [("x-amz-checksum-crc32", "DUoRhQ==")]);
    }
}

#[test]
fn lengths_and_limits_hold() {
    let body = b"5\r\nhello\r\n0\r\n\r\n";
    let limits = ChunkLimits { payload_bytes: 4, ..ChunkLimits::default() };
    assert_eq!(decode(unsigned(None, limits), body, 100), Err(PayloadError::TooLarge));
    for expected in [4, 6] {
        let decoder = unsigned(Some(expected), ChunkLimits::default());
        assert_eq!(decode(decoder, body, 100), Err(PayloadError::Incomplete));
    }
    assert!(PayloadDecoder::anonymous(&PayloadHash::StreamingSigned, None, ChunkLimits::default()).is_none());
}

#[test]
fn broken_framing_is_refused() {
    let trailer = "x".repeat(9_000);
    let long_trailer = format!("0\r\na:{trailer}\r\n\r\n");
    let bodies: [&[u8]; 9] = [
        b"g\r\n",
        b"-5\r\nhello\r\n0\r\n\r\n",
        b"5\r\nhelloX\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\n",
        b"\r\n",
        b"0\r\nno colon\r\n\r\n",
        b"0\r\na:1\r\na:2\r\n\r\n",
        b"0\r\n\xff:1\r\n\r\n",
        long_trailer.as_bytes(),
    ];
    for body in bodies {
        assert!(decode(unsigned(None, ChunkLimits::default()), body, 50).is_err());
    }
}

#[test]
fn a_hash_is_checked_at_the_end() {
    let hash = PayloadHash::of(b"body");
    let make = || PayloadDecoder::anonymous(&hash, None, ChunkLimits::default()).unwrap();
    assert!(decode(make(), b"body", 1).is_ok());
    assert!(matches!(decode(make(), b"Body", 1), Err(PayloadError::HashMismatch { .. })));
    assert_eq!(decode(make(), b"Body", 1).unwrap_err().wire().code, "XAmzContentSHA256Mismatch");
}
