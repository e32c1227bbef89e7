//! What role templates need permission for: looking at one, and for a role all that making it by hand would take.

use rolecall_access::{Caller, Demand};
use rolecall_aws_model::iam::{AcquireRoleRequest, CreateRoleRequest, Request};
use rolecall_state::arn;

use super::values::{Rendered, render};
use super::{RoleTemplates, find};

/// The context key for the template that a role comes from.
const TEMPLATE: &str = "iam:RoleTemplateARN";

/// What a request about role templates needs permission for; none for requests about anything else.
pub(crate) fn demands(request: &Request, caller: &Caller, templates: &RoleTemplates) -> Option<Vec<Demand>> {
    match request {
        Request::GetRoleTemplateVersion(r) => Some(vec![look(&r.template_arn)]),
        Request::AcquireRole(r) => Some(acquire(r, caller, templates)),
        _ => None,
    }
}

fn look(template: &str) -> Demand {
    Demand::new("iam:GetRoleTemplateVersion", template)
}

// Where no role can be made of the request, whoever may look at the template is told why.
fn acquire(request: &AcquireRoleRequest, caller: &Caller, templates: &RoleTemplates) -> Vec<Demand> {
    let arn = request.template_arn.as_str();
    let mut demands = vec![look(arn)];
    let version = find(templates, arn, request.template_minor_version);
    let Ok(Rendered { request, inline, managed }) =
        version.and_then(|version| render(version, &request.replacement_values, caller.account))
    else {
        return demands;
    };
    let CreateRoleRequest { path, role_name, permissions_boundary, tags, .. } = request;
    let role = arn::iam(caller.partition, caller.account, "role", path.as_deref().unwrap_or("/"), &role_name);
    let boundary = permissions_boundary.as_deref();
    let about = |action: &'static str| {
        Demand::new(action, role.clone()).with(TEMPLATE, arn).with_option("iam:PermissionsBoundary", boundary)
    };
    let tagged = |demand: Demand| {
        demand.with_request_tags(tags.iter().map(|tag| (tag.key.as_str(), tag.value.as_str())))
    };
    demands.push(tagged(about("iam:CreateRole")));
    if !tags.is_empty() {
        demands.push(tagged(about("iam:TagRole")));
    }
    if !inline.is_empty() {
        demands.push(about("iam:PutRolePolicy"));
    }
    demands.extend(
        managed.iter().map(|policy| about("iam:AttachRolePolicy").with("iam:PolicyARN", policy.as_str())),
    );
    if boundary.is_some() {
        demands.push(about("iam:PutRolePermissionsBoundary"));
    }
    demands.push(about("iam:GetRole"));
    demands
}
