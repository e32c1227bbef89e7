//! `Principal` and `NotPrincipal`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use crate::arn::{Arn, is_account_id};
use crate::context::Context;
use crate::document::{Document, Effect, PrincipalElement, PrincipalType};
use crate::principal::{Principal, PrincipalKind};

/// The principals of a statement.
#[derive(Debug)]
pub(crate) struct Principals {
    negated: bool,
    named: Box<[Named]>,
}

/// One principal as a policy names it.
#[derive(Debug)]
enum Named {
    Everyone,
    /// An account id, by itself or as the ARN of its root.
    Account(Box<str>),
    /// The ARN of a user, role, session or federated user.
    Arn(Box<str>),
    /// `AIDA…` or `AROA…`, which an ARN becomes when the policy is saved.
    UniqueId(Box<str>),
    /// A service, or every service.
    Service(Box<str>),
    /// An identity provider, or every one.
    Federated(Box<str>),
    CanonicalUser(Box<str>),
}

/// How closely a statement names the caller, which decides what else must allow the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum PrincipalMatch {
    /// Not at all.
    No,
    /// By its account: the account's own policies must allow it too.
    Account,
    /// By the role or user behind a session: what limits the session limits this.
    Issuer,
    /// By itself, or as everyone.
    Direct,
}

impl Principals {
    pub(crate) fn new(document: &Document, element: &PrincipalElement) -> Self {
        let named = element.entries.iter().flat_map(|entry| {
            entry.values.iter().map(move |value| Named::new(entry.principal_type, document.text(value)))
        });
        Self { negated: element.negated, named: named.collect() }
    }

    pub(crate) fn matches(&self, effect: Effect, principal: &Principal, context: &Context) -> PrincipalMatch {
        if !self.negated {
            return self.closest(principal, context);
        }
        let spared = match effect {
            Effect::Deny => self.spares(principal, context),
            Effect::Allow => self.closest(principal, context) != PrincipalMatch::No,
        };
        if spared { PrincipalMatch::No } else { PrincipalMatch::Direct }
    }

    fn closest(&self, principal: &Principal, context: &Context) -> PrincipalMatch {
        let mut closest = PrincipalMatch::No;
        for named in &self.named {
            closest = closest.max(named.matches(principal, context));
        }
        closest
    }

    /// Whether `NotPrincipal` with `Deny` leaves the caller alone. AWS looks at the account, the role
    /// and the session in turn, and each of them must be listed.
    // FIDELITY: for a user AWS says that the account "might" have to be listed too; here it need not.
    fn spares(&self, principal: &Principal, context: &Context) -> bool {
        let listed = |level| self.named.iter().any(|named| named.matches(principal, context) == level);
        if self.named.iter().any(|named| matches!(named, Named::Everyone)) {
            return true;
        }
        let account = listed(PrincipalMatch::Account);
        match principal.kind() {
            PrincipalKind::RoleSession => {
                listed(PrincipalMatch::Direct) && listed(PrincipalMatch::Issuer) && account
            }
            PrincipalKind::FederatedUser => listed(PrincipalMatch::Direct) && account,
            _ => listed(PrincipalMatch::Direct),
        }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val::<[Named]>(&self.named) + self.named.iter().map(Named::heap_bytes).sum::<usize>()
    }
}

impl Named {
    fn new(principal_type: PrincipalType, text: &str) -> Self {
        match principal_type {
            PrincipalType::Everyone => Self::Everyone,
            PrincipalType::Aws => Self::aws(text),
            PrincipalType::Service => Self::Service(text.into()),
            PrincipalType::Federated => Self::Federated(text.into()),
            PrincipalType::CanonicalUser => Self::CanonicalUser(text.into()),
        }
    }

    fn aws(text: &str) -> Self {
        if text == "*" {
            return Self::Everyone;
        }
        if is_account_id(text) {
            return Self::Account(text.into());
        }
        match Arn::parse(text) {
            Some(arn) if arn.service == "iam" && arn.resource == "root" => {
                Self::Account(arn.account_id.into())
            }
            Some(_) => Self::Arn(text.into()),
            None => Self::UniqueId(text.into()),
        }
    }

    fn matches(&self, principal: &Principal, context: &Context) -> PrincipalMatch {
        match self {
            Self::Everyone => PrincipalMatch::Direct,
            Self::Account(id) => account(principal, principal.account_id() == Some(id)),
            Self::CanonicalUser(id) => account(principal, principal.canonical_user_id() == Some(id)),
            Self::Arn(arn) => by_arn(arn, principal, context),
            Self::UniqueId(id) => by_unique_id(id, principal),
            Self::Service(name) => direct(principal, PrincipalKind::Service, name),
            Self::Federated(name) => direct(principal, PrincipalKind::Federated, name),
        }
    }

    fn heap_bytes(&self) -> usize {
        match self {
            Self::Everyone => 0,
            Self::Account(text)
            | Self::Arn(text)
            | Self::UniqueId(text)
            | Self::Service(text)
            | Self::Federated(text)
            | Self::CanonicalUser(text) => text.len(),
        }
    }
}

fn account(principal: &Principal, same: bool) -> PrincipalMatch {
    match principal.kind() {
        _ if !same => PrincipalMatch::No,
        PrincipalKind::Root => PrincipalMatch::Direct,
        _ => PrincipalMatch::Account,
    }
}

fn direct(principal: &Principal, kind: PrincipalKind, name: &str) -> PrincipalMatch {
    let same = principal.kind() == kind && (name == "*" || principal.name() == name);
    if same { PrincipalMatch::Direct } else { PrincipalMatch::No }
}

fn by_arn(arn: &str, principal: &Principal, context: &Context) -> PrincipalMatch {
    let is_own = match principal.kind() {
        PrincipalKind::User | PrincipalKind::RoleSession | PrincipalKind::FederatedUser => {
            principal.name() == arn
        }
        _ => return PrincipalMatch::No,
    };
    // A role may stand for any of its sessions, and then it is named as the issuer.
    if is_own && !is_role(arn) {
        return PrincipalMatch::Direct;
    }
    let is_issuer = match principal.kind() {
        PrincipalKind::RoleSession => is_own || is_role_of(arn, principal, context),
        PrincipalKind::FederatedUser => principal.issuer_arn() == Some(arn),
        _ => false,
    };
    if is_issuer { PrincipalMatch::Issuer } else { PrincipalMatch::No }
}

fn is_role(arn: &str) -> bool {
    Arn::parse(arn).is_some_and(|arn| arn.service == "iam" && arn.resource.starts_with("role/"))
}

/// Whether a role's ARN is that of a session's role. A session's ARN has the role's name and not its
/// path; names are unique in an account, so where the role's ARN isn't known the name decides.
fn is_role_of(arn: &str, session: &Principal, context: &Context) -> bool {
    if !is_role(arn) {
        return false;
    }
    let known =
        session.issuer_arn().or_else(|| context.get("aws:PrincipalArn").and_then(|values| values.single()));
    if let Some(role) = known.filter(|known| is_role(known)) {
        return role == arn;
    }
    let Some(fields) = Arn::parse(arn) else { return false };
    let name = fields.resource.rsplit('/').next();
    Some(fields.account_id) == session.account_id() && name == session.role_name()
}

fn by_unique_id(id: &str, principal: &Principal) -> PrincipalMatch {
    match principal.kind() {
        _ if principal.unique_id() != Some(id) => PrincipalMatch::No,
        PrincipalKind::RoleSession | PrincipalKind::FederatedUser => PrincipalMatch::Issuer,
        _ => PrincipalMatch::Direct,
    }
}
