//! A role as a template and the values of its parameters make it.

use std::collections::BTreeMap;

use rolecall_aws_model::iam as wire;
use rolecall_state::AccountId;
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::DelegationParameter;

use super::declared::{Parameter, ParameterType, TemplateVersion};
use crate::delegation::{fill_document, fill_text};
use crate::error::IamError;

/// The parameter that is the caller's account where it is not given.
const ACCOUNT: &str = "accountId";

/// A role that is to be made.
pub(super) struct Rendered {
    /// As `CreateRole` would be asked for it.
    pub(super) request: wire::CreateRoleRequest,
    /// Its inline policies.
    pub(super) inline: Vec<(String, String)>,
    /// The ARNs of its managed policies.
    pub(super) managed: Vec<String>,
}

fn invalid(message: String) -> IamError {
    IamError::InvalidInput(message)
}

/// Puts the values in.
pub(super) fn render(
    version: &TemplateVersion,
    given: &BTreeMap<String, wire::ReplacementValueEntry>,
    account: AccountId,
) -> Result<Rendered, IamError> {
    let values = values(version, given, account)?;
    let text = |text: &str| fill_text(text, &values).map_err(|cause| invalid(cause.to_string()));
    let document = |text: &str| fill_document(text, &values).map_err(|cause| invalid(cause.to_string()));
    let optional = |text_: &Option<String>| text_.as_deref().map(text).transpose();
    let role_name = text(&version.role_name)?;
    check_name(&role_name)?;
    let path = optional(&version.role_path)?;
    let tags = version.tag.iter().map(|tag| Ok(wire::Tag { key: text(&tag.key)?, value: text(&tag.value)? }));
    let inline = version.inline_policy.iter().map(|one| Ok((one.name.clone(), document(&one.policy)?)));
    Ok(Rendered {
        request: wire::CreateRoleRequest {
            path,
            role_name,
            assume_role_policy_document: document(&version.trust_policy)?,
            description: optional(&version.role_description)?,
            max_session_duration: version.max_session_duration,
            permissions_boundary: optional(&version.permissions_boundary)?,
            tags: tags.collect::<Result<_, IamError>>()?,
        },
        inline: inline.collect::<Result<_, IamError>>()?,
        managed: version.managed_policy_arns.iter().map(|arn| text(arn)).collect::<Result<_, _>>()?,
    })
}

fn check_name(name: &str) -> Result<(), IamError> {
    let letters = |byte: u8| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte);
    match (1..=64).contains(&name.len()) && name.bytes().all(letters) {
        true => Ok(()),
        false => Err(invalid(format!(
            "The role name {name} that comes of the template is not one that a role can have."
        ))),
    }
}

fn values(
    version: &TemplateVersion,
    given: &BTreeMap<String, wire::ReplacementValueEntry>,
    account: AccountId,
) -> Result<Vec<DelegationParameter>, IamError> {
    let known = |name: &str| version.parameter.iter().any(|parameter| parameter.name == name);
    if let Some(unknown) = given.keys().find(|name| !known(name)) {
        return Err(invalid(format!("The role template has no parameter {unknown}.")));
    }
    let mut values = Vec::with_capacity(version.parameter.len());
    for parameter in &version.parameter {
        let of_account = (parameter.name == ACCOUNT).then(|| account.to_string());
        let default = parameter.default.clone().or(of_account).map(|value| vec![value]);
        let found = given.get(&parameter.name).map(|entry| entry.values.clone()).or(default);
        let Some(found) = found else {
            if parameter.required {
                return Err(invalid(format!(
                    "The role template needs a value for the parameter {}.",
                    parameter.name
                )));
            }
            values.push(one(parameter, vec![String::new()]));
            continue;
        };
        check(parameter, &found)?;
        values.push(one(parameter, found));
    }
    Ok(values)
}

fn one(parameter: &Parameter, values: Vec<String>) -> DelegationParameter {
    DelegationParameter { name: parameter.name.clone(), values, list: parameter.r#type.is_list() }
}

fn check(parameter: &Parameter, values: &[String]) -> Result<(), IamError> {
    let Parameter { name, r#type, .. } = parameter;
    if values.is_empty() || (!r#type.is_list() && values.len() > 1) {
        return Err(invalid(format!("The parameter {name} must have exactly one value.")));
    }
    let fits = |value: &String| match r#type {
        ParameterType::String | ParameterType::StringList => true,
        ParameterType::Number | ParameterType::NumberList => value.parse::<f64>().is_ok_and(f64::is_finite),
        ParameterType::Arn | ParameterType::ArnList => ArnParts::parse(value).is_some(),
    };
    match values.iter().find(|value| !fits(value)) {
        Some(value) => Err(invalid(format!(
            "The value {value} of the parameter {name} is not of type {}.",
            r#type.as_str()
        ))),
        None => Ok(()),
    }
}
