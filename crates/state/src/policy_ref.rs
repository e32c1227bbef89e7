//! Which managed policy an attachment means, whatever the partition of the request.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::arn::ArnParts;
use crate::entities::NameKey;
use crate::ids::{AccountId, Partition};

/// A managed policy, by what identifies it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum PolicyRef {
    /// An AWS managed policy: its path and name, such as `service-role/AWSLambdaRole`.
    Aws(Arc<str>),
    /// A policy of the same account, by name ignoring case.
    Customer(NameKey),
}

impl PolicyRef {
    /// What `arn` refers to when used in `account`; none when it is no policy ARN or is another
    /// account's. The path of a customer managed policy is for the caller to compare.
    pub fn from_arn(arn: &str, account: AccountId) -> Option<Self> {
        let parts = ArnParts::parse(arn)?;
        let policy = parts.resource.strip_prefix("policy/")?;
        if parts.service != "iam"
            || !parts.region.is_empty()
            || Partition::from_name(parts.partition).is_none()
        {
            return None;
        }
        if parts.account == "aws" {
            return Some(Self::Aws(policy.into()));
        }
        let name = policy.rsplit('/').next()?;
        (parts.account.parse().ok() == Some(account)).then(|| Self::Customer(NameKey::of(name)))
    }
}

impl fmt::Display for PolicyRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aws(name) => write!(f, "aws:{name}"),
            Self::Customer(key) => write!(f, "account:{}", key.as_str()),
        }
    }
}

impl Serialize for PolicyRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for PolicyRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        match text.split_once(':') {
            Some(("aws", name)) => Ok(Self::Aws(name.into())),
            Some(("account", name)) => Ok(Self::Customer(NameKey::of(name))),
            _ => Err(serde::de::Error::custom(format!("{text:?} names no managed policy"))),
        }
    }
}
