//! The [Service Authorization Reference] as data: every AWS service's actions, resource types and condition keys.
//!
//! The data file is embedded as text. Nothing is read at start-up: the first lookup finds where each service
//! begins, and a service is parsed when it is first asked for.
//!
//! [Service Authorization Reference]: https://docs.aws.amazon.com/service-authorization/latest/reference/reference.html

mod arn;
mod format;
mod global;
mod lookup;
mod model;
mod pattern;
mod suggest;

pub use arn::ArnTemplate;
pub use global::{global_condition_key, global_condition_keys, is_in_every_request};
pub use lookup::{action, condition_key, expand, is_arn_service, service, service_names, service_prefixes};
pub use model::{AccessLevel, Action, ActionResource, ConditionKey, ResourceType, Service, ValueType};
pub use pattern::glob_matches;
pub use suggest::{closest, suggest_action, suggest_condition_key, suggest_service};
