//! The names of condition operators.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>

use std::fmt;

/// A condition operator with its set qualifier and suffix, as in `ForAnyValue:StringLikeIfExists`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Operator {
    /// `ForAllValues:` or `ForAnyValue:`.
    pub qualifier: Option<Qualifier>,
    /// The comparison itself.
    pub comparison: Comparison,
    /// Whether a missing key is a match.
    pub if_exists: bool,
}

/// How the several values of a multivalued key are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Qualifier {
    /// Every value in the request must match; none at all does.
    ForAllValues,
    /// One value in the request must match.
    ForAnyValue,
}

macro_rules! comparisons {
    ($($name:ident),* $(,)?) => {
        /// What an operator compares, and how.
        #[expect(missing_docs, reason = "each is AWS's operator of that name")]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Comparison { $($name),* }

        impl Comparison {
            /// Every comparison.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// The operator's name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => stringify!($name)),* }
            }

            fn from_name(name: &str) -> Option<Self> {
                match name { $(stringify!($name) => Some(Self::$name),)* _ => None }
            }
        }
    };
}

comparisons! {
    StringEquals, StringNotEquals, StringEqualsIgnoreCase, StringNotEqualsIgnoreCase, StringLike, StringNotLike,
    NumericEquals, NumericNotEquals, NumericLessThan, NumericLessThanEquals, NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals, DateNotEquals, DateLessThan, DateLessThanEquals, DateGreaterThan, DateGreaterThanEquals,
    Bool, BinaryEquals, IpAddress, NotIpAddress, ArnEquals, ArnLike, ArnNotEquals, ArnNotLike, Null,
}

/// The type of value that a comparison is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ValueType {
    /// Text.
    String,
    /// A decimal number.
    Numeric,
    /// A point in time.
    Date,
    /// `true` or `false`.
    Bool,
    /// Bytes in Base64.
    Binary,
    /// An address, or a range of them.
    IpAddress,
    /// An ARN.
    Arn,
    /// Whether the key is there at all.
    Null,
}

impl Comparison {
    /// Whether it matches when none of the policy's values does.
    #[must_use]
    pub const fn is_negated(self) -> bool {
        matches!(
            self,
            Self::StringNotEquals
                | Self::StringNotEqualsIgnoreCase
                | Self::StringNotLike
                | Self::NumericNotEquals
                | Self::DateNotEquals
                | Self::NotIpAddress
                | Self::ArnNotEquals
                | Self::ArnNotLike
        )
    }

    /// The type of value it compares.
    #[must_use]
    pub const fn value_type(self) -> ValueType {
        match self {
            Self::StringEquals
            | Self::StringNotEquals
            | Self::StringEqualsIgnoreCase
            | Self::StringNotEqualsIgnoreCase
            | Self::StringLike
            | Self::StringNotLike => ValueType::String,
            Self::NumericEquals
            | Self::NumericNotEquals
            | Self::NumericLessThan
            | Self::NumericLessThanEquals
            | Self::NumericGreaterThan
            | Self::NumericGreaterThanEquals => ValueType::Numeric,
            Self::DateEquals
            | Self::DateNotEquals
            | Self::DateLessThan
            | Self::DateLessThanEquals
            | Self::DateGreaterThan
            | Self::DateGreaterThanEquals => ValueType::Date,
            Self::Bool => ValueType::Bool,
            Self::BinaryEquals => ValueType::Binary,
            Self::IpAddress | Self::NotIpAddress => ValueType::IpAddress,
            Self::ArnEquals | Self::ArnLike | Self::ArnNotEquals | Self::ArnNotLike => ValueType::Arn,
            Self::Null => ValueType::Null,
        }
    }
}

impl Operator {
    /// Reads an operator's full name; `None` when there is no such operator.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let (qualifier, rest) = split_qualifier(name);
        let (rest, if_exists) = match rest.strip_suffix("IfExists") {
            Some(stem) => (stem, true),
            None => (rest, false),
        };
        let comparison = Comparison::from_name(rest)?;
        // Null asks for existence itself; it has neither form.
        let plain_only = comparison == Comparison::Null && if_exists;
        (!plain_only).then_some(Self { qualifier, comparison, if_exists })
    }
}

fn split_qualifier(name: &str) -> (Option<Qualifier>, &str) {
    for qualifier in [Qualifier::ForAllValues, Qualifier::ForAnyValue] {
        if let Some(rest) = name.strip_prefix(qualifier.prefix()) {
            return (Some(qualifier), rest);
        }
    }
    (None, name)
}

impl Qualifier {
    /// The prefix with its colon.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::ForAllValues => "ForAllValues:",
            Self::ForAnyValue => "ForAnyValue:",
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.qualifier.map_or("", Qualifier::prefix))?;
        f.write_str(self.comparison.as_str())?;
        f.write_str(if self.if_exists { "IfExists" } else { "" })
    }
}

impl serde::Serialize for Operator {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_every_operator_is_read_back() {
        for comparison in Comparison::ALL {
            for qualifier in [None, Some(Qualifier::ForAllValues), Some(Qualifier::ForAnyValue)] {
                let operator = Operator { qualifier, comparison: *comparison, if_exists: false };
                assert_eq!(Operator::from_name(&operator.to_string()), Some(operator));
                let operator = Operator { if_exists: true, ..operator };
                let expected = (*comparison != Comparison::Null).then_some(operator);
                assert_eq!(Operator::from_name(&operator.to_string()), expected);
            }
        }
    }

    #[test]
    fn an_unknown_operator_is_none() {
        for name in ["", "StringMatches", "IfExists", "ForAnyValue:", "ForAllValues:ForAnyValue:StringLike"] {
            assert_eq!(Operator::from_name(name), None, "{name}");
        }
    }
}
