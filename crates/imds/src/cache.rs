//! The credentials an instance has now: every program on it gets the same, until they are renewed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::Mutex as AsyncMutex;
use zeroize::Zeroizing;

use crate::credentials::{
    CredentialFailure, CredentialRequest, CredentialSource, RoleCredentials, RoleDelivery,
};
use crate::facts::{InstanceFacts, InstanceProfile};

/// Keeps credentials by instance, profile and delivery.
pub(crate) struct Cache {
    source: Arc<dyn CredentialSource>,
    renew_before: Duration,
    kept: Mutex<HashMap<String, Vec<Slot>>>,
}

/// Credentials, and when they were made.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) credentials: RoleCredentials,
    pub(crate) at: SystemTime,
    document: OnceLock<Document>,
}

/// As it is sent; wiped when the last that holds it is done.
struct Document(Bytes);

impl std::fmt::Debug for Document {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Document")
    }
}

impl Issued {
    fn new(credentials: RoleCredentials, at: SystemTime) -> Self {
        Self { credentials, at, document: OnceLock::new() }
    }

    /// What is sent of these credentials, written once.
    pub(crate) fn document(&self, write: impl FnOnce(&Self) -> String) -> Bytes {
        let document = || Document(Bytes::from_owner(Zeroizing::new(write(self).into_bytes())));
        self.document.get_or_init(document).0.clone()
    }
}

struct Slot {
    profile: InstanceProfile,
    delivery: RoleDelivery,
    place: Arc<Place>,
}

#[derive(Default)]
struct Place {
    /// Read by every request, and held by none while it waits for anything.
    issued: Mutex<Option<Arc<Issued>>>,
    /// Held while credentials are being made, so that they are made once.
    making: AsyncMutex<()>,
}

impl Place {
    fn issued(&self) -> Option<Arc<Issued>> {
        self.issued.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn put(&self, issued: Option<Arc<Issued>>) {
        *self.issued.lock().unwrap_or_else(PoisonError::into_inner) = issued;
    }
}

impl Cache {
    pub(crate) fn new(source: Arc<dyn CredentialSource>, renew_before: Duration) -> Self {
        Self { source, renew_before, kept: Mutex::default() }
    }

    fn kept(&self) -> MutexGuard<'_, HashMap<String, Vec<Slot>>> {
        // The map is consistent between any two statements that hold it.
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets an instance that is gone.
    pub(crate) fn forget(&self, instance_id: &str) {
        self.kept().remove(instance_id);
    }

    /// The place for these credentials. Those of a profile that was replaced are dropped.
    fn place(&self, facts: &InstanceFacts, profile: &InstanceProfile, delivery: RoleDelivery) -> Arc<Place> {
        let mut kept = self.kept();
        let slots = kept.entry(facts.instance_id.clone()).or_default();
        slots.retain(|slot| slot.profile == *profile);
        if let Some(slot) = slots.iter().find(|slot| slot.delivery == delivery) {
            return slot.place.clone();
        }
        let slot = Slot { profile: profile.clone(), delivery, place: Arc::default() };
        let place = slot.place.clone();
        slots.push(slot);
        place
    }

    /// The credentials of the profile's role, made anew when they are due.
    pub(crate) async fn credentials(
        &self,
        facts: &InstanceFacts,
        role_name: &str,
        delivery: RoleDelivery,
        now: SystemTime,
    ) -> Result<Arc<Issued>, CredentialFailure> {
        let profile = facts.profile.as_ref().ok_or(CredentialFailure::NoSuchRole)?;
        let place = self.place(facts, profile, delivery);
        let current = || place.issued().filter(|current| !self.is_due(current, now));
        if let Some(current) = current() {
            return Ok(current);
        }
        let _making = place.making.lock().await;
        // Someone else may have made them meanwhile.
        if let Some(current) = current() {
            return Ok(current);
        }
        match self.source.credentials(CredentialRequest { instance: facts, role_name, delivery }).await {
            Ok(credentials) => {
                let issued = Arc::new(Issued::new(credentials, now));
                place.put(Some(issued.clone()));
                Ok(issued)
            }
            Err(CredentialFailure::Internal(cause)) => {
                // What is kept may still be good for a while, in which the fault may pass.
                let current = place.issued().filter(|current| current.credentials.expiration > now);
                if current.is_some() {
                    tracing::warn!(instance = facts.instance_id, cause, "credentials were not renewed");
                }
                current.ok_or(CredentialFailure::Internal(cause))
            }
            Err(refusal @ (CredentialFailure::NoSuchRole | CredentialFailure::Unauthorized)) => {
                place.put(None);
                Err(refusal)
            }
        }
    }

    /// Whether it is time to renew. Short-lived credentials are renewed at half their life.
    fn is_due(&self, issued: &Issued, now: SystemTime) -> bool {
        let expiration = issued.credentials.expiration;
        let life = expiration.duration_since(issued.at).unwrap_or_default();
        let left = expiration.duration_since(now).unwrap_or_default();
        left <= self.renew_before.min(life / 2)
    }
}
