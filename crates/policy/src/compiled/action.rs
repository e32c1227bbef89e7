//! `Action` and `NotAction`.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_action.html>

use smallvec::SmallVec;

use crate::context::Context;
use crate::document::{Document, ListElement, Version};
use crate::pattern::Pattern;

/// The actions of a statement.
#[derive(Debug)]
pub(crate) struct Actions {
    negated: bool,
    /// Sorted by service, those of any service first.
    patterns: Box<[ActionPattern]>,
}

/// One action, in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ActionPattern {
    pub(crate) service: Service,
    pub(crate) pattern: Pattern,
}

/// A service's namespace as a number, so that most actions of other services are passed over at once.
/// Equal numbers are not proof; the whole action is matched after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Service(pub(crate) u32);

impl Service {
    /// Of actions which match in every service.
    pub(crate) const ANY: Self = Self(0);

    fn of(action: &[u8]) -> Self {
        let mut hash = 0x811C_9DC5_u32;
        for byte in action.iter().take_while(|byte| **byte != b':') {
            hash = (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193);
        }
        Self(hash | 1)
    }
}

/// The action of a request, in lower case.
pub(crate) struct ActionName {
    text: SmallVec<[u8; 64]>,
    pub(crate) service: Service,
}

impl ActionName {
    pub(crate) fn new(action: &str) -> Self {
        let mut text: SmallVec<[u8; 64]> = SmallVec::from_slice(action.as_bytes());
        text.make_ascii_lowercase();
        let service = Service::of(&text);
        Self { text, service }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.text
    }
}

impl Actions {
    pub(crate) fn new(document: &Document, element: &ListElement) -> Self {
        let texts = element.values.iter().map(|value| document.text(value));
        let mut patterns: Vec<ActionPattern> = texts.map(ActionPattern::new).collect();
        patterns.sort_by_key(|pattern| pattern.service);
        Self { negated: element.negated, patterns: patterns.into() }
    }

    pub(crate) const fn is_negated(&self) -> bool {
        self.negated
    }

    pub(crate) const fn patterns(&self) -> &[ActionPattern] {
        &self.patterns
    }

    pub(crate) fn matches(&self, action: &ActionName) -> bool {
        let matches = |pattern: &ActionPattern| {
            let of_service = pattern.service == action.service || pattern.service == Service::ANY;
            of_service && pattern.matches(action.as_bytes())
        };
        // Few are scanned quicker than they are searched.
        let hit = match self.patterns.len() {
            0..16 => self.patterns.iter().any(matches),
            _ => self.of_service(Service::ANY).any(matches) || self.of_service(action.service).any(matches),
        };
        hit != self.negated
    }

    fn of_service(&self, service: Service) -> impl Iterator<Item = &ActionPattern> {
        let start = self.patterns.partition_point(|pattern| pattern.service < service);
        self.patterns.iter().skip(start).take_while(move |pattern| pattern.service == service)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let texts: usize = self.patterns.iter().map(|pattern| pattern.pattern.heap_bytes()).sum();
        size_of_val::<[ActionPattern]>(&self.patterns) + texts
    }
}

impl ActionPattern {
    fn new(text: &str) -> Self {
        let lower = text.to_ascii_lowercase();
        let any = lower.split(':').next().is_some_and(|vendor| vendor.contains(['*', '?']));
        let service = if any { Service::ANY } else { Service::of(lower.as_bytes()) };
        // A variable is no variable in an action, so this is the version that has none.
        Self { service, pattern: Pattern::wildcards(&lower, Version::V2008) }
    }

    #[inline]
    pub(crate) fn matches(&self, action: &[u8]) -> bool {
        const NO_VARIABLES: &Context = &Context::new();
        self.pattern.matches(action, NO_VARIABLES)
    }
}
