//! The second look: what `s3s` makes of a request must be what was decided on.

use std::sync::Arc;

use async_trait::async_trait;
use s3s::access::{S3Access, S3AccessContext};
use s3s::auth::{S3Auth, SecretKey};
use s3s::path::S3Path;
use s3s::{S3Result, s3_error};

use crate::address::Target;
use crate::backend::Cx;

/// Refuses every signature: none is left on a request that gets here. It must be there for `s3s` to
/// ask [`SameAsDecided`].
pub(crate) struct NoSignatures;

#[async_trait]
impl S3Auth for NoSignatures {
    async fn get_secret_key(&self, _access_key: &str) -> S3Result<SecretKey> {
        Err(s3_error!(InvalidAccessKeyId))
    }
}

/// Admits a request if its operation and target are those that were decided.
pub(crate) struct SameAsDecided;

#[async_trait]
impl S3Access for SameAsDecided {
    async fn check(&self, cx: &mut S3AccessContext<'_>) -> S3Result<()> {
        let decided = cx.extensions_mut().get::<Arc<Cx>>().cloned();
        let operation = cx.s3_op().name();
        match decided {
            Some(decided)
                if decided.operation.name() == operation && is_same(&decided.target, cx.s3_path()) =>
            {
                Ok(())
            }
            _ => {
                tracing::error!(operation, "a request was read in two ways and is refused");
                Err(s3_error!(AccessDenied, "Access Denied"))
            }
        }
    }
}

fn is_same(target: &Target, path: &S3Path) -> bool {
    match (target, path) {
        (Target::Service, S3Path::Root) => true,
        (Target::Bucket(name), S3Path::Bucket { bucket }) => *name.as_str() == **bucket,
        (Target::Object(name, key), S3Path::Object { bucket, key: found }) => {
            *name.as_str() == **bucket && **key == **found
        }
        _ => false,
    }
}
