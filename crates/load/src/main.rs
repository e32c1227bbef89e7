//! Measures a running server from outside: latencies under a mixed load of a given rate, and requests
//! per second beside a bare hyper that answers as many bytes, in the same run. Bounded in time and in
//! connections; loopback only. Fills a store with many principals for that, and tells what they take.

mod callers;
mod compare;
mod connection;
mod floor;
mod mix;
mod open_loop;
mod populate;
mod requests;
mod stored;
mod table;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Measures a running server from outside, and fills a store for that.
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
    /// Send a mix of requests at a given rate, whether answers come or not, and print their latencies.
    Run(open_loop::RunArgs),
    /// Fill a store that no server has open with many users and roles.
    Populate(populate::PopulateArgs),
    /// Load a store as a server does at its start, and print what that takes in time and memory.
    Measure(stored::StoredArgs),
}

// The server's allocator: otherwise what is measured is another one's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let done = runtime.map_err(|cause| cause.to_string()).and_then(|runtime| {
        runtime.block_on(async {
            match Cli::parse().command {
                Command::Floor { bytes } => floor::serve(bytes).await,
                Command::Compare(args) => compare::run(&args).await,
                Command::Run(args) => open_loop::run(&args).await,
                Command::Populate(args) => populate::run(&args).await,
                Command::Measure(args) => stored::measure(&args).await,
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
