//! What is said of parameters that the model does not allow.

use rolecall_aws_model::{ValidationError, WireError};

use crate::error::InvalidInput;

/// What is said of parameters that the model does not allow: one sentence and a reason, where other
/// services list every fault.
pub fn refusal(error: &ValidationError) -> WireError {
    let wire = error.wire();
    if wire.code != "InvalidInputException" {
        return wire;
    }
    let invalid = invalid(&wire.message);
    WireError::new(wire.code, wire.status, invalid.to_string()).with_reason(Some(invalid.reason()))
}

fn invalid(message: &str) -> InvalidInput {
    let rules = [
        ("Member must not be null", InvalidInput::Required),
        ("regular expression pattern", InvalidInput::Pattern),
        (
            "at 'policyType' failed to satisfy constraint: Member must satisfy enum",
            InvalidInput::EnumPolicyType,
        ),
        ("enum value set", InvalidInput::Enum),
        ("length less than", InvalidInput::MaxLength),
        ("length greater than", InvalidInput::MinLength),
        ("value less than", InvalidInput::MaxValue),
        ("value greater than", InvalidInput::MinValue),
    ];
    let found = rules.into_iter().find(|(words, _)| message.contains(words));
    found.map_or(InvalidInput::Pattern, |(_, invalid)| invalid)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rolecall_aws_model::JsonInput;
    use rolecall_aws_model::organizations::{Operation, Request};

    #[test]
    fn faults_are_told_by_their_reason() {
        let cases = [
            (Operation::DescribeAccount, r#"{"AccountId": "12"}"#, "INVALID_PATTERN"),
            (Operation::DescribeAccount, "{}", "INPUT_REQUIRED"),
            (Operation::ListPolicies, r#"{"Filter": "X"}"#, "INVALID_ENUM"),
            (Operation::ListAccounts, r#"{"MaxResults": 21}"#, "MAX_VALUE_EXCEEDED"),
            (
                Operation::CreateOrganizationalUnit,
                r#"{"ParentId": "r-abcd", "Name": ""}"#,
                "MIN_LENGTH_EXCEEDED",
            ),
        ];
        for (operation, body, reason) in cases {
            let input = JsonInput::json(body.as_bytes()).unwrap();
            let wire = refusal(&Request::parse(operation, &input).unwrap_err());
            assert_eq!((wire.code.as_ref(), wire.reason), ("InvalidInputException", Some(reason)), "{body}");
        }
    }
}
