//! One condition: an operator, a key and the values it wants.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html>

use crate::context::{Context, Values, key_hash};
use crate::document::{ConditionEntry, Document, Version};
use crate::operator::{Comparison, Operator, Qualifier, ValueType};
use crate::pattern::{ArnPattern, Pattern};
use crate::value::{Network, Number, Timestamp, parse_address, parse_bool, same_base64};

/// A condition, ready to be tested.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Condition {
    pub(crate) operator: Operator,
    hash: u64,
    key: Box<str>,
    wanted: Wanted,
}

/// The values of a condition in the type of its operator.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Wanted {
    /// `StringEquals`, `StringLike` and their negations.
    Text(Box<[Pattern]>),
    /// Without regard to case.
    Folded(Box<[Pattern]>),
    Number(Box<[Operand<Number>]>),
    Date(Box<[Operand<Timestamp>]>),
    Bool(Box<[Operand<bool>]>),
    Binary(Box<[Pattern]>),
    Network(Box<[Operand<Network>]>),
    Arn(Box<[ArnPattern]>),
    /// Whether the key is to be absent.
    Null(Box<[bool]>),
}

/// A typed value, known when the policy is compiled or only with a request's variables.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Operand<T> {
    Fixed(T),
    Variable(Pattern),
    /// What can't be read as the type; nothing compares with it.
    Malformed,
}

/// Why a condition doesn't hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mismatch<'a> {
    /// The key is absent.
    Absent,
    /// The values don't match.
    Value,
    /// A variable in the wanted values has no value.
    Unresolved(&'a str),
}

impl Condition {
    pub(crate) fn new(document: &Document, entry: &ConditionEntry) -> Self {
        let key = document.text(&entry.key);
        let texts: Vec<&str> = entry.values.iter().map(|value| document.text(value)).collect();
        let wanted = Wanted::new(entry.operator.comparison, &texts, document.version());
        Self { operator: entry.operator, hash: key_hash(key), key: key.into(), wanted }
    }

    /// A rough cost of testing it, by which conditions are ordered.
    pub(crate) fn cost(&self) -> usize {
        match &self.wanted {
            Wanted::Null(_) => 0,
            Wanted::Bool(_) => 1,
            Wanted::Text(patterns) => 2 + patterns.len(),
            Wanted::Network(networks) => 4 + networks.len(),
            Wanted::Number(_) | Wanted::Binary(_) => 4,
            Wanted::Folded(patterns) => 4 + patterns.len(),
            Wanted::Date(_) => 6,
            Wanted::Arn(patterns) => 6 + patterns.len(),
        }
    }

    pub(crate) fn holds(&self, context: &Context) -> bool {
        match self.values(context) {
            None => self.holds_without_key(),
            Some(values) => self.holds_for(&values, context),
        }
    }

    /// What a request has for the key.
    pub(crate) fn values<'c>(&self, context: &'c Context) -> Option<Values<'c>> {
        context.get_hashed(self.hash, &self.key)
    }

    /// What is in the way, if it doesn't hold.
    pub(crate) fn mismatch<'a>(&'a self, context: &Context) -> Option<Mismatch<'a>> {
        if self.holds(context) {
            return None;
        }
        if self.values(context).is_none() {
            return Some(Mismatch::Absent);
        }
        Some(self.wanted.unresolved(context).map_or(Mismatch::Value, Mismatch::Unresolved))
    }

    fn holds_without_key(&self) -> bool {
        if let Wanted::Null(wanted) = &self.wanted {
            return wanted.contains(&true);
        }
        match self.operator.qualifier {
            _ if self.operator.if_exists => true,
            Some(Qualifier::ForAllValues) => true,
            Some(Qualifier::ForAnyValue) => false,
            None => self.operator.comparison.is_negated(),
        }
    }

    fn holds_for(&self, values: &Values<'_>, context: &Context) -> bool {
        if let Wanted::Null(wanted) = &self.wanted {
            return wanted.contains(&false);
        }
        let negated = self.operator.comparison.is_negated();
        let mut values = values.iter();
        let matches = |value: &str| self.wanted.matches(value, self.operator.comparison, context);
        match (self.operator.qualifier, negated) {
            // Several values of a single-valued operator: any may match, and for a negated one none may.
            (None, false) | (Some(Qualifier::ForAnyValue), false) => {
                values.any(|value| matches(value).is_hit())
            }
            (Some(Qualifier::ForAllValues), false) => values.all(|value| matches(value).is_hit()),
            (None | Some(Qualifier::ForAllValues), true) => values.all(|value| matches(value).is_miss()),
            (Some(Qualifier::ForAnyValue), true) => values.any(|value| matches(value).is_miss()),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        self.key.len() + self.wanted.heap_bytes()
    }
}

/// How one value compares with the wanted ones.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hit {
    /// One of them matches.
    Yes,
    /// None does.
    No,
    /// It can't be compared: neither the operator nor its negation holds.
    Incomparable,
}

impl Hit {
    fn is_hit(self) -> bool {
        self == Self::Yes
    }

    fn is_miss(self) -> bool {
        self == Self::No
    }
}

impl Wanted {
    fn new(comparison: Comparison, texts: &[&str], version: Version) -> Self {
        let literals = || texts.iter().map(|text| Pattern::literal(text, version)).collect();
        match comparison {
            Comparison::StringEquals | Comparison::StringNotEquals => Self::Text(literals()),
            Comparison::StringLike | Comparison::StringNotLike => {
                Self::Text(texts.iter().map(|text| Pattern::wildcards(text, version)).collect())
            }
            Comparison::StringEqualsIgnoreCase | Comparison::StringNotEqualsIgnoreCase => {
                Self::Folded(literals())
            }
            Comparison::BinaryEquals => Self::Binary(literals()),
            _ => Self::typed(comparison.value_type(), texts, version),
        }
    }

    fn typed(value_type: ValueType, texts: &[&str], version: Version) -> Self {
        match value_type {
            ValueType::Numeric => Self::Number(operands(texts, version, Number::parse)),
            ValueType::Date => Self::Date(operands(texts, version, Timestamp::parse)),
            ValueType::Bool => Self::Bool(operands(texts, version, parse_bool)),
            ValueType::IpAddress => Self::Network(operands(texts, version, Network::parse)),
            ValueType::Null => Self::Null(texts.iter().filter_map(|text| parse_bool(text)).collect()),
            ValueType::Arn | ValueType::String | ValueType::Binary => {
                Self::Arn(texts.iter().map(|text| ArnPattern::new(text, version)).collect())
            }
        }
    }

    fn matches(&self, value: &str, comparison: Comparison, context: &Context) -> Hit {
        let hit = match self {
            Self::Text(patterns) => patterns.iter().any(|pattern| pattern.matches(value.as_bytes(), context)),
            Self::Folded(patterns) => any_text(patterns, context, |text| same_ignoring_case(text, value)),
            Self::Binary(patterns) => any_text(patterns, context, |text| same_base64(text, value)),
            Self::Arn(patterns) => patterns.iter().any(|pattern| pattern.matches(value, context)),
            Self::Number(wanted) => match Number::parse(value) {
                Some(given) => any_number(wanted, context, comparison, given),
                None => return Hit::Incomparable,
            },
            Self::Date(wanted) => match Timestamp::parse(value) {
                Some(given) => any_date(wanted, context, comparison, given),
                None => return Hit::Incomparable,
            },
            Self::Network(wanted) => match parse_address(value) {
                Some(given) => {
                    any_operand(wanted, context, Network::parse, |network| network.contains(given))
                }
                None => return Hit::Incomparable,
            },
            Self::Bool(wanted) => match parse_bool(value) {
                Some(given) => any_operand(wanted, context, parse_bool, |wanted| wanted == given),
                None => return Hit::Incomparable,
            },
            Self::Null(_) => false,
        };
        match hit {
            true => Hit::Yes,
            false if comparison.is_negated() && self.unresolved(context).is_some() => Hit::Incomparable,
            false => Hit::No,
        }
    }

    /// The first variable without a value. It keeps even a negated operator from matching.
    fn unresolved<'a>(&'a self, context: &Context) -> Option<&'a str> {
        match self {
            Self::Text(patterns) | Self::Folded(patterns) | Self::Binary(patterns) => {
                patterns.iter().find_map(|pattern| pattern.unresolved(context))
            }
            Self::Arn(patterns) => patterns.iter().find_map(|pattern| pattern.unresolved(context)),
            Self::Number(operands) => unresolved_operand(operands, context),
            Self::Date(operands) => unresolved_operand(operands, context),
            Self::Bool(operands) => unresolved_operand(operands, context),
            Self::Network(operands) => unresolved_operand(operands, context),
            Self::Null(_) => None,
        }
    }

    fn heap_bytes(&self) -> usize {
        fn operands<T>(operands: &[Operand<T>]) -> usize {
            let patterns = operands.iter().map(|operand| match operand {
                Operand::Variable(pattern) => pattern.heap_bytes(),
                Operand::Fixed(_) | Operand::Malformed => 0,
            });
            size_of_val(operands) + patterns.sum::<usize>()
        }
        match self {
            Self::Text(patterns) | Self::Folded(patterns) | Self::Binary(patterns) => {
                size_of_val::<[Pattern]>(patterns) + patterns.iter().map(Pattern::heap_bytes).sum::<usize>()
            }
            Self::Arn(patterns) => {
                size_of_val::<[ArnPattern]>(patterns)
                    + patterns.iter().map(ArnPattern::heap_bytes).sum::<usize>()
            }
            Self::Number(list) => operands(list),
            Self::Date(list) => operands(list),
            Self::Bool(list) => operands(list),
            Self::Network(list) => operands(list),
            Self::Null(list) => list.len(),
        }
    }
}

fn operands<T>(texts: &[&str], version: Version, parse: fn(&str) -> Option<T>) -> Box<[Operand<T>]> {
    let operand = |text: &&str| match parse(text) {
        Some(value) => Operand::Fixed(value),
        None => match Pattern::literal(text, version) {
            pattern @ Pattern::Glob(_) => Operand::Variable(pattern),
            _ => Operand::Malformed,
        },
    };
    texts.iter().map(operand).collect()
}

fn any_operand<T: Copy>(
    operands: &[Operand<T>],
    context: &Context,
    parse: fn(&str) -> Option<T>,
    test: impl Fn(T) -> bool,
) -> bool {
    operands.iter().any(|operand| match operand {
        Operand::Fixed(value) => test(*value),
        Operand::Variable(pattern) => pattern.with_text(context, parse).flatten().is_some_and(&test),
        Operand::Malformed => false,
    })
}

/// The first variable that is missing.
fn unresolved_operand<'a, T>(operands: &'a [Operand<T>], context: &Context) -> Option<&'a str> {
    operands.iter().find_map(|operand| match operand {
        Operand::Variable(pattern) => pattern.unresolved(context),
        Operand::Fixed(_) | Operand::Malformed => None,
    })
}

fn any_text(patterns: &[Pattern], context: &Context, test: impl Fn(&str) -> bool) -> bool {
    patterns.iter().any(|pattern| pattern.with_text(context, &test).unwrap_or(false))
}

fn any_number(wanted: &[Operand<Number>], context: &Context, comparison: Comparison, given: Number) -> bool {
    any_operand(wanted, context, Number::parse, |wanted| match comparison {
        Comparison::NumericLessThan => given < wanted,
        Comparison::NumericLessThanEquals => given <= wanted,
        Comparison::NumericGreaterThan => given > wanted,
        Comparison::NumericGreaterThanEquals => given >= wanted,
        _ => given == wanted,
    })
}

fn any_date(
    wanted: &[Operand<Timestamp>],
    context: &Context,
    comparison: Comparison,
    given: Timestamp,
) -> bool {
    any_operand(wanted, context, Timestamp::parse, |wanted| match comparison {
        Comparison::DateLessThan => given < wanted,
        Comparison::DateLessThanEquals => given <= wanted,
        Comparison::DateGreaterThan => given > wanted,
        Comparison::DateGreaterThanEquals => given >= wanted,
        _ => given == wanted,
    })
}

fn same_ignoring_case(one: &str, other: &str) -> bool {
    if one.is_ascii() && other.is_ascii() {
        return one.eq_ignore_ascii_case(other);
    }
    fold(one).eq(fold(other))
}

/// Upper case first, so that letters with two lower-case forms come out as one.
fn fold(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(char::to_uppercase).flat_map(char::to_lowercase)
}
