//! Policies and statements: which of them speak to a request.

use serde_json::{Map, Value};

use crate::condition;
use crate::json::{Read, as_object, as_text, malformed, one_or_many, texts};
use crate::pattern::{action_matches, matches, tokens};
use crate::principal::{self, Naming};
use crate::request::Request;

/// What one policy says to a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// A Deny statement applies.
    pub(crate) denies: bool,
    /// An Allow statement applies; in a policy with principals, the strongest way in which it names the caller.
    pub(crate) allows: Option<Naming>,
}

impl Verdict {
    /// The verdict of several policies of one kind together: any of them may allow, any may deny.
    pub(crate) fn of_all<'a>(policies: impl IntoIterator<Item = &'a Value>, request: &Request) -> Read<Self> {
        let mut together = Self::default();
        for policy in policies {
            let verdict = Self::of(policy, request)?;
            together.denies |= verdict.denies;
            together.allows = together.allows.max(verdict.allows);
        }
        Ok(together)
    }

    /// The verdict of one policy.
    pub(crate) fn of(policy: &Value, request: &Request) -> Read<Self> {
        let policy = as_object(policy, "a policy")?;
        let version_2012 = policy.get("Version").is_some_and(|version| version == "2012-10-17");
        let mut verdict = Self::default();
        let Some(statements) = policy.get("Statement") else { return malformed("no Statement") };
        for statement in one_or_many(statements) {
            let statement = as_object(statement, "a statement")?;
            let effect = statement.get("Effect").map_or(malformed("no Effect"), |e| as_text(e, "Effect"))?;
            let naming = applies(statement, effect, version_2012, request)?;
            match effect {
                "Allow" => verdict.allows = verdict.allows.max(naming),
                "Deny" => verdict.denies |= naming.is_some(),
                other => return malformed(format!("no effect {other}")),
            }
        }
        Ok(verdict)
    }
}

/// Whether a statement applies, and how it names the caller. A statement without principals speaks to whoever it is
/// attached to.
fn applies(
    statement: &Map<String, Value>,
    effect: &str,
    version_2012: bool,
    request: &Request,
) -> Read<Option<Naming>> {
    let naming = names(statement, effect, request)?;
    let applies = action_applies(statement, request)?
        && resource_applies(statement, version_2012, request)?
        && match statement.get("Condition") {
            Some(condition) => condition::satisfied(condition, version_2012, request)?,
            None => true,
        };
    Ok(if applies { naming } else { None })
}

fn names(statement: &Map<String, Value>, effect: &str, request: &Request) -> Read<Option<Naming>> {
    let excepted = match (statement.get("Principal"), statement.get("NotPrincipal"), effect) {
        (Some(principal), None, _) => return principal::naming(principal, &request.caller),
        (None, Some(listed), "Deny") => principal::excepted_from_deny(listed, &request.caller)?,
        (None, Some(listed), _) => principal::excepted_from_allow(listed, &request.caller)?,
        (None, None, _) => false,
        (Some(_), Some(_), _) => return malformed("both Principal and NotPrincipal"),
    };
    Ok(if excepted { None } else { Some(Naming::Itself) })
}

fn action_applies(statement: &Map<String, Value>, request: &Request) -> Read<bool> {
    let any = |listed: &Value| {
        Ok(texts(listed, "Action")?.iter().any(|pattern| action_matches(pattern, &request.action)))
    };
    match (statement.get("Action"), statement.get("NotAction")) {
        (Some(listed), None) => any(listed),
        (None, Some(listed)) => any(listed).map(|matched| !matched),
        _ => malformed("not exactly one of Action and NotAction"),
    }
}

fn resource_applies(statement: &Map<String, Value>, version_2012: bool, request: &Request) -> Read<bool> {
    // None for a pattern with a variable that has no value.
    let each = |listed: &Value| -> Read<Vec<Option<bool>>> {
        let one = |pattern: &String| {
            tokens(pattern, version_2012, request).map(|pattern| matches(&pattern, &request.resource))
        };
        Ok(texts(listed, "Resource")?.iter().map(one).collect())
    };
    match (statement.get("Resource"), statement.get("NotResource")) {
        (Some(listed), None) => Ok(each(listed)?.contains(&Some(true))),
        // A pattern without a value makes no match, not even the match of an exception.
        (None, Some(listed)) => Ok(each(listed)?.iter().all(|matched| *matched == Some(false))),
        // Trust policies have neither.
        (None, None) => Ok(true),
        (Some(_), Some(_)) => malformed("both Resource and NotResource"),
    }
}
