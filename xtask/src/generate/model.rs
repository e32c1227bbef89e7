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

/// Going down into JSON: null where nothing stands.
pub(crate) trait At {
    fn at(&self, keys: &[&str]) -> &Value;
}

impl At for Value {
    fn at(&self, keys: &[&str]) -> &Value {
        keys.iter().fold(self, |value, key| value.get(*key).unwrap_or(&Value::Null))
    }
}

/// How a service's requests and answers look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Query,
    Ec2,
    Json,
    RestJson,
}

/// An operation of a service.
pub(crate) struct Operation<'a> {
    pub(crate) name: &'a str,
    pub(crate) typed: bool,
    pub(crate) input: Option<&'a str>,
    pub(crate) output: Option<&'a str>,
    pub(crate) wrapper: Option<&'a str>,
    pub(crate) method: &'a str,
    pub(crate) uri: &'a str,
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
        self.model.at(&["metadata", key]).as_str().unwrap_or_default()
    }

    pub(crate) fn protocol(&self) -> Protocol {
        match self.metadata("protocol") {
            "ec2" => Protocol::Ec2,
            "json" => Protocol::Json,
            "rest-json" => Protocol::RestJson,
            _ => Protocol::Query,
        }
    }

    pub(crate) fn is_ec2(&self) -> bool {
        self.protocol() == Protocol::Ec2
    }

    /// Whether this is the service that signs as `name`.
    pub(crate) fn is(&self, name: &str) -> bool {
        self.metadata("endpointPrefix") == name
    }

    /// What stands before the colon in the names of the service's actions.
    pub(crate) fn policy_prefix(&self) -> &str {
        match self.metadata("endpointPrefix") {
            "iam-toolbox" => "iam",
            prefix => prefix,
        }
    }

    pub(crate) fn is_json(&self) -> bool {
        matches!(self.protocol(), Protocol::Json | Protocol::RestJson)
    }

    /// The code for values that break constraints, among the service's own errors.
    pub(crate) fn validation_code(&self) -> &'static str {
        let errors = self.errors();
        let own = ["ValidationException", "InvalidInputException"];
        own.into_iter().find(|code| errors.contains_key(*code)).unwrap_or("ValidationException")
    }

    /// The operations that are typed, by name.
    pub(crate) fn typed_operations(&self) -> Vec<Operation<'_>> {
        self.operations().into_iter().filter(|operation| operation.typed).collect()
    }

    pub(crate) fn operations(&self) -> Vec<Operation<'_>> {
        let operations: BTreeMap<_, _> =
            self.model.at(&["operations"]).as_object().into_iter().flatten().collect();
        operations
            .into_iter()
            .map(|(name, operation)| Operation {
                name,
                typed: operation.at(&["typed"]).as_bool().unwrap_or(false),
                input: operation.at(&["input", "shape"]).as_str(),
                output: operation.at(&["output", "shape"]).as_str(),
                wrapper: operation.at(&["output", "resultWrapper"]).as_str(),
                method: operation.at(&["http", "method"]).as_str().unwrap_or("POST"),
                uri: operation.at(&["http", "requestUri"]).as_str().unwrap_or("/"),
                errors: operation
                    .at(&["errors"])
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .collect(),
            })
            .collect()
    }

    pub(crate) fn shape<'a>(&'a self, name: &'a str) -> Shape<'a> {
        Shape { name, value: self.model.at(&["shapes", name]) }
    }

    pub(crate) fn shapes(&self) -> impl Iterator<Item = Shape<'_>> {
        let shapes = self.model.at(&["shapes"]).as_object();
        shapes.into_iter().flatten().map(|(name, value)| Shape { name, value })
    }

    /// The Rust type of a structure: operations' inputs and outputs are named after the operation.
    pub(crate) fn type_name(&self, shape: &str) -> String {
        camel(shape)
    }

    /// Whether a shape stands within another.
    pub(crate) fn is_nested(&self, shape: &str) -> bool {
        self.shapes().any(|outer| {
            let members = outer.value.at(&["members"]).as_object().into_iter().flat_map(Map::values);
            let inner = ["member", "key", "value"].iter().filter_map(|key| outer.value.get(*key));
            members.chain(inner).any(|inner| inner.at(&["shape"]).as_str() == Some(shape))
        })
    }

    fn reach(&self, mut wanted: Vec<String>) -> BTreeSet<String> {
        let mut seen = BTreeSet::new();
        while let Some(name) = wanted.pop() {
            if !seen.insert(name.clone()) {
                continue;
            }
            let shape = self.model.at(&["shapes", &name]);
            let members = shape.at(&["members"]).as_object().into_iter().flat_map(Map::values);
            let inner = ["member", "key", "value"].iter().filter_map(|key| shape.get(*key));
            wanted.extend(members.chain(inner).filter_map(|s| s.at(&["shape"]).as_str()).map(str::to_owned));
        }
        seen
    }

    /// The errors: wire code → status.
    pub(crate) fn errors(&self) -> BTreeMap<String, u16> {
        let mut errors = BTreeMap::new();
        for shape in self.shapes().filter(|shape| shape.value.at(&["exception"]).as_bool() == Some(true)) {
            let error = shape.value.at(&["error"]);
            let fault = shape.value.at(&["fault"]).as_bool() == Some(true);
            let code = error.at(&["code"]).as_str().unwrap_or(shape.name);
            let status = error
                .at(&["httpStatusCode"])
                .as_u64()
                .and_then(|n| u16::try_from(n).ok())
                .unwrap_or(if fault { 500 } else { 400 });
            errors.insert(code.to_owned(), status);
        }
        errors
    }
}

impl<'a> Shape<'a> {
    pub(crate) fn kind(&self) -> &'a str {
        self.value.at(&["type"]).as_str().unwrap_or_default()
    }

    pub(crate) fn is_structure(&self) -> bool {
        self.kind() == "structure"
            && !self.is_document()
            && self.value.at(&["exception"]).as_bool() != Some(true)
    }

    /// Whether it may hold any JSON.
    pub(crate) fn is_document(&self) -> bool {
        self.value.at(&["document"]).as_bool() == Some(true)
    }

    pub(crate) fn is_sensitive(&self) -> bool {
        self.value.at(&["sensitive"]).as_bool() == Some(true)
    }

    pub(crate) fn members(&self) -> Vec<Member<'a>> {
        let required: Vec<&str> =
            self.value.at(&["required"]).as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let members = self.value.at(&["members"]).as_object();
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
        self.value.at(&["shape"]).as_str().unwrap_or_default()
    }

    pub(crate) fn location(&self) -> Option<&'a str> {
        self.value.at(&["locationName"]).as_str()
    }

    pub(crate) fn query_name(&self) -> Option<&'a str> {
        self.value.at(&["queryName"]).as_str()
    }
}
