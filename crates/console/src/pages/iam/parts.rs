//! What the pages of IAM are put together from.

use maud::{Markup, html};
use rolecall_aws_model::Element;

use crate::api::{Refusal, Said};
use crate::backend::Backend;
use crate::denial;
use crate::forms::{escaped, unescaped};
use crate::layout::{Field, field, hidden};
use crate::visit::Visit;

/// The result of an operation: what is in `OperationResult`.
pub(crate) fn result<'e>(answer: &'e Element, operation: &str) -> Option<&'e Element> {
    answer.child(&format!("{operation}Result"))
}

/// A part of a page that may be denied while the rest is not.
pub(crate) async fn part<B: Backend>(
    visit: &Visit<'_, B>,
    heading: &str,
    said: Said<Element>,
    show: impl FnOnce(&Element) -> Markup,
) -> Markup {
    part_with(visit, heading, said, show, html! {}).await
}

/// As [`part`], with what can be done about it at its end.
pub(crate) async fn part_with<B: Backend>(
    visit: &Visit<'_, B>,
    heading: &str,
    said: Said<Element>,
    show: impl FnOnce(&Element) -> Markup,
    acts: Markup,
) -> Markup {
    let content = match &said {
        Ok(answer) => show(answer),
        Err(refusal) => denial::shown(visit, refusal).await,
    };
    html! { section { h2 { (heading) } (content) (acts) } }
}

/// A form with one button that calls an operation.
pub(super) fn act<B: Backend>(
    visit: &Visit<'_, B>,
    operation: &str,
    parameters: &[(&str, &str)],
    button: &str,
    back: &str,
) -> Markup {
    let label = parameters.last().map(|(_, value)| format!("{button} {value}"));
    let danger = ["Delete", "Detach", "Remove", "Deactivate"].iter().any(|verb| operation.starts_with(verb));
    html! {
        form method="post" action="/console/iam/do" {
            (hidden(visit))
            input type="hidden" name="operation" value=(operation);
            input type="hidden" name="back" value=(back);
            @for (name, value) in parameters { input type="hidden" name={ "p." (name) } value=(value); }
            button.danger[danger] aria-label=[label] { (button) }
        }
    }
}

/// A form that asks for more before it calls an operation.
pub(super) fn ask<B: Backend>(
    visit: &Visit<'_, B>,
    operation: &str,
    parameters: &[(&str, &str)],
    title: &str,
    back: &str,
    fields: Markup,
) -> Markup {
    html! {
        details.new {
            summary { (title) }
            form method="post" action="/console/iam/do" {
                (hidden(visit))
                input type="hidden" name="operation" value=(operation);
                input type="hidden" name="back" value=(back);
                @for (name, value) in parameters { input type="hidden" name={ "p." (name) } value=(value); }
                (fields)
                button.primary { (title) }
            }
        }
    }
}

/// A link to the editor of the document that an operation sets.
pub(super) fn edit_link(operation: &str, parameters: &[(&str, &str)], back: &str, label: &str) -> Markup {
    let mut href = format!("/console/iam/edit?operation={operation}&back={}", escaped(back));
    for (name, value) in parameters {
        href.push_str(&format!("&p.{name}={}", escaped(value)));
    }
    html! { a.button href=(href) { (label) } }
}

/// A table with a caption for those who can't see it.
pub(crate) fn table(label: &str, heads: &[&str], rows: &[Vec<Markup>]) -> Markup {
    html! {
        @if rows.is_empty() { p.fine { "None." } } @else {
            div.scroll tabindex="0" role="region" aria-label=(label) {
                table.stacked {
                    thead { tr { @for head in heads {
                        th scope="col" { @if head.is_empty() { span.sr { "Actions" } } @else { (head) } }
                    } } }
                    tbody {
                        @for row in rows {
                            tr {
                                @for (at, cell) in row.iter().enumerate() {
                                    @if at == 0 { th scope="row" { (cell) } } @else {
                                        td.break.acts[heads.get(at).is_some_and(|head| head.is_empty())] data-label=[heads.get(at).filter(|head| !head.is_empty())] { (cell) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a list says when it is only the first part of what there is.
pub(super) fn rest(found: Option<&Element>) -> Markup {
    let more = found.and_then(|found| found.text("IsTruncated")) == Some("true");
    html! { @if more { p.fine { "There are more than are shown here: " code { "aws iam" } " lists all of them." } } }
}

/// What the account's own policies are called, for forms that ask for one.
pub(super) const POLICIES: &str = "own-policies";

/// The account's own policies, the first of them, to choose from where an ARN is asked for.
pub(super) async fn choices<B: Backend>(visit: &Visit<'_, B>) -> Markup {
    let asked = [("Scope", "Local"), ("MaxItems", "50")];
    let Ok(answer) = visit.query("iam", "ListPolicies", &asked).await else { return html! {} };
    let found = result(&answer, "ListPolicies").into_iter().flat_map(|found| found.members("Policies"));
    html! {
        datalist #(POLICIES) {
            @for policy in found {
                option value=(policy.text("Arn").unwrap_or_default()) { (policy.text("PolicyName").unwrap_or_default()) }
            }
        }
    }
}

/// The field for a managed policy.
pub(super) fn policy_field(name: &str, present: &str) -> Markup {
    let more = Field {
        required: true,
        hint: Some("This account's are offered; AWS's stand under Policies."),
        list: Some(POLICIES),
        ..Field::default()
    };
    field("Policy ARN", name, "text", present, &more)
}

/// A policy document of an answer, which comes percent-encoded, laid out for people.
pub(super) fn document(encoded: &str) -> String {
    let text = unescaped(encoded).unwrap_or_else(|| encoded.to_owned());
    if text.contains('\n') { text } else { indented(&text) }
}

/// JSON with a line for each member, its order kept.
fn indented(json: &str) -> String {
    let (mut out, mut depth, mut in_text, mut escaped) = (String::new(), 0_usize, false, false);
    let mut characters = json.chars().filter(|c| !c.is_ascii_control()).peekable();
    let new_line = |out: &mut String, depth: usize| {
        out.push('\n');
        out.push_str(&"  ".repeat(depth.min(64)));
    };
    while let Some(c) = characters.next() {
        if in_text {
            out.push(c);
            (in_text, escaped) = (escaped || c != '"', !escaped && c == '\\');
            continue;
        }
        match c {
            '"' => (in_text, _) = (true, out.push(c)),
            '{' | '[' => {
                out.push(c);
                depth += 1;
                if !matches!(characters.peek(), Some('}' | ']')) {
                    new_line(&mut out, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                if !out.ends_with(['{', '[']) {
                    new_line(&mut out, depth);
                }
                out.push(c);
            }
            ',' => {
                out.push(c);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            ' ' => {}
            other => out.push(other),
        }
    }
    out
}

/// A refusal of a part of a page that is nothing to tell: what was asked for is not there.
pub(super) fn absent<T>(said: Said<T>) -> Result<Option<T>, Refusal> {
    match said {
        Ok(answer) => Ok(Some(answer)),
        Err(refusal) if refusal.code == "NoSuchEntity" => Ok(None),
        Err(refusal) => Err(refusal),
    }
}

/// The attached and inline policies of a user, group or role.
pub(super) async fn policies<B: Backend>(visit: &Visit<'_, B>, kind: &str, name: &str, back: &str) -> Markup {
    let (own, holder) = (format!("{kind}Name"), [(format!("{kind}Name"), name.to_owned())]);
    let parameters: Vec<(&str, &str)> = holder.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    let attached = visit.query("iam", &format!("ListAttached{kind}Policies"), &parameters).await;
    let inline = visit.query("iam", &format!("List{kind}Policies"), &parameters).await;
    let attach = ask(
        visit,
        &format!("Attach{kind}Policy"),
        &parameters,
        "Attach a policy",
        back,
        policy_field("p.PolicyArn", ""),
    );
    let write = edit_link(&format!("Put{kind}Policy"), &parameters, back, "Write an inline policy");
    let attached = part_with(visit, "Attached policies", attached, |answer| {
        let found = result(answer, &format!("ListAttached{kind}Policies"));
        let rows: Vec<_> = found
            .into_iter()
            .flat_map(|found| found.members("AttachedPolicies"))
            .map(|policy| {
                let arn = policy.text("PolicyArn").unwrap_or_default();
                let link = html! { a href={ "/console/iam/policy?arn=" (escaped(arn)) } { (policy.text("PolicyName").unwrap_or_default()) } };
                let detach = [(own.as_str(), name), ("PolicyArn", arn)];
                vec![link, html! { (arn) }, act(visit, &format!("Detach{kind}Policy"), &detach, "Detach", back)]
            })
            .collect();
        table("Attached policies", &["Name", "ARN", ""], &rows)
    }, attach)
    .await;
    let inline = part_with(
        visit,
        "Inline policies",
        inline,
        |answer| {
            let found = result(answer, &format!("List{kind}Policies"));
            let rows: Vec<_> = found
                .into_iter()
                .flat_map(|found| found.members("PolicyNames"))
                .map(|policy| {
                    let both = [(own.as_str(), name), ("PolicyName", policy.own_text())];
                    vec![
                        html! { (policy.own_text()) },
                        edit_link(&format!("Put{kind}Policy"), &both, back, "View and edit"),
                        act(visit, &format!("Delete{kind}Policy"), &both, "Delete", back),
                    ]
                })
                .collect();
            table("Inline policies", &["Name", "", ""], &rows)
        },
        write,
    )
    .await;
    html! { (choices(visit).await) (attached) (inline) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_laid_out_in_their_order() {
        let text = r#"{"Version": "2012-10-17","Statement":[{"Effect":"Allow","Action":["a:b","c, \"d\" {:}"],"Resource":[]}]}"#;
        let shown = document(&escaped(text));
        assert_eq!(shown.lines().count(), 13, "{shown}");
        let (before, after): (serde_json::Value, serde_json::Value) =
            (serde_json::from_str(text).unwrap(), serde_json::from_str(&shown).unwrap());
        assert_eq!(before, after);
        assert!(
            shown.find("Version") < shown.find("Statement") && shown.find("Effect") < shown.find("Action")
        );
    }
}
