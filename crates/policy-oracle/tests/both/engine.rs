//! The compiled engine, asked through its line format as `rolecall decide` asks it.

use rolecall_policy::decide_format::Decider;
use serde_json::Value;

/// The engine's decision for a request line, or its whole answer if it has none.
pub(crate) fn decide(request: &Value) -> Result<String, String> {
    let mut out = Vec::new();
    Decider::new(None).line(&request.to_string(), &mut out);
    let answer: Value = serde_json::from_slice(&out).map_err(|error| error.to_string())?;
    match answer.get("decision").and_then(Value::as_str) {
        Some(decision) => Ok(decision.to_owned()),
        None => Err(answer.to_string()),
    }
}
