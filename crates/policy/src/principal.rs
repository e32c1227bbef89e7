//! Who makes a request.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use std::ops::Range;

use crate::arn::{Arn, is_account_id};

/// The caller of a request, as policies see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Principal {
    kind: PrincipalKind,
    /// The ARN, the service's name or the identity provider; empty for an anonymous caller.
    name: Box<str>,
    /// Where in the name the account id stands; empty where there is none.
    account: Range<u16>,
    unique_id: Option<Box<str>>,
    issuer_arn: Option<Box<str>>,
    canonical_user_id: Option<Box<str>>,
}

/// What sort of caller a [`Principal`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PrincipalKind {
    /// An IAM user, by long-term keys or a session of `GetSessionToken`.
    User,
    /// A session of a role: `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION`.
    RoleSession,
    /// A session of `GetFederationToken`: `arn:aws:sts::ACCOUNT:federated-user/NAME`.
    FederatedUser,
    /// The account's root user.
    Root,
    /// An AWS service acting for itself.
    Service,
    /// A user proven by an identity provider, calling `AssumeRoleWithWebIdentity` or `…WithSAML`.
    Federated,
    /// A caller who sent no credentials.
    Anonymous,
}

/// An ARN which isn't that of a principal who can call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not the ARN of a user, an assumed-role session, a federated user, an account's root or an identity provider"
)]
pub struct NotAPrincipal(pub Box<str>);

impl Principal {
    /// The caller with this ARN: a user, role session, federated user, root, or identity provider.
    /// A role's own ARN stands for any session of it.
    ///
    /// # Errors
    /// When the ARN is none of these.
    pub fn from_arn(arn: &str) -> Result<Self, NotAPrincipal> {
        let not_one = || NotAPrincipal(arn.into());
        let fields = Arn::parse(arn).ok_or_else(not_one)?;
        let kind = kind_of(fields).ok_or_else(not_one)?;
        let mut principal = Self::new(kind, arn);
        if kind != PrincipalKind::Federated {
            principal.account = account_range(fields).ok_or_else(not_one)?;
        }
        Ok(principal)
    }

    /// A service principal, such as `ec2.amazonaws.com`.
    #[must_use]
    pub fn service(name: &str) -> Self {
        Self::new(PrincipalKind::Service, name)
    }

    /// A user of an identity provider: the provider's ARN, or its host name where AWS has it built in.
    #[must_use]
    pub fn federated(provider: &str) -> Self {
        Self::new(PrincipalKind::Federated, provider)
    }

    /// A caller without credentials.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new(PrincipalKind::Anonymous, "")
    }

    /// Adds the unique id (`AIDA…` of the user, `AROA…` of the session's role) which stored policies are bound to.
    #[must_use]
    pub fn with_unique_id(mut self, id: &str) -> Self {
        self.unique_id = Some(id.into());
        self
    }

    /// Adds the ARN of the role behind a session (with its path), or of the user behind a federated one.
    #[must_use]
    pub fn with_issuer_arn(mut self, arn: &str) -> Self {
        self.issuer_arn = Some(arn.into());
        self
    }

    /// Adds the canonical user id of the caller's account, which S3 policies may name.
    #[must_use]
    pub fn with_canonical_user_id(mut self, id: &str) -> Self {
        self.canonical_user_id = Some(id.into());
        self
    }

    /// What sort of caller this is.
    #[must_use]
    pub const fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// The ARN, service name or provider; `"*"` for an anonymous caller.
    #[must_use]
    pub fn name(&self) -> &str {
        if self.kind == PrincipalKind::Anonymous { "*" } else { &self.name }
    }

    /// The unique id, if one was given.
    #[must_use]
    pub fn unique_id(&self) -> Option<&str> {
        self.unique_id.as_deref()
    }

    /// The ARN of the role or user behind a session, if one was given.
    #[must_use]
    pub fn issuer_arn(&self) -> Option<&str> {
        self.issuer_arn.as_deref()
    }

    /// The canonical user id of the caller's account, if one was given.
    #[must_use]
    pub fn canonical_user_id(&self) -> Option<&str> {
        self.canonical_user_id.as_deref()
    }

    /// The account the caller belongs to; services, anonymous callers and those of a provider have none.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        let range = usize::from(self.account.start)..usize::from(self.account.end);
        self.name.get(range).filter(|id| !id.is_empty())
    }

    /// The name of the role behind a role session.
    #[must_use]
    pub fn role_name(&self) -> Option<&str> {
        self.session_parts().map(|(role, _)| role)
    }

    /// The session's name, for a role session.
    #[must_use]
    pub fn session_name(&self) -> Option<&str> {
        self.session_parts().map(|(_, session)| session).filter(|session| !session.is_empty())
    }

    fn session_parts(&self) -> Option<(&str, &str)> {
        if self.kind != PrincipalKind::RoleSession {
            return None;
        }
        let resource = Arn::parse(&self.name)?.resource;
        match resource.strip_prefix("assumed-role/") {
            Some(session) => session.split_once('/'),
            None => resource.rsplit_once('/').map(|(_, role)| (role, "")),
        }
    }

    fn new(kind: PrincipalKind, name: &str) -> Self {
        Self {
            kind,
            name: name.into(),
            account: 0..0,
            unique_id: None,
            issuer_arn: None,
            canonical_user_id: None,
        }
    }
}

fn kind_of(arn: Arn<'_>) -> Option<PrincipalKind> {
    let (first, rest) = arn.resource.split_once('/').unwrap_or((arn.resource, ""));
    let kind = match (arn.service, first) {
        ("iam", "root") if rest.is_empty() => PrincipalKind::Root,
        ("iam", "user") if !rest.is_empty() => PrincipalKind::User,
        ("iam", "oidc-provider" | "saml-provider") if !rest.is_empty() => PrincipalKind::Federated,
        ("iam", "role") if !rest.is_empty() && !rest.ends_with('/') => PrincipalKind::RoleSession,
        ("sts", "assumed-role") if is_session(rest) => PrincipalKind::RoleSession,
        ("sts", "federated-user") if !rest.is_empty() => PrincipalKind::FederatedUser,
        _ => return None,
    };
    (is_account_id(arn.account_id) && arn.region.is_empty()).then_some(kind)
}

/// An account id follows `arn:partition:service:region:`, which is too short to overflow in a real ARN.
fn account_range(arn: Arn<'_>) -> Option<Range<u16>> {
    let start = "arn:".len() + arn.partition.len() + arn.service.len() + arn.region.len() + 3;
    let end = start + arn.account_id.len();
    Some(u16::try_from(start).ok()?..u16::try_from(end).ok()?)
}

fn is_session(rest: &str) -> bool {
    rest.split_once('/').is_some_and(|(role, session)| !role.is_empty() && !session.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_arn_is_told_apart() {
        for (arn, kind) in [
            ("arn:aws:iam::123456789012:user/auto/robot", PrincipalKind::User),
            ("arn:aws:iam::123456789012:root", PrincipalKind::Root),
            ("arn:aws-cn:sts::123456789012:assumed-role/robot/s1", PrincipalKind::RoleSession),
            ("arn:aws:sts::123456789012:federated-user/bob", PrincipalKind::FederatedUser),
            ("arn:aws:iam::123456789012:saml-provider/corp", PrincipalKind::Federated),
        ] {
            assert_eq!(Principal::from_arn(arn).map(|principal| principal.kind()), Ok(kind), "{arn}");
        }
    }

    #[test]
    fn what_cannot_call_is_refused() {
        for arn in [
            "",
            "*",
            "arn:aws:iam::123456789012:group/g",
            "arn:aws:iam::12:user/u",
            "arn:aws:sts::123456789012:assumed-role/r",
        ] {
            assert!(Principal::from_arn(arn).is_err(), "{arn}");
        }
    }

    #[test]
    fn a_session_knows_its_role_and_name() {
        let session =
            Principal::from_arn("arn:aws:sts::123456789012:assumed-role/robot/s1").expect("a session");
        assert_eq!((session.role_name(), session.session_name()), (Some("robot"), Some("s1")));
        assert_eq!(session.account_id(), Some("123456789012"));
    }
}
