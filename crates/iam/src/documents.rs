//! Policy documents on their way in and out.

use std::collections::BTreeMap;
use std::sync::Arc;

use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::Role;
use rolecall_state::snapshot::Account;
use rolecall_state::{Snapshot, Txn, UniqueId, trust};

use crate::env::Env;
use crate::error::IamError;
use crate::quotas::Quotas;

/// A trust policy that was checked, and the ids of the principals that it names.
pub(crate) struct TrustPolicy {
    /// As it was sent.
    pub(crate) text: Arc<str>,
    /// The unique id of each user and role that it names.
    pub(crate) bindings: BTreeMap<String, UniqueId>,
}

/// The size that AWS compares with its quotas: characters, white space not counted.
pub(crate) fn size(document: &str) -> usize {
    document.chars().filter(|c| !c.is_whitespace()).count()
}

/// A document as answers carry it: every byte but RFC 3986's unreserved ones percent-encoded.
pub(crate) fn encode(document: &str) -> String {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    let mut out = String::with_capacity(document.len() * 2);
    for byte in document.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let digit = |n: u8| HEX.get(usize::from(n)).copied().map_or('0', char::from);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    out
}

fn parse(document: &str, grammar: Grammar) -> Result<Document, IamError> {
    Document::parse(document, grammar).map_err(|error| {
        // AWS's words, then what it leaves out: what is wrong, and where.
        let place = format!("line {}, column {}", error.position.line, error.position.column);
        let detail = if error.detail.is_empty() { place } else { format!("{place}: {}", error.detail) };
        IamError::MalformedPolicyDocument(format!("{} ({detail})", error.message()))
    })
}

/// Checks an inline policy.
pub(crate) fn check_identity(document: &str) -> Result<(), IamError> {
    parse(document, Grammar::stored(PolicyKind::Identity)).map(|_| ())
}

/// Checks a version of a managed policy.
pub(crate) fn check_managed(document: &str, quotas: &Quotas) -> Result<(), IamError> {
    parse(document, Grammar { requires_2012: true, ..Grammar::stored(PolicyKind::Identity) })?;
    if size(document) > quotas.policy_size {
        return Err(IamError::quota("PolicySize", quotas.policy_size));
    }
    Ok(())
}

/// Checks a trust policy: its language, its size, and that every principal exists.
pub(crate) fn trust_policy(txn: &mut Txn, env: &Env<'_>, document: &str) -> Result<TrustPolicy, IamError> {
    let parsed = parse(document, Grammar::stored(PolicyKind::Trust))?;
    if size(document) > env.quotas.trust_policy_size {
        return Err(IamError::quota("ACLSizePerRole", env.quotas.trust_policy_size));
    }
    let mut bindings = BTreeMap::new();
    for principal in trust::aws_principals(&parsed) {
        if let Some(id) = bind(txn.snapshot(), principal)? {
            bindings.insert(principal.to_owned(), id);
        }
    }
    Ok(TrustPolicy { text: document.into(), bindings })
}

/// The unique id that a principal stands for now. Accounts, sessions and `*` have none to bind to.
fn bind(snapshot: &Snapshot, principal: &str) -> Result<Option<UniqueId>, IamError> {
    let invalid =
        || IamError::MalformedPolicyDocument(format!("Invalid principal in policy: \"AWS\":\"{principal}\""));
    if principal == "*" {
        return Ok(None);
    }
    if let Ok(account) = principal.parse() {
        return snapshot.account(account).map(|_| None).ok_or_else(invalid);
    }
    let Some(parts) = ArnParts::parse(principal) else {
        return bind_unique_id(snapshot, principal).map(Some).ok_or_else(invalid);
    };
    let account = parts.account_id().and_then(|id| snapshot.account(id)).ok_or_else(invalid)?;
    let (kind, name) = parts.resource.split_once('/').unwrap_or((parts.resource, ""));
    match (parts.service, kind) {
        ("iam", "root") => Ok(None),
        ("iam", "user") => {
            let user = last(name).and_then(|n| account.users.get(n));
            let user = user.filter(|u| same(&u.path, &u.name, name)).ok_or_else(invalid)?;
            Ok(Some(user.id.clone()))
        }
        ("iam", "role") => {
            let role = last(name).and_then(|n| account.roles.get(n));
            let role = role.filter(|r| same(&r.path, &r.name, name)).ok_or_else(invalid)?;
            Ok(Some(role.id.clone()))
        }
        // A session need not exist yet, nor a federated user; the role of a session must.
        ("sts", "assumed-role") => {
            let role = name.split('/').next().and_then(|n| account.roles.get(n));
            role.map(|_| None).ok_or_else(invalid)
        }
        ("sts", "federated-user") => Ok(None),
        _ => Err(invalid()),
    }
}

// A stored policy whose principal is gone shows the unique id; sent back as it is, AWS refuses an
// id that no longer stands for anyone.
fn bind_unique_id(snapshot: &Snapshot, id: &str) -> Option<UniqueId> {
    let found = |account: &Arc<Account>| {
        account.users.by_id_str(id).is_some() || account.roles.by_id_str(id).is_some()
    };
    snapshot.accounts().any(found).then(|| UniqueId::from_stored(id))
}

fn last(path_and_name: &str) -> Option<&str> {
    path_and_name.rsplit('/').next()
}

fn same(path: &str, name: &str, written: &str) -> bool {
    path.strip_prefix('/').and_then(|path| written.strip_prefix(path)) == Some(name)
}

/// A role's trust policy as answers show it: as it was sent, but with the unique id in place of
/// each principal that was deleted since.
pub(crate) fn shown_trust_policy(role: &Role, account: &Account) -> String {
    // FIDELITY: principals of other accounts are shown as they were sent, also when deleted since.
    let gone = |id: &UniqueId| account.users.by_id(id).is_none() && account.roles.by_id(id).is_none();
    let own = format!("::{}:", account.id());
    let bindings = role.trust_bindings.iter().filter(|(arn, _)| arn.contains(&own));
    let bindings = bindings.map(|(arn, id)| (arn.clone(), id.clone())).collect();
    trust::bound(&role.trust_policy, &bindings, gone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_encoded_as_rfc_3986_says() {
        assert_eq!(encode("{\"a b\": \"50%+é\"}"), "%7B%22a%20b%22%3A%20%2250%25%2B%C3%A9%22%7D");
        assert_eq!(encode("Az0-_.~"), "Az0-_.~");
    }

    #[test]
    fn white_space_does_not_count() {
        assert_eq!(size("{ \"a\":\n\t1 }"), 7);
    }
}
