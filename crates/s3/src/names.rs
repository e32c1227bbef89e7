//! Names of buckets, and the file names that keys become.

use ring::digest;

/// The most bytes of a key.
pub(crate) const MAX_KEY_BYTES: usize = 1_024;

/// File systems take names of 255 bytes; suffixes of our own need some.
const MAX_FILE_NAME_BYTES: usize = 200;

/// The name of a bucket: 3 to 63 of `[a-z0-9.-]`, beginning and ending with a letter or digit.
///
/// <https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html>
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BucketName(Box<str>);

impl BucketName {
    /// `None` if AWS would not take the name. Such a name is also safe as the name of a directory.
    pub fn parse(text: &str) -> Option<Self> {
        const RESERVED_PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
        const RESERVED_SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];
        let outer = |byte: Option<&u8>| byte.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        let bytes = text.as_bytes();
        let valid = (3..=63).contains(&bytes.len())
            && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'.' | b'-'))
            && outer(bytes.first())
            && outer(bytes.last())
            && !text.contains("..")
            && text.parse::<std::net::Ipv4Addr>().is_err()
            && !RESERVED_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
            && !RESERVED_SUFFIXES.iter().any(|suffix| text.ends_with(suffix));
        valid.then(|| Self(text.into()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Display for BucketName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The file name of a key: one name, whatever the key holds; different for different keys, also where
/// file systems fold case or normalise Unicode; readable where the key is short.
///
/// Lower-case letters, digits, `_`, `-` and `.` stand for themselves, every other byte is escaped. A key
/// whose name gets too long is named by its SHA-256. The prefix tells the two kinds apart and keeps
/// `.` and `..` from meaning anything.
pub fn file_name(key: &str) -> String {
    let mut name = String::with_capacity(key.len() + 2);
    name.push_str("k-");
    for byte in key.bytes() {
        match byte {
            b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'.' => name.push(char::from(byte)),
            other => name.push_str(&format!("%{other:02x}")),
        }
        if name.len() > MAX_FILE_NAME_BYTES {
            return format!("h-{}", hex(digest::digest(&digest::SHA256, key.as_bytes()).as_ref()));
        }
    }
    name
}

/// Lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_aws_refuses() {
        for name in [
            "",
            "ab",
            "-ab",
            "ab-",
            "a..b",
            "Abc",
            "a_b",
            "1.2.3.4",
            "xn--a",
            "a-s3alias",
            "a/b",
            "..",
            "a\0b",
        ] {
            assert_eq!(BucketName::parse(name), None, "{name}");
        }
        assert_eq!(BucketName::parse(&"a".repeat(64)), None);
        for name in ["abc", "a.b-c", "1abc", &"a".repeat(63)] {
            assert!(BucketName::parse(name).is_some(), "{name}");
        }
    }

    #[test]
    fn tricky_keys_stay_in_one_file() {
        for (key, name) in [
            ("..", "k-.."),
            ("../../etc/passwd", "k-..%2f..%2fetc%2fpasswd"),
            ("A", "k-%41"),
            ("a", "k-a"),
            ("%41", "k-%2541"),
            ("a\0b", "k-a%00b"),
            ("é", "k-%c3%a9"),
        ] {
            assert_eq!(file_name(key), name);
        }
    }

    proptest! {
        #[test]
        fn file_names_are_confined_and_differ(a in ".{0,400}", b in ".{0,400}") {
            let (x, y) = (file_name(&a), file_name(&b));
            prop_assert!(x.len() <= 220 && !x.contains('/') && !x.contains('\0') && x.is_ascii());
            prop_assert_eq!(a == b, x.eq_ignore_ascii_case(&y));
        }
    }
}
