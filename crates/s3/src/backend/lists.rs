//! Lists of objects, by prefix, delimiter and page.

use std::ops::Bound;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use s3s::dto::*;

use super::{Backend, Cx, owner, timestamp};
use crate::disk::Summary;
use crate::fault::Fault;

const MOST_KEYS: i32 = 1_000;

/// One page of a list.
#[derive(Default)]
struct Page {
    objects: Vec<(String, Summary)>,
    prefixes: Vec<String>,
    /// The last key or prefix of the page, if there is more after it.
    next: Option<String>,
}

struct Wanted<'a> {
    prefix: &'a str,
    delimiter: &'a str,
    /// Only what comes after this key or common prefix.
    after: Option<&'a str>,
    most: usize,
}

/// How names are written in an answer.
struct Writing {
    encoded: bool,
}

impl Writing {
    fn new(encoding: Option<&EncodingType>) -> Result<Self, Fault> {
        match encoding.map(EncodingType::as_str) {
            None => Ok(Self { encoded: false }),
            Some("url") => Ok(Self { encoded: true }),
            Some(other) => Err(Fault::invalid_argument(
                "Invalid Encoding Method specified in Request",
                "encoding-type",
                other,
            )),
        }
    }

    fn write(&self, text: &str) -> String {
        if !self.encoded {
            return text.to_owned();
        }
        let mut out = String::with_capacity(text.len());
        for (index, part) in text.split('/').enumerate() {
            if index > 0 {
                out.push('/');
            }
            crate::service::escape(&mut out, part);
        }
        out
    }
}

/// An opaque token for the next page.
pub(super) fn make_token(after: &str) -> String {
    URL_SAFE_NO_PAD.encode(after)
}

pub(super) fn read_token(token: &str) -> Result<String, Fault> {
    let decoded = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let message = "The continuation token provided is incorrect";
    decoded.ok_or_else(|| Fault::invalid_argument(message, "continuation-token", token))
}

fn most_keys(asked: Option<i32>, name: &str) -> Result<i32, Fault> {
    match asked {
        None => Ok(MOST_KEYS),
        Some(most) if most < 0 => {
            let message = format!("Argument {name} must be an integer between 0 and 2147483647");
            Err(Fault::invalid_argument(message, name, &most.to_string()))
        }
        Some(most) => Ok(most.min(MOST_KEYS)),
    }
}

impl Backend {
    async fn page(&self, cx: &Cx, wanted: &Wanted<'_>) -> Result<Page, Fault> {
        let bucket = self.bucket(cx)?;
        let index = bucket.index().await?;
        let mut page = Page::default();
        if wanted.most == 0 {
            return Ok(page);
        }
        // Where to go on: after a key, or after all keys of a common prefix.
        let mut from = match wanted.after {
            Some(after) if after >= wanted.prefix => Bound::Excluded(after.to_owned()),
            _ => Bound::Included(wanted.prefix.to_owned()),
        };
        let mut last: Option<String> = None;
        loop {
            let mut rest = index.range::<str, _>((from.as_ref().map(String::as_str), Bound::Unbounded));
            let Some((key, summary)) = rest.next().filter(|(key, _)| key.starts_with(wanted.prefix)) else {
                return Ok(page);
            };
            let common = common_prefix(key, wanted);
            let skipped = common.filter(|common| wanted.after == Some(*common));
            if skipped.is_none() && page.objects.len() + page.prefixes.len() == wanted.most {
                page.next = last;
                return Ok(page);
            }
            from = match common {
                None => Bound::Excluded(key.clone()),
                Some(common) => past(common),
            };
            match (common, skipped) {
                (_, Some(_)) => continue,
                (Some(common), None) => page.prefixes.push(common.to_owned()),
                (None, None) => page.objects.push((key.clone(), summary.clone())),
            }
            last = Some(common.unwrap_or(key).to_owned());
        }
    }

    pub(super) async fn list_objects_v2(
        &self,
        cx: &Cx,
        input: ListObjectsV2Input,
    ) -> Result<ListObjectsV2Output, Fault> {
        let writing = Writing::new(input.encoding_type.as_ref())?;
        let most = most_keys(input.max_keys, "maxKeys")?;
        let token = input.continuation_token.as_deref().filter(|token| !token.is_empty());
        let after = token.map(read_token).transpose()?.or_else(|| input.start_after.clone());
        let wanted = Wanted {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: after.as_deref(),
            most: usize::try_from(most).unwrap_or(0),
        };
        let page = self.page(cx, &wanted).await?;
        let account = self.bucket(cx)?.facts().owner.clone();
        let with_owner = input.fetch_owner == Some(true);
        let count = page.objects.len() + page.prefixes.len();
        Ok(ListObjectsV2Output {
            name: Some(input.bucket),
            prefix: Some(writing.write(wanted.prefix)),
            max_keys: Some(most),
            key_count: i32::try_from(count).ok(),
            continuation_token: input.continuation_token,
            is_truncated: Some(page.next.is_some()),
            next_continuation_token: page.next.as_deref().map(make_token),
            contents: Some(contents(&page, &writing, with_owner.then_some(account.as_str()))),
            common_prefixes: Some(prefixes(&page, &writing)),
            delimiter: input.delimiter.map(|delimiter| writing.write(&delimiter)),
            encoding_type: input.encoding_type,
            start_after: input.start_after.map(|after| writing.write(&after)),
            request_charged: None,
        })
    }

    pub(super) async fn list_objects(
        &self,
        cx: &Cx,
        input: ListObjectsInput,
    ) -> Result<ListObjectsOutput, Fault> {
        let writing = Writing::new(input.encoding_type.as_ref())?;
        let most = most_keys(input.max_keys, "maxKeys")?;
        let wanted = Wanted {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: input.marker.as_deref().filter(|marker| !marker.is_empty()),
            most: usize::try_from(most).unwrap_or(0),
        };
        let page = self.page(cx, &wanted).await?;
        let account = self.bucket(cx)?.facts().owner.clone();
        // Without a delimiter the next marker is the last key, which the client sees.
        let next = page.next.as_deref().filter(|_| !wanted.delimiter.is_empty());
        Ok(ListObjectsOutput {
            name: Some(input.bucket.clone()),
            prefix: Some(writing.write(wanted.prefix)),
            marker: Some(writing.write(wanted.after.unwrap_or_default())),
            max_keys: Some(most),
            is_truncated: Some(page.next.is_some()),
            contents: Some(contents(&page, &writing, Some(&account))),
            common_prefixes: Some(prefixes(&page, &writing)),
            delimiter: input.delimiter.as_deref().map(|delimiter| writing.write(delimiter)),
            next_marker: next.map(|next| writing.write(next)),
            encoding_type: input.encoding_type.clone(),
            request_charged: None,
        })
    }

    /// Every object has the one version `null`.
    pub(super) async fn list_object_versions(
        &self,
        cx: &Cx,
        input: ListObjectVersionsInput,
    ) -> Result<ListObjectVersionsOutput, Fault> {
        let writing = Writing::new(input.encoding_type.as_ref())?;
        let most = most_keys(input.max_keys, "max-keys")?;
        let wanted = Wanted {
            prefix: input.prefix.as_deref().unwrap_or_default(),
            delimiter: input.delimiter.as_deref().unwrap_or_default(),
            after: input.key_marker.as_deref().filter(|marker| !marker.is_empty()),
            most: usize::try_from(most).unwrap_or(0),
        };
        let page = self.page(cx, &wanted).await?;
        let account = self.bucket(cx)?.facts().owner.clone();
        let version = |(key, summary): &(String, Summary)| ObjectVersion {
            e_tag: Some(ETag::Strong(summary.etag.clone())),
            is_latest: Some(true),
            key: Some(writing.write(key)),
            last_modified: Some(timestamp(summary.modified_ms)),
            owner: Some(owner(&account)),
            size: i64::try_from(summary.size).ok(),
            storage_class: Some(ObjectVersionStorageClass::from(class(summary))),
            version_id: Some("null".to_owned()),
            ..ObjectVersion::default()
        };
        Ok(ListObjectVersionsOutput {
            name: Some(input.bucket.clone()),
            prefix: Some(writing.write(wanted.prefix)),
            key_marker: Some(writing.write(wanted.after.unwrap_or_default())),
            version_id_marker: Some(String::new()),
            max_keys: Some(most),
            is_truncated: Some(page.next.is_some()),
            versions: Some(page.objects.iter().map(version).collect()),
            common_prefixes: Some(prefixes(&page, &writing)),
            delimiter: input.delimiter.as_deref().map(|delimiter| writing.write(delimiter)),
            next_key_marker: page.next.as_deref().map(|next| writing.write(next)),
            next_version_id_marker: page.next.as_ref().map(|_| "null".to_owned()),
            encoding_type: input.encoding_type.clone(),
            ..ListObjectVersionsOutput::default()
        })
    }
}

/// Up to and with the first delimiter after the prefix.
fn common_prefix<'k>(key: &'k str, wanted: &Wanted<'_>) -> Option<&'k str> {
    if wanted.delimiter.is_empty() {
        return None;
    }
    let rest = key.get(wanted.prefix.len()..)?;
    let end = wanted.prefix.len() + rest.find(wanted.delimiter)? + wanted.delimiter.len();
    key.get(..end)
}

/// The first place after every key that begins with `prefix`.
fn past(prefix: &str) -> Bound<String> {
    let mut characters: Vec<char> = prefix.chars().collect();
    while let Some(last) = characters.pop() {
        // The next character there is; surrogates are none.
        let next = if last == '\u{d7ff}' { Some('\u{e000}') } else { char::from_u32(u32::from(last) + 1) };
        if let Some(next) = next {
            characters.push(next);
            return Bound::Included(characters.into_iter().collect());
        }
    }
    Bound::Excluded(prefix.to_owned())
}

fn class(summary: &Summary) -> String {
    summary.storage_class.clone().unwrap_or_else(|| "STANDARD".to_owned())
}

fn contents(page: &Page, writing: &Writing, account: Option<&str>) -> Vec<Object> {
    let object = |(key, summary): &(String, Summary)| Object {
        e_tag: Some(ETag::Strong(summary.etag.clone())),
        key: Some(writing.write(key)),
        last_modified: Some(timestamp(summary.modified_ms)),
        owner: account.map(owner),
        size: i64::try_from(summary.size).ok(),
        storage_class: Some(ObjectStorageClass::from(class(summary))),
        ..Object::default()
    };
    page.objects.iter().map(object).collect()
}

fn prefixes(page: &Page, writing: &Writing) -> Vec<CommonPrefix> {
    page.prefixes.iter().map(|prefix| CommonPrefix { prefix: Some(writing.write(prefix)) }).collect()
}
