//! What the reference says: services, their actions, resource types and condition keys.

use crate::arn::ArnTemplate;
use crate::pattern::{compare_ignoring_case, glob_matches};

/// One AWS service as the reference lists it.
#[derive(Debug)]
pub struct Service {
    /// The prefix before the colon of its actions: `s3`.
    pub prefix: &'static str,
    /// The service's name in prose: `Amazon S3`.
    pub name: &'static str,
    /// The name of its page in the reference: `list_amazons3`.
    pub page: &'static str,
    /// Its actions, by lower-cased name.
    pub actions: Vec<Action>,
    /// Its resource types, by lower-cased name.
    pub resource_types: Vec<ResourceType>,
    /// The condition keys that its actions and resources name, global ones included.
    pub condition_keys: Vec<ConditionKey>,
}

impl Service {
    /// The action of this name (without the prefix), whatever its case.
    #[must_use]
    pub fn action(&self, name: &str) -> Option<&Action> {
        let found = self.actions.binary_search_by(|action| compare_ignoring_case(action.name, name)).ok()?;
        self.actions.get(found)
    }

    /// The resource type of this name.
    #[must_use]
    pub fn resource_type(&self, name: &str) -> Option<&ResourceType> {
        self.resource_types.iter().find(|resource| resource.name == name)
    }

    /// The condition key that `key` is or instantiates (`s3:ExistingObjectTag/team`), whatever its case.
    #[must_use]
    pub fn condition_key(&self, key: &str) -> Option<ConditionKey> {
        self.condition_keys.iter().copied().find(|known| known.matches(key))
    }

    /// The resource types whose ARN could be this ARN or one that this pattern matches.
    #[must_use]
    pub fn resource_types_of(&self, arn_pattern: &str) -> Vec<&ResourceType> {
        self.resource_types.iter().filter(|resource| resource.arn.overlaps(arn_pattern)).collect()
    }

    /// The actions whose name (without the prefix) this pattern matches.
    #[must_use]
    pub fn matching_actions(&self, name_pattern: &str) -> Vec<&Action> {
        self.actions.iter().filter(|action| glob_matches(name_pattern, action.name)).collect()
    }
}

/// What an action does, in AWS's five classes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AccessLevel {
    /// Lists resources.
    List,
    /// Reads content.
    Read,
    /// Creates, changes or deletes.
    Write,
    /// Changes tags only.
    Tagging,
    /// Grants or changes permissions.
    PermissionsManagement,
}

impl AccessLevel {
    /// The level as AWS's pages write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::List => "List",
            Self::Read => "Read",
            Self::Write => "Write",
            Self::Tagging => "Tagging",
            Self::PermissionsManagement => "Permissions management",
        }
    }
}

/// One action of a service.
#[derive(Debug)]
pub struct Action {
    /// The service's prefix.
    pub service: &'static str,
    /// The name in AWS's own case, without the prefix.
    pub name: &'static str,
    /// Its class.
    pub access_level: AccessLevel,
    /// The resource types that it acts on.
    pub resource_types: Vec<ActionResource>,
    /// The condition keys that it carries whatever the resource.
    pub condition_keys: Vec<&'static str>,
    /// Other actions that the caller needs too, whatever the resource.
    pub dependent_actions: Vec<&'static str>,
}

impl Action {
    /// `s3:GetObject`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}:{}", self.service, self.name)
    }

    /// Whether the action takes no resource, so that only `Resource: "*"` can match it.
    #[must_use]
    pub fn is_wildcard_only(&self) -> bool {
        self.resource_types.is_empty()
    }

    /// Every condition key that a request for this action may carry beside the global ones: its own and those of
    /// its resource types. May name a key twice.
    pub fn all_condition_keys(&self) -> impl Iterator<Item = &'static str> + '_ {
        let of_types = self.resource_types.iter().flat_map(|resource| {
            resource.condition_keys.iter().chain(&resource.type_condition_keys).copied()
        });
        self.condition_keys.iter().copied().chain(of_types)
    }

    /// Whether this ARN, or one that this pattern matches, is of a type that the action acts on.
    #[must_use]
    pub fn takes_resource(&self, arn_pattern: &str) -> bool {
        self.resource_types.iter().any(|resource| resource.arn.overlaps(arn_pattern))
    }
}

/// A resource type as one action uses it.
#[derive(Debug)]
pub struct ActionResource {
    /// The type's name: `object`.
    pub resource_type: &'static str,
    /// Whether a request always names such a resource (an asterisk in AWS's tables).
    pub required: bool,
    /// The ARNs of this type.
    pub arn: ArnTemplate,
    /// Condition keys that the action carries only with this resource type.
    pub condition_keys: Vec<&'static str>,
    /// Condition keys of the resource type itself.
    pub type_condition_keys: Vec<&'static str>,
    /// Other actions that the caller needs too, with this resource type.
    pub dependent_actions: Vec<&'static str>,
}

/// A resource type of a service.
#[derive(Debug)]
pub struct ResourceType {
    /// Its name: `object`.
    pub name: &'static str,
    /// Its ARNs: `arn:${Partition}:s3:::${BucketName}/${ObjectName}`.
    pub arn: ArnTemplate,
    /// The condition keys that describe such a resource.
    pub condition_keys: Vec<&'static str>,
}

/// The type of a condition key's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Text.
    String,
    /// An ARN.
    Arn,
    /// `true` or `false`.
    Bool,
    /// A number.
    Numeric,
    /// A time, in ISO 8601 or as epoch seconds.
    Date,
    /// An IP address.
    IpAddress,
    /// Base64.
    Binary,
}

/// A condition key, or a family of keys such as `aws:RequestTag/${TagKey}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConditionKey {
    /// The key as AWS's pages write it, with `${…}` or `<…>` where the caller chooses.
    pub name: &'static str,
    /// The type of each value.
    pub value_type: ValueType,
    /// Whether a request may carry several values (AWS's `ArrayOf…`).
    pub multivalued: bool,
}

impl ConditionKey {
    /// Whether `key` is this key or one of this family, whatever its case.
    #[must_use]
    pub fn matches(&self, key: &str) -> bool {
        match self.family() {
            None => self.name.eq_ignore_ascii_case(key),
            Some((before, after)) => {
                let key = key.to_ascii_lowercase();
                let rest = key.strip_prefix(&before.to_ascii_lowercase());
                let chosen = rest.and_then(|rest| rest.strip_suffix(&after.to_ascii_lowercase()));
                chosen.is_some_and(|chosen| !chosen.is_empty())
            }
        }
    }

    /// What stands before and after the part that the caller chooses, if there is such a part.
    #[must_use]
    pub fn family(&self) -> Option<(&'static str, &'static str)> {
        // Two services write the caller's part in words.
        if let Some(before) = self.name.strip_suffix("tag-key") {
            return Some((before, ""));
        }
        let (before, rest) = self.name.split_once("${").or_else(|| self.name.split_once('<'))?;
        let (_, after) = rest.split_once(['}', '>'])?;
        Some((before, after))
    }
}
