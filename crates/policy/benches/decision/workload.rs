//! Reads the workloads which `benches/engine-workload.py` writes.

use std::collections::HashMap;
use std::path::Path;

use rolecall_policy::{
    Applicable, Context, Document, Grammar, Policy, PolicyKind, PolicySet, Principal, Request,
};
use serde::Deserialize;
use serde_json::value::RawValue;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// The policies that all requests of a workload share.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct SharedText {
    pub(crate) identity_policies: Vec<NamedText>,
    pub(crate) permissions_boundaries: Option<Vec<NamedText>>,
    pub(crate) service_control_policies: Vec<Vec<NamedText>>,
}

/// A policy as text.
#[derive(Deserialize)]
pub(crate) struct NamedText {
    pub(crate) name: String,
    pub(crate) policy: Box<RawValue>,
}

/// A request as it stands in a line.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Line {
    #[serde(skip)]
    pub(crate) text: String,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) resource_account: String,
    pub(crate) principal: String,
    pub(crate) context: HashMap<String, Vec<String>>,
}

pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) shared: SharedText,
    pub(crate) lines: Vec<Line>,
    pub(crate) cedar: String,
}

impl Workload {
    pub(crate) fn read(directory: &Path, name: &'static str) -> Result<Self, Failure> {
        let read = |suffix: &str| {
            let path = directory.join(format!("{name}.{suffix}"));
            std::fs::read_to_string(&path).map_err(|error| {
                let make = "python3 crates/policy/benches/engine-workload.py target/engine-workload";
                format!("{}: {error}; make the workloads with: {make}", path.display())
            })
        };
        let parse = |text: &str| -> Result<Line, Failure> {
            Ok(Line { text: text.to_owned(), ..serde_json::from_str(text)? })
        };
        let lines = read("requests.jsonl")?.lines().map(parse).collect::<Result<_, _>>()?;
        let shared = serde_json::from_str(&read("policies.json")?)?;
        Ok(Self { name, shared, lines, cedar: read("cedar")? })
    }

    /// The text of every policy, as often as it is there.
    pub(crate) fn policy_texts(&self) -> impl Iterator<Item = &str> {
        let identity = &self.shared.identity_policies;
        let boundary = self.shared.permissions_boundaries.iter().flatten();
        let levels = self.shared.service_control_policies.iter().flatten();
        identity.iter().chain(boundary).chain(levels).map(|named| named.policy.get())
    }
}

/// A workload's policies in this engine's form.
pub(crate) struct Ours {
    pub(crate) identity: PolicySet,
    boundary: Option<PolicySet>,
    service_control: Vec<PolicySet>,
}

impl Ours {
    pub(crate) fn compile(shared: &SharedText) -> Result<Self, Failure> {
        let boundary = shared.permissions_boundaries.as_deref();
        let levels = shared.service_control_policies.iter();
        Ok(Self {
            identity: compile(PolicyKind::Identity, &shared.identity_policies)?,
            boundary: boundary.map(|list| compile(PolicyKind::PermissionsBoundary, list)).transpose()?,
            service_control: levels
                .map(|list| compile(PolicyKind::ServiceControl, list))
                .collect::<Result<_, _>>()?,
        })
    }

    pub(crate) fn applicable(&self) -> Applicable<'_> {
        Applicable {
            identity: Some(&self.identity),
            boundary: self.boundary.as_ref(),
            service_control: &self.service_control,
            ..Applicable::default()
        }
    }
}

fn compile(kind: PolicyKind, list: &[NamedText]) -> Result<PolicySet, Failure> {
    let policy = |named: &NamedText| -> Result<Policy, Failure> {
        Ok(Policy::new(named.name.as_str(), Document::parse(named.policy.get(), Grammar::evaluated(kind))?))
    };
    Ok(PolicySet::compile(kind, list.iter().map(policy).collect::<Result<Vec<_>, _>>()?))
}

/// A request's parts, owned.
pub(crate) struct Parsed<'l> {
    line: &'l Line,
    principal: Principal,
    context: Context,
}

impl<'l> Parsed<'l> {
    pub(crate) fn new(line: &'l Line) -> Result<Self, Failure> {
        let mut context = Context::new();
        for (key, values) in &line.context {
            match values.as_slice() {
                [value] => context.set(key, value),
                values => context.set_many(key, values),
            }
        }
        Ok(Self { line, principal: Principal::from_arn(&line.principal)?, context })
    }

    pub(crate) fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.line.action,
            resource: &self.line.resource,
            resource_account: Some(&self.line.resource_account),
            context: &self.context,
        }
    }
}
