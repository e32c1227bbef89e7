//! Account ids, partitions and AWS's unique identifiers.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids>

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smol_str::SmolStr;

use crate::entropy::Entropy;

/// The base32 alphabet of RFC 4648, which AWS's identifiers use.
const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// An AWS account id: 12 decimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AccountId(u64);

/// Why a text is no account id.
#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an account id: it takes exactly 12 digits")]
pub struct InvalidAccountId(String);

impl AccountId {
    /// The largest account id, twelve nines.
    const MAX: u64 = 999_999_999_999;

    /// The account with this number, if it has at most twelve digits.
    pub fn from_number(number: u64) -> Option<Self> {
        (number <= Self::MAX).then_some(Self(number))
    }

    /// The id as a number, without leading zeroes.
    pub fn number(self) -> u64 {
        self.0
    }
}

impl std::str::FromStr for AccountId {
    type Err = InvalidAccountId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.len() == 12 && text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits { text.parse().ok() } else { None };
        number.map(Self).ok_or_else(|| InvalidAccountId(text.to_owned()))
    }
}

impl AccountId {
    /// The twelve digits, in ASCII: every ARN has them, so they are not left to `format!`.
    pub fn digits(self) -> [u8; 12] {
        let mut rest = self.0;
        let mut digits = [b'0'; 12];
        for digit in digits.iter_mut().rev() {
            *digit += u8::try_from(rest % 10).unwrap_or(0);
            rest /= 10;
        }
        digits
    }

    /// Appends the twelve digits.
    pub fn push_to(self, out: &mut String) {
        out.push_str(std::str::from_utf8(&self.digits()).unwrap_or_default());
    }
}

impl fmt::Display for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(std::str::from_utf8(&self.digits()).unwrap_or_default())
    }
}

impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for AccountId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for AccountId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'_, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// A partition of AWS: the second field of every ARN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Partition {
    /// The commercial regions.
    #[default]
    #[serde(rename = "aws")]
    Aws,
    /// The regions in China.
    #[serde(rename = "aws-cn")]
    AwsCn,
    /// GovCloud (US).
    #[serde(rename = "aws-us-gov")]
    AwsUsGov,
}

impl Partition {
    /// The partition that a region belongs to.
    pub fn of_region(region: &str) -> Self {
        if region.starts_with("cn-") {
            Self::AwsCn
        } else if region.starts_with("us-gov-") {
            Self::AwsUsGov
        } else {
            Self::Aws
        }
    }

    /// The partition as it stands in ARNs.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Aws => "aws",
            Self::AwsCn => "aws-cn",
            Self::AwsUsGov => "aws-us-gov",
        }
    }

    /// The partition named by an ARN's second field.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Aws, Self::AwsCn, Self::AwsUsGov].into_iter().find(|p| p.as_str() == name)
    }
}

impl fmt::Display for Partition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a unique id identifies, told by its first four letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// `AGPA`
    Group,
    /// `AIDA`
    User,
    /// `AIPA`
    InstanceProfile,
    /// `ANPA`
    ManagedPolicy,
    /// `AROA`
    Role,
    /// `APKA`
    PublicKey,
    /// `ASCA`
    Certificate,
    /// `ACCA`
    ServiceCredential,
    /// `AMFA`: of this program's own, AWS gives MFA devices none.
    MfaDevice,
    /// `AOIP`: of this program's own, AWS gives OpenID Connect providers none.
    OidcProvider,
    /// `ASAP`: of this program's own, AWS gives SAML providers UUIDs.
    SamlProvider,
}

impl IdKind {
    /// The four letters that start an id of this kind.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Group => "AGPA",
            Self::User => "AIDA",
            Self::InstanceProfile => "AIPA",
            Self::ManagedPolicy => "ANPA",
            Self::Role => "AROA",
            Self::PublicKey => "APKA",
            Self::Certificate => "ASCA",
            Self::ServiceCredential => "ACCA",
            Self::MfaDevice => "AMFA",
            Self::OidcProvider => "AOIP",
            Self::SamlProvider => "ASAP",
        }
    }
}

/// The unique id of an entity: 21 characters, never used again after the entity is deleted.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UniqueId(SmolStr);

impl UniqueId {
    /// A new id of `kind`: its prefix and 17 random base32 characters.
    pub fn generate(kind: IdKind, entropy: &dyn Entropy) -> Self {
        let mut text = String::with_capacity(21);
        text.push_str(kind.prefix());
        push_base32(&mut text, &entropy.bytes::<17>());
        Self(text.into())
    }

    /// An id as stored or as found in a policy.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// The 21 characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UniqueId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for UniqueId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

/// Appends one base32 character for each byte, from its low five bits.
fn push_base32(text: &mut String, bytes: &[u8]) {
    text.extend(bytes.iter().filter_map(|b| BASE32.get(usize::from(b & 31))).map(|&c| char::from(c)));
}

/// An access key id: `AKIA…` (long-term) or `ASIA…` (of a session), 20 characters, which carries
/// its account.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct AccessKeyId(SmolStr);

impl AccessKeyId {
    /// A new long-term key id for `account`.
    pub fn long_term(account: AccountId, entropy: &dyn Entropy) -> Self {
        Self::generate("AKIA", account, entropy)
    }

    /// A new session key id for `account`.
    pub fn temporary(account: AccountId, entropy: &dyn Entropy) -> Self {
        Self::generate("ASIA", account, entropy)
    }

    /// The id as given by whoever presents it; it may be any text.
    pub fn from_presented(text: &str) -> Self {
        Self(text.into())
    }

    /// The characters of the id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the id is of the kind that sessions carry.
    pub fn is_temporary(&self) -> bool {
        self.0.starts_with("ASIA")
    }

    // The account sits in bits 7 to 46 of the 80 bits behind the prefix (as in AWS's keys since
    // 2019); the low bit of the first five-bit group stays free, so the first character is 'Q' or
    // later, which tells new keys from older ones.
    fn generate(prefix: &str, account: AccountId, entropy: &dyn Entropy) -> Self {
        let random = entropy.bytes::<10>();
        let head =
            (1u64 << 47) | (account.number() << 7) | u64::from(random.first().copied().unwrap_or(0) & 0x7f);
        let mut text = String::with_capacity(20);
        text.push_str(prefix);
        // 48 bits of head make the first nine characters and the top three bits of the tenth.
        let mut bits = u128::from(head) << 32;
        bits |= random.iter().skip(1).take(4).fold(0u128, |acc, b| (acc << 8) | u128::from(*b));
        let groups: Vec<u8> = (0..16).rev().map(|i| ((bits >> (i * 5)) & 31) as u8).collect();
        push_base32(&mut text, &groups);
        Self(text.into())
    }

    /// The account that the id carries, as `sts:GetAccessKeyInfo` tells it; none for texts that
    /// are no access key ids of today's form.
    pub fn account(&self) -> Option<AccountId> {
        let body = self.0.get(4..)?;
        if body.len() != 16 {
            return None;
        }
        let mut bits: u128 = 0;
        for byte in body.bytes() {
            let value = BASE32.iter().position(|c| *c == byte)?;
            bits = (bits << 5) | value as u128;
        }
        let head = (bits >> 32) as u64;
        if head >> 47 != 1 {
            return None;
        }
        AccountId::from_number((head & 0x7fff_ffff_ff80) >> 7)
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::borrow::Borrow<str> for AccessKeyId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entropy::SystemEntropy;

    #[test]
    fn an_access_key_id_carries_its_account() {
        for number in [0, 1, 123_456_789_012, 999_999_999_999] {
            let account = AccountId::from_number(number).unwrap();
            let key = AccessKeyId::long_term(account, &SystemEntropy);
            assert_eq!(key.as_str().len(), 20);
            assert_eq!(key.account(), Some(account));
        }
    }

    #[test]
    fn a_published_example_decodes() {
        // From the public write-ups of the format: ASIAQNZGKIQY56JQ7WML belongs to 029608264753.
        let key = AccessKeyId::from_presented("ASIAQNZGKIQY56JQ7WML");
        assert_eq!(key.account().map(|a| a.to_string()).as_deref(), Some("029608264753"));
    }

    #[test]
    fn unique_ids_have_their_form() {
        let id = UniqueId::generate(IdKind::Role, &SystemEntropy);
        assert!(id.as_str().starts_with("AROA") && id.as_str().len() == 21);
    }
}
