//! The compiled form of one policy: every text has become a matcher, every condition a typed test.

mod action;
mod condition;
mod principal;
mod resource;
mod statement;

pub(crate) use action::{ActionName, Actions};
pub(crate) use condition::{Condition, Mismatch};
pub(crate) use principal::{PrincipalMatch, Principals};
pub(crate) use resource::Resources;
pub(crate) use statement::{Query, Statement};

use crate::document::Document;

/// The statements of one policy in their compiled form, in the document's order.
pub(crate) struct CompiledPolicy {
    pub(crate) statements: Box<[Statement]>,
}

impl CompiledPolicy {
    pub(crate) fn new(document: &Document) -> Self {
        let statements = document.statements().iter().map(|statement| Statement::new(document, statement));
        Self { statements: statements.collect() }
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let within: usize = self.statements.iter().map(Statement::heap_bytes).sum();
        size_of_val::<[Statement]>(&self.statements) + within
    }
}
