//! Latencies, gathered by operation and shown as a table.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::mix::Operation;

/// What one connection saw, by operation.
#[derive(Default)]
pub(crate) struct Latencies(BTreeMap<Operation, Row>);

#[derive(Default)]
struct Row {
    latencies_us: Vec<u64>,
    errors: BTreeMap<String, u64>,
}

impl Latencies {
    /// Notes a request, with the code of its error if it was one.
    pub(crate) fn note(&mut self, operation: Operation, took: Duration, error: Option<String>) {
        let row = self.0.entry(operation).or_default();
        row.latencies_us.push(u64::try_from(took.as_micros()).unwrap_or(u64::MAX));
        if let Some(code) = error {
            *row.errors.entry(code).or_default() += 1;
        }
    }
}

/// What all connections saw.
#[derive(Default)]
pub(crate) struct Table(BTreeMap<String, Row>);

const ALL: &str = "all";
const SHARES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];

impl Table {
    /// Takes in what one connection saw.
    pub(crate) fn extend(&mut self, seen: Latencies) {
        for (operation, row) in seen.0 {
            for name in [format!("{operation:?}"), ALL.to_owned()] {
                let into = self.0.entry(name).or_default();
                into.latencies_us.extend(&row.latencies_us);
                for (code, count) in &row.errors {
                    *into.errors.entry(code.clone()).or_default() += count;
                }
            }
        }
    }

    /// Prints it.
    pub(crate) fn print(mut self, as_json: bool, rate: u64, seconds: f64) -> Result<(), String> {
        self.0.values_mut().for_each(|row| row.latencies_us.sort_unstable());
        let text = if as_json { self.json(rate, seconds) } else { self.text(rate, seconds) };
        std::io::stdout().write_all(text.as_bytes()).map_err(|cause| cause.to_string())
    }

    fn text(&self, rate: u64, seconds: f64) -> String {
        let count = self.0.get(ALL).map_or(0, |row| row.latencies_us.len());
        let mut out = format!("{count} requests in {seconds:.1} s, at {rate} arrivals a second\n{:<26}", "");
        out.extend(["count", "p50 ms", "p90 ms", "p99 ms", "p99.9 ms"].map(|head| format!("{head:>10}")));
        out.push_str("  errors\n");
        for (name, row) in &self.0 {
            out.push_str(&format!("{name:<26}{:>10}", row.latencies_us.len()));
            out.extend(SHARES.map(|(_, share)| format!("{:>10.2}", row.quantile_ms(share))));
            let errors: Vec<_> = row.errors.iter().map(|(code, count)| format!("{code} {count}")).collect();
            out.push_str(&format!(
                "  {}\n",
                if errors.is_empty() { "none".into() } else { errors.join(", ") }
            ));
        }
        out
    }

    fn json(&self, rate: u64, seconds: f64) -> String {
        let row = |row: &Row| {
            let quantiles: BTreeMap<_, _> =
                SHARES.iter().map(|(name, share)| (*name, row.quantile_ms(*share))).collect();
            json!({"count": row.latencies_us.len(), "milliseconds": quantiles, "errors": row.errors})
        };
        let rows: BTreeMap<_, _> = self.0.iter().map(|(name, one)| (name, row(one))).collect();
        format!("{}\n", json!({"rate": rate, "seconds": seconds, "operations": rows}))
    }
}

impl Row {
    /// The latency that this share of the requests stayed under.
    fn quantile_ms(&self, share: f64) -> f64 {
        let at = (self.latencies_us.len() as f64 * share) as usize;
        self.latencies_us.get(at).or(self.latencies_us.last()).copied().unwrap_or_default() as f64 / 1_000.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_errors_are_told() {
        let mut seen = Latencies::default();
        for ms in 1..=100 {
            let error = (ms == 100).then(|| "Throttling".to_owned());
            seen.note(Operation::GetRole, Duration::from_millis(ms), error);
        }
        let mut table = Table::default();
        table.extend(seen);
        let told: serde_json::Value = serde_json::from_str(&table.json(10, 1.0)).unwrap();
        let row = &told["operations"]["GetRole"];
        assert_eq!((row["count"].as_u64(), row["errors"]["Throttling"].as_u64()), (Some(100), Some(1)));
        assert_eq!(row["milliseconds"]["p50"].as_f64(), Some(51.0));
        assert_eq!(row["milliseconds"]["p99.9"].as_f64(), Some(100.0));
        assert_eq!(told["operations"]["all"]["count"], 100);
    }
}
