//! What breaks the model's constraints, in the words of the protocol.

use std::fmt;

use crate::constraint::Constraint;
use crate::error::WireError;

/// Why an input is refused before anyone acts on it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidationError {
    /// Values that break constraints.
    #[error("{0}")]
    Constraints(Violated),
    /// A value that is not of its type at all.
    #[error("{0}")]
    Malformed(String),
}

/// Broken constraints: the code and the message that go with them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violated {
    code: &'static str,
    message: String,
}

impl fmt::Display for Violated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl ValidationError {
    /// The error as it goes over the wire.
    pub fn wire(&self) -> WireError {
        match self {
            Self::Constraints(Violated { code, message }) => WireError::new(*code, 400, message),
            Self::Malformed(message) => WireError::new("MalformedInput", 400, message),
        }
    }
}

/// What IAM says of a prefix of paths.
const PREFIX: &str =
    "It must begin with the / character and contain only alphanumeric characters and/or / characters.";

/// Whose words refusals are told in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `ValidationError`, and all faults at once.
    #[default]
    Query,
    /// As `Query`, but IAM's: values are not repeated, and faults come in the order of their places.
    Iam,
    /// `MissingParameter` and `InvalidParameterValue`, for the first fault.
    Ec2,
    /// This code, and all faults at once; `SerializationException` for a wrong type.
    Json(&'static str),
}

/// What breaks the model's constraints, gathered while an input is read.
#[derive(Debug, Default)]
pub(crate) struct Violations {
    dialect: Dialect,
    path: Vec<Step>,
    found: Vec<String>,
    refused: Option<Violated>,
    malformed: Option<String>,
}

/// A step of the way to a member: its name on the wire and in messages.
#[derive(Debug)]
enum Step {
    Member(&'static str, &'static str),
    Item(usize),
    Key(String),
}

impl Violations {
    pub(crate) fn new(dialect: Dialect) -> Self {
        Self { dialect, ..Self::default() }
    }

    pub(crate) fn into_result<T>(mut self, value: T) -> Result<T, ValidationError> {
        if let Some(message) = self.malformed {
            return Err(ValidationError::Malformed(message));
        }
        let code = match self.dialect {
            Dialect::Json(code) => code,
            Dialect::Query | Dialect::Iam | Dialect::Ec2 => "ValidationError",
        };
        let found = self.found.len();
        match (found, self.refused) {
            (0, None) => Ok(value),
            (0, Some(refused)) => Err(ValidationError::Constraints(refused)),
            _ => {
                if self.dialect == Dialect::Iam {
                    self.found.sort_by(|one, other| place(one).cmp(place(other)));
                }
                let plural = if found == 1 { "" } else { "s" };
                let message = format!("{found} validation error{plural} detected: {}", self.found.join("; "));
                Err(ValidationError::Constraints(Violated { code, message }))
            }
        }
    }

    pub(crate) fn in_member<T>(
        &mut self,
        wire: &'static str,
        shown: &'static str,
        read: impl FnOnce(&mut Self) -> T,
    ) -> T {
        self.within(Step::Member(wire, shown), read)
    }

    /// Within the item of a list, counted from one.
    pub(crate) fn in_item<T>(&mut self, number: usize, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within(Step::Item(number), read)
    }

    pub(crate) fn in_key<T>(&mut self, key: &str, read: impl FnOnce(&mut Self) -> T) -> T {
        self.within(Step::Key(key.to_owned()), read)
    }

    fn within<T>(&mut self, step: Step, read: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(step);
        let value = read(self);
        self.path.pop();
        value
    }

    // `tags.1.member.key`; for EC2, whose parameters have no `member`, `TagSpecification.1.Tag.2.Key`.
    fn path(&self) -> String {
        let ec2 = self.dialect == Dialect::Ec2;
        let steps = self.path.iter().map(|step| match step {
            Step::Member(wire, _) if ec2 => (*wire).to_owned(),
            Step::Member(_, shown) => (*shown).to_owned(),
            Step::Item(number) if ec2 => number.to_string(),
            Step::Item(number) => format!("{number}.member"),
            Step::Key(key) => key.clone(),
        });
        steps.collect::<Vec<_>>().join(".")
    }

    fn refuse(&mut self, code: &'static str, message: String) {
        self.refused.get_or_insert(Violated { code, message });
    }

    fn add(&mut self, value: &str, rule: &str) {
        let at = self.path();
        let shown = if self.dialect == Dialect::Iam { String::new() } else { format!(" {value}") };
        self.found.push(format!("Value{shown} at '{at}' failed to satisfy constraint: {rule}"));
    }

    /// Nothing stands where something must.
    pub(crate) fn missing(&mut self) {
        match self.dialect {
            Dialect::Ec2 => {
                let message = format!("The request must contain the parameter {}", self.path());
                self.refuse("MissingParameter", message);
            }
            Dialect::Query | Dialect::Iam | Dialect::Json(_) => self.add("null", "Member must not be null"),
        }
    }

    /// What stands there is not of its type: `is` in JSON's words, `wanted` in Coral's.
    pub(crate) fn mismatch(&mut self, is: &str, wanted: &str) {
        match self.dialect {
            Dialect::Ec2 => {
                let message =
                    format!("Value ({is}) for parameter {} is invalid. {wanted} expected", self.path());
                self.refuse("InvalidParameterValue", message);
            }
            Dialect::Query | Dialect::Iam => {
                self.malformed.get_or_insert(format!("{is} is not a valid {}.", wanted.to_lowercase()));
            }
            Dialect::Json(_) => {
                let message = format!("{is} can not be converted to {wanted}");
                self.refuse_at_once(message);
            }
        }
    }

    /// A list or a structure is not one.
    pub(crate) fn wrong_form(&mut self, message: &str) {
        self.refuse_at_once(message.to_owned());
    }

    // A body that can't be read is refused before its values are looked at.
    fn refuse_at_once(&mut self, message: String) {
        self.found.clear();
        self.dialect = Dialect::Json("SerializationException");
        if self.refused.as_ref().is_none_or(|refused| refused.code != "SerializationException") {
            self.refused = Some(Violated { code: "SerializationException", message });
        }
    }

    fn out_of_bounds(&mut self, value: &str, bound: &str, rule: &str) {
        match self.dialect {
            // FIDELITY: EC2's words for bounds differ from operation to operation; these are the common ones.
            Dialect::Ec2 => {
                let message = format!("Value ( {value} ) for parameter {} is invalid. {bound}", self.path());
                let message = message.trim_end().to_owned();
                self.refuse("InvalidParameterValue", message);
            }
            Dialect::Query | Dialect::Iam | Dialect::Json(_) => self.add(&format!("'{value}'"), rule),
        }
    }

    pub(crate) fn check_number(&mut self, number: f64, text: &str, constraint: &Constraint) {
        if let Some(max) = constraint.max.filter(|max| number > *max as f64) {
            let rule = format!("Member must have value less than or equal to {max}");
            self.out_of_bounds(text, &format!("Expecting a value less than or equal to {max}."), &rule);
        }
        if let Some(min) = constraint.min.filter(|min| number < *min as f64) {
            let rule = format!("Member must have value greater than or equal to {min}");
            self.out_of_bounds(text, &format!("Expecting a value greater than or equal to {min}."), &rule);
        }
    }

    // FIDELITY: whether AWS counts UTF-16 units, characters or bytes; characters here.
    pub(crate) fn check_text(&mut self, text: &str, shown: &str, constraint: &Constraint) {
        if constraint.min.is_some() || constraint.max.is_some() {
            self.check_length(text.chars().count(), shown, constraint);
        }
        if let Some(pattern) = constraint.pattern.as_ref().filter(|pattern| !pattern.is_match(text)) {
            match pattern.words {
                Some(words) => self.refuse_in_words(words),
                None => {
                    self.out_of_bounds(
                        shown,
                        "",
                        &format!("Member must satisfy regular expression pattern: {}", pattern.shown),
                    );
                }
            }
        }
        if !constraint.values.is_empty() && !constraint.values.contains(&text) {
            // FIDELITY: the order in which AWS lists the values; the model's here.
            let rule = format!("Member must satisfy enum value set: [{}]", constraint.values.join(", "));
            self.out_of_bounds(shown, "", &rule);
        }
    }

    // IAM checks its names and paths itself, after the framework has found no other fault.
    fn refuse_in_words(&mut self, words: &str) {
        let leaf = match self.path.last() {
            Some(Step::Member(_, shown)) => *shown,
            _ => "value",
        };
        // A prefix may stop short of the second slash, whatever the shape that it shares with paths.
        let words = if leaf == "pathPrefix" { PREFIX } else { words };
        let message = format!("The specified value for {leaf} is invalid. {words}");
        self.refuse("ValidationError", message);
    }

    /// How long a text or a list is.
    pub(crate) fn check_length(&mut self, length: usize, shown: &str, constraint: &Constraint) {
        let length = i64::try_from(length).unwrap_or(i64::MAX);
        if let Some(max) = constraint.max.filter(|max| length > *max) {
            let rule = format!("Member must have length less than or equal to {max}");
            self.out_of_bounds(shown, &format!("Expecting a length of at most {max}."), &rule);
        }
        if let Some(min) = constraint.min.filter(|min| length < *min) {
            let rule = format!("Member must have length greater than or equal to {min}");
            self.out_of_bounds(shown, &format!("Expecting a length of at least {min}."), &rule);
        }
    }
}

/// Where a fault is: what stands before its rule.
fn place(fault: &str) -> &str {
    fault.split(" failed to satisfy").next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::{JsonInput, QueryParams, WireError, ec2, iam, organizations, sts};

    fn refused<T, O: Copy>(
        parse: impl Fn(O, &QueryParams) -> Result<T, super::ValidationError>,
        of: O,
        query: &str,
    ) -> WireError {
        let params = QueryParams::parse(query.as_bytes()).unwrap();
        parse(of, &params).err().unwrap().wire()
    }

    fn iam(operation: iam::Operation, query: &str) -> String {
        let error = refused(iam::Request::parse, operation, query);
        assert_eq!((error.code.as_ref(), error.status), ("ValidationError", 400));
        error.message
    }

    // From the answers recorded in https://github.com/localstack/localstack/blob/main/tests/aws/services/iam: IAM
    // repeats no values since some time in 2025; older reports have them.
    #[test]
    fn a_name_that_is_too_long() {
        let name = "a".repeat(65);
        assert_eq!(
            iam(iam::Operation::GetRole, &format!("RoleName={name}")),
            "1 validation error detected: Value at 'roleName' failed to satisfy constraint: \
             Member must have length less than or equal to 64"
        );
    }

    // From https://github.com/aws-amplify/amplify-cli/issues/9120 and https://github.com/aws/aws-cli/issues/5860.
    #[test]
    fn names_and_paths_are_told_in_words() {
        assert_eq!(
            iam(iam::Operation::GetRole, "RoleName=a%20b"),
            "The specified value for roleName is invalid. It must contain only alphanumeric characters and/or \
             the following: +=,.@_-"
        );
        assert_eq!(
            iam(iam::Operation::ListPolicies, "PathPrefix=foo"),
            "The specified value for pathPrefix is invalid. It must begin with the / character and contain only \
             alphanumeric characters and/or / characters."
        );
    }

    #[test]
    fn a_place_in_a_list_is_told() {
        let message = iam(
            iam::Operation::CreateUser,
            "UserName=u&Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.2.Key=b&Tags.member.2.Value=a%2Cb",
        );
        assert_eq!(
            message,
            "1 validation error detected: Value at 'tags.2.member.value' failed to satisfy constraint: \
             Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*"
        );
    }

    #[test]
    fn all_faults_are_told_at_once() {
        assert_eq!(
            iam(iam::Operation::CreateRole, "RoleName=r"),
            "1 validation error detected: Value at 'assumeRolePolicyDocument' failed to satisfy constraint: \
             Member must not be null"
        );
        let two = iam(iam::Operation::CreateUser, "UserName=&Tags.member.1.Key=");
        assert!(two.starts_with("4 validation errors detected: Value at 'tags.1.member.key'"), "{two}");
        assert!(
            two.contains("; Value at 'tags.1.member.value'") && two.contains("; Value at 'userName'"),
            "{two}"
        );
    }

    #[test]
    fn a_secret_is_not_repeated() {
        let query = "RoleArn=arn:aws:iam::123456789012:role/r&RoleSessionName=session&WebIdentityToken=abc";
        let error = refused(sts::Request::parse, sts::Operation::AssumeRoleWithWebIdentity, query);
        assert!(error.message.contains("Value '***' at 'webIdentityToken'"), "{}", error.message);
    }

    #[test]
    fn a_number_that_is_none() {
        let error = refused(sts::Request::parse, sts::Operation::GetSessionToken, "DurationSeconds=soon");
        assert_eq!(error.code, "MalformedInput");
    }

    #[test]
    fn ec2_has_its_own_codes() {
        let ec2 = |operation, query| {
            let error = refused(ec2::Request::parse, operation, query);
            (error.code.into_owned(), error.message)
        };
        let (code, message) = ec2(ec2::Operation::StartInstances, "");
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("MissingParameter", "The request must contain the parameter InstanceId")
        );
        let (code, message) = ec2(ec2::Operation::RunInstances, "MinCount=one&MaxCount=1");
        assert_eq!(code, "InvalidParameterValue");
        assert!(message.contains("(one) for parameter MinCount"), "{message}");
        let (code, message) = ec2(ec2::Operation::RunInstances, "MinCount=1&MaxCount=1&InstanceType=big");
        assert_eq!(
            (code.as_str(), message.as_str()),
            ("InvalidParameterValue", "Value ( big ) for parameter InstanceType is invalid.")
        );
    }

    #[test]
    fn json_types_are_told_apart() {
        let organizations = |body: &str| {
            let input = JsonInput::json(body.as_bytes()).unwrap();
            let error =
                organizations::Request::parse(organizations::Operation::CreateOrganizationalUnit, &input);
            error.err().unwrap().wire()
        };
        assert_eq!(organizations(r#"{"ParentId":1,"Name":"x"}"#).code, "SerializationException");
        assert_eq!(
            organizations(r#"{"ParentId":"r-abcd","Name":"x","Tags":{}}"#).code,
            "SerializationException"
        );
        assert_eq!(
            organizations(r#"{"ParentId":"r-abcd","Name":"x","Tags":[7]}"#).code,
            "SerializationException"
        );
        let missing = organizations(r#"{"Name":"x"}"#);
        assert_eq!(missing.code, "InvalidInputException");
        assert!(missing.message.contains("Value null at 'parentId'"), "{}", missing.message);
    }
}
