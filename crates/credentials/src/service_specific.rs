//! Service-specific credentials: user names and passwords, or API keys that may expire, for services
//! that clients reach without signatures.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::{Random, base32, random_bytes};

/// How many credentials for one service a user may have.
pub const PER_SERVICE: usize = 2;

const SECONDS_PER_DAY: i64 = 86_400;

/// A service that has credentials of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// `codecommit.amazonaws.com`: user name and password.
    CodeCommit,
    /// `cassandra.amazonaws.com` (Keyspaces): user name and password.
    Cassandra,
    /// `bedrock.amazonaws.com`: an API key.
    Bedrock,
    /// `logs.amazonaws.com` (CloudWatch Logs): an API key.
    CloudWatchLogs,
}

impl Service {
    /// The service by its principal name, or `None` (`NotSupportedService`).
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "codecommit.amazonaws.com" => Some(Self::CodeCommit),
            "cassandra.amazonaws.com" => Some(Self::Cassandra),
            "bedrock.amazonaws.com" => Some(Self::Bedrock),
            "logs.amazonaws.com" => Some(Self::CloudWatchLogs),
            _ => None,
        }
    }

    /// Its principal name.
    pub fn name(self) -> &'static str {
        match self {
            Self::CodeCommit => "codecommit.amazonaws.com",
            Self::Cassandra => "cassandra.amazonaws.com",
            Self::Bedrock => "bedrock.amazonaws.com",
            Self::CloudWatchLogs => "logs.amazonaws.com",
        }
    }

    /// Whether it takes API keys, which may expire, instead of user names and passwords.
    pub fn takes_api_keys(self) -> bool {
        matches!(self, Self::Bedrock | Self::CloudWatchLogs)
    }
}

/// The names of a credential: what may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Names {
    /// A user name (`ServiceUserName`).
    UserName(String),
    /// The public part of an API key (`ServiceCredentialAlias`).
    Alias(String),
}

/// A new credential; the secret is shown once.
pub struct NewCredential {
    /// Its unique id (`ACCA…`).
    pub id: String,
    /// Its name or alias.
    pub names: Names,
    /// The password (`ServicePassword`) or the API key (`ServiceCredentialSecret`).
    pub secret: Zeroizing<String>,
    /// When it expires, in seconds since 1970, where it does.
    pub expiration: Option<i64>,
}

/// Makes a credential for `user` of `account`. `others` is the names of those that the user has for any
/// service; `age_days` (1 to 36,600) counts for API keys only.
pub fn create(
    service: Service,
    user: &str,
    account: &str,
    others: &[&str],
    age_days: Option<u32>,
    now: i64,
    random: Random<'_>,
) -> NewCredential {
    let name = free_name(user, account, others);
    let secret = secret(service, &name, random);
    let expiration = age_days.filter(|_| service.takes_api_keys());
    NewCredential {
        id: format!("ACCA{}", base32::random_letters(17, random)),
        names: if service.takes_api_keys() { Names::Alias(name) } else { Names::UserName(name) },
        secret,
        expiration: expiration.map(|days| now.saturating_add(i64::from(days) * SECONDS_PER_DAY)),
    }
}

/// A new secret for the credential `name`: ResetServiceSpecificCredential.
pub fn secret(service: Service, name: &str, random: Random<'_>) -> Zeroizing<String> {
    let password = Zeroizing::new(STANDARD.encode(*Zeroizing::new(random_bytes::<33>(random))));
    // FIDELITY: the form of a CloudWatch Logs key is assumed to be Bedrock's.
    if service.takes_api_keys() {
        let body = Zeroizing::new(format!("{name}:{}", password.as_str()));
        Zeroizing::new(format!("ABSK{}", STANDARD.encode(body.as_bytes())))
    } else {
        password
    }
}

/// `jane-at-123456789012`, then `jane+1-at-123456789012` and so on.
fn free_name(user: &str, account: &str, others: &[&str]) -> String {
    let numbered = (1..).map(|number| format!("{user}+{number}-at-{account}"));
    let mut names = std::iter::once(format!("{user}-at-{account}")).chain(numbered);
    // As many candidates as there are others, and one more, include a free one.
    names.find(|name| !others.contains(&name.as_str())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_000_000;

    fn credential(service: Service, others: &[&str], age_days: Option<u32>) -> NewCredential {
        create(service, "jane", "123456789012", others, age_days, NOW, &|bytes| bytes.fill(9))
    }

    #[test]
    fn names_are_numbered_from_the_second_on() {
        let first = credential(Service::CodeCommit, &[], None);
        assert_eq!(first.names, Names::UserName("jane-at-123456789012".to_owned()));
        let second = credential(Service::CodeCommit, &["jane-at-123456789012"], None);
        assert_eq!(second.names, Names::UserName("jane+1-at-123456789012".to_owned()));
        let again = credential(Service::Cassandra, &["jane+1-at-123456789012"], None);
        assert_eq!(again.names, Names::UserName("jane-at-123456789012".to_owned()));
    }

    #[test]
    fn passwords_are_44_characters_and_never_expire() {
        let made = credential(Service::CodeCommit, &[], Some(30));
        assert_eq!(made.secret.len(), 44);
        assert_eq!(made.expiration, None);
        assert!(made.id.starts_with("ACCA") && made.id.len() == 21);
    }

    #[test]
    fn api_keys_name_themselves_and_expire() {
        let made = credential(Service::Bedrock, &[], Some(30));
        assert_eq!(made.names, Names::Alias("jane-at-123456789012".to_owned()));
        assert_eq!(made.expiration, Some(NOW + 30 * 86_400));
        let body = STANDARD.decode(made.secret.strip_prefix("ABSK").unwrap()).unwrap();
        assert!(body.starts_with(b"jane-at-123456789012:"));
        assert_eq!(credential(Service::Bedrock, &[], None).expiration, None);
    }

    #[test]
    fn only_services_that_have_them_are_known() {
        for service in [Service::CodeCommit, Service::Cassandra, Service::Bedrock, Service::CloudWatchLogs] {
            assert_eq!(Service::parse(service.name()), Some(service));
        }
        assert_eq!(Service::parse("s3.amazonaws.com"), None);
    }
}
