//! Policy templates: policies with parameters, of which a delegation request makes one for its customer.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/temporary-delegation-policy-templates.html>

use std::collections::{BTreeMap, BTreeSet};

use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_state::entities::DelegationParameter;

use super::guidelines;
use super::json::Json;

/// The member of a statement that says whether it is there at all.
const ENABLED: &str = "@Enabled";
/// How many characters a rendered policy may have.
const MAX_RENDERED: usize = 2_048;
/// More texts than this in one place would not fit anyway.
const MAX_EXPANDED: usize = 1_024;

/// Why a template can't be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TemplateError {
    /// It is no JSON.
    #[error("the template is no JSON: {0}")]
    Json(String),
    /// It is no policy.
    #[error("the template is no policy: {0}")]
    Policy(String),
    /// A placeholder has no end.
    #[error("a placeholder in {0:?} has no end")]
    Open(String),
    /// What AWS does not register.
    #[error("{0}")]
    Guideline(String),
}

/// Why no policy can be made of a template.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RenderError {
    /// A parameter has no value.
    #[error("The policy template needs a value for the parameter {0}.")]
    Missing(String),
    /// A value is for no parameter.
    #[error("The policy template has no parameter {0}.")]
    Unknown(String),
    /// A parameter is given twice.
    #[error("The parameter {0} is given more than once.")]
    Twice(String),
    /// A parameter has no values, or several where one is wanted.
    #[error("The parameter {0} must have {1}.")]
    Count(String, &'static str),
    /// A list stands where one text is wanted.
    #[error("The parameter {0} must be of type string.")]
    List(String),
    /// The policy is too large.
    #[error("The rendered policy exceeds the limit of 2048 characters.")]
    TooLarge,
    /// What came of it is no policy.
    #[error("The rendered policy is not valid: {0}")]
    Policy(String),
}

/// A policy template.
#[derive(Clone, Debug)]
pub struct PolicyTemplate {
    arn: String,
    body: Json,
    parameters: BTreeSet<String>,
}

/// A piece of a text with placeholders.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    Parameter(&'t str),
}

fn pieces(text: &str) -> Result<Vec<Piece<'_>>, TemplateError> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("@{") {
        let (name, behind) = after.split_once('}').ok_or_else(|| TemplateError::Open(text.to_owned()))?;
        pieces.push(Piece::Text(before));
        pieces.push(Piece::Parameter(name));
        rest = behind;
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

impl PolicyTemplate {
    /// The template with this ARN and body.
    ///
    /// # Errors
    /// [`TemplateError`]: also where it breaks what AWS asks of templates.
    pub fn parse(arn: &str, text: &str) -> Result<Self, TemplateError> {
        let body: Json =
            serde_json::from_str(text).map_err(|cause| TemplateError::Json(cause.to_string()))?;
        let mut parameters = BTreeSet::new();
        collect(&body, &mut parameters)?;
        let mut plain = body.clone();
        for statement in statements(&mut plain) {
            if let Json::Object(members) = statement {
                members.retain(|(name, _)| name != ENABLED);
            }
        }
        let plain = serde_json::to_string(&plain).map_err(|cause| TemplateError::Json(cause.to_string()))?;
        let document = Document::parse(plain, Grammar::evaluated(PolicyKind::Session))
            .map_err(|cause| TemplateError::Policy(cause.to_string()))?;
        if document.statements().is_empty() {
            return Err(TemplateError::Policy("it has no statement".to_owned()));
        }
        guidelines::check(&document).map_err(TemplateError::Guideline)?;
        Ok(Self { arn: arn.to_owned(), body, parameters })
    }

    /// Its ARN.
    pub fn arn(&self) -> &str {
        &self.arn
    }

    /// Whether it has a parameter of this name.
    pub(super) fn takes(&self, name: &str) -> bool {
        self.parameters.contains(name)
    }

    /// The policy for these parameters.
    ///
    /// # Errors
    /// [`RenderError`].
    pub fn render(&self, parameters: &[DelegationParameter]) -> Result<String, RenderError> {
        let values = self.values(parameters)?;
        let mut body = self.body.clone();
        enable(&mut body, &values)?;
        let body = substitute(&body, &values)?;
        let text = serde_json::to_string(&body).map_err(|cause| RenderError::Policy(cause.to_string()))?;
        if text.chars().count() > MAX_RENDERED {
            return Err(RenderError::TooLarge);
        }
        Document::parse(text.as_str(), Grammar::stored(PolicyKind::Session))
            .map_err(|cause| RenderError::Policy(cause.message().to_owned()))?;
        Ok(text)
    }

    fn values<'p>(&self, given: &'p [DelegationParameter]) -> Result<Values<'p>, RenderError> {
        let mut values = Values::new();
        for parameter in given {
            let name = parameter.name.as_str();
            if !self.takes(name) {
                return Err(RenderError::Unknown(name.to_owned()));
            }
            if parameter.values.is_empty() || (!parameter.list && parameter.values.len() > 1) {
                let wanted = if parameter.list { "at least one value" } else { "exactly one value" };
                return Err(RenderError::Count(name.to_owned(), wanted));
            }
            if values.insert(name, parameter).is_some() {
                return Err(RenderError::Twice(name.to_owned()));
            }
        }
        let missing = self.parameters.iter().find(|name| !values.contains_key(name.as_str()));
        match missing {
            Some(name) => Err(RenderError::Missing(name.clone())),
            None => Ok(values),
        }
    }
}

/// A document with the values of parameters in it, as [`PolicyTemplate::render`] puts them in.
pub(crate) fn fill_document(text: &str, given: &[DelegationParameter]) -> Result<String, RenderError> {
    let unreadable = |cause: serde_json::Error| RenderError::Policy(cause.to_string());
    let mut body: Json = serde_json::from_str(text).map_err(unreadable)?;
    let values: Values<'_> = given.iter().map(|parameter| (parameter.name.as_str(), parameter)).collect();
    enable(&mut body, &values)?;
    serde_json::to_string(&substitute(&body, &values)?).map_err(unreadable)
}

/// A text with the values of parameters in it, of which none may be a list.
pub(crate) fn fill_text(text: &str, given: &[DelegationParameter]) -> Result<String, RenderError> {
    let values: Values<'_> = given.iter().map(|parameter| (parameter.name.as_str(), parameter)).collect();
    single(text, &values)
}

type Values<'p> = BTreeMap<&'p str, &'p DelegationParameter>;

/// The statements of a policy, to change: one or a list.
fn statements(body: &mut Json) -> Vec<&mut Json> {
    match body.member_mut("Statement") {
        Some(Json::Array(statements)) => statements.iter_mut().collect(),
        Some(one) => vec![one],
        None => Vec::new(),
    }
}

/// The parameters that a template names.
fn collect(json: &Json, names: &mut BTreeSet<String>) -> Result<(), TemplateError> {
    match json {
        Json::Object(members) => {
            for (name, value) in members {
                match value {
                    Json::Text(condition) if name == ENABLED => {
                        names.insert(condition.trim_start_matches('!').to_owned());
                    }
                    value => {
                        note(name, names)?;
                        collect(value, names)?;
                    }
                }
            }
            Ok(())
        }
        Json::Array(items) => items.iter().try_for_each(|item| collect(item, names)),
        Json::Text(text) => note(text, names),
        Json::Other(_) => Ok(()),
    }
}

fn note(text: &str, names: &mut BTreeSet<String>) -> Result<(), TemplateError> {
    for piece in pieces(text)? {
        if let Piece::Parameter(name) = piece {
            names.insert(name.to_owned());
        }
    }
    Ok(())
}

/// Leaves out the statements that are not enabled.
fn enable(body: &mut Json, values: &Values<'_>) -> Result<(), RenderError> {
    let Some(listed) = body.member_mut("Statement") else { return Ok(()) };
    let Json::Array(statements) = listed else { return Ok(()) };
    let mut kept = Vec::with_capacity(statements.len());
    for mut statement in std::mem::take(statements) {
        let Some(Json::Text(condition)) = statement.member_mut(ENABLED) else {
            kept.push(statement);
            continue;
        };
        let (name, wanted) = match condition.strip_prefix('!') {
            Some(name) => (name, false),
            None => (condition.as_str(), true),
        };
        let value = one(values, name)?;
        if (value == "True") == wanted {
            if let Json::Object(members) = &mut statement {
                members.retain(|(name, _)| name != ENABLED);
            }
            kept.push(statement);
        }
    }
    *statements = kept;
    Ok(())
}

fn one<'p>(values: &Values<'p>, name: &str) -> Result<&'p str, RenderError> {
    let parameter = values.get(name).ok_or_else(|| RenderError::Missing(name.to_owned()))?;
    match parameter.values.as_slice() {
        [value] if !parameter.list => Ok(value),
        _ => Err(RenderError::List(name.to_owned())),
    }
}

/// Puts the values in. A list makes as many texts as it has values, and two lists in one text every pair.
fn substitute(json: &Json, values: &Values<'_>) -> Result<Json, RenderError> {
    Ok(match json {
        Json::Object(members) => {
            let member =
                |(name, value): &(String, Json)| Ok((single(name, values)?, substitute(value, values)?));
            Json::Object(members.iter().map(member).collect::<Result<_, RenderError>>()?)
        }
        Json::Array(items) => {
            let mut all = Vec::with_capacity(items.len());
            for item in items {
                match (item, substitute(item, values)?) {
                    (Json::Text(_), Json::Array(several)) => all.extend(several),
                    (_, one) => all.push(one),
                }
            }
            Json::Array(all)
        }
        Json::Text(text) => match expand(text, values)? {
            (mut texts, false) => Json::Text(texts.pop().unwrap_or_default()),
            (texts, true) => Json::Array(texts.into_iter().map(Json::Text).collect()),
        },
        Json::Other(value) => Json::Other(value.clone()),
    })
}

/// A text in which no list may stand.
fn single(text: &str, values: &Values<'_>) -> Result<String, RenderError> {
    let mut out = String::with_capacity(text.len());
    for piece in pieces(text).unwrap_or_default() {
        match piece {
            Piece::Text(text) => out.push_str(text),
            Piece::Parameter(name) => out.push_str(one(values, name)?),
        }
    }
    Ok(out)
}

/// The texts that come of one, and whether a list stood in it.
fn expand(text: &str, values: &Values<'_>) -> Result<(Vec<String>, bool), RenderError> {
    let mut texts = vec![String::new()];
    let mut listed = false;
    for piece in pieces(text).unwrap_or_default() {
        let choices: Vec<&str> = match piece {
            Piece::Text(text) => vec![text],
            Piece::Parameter(name) => {
                let parameter = values.get(name).ok_or_else(|| RenderError::Missing(name.to_owned()))?;
                listed |= parameter.list;
                parameter.values.iter().map(String::as_str).collect()
            }
        };
        if texts.len() * choices.len() > MAX_EXPANDED {
            return Err(RenderError::TooLarge);
        }
        texts = texts
            .iter()
            .flat_map(|text| choices.iter().map(move |choice| format!("{text}{choice}")))
            .collect();
    }
    Ok((texts, listed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:iam:::delegation-template/x";

    fn template(resource: &str) -> PolicyTemplate {
        let text = format!(
            r#"{{"Version": "2012-10-17", "Statement": [
                {{"Effect": "Allow", "Action": ["s3:GetObject"], "Resource": "{resource}"}},
                {{"@Enabled": "WRITE", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}},
                {{"@Enabled": "!WRITE", "Effect": "Deny", "Action": "s3:PutObject", "Resource": "*"}}]}}"#
        );
        PolicyTemplate::parse(ARN, &text).unwrap()
    }

    fn parameter(name: &str, values: &[&str], list: bool) -> DelegationParameter {
        let values = values.iter().map(|value| (*value).to_owned()).collect();
        DelegationParameter { name: name.to_owned(), values, list }
    }

    #[test]
    fn a_value_stands_where_its_parameter_stood_and_members_keep_their_order() {
        let given = [parameter("bucket", &["b"], false), parameter("WRITE", &["True"], false)];
        let rendered = template("arn:aws:s3:::@{bucket}/*").render(&given).unwrap();
        assert_eq!(
            rendered,
            concat!(
                r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["s3:GetObject"],"#,
                r#""Resource":"arn:aws:s3:::b/*"},{"Effect":"Allow","Action":"s3:PutObject","Resource":"*"}]}"#
            )
        );
    }

    #[test]
    fn a_statement_that_is_not_enabled_is_left_out() {
        for (value, effect) in [("True", "Allow"), ("False", "Deny"), ("true", "Deny")] {
            let given = [parameter("bucket", &["b"], false), parameter("WRITE", &[value], false)];
            let rendered = template("arn:aws:s3:::@{bucket}/*").render(&given).unwrap();
            let wanted = format!(r#"{{"Effect":"{effect}","Action":"s3:PutObject""#);
            assert!(rendered.contains(&wanted) && !rendered.contains("Enabled"), "{rendered}");
        }
    }

    #[test]
    fn lists_make_every_combination() {
        let given = [
            parameter("buckets", &["b1", "b2"], true),
            parameter("prefixes", &["p1", "p2"], true),
            parameter("WRITE", &["True"], false),
        ];
        let rendered = template("arn:aws:s3:::@{buckets}/@{prefixes}").render(&given).unwrap();
        let wanted =
            r#"["arn:aws:s3:::b1/p1","arn:aws:s3:::b1/p2","arn:aws:s3:::b2/p1","arn:aws:s3:::b2/p2"]"#;
        assert!(rendered.contains(wanted), "{rendered}");
    }

    #[test]
    fn a_value_can_not_break_out_of_its_text() {
        let evil = r#"x","Action":"*"#;
        let given = [parameter("bucket", &[evil], false), parameter("WRITE", &["True"], false)];
        let rendered = template("arn:aws:s3:::@{bucket}").render(&given).unwrap();
        assert!(rendered.contains(r#"arn:aws:s3:::x\",\"Action\":\"*"#), "{rendered}");
    }

    #[test]
    fn what_is_missing_unknown_or_too_much_is_told() {
        let template = template("arn:aws:s3:::@{bucket}/*");
        let bucket = || parameter("bucket", &["b"], false);
        let write = || parameter("WRITE", &["True"], false);
        let refused = |given: &[DelegationParameter]| template.render(given).unwrap_err();
        assert_eq!(refused(&[bucket()]), RenderError::Missing("WRITE".into()));
        assert_eq!(
            refused(&[bucket(), write(), parameter("other", &["x"], false)]),
            RenderError::Unknown("other".into())
        );
        assert_eq!(refused(&[bucket(), bucket(), write()]), RenderError::Twice("bucket".into()));
        let two = parameter("bucket", &["a", "b"], false);
        assert_eq!(refused(&[two, write()]), RenderError::Count("bucket".into(), "exactly one value"));
        let none = parameter("bucket", &[], true);
        assert_eq!(refused(&[none, write()]), RenderError::Count("bucket".into(), "at least one value"));
        let long = "b".repeat(2_048);
        assert_eq!(refused(&[parameter("bucket", &[&long], false), write()]), RenderError::TooLarge);
        assert_eq!(
            refused(&[bucket(), parameter("WRITE", &["True"], true)]),
            RenderError::List("WRITE".into())
        );
    }

    #[test]
    fn a_template_that_is_no_policy_is_refused() {
        let refused = |text: &str| PolicyTemplate::parse(ARN, text).unwrap_err();
        assert!(matches!(refused("{"), TemplateError::Json(_)));
        assert!(matches!(refused(r#"{"Version": "2012-10-17"}"#), TemplateError::Policy(_)));
        let open = r#"{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "@{x"}}"#;
        assert!(matches!(refused(open), TemplateError::Open(_)));
    }
}
