//! Condition operators, taken apart by name.

use rolecall_service_reference::{ValueType, closest};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Qualifier {
    ForAllValues,
    ForAnyValue,
}

/// What an operator compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    String,
    Numeric,
    Date,
    Bool,
    Binary,
    IpAddress,
    Arn,
    Null,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Operator<'t> {
    /// As written.
    pub(crate) text: &'t str,
    pub(crate) qualifier: Option<Qualifier>,
    /// Without qualifier and suffix.
    pub(crate) name: &'static str,
    pub(crate) family: Family,
    pub(crate) if_exists: bool,
}

const OPERATORS: [(&str, Family); 27] = [
    ("StringEquals", Family::String),
    ("StringNotEquals", Family::String),
    ("StringEqualsIgnoreCase", Family::String),
    ("StringNotEqualsIgnoreCase", Family::String),
    ("StringLike", Family::String),
    ("StringNotLike", Family::String),
    ("NumericEquals", Family::Numeric),
    ("NumericNotEquals", Family::Numeric),
    ("NumericLessThan", Family::Numeric),
    ("NumericLessThanEquals", Family::Numeric),
    ("NumericGreaterThan", Family::Numeric),
    ("NumericGreaterThanEquals", Family::Numeric),
    ("DateEquals", Family::Date),
    ("DateNotEquals", Family::Date),
    ("DateLessThan", Family::Date),
    ("DateLessThanEquals", Family::Date),
    ("DateGreaterThan", Family::Date),
    ("DateGreaterThanEquals", Family::Date),
    ("Bool", Family::Bool),
    ("BinaryEquals", Family::Binary),
    ("IpAddress", Family::IpAddress),
    ("NotIpAddress", Family::IpAddress),
    ("ArnEquals", Family::Arn),
    ("ArnLike", Family::Arn),
    ("ArnNotEquals", Family::Arn),
    ("ArnNotLike", Family::Arn),
    ("Null", Family::Null),
];

impl<'t> Operator<'t> {
    pub(crate) fn read(text: &'t str) -> Option<Self> {
        let (qualifier, rest) = match text.split_once(':') {
            Some(("ForAllValues", rest)) => (Some(Qualifier::ForAllValues), rest),
            Some(("ForAnyValue", rest)) => (Some(Qualifier::ForAnyValue), rest),
            _ => (None, text),
        };
        let (rest, if_exists) = rest.strip_suffix("IfExists").map_or((rest, false), |rest| (rest, true));
        let (name, family) = OPERATORS.into_iter().find(|(name, _)| *name == rest)?;
        let known = Self { text, qualifier, name, family, if_exists };
        (family != Family::Null || !if_exists).then_some(known)
    }

    pub(crate) fn is_null_with_if_exists(text: &str) -> bool {
        text.rsplit(':').next() == Some("NullIfExists")
    }

    pub(crate) fn closest(text: &str) -> Option<&'static str> {
        let name = text.rsplit(':').next().unwrap_or(text);
        closest(name.trim_end_matches("IfExists"), OPERATORS.into_iter().map(|(name, _)| name))
    }

    /// Whether it compares with wildcards.
    pub(crate) fn is_like(&self) -> bool {
        self.family == Family::Arn || matches!(self.name, "StringLike" | "StringNotLike")
    }

    pub(crate) fn is_negated(&self) -> bool {
        self.name.contains("Not")
    }

    /// Whether it suits keys of this type.
    pub(crate) fn suits(&self, value_type: ValueType) -> bool {
        match (value_type, self.family) {
            (_, Family::Null) => true,
            (ValueType::String, family) => matches!(family, Family::String | Family::Binary),
            (ValueType::Arn, family) => matches!(family, Family::Arn | Family::String),
            (ValueType::Bool, family) => family == Family::Bool,
            (ValueType::Numeric, family) => family == Family::Numeric,
            // Epoch times compare as numbers too.
            (ValueType::Date, family) => matches!(family, Family::Date | Family::Numeric),
            (ValueType::IpAddress, family) => family == Family::IpAddress,
            (ValueType::Binary, family) => family == Family::Binary,
        }
    }
}

/// The operators for keys of a type, in words.
pub(crate) fn family_for(value_type: ValueType) -> &'static str {
    match value_type {
        ValueType::String => "String",
        ValueType::Arn => "Arn",
        ValueType::Bool => "Bool",
        ValueType::Numeric => "Numeric",
        ValueType::Date => "Date",
        ValueType::IpAddress => "IpAddress",
        ValueType::Binary => "Binary",
    }
}
