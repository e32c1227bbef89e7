//! "Did you mean": the known name nearest to an unknown one.

use crate::global::global_condition_keys;
use crate::lookup::{service, service_prefixes};

/// The candidate nearest to `word` by edits (insert, delete, replace, swap neighbours), case ignored; none if even
/// the nearest is more than a third of the word away.
pub fn closest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let limit = (word.len() / 3).clamp(1, 6);
    // The difference in length is cheaper than the distance, and never more than it.
    let near = candidates.into_iter().filter(|candidate| candidate.len().abs_diff(word.len()) <= limit);
    let distances = near.map(|candidate| (distance(&word, &candidate.to_ascii_lowercase()), candidate));
    let (distance, candidate) = distances.min_by_key(|(distance, _)| *distance)?;
    (distance <= limit).then_some(candidate)
}

/// The known action nearest to an unknown one: `s3:GetObjct` → `s3:GetObject`.
#[must_use]
pub fn suggest_action(name: &str) -> Option<String> {
    let (prefix, name) = name.split_once(':')?;
    let known = match service(prefix) {
        Some(known) => known,
        None => service(closest(prefix, service_prefixes())?)?,
    };
    // A name with the service right and a plural or verb wrong is still nearer than none.
    let nearest = closest(name, known.actions.iter().map(|action| action.name))?;
    Some(format!("{}:{nearest}", known.prefix))
}

/// The known service prefix nearest to an unknown one.
#[must_use]
pub fn suggest_service(prefix: &str) -> Option<&'static str> {
    closest(prefix, service_prefixes())
}

/// The known condition key nearest to an unknown one, among the global keys or those of the key's service.
#[must_use]
pub fn suggest_condition_key(key: &str) -> Option<&'static str> {
    let (prefix, _) = key.split_once(':').unwrap_or((key, ""));
    let global = global_condition_keys().iter().map(|key| key.name);
    if prefix.eq_ignore_ascii_case("aws") {
        return closest(key, global);
    }
    let own = service(prefix).map(|service| service.condition_keys.as_slice()).unwrap_or_default();
    closest(key, own.iter().map(|key| key.name).chain(global))
}

/// The optimal string alignment distance of two ASCII-lower-cased words.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (row, &from) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, &to) in right.iter().enumerate() {
            let cell = |cells: &[usize], at: usize| cells.get(at).copied().unwrap_or(usize::MAX / 2);
            let replaced = cell(&last, column) + usize::from(from != to);
            let mut best = replaced.min(cell(&last, column + 1) + 1).min(cell(&current, column) + 1);
            let previous = |word: &[char], at: usize| at.checked_sub(1).and_then(|at| word.get(at).copied());
            if previous(&left, row) == Some(to) && previous(&right, column) == Some(from) {
                best = best.min(cell(&before_last, column.saturating_sub(1)) + 1);
            }
            current.push(best);
        }
        before_last = std::mem::replace(&mut last, current);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_edits_and_swaps() {
        assert_eq!(distance("getobject", "getobject"), 0);
        assert_eq!(distance("getobjct", "getobject"), 1);
        assert_eq!(distance("gteobject", "getobject"), 1);
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
    }
}
