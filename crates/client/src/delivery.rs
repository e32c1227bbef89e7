//! Handing credentials over: to a shell, a program, a workflow, or a command run in place of this one.

use std::process::{Command, ExitCode};

use serde::Serialize;

use crate::connection::Connection;
use crate::session::{Session, SessionCredentials};
use crate::{AssumeArgs, ClientError, Format, Terminal, github};

/// The form that the SDKs' `credential_process` reads.
#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct ProcessOutput<'a> {
    version: u8,
    #[serde(flatten)]
    credentials: &'a SessionCredentials,
}

pub(crate) fn deliver(
    session: &Session,
    args: &AssumeArgs,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), ClientError> {
    match args.format {
        Format::Env => write!(terminal.out, "{}", exports(&session.credentials))?,
        Format::Json => writeln!(terminal.out, "{}", json(session))?,
        Format::CredentialProcess => {
            let output = ProcessOutput { version: 1, credentials: &session.credentials };
            writeln!(terminal.out, "{}", json(&output))?;
        }
        Format::Github => github::deliver(session, args, connection, terminal)?,
    }
    terminal.out.flush()?;
    Ok(())
}

fn exports(credentials: &SessionCredentials) -> String {
    let line = |(name, value): (&str, &str)| format!("export {name}={}\n", quoted(value));
    credentials.variables().map(line).concat()
}

/// A word for POSIX shells: in single quotes, where only the quote itself needs care.
pub(crate) fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

fn json(value: &impl Serialize) -> String {
    // Strings and a number serialize always; there is no error to report.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

/// Runs the command as the role. On Unix it takes this process's place, so that signals, the terminal
/// and the exit code are its own.
pub(crate) fn run(
    session: &Session,
    words: &[String],
    connection: &Connection,
) -> Result<ExitCode, ClientError> {
    let Some((program, arguments)) = words.split_first() else { return Ok(ExitCode::SUCCESS) };
    let mut command = Command::new(program);
    command.args(arguments).envs(session.credentials.variables());
    // A profile in the environment would win over the keys in some clients.
    command.env_remove("AWS_PROFILE").env_remove("AWS_DEFAULT_PROFILE");
    command.env("AWS_REGION", &connection.region).env("AWS_DEFAULT_REGION", &connection.region);
    if let Some(url) = &connection.endpoint_flag {
        command.env("AWS_ENDPOINT_URL", url);
    }
    replace_by(command).map_err(|cause| ClientError::Command { program: program.clone(), cause })
}

#[cfg(unix)]
fn replace_by(mut command: Command) -> std::io::Result<ExitCode> {
    use std::os::unix::process::CommandExt;
    Err(command.exec())
}

#[cfg(not(unix))]
fn replace_by(mut command: Command) -> std::io::Result<ExitCode> {
    let status = command.status()?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::example;

    #[test]
    fn exports_survive_quotes() {
        let text = exports(&example().credentials);
        assert_eq!(
            text,
            "export AWS_ACCESS_KEY_ID='ASIAEXAMPLE'\n\
             export AWS_SECRET_ACCESS_KEY='sec/ret+key'\n\
             export AWS_SESSION_TOKEN='tok'\\''en=='\n\
             export AWS_CREDENTIAL_EXPIRATION='2026-01-02T03:04:05Z'\n"
        );
    }

    #[test]
    fn a_credential_process_answers_in_version_1() {
        let session = example();
        let output = ProcessOutput { version: 1, credentials: &session.credentials };
        let read: serde_json::Value = serde_json::from_str(&json(&output)).unwrap();
        assert_eq!(
            read,
            serde_json::json!({"Version": 1, "AccessKeyId": "ASIAEXAMPLE", "SecretAccessKey": "sec/ret+key",
                "SessionToken": "tok'en==", "Expiration": "2026-01-02T03:04:05Z"})
        );
    }

    #[test]
    fn json_has_the_shape_of_the_aws_cli() {
        let read: serde_json::Value = serde_json::from_str(&json(&example())).unwrap();
        assert_eq!(read["Credentials"]["AccessKeyId"], "ASIAEXAMPLE");
        assert_eq!(read["AssumedRoleUser"]["Arn"], "arn:aws:sts::123456789012:assumed-role/robot/s1");
        assert_eq!(read["AssumedRoleUser"]["AssumedRoleId"], "AROAEXAMPLE:s1");
    }
}
