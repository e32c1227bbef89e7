//! Every operation of S3, with the IAM action that it needs first.

/// Declares the operations once: name, IAM action, whether it is built here.
macro_rules! operations {
    ($($name:ident $action:literal $built:ident,)+) => {
        /// An operation of S3's model.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Operation {
            $(#[doc = concat!("`", stringify!($name), "`.")] $name,)+
        }

        impl Operation {
            /// All operations.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// The name in S3's model.
            pub fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)+ }
            }

            /// The IAM action of its first demand, for the current version of an object.
            pub fn action(self) -> &'static str {
                match self { $(Self::$name => $action,)+ }
            }

            /// Whether it is built; if not, it answers `NotImplemented`.
            pub fn is_built(self) -> bool {
                match self { $(Self::$name => operations!(@$built),)+ }
            }
        }
    };
    (@built) => { true };
    (@unbuilt) => { false };
}

operations! {
    AbortMultipartUpload "s3:AbortMultipartUpload" built,
    CompleteMultipartUpload "s3:PutObject" built,
    CopyObject "s3:PutObject" built,
    CreateBucket "s3:CreateBucket" built,
    CreateBucketMetadataConfiguration "s3:CreateBucketMetadataTableConfiguration" unbuilt,
    CreateBucketMetadataTableConfiguration "s3:CreateBucketMetadataTableConfiguration" unbuilt,
    CreateMultipartUpload "s3:PutObject" built,
    CreateSession "s3express:CreateSession" unbuilt,
    DeleteBucket "s3:DeleteBucket" built,
    DeleteBucketAnalyticsConfiguration "s3:PutAnalyticsConfiguration" unbuilt,
    DeleteBucketCors "s3:PutBucketCORS" unbuilt,
    DeleteBucketEncryption "s3:PutEncryptionConfiguration" built,
    DeleteBucketIntelligentTieringConfiguration "s3:PutIntelligentTieringConfiguration" unbuilt,
    DeleteBucketInventoryConfiguration "s3:PutInventoryConfiguration" unbuilt,
    DeleteBucketLifecycle "s3:PutLifecycleConfiguration" unbuilt,
    DeleteBucketMetadataConfiguration "s3:DeleteBucketMetadataTableConfiguration" unbuilt,
    DeleteBucketMetadataTableConfiguration "s3:DeleteBucketMetadataTableConfiguration" unbuilt,
    DeleteBucketMetricsConfiguration "s3:PutMetricsConfiguration" unbuilt,
    DeleteBucketOwnershipControls "s3:PutBucketOwnershipControls" built,
    DeleteBucketPolicy "s3:DeleteBucketPolicy" built,
    DeleteBucketReplication "s3:PutReplicationConfiguration" unbuilt,
    DeleteBucketTagging "s3:PutBucketTagging" built,
    DeleteBucketWebsite "s3:DeleteBucketWebsite" unbuilt,
    DeleteObject "s3:DeleteObject" built,
    DeleteObjectAnnotation "s3:DeleteObjectAnnotation" unbuilt,
    DeleteObjectTagging "s3:DeleteObjectTagging" built,
    DeleteObjects "s3:DeleteObject" built,
    DeletePublicAccessBlock "s3:PutBucketPublicAccessBlock" built,
    GetBucketAbac "s3:GetBucketAbac" unbuilt,
    GetBucketAccelerateConfiguration "s3:GetAccelerateConfiguration" built,
    GetBucketAcl "s3:GetBucketAcl" built,
    GetBucketAnalyticsConfiguration "s3:GetAnalyticsConfiguration" unbuilt,
    GetBucketCors "s3:GetBucketCORS" built,
    GetBucketEncryption "s3:GetEncryptionConfiguration" built,
    GetBucketIntelligentTieringConfiguration "s3:GetIntelligentTieringConfiguration" unbuilt,
    GetBucketInventoryConfiguration "s3:GetInventoryConfiguration" unbuilt,
    GetBucketLifecycleConfiguration "s3:GetLifecycleConfiguration" built,
    GetBucketLocation "s3:GetBucketLocation" built,
    GetBucketLogging "s3:GetBucketLogging" built,
    GetBucketMetadataConfiguration "s3:GetBucketMetadataTableConfiguration" unbuilt,
    GetBucketMetadataTableConfiguration "s3:GetBucketMetadataTableConfiguration" unbuilt,
    GetBucketMetricsConfiguration "s3:GetMetricsConfiguration" unbuilt,
    GetBucketNotificationConfiguration "s3:GetBucketNotification" built,
    GetBucketOwnershipControls "s3:GetBucketOwnershipControls" built,
    GetBucketPolicy "s3:GetBucketPolicy" built,
    GetBucketPolicyStatus "s3:GetBucketPolicyStatus" unbuilt,
    GetBucketReplication "s3:GetReplicationConfiguration" built,
    GetBucketRequestPayment "s3:GetBucketRequestPayment" built,
    GetBucketTagging "s3:GetBucketTagging" built,
    GetBucketVersioning "s3:GetBucketVersioning" built,
    GetBucketWebsite "s3:GetBucketWebsite" built,
    GetObject "s3:GetObject" built,
    GetObjectAcl "s3:GetObjectAcl" built,
    GetObjectAnnotation "s3:GetObjectAnnotation" unbuilt,
    GetObjectAttributes "s3:GetObject" built,
    GetObjectLegalHold "s3:GetObjectLegalHold" unbuilt,
    GetObjectLockConfiguration "s3:GetBucketObjectLockConfiguration" built,
    GetObjectRetention "s3:GetObjectRetention" unbuilt,
    GetObjectTagging "s3:GetObjectTagging" built,
    GetObjectTorrent "s3:GetObjectTorrent" unbuilt,
    GetPublicAccessBlock "s3:GetBucketPublicAccessBlock" built,
    HeadBucket "s3:ListBucket" built,
    HeadObject "s3:GetObject" built,
    ListBucketAnalyticsConfigurations "s3:GetAnalyticsConfiguration" unbuilt,
    ListBucketIntelligentTieringConfigurations "s3:GetIntelligentTieringConfiguration" unbuilt,
    ListBucketInventoryConfigurations "s3:GetInventoryConfiguration" unbuilt,
    ListBucketMetricsConfigurations "s3:GetMetricsConfiguration" unbuilt,
    ListBuckets "s3:ListAllMyBuckets" built,
    ListDirectoryBuckets "s3express:ListAllMyDirectoryBuckets" unbuilt,
    ListMultipartUploads "s3:ListBucketMultipartUploads" built,
    ListObjectAnnotations "s3:ListObjectAnnotations" unbuilt,
    ListObjectVersions "s3:ListBucketVersions" built,
    ListObjects "s3:ListBucket" built,
    ListObjectsV2 "s3:ListBucket" built,
    ListParts "s3:ListMultipartUploadParts" built,
    PostObject "s3:PutObject" unbuilt,
    PutBucketAbac "s3:PutBucketAbac" unbuilt,
    PutBucketAccelerateConfiguration "s3:PutAccelerateConfiguration" unbuilt,
    PutBucketAcl "s3:PutBucketAcl" built,
    PutBucketAnalyticsConfiguration "s3:PutAnalyticsConfiguration" unbuilt,
    PutBucketCors "s3:PutBucketCORS" unbuilt,
    PutBucketEncryption "s3:PutEncryptionConfiguration" built,
    PutBucketIntelligentTieringConfiguration "s3:PutIntelligentTieringConfiguration" unbuilt,
    PutBucketInventoryConfiguration "s3:PutInventoryConfiguration" unbuilt,
    PutBucketLifecycleConfiguration "s3:PutLifecycleConfiguration" unbuilt,
    PutBucketLogging "s3:PutBucketLogging" unbuilt,
    PutBucketMetricsConfiguration "s3:PutMetricsConfiguration" unbuilt,
    PutBucketNotificationConfiguration "s3:PutBucketNotification" unbuilt,
    PutBucketOwnershipControls "s3:PutBucketOwnershipControls" built,
    PutBucketPolicy "s3:PutBucketPolicy" built,
    PutBucketReplication "s3:PutReplicationConfiguration" unbuilt,
    PutBucketRequestPayment "s3:PutBucketRequestPayment" unbuilt,
    PutBucketTagging "s3:PutBucketTagging" built,
    PutBucketVersioning "s3:PutBucketVersioning" unbuilt,
    PutBucketWebsite "s3:PutBucketWebsite" unbuilt,
    PutObject "s3:PutObject" built,
    PutObjectAcl "s3:PutObjectAcl" built,
    PutObjectAnnotation "s3:PutObjectAnnotation" unbuilt,
    PutObjectLegalHold "s3:PutObjectLegalHold" unbuilt,
    PutObjectLockConfiguration "s3:PutBucketObjectLockConfiguration" unbuilt,
    PutObjectRetention "s3:PutObjectRetention" unbuilt,
    PutObjectTagging "s3:PutObjectTagging" built,
    PutPublicAccessBlock "s3:PutBucketPublicAccessBlock" built,
    RenameObject "s3:RenameObject" unbuilt,
    RestoreObject "s3:RestoreObject" unbuilt,
    SelectObjectContent "s3:GetObject" unbuilt,
    UpdateBucketMetadataAnnotationTableConfiguration "s3:UpdateBucketMetadataAnnotationTableConfiguration" unbuilt,
    UpdateBucketMetadataInventoryTableConfiguration "s3:UpdateBucketMetadataInventoryTableConfiguration" unbuilt,
    UpdateBucketMetadataJournalTableConfiguration "s3:UpdateBucketMetadataJournalTableConfiguration" unbuilt,
    UpdateObjectEncryption "s3:UpdateObjectEncryption" unbuilt,
    UploadPart "s3:PutObject" built,
    UploadPartCopy "s3:PutObject" built,
    WriteGetObjectResponse "s3-object-lambda:WriteGetObjectResponse" unbuilt,
}

impl Operation {
    /// Whether its body is an object's bytes, which are streamed; all other bodies are small.
    pub fn streams_its_body(self) -> bool {
        matches!(self, Self::PutObject | Self::UploadPart)
    }

    /// The action for a named version of an object, where AWS has one of its own.
    pub(crate) fn version_action(self) -> Option<&'static str> {
        Some(match self {
            Self::GetObject | Self::HeadObject | Self::GetObjectAttributes => "s3:GetObjectVersion",
            Self::GetObjectAcl => "s3:GetObjectVersionAcl",
            Self::GetObjectTagging => "s3:GetObjectVersionTagging",
            Self::PutObjectAcl => "s3:PutObjectVersionAcl",
            Self::PutObjectTagging => "s3:PutObjectVersionTagging",
            Self::DeleteObject | Self::DeleteObjects => "s3:DeleteObjectVersion",
            Self::DeleteObjectTagging => "s3:DeleteObjectVersionTagging",
            _ => return None,
        })
    }
}
