//! Who may become which role: each answer is the engine's, on what AssumeRole would be decided on.

use std::sync::Arc;

use rolecall_access::{Caller, Identity, RequestFacts, Subject, evaluate};
use rolecall_aws_model::sts::AssumeRoleRequest;
use rolecall_policy::{Document, Effect, Grammar, Outcome, PolicyKind, PolicySet, PrincipalType, Statement};
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{Role, User};
use rolecall_state::snapshot::{Account, Entry};
use rolecall_state::{AccessKeyId, AccountId, Partition, Snapshot, arn};

use crate::assume_role;
use crate::error::StsError;

/// Someone who may become a role.
#[derive(Clone)]
pub enum Who {
    /// A user.
    User(Arc<Entry<User>>),
    /// A role, by its sessions.
    Role(Arc<Entry<Role>>),
}

impl Who {
    /// Whoever would ask: a user itself, or a session of a role.
    #[must_use]
    pub fn caller(&self, account: AccountId, partition: Partition) -> Caller {
        let identity = match self {
            Self::User(user) => Identity::User(user.clone()),
            Self::Role(role) => Identity::AssumedRole(role.clone(), "question".into()),
        };
        Caller::new(account, partition, identity, AccessKeyId::from_presented(""), None)
    }
}

/// Where the question is asked.
pub struct Reach<'a> {
    /// What is decided on.
    pub snapshot: &'a Snapshot,
    /// The account.
    pub account: &'a Arc<Account>,
    /// The partition of ARNs.
    pub partition: Partition,
    /// What every request tells: a request without a second factor, from where the question comes.
    pub facts: &'a RequestFacts,
}

/// Who may become whom, as far as it was asked: places in the lists that were given.
#[derive(Debug, Default)]
pub struct Become {
    /// Who, and which role.
    pub pairs: Vec<(usize, usize)>,
    /// Whether all was asked.
    pub complete: bool,
}

/// Services and providers that a role's trust policy admits.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outside {
    /// Names of services.
    pub services: Vec<String>,
    /// ARNs or names of providers.
    pub providers: Vec<String>,
    /// Principals of other accounts, and `*`, as written.
    pub strangers: Vec<String>,
}

impl Reach<'_> {
    /// Asks of everyone in `principals` whether they may become each of `roles`: at most `budget` questions.
    ///
    /// # Errors
    /// When a policy can't be evaluated.
    pub fn ask(
        &self,
        principals: &[Who],
        roles: &[Arc<Entry<Role>>],
        budget: usize,
    ) -> Result<Become, StsError> {
        let mut found = Become { pairs: Vec::new(), complete: true };
        let callers: Vec<(Caller, bool)> = principals
            .iter()
            .map(|who| {
                let caller = who.caller(self.account.id(), self.partition);
                Ok((caller, self.may_assume_at_all(who)?))
            })
            .collect::<Result<_, StsError>>()?;
        let mut asked = 0;
        for (at, role) in roles.iter().enumerate() {
            let trusted = Trusted::by(role);
            let request = self.request(role);
            for (who, (caller, may)) in callers.iter().enumerate() {
                let named = trusted.names.iter().any(|name| name == caller.principal_arn());
                let asked_about = named || (*may && trusted.anyone);
                if !asked_about || self.is_itself(caller, role) {
                    continue;
                }
                if asked == budget {
                    found.complete = false;
                    return Ok(found);
                }
                asked += 1;
                if self.may_become(caller, &request)? {
                    found.pairs.push((who, at));
                }
            }
        }
        Ok(found)
    }

    fn is_itself(&self, caller: &Caller, role: &Entry<Role>) -> bool {
        matches!(&caller.identity, Identity::AssumedRole(own, _) if own.id == role.id)
    }

    fn may_become(&self, caller: &Caller, request: &AssumeRoleRequest) -> Result<bool, StsError> {
        for demand in assume_role::demands(request, caller, self.snapshot, None)? {
            let evidence = evaluate(Subject::Caller(caller), self.facts, self.snapshot, demand);
            match evidence {
                Ok(evidence) if evidence.outcome == Outcome::Allowed => {}
                _ => return Ok(false),
            }
        }
        Ok(true)
    }

    fn request(&self, role: &Entry<Role>) -> AssumeRoleRequest {
        AssumeRoleRequest {
            role_arn: arn::iam(self.partition, self.account.id(), "role", &role.path, &role.name),
            role_session_name: "question".to_owned(),
            ..AssumeRoleRequest::default()
        }
    }

    /// Whether anything in someone's policies could allow AssumeRole: most who can't need not be asked about.
    fn may_assume_at_all(&self, who: &Who) -> Result<bool, StsError> {
        let set: &PolicySet = match who {
            Who::User(user) => self.account.user_policies(user)?,
            Who::Role(role) => self.account.role_policies(role)?,
        };
        let mut documents = set.policies().iter().map(|policy| policy.document());
        Ok(documents.any(|document| {
            document
                .statements()
                .iter()
                .any(|one| one.effect == Effect::Allow && may_be_assume_role(document, one))
        }))
    }
}

/// Whether a statement could be about `sts:AssumeRole`: a pattern too many only costs a question.
fn may_be_assume_role(document: &Document, statement: &Statement) -> bool {
    let prefix = |text: &str| text.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let fits = |text: &str| {
        let prefix = prefix(text);
        prefix == "sts" || prefix.contains(['*', '?'])
    };
    statement.action.negated || statement.action.values.iter().any(|value| fits(document.text(value)))
}

/// Whom a trust policy admits by its principals.
struct Trusted {
    /// Whether whole accounts, or everyone, are among them.
    anyone: bool,
    /// ARNs that are named themselves.
    names: Vec<String>,
}

impl Trusted {
    fn by(role: &Role) -> Self {
        let mut trusted = Self { anyone: false, names: Vec::new() };
        let document = Document::parse(role.trust_policy.clone(), Grammar::evaluated(PolicyKind::Trust));
        let Ok(document) = document else { return Self { anyone: true, names: Vec::new() } };
        for statement in document.statements().iter().filter(|one| one.effect == Effect::Allow) {
            let Some(element) = &statement.principal else { continue };
            trusted.anyone |= element.negated;
            for entry in &element.entries {
                match entry.principal_type {
                    PrincipalType::Everyone => trusted.anyone = true,
                    PrincipalType::Aws => {
                        for value in &entry.values {
                            let text = document.text(value);
                            let is_one = text.contains(":user/") || text.contains(":role/");
                            trusted.anyone |= !is_one;
                            trusted.names.extend(is_one.then(|| text.to_owned()));
                        }
                    }
                    _ => {}
                }
            }
        }
        trusted
    }
}

/// Whom else a role's trust policy admits than users and roles of its account; conditions are not looked at.
#[must_use]
pub fn outside(role: &Role, account: AccountId) -> Outside {
    let own = account.to_string();
    let mut found = Outside::default();
    let document = Document::parse(role.trust_policy.clone(), Grammar::evaluated(PolicyKind::Trust));
    let Ok(document) = document else { return found };
    for statement in document.statements().iter().filter(|one| one.effect == Effect::Allow) {
        for entry in statement.principal.iter().filter(|one| !one.negated).flat_map(|one| &one.entries) {
            let list = match entry.principal_type {
                PrincipalType::Service => &mut found.services,
                PrincipalType::Federated => &mut found.providers,
                PrincipalType::Everyone => {
                    found.strangers.push("*".to_owned());
                    continue;
                }
                PrincipalType::Aws => &mut found.strangers,
                _ => continue,
            };
            list.extend(entry.values.iter().map(|value| document.text(value).to_owned()));
        }
    }
    // What is neither is the unique id of somebody who was deleted.
    found.strangers.retain(|text| match ArnParts::parse(text) {
        Some(parts) => parts.account != own,
        None => text == "*" || (text.parse::<AccountId>().is_ok() && *text != own),
    });
    found
}
