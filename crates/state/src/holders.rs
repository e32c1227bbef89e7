//! What users, groups and roles have in common, so that a rule about policies is written once.

use crate::entities::{AttachedPolicies, Group, InlinePolicies, Role, User};
use crate::policy_ref::PolicyRef;
use crate::snapshot::Entity;

/// Users, groups and roles: those that policies are given to.
pub trait PolicyHolder: Entity {
    /// The inline policies.
    fn inline(&self) -> &InlinePolicies;
    /// The inline policies, to change.
    fn inline_mut(&mut self) -> &mut InlinePolicies;
    /// The attached managed policies.
    fn attached(&self) -> &AttachedPolicies;
    /// The attached managed policies, to change.
    fn attached_mut(&mut self) -> &mut AttachedPolicies;
}

/// Users and roles: those whose permissions may be bounded.
pub trait Bounded: PolicyHolder {
    /// The permissions boundary.
    fn boundary(&self) -> Option<&PolicyRef>;
    /// The permissions boundary, to change.
    fn boundary_mut(&mut self) -> &mut Option<PolicyRef>;
}

macro_rules! policy_holder {
    ($($entity:ty),*) => {$(
        impl PolicyHolder for $entity {
            fn inline(&self) -> &InlinePolicies {
                &self.inline
            }
            fn inline_mut(&mut self) -> &mut InlinePolicies {
                &mut self.inline
            }
            fn attached(&self) -> &AttachedPolicies {
                &self.attached
            }
            fn attached_mut(&mut self) -> &mut AttachedPolicies {
                &mut self.attached
            }
        }
    )*};
}

policy_holder!(User, Role, Group);

macro_rules! bounded {
    ($($entity:ty),*) => {$(
        impl Bounded for $entity {
            fn boundary(&self) -> Option<&PolicyRef> {
                self.boundary.as_ref()
            }
            fn boundary_mut(&mut self) -> &mut Option<PolicyRef> {
                &mut self.boundary
            }
        }
    )*};
}

bounded!(User, Role);
