//! Running an instance, and its metadata options.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Response, StatusCode};
use maud::{Markup, html};
use rolecall_aws_model::Element;

use super::inner;
use crate::api::{Refusal, Said};
use crate::backend::{Backend, Body};
use crate::denial;
use crate::forms::{Fields, escaped};
use crate::layout::{Field, field, hidden, page_with};
use crate::reply::redirect;
use crate::visit::Visit;

/// A parameter with two values, and what they mean.
struct Choice {
    name: &'static str,
    label: &'static str,
    values: [(&'static str, &'static str); 2],
}

/// The parameters of the metadata service.
const OPTIONS: [Choice; 3] = [
    Choice {
        name: "HttpTokens",
        label: "Version",
        values: [("required", "Version 2 alone: with a token"), ("optional", "Versions 1 and 2")],
    },
    Choice {
        name: "HttpEndpoint",
        label: "Metadata service",
        values: [("enabled", "On"), ("disabled", "Off: no credentials either")],
    },
    Choice {
        name: "InstanceMetadataTags",
        label: "Tags in the metadata",
        values: [("disabled", "Not shown"), ("enabled", "Shown")],
    },
];
const HOPS: &str = "HttpPutResponseHopLimit";

/// `GET /console/instances/run`
pub(super) async fn show<B: Backend>(
    visit: &Visit<'_, B>,
    given: &Fields,
    message: Markup,
) -> Response<Body> {
    page_with(visit, StatusCode::OK, "Run an instance", form(visit, given, message).await)
}

/// `POST /console/instances`, `do=RunInstances`
pub(super) async fn submit<B: Backend>(visit: &Visit<'_, B>, given: &Fields) -> Response<Body> {
    let data = STANDARD.encode(given.get("userData").replace("\r\n", "\n"));
    let mut asked = vec![("MinCount", "1"), ("MaxCount", "1"), ("ImageId", given.trimmed("image"))];
    let tag = "TagSpecification.1.Tag.1";
    let (key, value) = (format!("{tag}.Key"), format!("{tag}.Value"));
    for (name, value) in [
        ("InstanceType", given.trimmed("type")),
        ("IamInstanceProfile.Name", given.trimmed("profile")),
        ("KeyName", given.trimmed("key")),
        ("UserData", data.as_str()),
    ] {
        asked.extend((!value.is_empty()).then_some((name, value)));
    }
    if !given.trimmed("name").is_empty() {
        asked.push(("TagSpecification.1.ResourceType", "instance"));
        asked.extend([(key.as_str(), "Name"), (value.as_str(), given.trimmed("name"))]);
    }
    let options: Vec<_> =
        options(given).map(|(name, value)| (format!("MetadataOptions.{name}"), value)).collect();
    asked.extend(options.iter().map(|(name, value)| (name.as_str(), *value)));
    match visit.query("ec2", "RunInstances", &asked).await {
        Ok(answer) => {
            let id = answer.texts("instanceId").into_iter().next().unwrap_or_default();
            redirect(&format!("/console/instances/{}", escaped(&id)))
        }
        Err(refusal) => {
            let why = denial::shown(visit, &refusal).await;
            let content = form(visit, given, why).await;
            page_with(visit, refusal.status, "Run an instance", content)
        }
    }
}

/// `POST /console/instances`, `do=ModifyInstanceMetadataOptions`
///
/// # Errors
/// The refusal.
pub(super) async fn modify<B: Backend>(
    visit: &Visit<'_, B>,
    given: &Fields,
) -> Result<Response<Body>, Refusal> {
    let mut asked = vec![("InstanceId", given.get("id"))];
    asked.extend(options(given));
    visit.query("ec2", "ModifyInstanceMetadataOptions", &asked).await?;
    Ok(redirect(&format!("/console/instances/{}", escaped(given.get("id")))))
}

/// The options that a form gives.
fn options(given: &Fields) -> impl Iterator<Item = (&'static str, &str)> {
    let names = OPTIONS.iter().map(|choice| choice.name).chain([HOPS]);
    names.map(|name| (name, given.trimmed(name))).filter(|(_, value)| !value.is_empty())
}

/// The options of an instance, to be changed.
pub(super) fn metadata<B: Backend>(visit: &Visit<'_, B>, id: &str, instance: &Element) -> Markup {
    let present = |name: &str| {
        let member = format!(
            "{}{}",
            name.get(..1).unwrap_or_default().to_ascii_lowercase(),
            name.get(1..).unwrap_or_default()
        );
        inner(instance, "metadataOptions", &member)
    };
    html! {
        details.new {
            summary { "Change the metadata options" }
            form method="post" action="/console/instances" {
                (hidden(visit))
                input type="hidden" name="id" value=(id);
                (choices(&present))
                button.primary name="do" value="ModifyInstanceMetadataOptions" { "Change" }
            }
        }
    }
}

fn choices<'p>(present: &dyn Fn(&str) -> &'p str) -> Markup {
    html! {
        @for Choice { name, label, values } in OPTIONS {
            (select(label, name, &values.map(|(value, says)| (value.to_owned(), says.to_owned())), present(name)))
        }
        (field("Hops that an answer may take", HOPS, "number", present(HOPS), &Field {
            inputmode: Some("numeric"), hint: Some("1 to 64; 1 keeps it from containers within."), ..Field::default()
        }))
    }
}

fn select(label: &str, name: &str, values: &[(String, String)], present: &str) -> Markup {
    html! {
        div.field {
            label for={ "field-" (name) } { (label) }
            select #{ "field-" (name) } name=(name) {
                @for (value, says) in values { option value=(value) selected[value == present] { (says) } }
            }
        }
    }
}

/// What a list of a service offers; what can't be listed is typed.
fn offered(
    said: Said<Element>,
    read: impl Fn(&Element) -> Vec<(String, String)>,
) -> Option<Vec<(String, String)>> {
    said.ok().map(|answer| read(&answer))
}

async fn form<B: Backend>(visit: &Visit<'_, B>, given: &Fields, message: Markup) -> Markup {
    let images = offered(visit.query("ec2", "DescribeImages", &[]).await, |answer| {
        let of = |image: &Element, name: &str| image.text(name).unwrap_or_default().to_owned();
        let say = |image: &Element| format!("{} · {}", of(image, "name"), of(image, "imageId"));
        answer.items("imagesSet").map(|image| (of(image, "imageId"), say(image))).collect()
    });
    let keys = offered(visit.query("ec2", "DescribeKeyPairs", &[]).await, |answer| {
        let names = answer.items("keySet").filter_map(|key| key.text("keyName"));
        names.map(|name| (name.to_owned(), name.to_owned())).collect()
    });
    let profiles =
        offered(visit.query("iam", "ListInstanceProfiles", &[("MaxItems", "1000")]).await, |answer| {
            let found = answer.child("ListInstanceProfilesResult");
            let all = found.into_iter().flat_map(|found| found.members("InstanceProfiles"));
            let named = all.filter_map(|profile| {
                let role = profile.members("Roles").next().and_then(|role| role.text("RoleName"));
                Some((profile.text("InstanceProfileName")?.to_owned(), role.unwrap_or("no role").to_owned()))
            });
            named.map(|(name, role)| (name.clone(), format!("{name} · {role}"))).collect()
        });
    let kind = Some(given.trimmed("type")).filter(|kind| !kind.is_empty()).unwrap_or("t3.micro");
    html! {
        h1 { "Run an instance" }
        (message)
        form.narrowed method="post" action="/console/instances" {
            (hidden(visit))
            (field("Name", "name", "text", given.get("name"), &Field::default()))
            (choice("Image", "image", images, given, None))
            (field("Type", "type", "text", kind, &Field {
                required: true, hint: Some("A name that its programs are told; it changes nothing else."), ..Field::default()
            }))
            (choice("Instance profile", "profile", profiles, given, Some("None: no role")))
            (choice("Key pair", "key", keys, given, Some("None")))
            div.field {
                label for="user-data" { "User data" }
                textarea.short #user-data name="userData" spellcheck="false" autocapitalize="off" { (given.get("userData")) }
                p.hint { "A script that begins with #! runs at the first start." }
            }
            fieldset {
                legend { "Metadata service" }
                (choices(&|name| given.get(name)))
            }
            button.primary name="do" value="RunInstances" { "Run" }
        }
    }
}

fn choice(
    label: &str,
    name: &str,
    offered: Option<Vec<(String, String)>>,
    given: &Fields,
    none: Option<&str>,
) -> Markup {
    let Some(mut values) = offered else {
        return field(
            label,
            name,
            "text",
            given.get(name),
            &Field { required: none.is_none(), ..Field::default() },
        );
    };
    if let Some(none) = none {
        values.insert(0, (String::new(), none.to_owned()));
    }
    select(label, name, &values, given.get(name))
}
