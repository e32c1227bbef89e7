//! What each operation needs permission for.
//!
//! <https://docs.aws.amazon.com/service-authorization/latest/reference/list_awsorganizations.html>

use rolecall_access::{Caller, Demand};
use rolecall_aws_model::organizations::{Request, Tag};
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_state::Snapshot;
use rolecall_state::snapshot::Organization;

use crate::entitlement::{Right, right};
use crate::error::OrganizationsError;
use crate::handshakes::Sent;
use crate::targets::arn_of;

const POLICY_TYPE: &str = "organizations:PolicyType";
const SERVICE_PRINCIPAL: &str = "organizations:ServicePrincipal";

/// What `request` needs permission for.
///
/// # Errors
/// [`OrganizationsError::AccessDenied`] when the caller's account may not call the operation, whatever
/// its policies say.
pub fn demands(
    request: &Request,
    caller: &Caller,
    snapshot: &Snapshot,
) -> Result<Vec<Demand>, OrganizationsError> {
    let organization = snapshot.organization_of(caller.account).map(AsRef::as_ref);
    let right = right(request.operation(), caller, organization);
    if right == Right::No {
        return Err(OrganizationsError::AccessDenied);
    }
    let asked = Asked { request, caller, organization };
    let mut demands = match organization {
        Some(organization) => asked.of_member(organization),
        None => vec![asked.on("*".to_owned())],
    };
    if let Some(handshake) = asked.handshake(snapshot) {
        demands = vec![handshake];
    }
    if let (Right::ByResourcePolicy, Some(organization)) = (right, organization) {
        for demand in &mut demands {
            demand.resource_account = Some(organization.record.management);
            demand.resource_policy = Some(resource_policy(organization)?);
        }
    }
    Ok(demands)
}

fn resource_policy(organization: &Organization) -> Result<PolicySet, OrganizationsError> {
    let policy = organization.record.resource_policy.as_ref().ok_or(OrganizationsError::AccessDenied)?;
    let document = Document::parse(policy.content.clone(), Grammar::evaluated(PolicyKind::Resource))
        .map_err(|_| OrganizationsError::AccessDenied)?;
    let policy = Policy::new("organization resource policy", document);
    Ok(PolicySet::compile(PolicyKind::Resource, vec![policy]))
}

struct Asked<'a> {
    request: &'a Request,
    caller: &'a Caller,
    organization: Option<&'a Organization>,
}

impl Asked<'_> {
    fn on(&self, resource: String) -> Demand {
        Demand::new(self.request.operation().action(), resource)
    }

    /// On something in the organization, by its id.
    fn id(&self, organization: &Organization, id: &str) -> Demand {
        let demand = self.on(arn_of(self.caller.partition, organization, id));
        let kind = organization.policy(id).map(|policy| policy.kind.as_str());
        demand.with_option(POLICY_TYPE, kind)
    }

    fn ids(&self, organization: &Organization, ids: &[&str]) -> Vec<Demand> {
        ids.iter().map(|id| self.id(organization, id)).collect()
    }

    fn of_member(&self, organization: &Organization) -> Vec<Demand> {
        use Request as R;
        let id = |id: &str| self.id(organization, id);
        let one = match self.request {
            R::AttachPolicy(r) => return self.on_both(organization, &r.policy_id, &r.target_id),
            R::DetachPolicy(r) => return self.on_both(organization, &r.policy_id, &r.target_id),
            // FIDELITY: AWS lists both parents as optional resources; asking for them is the safer reading.
            R::MoveAccount(r) => {
                let ids = [&*r.account_id, &*r.source_parent_id, &*r.destination_parent_id];
                return self.ids(organization, &ids);
            }
            R::CloseAccount(r) => id(&r.account_id),
            R::DescribeAccount(r) => id(&r.account_id),
            R::RemoveAccountFromOrganization(r) => id(&r.account_id),
            R::ListDelegatedServicesForAccount(r) => id(&r.account_id),
            R::RegisterDelegatedAdministrator(r) => {
                id(&r.account_id).with(SERVICE_PRINCIPAL, r.service_principal.as_str())
            }
            R::DeregisterDelegatedAdministrator(r) => {
                id(&r.account_id).with(SERVICE_PRINCIPAL, r.service_principal.as_str())
            }
            R::CreateOrganizationalUnit(r) => id(&r.parent_id).with_request_tags(pairs(&r.tags)),
            R::DeleteOrganizationalUnit(r) => id(&r.organizational_unit_id),
            R::DescribeOrganizationalUnit(r) => id(&r.organizational_unit_id),
            R::UpdateOrganizationalUnit(r) => id(&r.organizational_unit_id),
            R::ListAccountsForParent(r) => id(&r.parent_id),
            R::ListOrganizationalUnitsForParent(r) => id(&r.parent_id),
            R::ListChildren(r) => id(&r.parent_id),
            R::ListParents(r) => id(&r.child_id),
            R::DeletePolicy(r) => id(&r.policy_id),
            R::DescribePolicy(r) => id(&r.policy_id),
            R::UpdatePolicy(r) => id(&r.policy_id),
            R::ListTargetsForPolicy(r) => id(&r.policy_id),
            R::ListPoliciesForTarget(r) => id(&r.target_id).with(POLICY_TYPE, r.filter.as_str()),
            R::EnablePolicyType(r) => id(&r.root_id).with(POLICY_TYPE, r.policy_type.as_str()),
            R::DisablePolicyType(r) => id(&r.root_id).with(POLICY_TYPE, r.policy_type.as_str()),
            R::TagResource(r) => id(&r.resource_id).with_request_tags(pairs(&r.tags)),
            R::UntagResource(r) => id(&r.resource_id).with_many("aws:TagKeys", r.tag_keys.clone()),
            R::ListTagsForResource(r) => id(&r.resource_id),
            R::DescribeEffectivePolicy(r) => {
                let own = self.caller.account.to_string();
                id(r.target_id.as_deref().unwrap_or(&own)).with(POLICY_TYPE, r.policy_type.as_str())
            }
            R::ListEffectivePolicyValidationErrors(r) => {
                id(&r.account_id).with(POLICY_TYPE, r.policy_type.as_str())
            }
            _ => self.on_all(),
        };
        vec![one]
    }

    fn on_both(&self, organization: &Organization, policy: &str, target: &str) -> Vec<Demand> {
        let kind = organization.policy(policy).map(|policy| policy.kind.as_str());
        let target = self.on(arn_of(self.caller.partition, organization, target));
        vec![self.id(organization, policy), target.with_option(POLICY_TYPE, kind)]
    }

    /// Of the operations on nothing in particular.
    fn on_all(&self) -> Demand {
        use Request as R;
        let demand = self.on("*".to_owned());
        match self.request {
            R::CreateAccount(r) => demand.with_request_tags(pairs(&r.tags)),
            R::InviteAccountToOrganization(r) => demand.with_request_tags(pairs(&r.tags)),
            R::CreatePolicy(r) => {
                demand.with(POLICY_TYPE, r.r#type.as_str()).with_request_tags(pairs(&r.tags))
            }
            R::ListPolicies(r) => demand.with(POLICY_TYPE, r.filter.as_str()),
            R::ListAccountsWithInvalidEffectivePolicy(r) => demand.with(POLICY_TYPE, r.policy_type.as_str()),
            R::PutResourcePolicy(r) => demand.with_request_tags(pairs(&r.tags)),
            R::EnableAWSServiceAccess(r) => demand.with(SERVICE_PRINCIPAL, r.service_principal.as_str()),
            R::DisableAWSServiceAccess(r) => demand.with(SERVICE_PRINCIPAL, r.service_principal.as_str()),
            R::ListDelegatedAdministrators(r) => {
                demand.with_option(SERVICE_PRINCIPAL, r.service_principal.as_deref())
            }
            _ => demand,
        }
    }

    /// Of the operations on a handshake, which may be another organization's.
    fn handshake(&self, snapshot: &Snapshot) -> Option<Demand> {
        use Request as R;
        let id = match self.request {
            R::AcceptHandshake(r) => &r.handshake_id,
            R::CancelHandshake(r) => &r.handshake_id,
            R::DeclineHandshake(r) => &r.handshake_id,
            R::DescribeHandshake(r) => &r.handshake_id,
            _ => return None,
        };
        let arn = Sent::find(snapshot, id).map(|sent| sent.arn(self.caller.partition));
        // What is not there is decided on as if it were the caller's own.
        let unknown = || match self.organization {
            Some(organization) => arn_of(self.caller.partition, organization, id),
            None => "*".to_owned(),
        };
        Some(self.on(arn.unwrap_or_else(unknown)))
    }
}

fn pairs(tags: &[Tag]) -> impl Iterator<Item = (&str, &str)> {
    tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()))
}
