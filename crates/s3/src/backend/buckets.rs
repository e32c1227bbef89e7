//! Buckets themselves: create, delete, list, locate.

use http::StatusCode;
use s3s::dto::*;

use super::settings::MAX_BUCKET_TAGS;
use super::{Backend, Cx, canonical_id, headers, owner, timestamp};
use crate::disk::{BucketFacts, LAYOUT, PublicAccessBlock};
use crate::fault::Fault;
use crate::receive::Input;

/// The region whose buckets have no location constraint.
const CLASSIC_REGION: &str = "us-east-1";

impl Backend {
    pub(super) async fn create_bucket(
        &self,
        cx: &Cx,
        input: CreateBucketInput,
    ) -> Result<CreateBucketOutput, Fault> {
        headers::check_settable(cx)?;
        if input.object_lock_enabled_for_bucket == Some(true) {
            return Err(Fault::not_implemented("x-amz-bucket-object-lock-enabled"));
        }
        let name = cx.bucket_name()?;
        let account = cx.caller.account.clone().ok_or_else(|| Fault::access_denied("Access Denied"))?;
        let (location, tags) = match &cx.input {
            Input::BucketConfiguration { location, tags } => (location.clone(), tags.clone()),
            _ => (None, Vec::new()),
        };
        headers::check_tags(&tags, MAX_BUCKET_TAGS)?;
        let region = self.region_of_new_bucket(location)?;
        let facts = BucketFacts {
            version: LAYOUT,
            name: name.to_string(),
            owner: account.clone(),
            created_ms: cx.now_ms,
            region: region.clone(),
            policy: None,
            public_access_block: Some(PublicAccessBlock::ALL),
            object_ownership: Some(
                input
                    .object_ownership
                    .map_or_else(|| "BucketOwnerEnforced".to_owned(), |own| own.as_str().to_owned()),
            ),
            tags,
        };
        match self.disk.create(name, facts).await? {
            Ok(()) => {}
            // In this region a bucket that one has is made again without complaint.
            Err(existing) if existing.facts().owner == account && region == CLASSIC_REGION => {}
            Err(existing) => return Err(exists(name.as_str(), existing.facts().owner == account)),
        }
        Ok(CreateBucketOutput { location: Some(format!("/{name}")) })
    }

    /// `EU` is the old name of eu-west-1.
    fn region_of_new_bucket(&self, location: Option<String>) -> Result<String, Fault> {
        match location.as_deref() {
            None => Ok(self.endpoint.region.clone()),
            Some("EU") => Ok("eu-west-1".to_owned()),
            Some(location) if location.is_empty() || location == CLASSIC_REGION || !is_region(location) => {
                let message = "The specified location-constraint is not valid";
                Err(Fault::new("InvalidLocationConstraint", StatusCode::BAD_REQUEST, message)
                    .with("LocationConstraint", location))
            }
            Some(location) => Ok(location.to_owned()),
        }
    }

    pub(super) async fn delete_bucket(
        &self,
        cx: &Cx,
        _: DeleteBucketInput,
    ) -> Result<DeleteBucketOutput, Fault> {
        self.disk.delete(cx.bucket_name()?).await?;
        Ok(DeleteBucketOutput {})
    }

    pub(super) async fn head_bucket(&self, cx: &Cx, _: HeadBucketInput) -> Result<HeadBucketOutput, Fault> {
        let facts = self.bucket(cx)?.facts();
        Ok(HeadBucketOutput { bucket_region: Some(facts.region.clone()), ..HeadBucketOutput::default() })
    }

    pub(super) async fn get_bucket_location(
        &self,
        cx: &Cx,
        _: GetBucketLocationInput,
    ) -> Result<GetBucketLocationOutput, Fault> {
        let region = self.bucket(cx)?.facts().region.clone();
        let constraint = (region != CLASSIC_REGION).then(|| BucketLocationConstraint::from(region));
        Ok(GetBucketLocationOutput { location_constraint: constraint })
    }

    pub(super) async fn list_buckets(
        &self,
        cx: &Cx,
        input: ListBucketsInput,
    ) -> Result<ListBucketsOutput, Fault> {
        let account = cx.caller.account.as_deref().ok_or_else(|| Fault::access_denied("Access Denied"))?;
        let most = usize::try_from(input.max_buckets.unwrap_or(10_000)).unwrap_or(0).clamp(1, 10_000);
        let after = input.continuation_token.as_deref().map(super::lists::read_token).transpose()?;
        let wanted = |facts: &BucketFacts| {
            input.prefix.as_ref().is_none_or(|prefix| facts.name.starts_with(prefix.as_str()))
                && input.bucket_region.as_ref().is_none_or(|region| facts.region == *region)
                && after.as_ref().is_none_or(|after| facts.name > *after)
        };
        let mut found = self.disk.owned_by(account);
        found.retain(|facts| wanted(facts));
        let more = found.len() > most;
        found.truncate(most);
        let token = found.last().filter(|_| more).map(|last| super::lists::make_token(&last.name));
        let paged = input.max_buckets.is_some() || input.prefix.is_some() || input.bucket_region.is_some();
        let bucket = |facts: &std::sync::Arc<BucketFacts>| Bucket {
            bucket_region: paged.then(|| facts.region.clone()),
            creation_date: Some(timestamp(facts.created_ms)),
            name: Some(facts.name.clone()),
        };
        Ok(ListBucketsOutput {
            buckets: Some(found.iter().map(bucket).collect()),
            continuation_token: token,
            owner: Some(owner(account)),
            prefix: input.prefix,
        })
    }

    pub(super) async fn get_bucket_acl(
        &self,
        cx: &Cx,
        _: GetBucketAclInput,
    ) -> Result<GetBucketAclOutput, Fault> {
        let facts = self.bucket(cx)?.facts();
        Ok(GetBucketAclOutput { grants: Some(full_control(&facts.owner)), owner: Some(owner(&facts.owner)) })
    }

    pub(super) async fn put_bucket_acl(
        &self,
        cx: &Cx,
        input: PutBucketAclInput,
    ) -> Result<PutBucketAclOutput, Fault> {
        self.bucket(cx)?;
        headers::check_settable(cx)?;
        if input.access_control_policy.is_some() || input.acl.is_none() {
            return Err(headers::no_lists());
        }
        Ok(PutBucketAclOutput {})
    }
}

/// The one grant of a bucket without lists.
pub(super) fn full_control(account: &str) -> Vec<Grant> {
    let grantee = Grantee {
        display_name: None,
        email_address: None,
        id: Some(canonical_id(account)),
        type_: Type::from_static(Type::CANONICAL_USER),
        uri: None,
    };
    let permission = Permission::from_static(Permission::FULL_CONTROL);
    vec![Grant { grantee: Some(grantee), permission: Some(permission) }]
}

fn exists(bucket: &str, own: bool) -> Fault {
    let (code, message) = if own {
        (
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
        )
    } else {
        (
            "BucketAlreadyExists",
            "The requested bucket name is not available. The bucket namespace is shared by all users of the system. \
             Please select a different name and try again.",
        )
    };
    Fault::new(code, StatusCode::CONFLICT, message).with("BucketName", bucket)
}

fn is_region(text: &str) -> bool {
    text.len() <= 32
        && text.split('-').count() >= 3
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}
