//! The program's own log, on standard error; the line for each request comes from the recorder.

use rolecall_server::record::LineFormat;
use tracing_subscriber::EnvFilter;

use crate::settings::{Settings, SettingsError};

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// Starts logging.
pub(super) fn start(settings: &Settings) -> Result<(), SettingsError> {
    let level = settings.text("log.level");
    if !LEVELS.contains(&level) {
        return Err(settings.refuse("log.level", format!("it takes one of {}", LEVELS.join(", "))));
    }
    let builder =
        tracing_subscriber::fmt().with_env_filter(EnvFilter::new(level)).with_writer(std::io::stderr);
    // On a full disk a line is lost; to complain of that on the same stream would end the request.
    let builder = builder.log_internal_errors(false);
    let builder = builder.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()));
    // A second start in one process (there is none) would keep the first.
    let _ = match settings.text("log.format") {
        "json" => builder.json().try_init(),
        "text" => builder.with_target(false).try_init(),
        _ => return Err(settings.refuse("log.format", "it takes text or json".into())),
    };
    Ok(())
}

/// How the line for each request looks; below `info` there is none.
pub(super) fn line_format(settings: &Settings) -> Result<LineFormat, SettingsError> {
    Ok(match (settings.text("log.level"), settings.text("log.format")) {
        ("error" | "warn", _) => LineFormat::Off,
        (_, "json") => LineFormat::Json,
        _ => LineFormat::Text,
    })
}
