//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::Flags;

/// AWS's identity plane as one program that you run yourself.
#[derive(Parser)]
#[command(name = "rolecall", version, about, propagate_version = true)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Start the server.
    Serve(SettingsArgs),
    /// Print what a shell needs to use the server as root: `eval "$(rolecall env)"`.
    Env(SettingsArgs),
    /// Print the effective settings, and where each came from.
    Config {
        #[command(flatten)]
        settings: SettingsArgs,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Assume a role and print its credentials, or run a command with them.
    Assume(rolecall_client::AssumeArgs),
    /// Say who the present credentials are.
    Whoami(rolecall_client::WhoamiArgs),
    /// Decide requests from standard input, one JSON object a line, without a server.
    Decide(DecideArgs),
    /// Explain a recorded request by the id that its answer carried, or one that was never made.
    Explain(ExplainArgs),
    /// Check policies as Access Analyzer does: errors, security warnings, warnings, suggestions.
    Validate(ValidateArgs),
    /// Print a shell's completions: `source <(rolecall completions bash)`.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
    /// Print the man page: `rolecall man | man -l -`.
    Man {
        /// Write it, and one for each subcommand, into a directory instead.
        #[arg(long, value_name = "DIR")]
        directory: Option<PathBuf>,
    },
    /// Print the reference of all flags and settings, as Markdown.
    #[command(hide = true)]
    Reference,
}

/// The settings that have flags of their own; the others stand in the file or in variables.
#[derive(Args, Default)]
pub(crate) struct SettingsArgs {
    /// Address and port to listen on.
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<String>,
    /// The data directory.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Where the state is kept: `embedded`, or `etcd://HOST:PORT,…/PREFIX`.
    #[arg(long)]
    store: Option<String>,
    /// The account that the first start makes.
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The region of the endpoint.
    #[arg(long)]
    region: Option<String>,
    /// The settings file.
    #[arg(long, value_name = "FILE", env = "ROLECALL_CONFIG")]
    pub(crate) config: Option<PathBuf>,
}

impl SettingsArgs {
    /// The flags that were given, as settings.
    pub(crate) fn flags(&self) -> Flags {
        let data = self.data.as_ref().map(|path| path.to_string_lossy().into_owned());
        let all = [
            ("listen", self.listen.clone()),
            ("data", data),
            ("store", self.store.clone()),
            ("account", self.account.clone()),
            ("region", self.region.clone()),
        ];
        all.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
    }
}

/// What `decide` takes.
#[derive(Args)]
pub(crate) struct DecideArgs {
    /// Fields that are part of every line; their policies are compiled once.
    #[arg(long, value_name = "SHARED.json")]
    pub(crate) with: Option<PathBuf>,
}

/// What `explain` takes.
#[derive(Args)]
pub(crate) struct ExplainArgs {
    /// The id of a recorded request.
    #[arg(required_unless_present = "request")]
    pub(crate) request_id: Option<String>,
    /// A request that was never made: a file with one line of the format of `decide` (`-` is standard
    /// input). No server is asked.
    #[arg(long, value_name = "FILE", conflicts_with = "request_id")]
    pub(crate) request: Option<PathBuf>,
    /// As JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// The server; `AWS_ENDPOINT_URL` where unset.
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL", default_value = "http://127.0.0.1:4566")]
    pub(crate) endpoint_url: String,
}

/// What `validate` takes.
#[derive(Args)]
pub(crate) struct ValidateArgs {
    /// Files with policy documents (`-` is standard input).
    #[arg(required = true, value_name = "POLICY")]
    pub(crate) policies: Vec<PathBuf>,
    /// `identity`, `resource`, `trust`, `service-control` or `resource-control`.
    #[arg(long, default_value = "identity")]
    pub(crate) kind: String,
    /// As JSON, in the shape of Access Analyzer's `ValidatePolicy`.
    #[arg(long)]
    pub(crate) json: bool,
}
