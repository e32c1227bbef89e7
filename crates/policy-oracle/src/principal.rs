//! The `Principal` and `NotPrincipal` elements, and what a caller is.
//!
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use serde_json::Value;

use crate::json::{Read, as_object, malformed, texts};
use crate::request::Caller;

/// How a policy came to name the caller, from the weakest to the strongest grant in the caller's own account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// By its account: that delegates to the account's own policies.
    Account,
    /// A role session by its role: boundary and session policies still limit it.
    Role,
    /// Itself, or everyone: nothing but explicit denies and organization policies limit it.
    Itself,
}

/// The kinds of callers with an ARN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    User,
    RoleSession,
    FederatedUser,
}

/// A caller's ARN, taken apart.
pub(crate) struct CallerArn<'a> {
    pub(crate) arn: &'a str,
    pub(crate) partition: &'a str,
    pub(crate) account: &'a str,
    pub(crate) kind: Kind,
    /// The role's name for a role session.
    pub(crate) role: &'a str,
}

impl<'a> CallerArn<'a> {
    pub(crate) fn read(arn: &'a str) -> Read<Self> {
        let fields: Vec<&str> = arn.splitn(6, ':').collect();
        let [_, partition, _, _, account, resource] = fields.as_slice() else {
            return malformed(format!("principal {arn} is no ARN"));
        };
        let mut parts = resource.split('/');
        let (kind, role) = match (parts.next(), parts.next()) {
            (Some("root"), _) => (Kind::Root, ""),
            (Some("user"), _) => (Kind::User, ""),
            (Some("assumed-role"), Some(role)) => (Kind::RoleSession, role),
            (Some("federated-user"), _) => (Kind::FederatedUser, ""),
            _ => return malformed(format!("principal {arn} is of no known kind")),
        };
        Ok(Self { arn, partition, account, kind, role })
    }

    fn account_arn(&self) -> String {
        format!("arn:{}:iam::{}:root", self.partition, self.account)
    }

    fn is_account(&self, listed: &str) -> bool {
        listed == self.account || listed == self.account_arn()
    }

    /// A role's ARN may have a path, which a session's ARN has not; names are unique in an account all the same.
    fn is_role(&self, listed: &str) -> bool {
        let start = format!("arn:{}:iam::{}:role/", self.partition, self.account);
        self.kind == Kind::RoleSession
            && listed.strip_prefix(&start).is_some_and(|rest| rest.rsplit('/').next() == Some(self.role))
    }
}

/// Whether and how `Principal` names the caller.
pub(crate) fn naming(principal: &Value, caller: &Caller) -> Read<Option<Naming>> {
    if principal == "*" {
        return Ok(Some(Naming::Itself));
    }
    let mut best = None;
    for (kind, listed) in as_object(principal, "Principal")? {
        for listed in texts(listed, kind)? {
            best = best.max(naming_by(kind, &listed, caller)?);
        }
    }
    Ok(best)
}

fn naming_by(kind: &str, listed: &str, caller: &Caller) -> Read<Option<Naming>> {
    match (kind, caller) {
        // FIDELITY: AWS says that the two forms of the star are equivalent for anonymous callers; services that
        // called with `{"AWS": "*"}` long before service principals show that it covers them too.
        ("AWS", _) if listed == "*" => Ok(Some(Naming::Itself)),
        ("AWS", Caller::Arn(arn)) => {
            let caller = CallerArn::read(arn)?;
            Ok(if listed == caller.arn {
                Some(Naming::Itself)
            } else if caller.is_role(listed) {
                Some(Naming::Role)
            } else if caller.is_account(listed) {
                Some(Naming::Account)
            } else {
                None
            })
        }
        ("Service", Caller::Service(name)) => Ok((listed == name).then_some(Naming::Itself)),
        ("AWS" | "Service" | "Federated" | "CanonicalUser", _) => Ok(None),
        (other, _) => malformed(format!("no principal type {other}")),
    }
}

/// Whether `NotPrincipal` excepts the caller from a Deny. For a session AWS checks the account, then the role, then
/// the session, so each of them must be listed.
pub(crate) fn excepted_from_deny(not_principal: &Value, caller: &Caller) -> Read<bool> {
    let aws = listed_as(not_principal, "AWS")?;
    if not_principal == "*" || aws.iter().any(|one| one == "*") {
        return Ok(true);
    }
    match caller {
        Caller::Anonymous => Ok(false),
        Caller::Service(name) => Ok(listed_as(not_principal, "Service")?.contains(name)),
        Caller::Arn(arn) => {
            let caller = CallerArn::read(arn)?;
            let itself = aws.iter().any(|one| one == caller.arn);
            let account = aws.iter().any(|one| caller.is_account(one));
            let role = aws.iter().any(|one| caller.is_role(one));
            Ok(match caller.kind {
                Kind::Root => account,
                // FIDELITY: AWS advises listing a user's account too, and says that some services need it.
                Kind::User => itself,
                Kind::FederatedUser => itself && account,
                Kind::RoleSession => itself && role && account,
            })
        }
    }
}

/// Whether `NotPrincipal` excepts the caller from an Allow: being listed in any way is enough.
pub(crate) fn excepted_from_allow(not_principal: &Value, caller: &Caller) -> Read<bool> {
    Ok(naming(not_principal, caller)?.is_some())
}

fn listed_as(principal: &Value, kind: &str) -> Read<Vec<String>> {
    match principal.as_object().and_then(|object| object.get(kind)) {
        Some(listed) => texts(listed, kind),
        None => Ok(Vec::new()),
    }
}
