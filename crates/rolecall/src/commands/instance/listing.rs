//! Instances as a table, or as JSON.

use std::process::ExitCode;

use serde_json::json;

use super::super::Failure;
use rolecall_aws_model::Element;

/// An instance as it is shown.
pub(super) struct Shown {
    pub(super) id: String,
    pub(super) state: String,
    pub(super) reason: String,
    name: String,
    address: String,
    profile: String,
    launched: String,
}

/// The instances of DescribeInstances's answer.
pub(super) fn instances(answer: &Element) -> Vec<Shown> {
    answer
        .items("reservationSet")
        .flat_map(|reservation| reservation.items("instancesSet"))
        .map(shown)
        .collect()
}

fn shown(instance: &Element) -> Shown {
    let text = |name: &str| instance.text(name).unwrap_or_default().to_owned();
    let of = |child: &str, name: &str| {
        instance.child(child).and_then(|c| c.text(name)).unwrap_or_default().to_owned()
    };
    let name = instance.items("tagSet").find(|tag| tag.text("key") == Some("Name"));
    Shown {
        id: text("instanceId"),
        state: of("instanceState", "name"),
        reason: of("stateReason", "message"),
        name: name.and_then(|tag| tag.text("value")).unwrap_or_default().to_owned(),
        address: text("privateIpAddress"),
        profile: of("iamInstanceProfile", "arn"),
        launched: text("launchTime"),
    }
}

/// Prints them.
pub(super) fn print(instances: &[Shown], as_json: bool) -> Result<ExitCode, Failure> {
    let text = if as_json { json_text(instances) } else { table(instances) };
    crate::commands::print(text)
}

fn json_text(instances: &[Shown]) -> String {
    let one = |i: &Shown| {
        json!({"instanceId": i.id, "state": i.state, "reason": i.reason, "name": i.name,
            "privateIpAddress": i.address, "iamInstanceProfile": i.profile, "launchTime": i.launched})
    };
    format!("{:#}\n", serde_json::Value::Array(instances.iter().map(one).collect()))
}

fn table(instances: &[Shown]) -> String {
    let mut out = format!("{:<20} {:<14} {:<16} {:<20} {}\n", "ID", "STATE", "ADDRESS", "PROFILE", "NAME");
    for i in instances {
        let profile = i.profile.rsplit('/').next().unwrap_or_default();
        let line = format!("{:<20} {:<14} {:<16} {:<20} {}", i.id, i.state, i.address, profile, i.name);
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}
