//! Amazon Resource Names: `arn:partition:service:region:account-id:resource`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html>

/// The fields of an ARN, borrowed from its text. Nothing beyond the shape is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arn<'a> {
    /// `aws`, `aws-cn`, `aws-us-gov`, …
    pub partition: &'a str,
    /// The service's namespace, such as `iam`.
    pub service: &'a str,
    /// The region; empty where the service has none.
    pub region: &'a str,
    /// The account id; empty where the resource has none.
    pub account_id: &'a str,
    /// The rest, colons and slashes included.
    pub resource: &'a str,
}

impl<'a> Arn<'a> {
    /// Splits an ARN; `None` when there are fewer than six fields or it doesn't start with `arn:`.
    #[must_use]
    pub fn parse(text: &'a str) -> Option<Self> {
        let [arn, partition, service, region, account_id, resource] = split_fields(text)?;
        (arn == "arn").then_some(Self { partition, service, region, account_id, resource })
    }
}

/// Splits text at its first five colons; `None` when it has fewer.
pub(crate) fn split_fields(text: &str) -> Option<[&str; 6]> {
    let mut fields = [""; 6];
    let mut rest = text;
    let (last, others) = fields.split_last_mut()?;
    for field in others {
        // Fields are short: a plain loop beats a searcher's set-up.
        let colon = rest.bytes().position(|byte| byte == b':')?;
        (*field, rest) = (rest.get(..colon)?, rest.get(colon + 1..)?);
    }
    *last = rest;
    Some(fields)
}

/// Whether the text is an account id: twelve digits.
#[must_use]
pub fn is_account_id(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_resource_keeps_its_colons() {
        let arn = Arn::parse("arn:aws:lambda:us-east-1:123456789012:function:f:1").expect("an ARN");
        assert_eq!((arn.service, arn.region, arn.resource), ("lambda", "us-east-1", "function:f:1"));
    }

    #[test]
    fn five_fields_are_too_few() {
        assert!(Arn::parse("arn:aws:s3:::").is_some_and(|arn| arn.resource.is_empty()));
        assert!(Arn::parse("arn:aws:s3::").is_none());
        assert!(Arn::parse("urn:aws:s3:::b").is_none());
    }
}
