//! The same decisions by other engines.

use std::collections::{HashMap, HashSet};

use cedar_policy::{Authorizer, Entities, Entity, EntityUid, PolicySet, Request, RestrictedExpression};
use iam_rs::{Arn, ContextValue, EvaluationOptions, IAMPolicy, IAMRequest, PolicyEvaluator, PrincipalId};

use super::workload::{Failure, Line, NamedText, Workload};

/// Cedar, a policy set for each layer, all of which must allow.
pub(crate) struct Cedar {
    layers: Vec<PolicySet>,
    authorizer: Authorizer,
}

/// A request with its entities.
pub(crate) struct CedarRequest(Request, Entities);

impl Cedar {
    pub(crate) fn new(workload: &Workload) -> Result<Self, Failure> {
        let layers = workload.cedar.split("// LAYER ").skip(1);
        let parse = |layer: &str| {
            let (_, policies) = layer.split_once('\n').unwrap_or_default();
            policies.parse::<PolicySet>().map_err(Failure::from)
        };
        Ok(Self { layers: layers.map(parse).collect::<Result<_, _>>()?, authorizer: Authorizer::new() })
    }

    pub(crate) fn allows(&self, CedarRequest(request, entities): &CedarRequest) -> bool {
        let allows = |layer| self.authorizer.is_authorized(request, layer, entities).decision();
        self.layers.iter().all(|layer| allows(layer) == cedar_policy::Decision::Allow)
    }
}

impl CedarRequest {
    pub(crate) fn new(line: &Line) -> Result<Self, Failure> {
        let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
        let first = |key: &str| line.context.get(key).and_then(|values| values.first());
        let user: EntityUid = r#"User::"caller""#.parse()?;
        let attribute = |key: &str| text(first(key).map_or("", String::as_str));
        let user_attributes = HashMap::from([
            ("user".to_owned(), attribute("aws:username")),
            ("team".to_owned(), attribute("aws:PrincipalTag/team")),
        ]);
        let resource: EntityUid = r#"Resource::"target""#.parse()?;
        let (head, owner, tail) = cut(&line.resource);
        let resource_attributes = HashMap::from([
            ("arn".to_owned(), text(&line.resource)),
            ("head".to_owned(), text(head)),
            ("owner".to_owned(), text(owner)),
            ("tail".to_owned(), text(tail)),
        ]);
        let entities = Entities::from_entities(
            [
                Entity::new(user.clone(), user_attributes, HashSet::new())?,
                Entity::new(resource.clone(), resource_attributes, HashSet::new())?,
            ],
            None,
        )?;
        let mut context = vec![("action".to_owned(), text(&line.action))];
        let mut add = |name: &str, value: Option<RestrictedExpression>| {
            context.extend(value.map(|value| (name.to_owned(), value)));
        };
        add("env", first("aws:RequestTag/env").map(|value| text(value)));
        add("ip", first("aws:SourceIp").map(RestrictedExpression::new_ip));
        add("now", first("aws:CurrentTime").map(RestrictedExpression::new_datetime));
        add("tls", first("aws:SecureTransport").map(|value| RestrictedExpression::new_bool(value == "true")));
        add("region", first("aws:RequestedRegion").map(|value| text(value)));
        let tags = line.context.get("aws:TagKeys");
        add("tagkeys", tags.map(|tags| RestrictedExpression::new_set(tags.iter().map(|tag| text(tag)))));
        let context = cedar_policy::Context::from_pairs(context)?;
        let action: EntityUid = r#"Action::"call""#.parse()?;
        Ok(Self(Request::new(user, action, resource, context, None)?, entities))
    }
}

/// Cuts a resource where the workload's patterns have the caller's name or team.
fn cut(resource: &str) -> (&str, &str, &str) {
    let (at, end) = if resource.contains(":table/") { ("table/", '-') } else { ("/", '/') };
    let Some(start) = resource.find(at).map(|start| start + at.len()) else { return (resource, "", "") };
    let (head, rest) = resource.split_at(start);
    let (owner, tail) = rest.split_at(rest.find(end).unwrap_or(rest.len()));
    (head, owner, tail)
}

/// iam-rs, an evaluator for each layer, all of which must allow.
pub(crate) struct IamRs(Vec<PolicyEvaluator>);

impl IamRs {
    pub(crate) fn new(workload: &Workload) -> Result<Self, Failure> {
        let shared = &workload.shared;
        let boundary = shared.permissions_boundaries.as_ref();
        let layers = std::iter::once(&shared.identity_policies)
            .chain(boundary)
            .chain(&shared.service_control_policies);
        let evaluator = |layer: &Vec<NamedText>| -> Result<PolicyEvaluator, Failure> {
            let policies = layer.iter().map(|named| serde_json::from_str::<IAMPolicy>(named.policy.get()));
            let options = EvaluationOptions {
                max_statements: usize::MAX,
                ignore_resource_constraints: workload.name == "lab",
                ..EvaluationOptions::default()
            };
            Ok(PolicyEvaluator::with_policies(policies.collect::<Result<_, _>>()?).with_options(options))
        };
        Ok(Self(layers.map(evaluator).collect::<Result<_, _>>()?))
    }

    pub(crate) fn allows(&self, request: &IAMRequest) -> bool {
        let allows = |layer: &PolicyEvaluator| layer.evaluate(request).map(|result| result.decision);
        self.0.iter().all(|layer| allows(layer) == Ok(iam_rs::Decision::Allow))
    }
}

pub(crate) fn iam_rs_request(line: &Line) -> Result<IAMRequest, Failure> {
    let mut context = iam_rs::Context::new();
    for (key, values) in &line.context {
        let value = match (key.as_str(), values.as_slice()) {
            ("aws:SecureTransport", [value]) => ContextValue::Boolean(value == "true"),
            ("aws:TagKeys", values) => ContextValue::StringList(values.to_vec()),
            (_, [value]) => ContextValue::String(value.clone()),
            (_, values) => ContextValue::StringList(values.to_vec()),
        };
        context.insert(key.clone(), value);
    }
    // The lab's resource is "*", which is no ARN; its evaluator looks at none.
    let resource = if line.resource == "*" { "arn:aws:s3:::any" } else { &line.resource };
    let resource = Arn::parse(resource).map_err(|error| format!("{error:?}"))?;
    let principal = iam_rs::Principal::Aws(PrincipalId::String(line.principal.clone()));
    Ok(IAMRequest::new_with_context(principal, line.action.as_str(), resource, context))
}
