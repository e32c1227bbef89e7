//! The context keys of a request: what policies can ask about it.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html>

use std::sync::Arc;

use rolecall_policy::Context;
use rolecall_state::Timestamp;

use crate::caller::{Caller, Identity};
use crate::session::SessionKind;

/// What the server knows of a request, whoever makes it.
#[derive(Clone, Debug)]
pub struct RequestFacts {
    /// When it came in.
    pub now: Timestamp,
    /// From which IP address; absent when a service of this program calls on someone's behalf.
    pub source_ip: Option<Arc<str>>,
    /// `User-Agent`
    pub user_agent: Option<Arc<str>>,
    /// `Referer`
    pub referer: Option<Box<str>>,
    /// Whether it came over an encrypted connection.
    pub secure_transport: bool,
    /// The region that it was signed for.
    pub region: Arc<str>,
}

/// Sets the keys that say how and when the request came in.
pub(crate) fn set_request_keys(context: &mut Context, facts: &RequestFacts) {
    context.set("aws:CurrentTime", &iso8601(facts.now));
    context.set("aws:EpochTime", &facts.now.0.to_string());
    context.set("aws:SecureTransport", truth(facts.secure_transport));
    context.set("aws:RequestedRegion", &facts.region);
    context.set("aws:ViaAWSService", "false");
    if let Some(ip) = &facts.source_ip {
        context.set("aws:SourceIp", ip);
    }
    if let Some(agent) = &facts.user_agent {
        context.set("aws:UserAgent", agent);
    }
    if let Some(referer) = &facts.referer {
        context.set("aws:Referer", referer);
    }
}

/// Sets the keys that say who the caller is.
pub(crate) fn set_caller_keys(context: &mut Context, caller: &Caller, now: Timestamp) {
    context.set_all(caller.keys());
    if let Some(mfa) = caller.mfa() {
        context.set("aws:MultiFactorAuthAge", &now.seconds_since(mfa).max(0).to_string());
    }
}

/// The keys that say who the caller is and do not change with the time.
pub(crate) fn caller_keys(caller: &Caller) -> Context {
    let mut keys = Context::with_capacity(12, 512);
    let context = &mut keys;
    if let Identity::User(user) = &caller.identity {
        context.set("aws:username", &user.name);
    }
    context.set("aws:userid", caller.user_id());
    context.set("aws:PrincipalArn", caller.principal_arn());
    context.set("aws:PrincipalAccount", &caller.account.to_string());
    context.set("aws:PrincipalType", caller.principal_type());
    context.set("aws:PrincipalIsAWSService", "false");
    for tag in caller.tags() {
        context.set(&format!("aws:PrincipalTag/{}", tag.key), &tag.value);
    }
    set_session_keys(context, caller);
    keys
}

// Long-term keys have none of these: `aws:MultiFactorAuthPresent` is absent for them, not false.
fn set_session_keys(context: &mut Context, caller: &Caller) {
    let Some(session) = &caller.session else { return };
    context.set("aws:TokenIssueTime", &iso8601(session.issued));
    context.set("aws:MultiFactorAuthPresent", truth(session.mfa.is_some()));
    if let Some(identity) = &session.source_identity {
        context.set("aws:SourceIdentity", identity);
    }
    if matches!(session.kind, SessionKind::AssumedRoot { .. }) {
        context.set("aws:AssumedRoot", "true");
    }
    for (key, values) in &session.context {
        match values.as_slice() {
            [one] => context.set(key, one),
            many => context.set_many(key, many),
        }
    }
}

/// `2026-01-01T00:00:00Z`
pub fn iso8601(at: Timestamp) -> String {
    let days = at.0.div_euclid(86_400);
    let seconds = at.0.rem_euclid(86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    let ([y1, y2], [y3, y4]) = (pair(year / 100), pair(year % 100));
    let ([m1, m2], [d1, d2]) = (pair(month), pair(day));
    let ([h1, h2], [i1, i2], [s1, s2]) = (pair(hour), pair(minute), pair(second));
    let text = [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2, b'T', h1, h2, b':', i1, i2, b':', s1, s2, b'Z'];
    std::str::from_utf8(&text).unwrap_or_default().to_owned()
}

// The last two digits of a number. Each request writes its time; `format!` would cost ten times as much.
fn pair(number: i64) -> [u8; 2] {
    let digit = |number: i64| b'0' + u8::try_from(number.rem_euclid(10)).unwrap_or(0);
    [digit(number / 10), digit(number)]
}

// The calendar date of a day counted from 1970-01-01, by Howard Hinnant's days-to-civil method:
// years begin in March, so that the leap day is the last of its year.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

fn truth(value: bool) -> &'static str {
    if value { "true" } else { "false" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_policies_read_them() {
        assert_eq!(iso8601(Timestamp(0)), "1970-01-01T00:00:00Z");
        assert_eq!(iso8601(Timestamp(951_782_400)), "2000-02-29T00:00:00Z");
        assert_eq!(iso8601(Timestamp(1_767_225_599)), "2025-12-31T23:59:59Z");
    }
}
