//! The sessions that instances get: EC2 assumes the role of their profile for them.

use std::sync::Arc;

use futures::future::BoxFuture;
use rolecall_access::RequestFacts;
use rolecall_imds::{CredentialFailure, CredentialRequest, CredentialSource, RoleCredentials};
use rolecall_server::{Endpoint, ServiceCall};
use rolecall_state::{Partition, arn};
use rolecall_sts::{ServiceSession, StsError, assume_for_service};
use zeroize::Zeroizing;

use crate::world::{find, system_time};

/// Who assumes roles for instances.
const SERVICE: &str = "ec2.amazonaws.com";

/// Sessions of the roles of instances.
pub(crate) struct Sessions {
    pub(crate) endpoint: Arc<Endpoint>,
    pub(crate) seconds: i64,
}

impl CredentialSource for Sessions {
    fn credentials<'a>(
        &'a self,
        request: CredentialRequest<'a>,
    ) -> BoxFuture<'a, Result<RoleCredentials, CredentialFailure>> {
        Box::pin(std::future::ready(self.assume(&request)))
    }
}

impl Sessions {
    fn assume(&self, request: &CredentialRequest<'_>) -> Result<RoleCredentials, CredentialFailure> {
        let state = self.endpoint.state();
        if !state.is_following() {
            return Err(CredentialFailure::Internal("this node does not follow its store".to_owned()));
        }
        let (snapshot, now) = (state.snapshot(), self.endpoint.now());
        let instance = request.instance;
        let (account, _) = find(&snapshot, &instance.instance_id).ok_or(CredentialFailure::NoSuchRole)?;
        let role = account.roles.get(request.role_name).ok_or(CredentialFailure::NoSuchRole)?;
        let partition = Partition::of_region(&instance.region);
        let facts = RequestFacts {
            now,
            source_ip: None,
            user_agent: Some(SERVICE.into()),
            referer: None,
            secure_transport: true,
            region: instance.region.as_str().into(),
        };
        let asked = ServiceSession {
            service: SERVICE,
            account,
            role,
            partition,
            name: &instance.instance_id,
            seconds: self.seconds,
            context: context(request),
        };
        let (made, evidence) = assume_for_service(asked, &facts, &snapshot, self.endpoint.entropy());
        let error = made.as_ref().err().map(|error| ("AccessDenied", error.to_string()));
        self.endpoint.record_service_call(ServiceCall {
            at: now,
            service: "sts",
            operation: "AssumeRole",
            invoked_by: SERVICE,
            error,
            evidence,
        });
        let made = made.map_err(|error| match error {
            StsError::AccessDenied(_) => CredentialFailure::Unauthorized,
            other => CredentialFailure::Internal(other.to_string()),
        })?;
        let text = |secret: &rolecall_state::Secret| {
            Zeroizing::new(secret.expose_str().unwrap_or_default().to_owned())
        };
        Ok(RoleCredentials {
            access_key_id: made.access_key_id.to_string(),
            secret_access_key: text(&made.secret_access_key),
            session_token: text(&made.session_token),
            expiration: system_time(made.expiration),
            role_arn: arn::iam(partition, account.id(), "role", &role.path, &role.name),
        })
    }
}

/// What requests with these credentials carry.
///
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>
fn context(request: &CredentialRequest<'_>) -> Vec<(String, Vec<String>)> {
    let instance = request.instance;
    let source = format!(
        "arn:{}:ec2:{}:{}:instance/{}",
        instance.partition, instance.region, instance.account_id, instance.instance_id
    );
    let keys = [
        ("ec2:RoleDelivery", request.delivery.as_str().to_owned()),
        ("ec2:SourceInstanceARN", source),
        ("aws:Ec2InstanceSourceVpc", instance.network.vpc_id.clone()),
        ("aws:Ec2InstanceSourcePrivateIPv4", instance.network.private_ip.to_string()),
    ];
    keys.into_iter().map(|(key, value)| (key.to_owned(), vec![value])).collect()
}
