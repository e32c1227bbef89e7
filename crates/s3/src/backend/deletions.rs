//! Removing objects, one or up to a thousand.

use s3s::dto::*;

use super::{Backend, Cx};
use crate::disk::{Bucket, Condition};
use crate::fault::Fault;

impl Backend {
    pub(super) async fn delete_object(
        &self,
        cx: &Cx,
        input: DeleteObjectInput,
    ) -> Result<DeleteObjectOutput, Fault> {
        let bucket = self.bucket(cx)?;
        cx.only_version()?;
        let condition = match input.if_match {
            Some(ETagCondition::Any) => Condition::Matches("*".to_owned()),
            Some(ETagCondition::ETag(etag)) => Condition::Matches(etag.into_value()),
            None => Condition::None,
        };
        bucket.remove(cx.key()?, &condition).await?;
        Ok(DeleteObjectOutput::default())
    }

    pub(super) async fn delete_objects(
        &self,
        cx: &Cx,
        input: DeleteObjectsInput,
    ) -> Result<DeleteObjectsOutput, Fault> {
        let bucket = self.bucket(cx)?;
        let quiet = input.delete.quiet.unwrap_or(false);
        let (mut deleted, mut errors) = (Vec::new(), Vec::new());
        for object in input.delete.objects {
            let ObjectIdentifier { key, version_id, .. } = object;
            match delete_entry(cx, &bucket, &key, version_id.as_ref()).await {
                Ok(()) if quiet => {}
                Ok(()) => {
                    deleted.push(DeletedObject { key: Some(key), version_id, ..DeletedObject::default() })
                }
                Err(fault) => errors.push(Error {
                    code: Some(fault.code.to_owned()),
                    key: Some(key),
                    message: Some(fault.message),
                    version_id,
                }),
            }
        }
        Ok(DeleteObjectsOutput { deleted: Some(deleted), errors: Some(errors), request_charged: None })
    }
}

/// INVARIANT: an entry without a verdict is not deleted, whoever read it into the list.
async fn delete_entry(cx: &Cx, bucket: &Bucket, key: &str, version: Option<&String>) -> Result<(), Fault> {
    match cx.verdicts.entries.get(&(key.to_owned(), version.cloned())) {
        Some(Ok(())) => {}
        Some(Err(fault)) => return Err(fault.clone()),
        None => return Err(Fault::access_denied("Access Denied")),
    }
    if version.is_some_and(|version| version != "null") {
        return Err(Fault::invalid_argument("Invalid version id specified", "versionId", ""));
    }
    bucket.remove(key, &Condition::None).await
}
