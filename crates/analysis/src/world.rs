//! What questions are asked about: an account as it is told of, in a snapshot that no store holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use rolecall_access::RequestFacts;
use rolecall_account_details::Details;
use rolecall_policy::{Document, Grammar, Policy, PolicyKind, PolicySet};
use rolecall_state::entities::AccountRecord;
use rolecall_state::snapshot::Account;
use rolecall_state::{AccountId, MasterKey, Partition, Snapshot, Timestamp};
use rolecall_sts::reach::{Reach, Who};

use crate::{AnalysisError, Control, Controls};

/// What is known of an account.
#[derive(Debug)]
pub struct Given {
    /// Users, groups, roles and policies.
    pub details: Details,
    /// The organization's policies over it, where they are known.
    pub controls: Option<Controls>,
    /// Policies of resources, by the ARN of the resource.
    pub resource_policies: BTreeMap<String, Control>,
    /// The time for which is asked.
    pub now: Timestamp,
    /// What is not known, a sentence each.
    pub unknown: Vec<String>,
}

/// An account that can be asked questions. Policies are compiled when a question first needs them.
pub struct World {
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) account: Arc<Account>,
    pub(crate) partition: Partition,
    pub(crate) facts: RequestFacts,
    pub(crate) resource_policies: Vec<(String, PolicySet)>,
    /// What is not known, a sentence each.
    pub unknown: Vec<String>,
}

impl World {
    /// Puts an account together.
    ///
    /// # Errors
    /// When something of it is no good.
    pub fn of(given: Given) -> Result<Self, AnalysisError> {
        let Given { mut details, controls, resource_policies, now, mut unknown } = given;
        // Everyone is there who is named; so policies are explained by the ARNs that they have, and not by unique ids.
        details.roles.iter_mut().for_each(|role| role.trust_bindings.clear());
        let left_out = details.left_out.iter();
        unknown.extend(left_out.map(|what| format!("{what}: it was left out.")));
        let id = details.account;
        let master = MasterKey::new([0; MasterKey::LEN]);
        let master = master.ok_or_else(|| AnalysisError::Document("there is no key to begin with".into()))?;
        let snapshot = Snapshot::unstored(id, master, |txn| {
            txn.create_record(&AccountRecord::new(id, "root".to_owned(), now));
            details.write_unmarked(txn);
            controls.iter().for_each(|controls| controls.write(txn, id, now));
        })?;
        let gone = || AnalysisError::Document(format!("the account {id} is not there"));
        let account = snapshot.account(id).cloned().ok_or_else(gone)?;
        let facts = RequestFacts {
            now,
            source_ip: None,
            user_agent: None,
            referer: None,
            secure_transport: true,
            region: "us-east-1".into(),
        };
        let compiled = resource_policies.into_iter().map(|(arn, given)| Ok((arn, resource_set(&given)?)));
        Ok(Self {
            account,
            partition: details.partition,
            facts,
            resource_policies: compiled.collect::<Result<_, AnalysisError>>()?,
            unknown,
            snapshot: Arc::new(snapshot),
        })
    }

    /// The account.
    #[must_use]
    pub fn account_id(&self) -> AccountId {
        self.account.id()
    }

    /// The policy of a resource, or of the bucket that an object is in; none where there is none.
    pub(crate) fn resource_policy(&self, resource: &str) -> Option<&PolicySet> {
        let covers = |arn: &str| {
            resource.strip_prefix(arn).is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', ':']))
        };
        self.resource_policies.iter().find(|(arn, _)| covers(arn)).map(|(_, set)| set)
    }

    /// All users and roles.
    pub(crate) fn principals(&self) -> Vec<Who> {
        let users = self.account.users.iter().cloned().map(Who::User);
        users.chain(self.account.roles.iter().cloned().map(Who::Role)).collect()
    }

    /// Where it is asked who may become whom.
    pub(crate) fn reach(&self) -> Reach<'_> {
        Reach {
            snapshot: &self.snapshot,
            account: &self.account,
            partition: self.partition,
            facts: &self.facts,
        }
    }
}

fn resource_set(given: &Control) -> Result<PolicySet, AnalysisError> {
    let kind = PolicyKind::Resource;
    let document = Document::parse(given.document.clone(), Grammar::evaluated(kind));
    let document = document.map_err(|cause| AnalysisError::Document(format!("{}: {cause}", given.name)))?;
    Ok(PolicySet::compile(kind, [Policy::new(given.name.as_str(), document)]))
}
