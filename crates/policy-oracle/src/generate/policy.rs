//! Policies bent around a scene.

use serde_json::{Map, Value, json};

use super::condition::condition;
use super::random::Random;
use super::scene::{HERE, Scene, THERE};

/// Which principals a document's statements name.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Principals {
    /// None: it is attached to an identity or an account.
    None,
    /// Everyone.
    Everyone,
    /// The caller in one of its forms, or somebody else.
    Some,
}

pub(super) fn named(number: usize, policy: Value) -> Value {
    json!({"name": format!("p{number}"), "policy": policy})
}

pub(super) fn full_access(principals: Principals) -> Value {
    let mut statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*"});
    if principals != Principals::None
        && let Some(statement) = statement.as_object_mut()
    {
        statement.insert("Principal".into(), json!("*"));
    }
    json!({"Version": "2012-10-17", "Statement": [statement]})
}

/// A document of one to three statements.
pub(super) fn document(random: &mut Random, scene: &Scene, principals: Principals) -> Value {
    let statements: Vec<Value> =
        (0..=random.below(3)).map(|_| statement(random, scene, principals)).collect();
    let mut document = Map::new();
    match random.below(10) {
        0 => {}
        1 => {
            document.insert("Version".into(), json!("2008-10-17"));
        }
        _ => {
            document.insert("Version".into(), json!("2012-10-17"));
        }
    }
    let single = statements.len() == 1 && random.chance(50);
    let statement =
        if single { statements.into_iter().next().unwrap_or_default() } else { json!(statements) };
    document.insert("Statement".into(), statement);
    Value::Object(document)
}

fn statement(random: &mut Random, scene: &Scene, principals: Principals) -> Value {
    let mut statement = Map::new();
    let effect = if random.chance(82) { "Allow" } else { "Deny" };
    statement.insert("Effect".into(), json!(effect));
    let element = if random.chance(12) { "NotAction" } else { "Action" };
    let actions = many(random, |random| action(random, scene));
    statement.insert(element.into(), actions);
    let is_trust =
        principals == Principals::Some && matches!(scene.action, "sts:AssumeRole" | "sts:TagSession");
    if !is_trust {
        let element = if random.chance(12) { "NotResource" } else { "Resource" };
        let resources = many(random, |random| resource(random, scene));
        statement.insert(element.into(), resources);
    }
    match principals {
        Principals::None => {}
        Principals::Everyone => {
            let everyone = if random.chance(10) { principal(random, scene) } else { json!("*") };
            statement.insert("Principal".into(), everyone);
        }
        Principals::Some => {
            let element = if random.chance(12) { "NotPrincipal" } else { "Principal" };
            let value = match element {
                "NotPrincipal" if random.chance(60) => all_but_one(random, scene),
                _ => principal(random, scene),
            };
            statement.insert(element.into(), value);
        }
    }
    if random.chance(45) {
        statement.insert("Condition".into(), condition(random, scene));
    }
    Value::Object(statement)
}

/// One string, or a list of up to three.
fn many(random: &mut Random, mut one: impl FnMut(&mut Random) -> String) -> Value {
    if random.chance(50) {
        return json!(one(random));
    }
    let values: Vec<String> = (0..=random.below(3)).map(|_| one(random)).collect();
    json!(values)
}

fn action(random: &mut Random, scene: &Scene) -> String {
    let (service, name) = scene.action.split_once(':').unwrap_or((scene.action, ""));
    let verb: String = name.chars().take(3).collect();
    let noun: String = name.chars().skip(3).collect();
    match random.below(14) {
        0..=3 => scene.action.to_owned(),
        4 => scene.action.to_ascii_uppercase(),
        5 => format!("{service}:{verb}*"),
        6 => format!("{service}:*{noun}"),
        7 => format!("{service}:{}", name.replacen('e', "?", 1)),
        8 => format!("{service}:*"),
        9 => "*".to_owned(),
        10 => format!("{service}:{name}?"),
        11 => format!("{service}:*{}*", noun.to_ascii_lowercase()),
        12 => "s3:*Object".to_owned(),
        _ => random.pick(&["s3:*", "iam:*", "ec2:Describe*", "sts:AssumeRole", "kms:*"]).to_owned(),
    }
}

fn resource(random: &mut Random, scene: &Scene) -> String {
    let resource = scene.resource;
    match random.below(18) {
        0..=3 => resource.to_owned(),
        4..=6 => "*".to_owned(),
        7 => format!("{resource}*"),
        8 => bend(random, resource, "*"),
        9 => bend(random, resource, "?"),
        10 => resource.to_ascii_uppercase(),
        11 => with_variable(random, resource),
        12 => with_variable(random, resource),
        13 => resource.replace('*', "${*}").replace('?', "${?}"),
        14 => resource.split_inclusive(':').take(5).collect::<String>() + "*",
        15 => format!("{resource}/*"),
        16 => random
            .pick(&["arn:aws:s3:::data/${aws:username}/*", "arn:aws:s3:::*/${aws:username, 'alice'}/*"])
            .into(),
        _ => random
            .pick(&["arn:aws:s3:::logs/*", "arn:aws:iam::*:role/*", "arn:aws:*:*:111122223333:*"])
            .into(),
    }
}

/// Puts a wildcard for a run of the text (a star), or for one character.
fn bend(random: &mut Random, text: &str, wildcard: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let start = random.below(characters.len());
    let length = if wildcard == "?" { 1 } else { random.below(6) };
    let before = characters.iter().take(start).collect::<String>();
    let after = characters.iter().skip(start + length).collect::<String>();
    format!("{before}{wildcard}{after}")
}

/// Puts a policy variable for a part that it might well have the value of. AWS allows them after the fifth colon.
fn with_variable(random: &mut Random, text: &str) -> String {
    let head = text.split_inclusive(':').take(5).collect::<String>();
    let tail = text.get(head.len()..).unwrap_or_default();
    let variable = random.pick(&[
        ("alice", "${aws:username}"),
        ("alice", "${AWS:UserName, 'alice'}"),
        ("alice", "${aws:PrincipalTag/name, 'alice'}"),
        ("reader", "${aws:PrincipalTag/role, 'reader'}"),
        ("reader", "${aws:PrincipalTag/role}"),
        ("data", "${aws:PrincipalTag/team, 'data'}"),
        ("1", "${aws:PrincipalTag/team}"),
        ("*", "${*}"),
    ]);
    let (part, variable) = variable;
    format!("{head}{}", tail.replacen(part, variable, 1))
}

fn principal(random: &mut Random, scene: &Scene) -> Value {
    match random.below(12) {
        0 | 1 => return json!("*"),
        2 => return json!({"AWS": "*"}),
        3 => return json!({"Service": ["ec2.amazonaws.com", "lambda.amazonaws.com"]}),
        _ => {}
    }
    if let Some(service) = scene.principal.get("service") {
        return json!({"Service": service, "AWS": HERE});
    }
    let Some(arn) = scene.arn() else { return json!({"AWS": [HERE, THERE]}) };
    let forms = forms_of(arn);
    let mut listed: Vec<String> = Vec::new();
    for _ in 0..=random.below(3) {
        listed.push(if random.chance(75) { random.pick(&forms) } else { stranger(random) });
    }
    match listed.as_slice() {
        [single] if random.chance(50) => json!({"AWS": single}),
        _ => json!({"AWS": listed}),
    }
}

/// The caller's session, role and account, or all but one of them: what `NotPrincipal` needs to except it.
fn all_but_one(random: &mut Random, scene: &Scene) -> Value {
    let Some(arn) = scene.arn() else { return principal(random, scene) };
    let mut forms = forms_of(arn);
    // The account counts once.
    forms.retain(|form| form.contains(':'));
    let left_out = random.below(forms.len() + 1);
    let listed = forms.into_iter().enumerate().filter(|(at, _)| *at != left_out).map(|(_, form)| form);
    json!({"AWS": listed.collect::<Vec<_>>()})
}

/// The ways in which a policy may name this caller.
fn forms_of(arn: &str) -> Vec<String> {
    let account = arn.split(':').nth(4).unwrap_or_default();
    let mut forms = vec![arn.to_owned(), account.to_owned(), format!("arn:aws:iam::{account}:root")];
    if arn.contains(":assumed-role/reader/") {
        forms.push(format!("arn:aws:iam::{account}:role/reader"));
    }
    if arn.contains(":assumed-role/admin/") {
        forms.push(format!("arn:aws:iam::{account}:role/ops/admin"));
    }
    forms
}

fn stranger(random: &mut Random) -> String {
    random
        .pick(&[
            "arn:aws:iam::111122223333:user/mallory",
            "arn:aws:iam::444455556666:user/alice",
            "arn:aws:iam::111122223333:role/writer",
            "arn:aws:sts::111122223333:assumed-role/reader/s2",
            "444455556666",
            "777788889999",
        ])
        .to_owned()
}
