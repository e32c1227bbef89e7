//! Role templates: roles with parameters, of which `AcquireRole` makes one.
//!
//! AWS's services have some hundred, whose contents are published nowhere; here the operator declares them.
//!
//! <https://docs.aws.amazon.com/IAM/latest/APIReference/API_AcquireRole.html>

mod acquire;
mod declared;
mod demands;
mod values;
mod views;

use rolecall_state::arn::ArnParts;

pub(crate) use acquire::acquire_role;
pub use declared::{DeclaredFile, RoleTemplates, TemplateVersion};
pub(crate) use demands::demands;
pub(crate) use views::get_role_template_version;

use crate::error::IamError;

/// What the ARN of a template says: whose it is, its name and its major version.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TemplateName {
    service: String,
    name: String,
    major: i32,
}

impl TemplateName {
    /// `arn:aws:iam::aws:role-template/SERVICE/NAME:MAJOR`
    fn parse(arn: &str) -> Option<Self> {
        let parts = ArnParts::parse(arn).filter(|parts| parts.service == "iam" && parts.account == "aws")?;
        let (service, rest) = parts.resource.strip_prefix("role-template/")?.split_once('/')?;
        let (name, major) = rest.split_once(':')?;
        let named = !service.is_empty() && !name.is_empty() && !name.contains('/');
        let major = major.parse().ok().filter(|major| *major > 0)?;
        named.then(|| Self { service: service.to_owned(), name: name.to_owned(), major })
    }
}

/// The version of a template that is asked for: the default where nothing is said.
// FIDELITY: the messages are not AWS's, which are not documented.
fn find<'t>(
    templates: &'t RoleTemplates,
    arn: &str,
    minor: Option<i32>,
) -> Result<&'t TemplateVersion, IamError> {
    if TemplateName::parse(arn).is_none() {
        return Err(IamError::InvalidInput(format!("Invalid role template ARN: {arn}")));
    }
    let minor = match minor {
        Some(minor) => minor,
        None => templates.default_minor(arn).ok_or_else(|| absent(arn))?,
    };
    let found = templates.version(arn, minor);
    found.ok_or_else(|| match templates.default_minor(arn) {
        None => absent(arn),
        Some(_) => IamError::NoSuchEntity(format!("The role template {arn} has no minor version {minor}.")),
    })
}

fn absent(arn: &str) -> IamError {
    IamError::NoSuchEntity(format!("The role template {arn} cannot be found."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_is_named_by_service_name_and_major_version() {
        let parsed =
            TemplateName::parse("arn:aws:iam::aws:role-template/iam.amazonaws.com/PowerUser:1").unwrap();
        assert_eq!(
            (parsed.service.as_str(), parsed.name.as_str(), parsed.major),
            ("iam.amazonaws.com", "PowerUser", 1)
        );
        for other in [
            "arn:aws:iam::123456789012:role-template/iam.amazonaws.com/PowerUser:1",
            "arn:aws:iam::aws:role-template/iam.amazonaws.com/PowerUser",
            "arn:aws:iam::aws:role-template/iam.amazonaws.com/PowerUser:0",
            "arn:aws:iam::aws:role-template/PowerUser:1",
            "arn:aws:iam::aws:policy/iam.amazonaws.com/PowerUser:1",
        ] {
            assert_eq!(TemplateName::parse(other), None, "{other}");
        }
    }
}
