//! Conditions over the keys of a scene, and over some that it lacks.

use serde_json::{Map, Value, json};

use super::random::Random;
use super::scene::{KEYS, Scene};

const STRING: [&str; 6] = [
    "StringEquals",
    "StringNotEquals",
    "StringEqualsIgnoreCase",
    "StringNotEqualsIgnoreCase",
    "StringLike",
    "StringNotLike",
];
const NUMERIC: [&str; 6] = [
    "NumericEquals",
    "NumericNotEquals",
    "NumericLessThan",
    "NumericLessThanEquals",
    "NumericGreaterThan",
    "NumericGreaterThanEquals",
];
const DATE: [&str; 6] = [
    "DateEquals",
    "DateNotEquals",
    "DateLessThan",
    "DateLessThanEquals",
    "DateGreaterThan",
    "DateGreaterThanEquals",
];
const ARN: [&str; 4] = ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"];

/// What a key's values are, and so which operators suit it.
#[derive(Clone, Copy)]
enum Family {
    Text,
    Number,
    Time,
    Truth,
    Address,
    Arn,
    Bytes,
}

/// One to three operators, each with one or two keys.
pub(super) fn condition(random: &mut Random, scene: &Scene) -> Value {
    let mut condition = Map::new();
    if random.chance(3) {
        return Value::Object(condition);
    }
    for _ in 0..=random.below(2) {
        let family = random_family(random);
        let operator = operator(random, family);
        let mut keys = Map::new();
        for _ in 0..=random.below(2) {
            let key = key(random, family);
            let key = if random.chance(15) { key.to_ascii_lowercase() } else { key.to_owned() };
            let values = if operator == "Null" { null_value(random) } else { values(random, family, scene) };
            keys.insert(key, values);
        }
        condition.insert(operator, Value::Object(keys));
    }
    Value::Object(condition)
}

fn null_value(random: &mut Random) -> Value {
    random.pick(&[json!("true"), json!("false"), json!(true), json!(false), json!(["true", "false"])])
}

fn random_family(random: &mut Random) -> Family {
    match random.below(12) {
        0..=4 => Family::Text,
        5 => Family::Number,
        6 => Family::Time,
        7 => Family::Truth,
        8 => Family::Address,
        9 | 10 => Family::Arn,
        _ => Family::Bytes,
    }
}

fn operator(random: &mut Random, family: Family) -> String {
    if random.chance(10) {
        return "Null".to_owned();
    }
    let name = match family {
        Family::Text => random.pick(&STRING),
        Family::Number => random.pick(&NUMERIC),
        Family::Time => random.pick(&DATE),
        Family::Truth => "Bool",
        Family::Address => random.pick(&["IpAddress", "NotIpAddress"]),
        Family::Arn => random.pick(&ARN),
        Family::Bytes => "BinaryEquals",
    };
    let qualifier = match random.below(8) {
        0 => "ForAllValues:",
        1 => "ForAnyValue:",
        _ => "",
    };
    let suffix = if random.chance(20) { "IfExists" } else { "" };
    format!("{qualifier}{name}{suffix}")
}

fn key(random: &mut Random, family: Family) -> &'static str {
    // Now and then a key of another type, so that values are malformed.
    if random.chance(5) {
        return KEYS.get(random.below(KEYS.len())).map_or("aws:SourceIp", |(key, _)| key);
    }
    match family {
        Family::Text => random.pick(&[
            "aws:PrincipalTag/team",
            "aws:ResourceTag/team",
            "aws:TagKeys",
            "aws:CalledVia",
            "s3:prefix",
            "aws:username",
            "aws:userid",
            "aws:PrincipalArn",
            "aws:PrincipalAccount",
        ]),
        Family::Number => random.pick(&["aws:MultiFactorAuthAge", "s3:max-keys"]),
        Family::Time => random.pick(&["aws:CurrentTime", "aws:EpochTime", "aws:TokenIssueTime"]),
        Family::Truth => random.pick(&["aws:MultiFactorAuthPresent", "aws:SecureTransport"]),
        Family::Address => "aws:SourceIp",
        Family::Arn => random.pick(&["aws:SourceArn", "aws:PrincipalArn"]),
        Family::Bytes => "sts:ExternalId",
    }
}

/// One value, or up to three.
fn values(random: &mut Random, family: Family, scene: &Scene) -> Value {
    if random.chance(55) {
        return value(random, family, scene);
    }
    (0..=random.below(3)).map(|_| value(random, family, scene)).collect()
}

fn value(random: &mut Random, family: Family, scene: &Scene) -> Value {
    match family {
        Family::Text => json!(text(random, scene)),
        Family::Number => {
            random.pick(&[json!(120), json!("120"), json!("1000"), json!(10), json!("3600.0"), json!("0")])
        }
        Family::Time => json!(random.pick(&[
            "2024-05-01T12:00:00Z",
            "2024-05-01T14:00:00+02:00",
            "2024-05-01",
            "2020-01",
            "1714564800",
            "2024-05-01T11:00Z",
            "2024-05-01T12:00:00.000Z",
        ])),
        Family::Truth => random.pick(&[json!("true"), json!("false"), json!(true), json!(false)]),
        Family::Address => json!(random.pick(&[
            "203.0.113.0/24",
            "203.0.113.7",
            "203.0.113.7/25",
            "0.0.0.0/0",
            "2001:DB8:1234:5678::/64",
            "198.51.100.4/32",
            "::/0",
        ])),
        Family::Arn => json!(random.pick(&[
            "arn:aws:sns:eu-west-1:111122223333:topic",
            "arn:aws:sns:*:111122223333:topic",
            "arn:aws:sns:*:111122223333:*",
            "arn:aws:sns:eu-west-?:*:*",
            "arn:aws:iam::*:role/*",
            "arn:aws:iam::111122223333:role/reader",
            "arn:aws:iam::111122223333:user/${aws:username}",
            "arn:aws:iam::111122223333:user/${aws:username, 'alice'}",
            "arn:aws:iam::*:user/a*",
            "arn:*:*:*:*:*",
        ])),
        Family::Bytes => json!(random.pick(&["QmluYXJ5", "QQ=="])),
    }
}

fn text(random: &mut Random, scene: &Scene) -> String {
    let arn = scene.arn().unwrap_or("*");
    match random.below(4) {
        0 => random.pick(&["red", "RED", "r?d", "r*", "*", "blue", "r${*}d"]).to_owned(),
        1 => random
            .pick(&[
                "${aws:PrincipalTag/team}",
                "${aws:TagKeys}",
                "${aws:TagKeys, 'team'}",
                "${aws:PrincipalTag/team, 'red'}",
                "${aws:username}/*",
                "*${aws:username}*",
            ])
            .to_owned(),
        2 => random
            .pick(&["team", "cost", "owner", "*.amazonaws.com", "athena.amazonaws.com", "T*"])
            .to_owned(),
        _ => random
            .pick(&["alice", "alice/", "alice/*", "${*}", "111122223333", "AIDA*", "*:s1", arn])
            .to_owned(),
    }
}
