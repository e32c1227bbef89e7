//! Identity providers: what issuers and what metadata roles can trust.

use maud::{Markup, html};
use rolecall_aws_model::Element;

use super::Shown;
use super::lists::name_field;
use super::parts::{act, ask, result, table};
use crate::api::Refusal;
use crate::backend::Backend;
use crate::forms::escaped;
use crate::layout::{Field, field};
use crate::visit::Visit;

const LIST: &str = "/console/iam/providers";
/// The kinds: the operation that lists them, the member that holds them, and what people call them.
const KINDS: [(&str, &str, &str); 2] = [
    ("ListOpenIDConnectProviders", "OpenIDConnectProviderList", "OpenID Connect"),
    ("ListSAMLProviders", "SAMLProviderList", "SAML"),
];

fn text<'e>(element: &'e Element, name: &str) -> &'e str {
    element.text(name).unwrap_or_default()
}

/// What a provider is called: the part of its ARN after its kind.
fn name(arn: &str) -> &str {
    arn.split_once('/').map_or(arn, |(_, name)| name)
}

pub(super) async fn list<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let mut rows = Vec::new();
    for (operation, member, kind) in KINDS {
        let answer = visit.query("iam", operation, &[]).await?;
        for provider in result(&answer, operation).into_iter().flat_map(|found| found.members(member)) {
            let arn = text(provider, "Arn");
            let link = html! { a href={ "/console/iam/provider?arn=" (escaped(arn)) } { (name(arn)) } };
            rows.push(vec![link, html! { (kind) }, html! { (text(provider, "CreateDate")) }]);
        }
    }
    let issuer = html! {
        (field("Issuer", "p.Url", "url", "", &Field { required: true, hint: Some("https://…"), ..Field::default() }))
        (name_field("Audience", "p.ClientIDList.member.1"))
    };
    let saml = html! { (name_field("Name", "p.Name")) (metadata()) };
    let content = html! {
        h1 { "Identity providers" }
        p.lead { "Whom roles can trust beside this account: issuers of tokens, and SAML's identity providers." }
        (table("Identity providers", &["Name", "Kind", "Created"], &rows))
        (ask(visit, "CreateOpenIDConnectProvider", &[], "Add an OpenID Connect provider", LIST, issuer))
        (ask(visit, "CreateSAMLProvider", &[], "Add a SAML provider", LIST, saml))
    };
    Ok(("Identity providers".to_owned(), content))
}

fn metadata() -> Markup {
    html! {
        div.field {
            label for="metadata" { "Metadata" }
            textarea.short #metadata name="p.SAMLMetadataDocument" required spellcheck="false" aria-describedby="metadata-hint" {}
            p.hint #metadata-hint { "The XML document that the provider publishes." }
        }
    }
}

/// `GET /console/iam/provider`: one of them, by its ARN.
pub(super) async fn show<B: Backend>(visit: &Visit<'_, B>) -> Shown {
    let arn = visit.query.get("arn");
    let back = format!("/console/iam/provider?arn={}", escaped(arn));
    let content = match arn.split(':').nth(5).and_then(|resource| resource.split('/').next()) {
        Some("oidc-provider") => issuer(visit, arn, &back).await?,
        Some("saml-provider") => saml(visit, arn, &back).await?,
        _ => return Err(Refusal::no_page()),
    };
    Ok((name(arn).to_owned(), content))
}

async fn issuer<B: Backend>(visit: &Visit<'_, B>, arn: &str, back: &str) -> Result<Markup, Refusal> {
    let own = [("OpenIDConnectProviderArn", arn)];
    let answer = visit.query("iam", "GetOpenIDConnectProvider", &own).await?;
    let found = result(&answer, "GetOpenIDConnectProvider");
    let of = |name: &str| found.and_then(|found| found.text(name)).unwrap_or_default();
    let members = |name: &'static str| found.into_iter().flat_map(move |found| found.members(name));
    let audiences: Vec<_> = members("ClientIDList")
        .map(|audience| {
            let both = [own[0], ("ClientID", audience.own_text())];
            let remove = act(visit, "RemoveClientIDFromOpenIDConnectProvider", &both, "Remove", back);
            vec![html! { (audience.own_text()) }, remove]
        })
        .collect();
    let add = name_field("Audience", "p.ClientID");
    Ok(html! {
        h1 { "Provider " (name(arn)) }
        dl.facts {
            dt { "ARN" } dd.break { code { (arn) } }
            dt { "Issuer" } dd.break { "https://" (of("Url").trim_start_matches("https://")) }
            dt { "Created" } dd { (of("CreateDate")) }
            dt { "Thumbprints" } dd.break {
                @for thumbprint in members("ThumbprintList") { code { (thumbprint.own_text()) } br; }
            }
        }
        section {
            h2 { "Audiences" }
            p.fine { "A token is taken when its audience is one of these." }
            (table("Audiences", &["Audience", ""], &audiences))
            (ask(visit, "AddClientIDToOpenIDConnectProvider", &own, "Add an audience", back, add))
        }
        (delete(visit, "DeleteOpenIDConnectProvider", &own))
    })
}

async fn saml<B: Backend>(visit: &Visit<'_, B>, arn: &str, back: &str) -> Result<Markup, Refusal> {
    let own = [("SAMLProviderArn", arn)];
    let answer = visit.query("iam", "GetSAMLProvider", &own).await?;
    let found = result(&answer, "GetSAMLProvider");
    let of = |name: &str| found.and_then(|found| found.text(name)).unwrap_or_default();
    Ok(html! {
        h1 { "Provider " (name(arn)) }
        dl.facts {
            dt { "ARN" } dd.break { code { (arn) } }
            dt { "Created" } dd { (of("CreateDate")) }
            dt { "Good until" } dd { (of("ValidUntil")) }
        }
        section {
            h2 { "Metadata" }
            details { summary { "The document" } pre tabindex="0" { (of("SAMLMetadataDocument")) } }
            (ask(visit, "UpdateSAMLProvider", &own, "Replace the metadata", back, metadata()))
        }
        (delete(visit, "DeleteSAMLProvider", &own))
    })
}

fn delete<B: Backend>(visit: &Visit<'_, B>, operation: &str, own: &[(&str, &str)]) -> Markup {
    html! {
        section {
            h2 { "Delete" }
            p.fine { "Roles that trust it stay, and nobody can assume them by it any more." }
            (act(visit, operation, own, "Delete provider", LIST))
        }
    }
}
