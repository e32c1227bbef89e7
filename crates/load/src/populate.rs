//! Many principals in a short time: written through the state's own transactions into a store that no
//! server has open, so that everything is as the API would have left it.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clap::Args;
use rolecall_state::entities::{AccountRecord, Format, ManagedPolicy, PolicyVersion, Role, RootUser, User};
use rolecall_state::{
    AccessKeyId, AccountId, IdKind, Partition, PolicyRef, State, StateError, SystemEntropy, Timestamp, Txn,
    UniqueId, access_keys, arn,
};

use crate::callers::Caller;
use crate::requests::{Credentials, now};
use crate::stored::{self, StoredArgs};

/// The file in the data directory with the users that have access keys.
const CALLERS_FILE: &str = "load-callers";
/// The first account: the one that a server makes by itself.
const FIRST_ACCOUNT: u64 = 123_456_789_012;
/// Managed policies of each account.
const POLICIES: usize = 10;
/// Policies attached to each principal.
const ATTACHED: usize = 2;
/// Principals in one transaction: each is one write and a mark for each policy, and the store takes
/// 120 writes at once.
const BATCH: usize = 36;
/// Transactions under way at once: they share the store's syncs.
const WRITERS: usize = 16;

/// What to make.
#[derive(Args)]
pub(crate) struct PopulateArgs {
    #[command(flatten)]
    stored: StoredArgs,
    /// Accounts; the first is 123456789012, and the others follow it.
    #[arg(long, default_value_t = 1)]
    accounts: usize,
    /// Users in all, spread evenly over the accounts.
    #[arg(long, default_value_t = 1_000)]
    users: usize,
    /// Roles in all, spread evenly over the accounts. Each trusts its account.
    #[arg(long, default_value_t = 200)]
    roles: usize,
    /// Every which user gets an access key; 0 is none. All have the secret of the environment's keys, and
    /// they are listed in `DATA/load-callers`.
    #[arg(long, default_value_t = 10)]
    keyed: usize,
}

/// What each transaction of a run knows.
struct Run {
    state: State,
    secret: String,
    now: Timestamp,
    keyed: usize,
}

/// An access key that was made, and the number of the user who has it.
type Keyed = (AccessKeyId, usize);

/// Fills the store.
pub(crate) async fn run(args: &PopulateArgs) -> Result<(), String> {
    let credentials = Credentials::from_environment()?;
    let began = Instant::now();
    let store = args.stored.open_store().await?;
    let state = State::open(store.clone(), stored::master_key()?).await.map_err(text)?;
    let secret = credentials.secret_text.clone();
    let run = Arc::new(Run { state, secret, now: Timestamp(now().0), keyed: args.keyed });
    let accounts = accounts(args.accounts)?;
    let mut callers = Vec::new();
    for (number, account) in accounts.iter().enumerate() {
        let root = (number == 0).then_some(&credentials);
        run.make_account(*account, root).await.map_err(text)?;
        let policies = Arc::new(run.make_policies(*account).await.map_err(text)?);
        let users = share(args.users, accounts.len(), number);
        let roles = share(args.roles, accounts.len(), number);
        // What its users may ask for is one of its own roles.
        let role = roles.clone().next();
        for (key, user) in run.make_principals(*account, &policies, users, roles).await? {
            let (user, role) = (user_arn(*account, user), role.map(|role| role_arn(*account, role)));
            callers.push(Caller { key: key.to_string(), user, role });
        }
    }
    store.close().await;
    write_callers(&args.stored.data, &callers)?;
    let (made, seconds) = (args.users + args.roles, began.elapsed().as_secs_f64());
    writeln!(
        std::io::stdout(),
        "{} accounts, {} users and {} roles in {seconds:.1} s ({:.0} principals a second); {} access keys",
        accounts.len(),
        args.users,
        args.roles,
        made as f64 / seconds,
        callers.len()
    )
    .map_err(text)
}

fn path_of(number: usize) -> String {
    format!("/team{}/", number % 50)
}

fn user_arn(account: AccountId, number: usize) -> String {
    arn::iam(Partition::Aws, account, "user", &path_of(number), &format!("user-{number}"))
}

fn role_arn(account: AccountId, number: usize) -> String {
    arn::iam(Partition::Aws, account, "role", &path_of(number), &format!("role-{number}"))
}

fn text(cause: impl std::fmt::Display) -> String {
    cause.to_string()
}

fn accounts(count: usize) -> Result<Vec<AccountId>, String> {
    let ids = (FIRST_ACCOUNT..).take(count.max(1)).map(AccountId::from_number);
    ids.collect::<Option<_>>().ok_or_else(|| "there are not that many account ids".to_owned())
}

/// The `number`th of `parts` shares of `all`, as even as can be.
fn share(all: usize, parts: usize, number: usize) -> std::ops::Range<usize> {
    all * number / parts..all * (number + 1) / parts
}

fn write_callers(data: &Path, callers: &[Caller]) -> Result<(), String> {
    let path = data.join(CALLERS_FILE);
    let lines: String = callers.iter().map(|caller| format!("{}\n", caller.line())).collect();
    std::fs::write(&path, lines).map_err(|cause| format!("{}: {cause}", path.display()))
}

impl Run {
    async fn make_account(&self, account: AccountId, root: Option<&Credentials>) -> Result<(), StateError> {
        self.state
            .write(account, |txn| {
                let keys = root.map(|root| {
                    let id = AccessKeyId::from_presented(&root.access_key_id);
                    access_keys::import(id, &self.secret, txn.master(), self.now, &SystemEntropy).0
                });
                let root = RootUser { access_keys: keys.into_iter().collect(), login_profile: None };
                let name = format!("account-{account}");
                txn.create_record(&AccountRecord { root, ..AccountRecord::new(account, name, self.now) });
                if txn.snapshot().key_ring().newest().is_none() {
                    txn.rotate_key_ring(self.now, &SystemEntropy);
                }
                Ok(())
            })
            .await
    }

    async fn make_policies(&self, account: AccountId) -> Result<Vec<(PolicyRef, UniqueId)>, StateError> {
        let make = |number| self.policy(number);
        let policies: Vec<ManagedPolicy> = (0..POLICIES).map(make).collect();
        let write = |txn: &mut Txn| {
            policies.iter().for_each(|policy| txn.put(policy));
            Ok::<_, StateError>(())
        };
        self.state.write(account, write).await?;
        Ok(policies.into_iter().map(|policy| (PolicyRef::Customer(policy.key()), policy.id)).collect())
    }

    fn policy(&self, number: usize) -> ManagedPolicy {
        let document = format!(
            r#"{{"Version": "2012-10-17", "Statement": [
  {{"Sid": "Read", "Effect": "Allow", "Action": ["s3:Get*", "s3:List*"], "Resource": ["arn:aws:s3:::team-{number}", "arn:aws:s3:::team-{number}/*"]}},
  {{"Sid": "Own", "Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::team-{number}/${{aws:username}}/*"}},
  {{"Sid": "Look", "Effect": "Allow", "Action": ["iam:Get*", "iam:List*", "iam:SimulatePrincipalPolicy", "sts:AssumeRole", "s3:ListAllMyBuckets"], "Resource": "*"}}]}}"#
        );
        let version = PolicyVersion { number: 1, document: document.into(), created: self.now };
        ManagedPolicy {
            v: Format,
            id: UniqueId::generate(IdKind::ManagedPolicy, &SystemEntropy),
            name: format!("team-{number}"),
            path: "/teams/".into(),
            description: None,
            created: self.now,
            updated: self.now,
            tags: Default::default(),
            versions: vec![version],
            default_version: 1,
            last_version: 1,
        }
    }

    async fn make_principals(
        self: &Arc<Self>,
        account: AccountId,
        policies: &Arc<Vec<(PolicyRef, UniqueId)>>,
        users: std::ops::Range<usize>,
        roles: std::ops::Range<usize>,
    ) -> Result<Vec<Keyed>, String> {
        let batches = |all: std::ops::Range<usize>, kind| {
            let ends = all.end;
            all.step_by(BATCH).map(move |from| (kind, from..ends.min(from + BATCH)))
        };
        let mut batches = batches(users, IdKind::User).chain(batches(roles, IdKind::Role));
        let (mut under_way, mut keys) = (tokio::task::JoinSet::new(), Vec::new());
        loop {
            while under_way.len() < WRITERS {
                let Some((kind, numbers)) = batches.next() else { break };
                let (run, policies) = (self.clone(), policies.clone());
                under_way.spawn(async move { run.make_batch(account, kind, numbers, &policies).await });
            }
            match under_way.join_next().await {
                Some(done) => keys.extend(done.map_err(text)?.map_err(text)?),
                None => return Ok(keys),
            }
        }
    }

    async fn make_batch(
        &self,
        account: AccountId,
        kind: IdKind,
        numbers: std::ops::Range<usize>,
        policies: &[(PolicyRef, UniqueId)],
    ) -> Result<Vec<Keyed>, StateError> {
        self.state
            .write(account, |txn| {
                let mut keys = Vec::new();
                for number in numbers.clone() {
                    let held = policies.iter().cycle().skip(number % POLICIES).take(ATTACHED);
                    let attached = held.clone().map(|(policy, _)| policy.clone()).collect();
                    let id = UniqueId::generate(kind, &SystemEntropy);
                    held.for_each(|(_, policy)| txn.refer(policy, "attached", &id));
                    if kind == IdKind::Role {
                        txn.put(&Role { attached, ..self.role(account, id, number) });
                        continue;
                    }
                    let mut user = User { attached, ..self.user(id, number) };
                    if self.keyed > 0 && number.is_multiple_of(self.keyed) {
                        let id = AccessKeyId::long_term(account, &SystemEntropy);
                        let (key, _) =
                            access_keys::import(id, &self.secret, txn.master(), self.now, &SystemEntropy);
                        keys.push((key.id.clone(), number));
                        user.access_keys.push(key);
                    }
                    txn.put(&user);
                }
                Ok(keys)
            })
            .await
    }

    fn user(&self, id: UniqueId, number: usize) -> User {
        User {
            v: Format,
            id,
            name: format!("user-{number}"),
            path: path_of(number),
            created: self.now,
            tags: Default::default(),
            boundary: None,
            inline: Default::default(),
            attached: Default::default(),
            groups: Default::default(),
            access_keys: Vec::new(),
            login_profile: None,
            ssh_keys: Vec::new(),
            signing_certificates: Vec::new(),
            service_credentials: Vec::new(),
        }
    }

    fn role(&self, account: AccountId, id: UniqueId, number: usize) -> Role {
        let trust = format!(
            r#"{{"Version": "2012-10-17", "Statement": [{{"Effect": "Allow", "Principal": {{"AWS": "arn:aws:iam::{account}:root"}}, "Action": "sts:AssumeRole"}}]}}"#
        );
        Role {
            v: Format,
            id,
            name: format!("role-{number}"),
            path: path_of(number),
            created: self.now,
            description: None,
            max_session_seconds: 3_600,
            trust_policy: trust.into(),
            trust_bindings: Default::default(),
            tags: Default::default(),
            boundary: None,
            inline: Default::default(),
            attached: Default::default(),
            linked_service: None,
            source: None,
        }
    }
}
