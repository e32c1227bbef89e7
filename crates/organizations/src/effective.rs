//! What the policies that set something come to for one account: each level may add to what stands
//! above it, as far as that lets it.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_inheritance_mgmt.html>

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rolecall_aws_model::organizations as wire;
use rolecall_state::entities::PolicyType;
use rolecall_state::snapshot::{Member, Organization, StoredPolicy};
use rolecall_state::{Timestamp, Txn};
use serde_json::{Map, Value};

use crate::accounts::find;
use crate::env::{Env, organization};
use crate::error::{InvalidInput, OrganizationsError};
use crate::targets::Target;
use crate::{policy_types, views};

const CONTROL: &str = "@@operators_allowed_for_child_policies";

pub(crate) fn describe_effective_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeEffectivePolicyRequest,
) -> Result<wire::DescribeEffectivePolicyResponse, OrganizationsError> {
    let wire::DescribeEffectivePolicyRequest { policy_type, target_id } = request;
    let (found, kind) = (organization(txn, env)?, policy_types::parse(policy_type)?);
    let own = env.account().to_string();
    let target = target_id.as_deref().unwrap_or(&own);
    let member = match Target::find(&found, target) {
        Some(Target::Account(member)) => member,
        Some(_) => return Err(InvalidInput::TargetNotSupported.into()),
        None => find(&found, target).map_err(|_| OrganizationsError::TargetNotFound)?,
    };
    let effective = Effective::of(&found, member, kind).ok_or(OrganizationsError::EffectivePolicyNotFound)?;
    let policy = wire::EffectivePolicy {
        policy_content: Some(effective.root.value().to_string()),
        last_updated_timestamp: Some(views::timestamp(effective.changed)),
        target_id: Some(target.to_owned()),
        policy_type: Some(kind.as_str().to_owned()),
    };
    Ok(wire::DescribeEffectivePolicyResponse { effective_policy: Some(policy) })
}

/// What the policies of a type come to for an account.
pub(crate) struct Effective {
    pub(crate) root: Node,
    /// When the last of the policies was changed.
    pub(crate) changed: Timestamp,
}

impl Effective {
    /// None, where no policy of the type reaches the account.
    pub(crate) fn of(organization: &Organization, member: &Arc<Member>, kind: PolicyType) -> Option<Self> {
        let mut root = Node::default();
        let mut changed = None;
        for level in levels(organization, member) {
            let ids = level.attached(organization, kind);
            let policies: Vec<_> = ids.iter().filter_map(|id| organization.policy(id.as_str())).collect();
            changed = changed.max(policies.iter().map(|policy| policy.changed).max());
            let read = |policy: &&Arc<StoredPolicy>| {
                Some((policy.id.to_string(), serde_json::from_str(&policy.content).ok()?))
            };
            root.inherit(&policies.iter().filter_map(read).collect::<Vec<_>>(), kind);
        }
        Some(Self { root, changed: changed? })
    }
}

/// The root, the units down to an account, and the account.
fn levels<'o>(organization: &'o Organization, member: &'o Arc<Member>) -> impl Iterator<Item = Target<'o>> {
    let units = organization.units_down_to(&member.parent).into_iter().map(Target::Unit);
    std::iter::once(Target::Root).chain(units).chain([Target::Account(member)])
}

/// A place in an effective policy.
#[derive(Default)]
pub(crate) struct Node {
    value: Option<Value>,
    children: BTreeMap<String, Node>,
    /// The operators that levels below may use here; all where nothing was said.
    allowed: Option<BTreeSet<String>>,
    /// The ids of the policies that had a part in it.
    policies: BTreeSet<String>,
}

impl Node {
    /// Takes in the documents of one level. What they forbid holds for the levels below them.
    // FIDELITY: which of two policies of one level wins; the later by its id here.
    pub(crate) fn inherit(&mut self, documents: &[(String, Value)], kind: PolicyType) {
        for (id, document) in documents {
            self.merge(id, document, kind);
        }
        for (_, document) in documents {
            self.restrict(document, kind);
        }
    }

    pub(crate) fn child(&self, name: &str) -> Option<&Self> {
        self.children.get(name)
    }

    /// What is in it, by its name.
    pub(crate) fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.children.iter().map(|(name, child)| (name.as_str(), child))
    }

    /// The ids of the policies that had a part in it.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &str> {
        self.policies.iter().map(String::as_str)
    }

    /// How many elements it has.
    pub(crate) fn len(&self) -> usize {
        match &self.value {
            Some(Value::Array(items)) => items.len(),
            Some(_) => 1,
            None => self.children.len(),
        }
    }

    fn allows(&self, operator: &str) -> bool {
        self.allowed.as_ref().is_none_or(|allowed| allowed.contains(operator) || allowed.contains("@@all"))
    }

    fn merge(&mut self, id: &str, document: &Value, kind: PolicyType) {
        self.policies.insert(id.to_owned());
        let Value::Object(object) = document else { return self.operate("@@assign", document) };
        for (key, value) in object {
            if key == CONTROL {
                continue;
            }
            if key.starts_with("@@") {
                self.operate(key, value);
                continue;
            }
            let key = name(key, kind);
            // Where levels below may use no operator, they may add nothing either.
            if self.children.contains_key(&key) || self.allows("@@assign") {
                self.children.entry(key).or_default().merge(id, value, kind);
            }
        }
    }

    fn operate(&mut self, operator: &str, operand: &Value) {
        if !self.allows(operator) {
            return;
        }
        match operator {
            "@@assign" => self.value = Some(operand.clone()),
            "@@append" => {
                let mut list = items(self.value.take());
                for item in items(Some(operand.clone())) {
                    if !list.contains(&item) {
                        list.push(item);
                    }
                }
                self.value = Some(Value::Array(list));
            }
            "@@remove" => {
                let gone = items(Some(operand.clone()));
                if let Some(value) = self.value.take() {
                    self.value = Some(Value::Array(
                        items(Some(value)).into_iter().filter(|i| !gone.contains(i)).collect(),
                    ));
                }
            }
            _ => {}
        }
    }

    fn restrict(&mut self, document: &Value, kind: PolicyType) {
        let Value::Object(object) = document else { return };
        if let Some(Value::Array(operators)) = object.get(CONTROL) {
            let named: BTreeSet<String> =
                operators.iter().filter_map(Value::as_str).map(str::to_owned).collect();
            // A level below can take away from what it was given, and add nothing to it.
            self.allowed = Some(match self.allowed.take() {
                Some(before) if !before.contains("@@all") => before.intersection(&named).cloned().collect(),
                _ => named,
            });
        }
        for (key, value) in object.iter().filter(|(key, _)| !key.starts_with("@@")) {
            if let Some(child) = self.children.get_mut(&name(key, kind)) {
                child.restrict(value, kind);
            }
        }
    }

    fn value(&self) -> Value {
        if let Some(value) = &self.value {
            return value.clone();
        }
        let shown = self.children.iter().map(|(key, child)| (key.clone(), child.value()));
        Value::Object(shown.collect::<Map<_, _>>())
    }
}

/// The keys of tag policies are the same whatever their case.
fn name(key: &str, kind: PolicyType) -> String {
    if kind == PolicyType::Tag { key.to_lowercase() } else { key.to_owned() }
}

fn items(value: Option<Value>) -> Vec<Value> {
    match value {
        None => Vec::new(),
        Some(Value::Array(items)) => items,
        Some(one) => vec![one],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn effective(levels: &[Vec<Value>]) -> Value {
        let mut node = Node::default();
        for documents in levels {
            let named: Vec<_> =
                documents.iter().map(|document| ("p-1".to_owned(), document.clone())).collect();
            node.inherit(&named, PolicyType::Tag);
        }
        node.value()
    }

    #[test]
    fn lower_levels_append_assign_and_remove() {
        let root = json!({"tags": {"CostCenter": {
            "tag_key": {"@@assign": "CostCenter"}, "tag_value": {"@@assign": ["a", "b"]}}}});
        let unit = json!({"tags": {"costcenter": {"tag_value": {"@@append": ["c", "a"], }}}});
        let account = json!({"tags": {"costcenter": {"tag_value": {"@@remove": ["b"]}}, "x": {"tag_key": {"@@assign": "X"}}}});
        let all = effective(&[vec![root.clone()], vec![unit], vec![account]]);
        assert_eq!(
            all,
            json!({"tags": {"costcenter": {"tag_key": "CostCenter", "tag_value": ["a", "c"]},
                            "x": {"tag_key": "X"}}})
        );
    }

    #[test]
    fn what_is_forbidden_below_is_ignored_there() {
        let root = json!({"tags": {"@@operators_allowed_for_child_policies": ["@@none"], "a": {
            "tag_value": {"@@operators_allowed_for_child_policies": ["@@append"], "@@assign": ["1"]}}}});
        let same_level = json!({"tags": {"b": {"tag_value": {"@@assign": ["2"]}}}});
        let below = json!({"tags": {"a": {"tag_value": {
            "@@operators_allowed_for_child_policies": ["@@all"], "@@append": ["3"], "@@assign": ["4"]}}, "c": {"tag_value": {"@@assign": ["5"]}}}});
        let lowest = json!({"tags": {"a": {"tag_value": {"@@append": ["6"]}}}});
        let all = effective(&[vec![root, same_level], vec![below], vec![lowest]]);
        let a = &all["tags"]["a"]["tag_value"];
        assert_eq!(a.as_array().unwrap().len(), 2, "{all}");
        assert_eq!(all["tags"]["b"]["tag_value"], json!(["2"]));
        assert!(all["tags"].get("c").is_none());
    }
}
