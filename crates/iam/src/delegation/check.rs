//! Whether a caller has what a delegation request asks for. An approximation, as AWS's is: what a policy lets through
//! depends on the request, and the requests are not made yet.

use rolecall_access::{Demand, Evidence, Subject, Values, evaluate};
use rolecall_policy::{Comparison, Document, Effect, Grammar, Outcome, PolicyKind, Statement};
use rolecall_service_reference::glob_matches;
use rolecall_state::Txn;
use rolecall_state::arn::ArnParts;

use crate::env::Env;
use crate::error::IamError;
use crate::simulation::facts;

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Covers {
    /// Everything is covered.
    Allowed,
    /// It hangs on conditions.
    Unsure,
    /// Something is not.
    Denied,
}

impl Covers {
    /// The answer as the API names it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "ALLOWED",
            Self::Unsure => "UNSURE",
            Self::Denied => "DENIED",
        }
    }
}

/// Whether the caller has what `policy` allows.
pub(super) fn covers(txn: &Txn, env: &Env<'_>, policy: &str) -> Result<Covers, IamError> {
    let unreadable = |cause: &dyn std::fmt::Display| IamError::PolicyEvaluation(cause.to_string());
    let document = Document::parse(policy, Grammar::evaluated(PolicyKind::Session));
    let document = document.map_err(|cause| unreadable(&cause))?;
    let mut answer = Covers::Allowed;
    for statement in document.statements().iter().filter(|statement| statement.effect == Effect::Allow) {
        let resources = statement.resource.as_ref().filter(|resources| !resources.negated);
        let (Some(resources), false) = (resources, statement.action.negated) else {
            answer = answer.max(Covers::Unsure);
            continue;
        };
        for action in statement.action.values.iter().map(|value| document.text(value)) {
            for resource in resources.values.iter().map(|value| document.text(value)) {
                answer = answer.max(one(txn, env, &document, statement, (action, resource))?);
            }
        }
    }
    Ok(answer)
}

// A wildcard is matched by a wildcard alone, so what is found to be allowed is allowed for all that it stands for.
fn one(
    txn: &Txn,
    env: &Env<'_>,
    document: &Document,
    statement: &Statement,
    (action, resource): (&str, &str),
) -> Result<Covers, IamError> {
    let mut demand = Demand::new(action.to_owned(), resource);
    demand.resource_account = ArnParts::parse(resource).and_then(|parts| parts.account_id());
    demand.context = supposed(document, statement);
    let decided = evaluate(Subject::Caller(env.caller), &facts(env), txn.snapshot(), demand);
    let decided = decided.map_err(|cause| IamError::PolicyEvaluation(cause.to_string()))?;
    Ok(match (is_conditional(&decided, action), decided.outcome) {
        (true, Outcome::Allowed | Outcome::ImplicitlyDenied) => Covers::Unsure,
        (false, Outcome::Allowed) => Covers::Allowed,
        (_, Outcome::ImplicitlyDenied | Outcome::ExplicitlyDenied) => Covers::Denied,
    })
}

/// What a statement asks of a request by equality is what the request would have.
fn supposed(document: &Document, statement: &Statement) -> Vec<(std::borrow::Cow<'static, str>, Values)> {
    let equal = |comparison| matches!(comparison, Comparison::StringEquals | Comparison::ArnEquals);
    let entries = statement.conditions.iter().filter(|entry| equal(entry.operator.comparison));
    entries
        .filter_map(|entry| {
            let mut values: Vec<String> =
                entry.values.iter().map(|value| document.text(value).to_owned()).collect();
            let key = document.text(&entry.key).to_owned().into();
            match (entry.operator.qualifier, values.len()) {
                (None, 1) => Some((key, Values::One(values.pop()?))),
                (None, _) => None,
                (Some(_), _) => Some((key, Values::Many(values))),
            }
        })
        .collect()
}

/// Whether a policy that had a say speaks of the action under conditions.
fn is_conditional(decided: &Evidence, action: &str) -> bool {
    decided.policies().any(|policy| {
        let document = policy.document();
        document.statements().iter().any(|statement| {
            let named =
                statement.action.values.iter().any(|value| glob_matches(document.text(value), action));
            !statement.conditions.is_empty() && named != statement.action.negated
        })
    })
}
