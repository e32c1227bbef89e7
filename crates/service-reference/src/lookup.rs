//! Finding things: each service is parsed when it is first asked for, and kept.

use std::sync::{LazyLock, OnceLock};

use crate::format;
use crate::global::global_condition_key;
use crate::model::{Action, ConditionKey, Service};
use crate::pattern::{compare_ignoring_case, glob_matches};

/// A service's place: its block of the data file, parsed or not yet.
struct Slot {
    prefix: &'static str,
    block: &'static str,
    parsed: OnceLock<Service>,
}

static SLOTS: LazyLock<Vec<Slot>> = LazyLock::new(|| {
    let slot = |block| Slot { prefix: format::prefix_of(block), block, parsed: OnceLock::new() };
    let mut slots: Vec<Slot> = format::blocks().map(slot).collect();
    slots.sort_by(|left, right| left.prefix.cmp(right.prefix));
    slots
});

impl Slot {
    fn service(&self) -> &Service {
        self.parsed.get_or_init(|| format::parse(self.block))
    }
}

/// The prefixes of all services, in order.
pub fn service_prefixes() -> impl Iterator<Item = &'static str> {
    SLOTS.iter().map(|slot| slot.prefix)
}

/// The prefix and the name in prose of each service, in the order of the prefixes. Nothing is parsed for it.
pub fn service_names() -> impl Iterator<Item = (&'static str, &'static str)> {
    SLOTS.iter().map(|slot| (slot.prefix, format::name_of(slot.block)))
}

/// The service with this prefix, whatever its case.
#[must_use]
pub fn service(prefix: &str) -> Option<&'static Service> {
    let found = SLOTS.binary_search_by(|slot| compare_ignoring_case(slot.prefix, prefix)).ok()?;
    SLOTS.get(found).map(Slot::service)
}

/// Whether ARNs of some resource type name this service (`elasticloadbalancing`), which need not be the prefix of
/// that service's actions.
#[must_use]
pub fn is_arn_service(name: &str) -> bool {
    service(name).is_some_and(|service| service.prefix == name)
        || format::TEXT.contains(&format!("\tarn:${{Partition}}:{name}:"))
}

/// The action of this name (`s3:GetObject`), whatever its case.
#[must_use]
pub fn action(name: &str) -> Option<&'static Action> {
    let (prefix, name) = name.split_once(':')?;
    service(prefix)?.action(name)
}

/// The actions that a policy's pattern covers: `s3:Get*`, `*`.
#[must_use]
pub fn expand(pattern: &str) -> Vec<&'static Action> {
    let (prefix_pattern, name_pattern) = match pattern.split_once(':') {
        Some(parts) => parts,
        None if pattern == "*" => ("*", "*"),
        None => return Vec::new(),
    };
    let slots = SLOTS.iter().filter(|slot| glob_matches(prefix_pattern, slot.prefix));
    slots.flat_map(|slot| slot.service().matching_actions(name_pattern)).collect()
}

/// What is known of a condition key: a global one, a service's own, or an identity provider's that STS passes on.
#[must_use]
pub fn condition_key(key: &str) -> Option<ConditionKey> {
    if let Some(global) = global_condition_key(key) {
        return Some(global);
    }
    let (prefix, _) = key.split_once(':')?;
    if let Some(known) = service(prefix) {
        return known.condition_key(key);
    }
    // A prefix that is no service's own: `catalog:ChangeType` is AWS Marketplace's, `saml:aud` is STS's.
    let rows = format!("{prefix}:");
    let mentions = SLOTS.iter().filter(|slot| slot.block.contains(&rows));
    mentions.filter_map(|slot| slot.service().condition_key(key)).next()
}
