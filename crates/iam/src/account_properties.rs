//! Properties of the account: today whether its role manager is turned on.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_PutAccountProperties.html>

use std::collections::{BTreeMap, BTreeSet};

use rolecall_aws_model::iam as wire;
use rolecall_state::Txn;
use rolecall_state::entities::AccountRecord;

use crate::env::{Env, account};
use crate::error::IamError;
use crate::service_linked_roles;

/// The only namespace there is.
const ROLE_MANAGER: &str = "RoleManager";
/// Its property that counts.
const ENABLED: &str = "RoleManager/Enabled";
/// Whose service-linked role turning it on makes.
pub(crate) const SERVICE: &str = "role-manager.iam.amazonaws.com";
/// That role's name.
pub(crate) const SERVICE_ROLE: &str = "AWSServiceRoleForIAMRoleManager";

/// The namespaces of properties, which policies can ask for as `iam:AccountPropertyNamespaces`.
pub(crate) fn namespaces(properties: &BTreeMap<String, String>) -> Vec<String> {
    let names = properties.keys().map(|key| key.split('/').next().unwrap_or_default().to_owned());
    names.collect::<BTreeSet<_>>().into_iter().collect()
}

/// Whether a request would turn the role manager on, which takes leave to make its role.
pub(crate) fn turns_on(properties: &BTreeMap<String, String>) -> bool {
    properties.get(ENABLED).is_some_and(|value| value == "true")
}

pub(crate) fn get_account_properties(
    txn: &mut Txn,
    _env: &Env<'_>,
    request: &wire::GetAccountPropertiesRequest,
) -> Result<wire::GetAccountPropertiesResponse, IamError> {
    let wire::GetAccountPropertiesRequest {} = request;
    let enabled = account(txn)?.record.role_manager;
    Ok(wire::GetAccountPropertiesResponse { properties: [(ENABLED.to_owned(), enabled.to_string())].into() })
}

pub(crate) fn put_account_properties(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::PutAccountPropertiesRequest,
) -> Result<wire::PutAccountPropertiesResponse, IamError> {
    let wire::PutAccountPropertiesRequest { properties } = request;
    let enabled = wanted(properties)?;
    let gone = || IamError::NoSuchEntity("The account cannot be found.".into());
    let record = txn.read_record().ok_or_else(gone)?;
    txn.put_record(&AccountRecord { role_manager: enabled, ..AccountRecord::clone(&record) });
    // Turning it off leaves the role.
    if enabled {
        service_linked_roles::ensure(txn, env, SERVICE)?;
    }
    Ok(wire::PutAccountPropertiesResponse {})
}

/// What the properties say of the role manager. Properties of other names in its namespace count for nothing, as at
/// AWS.
fn wanted(properties: &BTreeMap<String, String>) -> Result<bool, IamError> {
    let invalid = |message: &str| Err(IamError::InvalidInput(message.to_owned()));
    let Some(first) = properties.keys().next() else {
        return invalid("Properties must not be empty");
    };
    for key in properties.keys() {
        let well_formed = key.split_once('/').is_some_and(|(namespace, name)| {
            !namespace.is_empty() && !name.is_empty() && !name.contains('/')
        });
        if !well_formed {
            return Err(IamError::InvalidInput(format!(
                "Property key must be in format Namespace/PropertyName: {key}"
            )));
        }
    }
    let namespace = first.split('/').next().unwrap_or_default();
    if namespaces(properties).len() > 1 {
        return invalid("All properties must belong to the same namespace");
    }
    if namespace != ROLE_MANAGER {
        return Err(IamError::InvalidInput(format!("Unsupported namespace: {namespace}")));
    }
    match properties.get(ENABLED).map(String::as_str) {
        None => invalid("RoleManager namespace requires Enabled property"),
        Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => invalid("Enabled must be 'true' or 'false'"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(properties: &[(&str, &str)]) -> String {
        let properties = properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        wanted(&properties).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_told_in_awss_words() {
        assert_eq!(refusal(&[("Other/Enabled", "true")]), "Unsupported namespace: Other");
        assert_eq!(refusal(&[("RoleManager/Enabled", "yes")]), "Enabled must be 'true' or 'false'");
        assert_eq!(
            refusal(&[("RoleManager/Enabled", "true"), ("Other/X", "1")]),
            "All properties must belong to the same namespace"
        );
        assert_eq!(refusal(&[("RoleManager/X", "1")]), "RoleManager namespace requires Enabled property");
        let form = "Property key must be in format Namespace/PropertyName: ";
        for key in ["RoleManager", "RoleManager/", "RoleManager/A/B"] {
            assert_eq!(refusal(&[(key, "true")]), format!("{form}{key}"));
        }
    }

    #[test]
    fn other_properties_of_the_namespace_count_for_nothing() {
        let properties = [("RoleManager/Enabled", "true"), ("RoleManager/Other", "x")];
        let properties = properties.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        assert!(wanted(&properties).unwrap());
        assert_eq!(namespaces(&properties), ["RoleManager"]);
    }
}
