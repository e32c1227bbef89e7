//! A decision beside its floor and its peers, in one run: `cargo bench -p rolecall-policy`.
//!
//! The workloads are made by `python3 crates/policy/benches/engine-workload.py target/engine-workload`;
//! `ENGINE_WORKLOAD` names another directory. Every figure is the median of seven rounds, in each of which
//! the subjects take turns. Peers need long at scale: `-- --without-peers` leaves them out.

mod peers;
mod workload;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hasher};
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rolecall_policy::{Outcome, decide, explain};

use peers::{Cedar, CedarRequest, IamRs, iam_rs_request};
use workload::{Failure, Ours, Parsed, Workload};

const ROUNDS: usize = 7;

/// A subject: its name, and what one decision of it is, by the number of the request.
type Subject<'a> = (&'static str, Box<dyn Fn(usize) -> bool + 'a>);

#[expect(clippy::print_stdout, reason = "the table is what a bench is for")]
fn main() -> Result<(), Failure> {
    let directory = workload_directory();
    let with_peers = !std::env::args().any(|argument| argument == "--without-peers");
    println!("{:<9} {:<24} {:>11} {:>9}  agrees", "workload", "subject", "µs/decision", "× floor");
    for name in ["lab", "typical", "scale"] {
        let workload = Workload::read(&directory, name)?;
        for line in measure(&workload, with_peers)? {
            println!("{line}");
        }
        println!("{}", compile_speed(&workload)?);
    }
    Ok(())
}

#[expect(clippy::disallowed_methods, reason = "a bench is run by hand, and is told where its input is")]
fn workload_directory() -> PathBuf {
    let default = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/engine-workload");
    std::env::var("ENGINE_WORKLOAD").map_or(default, PathBuf::from)
}

fn measure(workload: &Workload, with_peers: bool) -> Result<Vec<String>, Failure> {
    let ours = Ours::compile(&workload.shared)?;
    let parsed: Vec<Parsed<'_>> = workload.lines.iter().map(Parsed::new).collect::<Result<_, _>>()?;
    let requests: Vec<_> = parsed.iter().map(Parsed::request).collect();
    let applicable = ours.applicable();
    let expected: Vec<bool> =
        requests.iter().map(|request| decide(request, &applicable).is_allowed()).collect();
    let floor = floor(workload, &expected);
    let at = |number: usize| requests.get(number);
    let mut subjects: Vec<Subject<'_>> = vec![
        ("floor", Box::new(|number| workload.lines.get(number).is_some_and(|line| floor(&line.text)))),
        (
            "rolecall",
            Box::new(|number| at(number).is_some_and(|request| decide(request, &applicable).is_allowed())),
        ),
        (
            "rolecall, explained",
            Box::new(|number| {
                at(number)
                    .is_some_and(|request| explain(request, &applicable).decision.outcome == Outcome::Allowed)
            }),
        ),
    ];
    if with_peers {
        subjects.extend(peer_subjects(workload)?);
    }
    let medians = interleaved(&subjects, requests.len());
    let floor_time = medians.first().copied().unwrap_or(f64::NAN);
    let row = |((name, subject), median): (&Subject<'_>, f64)| {
        let right = sample(subjects_limit(name, workload), requests.len())
            .filter(|number| expected.get(*number) == Some(&subject(*number)))
            .count();
        let of = sample(subjects_limit(name, workload), requests.len()).count();
        format!("{:<9} {name:<24} {median:>11.3} {:>9.1}  {right}/{of}", workload.name, median / floor_time)
    };
    Ok(subjects.iter().zip(medians).map(row).collect())
}

/// How many requests of a workload a subject is checked on: the peers take seconds for all of scale.
fn subjects_limit(name: &str, workload: &Workload) -> usize {
    let slow = !name.starts_with("rolecall") && name != "floor" && workload.name == "scale";
    if slow { 200 } else { usize::MAX }
}

fn sample(limit: usize, requests: usize) -> impl Iterator<Item = usize> {
    0..requests.min(limit)
}

/// The floor: SipHash-1-3 of the request's whole text, and one look-up in a hash table.
fn floor(workload: &Workload, expected: &[bool]) -> impl Fn(&str) -> bool {
    let hash = |text: &str| {
        let mut hasher = DefaultHasher::new();
        hasher.write(text.as_bytes());
        hasher.finish()
    };
    let lines = workload.lines.iter().zip(expected);
    let table: HashMap<u64, bool> = lines.map(|(line, allowed)| (hash(&line.text), *allowed)).collect();
    move |text| table.get(&hash(text)).copied().unwrap_or(false)
}

fn peer_subjects(workload: &Workload) -> Result<Vec<Subject<'_>>, Failure> {
    let cedar = Cedar::new(workload)?;
    let cedar_requests = workload.lines.iter().map(CedarRequest::new).collect::<Result<Vec<_>, _>>()?;
    let iam_rs = IamRs::new(workload)?;
    let iam_rs_requests = workload.lines.iter().map(iam_rs_request).collect::<Result<Vec<_>, _>>()?;
    let by_cedar =
        move |number: usize| cedar_requests.get(number).is_some_and(|request| cedar.allows(request));
    let by_iam_rs =
        move |number: usize| iam_rs_requests.get(number).is_some_and(|request| iam_rs.allows(request));
    Ok(vec![("iam-rs 0.8", Box::new(by_iam_rs)), ("cedar-policy 4.14", Box::new(by_cedar))])
}

/// The median time of each subject's decisions, in microseconds.
fn interleaved(subjects: &[Subject<'_>], requests: usize) -> Vec<f64> {
    let mut times: Vec<Vec<f64>> = subjects.iter().map(|_| Vec::with_capacity(ROUNDS)).collect();
    for _ in 0..ROUNDS {
        for ((_, subject), times) in subjects.iter().zip(&mut times) {
            times.push(round(subject, requests));
        }
    }
    times.iter_mut().map(|times| median(times)).collect()
}

/// Decides on request after request for a while.
fn round(subject: &dyn Fn(usize) -> bool, requests: usize) -> f64 {
    let start = Instant::now();
    black_box(subject(0));
    // The clock is read once in a batch of quick decisions, or it would be most of what is measured.
    let batch = if start.elapsed() > Duration::from_micros(50) { 1 } else { 250 };
    let start = Instant::now();
    let mut decided = 0;
    while start.elapsed() < Duration::from_millis(40) {
        for _ in 0..batch {
            black_box(subject(black_box(decided % requests)));
            decided += 1;
        }
    }
    start.elapsed().as_secs_f64() * 1e6 / decided as f64
}

fn median(times: &mut [f64]) -> f64 {
    times.sort_by(f64::total_cmp);
    times.get(times.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Compiling all of a workload's policies: speed, and size beside the text.
fn compile_speed(workload: &Workload) -> Result<String, Failure> {
    let bytes: usize = workload.policy_texts().map(str::len).sum();
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        let mut compiled = 0_u32;
        while start.elapsed() < Duration::from_millis(40) {
            black_box(Ours::compile(&workload.shared)?);
            compiled += 1;
        }
        times.push(start.elapsed().as_secs_f64() / f64::from(compiled));
    }
    let identity = Ours::compile(&workload.shared)?.identity;
    let held: usize =
        identity.heap_bytes() + identity.policies().iter().map(|policy| policy.heap_bytes()).sum::<usize>();
    let text: usize = workload.shared.identity_policies.iter().map(|named| named.policy.get().len()).sum();
    let speed = bytes as f64 / median(&mut times) / 1e6;
    let ratio = held as f64 / text as f64;
    Ok(format!(
        "{:<9} compiles at {speed:.0} MB/s; holds {ratio:.1} × the text of {text} bytes",
        workload.name
    ))
}
