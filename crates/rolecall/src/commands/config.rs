//! `rolecall config`: the effective settings, and where each came from.

use std::process::ExitCode;

use serde_json::json;

use super::{Failure, print};
use crate::settings::Settings;

/// Settings whose values are not for showing.
const SECRET: &[&str] = &["metrics.token"];

/// Prints the settings.
pub(crate) fn run(settings: &Settings, as_json: bool) -> Result<ExitCode, Failure> {
    let shown = |key: &str, text: &str| {
        if SECRET.contains(&key) && !text.is_empty() { "(set)".to_owned() } else { text.to_owned() }
    };
    let mut out = String::new();
    if as_json {
        let rows = settings.iter().map(|(setting, value)| {
            let value_shown = shown(setting.key, &value.text);
            json!({"key": setting.key, "value": value_shown, "from": value.origin.to_string(), "about": setting.about})
        });
        out.push_str(&format!("{:#}\n", serde_json::Value::Array(rows.collect())));
    } else {
        for (setting, value) in settings.iter() {
            let value_shown = shown(setting.key, &value.text);
            out.push_str(&format!("{:<34} {:<24} {}\n", setting.key, value_shown, value.origin));
        }
    }
    print(&out)
}
