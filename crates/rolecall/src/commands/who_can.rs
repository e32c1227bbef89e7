//! `rolecall who-can`: every user and role that can do something, and by what.

use std::collections::BTreeSet;
use std::process::ExitCode;

use rolecall_analysis::who_can::{Wish, who_can};
use rolecall_analysis::{Control, Question, World};

use super::known::Source;
use super::{Failure, pretty, print, read_text};
use crate::cli::WhoCanArgs;

/// Runs the subcommand. The answer is no when nobody can.
pub(crate) fn run(args: &WhoCanArgs) -> Result<ExitCode, Failure> {
    let failed = |cause: rolecall_analysis::AnalysisError| Failure::Environment(cause.to_string());
    let resource = resource(args)?;
    let question = Question {
        action: args.action.clone(),
        resource: resource.clone(),
        context: context(&args.context)?,
    };
    // With the policy given, there is nothing to ask a server for.
    let asked = match args.resource_policy {
        Some(_) => BTreeSet::new(),
        None => BTreeSet::from([resource.clone()]),
    };
    let mut given = Source::of(&args.source).known(&asked)?.map_err(Failure::Environment)?;
    if let Some(path) = &args.resource_policy {
        let control = Control { name: path.display().to_string(), document: read_text(path)?.into() };
        given.resource_policies.insert(resource, control);
    }
    let world = World::of(given).map_err(failed)?;
    let found = who_can(&world, &question, Wish { why_not: args.why_not }).map_err(failed)?;
    print(if args.json { pretty(&found)? } else { found.to_text() })?;
    Ok(ExitCode::from(match (found.anyone(), found.undecided.is_empty()) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }))
}

/// The resource. An allow on one thing is no allow on `*`: so nobody should mean it by leaving the resource out.
fn resource(args: &WhoCanArgs) -> Result<String, Failure> {
    let takes_one = || !super::decide::takes_no_resource(&args.action);
    match &args.resource {
        Some(resource) => Ok(resource.clone()),
        None if rolecall_service_reference::action(&args.action).is_some() && takes_one() => Err(
            Failure::Environment(format!("{} is asked for on a resource: give its ARN, or '*'", args.action)),
        ),
        None => Ok("*".to_owned()),
    }
}

/// `KEY=VALUE`, where the same key again has one more value.
fn context(given: &[String]) -> Result<Vec<(String, Vec<String>)>, Failure> {
    let mut keys: Vec<(String, Vec<String>)> = Vec::new();
    for text in given {
        let pair = text.split_once('=').filter(|(key, _)| key.contains(':'));
        let (key, value) = pair.ok_or_else(|| {
            Failure::Environment(format!(
                "--context {text}: write KEY=VALUE, such as aws:SourceIp=203.0.113.7"
            ))
        })?;
        match keys.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(key)) {
            Some((_, values)) => values.push(value.to_owned()),
            None => keys.push((key.to_owned(), vec![value.to_owned()])),
        }
    }
    Ok(keys)
}
