//! The lab by AWS's SDK for Rust; prints what happened as one JSON object, of the same shape as `js/lab.mjs`.
//! The endpoint, the region and the root user's keys come from the environment, as the SDK reads them.

use std::error::Error;

use aws_config::retry::RetryConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_sdk_iam::types::Tag;
use aws_sdk_s3::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_s3::primitives::ByteStream;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use serde_json::{Value, json};

type Outcome<T> = Result<T, Box<dyn Error>>;

const ACCOUNT: &str = "123456789012";
const BUCKET: &str = "lab-first";

#[tokio::main]
async fn main() -> Outcome<()> {
    let http =
        aws_smithy_http_client::Builder::new().tls_provider(Provider::Rustls(CryptoMode::Ring)).build_https();
    let root = aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .retry_config(RetryConfig::disabled())
        .load()
        .await;
    let report = lab(&root).await?;
    #[expect(clippy::print_stdout, reason = "it is a program, and this is its answer")]
    {
        println!("{report}");
    }
    Ok(())
}

/// Declare, assume, verify.
async fn lab(root: &SdkConfig) -> Outcome<Value> {
    let iam = aws_sdk_iam::Client::new(root);
    declare(root, &iam).await?;
    let roles = iam.list_roles().send().await?;
    let missing = refusal(iam.get_role().role_name("nobody").send().await);

    let key = iam.create_access_key().user_name("robot").send().await?.access_key.ok_or("no key")?;
    let robot = acting(root, Credentials::from_keys(&key.access_key_id, &key.secret_access_key, None));
    let denied = refusal(s3(&robot).list_buckets().send().await);

    let sts = aws_sdk_sts::Client::new(&robot);
    let assuming = sts.assume_role().role_arn(role_arn()).role_session_name("Rust");
    let given = assuming.send().await?.credentials.ok_or("no credentials")?;
    let with_token = |token: String| {
        acting(root, Credentials::from_keys(&given.access_key_id, &given.secret_access_key, Some(token)))
    };
    let session = with_token(given.session_token.clone());
    let buckets = s3(&session).list_buckets().send().await?;
    s3(&session)
        .put_object()
        .bucket(BUCKET)
        .key("k")
        .body(ByteStream::from_static(b"from Rust"))
        .send()
        .await?;
    let object = s3(&session).get_object().bucket(BUCKET).key("k").send().await?.body.collect().await?;

    let provider = AssumeRoleProvider::builder(role_arn()).session_name("by-provider").configure(&robot);
    let provider = provider.build_from_provider(robot.credentials_provider().ok_or("no provider")?).await;
    let provided = root
        .to_builder()
        .credentials_provider(aws_credential_types::provider::SharedCredentialsProvider::new(provider));

    let wrong = acting(root, Credentials::from_keys(&key.access_key_id, "x".repeat(40), None));
    let tampered = with_token(format!("AAA{}", given.session_token.get(3..).unwrap_or_default()));
    Ok(json!({
        "roles": roles.roles().iter().map(|role| role.role_name()).collect::<Vec<_>>(),
        "missing": missing,
        "user": arn(&robot).await?,
        "denied": denied,
        "session": arn(&session).await?,
        "buckets": buckets.buckets().iter().map(|bucket| bucket.name()).collect::<Vec<_>>(),
        "object": String::from_utf8(object.into_bytes().to_vec())?,
        "provided": arn(&provided.build()).await?,
        "wrong": refusal(aws_sdk_sts::Client::new(&wrong).get_caller_identity().send().await),
        "tampered": refusal(aws_sdk_sts::Client::new(&tampered).get_caller_identity().send().await),
    }))
}

/// What the lab's Terraform files declare.
async fn declare(root: &SdkConfig, iam: &aws_sdk_iam::Client) -> Outcome<()> {
    s3(root).create_bucket().bucket(BUCKET).send().await?;
    let policy = iam.create_policy().policy_name("s3_management").path("/storage/");
    let policy =
        policy.policy_document(document(json!({ "Effect": "Allow", "Action": "s3:*", "Resource": "*" })));
    let policy = policy.send().await?.policy.and_then(|policy| policy.arn).ok_or("no ARN")?;
    let tag = Tag::builder().key("Name").value("robot").build()?;
    iam.create_user().user_name("robot").path("/auto/").tags(tag).send().await?;
    let user = format!("arn:aws:iam::{ACCOUNT}:user/auto/robot");
    let trust = json!({ "Effect": "Allow", "Action": "sts:AssumeRole",
        "Principal": { "Service": "ec2.amazonaws.com", "AWS": user }, "Condition": {} });
    iam.create_role().role_name("robot").assume_role_policy_document(document(trust)).send().await?;
    iam.attach_role_policy().role_name("robot").policy_arn(policy).send().await?;
    let may = json!({ "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role_arn() });
    let put = iam.put_user_policy().user_name("robot").policy_name("assume_role-robot");
    put.policy_document(document(may)).send().await?;
    Ok(())
}

fn role_arn() -> String {
    format!("arn:aws:iam::{ACCOUNT}:role/robot")
}

fn document(statement: Value) -> String {
    json!({ "Version": "2012-10-17", "Statement": [statement] }).to_string()
}

fn acting(root: &SdkConfig, credentials: Credentials) -> SdkConfig {
    let provider = aws_credential_types::provider::SharedCredentialsProvider::new(credentials);
    root.to_builder().credentials_provider(provider).build()
}

/// S3 by paths: a bucket's own host name would need a resolver.
fn s3(config: &SdkConfig) -> aws_sdk_s3::Client {
    let config = aws_sdk_s3::config::Builder::from(config).force_path_style(true).build();
    aws_sdk_s3::Client::from_conf(config)
}

async fn arn(config: &SdkConfig) -> Outcome<Option<String>> {
    Ok(aws_sdk_sts::Client::new(config).get_caller_identity().send().await?.arn)
}

/// The code, status and message of a refusal; null when there was none.
fn refusal<T, E>(result: Result<T, SdkError<E>>) -> Value
where
    SdkError<E>: ProvideErrorMetadata,
{
    match result {
        Ok(_) => Value::Null,
        Err(error) => json!({
            "code": error.code(),
            "status": error.raw_response().map(|response| response.status().as_u16()),
            "message": error.message(),
        }),
    }
}
