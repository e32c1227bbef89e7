//! Passwords at rest: Argon2id (RFC 9106), in the usual `$argon2id$…` form.

use std::fmt;

use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};

use crate::{Random, random_bytes};

/// How much work a hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cost {
    /// For real passwords: 19 MiB, two passes, one lane.
    Standard,
    /// For tests that make many users: as little as the algorithm allows. Never for real passwords.
    Light,
}

impl Cost {
    fn params(self) -> Params {
        let (memory_kib, passes) = match self {
            Self::Standard => (19_456, 2),
            Self::Light => (Params::MIN_M_COST, 1),
        };
        Params::new(memory_kib, passes, 1, None).unwrap_or_default()
    }
}

/// A password's hash with its salt and cost.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PasswordHash(String);

/// The hash could not be computed: memory ran out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the password could not be hashed")]
pub struct HashFailed;

impl PasswordHash {
    /// Hashes `password` under a salt of its own.
    ///
    /// # Errors
    /// [`HashFailed`] where the memory that the cost asks for is not to be had.
    pub fn new(password: &str, cost: Cost, random: Random<'_>) -> Result<Self, HashFailed> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params());
        let salt = random_bytes::<16>(random);
        let hash = argon2.hash_password_with_salt(password.as_bytes(), &salt).map_err(|_| HashFailed)?;
        Ok(Self(hash.to_string()))
    }

    /// The hash as it was stored, in PHC form.
    pub fn from_stored(phc: &str) -> Self {
        Self(phc.to_owned())
    }

    /// The hash to store, in PHC form.
    pub fn as_stored(&self) -> &str {
        &self.0
    }

    /// Whether `password` is the one. Costs what the hash cost, and about 10 to 50 ms for
    /// [`Cost::Standard`]: callers on an async thread hand it to a blocking one.
    pub fn verify(&self, password: &str) -> bool {
        Argon2::default().verify_password(password.as_bytes(), self.0.as_str()).is_ok()
    }

    /// Spends the time of a verification and fails: for a user who is not there or has no password,
    /// so that timing does not tell who exists.
    pub fn verify_nobody(password: &str, cost: Cost) -> bool {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, cost.params());
        let mut out = [0; 32];
        let _ = argon2.hash_password_into(password.as_bytes(), &[0; 16], &mut out);
        false
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_verifies_against_its_own_hash_only() {
        let hash = PasswordHash::new("correct horse", Cost::Light, &|bytes| bytes.fill(1)).unwrap();
        assert!(hash.verify("correct horse"));
        assert!(!hash.verify("correct Horse"));
        assert!(!hash.verify(""));
        let salted = PasswordHash::new("correct horse", Cost::Light, &|bytes| bytes.fill(2)).unwrap();
        assert_ne!(hash, salted);
    }

    #[test]
    fn the_standard_cost_is_in_the_hash() {
        let hash = PasswordHash::new("pass", Cost::Standard, &|bytes| bytes.fill(1)).unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert!(hash.verify("pass"));
    }

    /// Made by the reference implementation: `echo -n password | argon2 somesalt -id -t 2 -k 65536 -p 1`
    /// (its own test suite has this vector).
    #[test]
    fn verifies_a_hash_of_the_reference_implementation() {
        let hash = PasswordHash(
            "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
                .to_owned(),
        );
        assert!(hash.verify("password"));
        assert!(!hash.verify("passwore"));
    }

    #[test]
    fn hashes_stay_out_of_logs_and_nonsense_never_verifies() {
        let hash = PasswordHash("$argon2id$nonsense".to_owned());
        assert_eq!(format!("{hash:?}"), "PasswordHash(…)");
        assert!(!hash.verify("nonsense"));
        assert!(!PasswordHash::verify_nobody("anything", Cost::Light));
    }
}
