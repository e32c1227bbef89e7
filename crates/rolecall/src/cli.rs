//! The command line.

mod asking;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::settings::Flags;

pub(crate) use asking::{
    AccountSource, CheckArgs, CheckFormat, GraphArgs, GraphFormat, SuggestPolicyArgs, WhoCanArgs,
};

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
    /// Lend a role to a command by a credentials endpoint on loopback that renews them.
    Metadata(rolecall_client::MetadataArgs),
    /// Say who the present credentials are.
    Whoami(rolecall_client::WhoamiArgs),
    /// Decide requests from standard input, one JSON object a line, without a server.
    Decide(DecideArgs),
    /// Explain a recorded request by the id that its answer carried, or one that was never made.
    Explain(ExplainArgs),
    /// Start instances, run programs in them, look at them, end them.
    Instance(InstanceArgs),
    /// Make accounts, and list them.
    Account(AccountArgs),
    /// Write the whole state at one revision to a file, sealed under the master key.
    Backup {
        #[command(flatten)]
        settings: SettingsArgs,
        /// A new file.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Restore a backup into an empty store, embedded or etcd.
    Restore {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The backup.
        #[arg(value_name = "FILE")]
        file: PathBuf,
    },
    /// Look at the master key, and change to another.
    MasterKey(MasterKeyArgs),
    /// Give the root user a new access key.
    Root(RootArgs),
    /// Import a real account, as `aws iam get-account-authorization-details` tells of it, to ask it questions offline.
    Import {
        #[command(flatten)]
        settings: SettingsArgs,
        /// What the command printed.
        #[arg(value_name = "DETAILS.json")]
        file: PathBuf,
    },
    /// Write an account as a file: its details as JSON, which `import` takes, or Terraform that takes over what is there.
    Export(ExportArgs),
    /// Check that the audit trail is as it was written.
    Audit(AuditArgs),
    /// Check policies as Access Analyzer does: errors, security warnings, warnings, suggestions.
    Validate(ValidateArgs),
    /// Check that what you expect of an account holds: who may do what, who may become whom.
    Check(CheckArgs),
    /// Tell who can do something, by which policy, and who may become them.
    WhoCan(WhoCanArgs),
    /// Show who may become whom: users, roles, services, instance profiles, identity providers.
    Graph(GraphArgs),
    /// Write the least policy for what a user or role did, from the audit trail.
    SuggestPolicy(SuggestPolicyArgs),
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

/// What `account` takes.
#[derive(Args)]
pub(crate) struct AccountArgs {
    #[command(subcommand)]
    pub(crate) command: AccountCommand,
    /// The server; `AWS_ENDPOINT_URL` where unset.
    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:4566",
        global = true
    )]
    pub(crate) endpoint_url: String,
}

/// What is done with accounts.
#[derive(Subcommand)]
pub(crate) enum AccountCommand {
    /// Make an account of your organization (and the organization, if there is none), and print its id.
    Create {
        /// The account's name.
        name: String,
        /// Its e-mail address, which no other account has; NAME@rolecall.invalid where unset.
        #[arg(long)]
        email: Option<String>,
        /// The role in it that your account may assume; OrganizationAccountAccessRole where unset.
        #[arg(long)]
        role_name: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// List the accounts of your organization.
    Ls {
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Set the root user's console password, read from standard input. It takes the root user's access key.
    Password {
        /// A member account whose root user was allowed a password (`iam create-login-profile` by AssumeRoot);
        /// your own where unset.
        #[arg(long, value_name = "ID")]
        account: Option<String>,
        /// Take the password away instead.
        #[arg(long)]
        delete: bool,
    },
}

/// What `export` takes.
#[derive(Args)]
pub(crate) struct ExportArgs {
    /// What to write.
    #[arg(long, value_enum, default_value = "json")]
    pub(crate) format: ExportFormat,
    /// A file with the account's details, in place of a server (`-` is standard input).
    #[arg(long, value_name = "DETAILS.json")]
    pub(crate) from: Option<PathBuf>,
    /// The server, asked with the keys of the environment; `AWS_ENDPOINT_URL` where unset.
    #[arg(long, env = "AWS_ENDPOINT_URL", value_name = "URL", default_value = "http://127.0.0.1:4566")]
    pub(crate) endpoint_url: String,
}

/// The forms of an export.
#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum ExportFormat {
    /// What `aws iam get-account-authorization-details` prints.
    Json,
    /// Resources of the provider `hashicorp/aws`, each with an `import` block.
    Terraform,
}

/// What `audit` takes.
#[derive(Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

/// What is done with the audit trail.
#[derive(Subcommand)]
pub(crate) enum AuditCommand {
    /// Follow the chain of hashes from the oldest line to the newest, and print its head.
    Verify {
        #[command(flatten)]
        settings: SettingsArgs,
        /// A head that was printed earlier and kept elsewhere: it must still be in the trail.
        #[arg(long, value_name = "HASH")]
        head: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// What `master-key` takes.
#[derive(Args)]
pub(crate) struct MasterKeyArgs {
    #[command(subcommand)]
    pub(crate) command: MasterKeyCommand,
}

/// What is done with master keys.
#[derive(Subcommand)]
pub(crate) enum MasterKeyCommand {
    /// Print a new key, for a file or a variable; nothing is changed.
    New,
    /// Tell which key is in use, and what is sealed under which.
    Status {
        #[command(flatten)]
        settings: SettingsArgs,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Seal every stored secret under another key. Servers go on meanwhile. Run again, it goes on where it was broken off. Older
    /// backups open with the former key only.
    Rotate {
        #[command(flatten)]
        settings: SettingsArgs,
        /// The id of the key, as `status` shows it. Where unset, the one behind the key in use; a key file of one server alone gets a
        /// new one.
        #[arg(long, value_name = "ID")]
        to: Option<rolecall_state::KeyId>,
    },
}

/// What `root` takes.
#[derive(Args)]
pub(crate) struct RootArgs {
    #[command(subcommand)]
    pub(crate) command: RootCommand,
}

/// What is done with the root user.
#[derive(Subcommand)]
pub(crate) enum RootCommand {
    /// Make a new access key, write it to DATA/root-credentials, and end all others.
    Rotate {
        #[command(flatten)]
        settings: SettingsArgs,
    },
}

/// What `instance` takes.
#[derive(Args)]
pub(crate) struct InstanceArgs {
    #[command(subcommand)]
    pub(crate) command: InstanceCommand,
    /// The server; `AWS_ENDPOINT_URL` where unset.
    #[arg(
        long,
        env = "AWS_ENDPOINT_URL",
        value_name = "URL",
        default_value = "http://127.0.0.1:4566",
        global = true
    )]
    pub(crate) endpoint_url: String,
    /// The server's data directory, in which `exec` and `ssh` find the instance.
    #[arg(long, env = "ROLECALL_DATA", value_name = "DIR", default_value = "./rolecall-data", global = true)]
    pub(crate) data: PathBuf,
}

/// What is done with instances.
#[derive(Subcommand)]
pub(crate) enum InstanceCommand {
    /// Start an instance, and wait until it runs.
    Run {
        /// The instance profile whose role it gets, by name or ARN.
        #[arg(long)]
        profile: Option<String>,
        /// The key pair that may log in.
        #[arg(long)]
        key_name: Option<String>,
        /// A file whose contents are run at the first boot, as cloud-init runs a script.
        #[arg(long, value_name = "FILE")]
        user_data: Option<PathBuf>,
        /// Answer version 2 of the metadata service alone.
        #[arg(long)]
        require_tokens: bool,
        /// Its tag `Name`.
        #[arg(long)]
        name: Option<String>,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// List instances.
    Ls {
        /// Terminated ones too.
        #[arg(long)]
        all: bool,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
    /// Run a program in an instance.
    Exec {
        /// The instance's id.
        id: String,
        /// The user to run as; root where unset.
        #[arg(long)]
        user: Option<String>,
        /// The program and its arguments.
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Log in to an instance by ssh.
    Ssh {
        /// The instance's id.
        id: String,
        /// The private key.
        #[arg(short, long, value_name = "FILE")]
        identity: Option<PathBuf>,
        /// The user.
        #[arg(long, default_value = "ec2-user")]
        user: String,
        /// A command to run in place of a shell.
        #[arg(last = true)]
        command: Vec<String>,
    },
    /// Print what an instance printed on its console.
    Logs {
        /// The instance's id.
        id: String,
    },
    /// Start stopped instances, and wait until they run.
    Start {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Stop instances, and wait until they are stopped.
    Stop {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
    /// Terminate instances, and wait until they are gone.
    Rm {
        /// Their ids.
        #[arg(required = true)]
        ids: Vec<String>,
    },
}
