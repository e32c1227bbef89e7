//! What a token claims, and the condition keys that AWS makes of it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::TokenError;
use crate::{SessionTags, SessionTagsError};

const TAGS: &str = "https://aws.amazon.com/tags";
const SOURCE_IDENTITY: &str = "https://aws.amazon.com/source_identity";

/// A condition key with its values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConditionKey {
    /// Its name, such as `token.actions.githubusercontent.com:sub`.
    pub name: String,
    /// Its values; one but for `amr` and `oaud`.
    pub values: Vec<String>,
    /// Whether the session has it too: then it counts in every later request, not only for the role's trust.
    pub in_session: bool,
}

/// The members of a token's body.
#[derive(Clone, Debug)]
pub(super) struct Claims(BTreeMap<String, Value>);

impl Claims {
    pub(super) fn new(members: BTreeMap<String, Value>) -> Self {
        Self(members)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.get(name).and_then(Value::as_str)
    }

    /// A time in whole seconds, rounded down; a time that is not a number is not a token's.
    pub(super) fn seconds(&self, name: &str) -> Result<Option<i64>, TokenError> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let whole = value.as_i64().or_else(|| {
            let fraction = value.as_f64().filter(|time| time.abs() < 1e15);
            #[expect(clippy::cast_possible_truncation, reason = "checked to fit")]
            fraction.map(|time| time.floor() as i64)
        });
        whole.map(Some).ok_or(TokenError::NotAJwt)
    }

    fn audiences(&self) -> Vec<String> {
        self.get("aud").map(texts).unwrap_or_default()
    }

    /// The audience that counts: the authorized party where there is one, else the only audience. A token for several
    /// audiences without an authorized party could be replayed by any of them.
    // FIDELITY: AWS documents `azp`, then `aud`, for the condition key; that the client ids are held
    // against the same value, and that several audiences need an `azp`, is the safest reading.
    pub(super) fn effective_audience(&self) -> Result<String, TokenError> {
        if let Some(party) = self.get("azp") {
            let party = party.as_str().filter(|party| !party.is_empty());
            return party.map(str::to_owned).ok_or(TokenError::IncorrectAudience);
        }
        let audiences = self.audiences();
        match audiences.as_slice() {
            [] => Err(TokenError::MissingClaim("aud")),
            [audience] => Ok(audience.clone()),
            _ => Err(TokenError::IncorrectAudience),
        }
    }

    /// The condition keys of the table in AWS's guide (IAM and STS condition context keys, OIDC federation).
    pub(super) fn condition_keys(&self, provider: &str, audience: &str, subject: &str) -> Vec<ConditionKey> {
        let key = |name: &str, values: Vec<String>, in_session: bool| {
            let name = format!("{provider}:{name}");
            (!values.is_empty()).then_some(ConditionKey { name, values, in_session })
        };
        let standard = [
            key("aud", vec![audience.to_owned()], true),
            key("sub", vec![subject.to_owned()], true),
            key("amr", self.get("amr").map(texts).unwrap_or_default(), true),
            key("oaud", self.audiences(), false),
            key("email", self.get("email").map(texts).unwrap_or_default(), false),
        ];
        let own = own_claims(provider).iter().map(|(name, claim)| {
            let values = self.get(claim).and_then(scalar).into_iter().collect();
            key(name, values, false)
        });
        standard.into_iter().chain(own).flatten().collect()
    }

    /// The tags, nested (`{"principal_tags": …, "transitive_tag_keys": […]}`) or flattened into the claims' names.
    pub(super) fn session_tags(&self) -> Result<SessionTags, SessionTagsError> {
        let mut tags = SessionTags::default();
        if let Some(nested) = self.get(TAGS) {
            let nested = nested.as_object().ok_or(SessionTagsError::Malformed)?;
            let principal_tags = nested.get("principal_tags").map(Value::as_object);
            for (name, value) in principal_tags
                .map(|tags| tags.ok_or(SessionTagsError::Malformed))
                .transpose()?
                .into_iter()
                .flatten()
            {
                tags.tags.push((name.clone(), one_value(name, value)?));
            }
            tags.transitive_keys = transitive(nested.get("transitive_tag_keys"))?;
        }
        let prefix = format!("{TAGS}/principal_tags/");
        for (claim, value) in &self.0 {
            if let Some(name) = claim.strip_prefix(&prefix) {
                tags.tags.push((name.to_owned(), one_value(name, value)?));
            }
        }
        tags.transitive_keys.extend(transitive(self.get(&format!("{TAGS}/transitive_tag_keys")))?);
        tags.tags.sort();
        Ok(tags)
    }

    pub(super) fn source_identity(&self) -> Result<Option<String>, TokenError> {
        let Some(value) = self.get(SOURCE_IDENTITY) else { return Ok(None) };
        value.as_str().map(|text| Some(text.to_owned())).ok_or(TokenError::RejectedClaim)
    }
}

/// The claims of its own that AWS takes from an issuer: condition key and claim. Claims of other
/// names never become condition keys.
fn own_claims(provider: &str) -> &'static [(&'static str, &'static str)] {
    let host = provider.split('/').next().unwrap_or_default();
    match host {
        "token.actions.githubusercontent.com" => &[
            ("actor", "actor"),
            ("actor_id", "actor_id"),
            ("enterprise_id", "enterprise_id"),
            ("environment", "environment"),
            ("job_workflow_ref", "job_workflow_ref"),
            ("ref", "ref"),
            ("repository", "repository"),
            ("repository_id", "repository_id"),
            ("repository_owner_id", "repository_owner_id"),
            ("workflow", "workflow"),
        ],
        "accounts.google.com" => &[("google/organization_number", "google:organization_number")],
        "oidc.circleci.com" => &[("oidc.circleci.com/project-id", "oidc.circleci.com/project-id")],
        // FIDELITY: the lists of GitLab and Buildkite are newer than the guide and taken from reports.
        "gitlab.com" => &[
            ("namespace_id", "namespace_id"),
            ("pipeline_source", "pipeline_source"),
            ("project_id", "project_id"),
            ("ref_protected", "ref_protected"),
            ("runner_environment", "runner_environment"),
            ("user_access_level", "user_access_level"),
            ("user_email", "user_email"),
            ("user_id", "user_id"),
            ("user_login", "user_login"),
        ],
        "agent.buildkite.com" => &[
            ("build_branch", "build_branch"),
            ("cluster_id", "cluster_id"),
            ("cluster_name", "cluster_name"),
            ("organization_id", "organization_id"),
            ("organization_slug", "organization_slug"),
            ("pipeline_id", "pipeline_id"),
            ("pipeline_slug", "pipeline_slug"),
        ],
        _ if host.ends_with(".identity.oraclecloud.com") => &[("rpst_id", "rpst_id")],
        _ => &[],
    }
}

fn one_value(name: &str, value: &Value) -> Result<String, SessionTagsError> {
    let text = match value {
        Value::Array(values) => match values.as_slice() {
            [one] => one.as_str(),
            _ => None,
        },
        other => other.as_str(),
    };
    text.map(str::to_owned).ok_or_else(|| SessionTagsError::NotOneValue(name.to_owned()))
}

fn transitive(value: Option<&Value>) -> Result<Vec<String>, SessionTagsError> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let keys = texts(value);
    let whole = match value {
        Value::Array(values) => keys.len() == values.len(),
        _ => keys.len() == 1,
    };
    if whole { Ok(keys) } else { Err(SessionTagsError::Malformed) }
}

/// The text or texts of a value; what is no text is left out.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(values) => values.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        _ => Vec::new(),
    }
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
