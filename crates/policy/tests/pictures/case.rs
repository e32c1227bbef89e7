//! A request of the engine's own format, with what each of its policies says to it.

use rolecall_policy::{
    Applicable, Context, Document, Evaluation, Grammar, Outcome, Policy, PolicyKind, PolicySet, Principal,
    Reason, Request, StatementRef, decide, resource_policy_is_required,
};
use serde_json::Value;

/// The fields of a request that hold policies, in the order in which the engine asks them.
const FIELDS: [(&str, PolicyKind); 7] = [
    ("serviceControlPolicies", PolicyKind::ServiceControl),
    ("resourceControlPolicies", PolicyKind::ResourceControl),
    ("vpcEndpointPolicies", PolicyKind::VpcEndpoint),
    ("resourcePolicy", PolicyKind::Resource),
    ("permissionsBoundaries", PolicyKind::PermissionsBoundary),
    ("sessionPolicies", PolicyKind::Session),
    ("identityPolicies", PolicyKind::Identity),
];

/// What stands in the place of a policy to see whether the engine listens there.
const PROBE: &str = "probe";

pub(crate) struct Case {
    principal: Principal,
    action: String,
    resource: String,
    owner: Option<String>,
    context: Context,
    sets: Vec<PolicySet>,
}

/// One set of policies in a decision.
pub(crate) struct Row {
    pub(crate) kind: PolicyKind,
    pub(crate) names: String,
    pub(crate) says: Says,
    pub(crate) decides: bool,
}

pub(crate) enum Says {
    Allows(String),
    Denies(String),
    Nothing,
    NotAsked,
}

pub(crate) struct Decided {
    pub(crate) question: [String; 2],
    pub(crate) rows: Vec<Row>,
    pub(crate) outcome: Outcome,
    pub(crate) because: String,
}

fn text<'a>(value: &'a Value, field: &str) -> Option<&'a str> {
    value.get(field).and_then(Value::as_str)
}

fn set<'a>(kind: PolicyKind, policies: impl Iterator<Item = (&'a str, String)>) -> PolicySet {
    let policies = policies.map(|(name, policy)| {
        Policy::new(name, Document::parse(policy, Grammar::evaluated(kind)).expect("a policy of a case"))
    });
    PolicySet::compile(kind, policies)
}

fn named(kind: PolicyKind, list: &Value) -> PolicySet {
    let policies = list.as_array().into_iter().flatten();
    set(
        kind,
        policies.map(|one| {
            (text(one, "name").expect("a name"), one.get("policy").expect("a policy").to_string())
        }),
    )
}

/// The sets of policies that stand in one field.
fn sets_of(field: &str, kind: PolicyKind, value: &Value) -> Vec<PolicySet> {
    let levels = || value.as_array().into_iter().flatten().map(|level| named(kind, level)).collect();
    match kind {
        PolicyKind::ServiceControl | PolicyKind::ResourceControl => levels(),
        PolicyKind::Resource | PolicyKind::Trust => {
            vec![set(kind, std::iter::once((field, value.to_string())))]
        }
        _ => vec![named(kind, value)],
    }
}

/// A policy of this kind that denies everything.
fn probe(kind: PolicyKind) -> PolicySet {
    let principal = if kind.has_principal() { r#""Principal":"*","# } else { "" };
    let resource = if kind == PolicyKind::Trust { "" } else { r#","Resource":"*""# };
    let statement = format!(r#"{{"Effect":"Deny",{principal}"Action":"*"{resource}}}"#);
    let policy = format!(r#"{{"Version":"2012-10-17","Statement":[{statement}]}}"#);
    set(kind, std::iter::once((PROBE, policy)))
}

/// The names of the policies of a set; a policy on a resource has none.
fn names(set: &PolicySet) -> String {
    match set.kind() {
        PolicyKind::Resource => "on the resource".to_owned(),
        PolicyKind::Trust => "on the role".to_owned(),
        _ => set.policies().iter().map(Policy::name).collect::<Vec<_>>().join(", "),
    }
}

fn cited(statement: StatementRef<'_>) -> String {
    statement.sid().expect("the statements of a case have a Sid").to_owned()
}

impl Case {
    pub(crate) fn parse(json: &str) -> Self {
        let value: Value = serde_json::from_str(json).expect("a case is JSON");
        let [action, resource, principal] = ["action", "resource", "principal"]
            .map(|field| text(&value, field).expect("a field of a case").to_owned());
        let mut context = Context::new();
        for (key, values) in value.get("context").and_then(Value::as_object).into_iter().flatten() {
            let values: Vec<_> = values.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            match values.as_slice() {
                [value] => context.set(key, value),
                values => context.set_many(key, values),
            }
        }
        let trust = resource_policy_is_required(&action, &resource);
        let kind_of = |kind| if trust && kind == PolicyKind::Resource { PolicyKind::Trust } else { kind };
        let sets =
            FIELDS.iter().filter_map(|(field, kind)| Some(sets_of(field, kind_of(*kind), value.get(field)?)));
        Self {
            sets: sets.flatten().collect(),
            principal: Principal::from_arn(&principal).expect("a principal"),
            owner: text(&value, "resourceAccount").map(str::to_owned),
            action,
            resource,
            context,
        }
    }

    fn request(&self) -> Request<'_> {
        Request {
            principal: &self.principal,
            action: &self.action,
            resource: &self.resource,
            resource_account: self.owner.as_deref(),
            context: &self.context,
        }
    }

    /// Has the engine decide on these sets and shows the decision.
    fn decide_on<R>(&self, sets: &[PolicySet], show: impl FnOnce(&rolecall_policy::Decision<'_>) -> R) -> R {
        let of = |kind: PolicyKind| sets.iter().filter(move |set| set.kind() == kind);
        let [service_control, resource_control] = [PolicyKind::ServiceControl, PolicyKind::ResourceControl]
            .map(|kind| of(kind).cloned().collect::<Vec<_>>());
        let applicable = Applicable {
            identity: of(PolicyKind::Identity).next(),
            boundary: of(PolicyKind::PermissionsBoundary).next(),
            session: of(PolicyKind::Session).next(),
            resource: of(PolicyKind::Resource).chain(of(PolicyKind::Trust)).next(),
            resource_policy_required: resource_policy_is_required(&self.action, &self.resource),
            service_control: &service_control,
            resource_control: &resource_control,
            vpc_endpoint: of(PolicyKind::VpcEndpoint).next(),
        };
        show(&decide(&self.request(), &applicable))
    }

    /// Whether the engine would hear a denial at this place: policies that don't reach the caller, or
    /// that come after a denial, are not asked.
    fn is_asked(&self, place: usize) -> bool {
        let probed: Vec<_> = self
            .sets
            .iter()
            .enumerate()
            .map(|(at, set)| if at == place { probe(set.kind()) } else { set.clone() })
            .collect();
        self.decide_on(&probed, |decision| {
            decision.statement().is_some_and(|found| found.policy.name() == PROBE)
        })
    }

    fn says(&self, place: usize, set: &PolicySet) -> Says {
        if !self.is_asked(place) {
            return Says::NotAsked;
        }
        match set.evaluate(&self.request()) {
            Evaluation::Allowed(statement) => Says::Allows(cited(statement)),
            Evaluation::Denied(statement) => Says::Denies(cited(statement)),
            Evaluation::NoMatch => Says::Nothing,
        }
    }

    pub(crate) fn decided(&self) -> Decided {
        let (outcome, kind, by, because) = self.decide_on(&self.sets, |decision| {
            let because = match decision.reason {
                Reason::Statement(kind, found) => format!("statement {} of the {kind} decides", cited(found)),
                Reason::NoAllow(kind) => format!("no {kind} allows it, and one had to"),
                other => format!("{other:?}"),
            };
            (decision.outcome, decision.kind(), decision.statement().map(cited), because)
        });
        let rows = self.sets.iter().enumerate().map(|(place, set)| {
            let says = self.says(place, set);
            let decides = kind == Some(set.kind())
                && match &says {
                    Says::Allows(sid) | Says::Denies(sid) => by.as_ref() == Some(sid),
                    Says::Nothing => by.is_none(),
                    Says::NotAsked => false,
                };
            Row { kind: set.kind(), names: names(set), says, decides }
        });
        Decided {
            question: [self.principal.name().to_owned(), format!("{} on {}", self.action, self.resource)],
            rows: rows.collect(),
            outcome,
            because,
        }
    }
}
