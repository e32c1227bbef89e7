//! The managed policies that a principal or a group holds.

use serde::{Deserialize, Deserializer, Serialize};

use crate::policy_ref::PolicyRef;

/// The managed policies attached to a user, group or role: a set, in order. There are a handful at
/// most, and a million who hold some, so it takes no more room than they do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct AttachedPolicies(Box<[PolicyRef]>);

impl AttachedPolicies {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// The policies, in order.
    pub fn iter(&self) -> std::slice::Iter<'_, PolicyRef> {
        self.0.iter()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `policy` is among them.
    pub fn contains(&self, policy: &PolicyRef) -> bool {
        self.0.binary_search(policy).is_ok()
    }

    /// Adds a policy; whether it was not there.
    pub fn insert(&mut self, policy: PolicyRef) -> bool {
        let Err(at) = self.0.binary_search(&policy) else { return false };
        let mut all = std::mem::take(&mut self.0).into_vec();
        all.insert(at, policy);
        self.0 = all.into();
        true
    }

    /// Removes a policy; whether it was there.
    pub fn remove(&mut self, policy: &PolicyRef) -> bool {
        let Ok(at) = self.0.binary_search(policy) else { return false };
        let mut all = std::mem::take(&mut self.0).into_vec();
        all.remove(at);
        self.0 = all.into();
        true
    }
}

impl Extend<PolicyRef> for AttachedPolicies {
    fn extend<I: IntoIterator<Item = PolicyRef>>(&mut self, more: I) {
        let mut all = std::mem::take(&mut self.0).into_vec();
        all.extend(more);
        *self = all.into_iter().collect();
    }
}

impl FromIterator<PolicyRef> for AttachedPolicies {
    fn from_iter<I: IntoIterator<Item = PolicyRef>>(policies: I) -> Self {
        let mut all: Vec<_> = policies.into_iter().collect();
        all.sort_unstable();
        all.dedup();
        Self(all.into())
    }
}

impl<const N: usize> From<[PolicyRef; N]> for AttachedPolicies {
    fn from(policies: [PolicyRef; N]) -> Self {
        policies.into_iter().collect()
    }
}

impl<'a> IntoIterator for &'a AttachedPolicies {
    type Item = &'a PolicyRef;
    type IntoIter = std::slice::Iter<'a, PolicyRef>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<'de> Deserialize<'de> for AttachedPolicies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Vec::deserialize(deserializer)?.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::entities::NameKey;

    proptest! {
        #[test]
        fn it_behaves_as_a_set(steps in prop::collection::vec((any::<bool>(), 0_u8..6), 0..40)) {
            let (mut model, mut attached) = (BTreeSet::new(), AttachedPolicies::new());
            for (add, number) in steps {
                let policy = match number % 2 {
                    0 => PolicyRef::Aws(format!("aws-{number}").into()),
                    _ => PolicyRef::Customer(NameKey::of(&format!("own-{number}"))),
                };
                if add {
                    prop_assert_eq!(attached.insert(policy.clone()), model.insert(policy));
                } else {
                    prop_assert_eq!(attached.remove(&policy), model.remove(&policy));
                }
                prop_assert!(attached.iter().eq(model.iter()));
                prop_assert!(model.iter().all(|policy| attached.contains(policy)));
            }
            let stored = serde_json::to_string(&attached).unwrap();
            prop_assert_eq!(&stored, &serde_json::to_string(&model).unwrap());
            prop_assert_eq!(serde_json::from_str::<AttachedPolicies>(&stored).unwrap(), attached);
        }
    }
}
