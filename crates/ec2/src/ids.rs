//! EC2's ids: a prefix and 17 hexadecimal digits.

use ring::digest;
use rolecall_state::{AccountId, Entropy, hex};

use crate::error::Ec2Error;

const DIGITS: usize = 17;

fn digits(bytes: &[u8]) -> String {
    let mut text = hex(bytes);
    text.truncate(DIGITS);
    text
}

/// A new id.
pub(crate) fn new(prefix: &str, entropy: &dyn Entropy) -> String {
    format!("{prefix}-{}", digits(&entropy.bytes::<9>()))
}

/// The id of something that every account has from the beginning: always the same.
pub(crate) fn fixed(prefix: &str, account: AccountId, region: &str) -> String {
    let text = format!("{prefix}/{account}/{region}");
    format!("{prefix}-{}", digits(digest::digest(&digest::SHA256, text.as_bytes()).as_ref()))
}

/// The id of what belongs to an instance alone: its digits are the instance's.
pub(crate) fn of_instance(prefix: &str, instance_id: &str) -> String {
    format!("{prefix}-{}", instance_id.strip_prefix("i-").unwrap_or(instance_id))
}

/// Refuses what can't be the id of an instance.
pub(crate) fn check_instance_id(id: &str) -> Result<(), Ec2Error> {
    let digits = id.strip_prefix("i-").unwrap_or_default();
    let good =
        matches!(digits.len(), 8 | DIGITS) && digits.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    match good {
        true => Ok(()),
        false => Err(Ec2Error::client("InvalidInstanceID.Malformed", format!("Invalid id: \"{id}\""))),
    }
}
