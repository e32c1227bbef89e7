//! What is made from the command line's own description: completions, man pages, the reference.

use std::fmt::Write as _;
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::commands::{Failure, print};
use crate::settings::SETTINGS;

const NAME: &str = "rolecall";

/// Prints a shell's completion script.
pub(crate) fn completions(shell: Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), NAME, &mut script);
    print(&script)
}

/// Prints the program's man page, or writes it and each subcommand's into a directory.
pub(crate) fn man(directory: Option<&Path>) -> Result<ExitCode, Failure> {
    let command = Cli::command();
    let Some(directory) = directory else {
        return print(&page(command)?);
    };
    let failed = |cause| Failure::Environment(format!("{}: {cause}", directory.display()));
    std::fs::create_dir_all(directory).map_err(failed)?;
    clap_mangen::generate_to(command, directory).map_err(failed)?;
    Ok(ExitCode::SUCCESS)
}

/// Prints the reference of flags and settings as Markdown.
pub(crate) fn reference() -> Result<ExitCode, Failure> {
    print(markdown())
}

fn page(command: clap::Command) -> Result<Vec<u8>, Failure> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command).render(&mut page);
    rendered.map_err(|cause| Failure::Environment(format!("man page: {cause}")))?;
    Ok(page)
}

fn markdown() -> String {
    let mut text = "# Flags and settings\n\nMade by `rolecall reference` from the program itself; a test holds \
        this page to it.\n\nA setting stands in a TOML file (`--config FILE`), in its variable, or, for some, in a \
        flag; the later wins. `rolecall config` prints the effective ones and where each came from.\n"
        .to_owned();
    let mut command = Cli::command();
    command.build();
    sections(&mut text, &command, "rolecall");
    text.push_str(
        "\n## Settings\n\n| setting | variable | default | what it does |\n| --- | --- | --- | --- |\n",
    );
    for setting in SETTINGS {
        let default =
            if setting.default.is_empty() { String::new() } else { format!("`{}`", setting.default) };
        row(
            &mut text,
            &[&format!("`{}`", setting.key), &format!("`{}`", setting.variable()), &default, setting.about],
        );
    }
    text
}

/// A section for each subcommand, and behind it those of its own.
fn sections(text: &mut String, command: &clap::Command, name: &str) {
    for subcommand in command.get_subcommands().filter(|one| one.get_name() != "help" && !one.is_hide_set()) {
        let name = format!("{name} {}", subcommand.get_name());
        section(text, subcommand, &name);
        sections(text, subcommand, &name);
    }
}

fn section(text: &mut String, command: &clap::Command, name: &str) {
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    // Writing to a String does not fail.
    let _ = write!(text, "\n## {name}\n\n{about}\n");
    let shown = |one: &&clap::Arg| !one.is_hide_set() && is_own(one);
    if !command.get_arguments().any(|one| shown(&one)) {
        return;
    }
    text.push('\n');
    text.push_str("| argument | variable | default | what it does |\n| --- | --- | --- | --- |\n");
    for argument in command.get_arguments().filter(shown) {
        let variable =
            argument.get_env().map(|name| format!("`{}`", name.to_string_lossy())).unwrap_or_default();
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        row(text, &[&format!("`{}`", form(argument)), &variable, &defaults(argument), &help]);
    }
}

fn is_own(argument: &clap::Arg) -> bool {
    !matches!(argument.get_id().as_str(), "help" | "version")
}

/// `--duration <SECONDS>`, or `<ROLE>` where it has no name.
fn form(argument: &clap::Arg) -> String {
    let values = argument.get_value_names().unwrap_or_default();
    let values: Vec<String> = values.iter().map(|name| format!("<{name}>")).collect();
    let takes = argument.get_action().takes_values();
    let values = if takes { values.join(" ") } else { String::new() };
    match argument.get_long() {
        Some(long) => format!("--{long} {values}").trim_end().to_owned(),
        None => values,
    }
}

fn defaults(argument: &clap::Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    let all: Vec<String> =
        argument.get_default_values().iter().map(|value| format!("`{}`", value.to_string_lossy())).collect();
    all.join(" ")
}

fn row(text: &mut String, cells: &[&str]) {
    let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|").replace('\n', " ")).collect();
    let _ = writeln!(text, "| {} |", cells.join(" | "));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_reference_names_every_setting_and_escapes_cells() {
        let text = markdown();
        assert!(SETTINGS.iter().all(|setting| text.contains(&format!("| `{}` |", setting.key))));
        let mut line = String::new();
        row(&mut line, &["a|b", "c\nd"]);
        assert_eq!(line, "| a\\|b | c d |\n");
    }

    #[test]
    fn man_pages_are_written_for_every_subcommand() {
        let folder = tempfile::tempdir().unwrap();
        man(Some(folder.path())).unwrap();
        let names: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|one| one.unwrap().file_name()).collect();
        for name in ["rolecall.1", "rolecall-serve.1", "rolecall-assume.1"] {
            assert!(names.iter().any(|one| one == name), "{name} is not among {names:?}");
        }
    }
}
