//! How role templates look in answers.

use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;

use super::declared::{Parameter, TemplateVersion};
use super::{TemplateName, find};
use crate::documents::encode;
use crate::env::Env;
use crate::error::IamError;

pub(crate) fn get_role_template_version(
    _txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetRoleTemplateVersionRequest,
) -> Result<wire::GetRoleTemplateVersionResponse, IamError> {
    let wire::GetRoleTemplateVersionRequest { template_arn, minor_version } = request;
    let version = find(env.role_templates, template_arn, *minor_version)?;
    let default = env.role_templates.default_minor(template_arn);
    Ok(wire::GetRoleTemplateVersionResponse { role_template_version: shown(version, default) })
}

fn shown(version: &TemplateVersion, default_minor_version: Option<i32>) -> wire::RoleTemplateVersion {
    let name = TemplateName::parse(&version.arn);
    let inline = version.inline_policy.iter().map(|policy| wire::InlinePolicy {
        policy_name: policy.name.clone(),
        policy_document: encode(&policy.policy),
    });
    let tags =
        version.tag.iter().map(|tag| wire::TagTemplate { key: tag.key.clone(), value: tag.value.clone() });
    wire::RoleTemplateVersion {
        template_arn: Some(version.arn.clone()),
        template_name: name.as_ref().map(|name| name.name.clone()),
        // What AWS gives an id here is a file's line.
        template_version_id: None,
        description: version.description.clone(),
        major_version: name.as_ref().map(|name| name.major),
        default_minor_version,
        managed_by_type: Some("Service".to_owned()),
        managed_by_value: name.map(|name| name.service),
        enabled: Some(version.enabled),
        minor_version: Some(version.minor_version),
        role_name_pattern: Some(version.role_name.clone()),
        role_path_pattern: Some(version.role_path.clone().unwrap_or_else(|| "/".to_owned())),
        role_description_pattern: version.role_description.clone(),
        assume_role_policy_document_template: Some(encode(&version.trust_policy)),
        inline_policy_templates: inline.collect(),
        managed_policy_arns: version.managed_policy_arns.clone(),
        permission_boundary_arn: version.permissions_boundary.clone(),
        parameters_definition: version.parameter.iter().map(parameter).collect(),
        role_tags_template: tags.collect(),
        max_session_duration: version.max_session_duration,
        version_enabled: Some(version.enabled),
        create_timestamp: None,
        update_timestamp: None,
    }
}

fn parameter(parameter: &Parameter) -> wire::ParameterDefinition {
    wire::ParameterDefinition {
        name: parameter.name.clone(),
        r#type: parameter.r#type.as_str().to_owned(),
        sub_type: None,
        description: parameter.description.clone(),
        is_required: Some(parameter.required),
        default_value: parameter.default.clone(),
        immutable: None,
    }
}
