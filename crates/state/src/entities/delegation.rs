//! Requests for temporary delegation: a product provider asks for permissions in a customer's account.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies-temporary-delegation.html>

use serde::{Deserialize, Serialize};

use super::{Format, Tag};
use crate::ids::{AccountId, UniqueId};
use crate::time::Timestamp;

/// A day, in seconds.
const DAY: i64 = 86_400;

/// How far a request has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum DelegationState {
    /// Made, and claimed by no one.
    Unassigned,
    /// Someone in the customer's account looks at it.
    Assigned,
    /// Forwarded to whoever may approve it.
    PendingApproval,
    /// Approved; the token is not out yet.
    Accepted,
    /// The token is out.
    Finalized,
    /// Refused.
    Rejected,
    /// Nothing was done in time.
    Expired,
}

impl DelegationState {
    /// The state as the API names it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unassigned => "UNASSIGNED",
            Self::Assigned => "ASSIGNED",
            Self::PendingApproval => "PENDING_APPROVAL",
            Self::Accepted => "ACCEPTED",
            Self::Finalized => "FINALIZED",
            Self::Rejected => "REJECTED",
            Self::Expired => "EXPIRED",
        }
    }

    /// How long a request stays in the state before it expires, in seconds.
    fn seconds(self) -> i64 {
        match self {
            Self::Unassigned => DAY,
            _ => 7 * DAY,
        }
    }
}

/// A value for a parameter of a policy template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DelegationParameter {
    /// Its name in the template.
    pub name: String,
    /// One value, or several of a list.
    pub values: Vec<String>,
    /// Whether it stands for a list.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub list: bool,
}

/// Which identity approved a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApproverKind {
    /// The root user.
    Root,
    /// A user.
    User(UniqueId),
    /// A session of a role.
    Role {
        /// The role.
        id: UniqueId,
        /// The session's name.
        session: String,
    },
}

/// Who approved a request, as it was then: the delegated sessions are this identity's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approver {
    /// Its ARN.
    pub arn: String,
    /// Which identity it is.
    pub kind: ApproverKind,
    /// The tags of its session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// Which of them pass on to further sessions.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub transitive_tag_keys: Vec<String>,
    /// The source identity of its session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_identity: Option<String>,
    /// When it proved a second factor, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mfa: Option<Timestamp>,
    /// Further context keys of its session.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub context: Vec<(String, Vec<String>)>,
}

/// A request for temporary delegation.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DelegationRequest {
    /// The stored form.
    pub v: Format,
    /// Its id: a UUID.
    pub id: String,
    /// The provider's account, which made the request and alone can use what comes of it.
    pub requestor: AccountId,
    /// The provider's name, for people.
    pub requestor_name: String,
    /// The provider's own id for what the request is part of: no two of its requests have the same.
    pub workflow: String,
    /// The customer's account, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner_account: Option<AccountId>,
    /// The ARN of the identity that claimed the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Who approved it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approver: Option<Approver>,
    /// What it is for.
    pub description: String,
    /// Why it is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The ARN of the policy template.
    pub template: String,
    /// The values for its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<DelegationParameter>,
    /// The policy that came of both: what is asked for.
    pub policy: String,
    /// Where the customer goes on afterwards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
    /// The topic that hears of the request.
    pub topic: String,
    /// How long the access lasts, from the moment when the token goes out.
    pub session_seconds: i32,
    /// Whether only the owner may send the token.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_send_by_owner: bool,
    /// What was noted when it was forwarded.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// Why it was rejected.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection_reason: Option<String>,
    /// The states that it came through and when, the latest last; the first is that in which it was made.
    pub history: Vec<(DelegationState, Timestamp)>,
}

impl DelegationRequest {
    /// When it was made.
    pub fn created(&self) -> Timestamp {
        self.history.first().map_or(Timestamp(0), |(_, at)| *at)
    }

    /// When it last changed.
    pub fn updated(&self) -> Timestamp {
        self.last().1
    }

    /// The state at `now`.
    pub fn state(&self, now: Timestamp) -> DelegationState {
        if now >= self.expires() { DelegationState::Expired } else { self.last().0 }
    }

    /// From when on it is expired, unless something is done before.
    pub fn expires(&self) -> Timestamp {
        let (state, at) = self.last();
        at.plus_seconds(state.seconds())
    }

    /// From when on it may be forgotten.
    /// FIDELITY: AWS does not say how long it keeps expired requests.
    pub fn kept_until(&self) -> Timestamp {
        self.expires().plus_seconds(7 * DAY)
    }

    /// Takes the request into a state.
    pub fn enter(&mut self, state: DelegationState, now: Timestamp) {
        self.history.push((state, now));
    }

    /// When the access ends: none before the token is out. Whatever is made of the token ends then.
    pub fn access_ends(&self) -> Option<Timestamp> {
        let sent = self.history.iter().find(|(state, _)| *state == DelegationState::Finalized)?;
        Some(sent.1.plus_seconds(i64::from(self.session_seconds)))
    }

    fn last(&self) -> (DelegationState, Timestamp) {
        self.history.last().copied().unwrap_or((DelegationState::Expired, Timestamp(0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request() -> DelegationRequest {
        DelegationRequest {
            v: Format,
            id: "2d6f3c1e-0000-4000-8000-000000000000".into(),
            requestor: AccountId::from_number(1).unwrap(),
            requestor_name: "Example".into(),
            workflow: "workflow-1".into(),
            owner_account: None,
            owner: None,
            approver: None,
            description: String::new(),
            message: None,
            template: "arn:aws:iam:::delegation-template/x".into(),
            parameters: Vec::new(),
            policy: "{}".into(),
            redirect_url: None,
            topic: "arn:aws:sns:us-east-1:000000000001:t".into(),
            session_seconds: 3_600,
            only_send_by_owner: false,
            notes: None,
            rejection_reason: None,
            history: vec![(DelegationState::Unassigned, Timestamp(1_000))],
        }
    }

    #[test]
    fn an_unclaimed_request_expires_after_a_day_and_any_other_after_a_week() {
        let mut request = request();
        assert_eq!(request.state(Timestamp(1_000 + DAY - 1)), DelegationState::Unassigned);
        assert_eq!(request.state(Timestamp(1_000 + DAY)), DelegationState::Expired);
        for state in [
            DelegationState::Assigned,
            DelegationState::PendingApproval,
            DelegationState::Accepted,
            DelegationState::Finalized,
            DelegationState::Rejected,
        ] {
            request.enter(state, Timestamp(2_000));
            assert_eq!(request.state(Timestamp(2_000 + 7 * DAY - 1)), state);
            assert_eq!(request.state(Timestamp(2_000 + 7 * DAY)), DelegationState::Expired);
        }
    }

    #[test]
    fn the_access_ends_by_when_the_token_went_out() {
        let mut request = request();
        assert_eq!(request.access_ends(), None);
        request.enter(DelegationState::Accepted, Timestamp(2_000));
        assert_eq!(request.access_ends(), None);
        request.enter(DelegationState::Finalized, Timestamp(3_000));
        assert_eq!(request.access_ends(), Some(Timestamp(6_600)));
    }
}
