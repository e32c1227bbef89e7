//! `Resource` and `NotResource`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html>

use crate::context::Context;
use crate::document::{Document, ListElement};
use crate::pattern::Pattern;

/// The resources of a statement.
#[derive(Debug)]
pub(crate) struct Resources {
    negated: bool,
    patterns: Box<[Pattern]>,
}

impl Resources {
    pub(crate) fn new(document: &Document, element: &ListElement) -> Self {
        let version = document.version();
        let texts = element.values.iter().map(|value| document.text(value));
        let patterns = texts.map(|text| Pattern::wildcards(text, version)).collect();
        Self { negated: element.negated, patterns }
    }

    pub(crate) const fn is_negated(&self) -> bool {
        self.negated
    }

    pub(crate) const fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    pub(crate) fn matches(&self, resource: &str, context: &Context) -> bool {
        let hit = self.patterns.iter().any(|pattern| pattern.matches(resource.as_bytes(), context));
        if self.negated { !hit && self.unresolved(context).is_none() } else { hit }
    }

    /// The first variable without a value. It keeps `NotResource` from matching: an element whose
    /// variables can't be filled in does not match.
    pub(crate) fn unresolved(&self, context: &Context) -> Option<&str> {
        self.patterns.iter().find_map(|pattern| pattern.unresolved(context))
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val::<[Pattern]>(&self.patterns)
            + self.patterns.iter().map(Pattern::heap_bytes).sum::<usize>()
    }
}
