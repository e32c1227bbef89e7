//! Measures a running server from outside: requests per second and latencies, beside a bare hyper
//! that answers as many bytes, in the same run. Bounded in time and in connections; loopback only.

mod compare;
mod connection;
mod floor;
mod requests;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures a running server from outside.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Serve as the floor: a bare hyper that answers this many bytes. Prints its port.
    Floor {
        /// The length of the answer's body.
        #[arg(long)]
        bytes: usize,
    },
    /// Compare a server with the floor, round by round.
    Compare(compare::CompareArgs),
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(|cause| cause.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            match Cli::parse().command {
                Command::Floor { bytes } => floor::serve(bytes).await,
                Command::Compare(args) => compare::run(&args).await,
            }
        })
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("rolecall-load: {cause}");
            ExitCode::from(2)
        }
    }
}
