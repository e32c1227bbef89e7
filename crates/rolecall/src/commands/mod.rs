//! The subcommands, a module for each.

mod account;
mod audit;
mod backup;
mod check;
mod config;
mod decide;
mod details;
mod env;
mod explain;
mod export;
mod graph;
mod import;
mod instance;
mod known;
mod master_key;
mod papers;
mod request;
mod root;
mod serve;
mod suggest_policy;
mod task;
mod validate;
mod who_can;

use std::process::ExitCode;

pub(crate) use serve::INSTANCE_INIT;

use crate::cli::{AuditCommand, Cli, Command, SettingsArgs};
use crate::settings::{Settings, SettingsError};

/// Why a command ended without doing what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The settings can't be used.
    #[error(transparent)]
    Settings(#[from] SettingsError),
    /// The server can't start or had to stop.
    #[error(transparent)]
    Serve(#[from] serve::ServeError),
    /// The client side.
    #[error(transparent)]
    Client(#[from] rolecall_client::ClientError),
    /// Anything else about the environment.
    #[error("{0}")]
    Environment(String),
}

impl Failure {
    /// 1 when the answer is no, 2 when there is none.
    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Client(error) => ExitCode::from(error.exit_code()),
            Self::Settings(_) | Self::Serve(_) | Self::Environment(_) => ExitCode::from(2),
        }
    }
}

/// Writes to standard output. Whoever stopped reading (`| head`) has read what it wanted.
fn print(text: impl AsRef<[u8]>) -> Result<ExitCode, Failure> {
    use std::io::Write as _;
    match std::io::stdout().write_all(text.as_ref()) {
        Err(cause) if cause.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::Environment(format!("standard output: {cause}")))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Does work that waits for others, such as a server, on this thread.
fn wait_for<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|cause| Failure::Environment(format!("no runtime: {cause}")))?;
    Ok(runtime.block_on(work)?)
}

/// A value as JSON in lines.
fn pretty(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value);
    Ok(text.map_err(|cause| Failure::Environment(cause.to_string()))? + "\n")
}

/// Runs a command.
pub(crate) fn run(cli: Cli) -> Result<ExitCode, Failure> {
    match cli.command {
        Command::Serve(args) => serve::run(&load(&args)?),
        Command::Env(args) => env::run(&load(&args)?),
        Command::Config { settings, json } => config::run(&load(&settings)?, json),
        Command::Decide(args) => decide::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::SuggestPolicy(args) => suggest_policy::run(&args),
        Command::WhoCan(args) => who_can::run(&args),
        Command::Completions { shell } => papers::completions(shell),
        Command::Man { directory } => papers::man(directory.as_deref()),
        Command::Reference => papers::reference(),
        Command::Account(args) => account::run(&args),
        Command::Audit(args) => {
            let AuditCommand::Verify { settings, .. } = &args.command;
            audit::run(&args, &load(settings)?)
        }
        Command::Backup { settings, file } => backup::backup(&load(&settings)?, &file),
        Command::Restore { settings, file } => backup::restore(&load(&settings)?, &file),
        Command::Import { settings, file } => import::run(&load(&settings)?, &file),
        Command::Export(args) => export::run(&args),
        Command::MasterKey(args) => master_key::run(&args),
        Command::Root(args) => root::run(&args),
        Command::Instance(args) => instance::run(&args),
        Command::Assume(args) => client(async |terminal| rolecall_client::assume(args, terminal).await),
        Command::Metadata(args) => {
            let surroundings = rolecall_client::Surroundings { clock: now };
            client(async |terminal| rolecall_client::metadata(args, surroundings, terminal).await)
        }
        Command::Whoami(args) => client(async |terminal| rolecall_client::whoami(args, terminal).await),
    }
}

#[expect(clippy::disallowed_methods, reason = "the program is where the environment is read")]
fn load(args: &SettingsArgs) -> Result<Settings, SettingsError> {
    Settings::load(args.config.as_deref(), std::env::vars(), args.flags())
}

fn client(
    run: impl AsyncFnOnce(&mut rolecall_client::Terminal<'_>) -> Result<ExitCode, rolecall_client::ClientError>,
) -> Result<ExitCode, Failure> {
    let (mut out, mut err) = (std::io::stdout(), std::io::stderr());
    let mut terminal = terminal(&mut out, &mut err);
    wait_for(run(&mut terminal))
}

#[expect(clippy::disallowed_methods, reason = "the program is where the clock is read")]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

#[expect(clippy::disallowed_methods, reason = "the program is where the environment is read")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn terminal<'a>(
    out: &'a mut dyn std::io::Write,
    err: &'a mut dyn std::io::Write,
) -> rolecall_client::Terminal<'a> {
    use std::io::IsTerminal;
    let interactive = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
    rolecall_client::Terminal {
        variable: &variable,
        out,
        err,
        ask: if interactive { Some(ask) } else { None },
    }
}

/// The text of a file, or of standard input for `-`.
fn read_text(path: &std::path::Path) -> Result<String, Failure> {
    let read = match path.as_os_str() == "-" {
        true => std::io::read_to_string(std::io::stdin()),
        false => std::fs::read_to_string(path),
    };
    read.map_err(|cause| Failure::Environment(format!("{}: {cause}", path.display())))
}

fn ask(question: &str) -> std::io::Result<String> {
    eprint!("{question}");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    Ok(answer.trim_end().to_owned())
}
