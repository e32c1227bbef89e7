//! Which instance profile an instance has. One at a time; a swap shows at the instance's next fetch
//! of its credentials.

use std::sync::Arc;

use rolecall_aws_model::ec2 as wire;
use rolecall_state::entities::{Instance, InstanceProfile, InstanceState, ProfileAssociation};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{AccountId, Partition, Txn, arn};

use crate::env::{Env, account};
use crate::error::Ec2Error;
use crate::filters::{Fixed, keep};
use crate::instances::find;
use crate::{ids, paging, views};

/// The ARN of an instance profile.
pub(crate) fn profile_arn(partition: Partition, account: AccountId, profile: &InstanceProfile) -> String {
    arn::iam(partition, account, "instance-profile", &profile.path, &profile.name)
}

/// The profile that a request means, if there is one.
pub(crate) fn look_up<'a>(
    account: &'a Account,
    partition: Partition,
    given: &wire::IamInstanceProfileSpecification,
) -> Option<&'a Arc<Entry<InstanceProfile>>> {
    match (&given.arn, &given.name) {
        (Some(arn), None) => {
            let name = arn.rsplit('/').next().unwrap_or_default();
            let found = account.instance_profiles.get(name)?;
            (profile_arn(partition, account.id(), found) == *arn).then_some(found)
        }
        (None, Some(name)) => account.instance_profiles.get(name),
        _ => None,
    }
}

/// The profile that a request means, and its ARN; the transaction depends on it from now on.
pub(crate) fn resolve(
    txn: &mut Txn,
    env: &Env<'_>,
    account: &Account,
    given: &wire::IamInstanceProfileSpecification,
) -> Result<(Arc<Entry<InstanceProfile>>, String), Ec2Error> {
    let invalid = |value: &str, parameter: &str, more: &str| {
        let words =
            format!("Value ({value}) for parameter iamInstanceProfile.{parameter} is invalid. {more}");
        Ec2Error::client("InvalidParameterValue", words)
    };
    let profile = match (&given.arn, &given.name) {
        (Some(_), Some(_)) => {
            let words = "The parameter 'iamInstanceProfile.name' may not be used in combination with 'iamInstanceProfile.arn'";
            return Err(Ec2Error::client("InvalidParameterCombination", words));
        }
        (None, None) => {
            return Err(Ec2Error::client(
                "MissingParameter",
                "The request must contain the parameter iamInstanceProfile",
            ));
        }
        (Some(arn), None) => look_up(account, env.partition(), given)
            .ok_or_else(|| invalid(arn, "arn", "Invalid IAM Instance Profile ARN"))?,
        (None, Some(name)) => look_up(account, env.partition(), given)
            .ok_or_else(|| invalid(name, "name", "Invalid IAM Instance Profile name"))?,
    };
    txn.depend_on(profile);
    Ok((profile.clone(), profile_arn(env.partition(), env.account(), profile)))
}

/// The instance that has this association.
pub(crate) fn holder<'a>(account: &'a Account, association_id: &str) -> Option<&'a Arc<Entry<Instance>>> {
    let has =
        |instance: &&Arc<Entry<Instance>>| instance.profile.as_ref().is_some_and(|p| p.id == association_id);
    account.instances.iter().find(has)
}

fn find_holder(txn: &mut Txn, association_id: &str) -> Result<Arc<Entry<Instance>>, Ec2Error> {
    let account = account(txn)?;
    let absent = || {
        let words = format!("An invalid association-id of '{association_id}' was given");
        Ec2Error::client("NoSuchAssociation", words)
    };
    let found = holder(&account, association_id).ok_or_else(absent)?;
    txn.depend_on(found);
    Ok(found.clone())
}

pub(crate) fn associate_iam_instance_profile(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::AssociateIamInstanceProfileRequest,
) -> Result<wire::AssociateIamInstanceProfileResult, Ec2Error> {
    let wire::AssociateIamInstanceProfileRequest { iam_instance_profile, instance_id } = request;
    let mut instance = Instance::clone(&*find(txn, instance_id)?);
    if matches!(instance.state, InstanceState::ShuttingDown | InstanceState::Terminated) {
        let words = format!(
            "The instance {instance_id} is not in the 'pending', 'running', 'stopping' or 'stopped' state"
        );
        return Err(Ec2Error::client("IncorrectInstanceState", words));
    }
    if instance.profile.is_some() {
        let words = format!("There is an existing association for instance {instance_id}");
        return Err(Ec2Error::client("IncorrectState", words));
    }
    let account = account(txn)?;
    let (profile, arn) = resolve(txn, env, &account, iam_instance_profile)?;
    let association = put(txn, env, &mut instance, &profile, arn);
    let shown = views::association(&instance, &association, "associating");
    Ok(wire::AssociateIamInstanceProfileResult { iam_instance_profile_association: Some(shown) })
}

fn put(
    txn: &mut Txn,
    env: &Env<'_>,
    instance: &mut Instance,
    profile: &InstanceProfile,
    arn: String,
) -> ProfileAssociation {
    let id = ids::new("iip-assoc", env.entropy);
    let association = ProfileAssociation { id, profile: profile.id.clone(), arn, since: env.now };
    instance.profile = Some(association.clone());
    txn.put(instance);
    association
}

pub(crate) fn replace_iam_instance_profile_association(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ReplaceIamInstanceProfileAssociationRequest,
) -> Result<wire::ReplaceIamInstanceProfileAssociationResult, Ec2Error> {
    let wire::ReplaceIamInstanceProfileAssociationRequest { iam_instance_profile, association_id } = request;
    let mut instance = Instance::clone(&*find_holder(txn, association_id)?);
    let account = account(txn)?;
    let (profile, arn) = resolve(txn, env, &account, iam_instance_profile)?;
    let association = put(txn, env, &mut instance, &profile, arn);
    let shown = views::association(&instance, &association, "associating");
    Ok(wire::ReplaceIamInstanceProfileAssociationResult { iam_instance_profile_association: Some(shown) })
}

pub(crate) fn disassociate_iam_instance_profile(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DisassociateIamInstanceProfileRequest,
) -> Result<wire::DisassociateIamInstanceProfileResult, Ec2Error> {
    let wire::DisassociateIamInstanceProfileRequest { association_id } = request;
    let mut instance = Instance::clone(&*find_holder(txn, association_id)?);
    let association = instance.profile.take();
    txn.put(&instance);
    let shown = association.map(|association| views::association(&instance, &association, "disassociating"));
    Ok(wire::DisassociateIamInstanceProfileResult { iam_instance_profile_association: shown })
}

pub(crate) fn describe_iam_instance_profile_associations(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::DescribeIamInstanceProfileAssociationsRequest,
) -> Result<wire::DescribeIamInstanceProfileAssociationsResult, Ec2Error> {
    let wire::DescribeIamInstanceProfileAssociationsRequest {
        association_ids,
        filters,
        max_results,
        next_token,
    } = request;
    let account = account(txn)?;
    if let Some(absent) = association_ids.iter().find(|id| holder(&account, id).is_none()) {
        let words = format!("An invalid association-id of '{absent}' was given");
        return Err(Ec2Error::client("NoSuchAssociation", words));
    }
    let all = account.instances.iter().filter_map(|instance| {
        let association = instance.profile.as_ref()?;
        let wanted = association_ids.is_empty() || association_ids.contains(&association.id);
        let pairs = vec![("instance-id", instance.id.to_string()), ("state", "associated".to_owned())];
        wanted.then(|| Fixed::new(views::association(instance, association, "associated"), pairs))
    });
    let mut found: Vec<_> = keep(filters, all)?.into_iter().map(|fixed| fixed.value).collect();
    let key = |association: &wire::IamInstanceProfileAssociation| {
        association.association_id.clone().unwrap_or_default()
    };
    found.sort_by_key(key);
    let page = paging::take(found, *max_results, next_token.as_deref(), 5, key)?;
    Ok(wire::DescribeIamInstanceProfileAssociationsResult {
        iam_instance_profile_associations: page.items,
        next_token: page.next_token,
    })
}
