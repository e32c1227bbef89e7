//! The project's own chores: `cargo xtask generate`, and what else must be made by a program.

#![expect(clippy::indexing_slicing, reason = "indexing a JSON value gives null for what is absent")]

mod generate;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask generate [--check]         write crates/aws-model/src/generated from the slim models
cargo xtask slim [--botocore DIR]      write the slim models from the pinned botocore (from PyPI, or unpacked at DIR)";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match args.as_slice() {
        ["generate"] => generate::generate(false),
        ["generate", "--check"] => generate::generate(true),
        ["slim"] => generate::slim::write_models(None),
        ["slim", "--botocore", dir] => generate::slim::write_models(Some(dir.as_ref())),
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(cause) => {
            eprintln!("xtask: {cause}");
            ExitCode::FAILURE
        }
    }
}
