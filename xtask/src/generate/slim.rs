//! The slim models: of each service model the facts that the generator needs, without its prose.

use std::collections::BTreeSet;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Map, Value};

use super::model::At as _;
use super::{GenerateError, Mode, SERVICES, put, root};

/// The botocore that the models are taken from.
pub(crate) const BOTOCORE: &str = "1.44.5";

/// Of EC2's operations, those that are typed; of the others only the name is kept.
const EC2_OPERATIONS: &[&str] = &[
    "AssociateIamInstanceProfile",
    "CreateKeyPair",
    "CreateTags",
    "DeleteKeyPair",
    "DeleteTags",
    "DescribeAccountAttributes",
    "DescribeAvailabilityZones",
    "DescribeIamInstanceProfileAssociations",
    "DescribeImages",
    "DescribeInstanceAttribute",
    "DescribeInstanceCreditSpecifications",
    "DescribeInstanceStatus",
    "DescribeInstanceTypeOfferings",
    "DescribeInstanceTypes",
    "DescribeInstances",
    "DescribeKeyPairs",
    "DescribeLaunchTemplates",
    "DescribeNetworkInterfaces",
    "DescribeRegions",
    "DescribeSecurityGroupRules",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeTags",
    "DescribeVolumes",
    "DescribeVpcAttribute",
    "DescribeVpcs",
    "DisassociateIamInstanceProfile",
    "GetConsoleOutput",
    "GetInstanceMetadataDefaults",
    "ImportKeyPair",
    "ModifyInstanceAttribute",
    "ModifyInstanceMetadataDefaults",
    "ModifyInstanceMetadataOptions",
    "RebootInstances",
    "ReplaceIamInstanceProfileAssociation",
    "RunInstances",
    "StartInstances",
    "StopInstances",
    "TerminateInstances",
];

fn models_from(mode: Mode, botocore: &Path) -> Result<(), GenerateError> {
    for service in SERVICES {
        let model = read_model(botocore, service)?;
        let slim = slim(service, &model)?;
        let path = root().join(format!("crates/aws-model/models/{service}.json"));
        let text = serde_json::to_string_pretty(&slim).map_err(|cause| bad(service, cause.to_string()))?;
        // One space of indent is enough to read a difference by.
        let text: String = text
            .lines()
            .map(|line| {
                let rest = line.trim_start();
                format!("{}{rest}\n", " ".repeat((line.len() - rest.len()) / 2))
            })
            .collect();
        put(mode, &path, &text)?;
    }
    Ok(())
}

/// Writes or checks the slim models, from PyPI's botocore, an unpacked one or a wheel.
pub(crate) fn models(mode: Mode, botocore: Option<&Path>) -> Result<(), GenerateError> {
    match botocore {
        None => models_from(mode, &download()?),
        Some(wheel) if wheel.is_file() => models_from(mode, &unpack(wheel)?),
        Some(dir) => models_from(mode, dir),
    }
}

fn bad(service: &str, cause: impl Into<String>) -> GenerateError {
    GenerateError::Model { service: service.to_owned(), cause: cause.into() }
}

fn download() -> Result<PathBuf, GenerateError> {
    let dir = unpacked()?;
    let package = format!("botocore=={BOTOCORE}");
    run(&dir, &["-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", &package])?;
    unpack(&dir.join(format!("botocore-{BOTOCORE}-py3-none-any.whl")))
}

fn unpack(wheel: &Path) -> Result<PathBuf, GenerateError> {
    let dir = unpacked()?;
    let wheel = fs::canonicalize(wheel).map_err(GenerateError::file(wheel))?;
    run(&dir, &["-m", "zipfile", "-e", &wheel.to_string_lossy(), "."])?;
    Ok(dir.join("botocore"))
}

fn unpacked() -> Result<PathBuf, GenerateError> {
    let dir = root().join(format!("target/botocore-{BOTOCORE}"));
    fs::create_dir_all(&dir).map_err(GenerateError::file(&dir))?;
    Ok(dir)
}

fn run(dir: &Path, arguments: &[&str]) -> Result<(), GenerateError> {
    match Command::new("python3").args(arguments).current_dir(dir).status() {
        Ok(status) if status.success() => Ok(()),
        other => Err(GenerateError::Tool(format!("python3 {arguments:?}: {other:?}"))),
    }
}

fn read_model(botocore: &Path, service: &str) -> Result<Value, GenerateError> {
    let dir = botocore.join("data").join(service);
    let versions = fs::read_dir(&dir).map_err(GenerateError::file(&dir))?;
    let newest = versions.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).max();
    let newest = newest.ok_or_else(|| bad(service, "no version"))?;
    let path = newest.join("service-2.json.gz");
    let file = fs::File::open(&path).map_err(GenerateError::file(&path))?;
    let mut text = String::new();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).map_err(GenerateError::file(&path))?;
    serde_json::from_str(&text).map_err(|cause| bad(service, cause.to_string()))
}

fn slim(service: &str, model: &Value) -> Result<Value, GenerateError> {
    let all = model.at(&["operations"]).as_object().ok_or_else(|| bad(service, "no operations"))?;
    let typed = |name: &str| match service {
        "cloudtrail" => name == "LookupEvents",
        "signin" => name == "CreateOAuth2Token",
        "ec2" => EC2_OPERATIONS.contains(&name),
        _ => true,
    };
    let mut operations = Map::new();
    let mut wanted = Vec::new();
    for (name, operation) in all {
        let mut kept = Map::new();
        let http = pick(operation.at(&["http"]), &["method", "requestUri"]);
        if http.at(&["method"]) != "POST" || http.at(&["requestUri"]) != "/" {
            kept.insert("http".into(), http);
        }
        if typed(name) {
            for key in ["input", "output"] {
                if let Some(shape) = operation.get(key) {
                    let shape = pick(shape, &["shape", "resultWrapper"]);
                    wanted.push(shape.at(&["shape"]).as_str().unwrap_or_default().to_owned());
                    kept.insert(key.into(), shape);
                }
            }
            let errors = operation.at(&["errors"]).as_array().into_iter().flatten();
            let errors: Vec<Value> = errors.map(|error| error.at(&["shape"]).clone()).collect();
            wanted.extend(errors.iter().filter_map(Value::as_str).map(str::to_owned));
            kept.insert("errors".into(), errors.into());
            kept.insert("typed".into(), true.into());
        }
        operations.insert(name.clone(), kept.into());
    }
    let shapes = reachable(service, model, wanted)?;
    let metadata = pick(
        model.at(&["metadata"]),
        &["apiVersion", "protocol", "xmlNamespace", "serviceId", "endpointPrefix", "targetPrefix"],
    );
    let mut out = Map::new();
    out.insert("botocore".into(), BOTOCORE.into());
    out.insert("metadata".into(), metadata);
    out.insert("operations".into(), operations.into());
    out.insert("shapes".into(), shapes.into());
    Ok(out.into())
}

fn reachable(
    service: &str,
    model: &Value,
    mut wanted: Vec<String>,
) -> Result<Map<String, Value>, GenerateError> {
    let mut seen = BTreeSet::new();
    while let Some(name) = wanted.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        let shape =
            model.at(&["shapes"]).get(&name).ok_or_else(|| bad(service, format!("no shape {name}")))?;
        let members = shape.at(&["members"]).as_object().into_iter().flat_map(Map::values);
        let inner = ["member", "key", "value"].iter().filter_map(|key| shape.get(*key));
        wanted.extend(members.chain(inner).filter_map(|s| s.at(&["shape"]).as_str()).map(str::to_owned));
    }
    Ok(seen
        .into_iter()
        .map(|name| {
            let shape = slim_shape(model.at(&["shapes", &name]));
            (name, shape)
        })
        .collect())
}

fn slim_shape(shape: &Value) -> Value {
    let keys = [
        "type",
        "required",
        "min",
        "max",
        "pattern",
        "enum",
        "error",
        "fault",
        "flattened",
        "sensitive",
        "exception",
        "document",
        "union",
    ];
    let mut kept = match pick(shape, &keys) {
        Value::Object(kept) => kept,
        _ => Map::new(),
    };
    let reference = ["shape", "location", "locationName", "queryName", "flattened"];
    for key in ["member", "key", "value"] {
        if let Some(inner) = shape.get(key) {
            kept.insert(key.into(), pick(inner, &reference));
        }
    }
    if let Some(members) = shape.at(&["members"]).as_object() {
        let members: Map<String, Value> =
            members.iter().map(|(name, member)| (name.clone(), pick(member, &reference))).collect();
        kept.insert("members".into(), members.into());
    }
    kept.into()
}

fn pick(from: &Value, keys: &[&str]) -> Value {
    let kept = keys.iter().filter_map(|key| Some(((*key).to_owned(), from.get(*key)?.clone())));
    Value::Object(kept.collect())
}
