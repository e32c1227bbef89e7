//! See `rolecall-fuzz-targets`.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rolecall_fuzz_targets::{Run, start};

static TARGET: LazyLock<Run> = LazyLock::new(|| start("stored"));

fuzz_target!(|input: &[u8]| TARGET(input));
