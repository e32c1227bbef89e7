//! The credential scope: the date, region and service for which a signing key holds.

use std::fmt;
use std::sync::Arc;

/// The terminator that ends each credential scope.
pub(crate) const TERMINATOR: &str = "aws4_request";

/// What follows the access key id in `Credential`: `20150830/us-east-1/iam/aws4_request`. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Scope {
    /// `YYYYMMDD`, as presented.
    pub date: Arc<str>,
    /// For instance `us-east-1`.
    pub region: Arc<str>,
    /// The signing name of the service, for instance `sts`.
    pub service: Arc<str>,
}

impl Scope {
    /// A scope of these three parts.
    pub fn new(date: &str, region: &str, service: &str) -> Self {
        Self { date: date.into(), region: region.into(), service: service.into() }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}/{TERMINATOR}", self.date, self.region, self.service)
    }
}
