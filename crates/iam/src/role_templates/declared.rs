//! Role templates as an operator declares them.

use serde::Deserialize;

use super::TemplateName;

/// A file of role templates.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeclaredFile {
    /// One for each minor version of each template.
    #[serde(default)]
    pub template: Vec<TemplateVersion>,
}

/// A minor version of a role template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TemplateVersion {
    /// `arn:aws:iam::aws:role-template/SERVICE/NAME:MAJOR`
    pub arn: String,
    /// Its minor version.
    #[serde(default = "one")]
    pub minor_version: i32,
    /// Whether it is the one that is used where none is named; else the highest is.
    #[serde(default)]
    pub default: bool,
    /// Whether roles can be made of it.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// What it is for.
    pub description: Option<String>,
    /// The name of its roles, with placeholders.
    pub role_name: String,
    /// Their path.
    pub role_path: Option<String>,
    /// Their description.
    pub role_description: Option<String>,
    /// Their trust policy.
    pub trust_policy: String,
    /// Their inline policies.
    #[serde(default)]
    pub inline_policy: Vec<InlinePolicy>,
    /// The ARNs of the managed policies that are attached to them.
    #[serde(default)]
    pub managed_policy_arns: Vec<String>,
    /// The ARN of their permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Their longest session, in seconds.
    pub max_session_duration: Option<i32>,
    /// Their tags.
    #[serde(default)]
    pub tag: Vec<TagTemplate>,
    /// The parameters.
    #[serde(default)]
    pub parameter: Vec<Parameter>,
}

/// An inline policy of a template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InlinePolicy {
    /// Its name.
    pub name: String,
    /// Its document, with placeholders.
    pub policy: String,
}

/// A tag of a template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TagTemplate {
    /// Its key, with placeholders.
    pub key: String,
    /// Its value, with placeholders.
    pub value: String,
}

/// A parameter of a template.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Of which type its values are.
    pub r#type: ParameterType,
    /// What it is for.
    pub description: Option<String>,
    /// Whether it must be given.
    #[serde(default = "yes")]
    pub required: bool,
    /// Its value where none is given.
    pub default: Option<String>,
}

/// The types that AWS has for parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
pub enum ParameterType {
    /// A text.
    String,
    /// Texts.
    StringList,
    /// A number.
    Number,
    /// Numbers.
    NumberList,
    /// An ARN.
    Arn,
    /// ARNs.
    ArnList,
}

impl ParameterType {
    /// As the API names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::String => "String",
            Self::StringList => "StringList",
            Self::Number => "Number",
            Self::NumberList => "NumberList",
            Self::Arn => "Arn",
            Self::ArnList => "ArnList",
        }
    }

    /// Whether there may be several values.
    pub(super) fn is_list(self) -> bool {
        matches!(self, Self::StringList | Self::NumberList | Self::ArnList)
    }
}

fn one() -> i32 {
    1
}

fn yes() -> bool {
    true
}

/// The role templates that there are.
#[derive(Clone, Debug, Default)]
pub struct RoleTemplates(Vec<TemplateVersion>);

impl RoleTemplates {
    /// The templates of a file.
    ///
    /// # Errors
    /// What is wrong with one of them, and with which.
    pub fn new(file: DeclaredFile) -> Result<Self, String> {
        for (at, version) in file.template.iter().enumerate() {
            let TemplateVersion { arn, minor_version, .. } = version;
            if TemplateName::parse(arn).is_none() {
                return Err(format!(
                    "{arn} is not of the form arn:aws:iam::aws:role-template/SERVICE/NAME:MAJOR"
                ));
            }
            let same = |other: &&TemplateVersion| other.arn == *arn && other.minor_version == *minor_version;
            if file.template.iter().skip(at + 1).any(|other| same(&other)) {
                return Err(format!("the minor version {minor_version} of {arn} is there twice"));
            }
            for text in
                std::iter::once(&version.trust_policy).chain(version.inline_policy.iter().map(|p| &p.policy))
            {
                serde_json::from_str::<serde::de::IgnoredAny>(text)
                    .map_err(|cause| format!("a policy of {arn} is no JSON: {cause}"))?;
            }
        }
        Ok(Self(file.template))
    }

    /// A version of a template.
    pub(super) fn version(&self, arn: &str, minor: i32) -> Option<&TemplateVersion> {
        self.0.iter().find(|version| version.arn == arn && version.minor_version == minor)
    }

    /// The minor version that is used where none is named; none when there is no such template.
    pub(super) fn default_minor(&self, arn: &str) -> Option<i32> {
        let versions = || self.0.iter().filter(|version| version.arn == arn);
        let named = versions().find(|version| version.default);
        named.map(|version| version.minor_version).or_else(|| versions().map(|v| v.minor_version).max())
    }
}
