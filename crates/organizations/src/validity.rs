//! Whether what an account's policies come to can be enforced, and what is wrong with it where it can't.
//!
//! <https://docs.aws.amazon.com/organizations/latest/userguide/invalid-policy-alerts.html>

use std::sync::Arc;

use rolecall_aws_model::organizations as wire;
use rolecall_state::Txn;
use rolecall_state::entities::PolicyType;
use rolecall_state::snapshot::Organization;

use crate::accounts::{self, find};
use crate::effective::{Effective, Node};
use crate::env::{Env, organization};
use crate::error::OrganizationsError;
use crate::paging::Paging;
use crate::{policy_types, views};

/// How many rules a backup plan has at most.
///
/// <https://docs.aws.amazon.com/aws-backup/latest/devguide/aws-backup-limits.html>
const MAX_RULES: usize = 10;

pub(crate) fn list_accounts_with_invalid_effective_policy(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListAccountsWithInvalidEffectivePolicyRequest,
) -> Result<wire::ListAccountsWithInvalidEffectivePolicyResponse, OrganizationsError> {
    let wire::ListAccountsWithInvalidEffectivePolicyRequest { policy_type, next_token, max_results } =
        request;
    let (found, kind) = asked(txn, env, policy_type)?;
    let paging = Paging::new(next_token.as_deref(), *max_results)?;
    let invalid = found.members().filter(|member| {
        Effective::of(&found, member, kind).is_some_and(|effective| !faults(&effective.root, kind).is_empty())
    });
    let (accounts, next_token) = accounts::page(env, txn.snapshot(), &found, &paging, invalid);
    let policy_type = Some(kind.as_str().to_owned());
    Ok(wire::ListAccountsWithInvalidEffectivePolicyResponse { accounts, policy_type, next_token })
}

pub(crate) fn list_effective_policy_validation_errors(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ListEffectivePolicyValidationErrorsRequest,
) -> Result<wire::ListEffectivePolicyValidationErrorsResponse, OrganizationsError> {
    let wire::ListEffectivePolicyValidationErrorsRequest { account_id, policy_type, next_token, max_results } =
        request;
    let (found, kind) = asked(txn, env, policy_type)?;
    let member = find(&found, account_id)?;
    let effective = Effective::of(&found, member, kind).ok_or(OrganizationsError::EffectivePolicyNotFound)?;
    let faults = faults(&effective.root, kind).into_iter().enumerate();
    // The order of the faults is their sort key.
    let (page, next_token) =
        Paging::new(next_token.as_deref(), *max_results)?.take(faults, |(at, _)| format!("{at:06}"));
    Ok(wire::ListEffectivePolicyValidationErrorsResponse {
        account_id: Some(member.id.to_string()),
        policy_type: Some(kind.as_str().to_owned()),
        path: Some(views::path_of(&found, member)),
        evaluation_timestamp: Some(views::timestamp(effective.changed)),
        next_token,
        effective_policy_validation_errors: page.into_iter().map(|(_, fault)| fault).collect(),
    })
}

/// The caller's organization, if it uses policies of the type that a request names.
fn asked(
    txn: &mut Txn,
    env: &Env<'_>,
    policy_type: &str,
) -> Result<(Arc<Organization>, PolicyType), OrganizationsError> {
    let (found, kind) = (organization(txn, env)?, policy_types::parse(policy_type)?);
    if !found.record.enabling(kind).enabled {
        return Err(OrganizationsError::EffectivePolicyNotFound);
    }
    Ok((found, kind))
}

/// What is wrong with an effective policy.
// FIDELITY: AWS documents one of the codes (`ELEMENTS_TOO_MANY`), no message, and not what it checks. What the
// documents of backup policies demand is checked here; the other types have nothing that could be missing.
fn faults(root: &Node, kind: PolicyType) -> Vec<wire::EffectivePolicyValidationError> {
    let mut faults = Faults::default();
    if let (PolicyType::Backup, Some(plans)) = (kind, root.child("plans")) {
        for (name, plan) in plans.children() {
            faults.plan(plan, &format!("plans/{name}"));
        }
    }
    faults.0
}

#[derive(Default)]
struct Faults(Vec<wire::EffectivePolicyValidationError>);

impl Faults {
    /// <https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_backup_syntax.html>
    fn plan(&mut self, plan: &Node, path: &str) {
        self.required(plan, path, &["rules", "regions", "selections"]);
        for part in ["rules", "regions", "selections"] {
            let most = if part == "rules" { MAX_RULES } else { usize::MAX };
            self.counted(plan, path, part, most);
        }
        for (name, rule) in plan.child("rules").into_iter().flat_map(Node::children) {
            self.required(rule, &format!("{path}/rules/{name}"), &["target_backup_vault_name"]);
        }
        let tags = plan.child("selections").and_then(|selections| selections.child("tags"));
        for (name, selection) in tags.into_iter().flat_map(Node::children) {
            let path = format!("{path}/selections/tags/{name}");
            self.required(selection, &path, &["iam_role_arn", "tag_key", "tag_value"]);
        }
    }

    fn required(&mut self, at: &Node, path: &str, names: &[&str]) {
        for name in names.iter().filter(|name| at.child(name).is_none()) {
            self.add("KEY_REQUIRED", format!("'{name}' is missing"), path.to_owned(), at);
        }
    }

    fn counted(&mut self, plan: &Node, path: &str, name: &str, most: usize) {
        let Some(part) = plan.child(name) else { return };
        let path = format!("{path}/{name}");
        if part.len() == 0 {
            let message = format!("'{name}' is less than the allowed minimum limit 1");
            self.add("ELEMENTS_TOO_FEW", message, path, part);
        } else if part.len() > most {
            let message = format!("'{name}' exceeds the allowed maximum limit {most}");
            self.add("ELEMENTS_TOO_MANY", message, path, part);
        }
    }

    fn add(&mut self, code: &str, message: String, path: String, at: &Node) {
        self.0.push(wire::EffectivePolicyValidationError {
            error_code: Some(code.to_owned()),
            error_message: Some(message),
            path_to_error: Some(path),
            contributing_policies: at.policies().map(str::to_owned).collect(),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn told(documents: &[(&str, Value)], kind: PolicyType) -> Vec<(String, String, Vec<String>)> {
        let mut root = Node::default();
        for (id, document) in documents {
            root.inherit(&[((*id).to_owned(), document.clone())], kind);
        }
        let fault = |fault: wire::EffectivePolicyValidationError| {
            (fault.error_code.unwrap(), fault.path_to_error.unwrap(), fault.contributing_policies)
        };
        faults(&root, kind).into_iter().map(fault).collect()
    }

    fn rule() -> Value {
        json!({"target_backup_vault_name": {"@@assign": "vault"}})
    }

    fn plan(rules: Value) -> Value {
        json!({"plans": {"daily": {
            "regions": {"@@assign": ["us-east-1"]},
            "rules": rules,
            "selections": {"tags": {"chosen": {
                "iam_role_arn": {"@@assign": "arn:aws:iam::$account:role/backup"},
                "tag_key": {"@@assign": "backup"},
                "tag_value": {"@@assign": ["yes"]}}}}}}})
    }

    #[test]
    fn a_whole_plan_has_no_fault() {
        assert!(told(&[("p-1", plan(json!({"r": rule()})))], PolicyType::Backup).is_empty());
        assert!(told(&[("p-1", json!({}))], PolicyType::Backup).is_empty());
    }

    #[test]
    fn what_is_missing_is_told_with_the_policies_that_made_the_place() {
        let begun = json!({"plans": {"daily": {"regions": {"@@assign": []}, "rules": {"r": {}}}}});
        let more = json!({"plans": {"daily": {"rules": {"s": rule()}}}});
        let both = vec!["p-1".to_owned(), "p-2".to_owned()];
        let first = vec!["p-1".to_owned()];
        let at = |code: &str, path: &str, policies: &Vec<String>| {
            (code.to_owned(), path.to_owned(), policies.clone())
        };
        assert_eq!(
            told(&[("p-1", begun), ("p-2", more)], PolicyType::Backup),
            [
                at("KEY_REQUIRED", "plans/daily", &both),
                at("ELEMENTS_TOO_FEW", "plans/daily/regions", &first),
                at("KEY_REQUIRED", "plans/daily/rules/r", &first),
            ]
        );
    }

    #[test]
    fn levels_together_can_make_too_many_rules() {
        let rules = |from: usize, to: usize| -> Value {
            Value::Object((from..to).map(|n| (format!("r{n}"), rule())).collect())
        };
        let upper = ("p-1", plan(rules(0, 10)));
        assert!(told(std::slice::from_ref(&upper), PolicyType::Backup).is_empty());
        let lower = ("p-2", json!({"plans": {"daily": {"rules": rules(10, 11)}}}));
        let [(code, path, policies)] = &told(&[upper, lower], PolicyType::Backup)[..] else { panic!("one") };
        assert_eq!((code.as_str(), path.as_str()), ("ELEMENTS_TOO_MANY", "plans/daily/rules"));
        assert_eq!(policies, &["p-1", "p-2"]);
    }

    #[test]
    fn tag_policies_have_nothing_that_could_be_missing() {
        assert!(told(&[("p-1", json!({"plans": {"x": {}}}))], PolicyType::Tag).is_empty());
    }
}
