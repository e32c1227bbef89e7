//! Rolecall: AWS's identity plane as one program.

mod cli;
mod commands;
mod settings;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("rolecall: {failure}");
            failure.exit_code()
        }
    }
}
