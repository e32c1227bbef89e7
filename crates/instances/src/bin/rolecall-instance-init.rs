//! An instance's init as a program of its own, for tests; the server is its own init.

use std::process::ExitCode;

fn main() -> ExitCode {
    #[cfg(target_os = "linux")]
    return rolecall_instances::init::main(&[], std::env::args_os().skip(1));
    #[cfg(not(target_os = "linux"))]
    ExitCode::FAILURE
}
