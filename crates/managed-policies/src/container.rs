//! The data file: a count of blocks, the sections' lengths (all u32, little-endian), then the
//! sections, each packed by DEFLATE: the index, then the blocks of documents.

/// How many documents are packed together: smaller blocks unpack sooner, larger ones pack better.
pub const BLOCK_POLICIES: usize = 64;

/// The data, as the generator wrote it.
pub(crate) const DATA: &[u8] = include_bytes!("../data/managed-policies.bin");

/// The packed parts of the data file.
pub(crate) struct Sections {
    pub(crate) index: &'static [u8],
    pub(crate) blocks: Vec<&'static [u8]>,
}

/// Finds the parts of the data file.
pub(crate) fn sections(data: &'static [u8]) -> Sections {
    let count = number(data, 0);
    let mut start = 4 * (count + 2);
    let mut parts = (0..=count).map(|part| {
        let end = start + number(data, part + 1);
        let section = data.get(start..end).unwrap_or_default();
        start = end;
        section
    });
    Sections { index: parts.next().unwrap_or_default(), blocks: parts.collect() }
}

fn number(data: &[u8], position: usize) -> usize {
    let bytes = data.get(position * 4..position * 4 + 4).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
    bytes.map_or(0, |bytes| u32::from_le_bytes(bytes) as usize)
}

/// Unpacks one section.
#[expect(clippy::expect_used, reason = "the data are compiled in, and a test unpacks every section")]
pub(crate) fn unpack(packed: &[u8]) -> String {
    let bytes = miniz_oxide::inflate::decompress_to_vec(packed).expect("compiled-in data unpack");
    String::from_utf8(bytes).expect("compiled-in data are text")
}
