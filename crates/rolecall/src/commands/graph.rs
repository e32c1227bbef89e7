//! `rolecall graph`: who may become whom.

use std::collections::BTreeSet;
use std::process::ExitCode;

use rolecall_analysis::World;
use rolecall_analysis::graph::{Graph, Part, graph};

use super::known::Source;
use super::{Failure, pretty, print};
use crate::cli::{GraphArgs, GraphFormat};

/// Runs the subcommand. The answer is no when there is no way.
pub(crate) fn run(args: &GraphArgs) -> Result<ExitCode, Failure> {
    let failed = |cause: rolecall_analysis::AnalysisError| Failure::Environment(cause.to_string());
    let given = Source::of(&args.source).known(&BTreeSet::new())?.map_err(Failure::Environment)?;
    let world = World::of(given).map_err(failed)?;
    let part = Part { from: args.principal.clone(), to: args.to.clone() };
    let found = graph(&world, &part).map_err(failed)?;
    print(shown(&found, if args.json { GraphFormat::Json } else { args.format })?)?;
    let asked = args.principal.is_some() || args.to.is_some();
    Ok(ExitCode::from(u8::from(asked && !found.leads_somewhere())))
}

fn shown(found: &Graph, format: GraphFormat) -> Result<String, Failure> {
    let failed = |cause: serde_json::Error| Failure::Environment(cause.to_string());
    Ok(match format {
        GraphFormat::Text => found.to_text(),
        GraphFormat::Json => pretty(found)?,
        GraphFormat::Dot => found.to_dot(),
        GraphFormat::Mermaid => found.to_mermaid(),
        GraphFormat::Svg => {
            rolecall_console::map_picture(&serde_json::to_value(found).map_err(failed)?) + "\n"
        }
    })
}
