//! The editor of policy documents: checked by the same rules as Access Analyzer's, line by line.

use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::BodyExt as _;
use maud::{Markup, html};
use serde_json::{Value, json};

use super::acts::{PARAMETER, back, parameters, with_done};
use super::parts::{document, result};
use super::{Shown, frame};
use crate::api::Refusal;
use crate::backend::{Backend, Body, Call};
use crate::denial;
use crate::forms::Fields;
use crate::layout::{Field, field, hidden};
use crate::live;
use crate::reply::redirect;
use crate::visit::Visit;

/// An operation that sets a document.
struct Edited {
    operation: &'static str,
    /// The heading.
    title: &'static str,
    /// The parameter that is the document.
    document: &'static str,
    /// How Access Analyzer is asked: the type of policy, and for which resource.
    kind: (&'static str, Option<&'static str>),
    /// The operation that gives the present document, and its member.
    present: Option<(&'static str, &'static str)>,
    /// What else the form asks for, where it is not given: parameter and label.
    asked: Option<(&'static str, &'static str)>,
}

const IDENTITY: (&str, Option<&str>) = ("IDENTITY_POLICY", None);
const TRUST: (&str, Option<&str>) = ("RESOURCE_POLICY", Some("AWS::IAM::AssumeRolePolicyDocument"));

const fn inline(operation: &'static str, present: &'static str) -> Edited {
    Edited {
        operation,
        title: "Inline policy",
        document: "PolicyDocument",
        kind: IDENTITY,
        present: Some((present, "PolicyDocument")),
        asked: Some(("PolicyName", "Policy name")),
    }
}

const EDITED: [Edited; 7] = [
    inline("PutUserPolicy", "GetUserPolicy"),
    inline("PutGroupPolicy", "GetGroupPolicy"),
    inline("PutRolePolicy", "GetRolePolicy"),
    Edited {
        operation: "CreatePolicy",
        title: "New policy",
        document: "PolicyDocument",
        kind: IDENTITY,
        present: None,
        asked: Some(("PolicyName", "Policy name")),
    },
    Edited {
        operation: "CreatePolicyVersion",
        title: "New version",
        document: "PolicyDocument",
        kind: IDENTITY,
        present: None,
        asked: None,
    },
    Edited {
        operation: "UpdateAssumeRolePolicy",
        title: "Trust policy",
        document: "PolicyDocument",
        kind: TRUST,
        present: Some(("GetRole", "AssumeRolePolicyDocument")),
        asked: None,
    },
    Edited {
        operation: "CreateRole",
        title: "New role",
        document: "AssumeRolePolicyDocument",
        kind: TRUST,
        present: None,
        asked: Some(("RoleName", "Role name")),
    },
];

const NEW_POLICY: &str = "{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {\n      \"Effect\": \"Allow\",\n      \"Action\": \"s3:ListAllMyBuckets\",\n      \"Resource\": \"*\"\n    }\n  ]\n}\n";

/// Whether an operation's document is written in the editor.
pub(super) fn is_edited(operation: &str) -> bool {
    edited(operation).is_some()
}

fn edited(operation: &str) -> Option<&'static Edited> {
    EDITED.iter().find(|edited| edited.operation == operation)
}

/// `GET /console/iam/edit`
pub(super) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let Some(edited) = edited(visit.query.get("operation")) else { return Err(Refusal::no_page()) };
    let text = present(visit, edited).await?;
    Ok((edited.title.to_owned(), page(visit, edited, &visit.query, &text, &Said::default())))
}

/// The document as it is now, or something to begin with.
async fn present<B: Backend>(visit: &Visit<'_, B>, edited: &Edited) -> Result<String, Refusal> {
    let given = parameters(&visit.query);
    let named = edited.asked.is_none_or(|(name, _)| given.iter().any(|(given, _)| *given == name));
    if edited.operation == "CreatePolicyVersion" {
        let answer = visit.query("iam", "GetPolicy", &given).await?;
        let version = answer.texts("DefaultVersionId").into_iter().next().unwrap_or_default();
        let arn = given.iter().find(|(name, _)| *name == "PolicyArn").map_or("", |(_, value)| value);
        let asked = [("PolicyArn", arn), ("VersionId", version.as_str())];
        let answer = visit.query("iam", "GetPolicyVersion", &asked).await?;
        return Ok(document(&answer.texts("Document").into_iter().next().unwrap_or_default()));
    }
    match edited.present {
        Some((operation, member)) if named => {
            let answer = visit.query("iam", operation, &given).await?;
            let found = result(&answer, operation).map(|found| found.texts(member));
            Ok(document(&found.and_then(|texts| texts.into_iter().next()).unwrap_or_default()))
        }
        _ if edited.kind == TRUST => Ok(new_trust(visit)),
        _ => Ok(NEW_POLICY.to_owned()),
    }
}

fn new_trust<B: Backend>(visit: &Visit<'_, B>) -> String {
    let arn = visit.present().map_or("", |signed| signed.holder.arn.as_str());
    let partition = arn.split(':').nth(1).unwrap_or("aws");
    let account = visit.present().map_or("", |signed| signed.holder.account.as_str());
    let (principal, action, condition) = match visit.query.get("trust") {
        "ec2" => (r#"{ "Service": "ec2.amazonaws.com" }"#.to_owned(), "sts:AssumeRole", ""),
        "github" => (
            format!(
                r#"{{ "Federated": "arn:{partition}:iam::{account}:oidc-provider/token.actions.githubusercontent.com" }}"#
            ),
            "sts:AssumeRoleWithWebIdentity",
            GITHUB_CONDITION,
        ),
        _ => (format!(r#"{{ "AWS": "arn:{partition}:iam::{account}:root" }}"#), "sts:AssumeRole", ""),
    };
    format!(
        "{{\n  \"Version\": \"2012-10-17\",\n  \"Statement\": [\n    {{\n      \"Effect\": \"Allow\",\n      \"Principal\": {principal},\n      \"Action\": \"{action}\"{condition}\n    }}\n  ]\n}}\n"
    )
}

/// Only workflows of one repository's main branch: without it any workflow of anyone would be trusted.
const GITHUB_CONDITION: &str = r#",
      "Condition": {
        "StringEquals": {
          "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
          "token.actions.githubusercontent.com:sub": "repo:OWNER/REPOSITORY:ref:refs/heads/main"
        }
      }"#;

/// `POST /console/iam/do`, of an operation that sets a document: checks it, or sets it.
pub(super) async fn submit<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Response<Body> {
    let Some(edited) = edited(fields.get("operation")) else { return redirect("/console/iam") };
    // Browsers send a line's end as two characters, whatever was written.
    let text = fields.get(&format!("{PARAMETER}{}", edited.document)).replace("\r\n", "\n");
    let text = text.as_str();
    if !fields.get("check").is_empty() {
        let said = Said { refusal: None, findings: Some(findings(visit, edited, text).await.1) };
        return live::allowed(frame(
            visit,
            StatusCode::OK,
            edited.title,
            page(visit, edited, fields, text, &said),
        ));
    }
    let mut given: Vec<_> =
        parameters(fields).into_iter().filter(|(name, _)| *name != edited.document).collect();
    given.push((edited.document, text));
    if edited.operation == "CreatePolicyVersion" {
        given.push(("SetAsDefault", "true"));
    }
    match visit.query("iam", edited.operation, &given).await {
        Ok(_) => redirect(&with_done(back(fields), edited.operation)),
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            let findings = match refusal.is_denial() {
                true => None,
                false => Some(findings(visit, edited, text).await.1),
            };
            let content = page(visit, edited, fields, text, &Said { refusal: Some(why), findings });
            live::allowed(frame(visit, refusal.status, edited.title, content))
        }
    }
}

/// `POST /console/iam/check`: the findings alone, for a document that is being written.
pub(super) async fn check<B: Backend>(visit: &Visit<'_, B>, fields: &Fields) -> Option<Response<Body>> {
    let edited = edited(fields.get("operation"))?;
    let text = fields.get(&format!("{PARAMETER}{}", edited.document)).replace("\r\n", "\n");
    let (status, found) = findings(visit, edited, &text).await;
    Some(live::part(status, found))
}

/// What is said of what was last tried.
#[derive(Default)]
struct Said {
    refusal: Option<Markup>,
    findings: Option<Markup>,
}

fn page<B: Backend>(
    visit: &Visit<'_, B>,
    edited: &Edited,
    fields: &Fields,
    text: &str,
    said: &Said,
) -> Markup {
    let given: Vec<_> = parameters(fields).into_iter().filter(|(name, _)| *name != edited.document).collect();
    let fixed = given.iter().filter(|(name, _)| edited.asked.is_none_or(|(asked, _)| asked != *name));
    let of = |wanted: &str| given.iter().find(|(name, _)| *name == wanted).map_or("", |(_, value)| *value);
    html! {
        h1 { (edited.title) @for (_, value) in fixed.clone() { " · " (value) } }
        @if let Some(refusal) = &said.refusal { (refusal) }
        @if said.findings.is_some() {
            div.note role="status" { p { "The document was checked: " a href="#findings" { "what was found" } " stands below it." } }
        }
        @if edited.operation == "CreateRole" && said.findings.is_none() { (trusts(fields)) }
        form method="post" action="/console/iam/do" data-live="/console/iam/check" data-place="findings" {
            (hidden(visit))
            input type="hidden" name="operation" value=(edited.operation);
            input type="hidden" name="back" value=(back(fields));
            @for (name, value) in fixed { input type="hidden" name={ (PARAMETER) (name) } value=(value); }
            @if let Some((name, label)) = edited.asked {
                (field(label, &format!("{PARAMETER}{name}"), "text", of(name), &Field { required: true, ..Field::default() }))
            }
            div.field {
                label for="document" { "Document" }
                textarea #document name={ (PARAMETER) (edited.document) } spellcheck="false" autocapitalize="off"
                    rows=(text.lines().count().clamp(12, 40)) aria-describedby="findings-hint" { (text) }
                p.hint #findings-hint { "Checked while you write, line by line, and by the button." }
            }
            div #findings aria-live="polite" tabindex="-1" { @if let Some(findings) = &said.findings { (findings) } }
            div.buttons {
                button.primary { "Save" }
                button name="check" value="yes" { "Check" }
                a href=(back(fields)) { "Back" }
            }
        }
        (live::script())
    }
}

/// Trust policies to begin with: what they are called, and whom they trust.
const TRUSTS: [(&str, &str); 3] =
    [("account", "Users and roles of this account"), ("ec2", "Instances"), ("github", "GitHub's workflows")];

/// The ways to begin a new role.
fn trusts(fields: &Fields) -> Markup {
    let present = TRUSTS.iter().map(|(name, _)| *name).find(|name| *name == fields.get("trust"));
    html! {
        nav.beginnings aria-label="Whom the role trusts" {
            span { "Begin with a role for" }
            @for (name, says) in TRUSTS {
                @let here = name == present.unwrap_or("account");
                a href={ "/console/iam/edit?operation=CreateRole&back=/console/iam/roles&trust=" (name) }
                    aria-current=[here.then_some("true")] { (says) }
            }
        }
    }
}

/// What Access Analyzer's checks say of a document, with the lines.
async fn findings<B: Backend>(visit: &Visit<'_, B>, edited: &Edited, text: &str) -> (StatusCode, Markup) {
    match validate(visit, edited, text).await {
        Ok(answer) => (StatusCode::OK, super::findings::shown(&answer, text)),
        Err(refusal) => (refusal.status, denial::shown(visit, &refusal).await),
    }
}

async fn validate<B: Backend>(visit: &Visit<'_, B>, edited: &Edited, text: &str) -> Result<Value, Refusal> {
    let ticket = &visit.present().ok_or_else(Refusal::no_page)?.ticket;
    let (policy_type, resource) = edited.kind;
    let mut input = json!({"policyDocument": text, "policyType": policy_type});
    if let (Some(resource), Some(members)) = (resource, input.as_object_mut()) {
        members.insert("validatePolicyResourceType".into(), resource.into());
    }
    let content_type = HeaderValue::from_static("application/json");
    let call = Call {
        service: "access-analyzer",
        method: Method::POST,
        path: "/policy/validation?maxResults=100".to_owned(),
        headers: HeaderMap::from_iter([(header::CONTENT_TYPE, content_type)]),
        body: input.to_string().into(),
    };
    let response = visit.send(ticket, call).await?;
    let bytes = response.into_body().collect().await.map(http_body_util::Collected::to_bytes);
    Ok(bytes.ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or(Value::Null))
}
