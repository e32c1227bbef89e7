//! Rolecall: AWS's identity plane as one program.

mod cli;
mod commands;
mod settings;

use std::process::ExitCode;

use clap::Parser;

/// Requests are many small allocations, made on one thread and freed by the recorder's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
