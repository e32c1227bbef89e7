//! Service-linked roles: made for a service, which alone may change them.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>

use rolecall_aws_model::iam as wire;
use rolecall_managed_policies as aws_managed;
use rolecall_state::entities::{Format, Role};
use rolecall_state::{IdKind, PolicyRef, Txn, UniqueId, Uuid, arn};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::{account_properties, roles, views};

/// A service that has a role of its own: its principal, the role's name behind
/// `AWSServiceRoleFor`, the role's policy, and whether a suffix may tell several roles apart.
struct Linked {
    service: &'static str,
    name: &'static str,
    policy: &'static str,
    takes_suffix: bool,
}

const fn linked(service: &'static str, name: &'static str, policy: &'static str) -> Linked {
    Linked { service, name, policy, takes_suffix: false }
}

// FIDELITY: AWS has some two hundred; these are those whose names are on the public record in its
// user guides and that declarations commonly make. Another is refused, never guessed.
const LINKED: &[Linked] = &[
    Linked {
        takes_suffix: true,
        ..linked("autoscaling.amazonaws.com", "AutoScaling", "AutoScalingServiceRolePolicy")
    },
    linked("config.amazonaws.com", "Config", "AWSConfigServiceRolePolicy"),
    linked("ecs.amazonaws.com", "ECS", "AmazonECSServiceRolePolicy"),
    linked("eks.amazonaws.com", "AmazonEKS", "AmazonEKSServiceRolePolicy"),
    linked("elasticbeanstalk.amazonaws.com", "ElasticBeanstalk", "AWSElasticBeanstalkServiceRolePolicy"),
    linked(
        "elasticloadbalancing.amazonaws.com",
        "ElasticLoadBalancing",
        "AWSElasticLoadBalancingServiceRolePolicy",
    ),
    linked("es.amazonaws.com", "AmazonElasticsearchService", "AmazonElasticsearchServiceRolePolicy"),
    linked("opensearchservice.amazonaws.com", "AmazonOpenSearchService", "AmazonOpenSearchServiceRolePolicy"),
    linked("rds.amazonaws.com", "RDS", "AmazonRDSServiceRolePolicy"),
    linked(account_properties::SERVICE, "IAMRoleManager", "AWSIAMRoleManagerServiceRolePolicy"),
    linked("spot.amazonaws.com", "EC2Spot", "AWSEC2SpotServiceRolePolicy"),
    linked("access-analyzer.amazonaws.com", "AccessAnalyzer", "AccessAnalyzerServiceRolePolicy"),
    linked("backup.amazonaws.com", "Backup", "AWSBackupServiceLinkedRolePolicyForBackup"),
    linked("batch.amazonaws.com", "Batch", "BatchServiceRolePolicy"),
    linked(
        "cks.kms.amazonaws.com",
        "KeyManagementServiceCustomKeyStores",
        "AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy",
    ),
    linked("cloudtrail.amazonaws.com", "CloudTrail", "CloudTrailServiceRolePolicy"),
    linked("dax.amazonaws.com", "DAX", "DAXServiceRolePolicy"),
    linked(
        "dynamodb.application-autoscaling.amazonaws.com",
        "ApplicationAutoScaling_DynamoDBTable",
        "AWSApplicationAutoscalingDynamoDBTablePolicy",
    ),
    linked(
        "ecs.application-autoscaling.amazonaws.com",
        "ApplicationAutoScaling_ECSService",
        "AWSApplicationAutoscalingECSServicePolicy",
    ),
    linked("eks-fargate.amazonaws.com", "AmazonEKSForFargate", "AmazonEKSForFargateServiceRolePolicy"),
    linked("eks-nodegroup.amazonaws.com", "AmazonEKSNodegroup", "AWSServiceRoleForAmazonEKSNodegroup"),
    linked("elasticache.amazonaws.com", "ElastiCache", "ElastiCacheServiceRolePolicy"),
    linked("fsx.amazonaws.com", "AmazonFSx", "AmazonFSxServiceRolePolicy"),
    linked("guardduty.amazonaws.com", "AmazonGuardDuty", "AmazonGuardDutyServiceRolePolicy"),
    linked("inspector.amazonaws.com", "AmazonInspector", "AmazonInspectorServiceRolePolicy"),
    linked("inspector2.amazonaws.com", "AmazonInspector2", "AmazonInspector2ServiceRolePolicy"),
    linked("kafka.amazonaws.com", "Kafka", "KafkaServiceRolePolicy"),
    linked(
        "lakeformation.amazonaws.com",
        "LakeFormationDataAccess",
        "LakeFormationDataAccessServiceRolePolicy",
    ),
    linked("macie.amazonaws.com", "AmazonMacie", "AmazonMacieServiceRolePolicy"),
    linked("ops.apigateway.amazonaws.com", "APIGateway", "APIGatewayServiceRolePolicy"),
    linked("organizations.amazonaws.com", "Organizations", "AWSOrganizationsServiceTrustPolicy"),
    linked(
        "replication.dynamodb.amazonaws.com",
        "DynamoDBReplication",
        "DynamoDBReplicationServiceRolePolicy",
    ),
    linked("replicator.lambda.amazonaws.com", "LambdaReplicator", "AWSLambdaReplicator"),
    linked("securityhub.amazonaws.com", "SecurityHub", "AWSSecurityHubServiceRolePolicy"),
    linked("spotfleet.amazonaws.com", "EC2SpotFleet", "AWSEC2SpotFleetServiceRolePolicy"),
    linked("ssm.amazonaws.com", "AmazonSSM", "AmazonSSMServiceRolePolicy"),
    linked("sso.amazonaws.com", "SSO", "AWSSSOServiceRolePolicy"),
    linked("support.amazonaws.com", "Support", "AWSSupportServiceRolePolicy"),
    linked("transitgateway.amazonaws.com", "VPCTransitGateway", "AWSVPCTransitGatewayServiceRolePolicy"),
    linked("trustedadvisor.amazonaws.com", "TrustedAdvisor", "AWSTrustedAdvisorServiceRolePolicy"),
];

/// What a deletion task's id starts with.
const TASK: &str = "task/";

fn find(service: &str) -> Result<(&'static Linked, String), IamError> {
    let invalid =
        || IamError::InvalidInput(format!("Service Linked Role is not supported for the service {service}."));
    let found = LINKED.iter().find(|linked| linked.service == service).ok_or_else(invalid)?;
    let policy = format!("aws-service-role/{}", found.policy);
    let arn = arn::aws_managed_policy(rolecall_state::Partition::Aws, &policy);
    aws_managed::find(&arn).ok_or_else(invalid)?;
    Ok((found, policy))
}

pub(crate) fn create_service_linked_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::CreateServiceLinkedRoleRequest,
) -> Result<wire::CreateServiceLinkedRoleResponse, IamError> {
    let wire::CreateServiceLinkedRoleRequest { aws_service_name: service, description, custom_suffix } =
        request;
    let (linked, policy) = find(service)?;
    let mut name = format!("AWSServiceRoleFor{}", linked.name);
    if let Some(suffix) = custom_suffix {
        if !linked.takes_suffix {
            return Err(IamError::InvalidInput(format!("Custom suffix is not allowed for {service}")));
        }
        name = format!("{name}_{suffix}");
    }
    if txn.read(|a| &a.roles, &name).is_some() {
        let message = format!(
            "Service role name {name} has been taken in this account, please try a different suffix."
        );
        return Err(IamError::InvalidInput(message));
    }
    if account(txn)?.roles.len() >= env.quotas.roles {
        return Err(IamError::quota("RolesPerAccount", env.quotas.roles));
    }
    let role = made(env, service, name, Some(PolicyRef::Aws(policy.into())), description.clone());
    txn.put(&role);
    let shown = views::role(env, &*account(txn)?, &role, views::Detail::Created);
    Ok(wire::CreateServiceLinkedRoleResponse { role: Some(shown) })
}

/// Makes the role of a service that needs it now, unless it is there.
pub(crate) fn ensure(txn: &mut Txn, env: &Env<'_>, service: &str) -> Result<(), IamError> {
    let Some(linked) = LINKED.iter().find(|linked| linked.service == service) else { return Ok(()) };
    let name = format!("AWSServiceRoleFor{}", linked.name);
    if let Some(there) = txn.read(|a| &a.roles, &name) {
        return match there.linked_service.as_deref() == Some(service) {
            true => Ok(()),
            false => Err(IamError::already("Role", &name)),
        };
    }
    if account(txn)?.roles.len() >= env.quotas.roles {
        return Err(IamError::quota("RolesPerAccount", env.quotas.roles));
    }
    // FIDELITY: the role's policy is newer than the policies that are known here. Where it is not known, the role has
    // none, and nothing here acts by it.
    let policy = find(service).ok().map(|(_, policy)| PolicyRef::Aws(policy.into()));
    txn.put(&made(env, service, name, policy, None));
    Ok(())
}

fn made(
    env: &Env<'_>,
    service: &str,
    name: String,
    policy: Option<PolicyRef>,
    description: Option<String>,
) -> Role {
    Role {
        v: Format,
        id: UniqueId::generate(IdKind::Role, env.entropy),
        name,
        path: format!("/aws-service-role/{service}/"),
        created: env.now,
        description,
        max_session_seconds: 3_600,
        trust_policy: trust_policy(service).into(),
        trust_bindings: Default::default(),
        tags: Default::default(),
        boundary: None,
        inline: Default::default(),
        attached: policy.into_iter().collect(),
        linked_service: Some(service.to_owned()),
        source: None,
    }
}

fn trust_policy(service: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":{{"Service":"{service}"}},"Action":"sts:AssumeRole"}}]}}"#
    )
}

pub(crate) fn delete_service_linked_role(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::DeleteServiceLinkedRoleRequest,
) -> Result<wire::DeleteServiceLinkedRoleResponse, IamError> {
    let wire::DeleteServiceLinkedRoleRequest { role_name } = request;
    let role = roles::find(txn, role_name)?;
    let Some(service) = &role.linked_service else {
        return Err(IamError::InvalidInput(format!("The role {role_name} is not a service-linked role.")));
    };
    // No service here uses its role, so a task is over as soon as it is begun.
    txn.require_unreferenced(&role.id);
    txn.forget_last_use(role.id.as_str());
    txn.delete(&*role.value);
    let deletion_task_id =
        format!("{TASK}aws-service-role/{service}/{}/{}", role.name, Uuid::random(env.entropy));
    Ok(wire::DeleteServiceLinkedRoleResponse { deletion_task_id })
}

pub(crate) fn get_service_linked_role_deletion_status(
    _txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetServiceLinkedRoleDeletionStatusRequest,
) -> Result<wire::GetServiceLinkedRoleDeletionStatusResponse, IamError> {
    let wire::GetServiceLinkedRoleDeletionStatusRequest { deletion_task_id } = request;
    let parts: Vec<&str> = deletion_task_id.split('/').collect();
    let absent = || IamError::NoSuchEntity(format!("The deletion task {deletion_task_id} cannot be found."));
    let ["task", "aws-service-role", service, name, uuid] = parts.as_slice() else { return Err(absent()) };
    // Task ids are not kept: one is taken for what its form says, and every task was over when it began.
    let known = find(service).is_ok() && uuid.len() == 36;
    if !known || !name.starts_with("AWSServiceRoleFor") {
        return Err(absent());
    }
    Ok(wire::GetServiceLinkedRoleDeletionStatusResponse { status: "SUCCEEDED".into(), reason: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_service_has_its_policy_and_is_there_once() {
        for (at, linked) in LINKED.iter().enumerate() {
            let (_, policy) = find(linked.service).unwrap();
            assert_eq!(policy, format!("aws-service-role/{}", linked.policy));
            assert!(LINKED.iter().take(at).all(|earlier| earlier.service != linked.service));
        }
    }
}
