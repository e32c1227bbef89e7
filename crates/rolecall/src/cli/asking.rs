//! The commands that ask about an account.

use std::path::PathBuf;

use clap::Args;

/// Of which account it is asked.
#[derive(Args)]
pub(crate) struct AccountSource {
    /// What `aws iam get-account-authorization-details` or `rolecall export` printed, in place of a server (`-` is
    /// standard input).
    #[arg(long, value_name = "DETAILS.json")]
    pub(crate) from: Option<PathBuf>,
    /// The server, asked with the keys of the environment; `AWS_ENDPOINT_URL` where unset.
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL", default_value = "http://127.0.0.1:4566")]
    pub(crate) endpoint_url: String,
}

/// What `check` takes.
#[derive(Args)]
#[command(after_help = "\
Exit codes: 0 all that is expected holds, 1 something does not, 2 a file can't be used or a server not asked.

A file of tests, where policies are files beside it:

  [roles.deployer]
  policies = [\"policies/deploy.json\"]

  [[test]]
  principal = \"role/deployer\"
  action = \"s3:PutObject\"
  resource = \"arn:aws:s3:::artifacts/app.zip\"
  expect = \"allowed\"

Where a file declares no users or roles, it is about the account of --from, of its own `from`, or of the server.")]
pub(crate) struct CheckArgs {
    /// Files of tests, or directories: every `.toml` in one.
    #[arg(required = true, value_name = "TESTS")]
    pub(crate) tests: Vec<PathBuf>,
    /// How to tell what came of it.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: CheckFormat,
    /// As JSON: the same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Tell of what passed, too.
    #[arg(long, short)]
    pub(crate) verbose: bool,
    #[command(flatten)]
    pub(crate) source: AccountSource,
}

/// The forms of what came of tests.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum CheckFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// JUnit's XML.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
}

/// What `who-can` takes.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 someone can, 1 nobody can, 2 it can't be told.")]
pub(crate) struct WhoCanArgs {
    /// The action, such as `s3:GetObject`.
    pub(crate) action: String,
    /// The resource's ARN, or `*` for all at once; only an action that takes none goes without.
    pub(crate) resource: Option<String>,
    /// A context key of the request, such as `aws:SourceIp=203.0.113.7`; again for more values.
    #[arg(long, value_name = "KEY=VALUE")]
    pub(crate) context: Vec<String>,
    /// Also tell who nearly can, and what keeps them from it.
    #[arg(long)]
    pub(crate) why_not: bool,
    /// A file with the resource's policy, where the server is not to be asked for it.
    #[arg(long, value_name = "POLICY.json")]
    pub(crate) resource_policy: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) source: AccountSource,
}

/// What `graph` takes.
#[derive(Args)]
#[command(after_help = "Exit codes: 0 done, 1 there is no such way, 2 it can't be told.")]
pub(crate) struct GraphArgs {
    /// How to show it.
    #[arg(long, value_enum, default_value = "text")]
    pub(crate) format: GraphFormat,
    /// As JSON: the same as `--format json`.
    #[arg(long, conflicts_with = "format")]
    pub(crate) json: bool,
    /// Only from whom this role can be come to, over as many roles as it takes: `role/NAME` or an ARN.
    #[arg(long, value_name = "ROLE")]
    pub(crate) to: Option<String>,
    /// Only what this principal may become: `user/NAME`, `role/NAME`, `service/NAME` or an ARN. With `--to`, the way.
    #[arg(long, value_name = "PRINCIPAL")]
    pub(crate) principal: Option<String>,
    #[command(flatten)]
    pub(crate) source: AccountSource,
}

/// The forms of a map.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum GraphFormat {
    /// For people: a line for each.
    Text,
    /// For programs.
    Json,
    /// For Graphviz.
    Dot,
    /// A picture, as the console draws it.
    Svg,
    /// For Markdown on GitHub, and wherever else Mermaid is.
    Mermaid,
}

/// What `suggest-policy` takes.
#[derive(Args)]
#[command(after_help = "\
The policy goes to standard output, what is to be said of it to standard error.

Exit codes: 0 done, 1 the trail knows of nothing to make a policy of, 2 it can't be read.")]
pub(crate) struct SuggestPolicyArgs {
    /// `user/NAME`, `role/NAME` or an ARN.
    pub(crate) principal: String,
    /// Only what was done from this time on: `90m`, `12h`, `7d`, or a date such as `2026-01-31` (with a time:
    /// `2026-01-31T12:00:00Z`).
    #[arg(long, value_name = "TIME")]
    pub(crate) since: Option<String>,
    /// Also take what was denied.
    #[arg(long)]
    pub(crate) with_denied: bool,
    /// More resources than this under one prefix (up to a `/`) become a pattern; 0 for never.
    #[arg(long, value_name = "COUNT", default_value_t = 10)]
    pub(crate) collapse_over: usize,
    /// The directory of the audit trail (`DATA/audit`), in place of a server: it has the requests for objects of S3, which a
    /// server does not tell.
    #[arg(long, value_name = "DIR")]
    pub(crate) trail: Option<PathBuf>,
    /// As JSON: the policy, and what is to be said of it.
    #[arg(long)]
    pub(crate) json: bool,
    /// The server, asked with the keys of the environment; `AWS_ENDPOINT_URL` where unset.
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL", default_value = "http://127.0.0.1:4566")]
    pub(crate) endpoint_url: String,
}
