//! The `Condition` element.

use serde_json::Value;

use crate::json::{Read, as_object, malformed, scalar_texts};
use crate::pattern::{arn_matches, literal, matches, tokens};
use crate::request::Request;
use crate::value::{address_in, base64, date, number, truth};

/// Whether every operator and every key of the element is satisfied. `{}` is.
pub(crate) fn satisfied(condition: &Value, version_2012: bool, request: &Request) -> Read<bool> {
    for (operator, keys) in as_object(condition, "Condition")? {
        let operator = Operator::read(operator)?;
        for (key, wanted) in as_object(keys, "a condition operator")? {
            let wanted = scalar_texts(wanted, key)?;
            if !operator.holds(request.values(key), &wanted, version_2012, request) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// A condition operator, taken apart.
struct Operator {
    qualifier: Qualifier,
    /// The comparison without negation: `StringEquals` for `StringNotEquals`.
    comparison: Comparison,
    negated: bool,
    if_exists: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Qualifier {
    None,
    ForAllValues,
    ForAnyValue,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    NumericEquals,
    NumericLessThan,
    NumericLessThanEquals,
    NumericGreaterThan,
    NumericGreaterThanEquals,
    DateEquals,
    DateLessThan,
    DateLessThanEquals,
    DateGreaterThan,
    DateGreaterThanEquals,
    Bool,
    BinaryEquals,
    IpAddress,
    Arn,
    Null,
}

impl Operator {
    fn read(name: &str) -> Read<Self> {
        let (qualifier, name) = match name.split_once(':') {
            Some(("ForAllValues", name)) => (Qualifier::ForAllValues, name),
            Some(("ForAnyValue", name)) => (Qualifier::ForAnyValue, name),
            _ => (Qualifier::None, name),
        };
        let (name, if_exists) = match name.strip_suffix("IfExists") {
            Some(name) => (name, true),
            None => (name, false),
        };
        let (comparison, negated) = comparison(name)?;
        Ok(Self { qualifier, comparison, negated, if_exists })
    }

    fn holds(
        &self,
        given: Option<&[String]>,
        wanted: &[String],
        version_2012: bool,
        request: &Request,
    ) -> bool {
        if self.comparison == Comparison::Null {
            let absent = given.is_none();
            return wanted.iter().any(|wanted| truth(wanted) == Some(absent));
        }
        let Some(given) = given else { return self.holds_for_missing_key() };
        let one = |value: &String| self.value_holds(value, wanted, version_2012, request);
        match self.qualifier {
            Qualifier::ForAllValues => given.iter().all(one),
            Qualifier::ForAnyValue => given.iter().any(one),
            // A plain operator is for single-valued keys. Of several values any may match; for a negated operator
            // none may.
            Qualifier::None if self.negated => given.iter().all(one),
            Qualifier::None => given.iter().any(one),
        }
    }

    fn holds_for_missing_key(&self) -> bool {
        match self.qualifier {
            _ if self.if_exists => true,
            Qualifier::ForAllValues => true,
            Qualifier::ForAnyValue => false,
            Qualifier::None => self.negated,
        }
    }

    /// Whether one value of the request satisfies the operator: it is equal (like, less …) to one of the policy's
    /// values, or for negated operators to none.
    fn value_holds(&self, given: &str, wanted: &[String], version_2012: bool, request: &Request) -> bool {
        let mut any = false;
        for wanted in wanted {
            match self.compares(given, wanted, version_2012, request) {
                Some(result) => any |= result,
                // Something has no value to compare: for a negated operator that is no success either.
                None if self.negated => return false,
                None => {}
            }
        }
        any != self.negated
    }

    /// None where either side is not of the operator's type, or a variable has no value.
    fn compares(&self, given: &str, wanted: &str, version_2012: bool, request: &Request) -> Option<bool> {
        let pattern = || tokens(wanted, version_2012, request);
        let numbers = || Some((number(given)?, number(wanted)?));
        let dates = || Some((date(given)?, date(wanted)?));
        match self.comparison {
            Comparison::StringEquals => pattern().map(|pattern| literal(&pattern) == given),
            Comparison::StringEqualsIgnoreCase => {
                pattern().map(|pattern| literal(&pattern).to_lowercase() == given.to_lowercase())
            }
            Comparison::StringLike => pattern().map(|pattern| matches(&pattern, given)),
            Comparison::Arn => pattern().map(|pattern| arn_matches(&pattern, given)),
            Comparison::NumericEquals => numbers().map(|(given, wanted)| given == wanted),
            Comparison::NumericLessThan => numbers().map(|(given, wanted)| given < wanted),
            Comparison::NumericLessThanEquals => numbers().map(|(given, wanted)| given <= wanted),
            Comparison::NumericGreaterThan => numbers().map(|(given, wanted)| given > wanted),
            Comparison::NumericGreaterThanEquals => numbers().map(|(given, wanted)| given >= wanted),
            Comparison::DateEquals => dates().map(|(given, wanted)| given == wanted),
            Comparison::DateLessThan => dates().map(|(given, wanted)| given < wanted),
            Comparison::DateLessThanEquals => dates().map(|(given, wanted)| given <= wanted),
            Comparison::DateGreaterThan => dates().map(|(given, wanted)| given > wanted),
            Comparison::DateGreaterThanEquals => dates().map(|(given, wanted)| given >= wanted),
            Comparison::Bool => Some(truth(given)? == truth(wanted)?),
            Comparison::BinaryEquals => Some(base64(given)? == base64(wanted)?),
            Comparison::IpAddress => address_in(given, wanted),
            Comparison::Null => None,
        }
    }
}

fn comparison(name: &str) -> Read<(Comparison, bool)> {
    Ok(match name {
        "StringEquals" => (Comparison::StringEquals, false),
        "StringNotEquals" => (Comparison::StringEquals, true),
        "StringEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, false),
        "StringNotEqualsIgnoreCase" => (Comparison::StringEqualsIgnoreCase, true),
        "StringLike" => (Comparison::StringLike, false),
        "StringNotLike" => (Comparison::StringLike, true),
        "NumericEquals" => (Comparison::NumericEquals, false),
        "NumericNotEquals" => (Comparison::NumericEquals, true),
        "NumericLessThan" => (Comparison::NumericLessThan, false),
        "NumericLessThanEquals" => (Comparison::NumericLessThanEquals, false),
        "NumericGreaterThan" => (Comparison::NumericGreaterThan, false),
        "NumericGreaterThanEquals" => (Comparison::NumericGreaterThanEquals, false),
        "DateEquals" => (Comparison::DateEquals, false),
        "DateNotEquals" => (Comparison::DateEquals, true),
        "DateLessThan" => (Comparison::DateLessThan, false),
        "DateLessThanEquals" => (Comparison::DateLessThanEquals, false),
        "DateGreaterThan" => (Comparison::DateGreaterThan, false),
        "DateGreaterThanEquals" => (Comparison::DateGreaterThanEquals, false),
        "Bool" => (Comparison::Bool, false),
        "BinaryEquals" => (Comparison::BinaryEquals, false),
        "IpAddress" => (Comparison::IpAddress, false),
        "NotIpAddress" => (Comparison::IpAddress, true),
        "ArnEquals" | "ArnLike" => (Comparison::Arn, false),
        "ArnNotEquals" | "ArnNotLike" => (Comparison::Arn, true),
        "Null" => (Comparison::Null, false),
        other => return malformed(format!("no condition operator {other}")),
    })
}
