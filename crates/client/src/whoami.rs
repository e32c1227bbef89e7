//! `rolecall whoami`: GetCallerIdentity, which everyone may ask.

use std::process::ExitCode;

use serde::Serialize;

use crate::connection::Connection;
use crate::{ClientError, Terminal, WhoamiArgs};

const OPERATION: &str = "GetCallerIdentity";

/// Who the configured credentials belong to, in the form in which the AWS CLI prints it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Caller {
    pub(crate) user_id: String,
    pub(crate) account: String,
    pub(crate) arn: String,
}

/// Prints whose credentials are in use.
///
/// # Errors
/// When the server refuses them or does not answer.
pub async fn whoami(args: WhoamiArgs, terminal: &mut Terminal<'_>) -> Result<ExitCode, ClientError> {
    let connection = Connection::open(&args.connection).await;
    let caller = caller(&connection).await?;
    if args.json {
        let text = serde_json::to_string_pretty(&caller).unwrap_or_default();
        writeln!(terminal.out, "{text}")?;
    } else {
        writeln!(terminal.out, "account  {}", caller.account)?;
        writeln!(terminal.out, "arn      {}", caller.arn)?;
        writeln!(terminal.out, "user id  {}", caller.user_id)?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) async fn caller(connection: &Connection) -> Result<Caller, ClientError> {
    let answer = connection.sts.get_caller_identity().send().await;
    let answer = answer.map_err(|error| ClientError::of_sdk(OPERATION, &connection.endpoint, &error))?;
    let missing = |missing| ClientError::Incomplete { operation: OPERATION, missing };
    Ok(Caller {
        user_id: answer.user_id.ok_or_else(|| missing("UserId"))?,
        account: answer.account.ok_or_else(|| missing("Account"))?,
        arn: answer.arn.ok_or_else(|| missing("Arn"))?,
    })
}
