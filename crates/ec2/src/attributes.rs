//! Single attributes of an instance.

use rolecall_aws_model::ec2 as wire;
use rolecall_state::entities::{Instance, InstanceState};
use rolecall_state::{Secret, Txn};

use crate::env::Env;
use crate::error::Ec2Error;
use crate::instances::find;
use crate::{images, user_data, views};

fn truth(value: bool) -> Option<wire::AttributeBooleanValue> {
    Some(wire::AttributeBooleanValue { value: Some(value) })
}

fn text(value: impl Into<String>) -> Option<wire::AttributeValue> {
    Some(wire::AttributeValue { value: Some(value.into()) })
}

pub(crate) fn describe_instance_attribute(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DescribeInstanceAttributeRequest,
) -> Result<wire::InstanceAttribute, Ec2Error> {
    let wire::DescribeInstanceAttributeRequest { dry_run: _, instance_id, attribute } = request;
    let instance = find(txn, instance_id)?;
    let mut shown = wire::InstanceAttribute { instance_id: Some(instance_id.clone()), ..Default::default() };
    match attribute.as_str() {
        "disableApiTermination" => shown.disable_api_termination = truth(instance.termination_protected),
        "disableApiStop" => shown.disable_api_stop = truth(instance.stop_protected),
        "ebsOptimized" => shown.ebs_optimized = truth(false),
        "enaSupport" => shown.ena_support = truth(true),
        "sourceDestCheck" => shown.source_dest_check = truth(true),
        "instanceType" => shown.instance_type = text(instance.instance_type.clone()),
        "rootDeviceName" => shown.root_device_name = text(views::ROOT_DEVICE),
        "instanceInitiatedShutdownBehavior" => {
            let behaviour = if instance.terminates_itself { "terminate" } else { "stop" };
            shown.instance_initiated_shutdown_behavior = text(behaviour);
        }
        "userData" => {
            let encoded = user_data::encoded(&instance, txn.snapshot());
            let value = encoded.as_ref().and_then(Secret::expose_str).map(str::to_owned);
            shown.user_data = Some(wire::AttributeValue { value });
        }
        "groupSet" => {
            let id = env.places().security_group;
            shown.groups =
                vec![wire::GroupIdentifier { group_id: Some(id), group_name: Some("default".into()) }];
        }
        "blockDeviceMapping" => {
            shown.block_device_mappings = views::instance(env, &instance).block_device_mappings
        }
        "kernel" | "ramdisk" | "productCodes" | "sriovNetSupport" | "enclaveOptions" => {}
        other => return Err(Ec2Error::value(other, "attribute", "Unknown attribute.")),
    }
    Ok(shown)
}

/// What a request changes, whether it names the attribute or has a member of its own for it.
struct Wanted<'a> {
    instance_type: Option<&'a str>,
    user_data: Option<String>,
    behaviour: Option<&'a str>,
    termination_protected: Option<bool>,
    stop_protected: Option<bool>,
}

impl<'a> Wanted<'a> {
    fn of(request: &'a wire::ModifyInstanceAttributeRequest) -> Result<Self, Ec2Error> {
        let named = |name: &str| request.attribute.as_deref() == Some(name);
        let value = request.value.as_ref().map(|value| value.expose());
        let member =
            |member: &'a Option<wire::AttributeValue>| member.as_ref().and_then(|m| m.value.as_deref());
        let flag = |member: &Option<wire::AttributeBooleanValue>| member.as_ref().and_then(|m| m.value);
        let truth = |name: &str| {
            if named(name) { value.map(|value| value.eq_ignore_ascii_case("true")) } else { None }
        };
        if let Some(other) = request.attribute.as_deref()
            && ![
                "instanceType",
                "userData",
                "instanceInitiatedShutdownBehavior",
                "disableApiTermination",
                "disableApiStop",
            ]
            .contains(&other)
        {
            return Err(Ec2Error::unsupported(&format!("ModifyInstanceAttribute of {other}")));
        }
        let user_data = request.user_data.as_ref().and_then(|data| data.value.as_ref());
        Ok(Self {
            instance_type: member(&request.instance_type).or(value.filter(|_| named("instanceType"))),
            user_data: match user_data {
                Some(bytes) => Some(encode(bytes)),
                None => value.filter(|_| named("userData")).map(str::to_owned),
            },
            behaviour: member(&request.instance_initiated_shutdown_behavior)
                .or(value.filter(|_| named("instanceInitiatedShutdownBehavior"))),
            termination_protected: flag(&request.disable_api_termination).or(truth("disableApiTermination")),
            stop_protected: flag(&request.disable_api_stop).or(truth("disableApiStop")),
        })
    }
}

fn encode(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

pub(crate) fn modify_instance_attribute(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::ModifyInstanceAttributeRequest,
) -> Result<wire::ModifyInstanceAttributeResponse, Ec2Error> {
    let wanted = Wanted::of(request)?;
    let mut instance = Instance::clone(&*find(txn, &request.instance_id)?);
    let stopped = |what: &str| match instance.state {
        InstanceState::Stopped => Ok(()),
        _ => Err(Ec2Error::client(
            "IncorrectInstanceState",
            format!("The instance '{}' must be stopped to change its {what}.", request.instance_id),
        )),
    };
    if let Some(instance_type) = wanted.instance_type {
        stopped("instance type")?;
        images::check_type(instance_type)?;
        instance.instance_type = instance_type.to_owned();
    }
    if let Some(data) = wanted.user_data {
        match instance.state {
            InstanceState::Stopped => {}
            _ => {
                return Err(Ec2Error::client(
                    "IncorrectInstanceState",
                    format!(
                        "The instance '{}' must be stopped to change its user data.",
                        request.instance_id
                    ),
                ));
            }
        }
        instance.user_data = match data.is_empty() {
            true => None,
            false => Some(user_data::seal(&data, &instance.id, txn.master(), env.entropy)?),
        };
    }
    if let Some(behaviour) = wanted.behaviour {
        instance.terminates_itself = match behaviour {
            "terminate" => true,
            "stop" => false,
            other => return Err(Ec2Error::value(other, "instanceInitiatedShutdownBehavior", "")),
        };
    }
    if let Some(protected) = wanted.termination_protected {
        instance.termination_protected = protected;
    }
    if let Some(protected) = wanted.stop_protected {
        instance.stop_protected = protected;
    }
    let group = env.places().security_group;
    if let Some(other) = request.groups.iter().find(|id| **id != group) {
        return Err(Ec2Error::client(
            "InvalidGroup.NotFound",
            format!("The security group '{other}' does not exist"),
        ));
    }
    txn.put(&instance);
    Ok(wire::ModifyInstanceAttributeResponse {})
}
