//! The engine's own format: one request a line in, one decision a line out, order kept.
//!
//! In, with `id`, `resourceAccount`, `context` and every kind of policy optional:
//! ```json
//! {"id": "1", "action": "s3:GetObject", "resource": "arn:aws:s3:::b/k", "resourceAccount": "123456789012",
//!  "principal": "arn:aws:sts::123456789012:assumed-role/robot/s1", "context": {"aws:SourceIp": ["203.0.113.7"]},
//!  "identityPolicies": [{"name": "s3_management", "policy": {"Version": "2012-10-17", "Statement": []}}],
//!  "resourcePolicy": null, "permissionsBoundaries": null, "sessionPolicies": null,
//!  "serviceControlPolicies": [], "resourceControlPolicies": [], "vpcEndpointPolicies": null}
//! ```
//! `principal` is an ARN, `{"service": NAME}`, `{"federated": PROVIDER}`, or `"*"` for an anonymous caller.
//!
//! Out: `{"id": "1", "decision": "Allowed", "because": […]}`, where each item of `because` has `policy`, `kind`,
//! `statement` (from 0), `sid`, `effect`, `line`, `column` and `failed`. For `Allowed` and `ExplicitlyDenied` the
//! item is the statement that decided, and `failed` is null. For `ImplicitlyDenied` the items are the statements
//! that came nearest to allowing, and `failed` has the first `element` that failed (`action`, `resource`,
//! `principal`, `condition`) with `wanted` and `given`, and for a condition its `operator` and `key`; where no
//! statement could have allowed it, one item names the `kind` that had to. `because` is empty when no policy
//! decides: for the root user, and for actions that need no permission.
//!
//! An action that takes no resource, by the Service Authorization Reference, is decided on `*` whatever the line
//! says, where the decider was given that knowledge (`rolecall decide` is).
//!
//! A line that can't be decided on gives `{"id": …, "error": "…"}`; `id` is null when it can't be read.

mod fields;

use std::borrow::Cow;
use std::collections::HashMap;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::context::Context;
use crate::decide::resource_policy_is_required;
use crate::decision::{Applicable, Outcome, Request};
use crate::explain::{Citation, Explanation, explain};
use crate::kind::PolicyKind;
use crate::principal::Principal;
use fields::{Fields, Policies};

/// What is wrong with a line, or with a shared file.
#[derive(Debug, thiserror::Error)]
pub enum FormatError {
    /// Not JSON, an unknown field, or a value of the wrong type.
    #[error("{0}")]
    Json(#[from] serde_json::Error),
    /// A field that must be there.
    #[error("the field \"{0}\" is missing")]
    Missing(&'static str),
    /// A principal that is none.
    #[error("principal: {0}")]
    Principal(#[from] crate::principal::NotAPrincipal),
    /// A policy that can't be evaluated.
    #[error("{field}, policy \"{name}\": {error}")]
    Policy {
        /// The field it stands in.
        field: &'static str,
        /// Its name.
        name: Box<str>,
        /// What is wrong with it.
        error: Box<crate::error::ParseError>,
    },
}

/// Fields that are part of every line, their policies compiled once: what `--with SHARED.json` gives.
#[derive(Default)]
pub struct Shared {
    scalars: fields::OwnedScalars,
    policies: Policies,
}

impl Shared {
    /// Reads the shared fields, any of those a line has.
    ///
    /// # Errors
    /// When the text isn't an object of the format's fields, or a policy can't be evaluated.
    pub fn parse(json: &str) -> Result<Self, FormatError> {
        let fields: Fields<'_> = serde_json::from_str(json)?;
        let policies = Policies::compile(&fields, &Policies::default())?;
        Ok(Self { scalars: fields.into_owned()?, policies })
    }
}

/// Decides line by line. Buffers are kept from line to line.
pub struct Decider {
    shared: Shared,
    context: Context,
    /// Whether answers say why.
    because: bool,
    takes_no_resource: Option<TakesNoResource>,
    /// What that said of each action so far.
    known_actions: HashMap<Box<str>, bool>,
}

/// Whether an action is one that takes no resource.
type TakesNoResource = Box<dyn Fn(&str) -> bool>;

#[derive(Serialize)]
struct Answer<'a> {
    id: Option<&'a RawValue>,
    decision: Outcome,
    because: Vec<Citation<'a>>,
}

#[derive(Serialize)]
struct Failed<'a> {
    id: Option<&'a RawValue>,
    error: String,
}

impl Decider {
    /// A decider whose lines are merged with these fields. What a line says itself comes first.
    #[must_use]
    pub fn new(shared: Option<Shared>) -> Self {
        Self {
            shared: shared.unwrap_or_default(),
            context: Context::new(),
            because: true,
            takes_no_resource: None,
            known_actions: HashMap::new(),
        }
    }

    /// Decides on actions of which this says that they take no resource as AWS does: on `*`, whatever
    /// resource a line names. It is asked once for each action.
    #[must_use]
    pub fn with_knowledge(mut self, takes_no_resource: impl Fn(&str) -> bool + 'static) -> Self {
        self.takes_no_resource = Some(Box::new(takes_no_resource));
        self
    }

    /// Leaves `because` empty, which is quicker.
    #[must_use]
    pub const fn without_because(mut self) -> Self {
        self.because = false;
        self
    }

    /// Decides on one line and appends the answer, with its newline, to `out`. A line that can't be
    /// decided on gives an answer with `error`.
    pub fn line(&mut self, line: &str, out: &mut Vec<u8>) {
        let start = out.len();
        if let Err(error) = self.answer(line, out) {
            out.truncate(start);
            let failed = Failed { id: fields::id_of(line), error: error.to_string() };
            // Writing text to memory can't fail.
            let _ = serde_json::to_writer(&mut *out, &failed);
        }
        out.push(b'\n');
    }

    /// Explains the decision on one line; `show` gets the explanation.
    ///
    /// # Errors
    /// When the line can't be decided on.
    pub fn explain<R>(
        &mut self,
        line: &str,
        show: impl FnOnce(&Explanation<'_>) -> R,
    ) -> Result<R, FormatError> {
        self.with_request(line, |_, request, applicable| Ok(show(&explain(request, applicable))))
    }

    fn answer(&mut self, line: &str, out: &mut Vec<u8>) -> Result<(), FormatError> {
        let because = self.because;
        self.with_request(line, |id, request, applicable| write_answer(id, request, applicable, because, out))
    }

    fn with_request<R>(
        &mut self,
        line: &str,
        use_it: impl FnOnce(Option<&RawValue>, &Request<'_>, &Applicable<'_>) -> Result<R, FormatError>,
    ) -> Result<R, FormatError> {
        let fields: Fields<'_> = serde_json::from_str(line)?;
        let shared = &self.shared;
        let policies = match fields.has_policies() {
            true => Cow::Owned(Policies::compile(&fields, &shared.policies)?),
            false => Cow::Borrowed(&shared.policies),
        };
        let scalars = &shared.scalars;
        let action =
            fields.action.as_deref().or(scalars.action.as_deref()).ok_or(FormatError::Missing("action"))?;
        let resource = fields
            .resource
            .as_deref()
            .or(scalars.resource.as_deref())
            .ok_or(FormatError::Missing("resource"))?;
        let resource = match &self.takes_no_resource {
            Some(ask) if resource != "*" && takes_none(&mut self.known_actions, action, ask) => "*",
            _ => resource,
        };
        let owner = match &fields.resource_account {
            Some(own) => own.as_deref(),
            None => scalars.resource_account.as_deref(),
        };
        fields.fill(scalars, &mut self.context);
        let principal = fields.principal.as_ref().or(scalars.principal.as_ref());
        let principal = principal.ok_or(FormatError::Missing("principal"))?.caller(action, &self.context)?;
        let request = Request {
            principal: &principal,
            action,
            resource,
            resource_account: owner,
            context: &self.context,
        };
        let id = fields.id.or(scalars.id.as_deref());
        use_it(id, &request, &policies.applicable(action, resource))
    }
}

fn takes_none(known: &mut HashMap<Box<str>, bool>, action: &str, ask: &TakesNoResource) -> bool {
    match known.get(action) {
        Some(answer) => *answer,
        None => *known.entry(action.into()).or_insert_with(|| ask(action)),
    }
}

fn write_answer(
    id: Option<&RawValue>,
    request: &Request<'_>,
    applicable: &Applicable<'_>,
    because: bool,
    out: &mut Vec<u8>,
) -> Result<(), FormatError> {
    let answer = if because {
        let explanation = explain(request, applicable);
        Answer { id, decision: explanation.decision.outcome, because: explanation.because() }
    } else {
        Answer { id, decision: crate::decide(request, applicable).outcome, because: Vec::new() }
    };
    Ok(serde_json::to_writer(out, &answer)?)
}

/// The kind of the policy on a resource: a role has a trust policy.
fn resource_kind(action: &str, resource: &str) -> PolicyKind {
    let is_key = action.get(..4).is_some_and(|service| service.eq_ignore_ascii_case("kms:"));
    if !is_key && resource_policy_is_required(action, resource) {
        PolicyKind::Trust
    } else {
        PolicyKind::Resource
    }
}

/// A caller without credentials who comes with an identity provider's token is that provider's user.
fn anonymous(action: &str, context: &Context) -> Principal {
    let by_token = ["sts:AssumeRoleWithWebIdentity", "sts:AssumeRoleWithSAML"];
    let provider = context.get("aws:FederatedProvider").and_then(|values| values.single());
    match provider {
        Some(provider) if by_token.iter().any(|name| action.eq_ignore_ascii_case(name)) => {
            Principal::federated(provider)
        }
        _ => Principal::anonymous(),
    }
}

/// What the `principal` of a line says.
#[derive(Clone, Debug)]
enum Caller {
    Name(Box<str>),
    Service(Box<str>),
    Federated(Box<str>),
}

impl Caller {
    fn caller(&self, action: &str, context: &Context) -> Result<Principal, FormatError> {
        Ok(match self {
            Self::Name(name) if **name == *"*" => anonymous(action, context),
            Self::Name(arn) => Principal::from_arn(arn)?,
            Self::Service(name) => Principal::service(name),
            Self::Federated(provider) => Principal::federated(provider),
        })
    }
}

/// Whether the policy on the resource must allow: a key that is given its policy is bound by it.
fn requires_resource_policy(action: &str, resource: &str, has_policy: bool) -> bool {
    let is_key = action.get(..4).is_some_and(|service| service.eq_ignore_ascii_case("kms:"));
    resource_policy_is_required(action, resource) || (is_key && has_policy)
}
