//! What each operation needs permission for.

use rolecall_access::{Caller, Demand};
use rolecall_aws_model::sts::Request;
use rolecall_state::{Snapshot, arn};

use crate::error::StsError;
use crate::mfa::SecondFactor;
use crate::{assume_role, assume_root, outbound_token};

/// What `request` needs permission for.
///
/// # Errors
/// When a trust policy can't be evaluated.
pub fn demands(
    request: &Request,
    caller: &Caller,
    snapshot: &Snapshot,
    second_factor: Option<SecondFactor>,
) -> Result<Vec<Demand>, StsError> {
    let action = request.operation().action();
    Ok(match request {
        Request::AssumeRole(r) => assume_role::demands(r, caller, snapshot, second_factor)?,
        Request::AssumeRoot(r) => assume_root::demands(r, caller, snapshot)?,
        Request::GetWebIdentityToken(r) => outbound_token::demands(r),
        Request::GetFederationToken(r) => {
            let resource = arn::federated_user(caller.partition, caller.account, &r.name);
            let tags = || r.tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str()));
            let mut demands = vec![Demand::new(action, resource.clone()).with_request_tags(tags())];
            if !r.tags.is_empty() {
                demands.push(Demand::new("sts:TagSession", resource).with_request_tags(tags()));
            }
            demands
        }
        _ => vec![Demand::new(action, "*")],
    })
}
