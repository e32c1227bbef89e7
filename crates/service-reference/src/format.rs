//! Reads the data file. Its form, one fact a line, in this order for each service:
//!
//! - `=PREFIX⇥NAME⇥PAGE` begins a service;
//! - `kTKEY` a condition key with its type's letter, lower-case for arrays; keys are numbered from 0;
//! - `cN,N,…` a set of keys; `dNAME,NAME,…` a list of dependent actions; numbered likewise;
//! - `rNAME⇥ARN⇥SET` a resource type, numbered likewise;
//! - `aLNAME⇥ENTRIES` an action with its level's letter; an entry `12!c3d4` is resource type 12, required, with key
//!   set 3 and dependents 4; `-` in place of the number stands for no resource type.

use crate::arn::ArnTemplate;
use crate::model::{AccessLevel, Action, ActionResource, ConditionKey, ResourceType, Service, ValueType};

/// The whole reference. Generated: see `examples/generate-service-reference.rs`.
pub(crate) const TEXT: &str = include_str!("../data/service-reference.txt");

/// The services' blocks, in the file's order, each without its leading `=`.
pub(crate) fn blocks() -> impl Iterator<Item = &'static str> {
    TEXT.split("\n=").skip(1)
}

/// The prefix with which a block begins.
pub(crate) fn prefix_of(block: &'static str) -> &'static str {
    block.split_once('\t').map_or(block, |(prefix, _)| prefix)
}

/// The name in prose that a block's first line tells.
pub(crate) fn name_of(block: &'static str) -> &'static str {
    block.lines().next().and_then(|head| head.split('\t').nth(1)).unwrap_or_default()
}

/// Parses one service's block.
///
/// INVARIANT: the data file is generated and a test parses all of it, so a malformed row is left out, not reported.
pub(crate) fn parse(block: &'static str) -> Service {
    let mut lines = block.lines();
    let mut head = lines.next().unwrap_or_default().split('\t');
    let mut next = || head.next().unwrap_or_default();
    let service = Service {
        prefix: next(),
        name: next(),
        page: next(),
        actions: Vec::new(),
        resource_types: Vec::new(),
        condition_keys: Vec::new(),
    };
    let mut reader = Reader { service, key_sets: Vec::new(), dependents: Vec::new() };
    for line in lines {
        reader.row(line);
    }
    reader.service
}

struct Reader {
    service: Service,
    key_sets: Vec<Vec<&'static str>>,
    dependents: Vec<&'static str>,
}

impl Reader {
    fn row(&mut self, line: &'static str) {
        let Some((kind, row)) = line.split_at_checked(1) else { return };
        match kind {
            "k" => self.service.condition_keys.extend(condition_key(row)),
            "c" => {
                let set = row.split(',').filter_map(|number| self.key(number)).collect();
                self.key_sets.push(set);
            }
            "d" => self.dependents.push(row),
            "r" => self.resource_type(row),
            "a" => self.action(row),
            _ => {}
        }
    }

    fn key(&self, number: &str) -> Option<&'static str> {
        Some(self.service.condition_keys.get(number.parse::<usize>().ok()?)?.name)
    }

    fn key_set(&self, number: &str) -> Vec<&'static str> {
        number.parse::<usize>().ok().and_then(|number| self.key_sets.get(number)).cloned().unwrap_or_default()
    }

    fn resource_type(&mut self, row: &'static str) {
        let mut fields = row.split('\t');
        let (Some(name), Some(arn), Some(set)) = (fields.next(), fields.next(), fields.next()) else {
            return;
        };
        let condition_keys = self.key_set(set);
        self.service.resource_types.push(ResourceType { name, arn: ArnTemplate::new(arn), condition_keys });
    }

    fn action(&mut self, row: &'static str) {
        let Some((level, row)) = row.split_at_checked(1) else { return };
        let (Some((name, entries)), Some(access_level)) = (row.split_once('\t'), access_level(level)) else {
            return;
        };
        let mut action = Action {
            service: self.service.prefix,
            name,
            access_level,
            resource_types: Vec::new(),
            condition_keys: Vec::new(),
            dependent_actions: Vec::new(),
        };
        for entry in entries.split_ascii_whitespace() {
            self.entry(entry, &mut action);
        }
        self.service.actions.push(action);
    }

    fn entry(&self, entry: &'static str, action: &mut Action) {
        let (entry, dependents) = entry.split_once('d').unwrap_or((entry, ""));
        let (entry, keys) = entry.split_once('c').unwrap_or((entry, ""));
        let (number, required) = entry.strip_suffix('!').map_or((entry, false), |number| (number, true));
        let condition_keys = self.key_set(keys);
        let dependent_actions = self.dependent_actions(dependents);
        if number == "-" {
            action.condition_keys = condition_keys;
            action.dependent_actions = dependent_actions;
            return;
        }
        let number = number.parse::<usize>().ok();
        let Some(known) = number.and_then(|number| self.service.resource_types.get(number)) else { return };
        action.resource_types.push(ActionResource {
            resource_type: known.name,
            required,
            arn: known.arn,
            condition_keys,
            type_condition_keys: known.condition_keys.clone(),
            dependent_actions,
        });
    }

    fn dependent_actions(&self, number: &str) -> Vec<&'static str> {
        let list = number.parse::<usize>().ok().and_then(|number| self.dependents.get(number));
        list.map(|list| list.split(',').collect()).unwrap_or_default()
    }
}

fn condition_key(row: &'static str) -> Option<ConditionKey> {
    let (letter, name) = row.split_at_checked(1)?;
    let value_type = match letter {
        "S" | "s" => ValueType::String,
        "A" | "a" => ValueType::Arn,
        "B" | "b" => ValueType::Bool,
        "N" => ValueType::Numeric,
        "D" => ValueType::Date,
        "I" => ValueType::IpAddress,
        _ => return None,
    };
    let multivalued = letter.starts_with(|letter: char| letter.is_ascii_lowercase());
    Some(ConditionKey { name, value_type, multivalued })
}

fn access_level(letter: &str) -> Option<AccessLevel> {
    match letter {
        "L" => Some(AccessLevel::List),
        "R" => Some(AccessLevel::Read),
        "W" => Some(AccessLevel::Write),
        "T" => Some(AccessLevel::Tagging),
        "P" => Some(AccessLevel::PermissionsManagement),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row of the file reaches a parsed service: nothing is left out.
    #[test]
    fn every_row_of_the_file_is_read() {
        let (mut services, mut rows) = (0, 0);
        for block in blocks() {
            let service = parse(block);
            let count = |kind: char| block.lines().skip(1).filter(|line| line.starts_with(kind)).count();
            assert_eq!(service.actions.len(), count('a'), "{}", service.prefix);
            assert_eq!(service.resource_types.len(), count('r'), "{}", service.prefix);
            assert_eq!(service.condition_keys.len(), count('k'), "{}", service.prefix);
            for (line, action) in
                block.lines().skip(1).filter(|line| line.starts_with('a')).zip(&service.actions)
            {
                let entries = line.split('\t').nth(1).unwrap().split_ascii_whitespace();
                assert_eq!(
                    entries.filter(|e| !e.starts_with('-')).count(),
                    action.resource_types.len(),
                    "{line}"
                );
            }
            services += 1;
            rows += service.actions.len();
        }
        assert_eq!((services, rows), (445, 20_455));
    }

    #[test]
    fn actions_are_in_the_order_that_lookup_needs() {
        for block in blocks() {
            let names: Vec<String> =
                parse(block).actions.iter().map(|a| a.name.to_ascii_lowercase()).collect();
            assert!(names.is_sorted(), "{}", prefix_of(block));
        }
    }
}
