//! Which services and actions policies grant, by their `Action` elements.
//!
//! Only permissions policies count: no boundaries, no organization's policies, no trust. A deny takes away what it
//! denies on every resource without a condition.
//! FIDELITY: AWS does not say how denies count; resources and conditions of an allow are not looked at.

use rolecall_policy::{Document, Effect, Statement};
use rolecall_service_reference as reference;

/// How far an allow reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Reach {
    /// To some resources, or under conditions.
    Somewhere,
    /// To every resource in every context.
    Everywhere,
}

/// What some policies grant.
#[derive(Default)]
pub(super) struct Granted {
    allows: Vec<Patterns>,
    denies: Vec<Patterns>,
}

/// One statement's `Action` or `NotAction`, each split at its colon.
struct Patterns {
    negated: bool,
    everywhere: bool,
    patterns: Vec<(Box<str>, Box<str>)>,
}

impl Patterns {
    fn of(document: &Document, statement: &Statement) -> Self {
        let source = document.source();
        let split = |text: &str| match text.split_once(':') {
            Some((service, action)) => (service.into(), action.into()),
            None => (text.into(), text.into()),
        };
        let values = statement.action.values.iter().map(|value| split(value.as_str(source)));
        Self {
            negated: statement.action.negated,
            everywhere: is_everywhere(document, statement),
            patterns: values.collect(),
        }
    }

    fn for_service<'a>(&'a self, service: &'a str) -> impl Iterator<Item = &'a str> {
        let of_service = |(prefix, _): &&(Box<str>, Box<str>)| reference::glob_matches(prefix, service);
        self.patterns.iter().filter(of_service).map(|(_, name)| &**name)
    }

    fn matches(&self, service: &str, action: &str) -> bool {
        self.for_service(service).any(|pattern| reference::glob_matches(pattern, action)) != self.negated
    }

    /// Whether it covers the whole service; a service whose name alone decides need not be parsed.
    fn covers(&self, service: &str) -> bool {
        match self.negated {
            true => self.for_service(service).next().is_none(),
            false => self.for_service(service).any(|pattern| pattern == "*"),
        }
    }

    fn may_match(&self, service: &str) -> bool {
        self.negated || self.for_service(service).next().is_some()
    }
}

impl Granted {
    /// Adds a policy.
    pub(super) fn add(&mut self, document: &Document) {
        for statement in document.statements() {
            match statement.effect {
                Effect::Allow => self.allows.push(Patterns::of(document, statement)),
                Effect::Deny if is_everywhere(document, statement) => {
                    self.denies.push(Patterns::of(document, statement));
                }
                Effect::Deny => {}
            }
        }
    }

    /// What one policy grants.
    pub(super) fn by(document: &Document) -> Self {
        let mut granted = Self::default();
        granted.add(document);
        granted
    }

    /// Whether an action of this service is granted.
    pub(super) fn has_service(&self, service: &str) -> bool {
        if !self.allows.iter().any(|allow| allow.may_match(service)) {
            return false;
        }
        let is_denied = self.denies.iter().any(|deny| deny.may_match(service));
        if !is_denied && self.allows.iter().any(|allow| allow.covers(service)) {
            return true;
        }
        self.actions(service).next().is_some()
    }

    /// The actions of this service that are granted, in the order of their names.
    pub(super) fn actions(&self, service: &str) -> impl Iterator<Item = &'static reference::Action> {
        let known = reference::service(service).map(|service| service.actions.iter());
        let matches = |patterns: &[Patterns], action: &reference::Action| {
            patterns.iter().any(|patterns| patterns.matches(action.service, action.name))
        };
        let granted = move |action: &&reference::Action| {
            matches(&self.allows, action) && !matches(&self.denies, action)
        };
        known.into_iter().flatten().filter(granted)
    }

    /// Whether an action is granted, and whether on every resource and in every context.
    pub(super) fn action(&self, action: &reference::Action) -> Option<Reach> {
        let matching = |patterns: &&Patterns| patterns.matches(action.service, action.name);
        if self.denies.iter().any(|deny| matching(&deny)) {
            return None;
        }
        let mut allows = self.allows.iter().filter(matching).peekable();
        allows.peek()?;
        Some(if allows.any(|allow| allow.everywhere) { Reach::Everywhere } else { Reach::Somewhere })
    }

    /// The services that are granted: prefix and name, in the order of the prefixes.
    pub(super) fn services(&self) -> impl Iterator<Item = (&'static str, &'static str)> {
        reference::service_names().filter(|(prefix, _)| self.has_service(prefix))
    }
}

/// Whether a deny holds for every resource and in every context.
fn is_everywhere(document: &Document, statement: &Statement) -> bool {
    let all = |resource: &rolecall_policy::ListElement| {
        !resource.negated && resource.values.iter().any(|value| value.as_str(document.source()) == "*")
    };
    statement.conditions.is_empty() && statement.resource.as_ref().is_some_and(all)
}

#[cfg(test)]
mod tests {
    use rolecall_policy::{Grammar, PolicyKind};

    use super::*;

    fn granted(statements: &str) -> Granted {
        let text = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
        Granted::by(&Document::parse(text, Grammar::evaluated(PolicyKind::Identity)).unwrap())
    }

    fn statement(effect: &str, element: &str, action: &str) -> String {
        format!(r#"{{"Effect": "{effect}", "{element}": "{action}", "Resource": "*"}}"#)
    }

    #[test]
    fn patterns_grant_the_services_that_they_reach() {
        let services =
            |statements: &str| granted(statements).services().map(|(prefix, _)| prefix).collect::<Vec<_>>();
        assert_eq!(services(&statement("Allow", "Action", "S3:Get*")), ["s3"]);
        assert_eq!(services(&statement("Allow", "Action", "s3:NoSuchThing")), [""; 0]);
        assert!(services(&statement("Allow", "Action", "*")).len() > 300);
        let all_but = services(&statement("Allow", "NotAction", "iam:*"));
        assert!(all_but.contains(&"s3") && !all_but.contains(&"iam"));
        assert!(services(&statement("Allow", "NotAction", "iam:GetUser")).contains(&"iam"));
    }

    #[test]
    fn a_deny_takes_away_what_it_denies_everywhere() {
        let both = |denied: &str| {
            format!("{}, {}", statement("Allow", "Action", "sts:*"), statement("Deny", "Action", denied))
        };
        assert!(!granted(&both("*")).has_service("sts"));
        assert!(!granted(&both("sts:*")).has_service("sts"));
        let some = granted(&both("sts:Assume*"));
        assert!(some.has_service("sts"));
        assert!(!some.actions("sts").any(|action| action.name.starts_with("Assume")));
        let conditional = statement("Allow", "Action", "sts:*")
            + r#", {"Effect": "Deny", "Action": "*", "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}}}"#;
        assert!(granted(&conditional).has_service("sts"));
    }
}
