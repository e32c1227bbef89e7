//! `rolecall check`: whether what is expected of an account holds.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use rolecall_analysis::check::{self, FileResult, TestFile};

use super::known::{Source, from_file, now};
use super::{Failure, print, read_text};
use crate::cli::{CheckArgs, CheckFormat};

/// Runs the subcommand. The answer is no when something that is expected does not hold.
pub(crate) fn run(args: &CheckArgs) -> Result<ExitCode, Failure> {
    let (mut results, source) = (Vec::new(), Source::of(&args.source));
    for path in files(&args.tests)? {
        match run_file(args, &source, &path)? {
            Ok(result) => results.push(result),
            Err(refusal) => return Err(Failure::Environment(refusal)),
        }
    }
    let format = if args.json { CheckFormat::Json } else { args.format };
    print(&match format {
        CheckFormat::Text => check::text(&results, args.verbose),
        CheckFormat::Json => check::json(&results),
        CheckFormat::Github => check::github(&results),
        CheckFormat::Junit => {
            check::junit(&results).map_err(|cause| Failure::Environment(cause.to_string()))?
        }
    })?;
    let failed = results.iter().flat_map(|file| &file.tests).any(|test| test.failed > 0);
    Ok(ExitCode::from(u8::from(failed)))
}

/// The files of tests: those that are named, and every `.toml` of a directory that is.
fn files(given: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut files = Vec::new();
    for path in given {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        let failed = |cause| Failure::Environment(format!("{}: {cause}", path.display()));
        let entries = std::fs::read_dir(path).map_err(failed)?;
        let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
        let mut found = paths.map_err(failed)?;
        found.retain(|path| path.extension().is_some_and(|end| end == "toml"));
        found.sort();
        if found.is_empty() {
            return Err(Failure::Environment(format!("{}: there is no .toml in it", path.display())));
        }
        files.extend(found);
    }
    Ok(files)
}

fn run_file(
    args: &CheckArgs,
    source: &Source<'_>,
    path: &Path,
) -> Result<Result<FileResult, String>, Failure> {
    let wrong = |cause: check::FileError| Failure::Environment(cause.to_string());
    let file = TestFile::parse(&path.display().to_string(), &read_text(path)?).map_err(wrong)?;
    let given = match (&args.source.from, file.from()) {
        (None, Some(from)) => Some(from_file(&from)?),
        (None, None) if file.declares() => None,
        _ => match source.known(&file.resources())? {
            Ok(given) => Some(given),
            Err(refusal) => return Ok(Err(refusal)),
        },
    };
    let world = file.world(given, now(), &|path| std::fs::read_to_string(path)).map_err(wrong)?;
    Ok(Ok(file.run(&world).map_err(wrong)?))
}
