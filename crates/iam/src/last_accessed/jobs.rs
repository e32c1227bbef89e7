//! Asking for a report, and finding it again.

use std::sync::Arc;

use rolecall_access::Identity as Asking;
use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{AccessReport, AccessReportSubject, Format};
use rolecall_state::snapshot::Entry;
use rolecall_state::{Txn, UniqueId, Uuid};

use super::content::Content;
use super::report;
use super::subject::Subject;
use crate::env::{Env, account};
use crate::error::IamError;

/// How long a report can be read, in seconds: a week. FIDELITY: AWS does not say how long.
const KEPT_SECONDS: i64 = 7 * 86_400;

pub(crate) fn generate_service_last_accessed_details(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GenerateServiceLastAccessedDetailsRequest,
) -> Result<wire::GenerateServiceLastAccessedDetailsResponse, IamError> {
    let wire::GenerateServiceLastAccessedDetailsRequest { arn, granularity } = request;
    let subject = Subject::find(txn, env, arn)?;
    let actions = granularity.as_deref() == Some("ACTION_LEVEL");
    let content = report::make(&subject, &*account(txn)?, env, actions)?;
    let job_id = keep(txn, env, AccessReportSubject::Resource { arn: arn.clone(), actions }, &content)?;
    Ok(wire::GenerateServiceLastAccessedDetailsResponse { job_id: Some(job_id) })
}

/// Keeps a report for whoever asked for it; those that nobody can read any more go.
pub(super) fn keep(
    txn: &mut Txn,
    env: &Env<'_>,
    about: AccessReportSubject,
    content: &Content,
) -> Result<String, IamError> {
    let account = account(txn)?;
    for old in account.access_reports.iter().filter(|report| !is_kept(env, report)) {
        txn.delete(&*old.value);
    }
    let id = Uuid::random(env.entropy).to_string();
    txn.put(&AccessReport {
        v: Format,
        id: UniqueId::from_stored(&id),
        asked_by: asked_by(env),
        created: env.now,
        about,
        content: content.pack()?,
    });
    Ok(id)
}

/// The report with this id, for whoever asked for it.
pub(super) fn find(txn: &Txn, env: &Env<'_>, id: &str) -> Result<Arc<Entry<AccessReport>>, IamError> {
    let account = account(txn)?;
    let mine = |report: &&Arc<Entry<AccessReport>>| is_kept(env, report) && report.asked_by == asked_by(env);
    let found = account.access_reports.get(id).filter(mine).cloned();
    found.ok_or_else(|| IamError::NoSuchEntity(format!("Job {id} does not exist.")))
}

/// Why a report failed: AWS says it in the answer, with the status `FAILED`.
// FIDELITY: AWS lists no codes for this, and does not say how large a report may be.
pub(super) fn too_large() -> wire::ErrorDetails {
    wire::ErrorDetails {
        message: "There is more to report than one report holds.".into(),
        code: "LimitExceeded".into(),
    }
}

fn is_kept(env: &Env<'_>, report: &AccessReport) -> bool {
    env.now.seconds_since(report.created) < KEPT_SECONDS
}

// The same user, or the same role whatever the session.
fn asked_by(env: &Env<'_>) -> String {
    match &env.caller.identity {
        Asking::Root => env.account().to_string(),
        Asking::User(user) => user.id.to_string(),
        Asking::AssumedRole(role, _) => role.id.to_string(),
        Asking::FederatedUser(..) => env.caller.user_id().to_owned(),
    }
}
