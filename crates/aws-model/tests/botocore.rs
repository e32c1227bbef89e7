//! What botocore sends for every typed operation, with every member filled, is read whole.
//!
//! `botocore-requests.tsv` is the output of `make_botocore_requests.py`: service, operation, what
//! names the operation on the wire, and the body.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use rolecall_aws_model::{
    JsonInput, QueryParams, accessanalyzer, cloudtrail, ec2, iam, iam_toolbox, organizations, sts,
};
use serde_json::Value;

const REQUESTS: &str = include_str!("botocore-requests.tsv");

struct Sent<'a> {
    service: &'a str,
    operation: &'a str,
    wire: &'a str,
    body: &'a str,
}

fn sent() -> impl Iterator<Item = Sent<'static>> {
    REQUESTS.lines().map(|line| match line.split('\t').collect::<Vec<_>>()[..] {
        [service, operation, wire, body] => Sent { service, operation, wire, body },
        _ => panic!("{line}"),
    })
}

/// What was read, as `Debug` shows it, and the values that were sent.
type Read = (String, Vec<String>);

macro_rules! query {
    ($service:ident, $sent:expr) => {{
        let params = QueryParams::parse($sent.body.as_bytes()).unwrap();
        let operation = $service::Operation::from_name(params.get("Action").unwrap()).unwrap();
        assert_eq!(operation.name(), $sent.operation);
        let request = $service::Request::parse(operation, &params).unwrap().unwrap();
        let values = params.iter().filter(|(name, _)| !["Action", "Version"].contains(name));
        (format!("{request:?}"), values.map(|(_, value)| value.to_owned()).collect())
    }};
}

macro_rules! json {
    ($service:ident, $operation:expr, $input:expr) => {{
        let input: JsonInput = $input.unwrap();
        format!("{:?}", $service::Request::parse($operation, &input).unwrap().unwrap())
    }};
}

macro_rules! rest {
    ($service:ident, $sent:expr) => {{
        let (method, url) = $sent.wire.split_once(' ').unwrap();
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let (operation, labels) = $service::Operation::route(method, path).unwrap();
        assert_eq!(operation.name(), $sent.operation);
        let mut values = leaves($sent.body);
        values.extend(labels.iter().map(|(_, value)| value.clone()));
        // One by one, for a name may stand twice in a URL.
        for pair in query.split('&') {
            let pair = QueryParams::parse(pair.as_bytes()).unwrap();
            values.extend(pair.iter().map(|(_, value)| value.to_owned()));
        }
        (json!($service, operation, JsonInput::rest(labels, query, $sent.body.as_bytes())), values)
    }};
}

fn read(sent: &Sent<'_>) -> Read {
    let input = || JsonInput::json(sent.body.as_bytes());
    match sent.service {
        "accessanalyzer" => rest!(accessanalyzer, sent),
        "cloudtrail" => (
            json!(cloudtrail, cloudtrail::Operation::from_name(sent.wire).unwrap(), input()),
            leaves(sent.body),
        ),
        "ec2" => query!(ec2, sent),
        "iam" => query!(iam, sent),
        "iam-toolbox" => rest!(iam_toolbox, sent),
        "organizations" => {
            let operation = organizations::Operation::from_name(sent.wire).unwrap();
            (json!(organizations, operation, input()), leaves(sent.body))
        }
        "sts" => query!(sts, sent),
        other => panic!("{other}"),
    }
}

fn leaves(body: &str) -> Vec<String> {
    let value = if body.is_empty() { Value::Null } else { serde_json::from_str(body).unwrap() };
    let (mut open, mut leaves) = (vec![value], Vec::new());
    while let Some(value) = open.pop() {
        match value {
            Value::Object(members) => open.extend(members.into_iter().map(|(_, value)| value)),
            Value::Array(items) => open.extend(items),
            Value::Null => {}
            Value::String(text) => leaves.push(text),
            other => leaves.push(other.to_string()),
        }
    }
    leaves
}

/// Whether a value that was sent is among what was read.
fn arrived(value: &str, read: &str) -> bool {
    let timestamp = rolecall_aws_model::Timestamp::parse(value);
    read.contains(&format!("{value:?}"))
        || read.contains(value)
        || timestamp.is_some_and(|at| read.contains(&format!("{at:?}")))
}

#[test]
fn every_value_arrives() {
    let mut ran = 0;
    for sent in sent() {
        let (read, values) = read(&sent);
        // What is sensitive is not shown, and bytes are shown decoded.
        let hidden = read.matches("Sensitive(").count() + read.matches("[98, 108, 111, 98").count();
        let lost: Vec<_> = values.iter().filter(|value| !arrived(value, &read)).collect();
        assert_eq!(lost.len(), hidden, "{} {}: {lost:?} of {read}", sent.service, sent.operation);
        ran += values.len();
    }
    assert!(ran > 1_500, "{ran}");
}

macro_rules! typed {
    ($($name:literal: $service:ident),*) => {{
        let mut typed = Vec::new();
        $(typed.extend($service::Operation::ALL.iter().filter(|o| o.is_typed()).map(|o| ($name, o.name())));)*
        typed
    }};
}

#[test]
fn no_typed_operation_is_left_out() {
    let mut sent: Vec<_> = sent().map(|sent| (sent.service, sent.operation)).collect();
    let mut typed = typed!(
        "accessanalyzer": accessanalyzer, "cloudtrail": cloudtrail, "ec2": ec2, "iam": iam,
        "iam-toolbox": iam_toolbox, "organizations": organizations, "sts": sts
    );
    sent.sort_unstable();
    typed.sort_unstable();
    assert_eq!(sent, typed);
}

#[test]
fn operations_are_found_by_their_names() {
    for operation in ec2::Operation::ALL {
        assert_eq!(ec2::Operation::from_name(operation.name()), Some(*operation));
    }
    assert_eq!(ec2::Operation::ALL.len(), 830);
    assert_eq!(ec2::Operation::from_name("DescribeNothing"), None);
    assert!(!ec2::Operation::CreateVpc.is_typed());
    let params = QueryParams::parse(b"").unwrap();
    assert_eq!(ec2::Request::parse(ec2::Operation::CreateVpc, &params), Ok(None));
}
