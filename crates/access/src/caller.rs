//! Who makes a request: the outcome of authentication, and everything about the caller that
//! policies can ask for.

use std::sync::{Arc, OnceLock};

use rolecall_state::entities::{Role, Tag, User};
use rolecall_state::snapshot::{Account, Entry, KeyOwner, LongTermKey};
use rolecall_state::{AccessKeyId, AccountId, Partition, Snapshot, Timestamp, arn};

use crate::known::Known;
use crate::session::{Session, SessionKind, TokenError};

/// Which principal a caller is.
#[derive(Clone)]
pub enum Identity {
    /// The account's root user, with long-term keys, by `GetSessionToken`, `AssumeRoot` or the console.
    Root,
    /// An IAM user, with long-term keys, by `GetSessionToken` or the console.
    User(Arc<Entry<User>>),
    /// A session of a role.
    AssumedRole(Arc<Entry<Role>>, Box<str>),
    /// A federated user, and the user that vouched for it; none when that was the root user.
    FederatedUser(Option<Arc<Entry<User>>>, Box<str>),
}

/// A caller whose credentials name it. Only the server's authentication makes one for a request,
/// after it has checked the signature.
#[derive(Clone)]
pub struct Caller {
    /// The account that the caller belongs to.
    pub account: AccountId,
    /// The partition that the request was signed for.
    pub partition: Partition,
    /// Which principal it is.
    pub identity: Identity,
    /// The key that the request was signed with.
    pub access_key_id: AccessKeyId,
    /// What the session token carries, for temporary credentials.
    pub session: Option<Arc<Session>>,
    // INVARIANT: follows from the fields above, which nobody changes once it was asked for.
    known: OnceLock<Arc<Known>>,
}

/// Why credentials name no one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnknownCaller {
    /// The principal behind the credentials is gone.
    #[error("The security token included in the request is invalid")]
    Gone,
    /// The session token is no good.
    #[error(transparent)]
    Token(#[from] TokenError),
}

/// An account that can be got into: it is there, and not closed.
fn open_account(id: AccountId, snapshot: &Snapshot) -> Result<&Arc<Account>, UnknownCaller> {
    let account = snapshot.account(id).ok_or(UnknownCaller::Gone)?;
    if account.record.closed.is_some() { Err(UnknownCaller::Gone) } else { Ok(account) }
}

impl Caller {
    /// Whoever `identity` is, by the credentials of this key.
    pub fn new(
        account: AccountId,
        partition: Partition,
        identity: Identity,
        access_key_id: AccessKeyId,
        session: Option<Session>,
    ) -> Self {
        let session = session.map(Arc::new);
        Self { account, partition, identity, access_key_id, session, known: OnceLock::new() }
    }

    /// The holder of a long-term key.
    ///
    /// # Errors
    /// When its owner is not in the snapshot.
    pub fn of_key(
        key: &LongTermKey,
        partition: Partition,
        snapshot: &Snapshot,
    ) -> Result<Self, UnknownCaller> {
        let (account, identity) = match &key.owner {
            KeyOwner::Root(id) => (open_account(*id, snapshot)?, Identity::Root),
            KeyOwner::User(account, id) => {
                let account = open_account(*account, snapshot)?;
                let user = account.users.by_id(id).ok_or(UnknownCaller::Gone)?;
                (account, Identity::User(user.clone()))
            }
        };
        Ok(Self::new(account.id(), partition, identity, key.key.id.clone(), None))
    }

    /// The holder of a session.
    ///
    /// # Errors
    /// When the role or user whose session it is was deleted since.
    pub fn of_session(
        session: Session,
        partition: Partition,
        snapshot: &Snapshot,
    ) -> Result<Self, UnknownCaller> {
        let account = open_account(session.account, snapshot)?;
        let user = |id: &Option<_>| match id {
            None => Ok(None),
            Some(id) => account.users.by_id(id).cloned().map(Some).ok_or(UnknownCaller::Gone),
        };
        let identity = match &session.kind {
            SessionKind::AssumedRole { role, name } => {
                let role = account.roles.by_id(role).ok_or(UnknownCaller::Gone)?;
                Identity::AssumedRole(role.clone(), name.as_str().into())
            }
            SessionKind::SessionToken { user: id }
            | SessionKind::Console { user: id }
            | SessionKind::Delegated { user: id } => user(id)?.map_or(Identity::Root, Identity::User),
            SessionKind::FederatedUser { user: id, name } => {
                Identity::FederatedUser(user(id)?, name.as_str().into())
            }
            SessionKind::AssumedRoot { .. } => Identity::Root,
        };
        Ok(Self::new(session.account, partition, identity, session.key.clone(), Some(session)))
    }

    pub(crate) fn known(&self) -> &Known {
        self.known.get_or_init(|| Arc::new(Known::of(self)))
    }

    /// The caller's ARN, as `GetCallerIdentity` shows it.
    pub fn arn(&self) -> &str {
        &self.known().arn
    }

    pub(crate) fn make_arn(&self) -> String {
        match &self.identity {
            Identity::Root => arn::root(self.partition, self.account),
            Identity::User(user) => arn::iam(self.partition, self.account, "user", &user.path, &user.name),
            Identity::AssumedRole(role, session) => {
                arn::assumed_role(self.partition, self.account, &role.name, session)
            }
            Identity::FederatedUser(_, name) => arn::federated_user(self.partition, self.account, name),
        }
    }

    /// `aws:PrincipalArn`: that of the role, with its path, for a role's session.
    pub fn principal_arn(&self) -> &str {
        &self.known().principal_arn
    }

    pub(crate) fn make_principal_arn(&self) -> String {
        match &self.identity {
            Identity::AssumedRole(role, _) => {
                arn::iam(self.partition, self.account, "role", &role.path, &role.name)
            }
            _ => self.make_arn(),
        }
    }

    /// `aws:userid`, which `GetCallerIdentity` shows as `UserId`.
    pub fn user_id(&self) -> &str {
        &self.known().user_id
    }

    pub(crate) fn make_user_id(&self) -> String {
        match &self.identity {
            Identity::Root => self.account.to_string(),
            Identity::User(user) => user.id.to_string(),
            Identity::AssumedRole(role, session) => format!("{}:{session}", role.id),
            Identity::FederatedUser(_, name) => format!("{}:{name}", self.account),
        }
    }

    /// `aws:PrincipalType`
    pub fn principal_type(&self) -> &'static str {
        match &self.identity {
            Identity::Root => "Account",
            Identity::User(_) => "User",
            Identity::AssumedRole(..) => "AssumedRole",
            Identity::FederatedUser(..) => "FederatedUser",
        }
    }

    /// The caller's tags: of a role's session, the session's over the role's.
    pub fn tags(&self) -> Vec<&Tag> {
        let session = self.session.iter().flat_map(|s| s.tags.iter());
        let own = match &self.identity {
            Identity::User(user) => Some(&user.tags),
            Identity::AssumedRole(role, _) => Some(&role.tags),
            Identity::Root | Identity::FederatedUser(..) => None,
        };
        let mut tags: Vec<&Tag> = session.collect();
        for tag in own.into_iter().flat_map(|tags| tags.iter()) {
            if !tags.iter().any(|t| t.key.eq_ignore_ascii_case(&tag.key)) {
                tags.push(tag);
            }
        }
        tags
    }

    /// Whether the caller is the root user of its account.
    pub fn is_root(&self) -> bool {
        matches!(self.identity, Identity::Root)
    }

    /// When the caller proved a second factor, if it did.
    pub fn mfa(&self) -> Option<Timestamp> {
        self.session.as_ref().and_then(|s| s.mfa)
    }
}
