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
    // An instance's first process is this program too, and comes before all else: it has no threads.
    #[cfg(target_os = "linux")]
    if std::env::args_os().nth(1).is_some_and(|first| first == commands::INSTANCE_INIT) {
        return rolecall_instances::init::main(&[commands::INSTANCE_INIT], std::env::args_os().skip(2));
    }
    let cli = cli::Cli::parse();
    match commands::run(cli) {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("rolecall: {failure}");
            failure.exit_code()
        }
    }
}
