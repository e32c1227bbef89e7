//! Wildcards and policy variables.

use crate::request::Request;

/// One element of a pattern after variables have been replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// This character and no other, even if it is a star: substituted text is literal.
    Literal(char),
    /// `?`.
    AnyOne,
    /// `*`.
    AnyMany,
}

/// A policy's text with `*` and `?` as wildcards and, if `version_2012`, with variables replaced from the request.
///
/// None if a variable has no value and no default: such a text matches nothing.
pub(crate) fn tokens(text: &str, version_2012: bool, request: &Request) -> Option<Vec<Token>> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let variable = if version_2012 { rest.strip_prefix("${") } else { None };
        if let Some((name, after)) = variable.and_then(|inner| inner.split_once('}')) {
            tokens.extend(variable_text(name, request)?.chars().map(Token::Literal));
            rest = after;
            continue;
        }
        tokens.push(match character {
            '*' => Token::AnyMany,
            '?' => Token::AnyOne,
            other => Token::Literal(other),
        });
        rest = rest.get(character.len_utf8()..).unwrap_or_default();
    }
    Some(tokens)
}

/// `aws:username`, `aws:username, 'default'`, or one of the three escapes.
fn variable_text(name: &str, request: &Request) -> Option<String> {
    if matches!(name, "*" | "?" | "$") {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(',') {
        Some((key, default)) => (key.trim(), Some(default.trim().trim_matches('\'').to_owned())),
        None => (name.trim(), None),
    };
    match request.values(key) {
        // FIDELITY: AWS says only that multivalued keys cannot be variables; here they have no value, nor a default.
        _ if MULTIVALUED.iter().any(|multivalued| multivalued.eq_ignore_ascii_case(key)) => None,
        Some([single]) => Some(single.clone()),
        Some(_) => None,
        None => default,
    }
}

/// The multivalued ones of the
/// [global keys](https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html).
const MULTIVALUED: [&str; 8] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "aws:VpceOrgPaths",
    "sts:TransitiveTagKeys",
];

/// The same text with wildcards as ordinary characters, for the operators that know none.
pub(crate) fn literal(tokens: &[Token]) -> String {
    let character = |token: &Token| match token {
        Token::Literal(character) => *character,
        Token::AnyOne => '?',
        Token::AnyMany => '*',
    };
    tokens.iter().map(character).collect()
}

/// Whether the pattern matches the whole text, case and all.
pub(crate) fn matches(pattern: &[Token], text: &str) -> bool {
    let text: Vec<char> = text.chars().collect();
    matches_from(pattern, &text)
}

fn matches_from(pattern: &[Token], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (None, Some(_)) => false,
        (Some((Token::AnyMany, later)), None) => matches_from(later, text),
        (Some(_), None) => false,
        // A star takes nothing, or one character and may go on.
        (Some((Token::AnyMany, later)), Some((_, rest))) => {
            matches_from(later, text) || matches_from(pattern, rest)
        }
        (Some((Token::AnyOne, later)), Some((_, rest))) => matches_from(later, rest),
        (Some((Token::Literal(wanted), later)), Some((given, rest))) => {
            wanted == given && matches_from(later, rest)
        }
    }
}

/// An action pattern: wildcards, no variables, no case.
pub(crate) fn action_matches(pattern: &str, action: &str) -> bool {
    let tokens: Vec<Token> = pattern
        .to_ascii_lowercase()
        .chars()
        .map(|character| match character {
            '*' => Token::AnyMany,
            '?' => Token::AnyOne,
            other => Token::Literal(other),
        })
        .collect();
    matches(&tokens, &action.to_ascii_lowercase())
}

/// An ARN pattern against an ARN, each of the six fields for itself. The sixth field may hold colons.
pub(crate) fn arn_matches(pattern: &[Token], arn: &str) -> bool {
    let patterns: Vec<&[Token]> = pattern.splitn(6, |token| *token == Token::Literal(':')).collect();
    let fields: Vec<&str> = arn.splitn(6, ':').collect();
    patterns.len() == 6
        && fields.len() == 6
        && patterns.iter().zip(&fields).all(|(pattern, field)| matches(pattern, field))
}
