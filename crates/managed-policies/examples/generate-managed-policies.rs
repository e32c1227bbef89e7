//! Writes the data file: `generate-managed-policies SOURCE TARGET`.
//!
//! SOURCE is `moto/iam/aws_managed_policies.py` of a pinned moto (see `data/NOTICE.md`). The same
//! source gives the same bytes.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;

use serde_json::{Map, Value};

const BLOCK_POLICIES: usize = rolecall_managed_policies::BLOCK_POLICIES;

/// The elements of a policy in the order in which AWS writes them; others follow by name.
const ORDER: [&str; 12] = [
    "Version",
    "Id",
    "Sid",
    "Effect",
    "Principal",
    "NotPrincipal",
    "Action",
    "NotAction",
    "Resource",
    "NotResource",
    "Condition",
    "Statement",
];

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(source), Some(target)) = (arguments.next(), arguments.next()) else {
        return Err("usage: generate-managed-policies SOURCE TARGET".into());
    };
    let bytes = pack(&policies(&std::fs::read_to_string(source)?)?);
    std::fs::write(target, bytes)?;
    Ok(())
}

/// The policies by path and name, each with its index line and document.
fn policies(source: &str) -> Result<BTreeMap<String, (String, String)>, Box<dyn Error>> {
    let json = source.split("\"\"\"").nth(1).ok_or("no data in the source")?;
    let policies: BTreeMap<String, Value> = serde_json::from_str(json)?;
    policies.into_iter().map(|(name, policy)| entry(&name, &policy)).collect()
}

fn entry(name: &str, policy: &Value) -> Result<(String, (String, String)), Box<dyn Error>> {
    let text = |key: &str| policy.get(key).and_then(Value::as_str).ok_or(format!("{name} has no {key}"));
    let path = text("Path")?;
    let version: u32 = text("DefaultVersionId")?.trim_start_matches('v').parse()?;
    let (created, updated) = (seconds(text("CreateDate")?)?, seconds(text("UpdateDate")?)?);
    let line = format!("{name}\t{path}\t{created}\t{updated}\t{version}\n");
    let mut document = String::new();
    write_json(&mut document, policy.get("Document").ok_or("no document")?)?;
    document.push('\n');
    Ok((format!("{path}{name}"), (line, document)))
}

/// Writes `value` compactly, with policy elements in [`ORDER`].
fn write_json(out: &mut String, value: &Value) -> std::fmt::Result {
    match value {
        Value::Object(members) => write_object(out, members),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index == 0 { "" } else { "," });
                write_json(out, item)?;
            }
            out.push(']');
            Ok(())
        }
        other => write!(out, "{other}"),
    }
}

fn write_object(out: &mut String, members: &Map<String, Value>) -> std::fmt::Result {
    let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| (rank(name), name.as_str()));
    out.push('{');
    for (index, (name, value)) in members.into_iter().enumerate() {
        out.push_str(if index == 0 { "" } else { "," });
        write!(out, "{}:", Value::from(name.as_str()))?;
        write_json(out, value)?;
    }
    out.push('}');
    Ok(())
}

fn pack(policies: &BTreeMap<String, (String, String)>) -> Vec<u8> {
    let entries: Vec<_> = policies.values().collect();
    let index: String = entries.iter().map(|(line, _)| line.as_str()).collect();
    let blocks = entries.chunks(BLOCK_POLICIES);
    let texts = blocks.map(|block| block.iter().map(|(_, document)| document.as_str()).collect::<String>());
    let deflate = |text: String| miniz_oxide::deflate::compress_to_vec(text.as_bytes(), 10);
    let sections: Vec<Vec<u8>> = std::iter::once(index).chain(texts).map(deflate).collect();
    let count = (sections.len() - 1) as u32;
    let lengths = sections.iter().map(|section| section.len() as u32);
    let mut bytes: Vec<u8> = std::iter::once(count).chain(lengths).flat_map(u32::to_le_bytes).collect();
    bytes.extend(sections.concat());
    bytes
}

/// Seconds since 1970 of `2015-02-06T18:39:46+00:00`.
fn seconds(text: &str) -> Result<i64, Box<dyn Error>> {
    let plain = text.strip_suffix("+00:00").ok_or("a date that is not in UTC")?;
    let numbers: Vec<i64> = plain.split(['-', 'T', ':']).map(str::parse).collect::<Result<_, _>>()?;
    let [year, month, day, hour, minute, second] = numbers[..] else {
        return Err(format!("not a date: {text}").into());
    };
    // Days since 1970 in the proleptic Gregorian calendar, counted from March.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 719_469;
    Ok(((days * 24 + hour) * 60 + minute) * 60 + second)
}
