//! GitHub Actions: masks first, so that no later line of a log can show a secret; then the environment
//! of the steps that follow; then the outputs of this one.
//! <https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands>

use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::connection::Connection;
use crate::session::Session;
use crate::{AssumeArgs, ClientError, Terminal};

pub(crate) fn deliver(
    session: &Session,
    args: &AssumeArgs,
    connection: &Connection,
    terminal: &mut Terminal<'_>,
) -> Result<(), ClientError> {
    let environment = terminal.set_variable("GITHUB_ENV").ok_or(ClientError::NotInGithub {
        variable: "GITHUB_ENV",
        purpose: "--format github",
        wanted: "step",
    })?;
    mask(session, terminal)?;
    let mut variables = session.credentials.variables().to_vec();
    variables.push(("AWS_REGION", &connection.region));
    variables.push(("AWS_DEFAULT_REGION", &connection.region));
    // The following steps must find the server that gave the credentials.
    let endpoint = args.connection.endpoint_url.clone().or_else(|| terminal.set_variable("AWS_ENDPOINT_URL"));
    if let Some(url) = &endpoint {
        variables.push(("AWS_ENDPOINT_URL", url));
    }
    append(&PathBuf::from(environment), &variables)?;
    if let Some(outputs) = terminal.set_variable("GITHUB_OUTPUT") {
        append(&PathBuf::from(outputs), &outputs_of(session))?;
    }
    writeln!(terminal.out, "The next steps run as {}", session.assumed_role_user.arn)?;
    Ok(())
}

/// No secret is an output: the runner drops masked outputs between jobs in any case.
fn outputs_of(session: &Session) -> [(&'static str, &str); 3] {
    [
        ("aws-account-id", session.account()),
        ("assumed-role-arn", &session.assumed_role_user.arn),
        ("expiration", &session.credentials.expiration),
    ]
}

fn mask(session: &Session, terminal: &mut Terminal<'_>) -> Result<(), ClientError> {
    let credentials = &session.credentials;
    for secret in [&credentials.access_key_id, &credentials.secret_access_key, &credentials.session_token] {
        writeln!(terminal.out, "::add-mask::{}", command_data(secret))?;
    }
    // The masks must have reached the runner before any file can be read by a later step.
    terminal.out.flush()?;
    Ok(())
}

/// Escapes the data of a workflow command.
fn command_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn append(path: &Path, values: &[(&str, &str)]) -> Result<(), ClientError> {
    let text: String = values.iter().map(|(name, value)| entry(name, value)).collect();
    let file = |cause| ClientError::File { path: path.to_owned(), cause };
    let mut opened = OpenOptions::new().append(true).create(true).open(path).map_err(file)?;
    opened.write_all(text.as_bytes()).map_err(file)
}

/// One value in the form that may span lines; its delimiter occurs nowhere in it, so that no value can
/// smuggle in another.
fn entry(name: &str, value: &str) -> String {
    let mut delimiter = "rolecall_end".to_owned();
    while value.contains(&delimiter) {
        delimiter.push('_');
    }
    format!("{name}<<{delimiter}\n{value}\n{delimiter}\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::example;

    #[test]
    fn masks_are_written_before_anything_else() {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let none = |_: &str| None;
        mask(&example(), &mut Terminal { variable: &none, out: &mut out, err: &mut err, ask: None }).unwrap();
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "::add-mask::ASIAEXAMPLE\n::add-mask::sec/ret+key\n::add-mask::tok'en==\n"
        );
    }

    #[test]
    fn a_value_cannot_smuggle_in_another() {
        let text = entry("NAME", "a\nrolecall_end\nPATH=/evil");
        assert_eq!(text, "NAME<<rolecall_end_\na\nrolecall_end\nPATH=/evil\nrolecall_end_\n");
    }

    #[test]
    fn command_data_is_one_line() {
        assert_eq!(command_data("a%\r\nb"), "a%25%0D%0Ab");
    }

    #[test]
    fn files_are_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("env");
        std::fs::write(&path, "BEFORE=1\n").unwrap();
        append(&path, &[("A", "1"), ("B", "2")]).unwrap();
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "BEFORE=1\nA<<rolecall_end\n1\nrolecall_end\nB<<rolecall_end\n2\nrolecall_end\n"
        );
    }

    #[test]
    fn outputs_hold_no_secret() {
        let session = example();
        for (_, value) in outputs_of(&session) {
            assert!(!value.contains("sec/ret") && !value.contains("tok'en"));
        }
    }
}
