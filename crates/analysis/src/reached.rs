//! Who may become some roles, directly or over other roles: the map's own questions, asked backwards from the roles.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use rolecall_state::entities::Role;
use rolecall_state::snapshot::Entry;
use rolecall_sts::reach::{Outside, Who, outside};
use serde::Serialize;

use crate::principal::label;
use crate::{AnalysisError, World};

/// The most questions that are put to the engine about who may become whom.
const BUDGET: usize = 1_000_000;
/// The most that are told of for one role.
const MOST: usize = 1_000;

/// Who may become whom, among those from whom some roles can be reached.
pub(crate) struct Reached {
    principals: Vec<Who>,
    places: BTreeMap<String, usize>,
    before: BTreeMap<usize, Vec<usize>>,
    /// Whether all was asked.
    pub(crate) complete: bool,
}

/// Who may become one role.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Becoming {
    /// Users and roles that may assume it: its trust policy and their own policies have both been asked.
    pub assumed_by: Vec<String>,
    /// Users that come to it over other roles only, each with its way.
    pub reached_by: Vec<Vec<String>>,
    /// Services that its trust policy names.
    pub services: Vec<String>,
    /// Identity providers that its trust policy names.
    pub providers: Vec<String>,
    /// Whom it names of other accounts: their own policies are not known.
    pub strangers: Vec<String>,
    /// Whether there are more users and roles than are told.
    pub more: bool,
}

impl World {
    /// Asks from whom these roles can be reached.
    pub(crate) fn reached(&self, roles: &[Arc<Entry<Role>>]) -> Result<Reached, AnalysisError> {
        let principals = self.principals();
        let places: BTreeMap<String, usize> =
            principals.iter().enumerate().map(|(at, who)| (label(who), at)).collect();
        let place = |role: &Arc<Entry<Role>>| places.get(&label(&Who::Role(role.clone()))).copied();
        let (mut before, mut complete) = (BTreeMap::<_, Vec<_>>::new(), true);
        let mut wanted: Vec<_> = roles.to_vec();
        let mut seen: Vec<bool> = vec![false; principals.len()];
        wanted.iter().filter_map(place).for_each(|at| mark(&mut seen, at));
        let reach = self.reach();
        while !wanted.is_empty() {
            let found = reach.ask(&principals, &wanted, BUDGET)?;
            complete &= found.complete;
            let mut more = Vec::new();
            for (from, to) in found.pairs {
                let Some(to) = wanted.get(to).and_then(place) else { continue };
                before.entry(to).or_default().push(from);
                if let (Some(Who::Role(role)), Some(false)) = (principals.get(from), seen.get(from)) {
                    more.push(role.clone());
                    mark(&mut seen, from);
                }
            }
            wanted = more;
        }
        Ok(Reached { principals, places, before, complete })
    }
}

fn mark(seen: &mut [bool], at: usize) {
    if let Some(seen) = seen.get_mut(at) {
        *seen = true;
    }
}

impl Reached {
    /// From a role backwards: for each of those that come to it, the next on the way; and whether there are more.
    fn towards(&self, start: usize, most: usize) -> (BTreeMap<usize, usize>, bool) {
        let (mut towards, mut queue) = (BTreeMap::new(), VecDeque::from([start]));
        while let Some(at) = queue.pop_front() {
            for from in self.before.get(&at).into_iter().flatten().copied() {
                if from == start || towards.contains_key(&from) {
                    continue;
                }
                if towards.len() == most {
                    return (towards, true);
                }
                towards.insert(from, at);
                queue.push_back(from);
            }
        }
        (towards, false)
    }

    /// The way from someone to a role, if there is one.
    pub(crate) fn way(&self, who: &Who, role: &Arc<Entry<Role>>) -> Option<Vec<String>> {
        let start = self.places.get(&label(&Who::Role(role.clone())))?;
        let from = self.places.get(&label(who))?;
        let (towards, _) = self.towards(*start, usize::MAX);
        towards.contains_key(from).then(|| self.walk(*from, &towards))
    }

    fn walk(&self, from: usize, towards: &BTreeMap<usize, usize>) -> Vec<String> {
        let mut way = vec![from];
        while let Some(next) = way.last().and_then(|at| towards.get(at)) {
            way.push(*next);
        }
        way.into_iter().filter_map(|at| self.principals.get(at).map(label)).collect()
    }

    /// Who may become a role.
    pub(crate) fn of(&self, role: &Arc<Entry<Role>>, world: &World) -> Becoming {
        let Outside { services, providers, strangers } = outside(role, world.account.id());
        let mut becoming = Becoming { services, providers, strangers, ..Becoming::default() };
        let Some(&start) = self.places.get(&label(&Who::Role(role.clone()))) else { return becoming };
        let named = |at: usize| self.principals.get(at).map(label).unwrap_or_default();
        let (towards, more) = self.towards(start, MOST);
        becoming.more = more;
        for (from, to) in &towards {
            if *to == start {
                becoming.assumed_by.push(named(*from));
            } else if matches!(self.principals.get(*from), Some(Who::User(_))) {
                becoming.reached_by.push(self.walk(*from, &towards));
            }
        }
        becoming.assumed_by.sort();
        becoming.reached_by.sort();
        becoming
    }
}
