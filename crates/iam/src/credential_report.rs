//! The credential report: one line for the root user and for each user, as CSV.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html>

use rolecall_access::iso8601;
use rolecall_aws_model::iam as wire;
use rolecall_state::entities::{AccessKey, AccessKeyStatus, CredentialReport, CredentialStatus, User};
use rolecall_state::snapshot::Account;
use rolecall_state::{Timestamp, Txn, UniqueId, arn};

use crate::env::{Env, account};
use crate::error::IamError;
use crate::views;

/// How long a report is good for, in seconds: no new one is made meanwhile.
const GOOD_FOR: i64 = 4 * 3_600;
const SECONDS_A_DAY: i64 = 86_400;
const NO_VALUE: &str = "N/A";

const COLUMNS: &str = "user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

fn is_good(report: Timestamp, now: Timestamp) -> bool {
    now.seconds_since(report) < GOOD_FOR
}

pub(crate) fn generate_credential_report(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GenerateCredentialReportRequest,
) -> Result<wire::GenerateCredentialReportResponse, IamError> {
    let wire::GenerateCredentialReportRequest {} = request;
    let last = txn.read(|account| &account.credential_reports, CredentialReport::NAME);
    if last.is_some_and(|report| is_good(report.created, env.now)) {
        return Ok(wire::GenerateCredentialReportResponse {
            state: Some("COMPLETE".into()),
            description: None,
        });
    }
    let content = make(env, &*account(txn)?);
    txn.put(&CredentialReport::new(env.now, &content));
    let description = "No report exists. Starting a new report generation task";
    Ok(wire::GenerateCredentialReportResponse {
        state: Some("STARTED".into()),
        description: Some(description.into()),
    })
}

/// The report as it was made: what changed since is in the next one.
pub(crate) fn get_credential_report(
    txn: &mut Txn,
    env: &Env<'_>,
    request: &wire::GetCredentialReportRequest,
) -> Result<wire::GetCredentialReportResponse, IamError> {
    let wire::GetCredentialReportRequest {} = request;
    let account = account(txn)?;
    let report = account.credential_reports.get(CredentialReport::NAME);
    let report = report.ok_or(IamError::CredentialReportNotPresent)?;
    if !is_good(report.created, env.now) {
        return Err(IamError::CredentialReportExpired);
    }
    let unreadable = || IamError::Failure("the credential report can't be read".into());
    Ok(wire::GetCredentialReportResponse {
        content: Some(report.content.unpack().ok_or_else(unreadable)?),
        report_format: Some("text/csv".into()),
        generated_time: Some(views::time(report.created)),
    })
}

fn make(env: &Env<'_>, account: &Account) -> String {
    let mut lines = vec![COLUMNS.to_owned(), root(env, account)];
    lines.extend(account.users.iter().map(|entry| user(env, account, entry)));
    lines.join("\n")
}

fn time(at: Timestamp) -> String {
    // The report writes the offset out.
    iso8601(at).replace('Z', "+00:00")
}

fn root(env: &Env<'_>, account: &Account) -> String {
    let record = &account.record;
    let id = UniqueId::from_stored(&record.id.to_string());
    let mut line =
        vec!["<root_account>".to_owned(), arn::root(env.partition(), env.account()), time(record.created)];
    // Of the root user's password the report tells nothing but when it was used.
    line.extend(["not_supported", "no_information", "not_supported", "not_supported"].map(str::to_owned));
    line.push((!account.mfa_devices_of(&id).is_empty()).to_string());
    keys(&mut line, env, account, &record.root.access_keys);
    line.extend(["false", NO_VALUE, "false", NO_VALUE].map(str::to_owned));
    line.join(",")
}

fn user(env: &Env<'_>, account: &Account, user: &User) -> String {
    let mut line = vec![user.name.clone(), env.arn("user", &user.path, &user.name), time(user.created)];
    line.extend(password(env, account, user));
    line.push((!account.mfa_devices_of(&user.id).is_empty()).to_string());
    keys(&mut line, env, account, &user.access_keys);
    for index in 0..2 {
        match user.signing_certificates.get(index) {
            Some(certificate) => {
                line.push((certificate.status == CredentialStatus::Active).to_string());
                line.push(time(certificate.uploaded));
            }
            None => line.extend(["false", NO_VALUE].map(str::to_owned)),
        }
    }
    line.join(",")
}

fn password(env: &Env<'_>, account: &Account, user: &User) -> [String; 4] {
    let Some(profile) = &user.login_profile else {
        return ["false", NO_VALUE, NO_VALUE, NO_VALUE].map(str::to_owned);
    };
    let policy = account.record.password_policy.as_ref();
    let days = policy.and_then(|policy| policy.max_age_days);
    let next = days.map(|days| time(profile.password_changed.plus_seconds(i64::from(days) * SECONDS_A_DAY)));
    [
        "true".to_owned(),
        env.last_used
            .of(user.id.as_str(), account.last_use(user.id.as_str()))
            .map_or_else(|| "no_information".to_owned(), |last| time(last.at)),
        time(profile.password_changed),
        next.unwrap_or_else(|| NO_VALUE.to_owned()),
    ]
}

fn keys(line: &mut Vec<String>, env: &Env<'_>, account: &Account, keys: &[AccessKey]) {
    for index in 0..2 {
        let Some(key) = keys.get(index) else {
            line.extend(["false", NO_VALUE, NO_VALUE, NO_VALUE, NO_VALUE].map(str::to_owned));
            continue;
        };
        line.push((key.status == AccessKeyStatus::Active).to_string());
        line.push(time(key.created));
        match env.last_used.of(key.id.as_str(), account.last_use(key.id.as_str())) {
            Some(last) => line.extend([time(last.at), last.region, last.service]),
            None => line.extend([NO_VALUE, NO_VALUE, NO_VALUE].map(str::to_owned)),
        }
    }
}
