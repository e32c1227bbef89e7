//! Which resources policies name for an action: what must be looked at before it is said that somebody can do it on all
//! that a pattern matches, or on nothing.

use std::collections::BTreeSet;

use rolecall_access::Evidence;
use rolecall_policy::{Document, Effect, PolicyKind, Statement};
use rolecall_service_reference::{action, glob_matches};

use crate::World;

impl World {
    /// The resources that policies name where they allow or deny an action, as they are written: a pattern stands for what
    /// it matches, for it matches itself. They are the policies that had a say in a decision, and those of all resources.
    pub(crate) fn resources_named(&self, evidence: &Evidence, effect: Effect) -> BTreeSet<String> {
        // Only some kinds give; every kind denies.
        let has_say = |kind: PolicyKind| effect == Effect::Deny || kind == PolicyKind::Identity;
        let own = evidence.policies_by_kind().filter(|(kind, _)| has_say(*kind));
        let own = own.map(|(_, policy)| policy.document());
        let of_resources = self.resource_policies.iter().flat_map(|(_, set)| set.policies());
        let documents = own.chain(of_resources.map(|policy| policy.document()));
        let mut found = BTreeSet::new();
        for document in documents {
            let statements = document.statements().iter().filter(|one| one.effect == effect);
            for statement in statements.filter(|one| is_about(document, one, &evidence.action)) {
                let Some(element) = statement.resource.as_ref().filter(|element| !element.negated) else {
                    continue;
                };
                found.extend(element.values.iter().map(|value| resolved(document.text(value), evidence)));
            }
        }
        // What an action is never about is named for other actions of the same statement.
        if let Some(known) = action(&evidence.action) {
            found.retain(|resource| known.takes_resource(resource));
        }
        found
    }
}

fn is_about(document: &Document, statement: &Statement, action: &str) -> bool {
    let mut patterns = statement.action.values.iter();
    patterns.any(|value| glob_matches(document.text(value), action)) != statement.action.negated
}

/// A resource with the variables that the request has values for.
fn resolved(text: &str, evidence: &Evidence) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inside, behind)) = after.split_once('}') else { break };
        let (key, default) = inside.split_once(',').unwrap_or((inside, ""));
        let value = evidence.context().get(key.trim()).and_then(|values| values.single());
        out.push_str(before);
        match key {
            "*" | "?" | "$" => out.push_str(key),
            _ => out.push_str(value.unwrap_or(default.trim().trim_matches('\''))),
        }
        rest = behind;
    }
    out + rest
}
