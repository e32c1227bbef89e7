//! Which bucket and key a request addresses: virtual-hosted (`b.s3.localhost/k`) or by path (`/b/k`).
//! See <https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html>.

use crate::fault::Fault;
use crate::names::{BucketName, MAX_KEY_BYTES};

/// The host names under which S3 is reached; all share one port.
#[derive(Clone, Debug)]
pub struct Endpoint {
    domains: Vec<String>,
    /// The region of buckets created without a location.
    pub region: String,
}

/// What a request is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// The account: `GET /`.
    Service,
    /// A bucket.
    Bucket(BucketName),
    /// An object.
    Object(BucketName, String),
}

impl Target {
    /// The bucket, if the request is about one.
    pub fn bucket(&self) -> Option<&BucketName> {
        match self {
            Self::Service => None,
            Self::Bucket(bucket) | Self::Object(bucket, _) => Some(bucket),
        }
    }

    /// The key, if the request is about an object.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Service | Self::Bucket(_) => None,
            Self::Object(_, key) => Some(key),
        }
    }
}

impl Endpoint {
    /// `domains` come on top of `s3.localhost`, `localhost` and Amazon's own.
    pub fn new(domains: impl IntoIterator<Item = String>, region: &str) -> Self {
        let own = ["s3.localhost", "localhost"].map(str::to_owned);
        let lower = domains.into_iter().map(|domain| domain.to_ascii_lowercase());
        let mut domains: Vec<String> = own.into_iter().chain(lower).collect();
        // The longest that fits wins.
        domains.sort_by_key(|domain| std::cmp::Reverse(domain.len()));
        Self { domains, region: region.to_owned() }
    }

    /// The bucket that a `Host` header names; the port does not count.
    pub fn bucket_of_host(&self, host: &str) -> Option<String> {
        let host = host.trim_end_matches(|c: char| c.is_ascii_digit());
        let host = host.strip_suffix(':').unwrap_or(host).trim_end_matches('.').to_ascii_lowercase();
        for domain in &self.domains {
            if host == *domain {
                return None;
            }
            if let Some(bucket) = host.strip_suffix(domain.as_str()).and_then(|rest| rest.strip_suffix('.')) {
                let service = domain == "localhost" && SERVICE_LABELS.contains(&bucket);
                return (!service).then(|| bucket.to_owned());
            }
        }
        amazon_bucket(&host)
    }

    /// Reads host and raw path.
    ///
    /// # Errors
    /// For a malformed path, an impossible bucket name, or a key that is too long.
    pub fn target(&self, host: Option<&str>, path: &str) -> Result<Target, Fault> {
        let bad_uri = || {
            Fault::new("InvalidURI", http::StatusCode::BAD_REQUEST, "Couldn't parse the specified URI.")
                .with("URI", path)
        };
        let path = rolecall_sigv4::decode_path(path).ok_or_else(bad_uri)?;
        let path = path.strip_prefix('/').ok_or_else(bad_uri)?;
        let (bucket, key) = match host.and_then(|host| self.bucket_of_host(host)) {
            Some(bucket) => (bucket, path),
            None => match path.split_once('/') {
                _ if path.is_empty() => return Ok(Target::Service),
                Some((bucket, key)) => (bucket.to_owned(), key),
                None => (path.to_owned(), ""),
            },
        };
        let name = BucketName::parse(&bucket).ok_or_else(|| invalid_bucket_name(&bucket))?;
        if key.len() > MAX_KEY_BYTES {
            return Err(Fault::new("KeyTooLongError", http::StatusCode::BAD_REQUEST, "Your key is too long")
                .with("Size", key.len().to_string())
                .with("MaxSizeAllowed", MAX_KEY_BYTES.to_string()));
        }
        Ok(if key.is_empty() { Target::Bucket(name) } else { Target::Object(name, key.to_owned()) })
    }
}

pub(crate) fn invalid_bucket_name(bucket: &str) -> Fault {
    Fault::new("InvalidBucketName", http::StatusCode::BAD_REQUEST, "The specified bucket is not valid.")
        .with("BucketName", bucket)
}

/// First labels under `localhost` that are services of ours and never buckets.
const SERVICE_LABELS: [&str; 8] =
    ["s3", "iam", "sts", "ec2", "organizations", "access-analyzer", "sso", "console"];

/// `b.s3.amazonaws.com`, `b.s3.eu-west-1.amazonaws.com`, `b.s3.dualstack.…`, `b.s3-eu-west-1.…`.
fn amazon_bucket(host: &str) -> Option<String> {
    let rest = host.strip_suffix(".amazonaws.com").or_else(|| host.strip_suffix(".amazonaws.com.cn"))?;
    let labels: Vec<&str> = rest.split('.').collect();
    let at = match *labels.as_slice() {
        [.., "s3"] => labels.len().checked_sub(1)?,
        [.., last] if last.starts_with("s3-") => labels.len().checked_sub(1)?,
        [.., "s3", "dualstack", _] => labels.len().checked_sub(3)?,
        [.., "s3", _] => labels.len().checked_sub(2)?,
        _ => return None,
    };
    let bucket = labels.get(..at)?.join(".");
    (!bucket.is_empty()).then_some(bucket)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint() -> Endpoint {
        Endpoint::new(["s3.example.test".to_owned()], "us-east-1")
    }

    #[test]
    fn hosts_name_buckets() {
        for (host, bucket) in [
            ("127.0.0.1:4566", None),
            ("localhost:4566", None),
            ("s3.localhost:4566", None),
            ("sts.localhost", None),
            ("b.s3.localhost:4566", Some("b")),
            ("my.bucket.s3.localhost", Some("my.bucket")),
            ("b.localhost:4566", Some("b")),
            ("s3.amazonaws.com", None),
            ("b.s3.amazonaws.com", Some("b")),
            ("b.s3.us-east-1.amazonaws.com", Some("b")),
            ("s3.us-east-1.amazonaws.com", None),
            ("b.c.s3.dualstack.eu-west-1.amazonaws.com", Some("b.c")),
            ("b.s3-eu-west-1.amazonaws.com", Some("b")),
            ("s3-eu-west-1.amazonaws.com", None),
            ("sts.amazonaws.com", None),
            ("B.S3.Example.Test:80", Some("b")),
            ("[::1]:4566", None),
        ] {
            assert_eq!(endpoint().bucket_of_host(host).as_deref(), bucket, "{host}");
        }
    }

    #[test]
    fn paths_name_buckets_and_keys() {
        let target = |host, path| endpoint().target(Some(host), path).unwrap();
        let bucket = |name| BucketName::parse(name).unwrap();
        assert_eq!(target("127.0.0.1", "/"), Target::Service);
        assert_eq!(target("127.0.0.1", "/abc"), Target::Bucket(bucket("abc")));
        assert_eq!(target("127.0.0.1", "/abc/"), Target::Bucket(bucket("abc")));
        assert_eq!(target("127.0.0.1", "/abc/d/../e%2Ff"), Target::Object(bucket("abc"), "d/../e/f".into()));
        assert_eq!(target("127.0.0.1", "/abc//d"), Target::Object(bucket("abc"), "/d".into()));
        assert_eq!(target("abc.s3.localhost", "/"), Target::Bucket(bucket("abc")));
        assert_eq!(target("abc.s3.localhost", "/abc/d"), Target::Object(bucket("abc"), "abc/d".into()));
    }

    #[test]
    fn bad_addresses_are_refused() {
        let code = |path: &str| endpoint().target(None, path).unwrap_err().code;
        assert_eq!(code("/%zz"), "InvalidURI");
        assert_eq!(code("/abc/%ff"), "InvalidURI");
        assert_eq!(code("/.."), "InvalidBucketName");
        assert_eq!(code("/A/b"), "InvalidBucketName");
        assert_eq!(code("//abc"), "InvalidBucketName");
        assert_eq!(code(&format!("/abc/{}", "k".repeat(1_025))), "KeyTooLongError");
    }
}
