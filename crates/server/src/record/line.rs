//! The log's one line a request.

use std::fmt::Write as _;
use std::io::Write as _;
use std::sync::Arc;

use serde_json::json;

use super::event::EventWriter;
use super::{LineFormat, Record};

/// So many lines are written at a time.
const LINES_A_WRITE: usize = 256;

/// Writes the lines of a batch to standard error, never a part of a line.
pub(super) fn write(format: LineFormat, batch: &[Arc<Record>]) {
    let mut lines = String::with_capacity(batch.len().min(LINES_A_WRITE) * 192);
    batch.chunks(LINES_A_WRITE).for_each(|some| write_some(format, some, &mut lines));
}

fn write_some(format: LineFormat, batch: &[Arc<Record>], lines: &mut String) {
    lines.clear();
    let mut writer = EventWriter::default();
    for record in batch {
        match format {
            LineFormat::Off => return,
            LineFormat::Text => text(lines, writer.time(record.at), record),
            LineFormat::Json => json_line(lines, writer.time(record.at), record),
        }
    }
    // A log that can't be written is no reason to stop answering.
    let _ = std::io::stderr().write_all(lines.as_bytes());
}

fn caller(record: &Record) -> &str {
    record.caller.as_ref().map_or("-", |caller| &caller.arn)
}

fn text(out: &mut String, time: &str, record: &Record) {
    let code = record.error.as_ref().map_or("ok", |(code, _)| code);
    let (id, service, operation) =
        (record.request_id.as_str(), or_dash(record.service), or_dash(&record.operation));
    for part in [time, "  INFO request ", id, " ", service, ":", operation] {
        out.push_str(part);
    }
    let _ = write!(out, " {} ", record.status);
    for part in [code, " caller=", caller(record)] {
        out.push_str(part);
    }
    let _ = writeln!(out, " took={}us", record.took.as_micros());
}

fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

fn json_line(out: &mut String, time: &str, record: &Record) {
    let line = json!({
        "timestamp": time,
        "level": "INFO",
        "message": "request",
        "request_id": record.request_id.as_str(),
        "service": record.service,
        "operation": record.operation,
        "status": record.status,
        "error_code": record.error.as_ref().map(|(code, _)| code),
        "caller": caller(record),
        "source_ip": record.source_ip,
        "microseconds": u64::try_from(record.took.as_micros()).unwrap_or(u64::MAX),
    });
    let _ = writeln!(out, "{line}");
}
