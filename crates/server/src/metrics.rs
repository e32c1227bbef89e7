//! Counters for Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// The upper bounds of the latency histogram, in microseconds.
const BOUNDS: [u64; 10] = [50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 100_000, 1_000_000];

/// What the server counts.
#[derive(Debug, Default)]
pub struct Metrics {
    by_class: [AtomicU64; 5],
    denied: AtomicU64,
    unauthenticated: AtomicU64,
    throttled: AtomicU64,
    buckets: [AtomicU64; BOUNDS.len() + 1],
    total_micros: AtomicU64,
}

impl Metrics {
    /// Counts an answered request.
    pub(crate) fn answered(&self, status: u16, took: Duration) {
        let class = usize::from(status / 100).clamp(1, 5) - 1;
        if let Some(counter) = self.by_class.get(class) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BOUNDS.iter().position(|bound| micros <= *bound).unwrap_or(BOUNDS.len());
        if let Some(counter) = self.buckets.get(bucket) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
        self.total_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Counts a request that was denied by policy.
    pub(crate) fn denied(&self) {
        self.denied.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request whose proof was refused.
    pub(crate) fn unauthenticated(&self) {
        self.unauthenticated.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that came too soon after others.
    pub(crate) fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// The counters in Prometheus's text form; `gauges` are further names and values.
    pub(crate) fn text(&self, gauges: &[(&str, u64)]) -> String {
        let mut out = String::from("# TYPE rolecall_requests_total counter\n");
        for (class, counter) in self.by_class.iter().enumerate() {
            let count = counter.load(Ordering::Relaxed);
            let _ = writeln!(out, "rolecall_requests_total{{status=\"{}xx\"}} {count}", class + 1);
        }
        let counters = [
            ("rolecall_requests_denied_total", &self.denied),
            ("rolecall_requests_unauthenticated_total", &self.unauthenticated),
            ("rolecall_requests_throttled_total", &self.throttled),
        ];
        for (name, counter) in counters {
            let _ = writeln!(out, "# TYPE {name} counter\n{name} {}", counter.load(Ordering::Relaxed));
        }
        self.histogram(&mut out);
        for (name, value) in gauges {
            let _ = writeln!(out, "# TYPE {name} gauge\n{name} {value}");
        }
        out
    }

    fn histogram(&self, out: &mut String) {
        out.push_str("# TYPE rolecall_request_seconds histogram\n");
        let mut below = 0;
        let bounds =
            BOUNDS.iter().map(|micros| (*micros as f64 / 1e6).to_string()).chain(["+Inf".to_owned()]);
        for (bound, counter) in bounds.zip(&self.buckets) {
            below += counter.load(Ordering::Relaxed);
            let _ = writeln!(out, "rolecall_request_seconds_bucket{{le=\"{bound}\"}} {below}");
        }
        let sum = self.total_micros.load(Ordering::Relaxed) as f64 / 1e6;
        let _ = writeln!(out, "rolecall_request_seconds_sum {sum}\nrolecall_request_seconds_count {below}");
    }
}
