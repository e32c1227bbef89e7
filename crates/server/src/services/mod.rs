//! The table from services to the crates that know their rules: each module parses, asks for the
//! decision, hands over, and renders; none has a rule of its own.

mod access_analyzer;
mod by_service;
mod cloud_trail;
mod controls;
mod ec2;
mod iam;
mod json;
mod map;
mod notifications;
mod organizations;
mod query;
mod rolecall;
mod root_password;
mod s3;
mod s3_control;
mod saml;
mod signin;
mod sts;
mod toolbox;
mod web_identity;

pub(crate) use access_analyzer::answer_access_analyzer;
pub(crate) use by_service::{PATH as BY_SERVICE_PATH, answer_by_service};
pub(crate) use cloud_trail::answer_cloud_trail;
pub(crate) use controls::{PATH as CONTROLS_PATH, answer_controls};
pub(crate) use map::{PATH as MAP_PATH, answer_map};
pub(crate) use notifications::{PATH as NOTIFICATIONS_PATH, answer_notifications};
pub(crate) use organizations::answer_organizations;
pub(crate) use query::{answer_query, answer_unsigned_query};
pub(crate) use rolecall::answer_own;
pub(crate) use root_password::{PATH as ROOT_PASSWORD_PATH, answer_root_password};
pub(crate) use s3::{answer_s3, into_body};
pub(crate) use s3_control::answer_s3_control;
pub(crate) use signin::{TOKEN_PATH, answer_signin, answer_token};
pub(crate) use toolbox::{PATH as TOOLBOX_PATH, answer_toolbox};
pub use web_identity::{GivenKeys, IssuerKeys};
