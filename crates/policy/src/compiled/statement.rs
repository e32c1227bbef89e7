//! One statement in its compiled form.

use super::{ActionName, Actions, Condition, PrincipalMatch, Principals, Resources};
use crate::decision::Request;
use crate::document::{self, Document, Effect};
use crate::policy::StatementRef;

/// A statement, ready to be matched.
pub(crate) struct Statement {
    pub(crate) effect: Effect,
    pub(crate) actions: Actions,
    /// `None` matches every resource: a trust policy's role, a policy's own resource.
    pub(crate) resources: Option<Resources>,
    /// `None` matches every principal: whoever the policy is attached to.
    pub(crate) principals: Option<Principals>,
    /// The cheapest first.
    pub(crate) conditions: Box<[Ordered]>,
}

/// A condition with its place in the document.
pub(crate) struct Ordered {
    pub(crate) condition: Condition,
    /// Which entry of the document's statement it is.
    pub(crate) place: u16,
}

/// A request made ready to be matched with many statements.
pub(crate) struct Query<'r> {
    pub(crate) request: Request<'r>,
    pub(crate) action: ActionName,
    /// A statement to leave out, to see what would be without it.
    excluded: Option<StatementRef<'r>>,
}

impl<'r> Query<'r> {
    pub(crate) fn new(request: &Request<'r>) -> Self {
        Self { request: *request, action: ActionName::new(request.action), excluded: None }
    }

    pub(crate) fn without(&self, excluded: StatementRef<'r>) -> Self {
        Self { excluded: Some(excluded), ..Self::new(&self.request) }
    }

    /// Whether this is the statement to be left out.
    pub(crate) fn excludes(&self, statement: StatementRef<'_>) -> bool {
        self.excluded.is_some_and(|excluded| excluded == statement)
    }
}

impl Statement {
    pub(crate) fn new(document: &Document, statement: &document::Statement) -> Self {
        let mut conditions: Vec<Ordered> = statement
            .conditions
            .iter()
            .zip(0..)
            .map(|(entry, place)| Ordered { condition: Condition::new(document, entry), place })
            .collect();
        conditions.sort_by_key(|ordered| ordered.condition.cost());
        Self {
            effect: statement.effect,
            actions: Actions::new(document, &statement.action),
            resources: statement.resource.as_ref().map(|element| Resources::new(document, element)),
            principals: statement.principal.as_ref().map(|element| Principals::new(document, element)),
            conditions: conditions.into(),
        }
    }

    /// How the statement names the caller, if everything about it matches the request.
    pub(crate) fn matches(&self, query: &Query<'_>) -> Option<PrincipalMatch> {
        let matches = self.actions.matches(&query.action) && self.matches_resource(query);
        if !matches {
            return None;
        }
        let principal = self.matches_principal(query);
        let matches = principal != PrincipalMatch::No && self.holds(query);
        matches.then_some(principal)
    }

    pub(crate) fn matches_resource(&self, query: &Query<'_>) -> bool {
        let Request { resource, context, .. } = &query.request;
        self.resources.as_ref().is_none_or(|resources| resources.matches(resource, context))
    }

    pub(crate) fn matches_principal(&self, query: &Query<'_>) -> PrincipalMatch {
        let Request { principal, context, .. } = &query.request;
        match &self.principals {
            Some(principals) => principals.matches(self.effect, principal, context),
            None => PrincipalMatch::Direct,
        }
    }

    pub(crate) fn holds(&self, query: &Query<'_>) -> bool {
        self.conditions.iter().all(|ordered| ordered.condition.holds(query.request.context))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let conditions: usize =
            self.conditions.iter().map(|ordered| size_of::<Ordered>() + ordered.condition.heap_bytes()).sum();
        let resources = self.resources.as_ref().map_or(0, Resources::heap_bytes);
        let principals = self.principals.as_ref().map_or(0, Principals::heap_bytes);
        self.actions.heap_bytes() + resources + principals + conditions
    }
}
