//! The statements that came nearest to allowing a request.

use super::failure::{Distance, Failure, failure};
use crate::compiled::Query;
use crate::decision::Applicable;
use crate::document::Effect;
use crate::kind::PolicyKind;
use crate::policy::StatementRef;
use crate::set::PolicySet;

/// A statement that would allow the request but for what fails.
#[derive(Clone, Copy, Debug)]
pub struct NearMiss<'a> {
    /// The kind of its policy.
    pub kind: PolicyKind,
    /// The statement.
    pub statement: StatementRef<'a>,
    /// The first of its elements that failed.
    pub failure: Failure<'a>,
    pub(super) distance: Distance,
}

/// As many as a person reads.
const MOST: usize = 5;

/// The nearest statements of the kind which had to allow the request and didn't.
pub(super) fn nearest<'a>(
    query: &Query<'a>,
    applicable: &Applicable<'a>,
    missing: PolicyKind,
) -> Vec<NearMiss<'a>> {
    let mut nearest = Nearest::default();
    for set in sets(query, applicable, missing) {
        for (statement, compiled) in set.near_statements(query) {
            if compiled.effect == Effect::Allow
                && let Some((failure, distance)) = failure(statement, compiled, query)
            {
                nearest.offer(NearMiss { kind: set.kind(), statement, failure, distance });
            }
        }
    }
    nearest.finish()
}

/// The sets in which an allow was looked for in vain.
fn sets<'a>(query: &Query<'a>, applicable: &Applicable<'a>, missing: PolicyKind) -> Vec<&'a PolicySet> {
    match missing {
        PolicyKind::Identity => applicable.identity.into_iter().chain(applicable.resource).collect(),
        PolicyKind::Resource | PolicyKind::Trust => applicable.resource.into_iter().collect(),
        PolicyKind::PermissionsBoundary => applicable.boundary.into_iter().collect(),
        PolicyKind::Session => applicable.session.into_iter().collect(),
        PolicyKind::VpcEndpoint => applicable.vpc_endpoint.into_iter().collect(),
        PolicyKind::ServiceControl => {
            let silent = |level: &&PolicySet| level.find(query).allow.is_none();
            applicable.service_control.iter().filter(silent).collect()
        }
        // FullAWSAccess is implied, so an allow is never missing.
        PolicyKind::ResourceControl => Vec::new(),
    }
}

/// The nearest so far, in order; of equals the first stays first.
#[derive(Default)]
struct Nearest<'a> {
    found: Vec<NearMiss<'a>>,
}

impl<'a> Nearest<'a> {
    fn offer(&mut self, miss: NearMiss<'a>) {
        let place = self.found.partition_point(|other| other.distance <= miss.distance);
        if place < MOST {
            self.found.truncate(MOST - 1);
            self.found.insert(place, miss);
        }
    }

    /// Where the action of the nearest matches, those of other actions tell nothing more.
    fn finish(mut self) -> Vec<NearMiss<'a>> {
        let nearest = self.found.first().map(|miss| miss.distance);
        self.found.retain(|miss| nearest.is_some_and(|nearest| miss.distance.is_comparable(nearest)));
        self.found
    }
}
