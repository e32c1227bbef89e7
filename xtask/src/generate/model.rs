//! A slim model, as the generator reads it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use serde_json::{Map, Value};

use super::names::camel;
use super::{GenerateError, root};

/// A service's slim model.
pub(crate) struct Service {
    model: Value,
    /// The shapes that inputs are made of.
    pub(crate) inputs: BTreeSet<String>,
    /// The shapes that outputs are made of.
    pub(crate) outputs: BTreeSet<String>,
}

/// An operation of a service.
pub(crate) struct Operation<'a> {
    pub(crate) name: &'a str,
    pub(crate) typed: bool,
    pub(crate) input: Option<&'a str>,
    pub(crate) output: Option<&'a str>,
    pub(crate) wrapper: Option<&'a str>,
    pub(crate) errors: Vec<&'a str>,
}

/// A shape of a model.
#[derive(Clone, Copy)]
pub(crate) struct Shape<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a Value,
}

/// A member of a structure.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a Value,
    pub(crate) required: bool,
}

impl Service {
    pub(crate) fn load(name: &str) -> Result<Self, GenerateError> {
        let path = root().join(format!("crates/aws-model/models/{name}.json"));
        let text = fs::read_to_string(&path).map_err(GenerateError::file(&path))?;
        let model: Value = serde_json::from_str(&text)
            .map_err(|cause| GenerateError::Model { service: name.to_owned(), cause: cause.to_string() })?;
        let mut service = Self { model, inputs: BTreeSet::new(), outputs: BTreeSet::new() };
        let names = |pick: fn(&Operation<'_>) -> Option<String>| -> Vec<String> {
            service.operations().iter().filter_map(pick).collect()
        };
        let inputs = service.reach(names(|o| o.input.map(str::to_owned)));
        let outputs = service.reach(names(|o| o.output.map(str::to_owned)));
        service.inputs = inputs;
        service.outputs = outputs;
        Ok(service)
    }

    pub(crate) fn metadata(&self, key: &str) -> &str {
        self.model["metadata"][key].as_str().unwrap_or_default()
    }

    pub(crate) fn is_ec2(&self) -> bool {
        self.metadata("protocol") == "ec2"
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let operations = self.model["operations"].as_object();
        operations
            .into_iter()
            .flatten()
            .map(|(name, operation)| Operation {
                name,
                typed: operation["typed"].as_bool().unwrap_or(false),
                input: operation["input"]["shape"].as_str(),
                output: operation["output"]["shape"].as_str(),
                wrapper: operation["output"]["resultWrapper"].as_str(),
                errors: operation["errors"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
            })
            .collect()
    }

    pub(crate) fn shape<'a>(&'a self, name: &'a str) -> Shape<'a> {
        Shape { name, value: &self.model["shapes"][name] }
    }

    pub(crate) fn shapes(&self) -> impl Iterator<Item = Shape<'_>> {
        let shapes = self.model["shapes"].as_object();
        shapes.into_iter().flatten().map(|(name, value)| Shape { name, value })
    }

    /// The Rust type of a structure: operations' inputs and outputs are named after the operation.
    pub(crate) fn type_name(&self, shape: &str) -> String {
        camel(shape)
    }

    fn reach(&self, mut wanted: Vec<String>) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        while let Some(name) = wanted.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let shape = &self.model["shapes"][&name];
            let members = shape["members"].as_object().into_iter().flat_map(Map::values);
            let inner = ["member", "key", "value"].iter().filter_map(|key| shape.get(*key));
            wanted.extend(members.chain(inner).filter_map(|s| s["shape"].as_str()).map(str::to_owned));
        }
        seen
    }

    /// The errors: wire code → status.
    pub(crate) fn errors(&self) -> BTreeMap<String, u16> {
        let mut errors = BTreeMap::new();
        for shape in self.shapes().filter(|shape| shape.value["exception"].as_bool() == Some(true)) {
            let error = &shape.value["error"];
            let code = error["code"].as_str().unwrap_or(shape.name);
            let status = error["httpStatusCode"].as_u64().and_then(|n| u16::try_from(n).ok()).unwrap_or(400);
            errors.insert(code.to_owned(), status);
        }
        errors
    }
}

impl<'a> Shape<'a> {
    pub(crate) fn kind(&self) -> &'a str {
        self.value["type"].as_str().unwrap_or_default()
    }

    pub(crate) fn is_structure(&self) -> bool {
        self.kind() == "structure" && self.value["exception"].as_bool() != Some(true)
    }

    pub(crate) fn is_sensitive(&self) -> bool {
        self.value["sensitive"].as_bool() == Some(true)
    }

    pub(crate) fn members(&self) -> Vec<Member<'a>> {
        let required: Vec<&str> = self.value["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let members = self.value["members"].as_object();
        let member = |(name, value): (&'a String, &'a Value)| Member {
            name: name.as_str(),
            value,
            required: required.contains(&name.as_str()),
        };
        members.into_iter().flatten().map(member).collect()
    }
}

impl<'a> Member<'a> {
    pub(crate) fn shape(&self) -> &'a str {
        self.value["shape"].as_str().unwrap_or_default()
    }

    pub(crate) fn location(&self) -> Option<&'a str> {
        self.value["locationName"].as_str()
    }

    pub(crate) fn query_name(&self) -> Option<&'a str> {
        self.value["queryName"].as_str()
    }
}
