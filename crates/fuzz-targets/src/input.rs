//! The input of operations, in the query protocol and in JSON: no input panics, and what is refused is refused with
//! a 4xx.
//!
//! The first line says the operation (or a method and a path), the rest is the body.

use rolecall_aws_model::{
    JsonInput, QueryParams, ValidationError, accessanalyzer, cloudtrail, ec2, iam, organizations, sts,
};

use crate::lines;

/// See the module.
pub(crate) fn run(input: &[u8]) {
    let (name, body) = lines::first_line(input);
    let Ok(name) = std::str::from_utf8(name) else { return };
    query(name, body);
    json(name, body);
}

fn check<T>(parsed: Result<T, ValidationError>) {
    if let Err(error) = parsed {
        let wire = error.wire();
        assert!((400..500).contains(&wire.status) && !wire.code.is_empty(), "{wire:?}");
    }
}

fn query(name: &str, body: &[u8]) {
    let Ok(params) = QueryParams::parse(body) else { return };
    if let Some(operation) = iam::Operation::from_name(name) {
        check(iam::Request::parse(operation, &params));
    }
    if let Some(operation) = sts::Operation::from_name(name) {
        check(sts::Request::parse(operation, &params));
    }
    if let Some(operation) = ec2::Operation::from_name(name) {
        check(ec2::Request::parse(operation, &params));
    }
}

fn json(name: &str, body: &[u8]) {
    if let (Some(operation), Ok(input)) = (organizations::Operation::from_name(name), JsonInput::json(body)) {
        check(organizations::Request::parse(operation, &input));
    }
    if let (Some(operation), Ok(input)) = (cloudtrail::Operation::from_name(name), JsonInput::json(body)) {
        check(cloudtrail::Request::parse(operation, &input));
    }
    let Some((method, url)) = name.split_once(' ') else { return };
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let Some((operation, labels)) = accessanalyzer::Operation::route(method, path) else { return };
    if let Ok(input) = JsonInput::rest(labels, query, body) {
        check(accessanalyzer::Request::parse(operation, &input));
    }
}
