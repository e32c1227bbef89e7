//! An index over the statements of many policies, so that a decision looks at few of them.
//!
//! Every distinct action and resource pattern is held once, found by its literal prefix, with the
//! statements it stands in. A request's action and resource give two sets of statements; what is in
//! both is looked at in order, those that deny first. Distinct conditions are tested once a request.

mod patterns;
mod statements;
mod tree;

use std::hash::{BuildHasherDefault, Hasher};

use hashbrown::HashMap;

use crate::compiled::{Condition, PrincipalMatch, Query, Statement};
use crate::context::Context;
use crate::document::Effect;
use crate::pattern::Pattern;
use crate::policy::{Policy, StatementRef};
use crate::set::Finding;
use patterns::PatternIndex;
use statements::{Bits, Members};

/// The index of a set. Statements have a number in it: first those that deny, then those that allow,
/// both in the set's order.
pub(crate) struct Index {
    entries: Box<[Entry]>,
    actions: PatternIndex,
    resources: PatternIndex,
    /// The statements for which the action index can't speak: `NotAction`.
    any_action: Members,
    /// The statements for which the resource index can't speak: `NotResource`, or no resource at all.
    any_resource: Members,
    conditions: Box<[Condition]>,
    /// The numbers of each statement's conditions, one statement after the other.
    condition_numbers: Box<[u32]>,
}

#[derive(Clone, Copy)]
struct Entry {
    policy: u32,
    statement: u32,
    effect: Effect,
    /// Whether something besides the conditions is still to be looked at.
    verify: bool,
    /// Where its conditions start in `condition_numbers`; the next entry's start is their end.
    conditions: u32,
}

impl Index {
    pub(crate) fn new(policies: &[Policy]) -> Self {
        let mut builder = Builder::new(policies);
        for effect in [Effect::Deny, Effect::Allow] {
            for (policy, number) in policies.iter().zip(0..) {
                for (statement, place) in policy.compiled().statements.iter().zip(0..) {
                    if statement.effect == effect {
                        builder.add(statement, number, place);
                    }
                }
            }
        }
        builder.finish()
    }

    /// What the set has to say to a request.
    pub(crate) fn find<'p>(&self, policies: &'p [Policy], query: &Query<'_>) -> Finding<'p> {
        let mut candidates = Bits::new(self.entries.len());
        self.candidates(query, &mut candidates);
        let mut finding = Finding::default();
        let mut tested = Tested::new(&self.conditions, query.request.context);
        for number in candidates.iter() {
            let Some((entry, reference, statement)) = self.entry(policies, number) else { continue };
            if entry.effect == Effect::Allow && finding.is_settled() {
                break;
            }
            if let Some(principal) = self.matches(number, entry, statement, query, &mut tested)
                && !query.excludes(reference)
            {
                finding.add(entry.effect, reference, principal);
                if finding.deny.is_some() {
                    break;
                }
            }
        }
        finding
    }

    /// The statements that come nearest to matching: those whose action and resource match, or else
    /// those whose action does, or else those whose resource does; or else all.
    pub(crate) fn near<'p>(
        &self,
        policies: &'p [Policy],
        query: &Query<'_>,
    ) -> Vec<(StatementRef<'p>, &'p Statement)> {
        let size = self.entries.len();
        let (mut by_action, mut by_resource) = (Bits::new(size), Bits::new(size));
        self.match_action(query, &mut by_action);
        self.match_resource(query, &mut by_resource);
        let mut both = by_action.clone();
        both.intersect(&by_resource);
        let mut all = Bits::new(size);
        all.fill();
        let allows = |bits: &Bits| {
            let entries = bits.iter().filter_map(|number| self.entry(policies, number));
            let entries = entries.filter(|(entry, ..)| entry.effect == Effect::Allow);
            entries.map(|(_, reference, statement)| (reference, statement)).collect::<Vec<_>>()
        };
        let choices = [both, by_action, by_resource, all];
        choices.iter().map(allows).find(|found| !found.is_empty()).unwrap_or_default()
    }

    fn candidates(&self, query: &Query<'_>, candidates: &mut Bits) {
        self.match_action(query, candidates);
        if candidates.is_empty() {
            return;
        }
        let mut by_resource = Bits::new(self.entries.len());
        self.match_resource(query, &mut by_resource);
        candidates.intersect(&by_resource);
    }

    fn match_action(&self, query: &Query<'_>, found: &mut Bits) {
        const NO_VARIABLES: &Context = &Context::new();
        found.add(&self.any_action);
        self.actions.find(query.action.as_bytes(), NO_VARIABLES, found);
    }

    fn match_resource(&self, query: &Query<'_>, found: &mut Bits) {
        found.add(&self.any_resource);
        self.resources.find(query.request.resource.as_bytes(), query.request.context, found);
    }

    fn entry<'p>(
        &self,
        policies: &'p [Policy],
        number: usize,
    ) -> Option<(Entry, StatementRef<'p>, &'p Statement)> {
        let entry = *self.entries.get(number)?;
        let policy = policies.get(entry.policy as usize)?;
        let index = entry.statement as usize;
        let statement = policy.compiled().statements.get(index)?;
        Some((entry, StatementRef { policy, index }, statement))
    }

    fn matches(
        &self,
        number: usize,
        entry: Entry,
        statement: &Statement,
        query: &Query<'_>,
        tested: &mut Tested<'_>,
    ) -> Option<PrincipalMatch> {
        let mut principal = PrincipalMatch::Direct;
        if entry.verify {
            principal = statement.matches_principal(query);
            let matches = principal != PrincipalMatch::No
                && statement.actions.matches(&query.action)
                && statement.matches_resource(query);
            if !matches {
                return None;
            }
        }
        let end = self
            .entries
            .get(number + 1)
            .map_or(self.condition_numbers.len(), |next| next.conditions as usize);
        let numbers = self.condition_numbers.get(entry.conditions as usize..end).unwrap_or_default();
        numbers.iter().all(|number| tested.holds(*number)).then_some(principal)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let conditions: usize = self.conditions.iter().map(Condition::heap_bytes).sum();
        size_of_val::<[Entry]>(&self.entries)
            + size_of_val::<[u32]>(&self.condition_numbers)
            + size_of_val::<[Condition]>(&self.conditions)
            + conditions
            + self.actions.heap_bytes()
            + self.resources.heap_bytes()
            + self.any_action.heap_bytes()
            + self.any_resource.heap_bytes()
    }
}

/// How many conditions are remembered; those beyond are tested each time.
const REMEMBERED: usize = 512;

/// The conditions that have been tested for a request, and how they came out.
struct Tested<'a> {
    conditions: &'a [Condition],
    context: &'a Context,
    known: [u64; REMEMBERED / 64],
    held: [u64; REMEMBERED / 64],
}

impl<'a> Tested<'a> {
    const fn new(conditions: &'a [Condition], context: &'a Context) -> Self {
        Self { conditions, context, known: [0; REMEMBERED / 64], held: [0; REMEMBERED / 64] }
    }

    fn holds(&mut self, number: u32) -> bool {
        let (word, bit) = (number as usize / 64, 1_u64 << (number % 64));
        let test =
            || self.conditions.get(number as usize).is_some_and(|condition| condition.holds(self.context));
        let (Some(known), Some(held)) = (self.known.get_mut(word), self.held.get_mut(word)) else {
            return test();
        };
        if *known & bit == 0 {
            *known |= bit;
            *held |= if test() { bit } else { 0 };
        }
        *held & bit != 0
    }
}

struct Builder<'a> {
    entries: Vec<Entry>,
    actions: Patterns<'a>,
    resources: Patterns<'a>,
    any_action: Vec<u32>,
    any_resource: Vec<u32>,
    conditions: HashMap<&'a Condition, u32, Hashing>,
    condition_numbers: Vec<u32>,
}

impl<'a> Builder<'a> {
    fn new(policies: &[Policy]) -> Self {
        let statements = policies.iter().map(|policy| policy.compiled().statements.len()).sum();
        Self {
            entries: Vec::with_capacity(statements),
            actions: Patterns::default(),
            resources: Patterns::default(),
            any_action: Vec::new(),
            any_resource: Vec::new(),
            conditions: HashMap::default(),
            condition_numbers: Vec::with_capacity(statements),
        }
    }

    fn add(&mut self, statement: &'a Statement, policy: u32, place: u32) {
        let number = count(self.entries.len());
        let mut verify = statement.principals.is_some();
        if statement.actions.is_negated() {
            verify = true;
            self.any_action.push(number);
        } else {
            self.actions.add(statement.actions.patterns().iter().map(|action| &action.pattern), number);
        }
        match &statement.resources {
            Some(resources) if !resources.is_negated() => {
                self.resources.add(resources.patterns().iter(), number)
            }
            resources => {
                verify |= resources.is_some();
                self.any_resource.push(number);
            }
        }
        let conditions = count(self.condition_numbers.len());
        for ordered in &statement.conditions {
            let next = count(self.conditions.len());
            self.condition_numbers.push(*self.conditions.entry(&ordered.condition).or_insert(next));
        }
        self.entries.push(Entry { policy, statement: place, effect: statement.effect, verify, conditions });
    }

    fn finish(self) -> Index {
        let size = self.entries.len();
        let mut conditions: Vec<(&Condition, u32)> = self.conditions.into_iter().collect();
        conditions.sort_unstable_by_key(|(_, number)| *number);
        Index {
            entries: self.entries.into(),
            actions: PatternIndex::new(self.actions.0.into_iter(), size),
            resources: PatternIndex::new(self.resources.0.into_iter(), size),
            any_action: Members::new(&self.any_action, size),
            any_resource: Members::new(&self.any_resource, size),
            conditions: conditions.into_iter().map(|(condition, _)| condition.clone()).collect(),
            condition_numbers: self.condition_numbers.into(),
        }
    }
}

/// Distinct patterns, each with the statements it stands in.
#[derive(Default)]
struct Patterns<'a>(HashMap<&'a Pattern, Vec<u32>, Hashing>);

impl<'a> Patterns<'a> {
    /// Adds the patterns of one statement. Statements come in order of their numbers.
    fn add(&mut self, patterns: impl Iterator<Item = &'a Pattern>, statement: u32) {
        for pattern in patterns {
            let statements = self.0.entry(pattern).or_default();
            if statements.last() != Some(&statement) {
                statements.push(statement);
            }
        }
    }
}

/// A quick hash for tables that live only while an index is built.
type Hashing = BuildHasherDefault<Mixer>;

#[derive(Default)]
struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        let last = rest.iter().fold(1_u64, |word, byte| (word << 8) | u64::from(*byte));
        self.write_u64(last);
    }

    fn write_u64(&mut self, word: u64) {
        let mixed = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        self.0 = mixed ^ (mixed >> 29);
    }

    fn write_u8(&mut self, byte: u8) {
        self.write_u64(u64::from(byte));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(u64::from(number));
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

fn count(n: usize) -> u32 {
    // INVARIANT: documents are limited to a size that keeps their parts countable in 32 bits.
    u32::try_from(n).unwrap_or(u32::MAX)
}
