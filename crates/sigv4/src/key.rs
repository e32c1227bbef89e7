//! Secret access keys and the signing keys derived from them.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use ring::hmac;
use zeroize::Zeroizing;

use crate::scope::{Scope, TERMINATOR};
use crate::signature::Signature;

/// How many scopes a secret keeps derived keys for: a few regions and services of one day.
const CACHED_SCOPES: usize = 8;

/// A secret access key with the signing keys lately derived from it.
///
/// The cache lives beside the secret, so there is nothing shared to lock and nothing to look up by
/// key id: a reader loads one pointer and compares a few scopes. Two threads that miss at once both
/// derive; one of the results is kept.
pub struct SecretKey {
    secret: Zeroizing<Box<[u8]>>,
    derived: ArcSwapOption<Vec<Arc<Derived>>>,
}

struct Derived {
    scope: Scope,
    key: SigningKey,
}

/// A key derived for one scope. Cheap to clone; the bytes are wiped when the last clone goes.
#[derive(Clone)]
pub struct SigningKey(Arc<Zeroizing<[u8; 32]>>);

impl SecretKey {
    /// Takes a secret access key.
    pub fn new(secret: &str) -> Self {
        Self { secret: Zeroizing::new(secret.as_bytes().into()), derived: ArcSwapOption::empty() }
    }

    /// The signing key for `scope`, derived at most once while the scope stays in use.
    pub fn signing_key(&self, scope: &Scope) -> SigningKey {
        let cached = self.derived.load();
        let known = cached.as_ref().and_then(|all| all.iter().find(|derived| derived.scope == *scope));
        match known {
            Some(derived) => derived.key.clone(),
            None => self.derive_and_keep(scope),
        }
    }

    fn derive_and_keep(&self, scope: &Scope) -> SigningKey {
        let key = SigningKey::derive(&self.secret, scope);
        let newest = Arc::new(Derived { scope: scope.clone(), key: key.clone() });
        self.derived.rcu(|old| {
            let kept = old.iter().flat_map(|all| all.iter()).filter(|derived| derived.scope != *scope);
            let all = std::iter::once(&newest).chain(kept).take(CACHED_SCOPES).cloned().collect();
            Some(Arc::new(all))
        });
        key
    }
}

impl Clone for SecretKey {
    fn clone(&self) -> Self {
        Self { secret: self.secret.clone(), derived: ArcSwapOption::new(self.derived.load_full()) }
    }
}

impl SigningKey {
    fn derive(secret: &[u8], scope: &Scope) -> Self {
        let mut seed = Zeroizing::new(Vec::with_capacity(4 + secret.len()));
        seed.extend_from_slice(b"AWS4");
        seed.extend_from_slice(secret);
        let mut key = mac(&seed, scope.date.as_bytes());
        for part in [&*scope.region, &*scope.service, TERMINATOR] {
            key = mac(&*key, part.as_bytes());
        }
        Self(Arc::new(key))
    }

    /// Signs a string to sign.
    pub(crate) fn sign(&self, text: &[u8]) -> Option<Signature> {
        // The derived bytes are kept rather than `hmac::Key`, which cannot be wiped.
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.as_slice());
        Signature::from_tag(&hmac::sign(&key, text))
    }
}

fn mac(key: &[u8], text: &[u8]) -> Zeroizing<[u8; 32]> {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text);
    let mut out = Zeroizing::new([0_u8; 32]);
    out.copy_from_slice(tag.as_ref());
    out
}

impl std::fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SigningKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::hex;

    /// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html>
    #[test]
    fn derives_the_key_of_the_documentation() {
        let secret = SecretKey::new("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        let key = secret.signing_key(&Scope::new("20120215", "us-east-1", "iam"));
        assert_eq!(hex(key.0.as_slice()), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }

    #[test]
    fn the_cache_is_bounded_and_right() {
        let secret = SecretKey::new("secret");
        for day in 0..100 {
            let scope = Scope::new(&format!("{day:08}"), "us-east-1", "sts");
            let first = secret.signing_key(&scope);
            let again = secret.signing_key(&scope);
            assert!(Arc::ptr_eq(&first.0, &again.0));
            assert_eq!(first.0, SigningKey::derive(b"secret", &scope).0);
        }
        assert_eq!(secret.derived.load().as_ref().unwrap().len(), CACHED_SCOPES);
    }

    #[test]
    fn secrets_do_not_print() {
        let secret = SecretKey::new("hunter2");
        let scope = Scope::new("20150830", "us-east-1", "sts");
        assert_eq!(format!("{secret:?} {:?}", secret.signing_key(&scope)), "SecretKey(…) SigningKey(…)");
    }
}
