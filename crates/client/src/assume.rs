//! `rolecall assume`: from a role's name to credentials in the place where they are wanted.

use std::process::ExitCode;

use aws_sdk_sts::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role::builders::AssumeRoleFluentBuilder;
use aws_sdk_sts::types::PolicyDescriptorType;

use crate::connection::Connection;
use crate::delivery::{deliver, run};
use crate::role::{Role, arn_beside};
use crate::session::Session;
use crate::{AssumeArgs, ClientError, Terminal, web_identity, whoami};

/// What AWS accepts at least, for a server that does not name its own minimum.
const AWS_MINIMUM_SECONDS: i32 = 900;
pub(crate) const OPERATION: &str = "AssumeRole";

/// Assumes the role and hands its credentials over in the wanted form, or runs the command with them.
///
/// # Errors
/// When the server refuses or does not answer, and when the credentials cannot be handed over.
pub async fn assume(args: AssumeArgs, terminal: &mut Terminal<'_>) -> Result<ExitCode, ClientError> {
    let connection = Connection::open(&args.connection).await;
    let session = if args.web_identity {
        web_identity::session(&args, &connection, terminal).await?
    } else {
        session(&args, &connection, terminal).await?
    };
    if args.command.is_empty() {
        deliver(&session, &args, &connection, terminal)?;
        return Ok(ExitCode::SUCCESS);
    }
    run(&session, &args.command, &connection)
}

async fn session(
    args: &AssumeArgs,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<Session, ClientError> {
    let request = request(args, connection, terminal).await?;
    let (_, session) = open(request, args.duration_seconds, connection, terminal).await?;
    Ok(session)
}

/// The request that the arguments ask for, not sent yet.
pub(crate) async fn request(
    args: &AssumeArgs,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<AssumeRoleFluentBuilder, ClientError> {
    let role_arn = role_arn(&args.role, connection).await?;
    let mfa_code = mfa_code(args, terminal)?;
    Ok(connection
        .sts
        .assume_role()
        .role_arn(role_arn)
        .role_session_name(session_name(args, terminal))
        .set_duration_seconds(args.duration_seconds)
        .set_external_id(args.external_id.clone())
        .set_policy(args.policy.clone())
        .set_policy_arns(policy_arns(args))
        .set_serial_number(args.mfa_serial.clone())
        .set_token_code(mfa_code))
}

/// The managed policies that are to limit the session; none when none were named.
pub(crate) fn policy_arns(args: &AssumeArgs) -> Option<Vec<PolicyDescriptorType>> {
    let described = args.policy_arns.iter().map(|arn| PolicyDescriptorType::builder().arn(arn).build());
    (!args.policy_arns.is_empty()).then(|| described.collect())
}

/// Sends the request, once more with the server's minimum when the duration is below it; returns the
/// form of the request that was admitted, for renewals.
pub(crate) async fn open(
    request: AssumeRoleFluentBuilder,
    asked: Option<i32>,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(AssumeRoleFluentBuilder, Session), ClientError> {
    let mut admitted = request;
    let mut answer = admitted.clone().send().await;
    if let Some(minimum) = answer.as_ref().err().and_then(|error| raised(error, asked)) {
        say_raised(asked, minimum, terminal)?;
        admitted = admitted.duration_seconds(minimum);
        answer = admitted.clone().send().await;
    }
    let answer = answer.map_err(|error| ClientError::of_sdk(OPERATION, &connection.endpoint, &error))?;
    let session = Session::of_answer(OPERATION, answer.credentials(), answer.assumed_role_user())?;
    Ok((admitted, session))
}

/// The role's ARN; a mere name belongs to the caller's account, which only STS knows.
pub(crate) async fn role_arn(role: &str, connection: &Connection) -> Result<String, ClientError> {
    match Role::parse(role)? {
        Role::Arn(arn) => Ok(arn),
        Role::InCallersAccount(name) => {
            let caller = whoami::caller(connection).await?;
            arn_beside(&caller.arn, &name)
                .ok_or(ClientError::Incomplete { operation: "GetCallerIdentity", missing: "a valid Arn" })
        }
    }
}

/// The wanted name, or one that leads back to the workflow run, or the program's own.
pub(crate) fn session_name(args: &AssumeArgs, terminal: &Terminal<'_>) -> String {
    let given = args.session_name.clone().filter(|name| !name.is_empty());
    let of_workflow = || terminal.set_variable("GITHUB_RUN_ID").map(|id| format!("GitHubActions-{id}"));
    given.or_else(of_workflow).unwrap_or_else(|| "rolecall".to_owned())
}

fn mfa_code(args: &AssumeArgs, terminal: &mut Terminal<'_>) -> Result<Option<String>, ClientError> {
    let Some(serial) = &args.mfa_serial else { return Ok(None) };
    if let Some(code) = &args.mfa_code {
        return Ok(Some(code.clone()));
    }
    let ask = terminal.ask.ok_or_else(|| ClientError::NoMfaCode(serial.clone()))?;
    let code = ask(&format!("MFA code for {serial}: "))?;
    Ok(Some(code.trim().to_owned()))
}

/// The duration to try instead, when the server refused one below its minimum.
fn raised(error: &SdkError<AssumeRoleError>, asked: Option<i32>) -> Option<i32> {
    let asked = asked?;
    (error.code() == Some("ValidationError")).then_some(())?;
    minimum_in(error.message()?).filter(|minimum| *minimum > asked)
}

/// Reads the minimum out of the validation error of `durationSeconds`.
pub(crate) fn minimum_in(message: &str) -> Option<i32> {
    const RULE: &str = "greater than or equal to ";
    let of_duration = message.split(';').find(|part| part.contains("'durationSeconds'"))?;
    let (_, rule) = of_duration.split_once(RULE)?;
    let digits: String = rule.chars().take_while(char::is_ascii_digit).collect();
    Some(digits.parse().unwrap_or(AWS_MINIMUM_SECONDS))
}

pub(crate) fn say_raised(
    asked: Option<i32>,
    minimum: i32,
    terminal: &mut Terminal<'_>,
) -> Result<(), ClientError> {
    let asked = asked.unwrap_or_default();
    writeln!(
        terminal.err,
        "rolecall: a session of {asked} s is shorter than the server allows; asking for {minimum} s"
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_minimum_is_read_from_the_validation_error() {
        let message = "2 validation errors detected: Value 'a' at 'roleSessionName' failed to satisfy \
            constraint: Member must have length greater than or equal to 2; Value '120' at \
            'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900";
        assert_eq!(minimum_in(message), Some(900));
    }

    #[test]
    fn another_fields_minimum_is_not_taken() {
        let message = "1 validation error detected: Value 'a' at 'roleSessionName' failed to satisfy \
            constraint: Member must have length greater than or equal to 2";
        assert_eq!(minimum_in(message), None);
        assert_eq!(
            minimum_in(
                "1 validation error detected: Value '99999' at 'durationSeconds' failed to satisfy \
                 constraint: Member must have value less than or equal to 43200"
            ),
            None
        );
    }

    fn with_terminal<T>(
        variable: &dyn Fn(&str) -> Option<String>,
        body: impl FnOnce(&mut Terminal<'_>) -> T,
    ) -> T {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        body(&mut Terminal { variable, out: &mut out, err: &mut err, ask: None })
    }

    #[test]
    fn a_session_is_named_after_what_is_known() {
        let none = |_: &str| None;
        let in_workflow = |name: &str| (name == "GITHUB_RUN_ID").then(|| "77".to_owned());
        let given = AssumeArgs { session_name: Some("mine".into()), ..AssumeArgs::default() };
        with_terminal(&none, |t| assert_eq!(session_name(&AssumeArgs::default(), t), "rolecall"));
        with_terminal(&in_workflow, |t| {
            assert_eq!(session_name(&AssumeArgs::default(), t), "GitHubActions-77");
            assert_eq!(session_name(&given, t), "mine");
        });
    }

    #[test]
    fn a_code_is_asked_for_only_where_there_is_a_device_and_a_person() {
        let none = |_: &str| None;
        let with_device = AssumeArgs { mfa_serial: Some("device".into()), ..AssumeArgs::default() };
        with_terminal(&none, |t| {
            assert_eq!(mfa_code(&AssumeArgs::default(), t).unwrap(), None);
            assert!(matches!(mfa_code(&with_device, t), Err(ClientError::NoMfaCode(_))));
            t.ask = Some(|question| {
                assert_eq!(question, "MFA code for device: ");
                Ok("123456\n".to_owned())
            });
            assert_eq!(mfa_code(&with_device, t).unwrap().as_deref(), Some("123456"));
        });
    }
}
