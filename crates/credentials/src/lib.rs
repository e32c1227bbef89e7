//! What proves who a user is beside access keys: TOTP devices, passwords, certificates, SSH keys,
//! EC2 key pairs and service-specific credentials.
//!
//! Everything here is a function of its arguments: randomness comes as [`Random`], time as seconds
//! since 1970. Each error's [`Display`](std::fmt::Display) is the message for the caller.

pub mod base32;
pub mod certificate;
pub mod fingerprint;
pub mod key_pair;
pub mod password;
pub mod password_policy;
mod pem;
mod png;
pub mod private_key;
pub mod provisioning;
pub mod service_specific;
pub mod ssh;
pub mod token_signing;
pub mod totp;

/// Fills a buffer with random bytes that are fit for keys.
pub type Random<'a> = &'a dyn Fn(&mut [u8]);

fn random_bytes<const N: usize>(random: Random<'_>) -> [u8; N] {
    let mut bytes = [0; N];
    random(&mut bytes);
    bytes
}
