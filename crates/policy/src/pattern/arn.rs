//! Patterns of the ARN operators, where a wildcard stays within its field.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html#Conditions_ARN>

use super::Pattern;
use crate::arn::split_fields;
use crate::context::Context;
use crate::document::Version;
use crate::template::{ANY_ONE, ANY_RUN, Template};

/// A pattern for ARNs. The first five colons split both it and the text into six fields, matched one by one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum ArnPattern {
    /// A bare `*`.
    // FIDELITY: it isn't an ARN; taken to mean every ARN, as its author will have meant.
    Every,
    /// Six fields without variables.
    Fields(Box<[Pattern; 6]>),
    /// With variables, which may bring colons of their own, so that fields are told apart when matching.
    Variables(Box<Template>),
    /// Fewer than six fields: matches nothing.
    Malformed,
}

impl ArnPattern {
    pub(crate) fn new(text: &str, version: Version) -> Self {
        if text == "*" {
            return Self::Every;
        }
        if text.contains('$') {
            let template = Template::parse(text, version, true);
            if template.has_variables() {
                return Self::Variables(Box::new(template));
            }
        }
        match split_fields(text) {
            Some(fields) => Self::Fields(Box::new(fields.map(|field| Pattern::wildcards(field, version)))),
            None => Self::Malformed,
        }
    }

    pub(crate) fn matches(&self, text: &str, context: &Context) -> bool {
        match self {
            Self::Every => split_fields(text).is_some(),
            Self::Fields(patterns) => split_fields(text).is_some_and(|fields| {
                patterns.iter().zip(fields).all(|(pattern, field)| pattern.matches(field.as_bytes(), context))
            }),
            Self::Variables(template) => matches_expanded(template, text, context).unwrap_or(false),
            Self::Malformed => false,
        }
    }

    pub(crate) fn unresolved(&self, context: &Context) -> Option<&str> {
        match self {
            Self::Variables(template) => template.unresolved(context),
            Self::Every | Self::Fields(_) | Self::Malformed => None,
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        match self {
            Self::Every | Self::Malformed => 0,
            Self::Fields(fields) => {
                size_of_val(fields.as_ref()) + fields.iter().map(Pattern::heap_bytes).sum::<usize>()
            }
            Self::Variables(template) => size_of::<Template>() + template.heap_bytes(),
        }
    }
}

fn matches_expanded(template: &Template, text: &str, context: &Context) -> Option<bool> {
    let pattern = template.expand(context)?;
    let mut patterns = pattern.splitn(6, |byte| *byte == b':');
    for field in split_fields(text)? {
        if !matches_bytes(patterns.next()?, field.as_bytes()) {
            return Some(false);
        }
    }
    Some(true)
}

/// Matches expanded text with one place to return to: the last star seen.
fn matches_bytes(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at_pattern, mut at_text) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(byte) = text.get(at_text) {
        match pattern.get(at_pattern) {
            Some(&ANY_RUN) => {
                star = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(&ANY_ONE) => {
                at_pattern += 1;
                at_text += character_length(text, at_text);
            }
            Some(wanted) if wanted == byte => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((star_pattern, star_text)) = star else { return false };
                at_text = star_text + character_length(text, star_text);
                at_pattern = star_pattern + 1;
                star = Some((star_pattern, at_text));
            }
        }
    }
    pattern.get(at_pattern..).unwrap_or_default().iter().all(|byte| *byte == ANY_RUN)
}

fn character_length(text: &[u8], at: usize) -> usize {
    let continuation = |byte: &&u8| **byte & 0xC0 == 0x80;
    1 + text.get(at + 1..).unwrap_or_default().iter().take_while(continuation).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, text: &str) -> bool {
        ArnPattern::new(pattern, Version::V2012).matches(text, &Context::new())
    }

    #[test]
    fn a_wildcard_stays_within_its_field() {
        let text = "arn:aws:sns:us-east-1:123456789012:topic";
        assert!(matches("arn:aws:sns:*:123456789012:*", text));
        assert!(matches("arn:aws:sns:us-*-?:*:top*", text));
        assert!(!matches("arn:aws:*:topic", text));
        assert!(!matches("arn:*", text));
        assert!(matches("*", text) && !matches("*", "topic"));
    }

    #[test]
    fn the_last_field_takes_further_colons() {
        assert!(matches("arn:aws:lambda:*:*:function:*", "arn:aws:lambda:r:1:function:f:2"));
        assert!(matches("arn:aws:iam::*:role/*", "arn:aws:iam::1:role/a/b"));
    }

    #[test]
    fn a_variable_may_be_a_whole_arn_and_never_a_wildcard() {
        let pattern = ArnPattern::new("${aws:PrincipalArn}", Version::V2012);
        let role = "arn:aws:iam::1:role/é*";
        let context = Context::from_iter([("aws:PrincipalArn", role)]);
        assert!(pattern.matches(role, &context));
        assert!(!pattern.matches("arn:aws:iam::1:role/éx", &context));
        let pattern = ArnPattern::new("arn:aws:iam::*:role/?*${aws:PrincipalTag/t}*", Version::V2012);
        let context = Context::from_iter([("aws:PrincipalTag/t", "x")]);
        assert!(pattern.matches("arn:aws:iam::1:role/éx", &context));
        assert!(!pattern.matches("arn:aws:iam::1:role/x", &context));
    }
}
