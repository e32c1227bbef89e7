//! The form of an answer, as the AWS CLI and the SDKs print it.

use rolecall_aws_model::Timestamp;
use serde::de::{Error, Unexpected};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// The whole answer; of a paged one all pages joined, as the CLI does.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Answer {
    #[serde(default)]
    pub(crate) user_detail_list: Vec<UserDetail>,
    #[serde(default)]
    pub(crate) group_detail_list: Vec<GroupDetail>,
    #[serde(default)]
    pub(crate) role_detail_list: Vec<RoleDetail>,
    #[serde(default)]
    pub(crate) policies: Vec<PolicyDetail>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct UserDetail {
    pub(crate) user_name: String,
    pub(crate) user_id: String,
    pub(crate) arn: String,
    #[serde(default = "root")]
    pub(crate) path: String,
    pub(crate) create_date: Date,
    #[serde(default)]
    pub(crate) user_policy_list: Vec<Inline>,
    #[serde(default)]
    pub(crate) group_list: Vec<String>,
    #[serde(default)]
    pub(crate) attached_managed_policies: Vec<Attached>,
    pub(crate) permissions_boundary: Option<Boundary>,
    #[serde(default)]
    pub(crate) tags: Vec<KeyAndValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct GroupDetail {
    pub(crate) group_name: String,
    pub(crate) group_id: String,
    pub(crate) arn: String,
    #[serde(default = "root")]
    pub(crate) path: String,
    pub(crate) create_date: Date,
    #[serde(default)]
    pub(crate) group_policy_list: Vec<Inline>,
    #[serde(default)]
    pub(crate) attached_managed_policies: Vec<Attached>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct RoleDetail {
    pub(crate) role_name: String,
    pub(crate) role_id: String,
    pub(crate) arn: String,
    #[serde(default = "root")]
    pub(crate) path: String,
    pub(crate) create_date: Date,
    pub(crate) assume_role_policy_document: Box<RawValue>,
    #[serde(default)]
    pub(crate) role_policy_list: Vec<Inline>,
    #[serde(default)]
    pub(crate) attached_managed_policies: Vec<Attached>,
    #[serde(default)]
    pub(crate) instance_profile_list: Vec<Profile>,
    pub(crate) permissions_boundary: Option<Boundary>,
    #[serde(default)]
    pub(crate) tags: Vec<KeyAndValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct PolicyDetail {
    pub(crate) policy_name: String,
    pub(crate) policy_id: String,
    pub(crate) arn: String,
    #[serde(default = "root")]
    pub(crate) path: String,
    pub(crate) description: Option<String>,
    pub(crate) default_version_id: String,
    pub(crate) create_date: Date,
    pub(crate) update_date: Option<Date>,
    #[serde(default)]
    pub(crate) policy_version_list: Vec<Version>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Version {
    pub(crate) version_id: String,
    pub(crate) document: Box<RawValue>,
    pub(crate) create_date: Option<Date>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Inline {
    pub(crate) policy_name: String,
    pub(crate) policy_document: Box<RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Attached {
    pub(crate) policy_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Boundary {
    pub(crate) permissions_boundary_arn: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Profile {
    pub(crate) instance_profile_name: String,
    pub(crate) instance_profile_id: String,
    pub(crate) arn: String,
    #[serde(default = "root")]
    pub(crate) path: String,
    pub(crate) create_date: Date,
    #[serde(default)]
    pub(crate) tags: Vec<KeyAndValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct KeyAndValue {
    pub(crate) key: String,
    pub(crate) value: String,
}

/// A date in any of the forms that clients print.
#[derive(Clone, Copy)]
pub(crate) struct Date(pub(crate) i64);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let parsed = Timestamp::parse(&text).map(|at| Self(at.seconds()));
        parsed.ok_or_else(|| D::Error::invalid_value(Unexpected::Str(&text), &"a date and time"))
    }
}

fn root() -> String {
    "/".to_owned()
}
