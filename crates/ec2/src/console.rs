//! What an instance printed.

use std::time::UNIX_EPOCH;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rolecall_aws_model::Timestamp as WireTime;
use rolecall_aws_model::ec2 as wire;
use rolecall_state::Txn;

use crate::env::Env;
use crate::error::Ec2Error;
use crate::instances::find;

pub(crate) fn get_console_output(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetConsoleOutputRequest,
) -> Result<wire::GetConsoleOutputResult, Ec2Error> {
    let wire::GetConsoleOutputRequest { instance_id, latest: _, dry_run: _ } = request;
    let instance = find(txn, instance_id)?;
    let found = env.console.output(instance.id.as_str());
    let at = found.as_ref().and_then(|(_, at)| at.duration_since(UNIX_EPOCH).ok());
    let at = at.and_then(|since| i64::try_from(since.as_secs()).ok()).unwrap_or(env.now.0);
    Ok(wire::GetConsoleOutputResult {
        instance_id: Some(instance_id.clone()),
        timestamp: Some(WireTime::from_seconds(at)),
        output: found.map(|(output, _)| STANDARD.encode(output)),
    })
}
