//! Several policies of one kind, evaluated together.

use std::fmt;
use std::sync::Arc;

use crate::compiled::{PrincipalMatch, Query, Statement};
use crate::decision::Request;
use crate::document::Effect;
use crate::index::Index;
use crate::kind::PolicyKind;
use crate::policy::{Policy, StatementRef};

/// Policies of one kind which apply together, such as all that are attached to a user and its groups.
/// Cloning copies a pointer. Principals with the same policies should share one set.
#[derive(Clone)]
pub struct PolicySet(Arc<Inner>);

struct Inner {
    kind: PolicyKind,
    policies: Box<[Policy]>,
    /// For sets of many statements; few are looked at one by one.
    index: Option<Box<Index>>,
}

/// Up to here looking at every statement costs less than an index, in time and in memory.
const FEW_STATEMENTS: usize = 16;

/// What the policies of one set say to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evaluation<'p> {
    /// This statement denies it.
    Denied(StatementRef<'p>),
    /// This statement allows it and none denies it.
    Allowed(StatementRef<'p>),
    /// No statement matches.
    NoMatch,
}

/// What a set has to say, as the decision needs it.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Finding<'p> {
    pub(crate) deny: Option<StatementRef<'p>>,
    /// The statement which allows it and names the caller most closely.
    pub(crate) allow: Option<(StatementRef<'p>, PrincipalMatch)>,
}

impl PolicySet {
    /// Puts policies together and indexes them. The policies themselves are compiled already.
    #[must_use]
    pub fn compile(kind: PolicyKind, policies: impl IntoIterator<Item = Policy>) -> Self {
        let policies: Box<[Policy]> = policies.into_iter().collect();
        let statements: usize = policies.iter().map(|policy| policy.compiled().statements.len()).sum();
        let index = (statements > FEW_STATEMENTS).then(|| Box::new(Index::new(&policies)));
        Self(Arc::new(Inner { kind, policies, index }))
    }

    /// The kind of all the policies.
    #[must_use]
    pub fn kind(&self) -> PolicyKind {
        self.0.kind
    }

    /// The policies in order.
    #[must_use]
    pub fn policies(&self) -> &[Policy] {
        &self.0.policies
    }

    /// What these policies alone say to a request; of those with principals, the statements which name the caller.
    #[must_use]
    pub fn evaluate(&self, request: &Request<'_>) -> Evaluation<'_> {
        match self.find(&Query::new(request)) {
            Finding { deny: Some(statement), .. } => Evaluation::Denied(statement),
            Finding { allow: Some((statement, _)), .. } => Evaluation::Allowed(statement),
            Finding { deny: None, allow: None } => Evaluation::NoMatch,
        }
    }

    /// Every statement that matches a request, allowing or denying, in order.
    #[must_use]
    pub fn matching_statements(&self, request: &Request<'_>) -> Vec<StatementRef<'_>> {
        let query = Query::new(request);
        let matching = self.statements().filter(|(_, statement)| statement.matches(&query).is_some());
        matching.map(|(reference, _)| reference).collect()
    }

    /// Roughly how many bytes the set holds besides the policies, which others may share.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let index = self.0.index.as_deref().map_or(0, |index| size_of::<Index>() + index.heap_bytes());
        size_of::<Inner>() + size_of_val::<[Policy]>(&self.0.policies) + index
    }

    /// Every statement in order.
    pub(crate) fn statements(&self) -> impl Iterator<Item = (StatementRef<'_>, &Statement)> {
        self.0.policies.iter().flat_map(|policy| {
            let statements = policy.compiled().statements.iter().enumerate();
            statements.map(move |(index, statement)| (StatementRef { policy, index }, statement))
        })
    }

    /// The statements among which a near miss is looked for.
    pub(crate) fn near_statements(&self, query: &Query<'_>) -> Vec<(StatementRef<'_>, &Statement)> {
        match &self.0.index {
            Some(index) => index.near(&self.0.policies, query),
            None => self.statements().collect(),
        }
    }

    pub(crate) fn find(&self, query: &Query<'_>) -> Finding<'_> {
        if let Some(index) = &self.0.index {
            return index.find(&self.0.policies, query);
        }
        let mut finding = Finding::default();
        for (reference, statement) in self.statements() {
            if statement.effect == Effect::Allow && finding.is_settled() {
                continue;
            }
            if let Some(principal) = statement.matches(query)
                && !query.excludes(reference)
            {
                finding.add(statement.effect, reference, principal);
                if finding.deny.is_some() {
                    return finding;
                }
            }
        }
        finding
    }
}

impl<'p> Finding<'p> {
    /// Whether another statement that allows would change nothing.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.allow, Some((_, PrincipalMatch::Direct)))
    }

    pub(crate) fn add(&mut self, effect: Effect, statement: StatementRef<'p>, principal: PrincipalMatch) {
        match effect {
            Effect::Deny => self.deny = Some(statement),
            Effect::Allow if self.allow.is_none_or(|(_, closest)| closest < principal) => {
                self.allow = Some((statement, principal));
            }
            Effect::Allow => {}
        }
    }
}

impl fmt::Debug for PolicySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PolicySet")
            .field("kind", &self.kind())
            .field("policies", &self.policies())
            .finish_non_exhaustive()
    }
}
