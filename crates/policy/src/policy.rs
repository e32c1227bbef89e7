//! A named policy, parsed and compiled once, shared by everything it is attached to.

use std::fmt;
use std::sync::Arc;

use crate::compiled::CompiledPolicy;
use crate::document::{Document, Effect, Statement};
use crate::span::Position;

/// A policy with its name, document and compiled form. Cloning it copies a pointer, so a managed
/// policy that is attached a thousand times is compiled and held once.
#[derive(Clone)]
pub struct Policy(Arc<Parts>);

struct Parts {
    name: Arc<str>,
    arn: Option<Arc<str>>,
    document: Arc<Document>,
    compiled: CompiledPolicy,
}

impl Policy {
    /// Compiles a policy which has no ARN: inline, or attached to a resource.
    #[must_use]
    pub fn new(name: impl Into<Arc<str>>, document: impl Into<Arc<Document>>) -> Self {
        Self::build(name.into(), None, document.into())
    }

    /// Compiles a managed policy.
    #[must_use]
    pub fn managed(
        name: impl Into<Arc<str>>,
        arn: impl Into<Arc<str>>,
        document: impl Into<Arc<Document>>,
    ) -> Self {
        Self::build(name.into(), Some(arn.into()), document.into())
    }

    fn build(name: Arc<str>, arn: Option<Arc<str>>, document: Arc<Document>) -> Self {
        let compiled = CompiledPolicy::new(&document);
        Self(Arc::new(Parts { name, arn, document, compiled }))
    }

    /// The policy's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// The ARN of a managed policy.
    #[must_use]
    pub fn arn(&self) -> Option<&str> {
        self.0.arn.as_deref()
    }

    /// The parsed document.
    #[must_use]
    pub fn document(&self) -> &Arc<Document> {
        &self.0.document
    }

    /// Roughly how many bytes the policy holds: text, parsed and compiled form.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        size_of::<Parts>() + self.0.document.heap_bytes() + self.0.compiled.heap_bytes()
    }

    pub(crate) fn compiled(&self) -> &CompiledPolicy {
        &self.0.compiled
    }

    /// Whether both are the same policy in memory.
    pub(crate) fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Policy").field("name", &self.name()).field("arn", &self.arn()).finish_non_exhaustive()
    }
}

/// A statement of a policy in a set.
#[derive(Clone, Copy)]
pub struct StatementRef<'p> {
    /// The policy.
    pub policy: &'p Policy,
    /// Which of its statements, from 0.
    pub index: usize,
}

impl<'p> StatementRef<'p> {
    /// The statement as parsed.
    #[must_use]
    pub fn statement(&self) -> Option<&'p Statement> {
        self.policy.document().statements().get(self.index)
    }

    /// Its `Sid`.
    #[must_use]
    pub fn sid(&self) -> Option<&'p str> {
        self.statement().and_then(|statement| self.policy.document().sid(statement))
    }

    /// Its effect.
    #[must_use]
    pub fn effect(&self) -> Option<Effect> {
        self.statement().map(|statement| statement.effect)
    }

    /// Where it starts in the stored document.
    #[must_use]
    pub fn position(&self) -> Option<Position> {
        self.statement().map(|statement| self.policy.document().position(statement.span))
    }
}

impl PartialEq for StatementRef<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.index == other.index && self.policy.is(other.policy)
    }
}

impl Eq for StatementRef<'_> {}

impl fmt::Debug for StatementRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]", self.policy.name(), self.index)
    }
}
