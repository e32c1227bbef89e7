//! Users, groups, roles and policies that are only supposed.

use std::sync::Arc;

use rolecall_state::entities::{
    AttachedPolicies, Format, Group, InlinePolicies, ManagedPolicy, PolicyVersion, Role, Tags, User,
};
use rolecall_state::{Timestamp, UniqueId};

const BEGINNING: Timestamp = Timestamp(0);

/// A user without anything.
pub(crate) fn user(name: &str, path: &str) -> User {
    User {
        v: Format,
        id: UniqueId::from_stored(&format!("AIDA{name}")),
        name: name.to_owned(),
        path: path.to_owned(),
        created: BEGINNING,
        tags: Tags::default(),
        groups: Default::default(),
        boundary: None,
        inline: InlinePolicies::new(),
        attached: AttachedPolicies::new(),
        access_keys: Vec::new(),
        login_profile: None,
        ssh_keys: Vec::new(),
        signing_certificates: Vec::new(),
        service_credentials: Vec::new(),
    }
}

/// A group without anything.
pub(crate) fn group(name: &str) -> Group {
    Group {
        v: Format,
        id: UniqueId::from_stored(&format!("AGPA{name}")),
        name: name.to_owned(),
        path: "/".to_owned(),
        created: BEGINNING,
        inline: InlinePolicies::new(),
        attached: AttachedPolicies::new(),
    }
}

/// A role that trusts whom its policy names.
pub(crate) fn role(name: &str, path: &str, trust_policy: Arc<str>) -> Role {
    Role {
        v: Format,
        id: UniqueId::from_stored(&format!("AROA{name}")),
        name: name.to_owned(),
        path: path.to_owned(),
        created: BEGINNING,
        description: None,
        max_session_seconds: 3_600,
        trust_policy,
        trust_bindings: Default::default(),
        tags: Tags::default(),
        boundary: None,
        inline: InlinePolicies::new(),
        attached: AttachedPolicies::new(),
        linked_service: None,
        source: None,
    }
}

/// A customer managed policy of one version.
pub(crate) fn policy(name: &str, path: &str, document: Arc<str>) -> ManagedPolicy {
    ManagedPolicy {
        v: Format,
        id: UniqueId::from_stored(&format!("ANPA{name}")),
        name: name.to_owned(),
        path: path.to_owned(),
        description: None,
        created: BEGINNING,
        updated: BEGINNING,
        tags: Tags::default(),
        versions: vec![PolicyVersion { number: 1, document, created: BEGINNING }],
        default_version: 1,
        last_version: 1,
    }
}
