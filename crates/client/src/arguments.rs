//! What the commands take, as `clap` arguments that the program flattens into its own.

use std::path::PathBuf;

/// Where the credentials of the new session go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// `export` lines for a shell's `eval`.
    #[default]
    Env,
    /// The answer of STS, as `aws sts assume-role` prints it.
    Json,
    /// Masks, environment and outputs of a GitHub Actions step.
    Github,
    /// What `credential_process` in `~/.aws/config` reads.
    CredentialProcess,
}

/// Which server, as whom: by default the standard AWS variables and files.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct ConnectionArgs {
    /// The profile of ~/.aws/config to use
    #[arg(long, value_name = "NAME")]
    pub profile: Option<String>,
    /// The region to sign for
    #[arg(long, value_name = "REGION")]
    pub region: Option<String>,
    /// The endpoint, in place of AWS_ENDPOINT_URL
    #[arg(long, value_name = "URL")]
    pub endpoint_url: Option<String>,
}

/// `rolecall assume`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct AssumeArgs {
    /// The role: its ARN, or its name (with its path, if any) in the caller's account
    #[arg(value_name = "ROLE", env = "ROLE_ARN")]
    pub role: String,
    /// The name of the session, as audit trails show it
    #[arg(long, value_name = "NAME", env = "ROLE_SESSION_NAME")]
    pub session_name: Option<String>,
    /// How long the session lasts, in seconds; raised to the server's minimum when below it
    #[arg(long = "duration", value_name = "SECONDS", env = "DURATION_SECONDS")]
    pub duration_seconds: Option<i32>,
    /// What the role's trust policy expects as sts:ExternalId
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// The ARN or serial number of the caller's MFA device
    #[arg(long, value_name = "SERIAL")]
    pub mfa_serial: Option<String>,
    /// The device's present code; asked for on a terminal when left out
    #[arg(long, value_name = "CODE", requires = "mfa_serial")]
    pub mfa_code: Option<String>,
    /// A session policy: the session may do what the role may, as far as this document allows it
    #[arg(long, value_name = "JSON")]
    pub policy: Option<String>,
    /// The ARN of a managed policy that limits the session in the same way; may be repeated
    #[arg(long = "policy-arn", value_name = "ARN")]
    pub policy_arns: Vec<String>,
    /// Prove who one is by the workflow's own OIDC token instead of keys
    #[arg(long, conflicts_with_all = ["mfa_serial", "external_id"])]
    pub web_identity: bool,
    /// The audience to ask the OIDC token for
    #[arg(long, value_name = "AUDIENCE", default_value = "sts.amazonaws.com", requires = "web_identity")]
    pub audience: String,
    /// A file with an OIDC token, in place of asking GitHub for one
    #[arg(long, value_name = "FILE", requires = "web_identity")]
    pub token_file: Option<PathBuf>,
    /// How to hand over the credentials
    #[arg(long, value_enum, default_value_t, conflicts_with = "command")]
    pub format: Format,
    /// Where and as whom
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// A command to run as the role, instead of printing credentials
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// `rolecall metadata`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct MetadataArgs {
    /// The role to lend: its ARN, or its name (with its path, if any) in the caller's account
    #[arg(long, value_name = "ROLE", env = "ROLE_ARN")]
    pub role: String,
    /// The name of the sessions, as audit trails show it
    #[arg(long, value_name = "NAME", env = "ROLE_SESSION_NAME")]
    pub session_name: Option<String>,
    /// How long each session lasts, in seconds; raised to the server's minimum when below it
    #[arg(long = "duration", value_name = "SECONDS", env = "DURATION_SECONDS")]
    pub duration_seconds: Option<i32>,
    /// What the role's trust policy expects as sts:ExternalId
    #[arg(long, value_name = "ID")]
    pub external_id: Option<String>,
    /// Where and as whom
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// A command to lend the role to; without one, the endpoint is printed and served until interrupted
    #[arg(last = true, value_name = "CMD")]
    pub command: Vec<String>,
}

/// `rolecall whoami`.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WhoamiArgs {
    /// Print JSON, as `aws sts get-caller-identity` does
    #[arg(long)]
    pub json: bool,
    /// Where and as whom
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command, FromArgMatches};

    use super::*;

    fn parse(arguments: &[&str]) -> Result<AssumeArgs, clap::Error> {
        let command = AssumeArgs::augment_args(Command::new("assume"));
        let words = std::iter::once("assume").chain(arguments.iter().copied());
        AssumeArgs::from_arg_matches(&command.try_get_matches_from(words)?)
    }

    #[test]
    fn a_command_follows_two_dashes() {
        let parsed = parse(&["robot", "--duration", "900", "--", "aws", "s3", "ls", "--recursive"]).unwrap();
        assert_eq!(parsed.role, "robot");
        assert_eq!(parsed.duration_seconds, Some(900));
        assert_eq!(parsed.command, ["aws", "s3", "ls", "--recursive"]);
    }

    #[test]
    fn formats_have_the_names_of_the_documents() {
        for (name, format) in [
            ("env", Format::Env),
            ("json", Format::Json),
            ("github", Format::Github),
            ("credential-process", Format::CredentialProcess),
        ] {
            assert_eq!(parse(&["robot", "--format", name]).unwrap().format, format);
        }
    }

    #[test]
    fn contradictions_are_refused() {
        assert!(parse(&["robot", "--mfa-code", "123456"]).is_err(), "a code without a device");
        assert!(parse(&["robot", "--format", "json", "--", "true"]).is_err(), "a format and a command");
        assert!(parse(&["robot", "--web-identity", "--external-id", "x"]).is_err());
        assert!(parse(&["robot", "--duration", "an hour"]).is_err());
    }
}
