//! S3's condition keys, from headers, query and body.
//! See <https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>.

use std::borrow::Cow;

use crate::call::{AuthType, Call};
use crate::demand::Value;
use crate::operation::Operation;
use crate::receive::Input;

/// Headers that are condition keys of the same name under `s3:`.
const HEADER_KEYS: [&str; 12] = [
    "x-amz-acl",
    "x-amz-content-sha256",
    "x-amz-copy-source",
    "x-amz-grant-full-control",
    "x-amz-grant-read",
    "x-amz-grant-read-acp",
    "x-amz-grant-write",
    "x-amz-grant-write-acp",
    "x-amz-metadata-directive",
    "x-amz-server-side-encryption",
    "x-amz-server-side-encryption-aws-kms-key-id",
    "x-amz-storage-class",
];

/// Headers whose condition key has another name.
const RENAMED_KEYS: [(&str, &str); 8] = [
    ("x-amz-server-side-encryption-customer-algorithm", "s3:x-amz-server-side-encryption-customer-algorithm"),
    ("x-amz-website-redirect-location", "s3:x-amz-website-redirect-location"),
    ("x-amz-object-lock-mode", "s3:object-lock-mode"),
    ("x-amz-object-lock-retain-until-date", "s3:object-lock-retain-until-date"),
    ("x-amz-object-lock-legal-hold", "s3:object-lock-legal-hold"),
    ("x-amz-object-ownership", "s3:x-amz-object-ownership"),
    ("if-match", "s3:if-match"),
    ("if-none-match", "s3:if-none-match"),
];

type Keys = Vec<(Cow<'static, str>, Value)>;

/// The keys that every demand of the request has.
pub(crate) fn of(call: &Call, input: &Input) -> Keys {
    let mut keys = authentication(call);
    for name in HEADER_KEYS {
        push_option(&mut keys, format!("s3:{name}"), call.header(name));
    }
    for (name, key) in RENAMED_KEYS {
        push_option(&mut keys, key, call.header(name));
    }
    if lists(call.operation) {
        // A list without a prefix is a list of the empty prefix, which a policy may ask for.
        let prefix = call.query.value("prefix").unwrap_or_default();
        keys.push(("s3:prefix".into(), Value::One(prefix.to_owned())));
        push_option(&mut keys, "s3:delimiter", call.query.value("delimiter"));
        let most = if call.operation == Operation::ListMultipartUploads { "max-uploads" } else { "max-keys" };
        push_option(&mut keys, "s3:max-keys", call.query.value(most));
    }
    push_input(&mut keys, input);
    keys
}

fn authentication(call: &Call) -> Keys {
    let auth_type = match call.auth.auth_type {
        AuthType::Anonymous => return Vec::new(),
        AuthType::Header => "REST-HEADER",
        AuthType::QueryString => "REST-QUERY-STRING",
    };
    vec![
        ("s3:authType".into(), Value::One(auth_type.to_owned())),
        ("s3:signatureAge".into(), Value::One(call.auth.signature_age_ms.to_string())),
        ("s3:signatureversion".into(), Value::One("AWS4-HMAC-SHA256".to_owned())),
    ]
}

fn lists(operation: Operation) -> bool {
    use Operation as O;
    matches!(operation, O::ListObjects | O::ListObjectsV2 | O::ListObjectVersions | O::ListMultipartUploads)
}

fn push_input(keys: &mut Keys, input: &Input) {
    match input {
        Input::Plain | Input::Deletions(_) => {}
        Input::ObjectTags(tags) => {
            for (key, value) in tags {
                keys.push((format!("s3:RequestObjectTag/{key}").into(), Value::One(value.clone())));
            }
            push_tag_keys(keys, "s3:RequestObjectTagKeys", tags);
        }
        Input::BucketConfiguration { location, tags } => {
            push_option(keys, "s3:locationconstraint", location.as_deref());
            for (key, value) in tags {
                keys.push((format!("aws:RequestTag/{key}").into(), Value::One(value.clone())));
            }
            push_tag_keys(keys, "aws:TagKeys", tags);
        }
    }
}

fn push_tag_keys(keys: &mut Keys, name: &'static str, tags: &[(String, String)]) {
    if !tags.is_empty() {
        keys.push((name.into(), Value::Many(tags.iter().map(|(key, _)| key.clone()).collect())));
    }
}

fn push_option(keys: &mut Keys, name: impl Into<Cow<'static, str>>, value: Option<&str>) {
    if let Some(value) = value {
        keys.push((name.into(), Value::One(value.to_owned())));
    }
}
