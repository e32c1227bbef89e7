//! `rolecall instance`: instances from the command line, by the EC2 API like everyone's, and into
//! them by what their directory tells.

mod api;
mod enter;
mod listing;

use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_instances::{InstanceId, Layout};

use super::serve::instances_directory;
use super::{Failure, read_text, wait_for};
use crate::cli::{InstanceArgs, InstanceCommand};
use api::Api;
use listing::Shown;

/// How long to wait for an instance to become what it was asked to be.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Does what the subcommand says.
pub(crate) fn run(args: &InstanceArgs) -> Result<ExitCode, Failure> {
    let layout = || Layout::new(instances_directory(&args.data));
    match &args.command {
        InstanceCommand::Exec { id, user, command } => {
            return enter::exec(&layout(), &parse(id)?, user.clone(), command);
        }
        InstanceCommand::Ssh { id, identity, user, command } => {
            return enter::ssh(&layout(), &parse(id)?, identity.as_deref(), user, command);
        }
        _ => {}
    }
    wait_for(by_api(args, &Api { endpoint_url: &args.endpoint_url }))
}

fn parse(id: &str) -> Result<InstanceId, Failure> {
    InstanceId::parse(id).map_err(|cause| Failure::Environment(cause.to_string()))
}

async fn by_api(args: &InstanceArgs, api: &Api<'_>) -> Result<ExitCode, Failure> {
    match &args.command {
        InstanceCommand::Run { profile, key_name, user_data, require_tokens, name, json } => {
            let mut form =
                start_form(profile.as_deref(), key_name.as_deref(), *require_tokens, name.as_deref());
            if let Some(path) = user_data {
                form.push(("UserData".to_owned(), encoded(path)?));
            }
            let Some(answer) = api.call("RunInstances", &form).await? else { return Ok(ExitCode::from(1)) };
            let ids = answer.texts("instanceId");
            let Some(shown) = wait(api, &ids, "running").await? else { return Ok(ExitCode::from(1)) };
            listing::print(&shown, *json)
        }
        InstanceCommand::Ls { all, json } => {
            let Some(mut shown) = describe(api, &[]).await? else { return Ok(ExitCode::from(1)) };
            shown.retain(|instance| *all || instance.state != "terminated");
            listing::print(&shown, *json)
        }
        InstanceCommand::Logs { id } => {
            let form = [("InstanceId".to_owned(), id.clone())];
            let Some(answer) = api.call("GetConsoleOutput", &form).await? else {
                return Ok(ExitCode::from(1));
            };
            let output = answer.texts("output").into_iter().next().unwrap_or_default();
            let output = STANDARD.decode(output).unwrap_or_default();
            let written = std::io::stdout().write_all(&output);
            written.map_err(|cause| Failure::Environment(format!("standard output: {cause}")))?;
            Ok(ExitCode::SUCCESS)
        }
        InstanceCommand::Start { ids } => become_state(api, "StartInstances", ids, "running").await,
        InstanceCommand::Stop { ids } => become_state(api, "StopInstances", ids, "stopped").await,
        InstanceCommand::Rm { ids } => become_state(api, "TerminateInstances", ids, "terminated").await,
        InstanceCommand::Exec { .. } | InstanceCommand::Ssh { .. } => Ok(ExitCode::SUCCESS),
    }
}

fn encoded(path: &Path) -> Result<String, Failure> {
    Ok(STANDARD.encode(read_text(path)?))
}

fn start_form(
    profile: Option<&str>,
    key_name: Option<&str>,
    require_tokens: bool,
    name: Option<&str>,
) -> Vec<(String, String)> {
    let mut form = vec![("ImageId", "ami-00000000000000001"), ("MinCount", "1"), ("MaxCount", "1")];
    form.push(("InstanceType", "t3.micro"));
    if let Some(profile) = profile {
        let by =
            if profile.starts_with("arn:") { "IamInstanceProfile.Arn" } else { "IamInstanceProfile.Name" };
        form.push((by, profile));
    }
    if let Some(name) = key_name {
        form.push(("KeyName", name));
    }
    if require_tokens {
        form.push(("MetadataOptions.HttpTokens", "required"));
    }
    if let Some(name) = name {
        form.push(("TagSpecification.1.ResourceType", "instance"));
        form.push(("TagSpecification.1.Tag.1.Key", "Name"));
        form.push(("TagSpecification.1.Tag.1.Value", name));
    }
    form.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

fn ids_form(ids: &[String]) -> Vec<(String, String)> {
    ids.iter().enumerate().map(|(index, id)| (format!("InstanceId.{}", index + 1), id.clone())).collect()
}

async fn describe(api: &Api<'_>, ids: &[String]) -> Result<Option<Vec<Shown>>, Failure> {
    let answer = api.call("DescribeInstances", &ids_form(ids)).await?;
    Ok(answer.map(|answer| listing::instances(&answer)))
}

async fn become_state(api: &Api<'_>, action: &str, ids: &[String], state: &str) -> Result<ExitCode, Failure> {
    if api.call(action, &ids_form(ids)).await?.is_none() {
        return Ok(ExitCode::from(1));
    }
    match wait(api, ids, state).await? {
        Some(shown) => listing::print(&shown, false),
        None => Ok(ExitCode::from(1)),
    }
}

/// Waits until all are in `state`; none, and a word on standard error, when one will not get there.
async fn wait(api: &Api<'_>, ids: &[String], state: &str) -> Result<Option<Vec<Shown>>, Failure> {
    let began = std::time::Instant::now();
    loop {
        let Some(shown) = describe(api, ids).await? else { return Ok(None) };
        if shown.iter().all(|instance| instance.state == state) {
            return Ok(Some(shown));
        }
        let lost = shown.iter().find(|instance| instance.state == "terminated" && state != "terminated");
        if let Some(lost) = lost {
            eprintln!("rolecall: {} was terminated: {}", lost.id, lost.reason);
            return Ok(None);
        }
        if began.elapsed() > PATIENCE {
            let states: Vec<_> = shown.iter().map(|i| format!("{} is {}", i.id, i.state)).collect();
            return Err(Failure::Environment(format!(
                "not {state} within {PATIENCE:?}: {}",
                states.join(", ")
            )));
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
