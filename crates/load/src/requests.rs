//! The requests that are measured: signed once, which holds for fifteen minutes.

use std::time::{SystemTime, UNIX_EPOCH};

use rolecall_sigv4::{PayloadHash, SecretKey, Signer, Timestamp};

/// Who signs.
pub(crate) struct Credentials {
    pub(crate) access_key_id: String,
    pub(crate) secret: SecretKey,
    /// The same, as it was given.
    pub(crate) secret_text: String,
    pub(crate) token: Option<String>,
}

impl Credentials {
    /// From the usual variables.
    #[expect(clippy::disallowed_methods, reason = "the program is where the environment is read")]
    pub(crate) fn from_environment() -> Result<Self, String> {
        let needed = |name: &str| std::env::var(name).map_err(|_| format!("${name} is not set"));
        let secret_text = needed("AWS_SECRET_ACCESS_KEY")?;
        Ok(Self {
            access_key_id: needed("AWS_ACCESS_KEY_ID")?,
            secret: SecretKey::new(&secret_text),
            secret_text,
            token: std::env::var("AWS_SESSION_TOKEN").ok().filter(|token| !token.is_empty()),
        })
    }
}

impl Credentials {
    /// Signs as the key with this id, which has the same secret, for a service yet to be named.
    pub(crate) fn signer<'c>(&'c self, access_key_id: &'c str) -> Signer<'c> {
        let token = self.token.as_deref();
        Signer { access_key_id, secret: &self.secret, token, region: "us-east-1", service: "sts" }
    }
}

/// `text` as a value in a form.
pub(crate) fn escaped(text: &str) -> String {
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let one = |byte: u8| if unreserved(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(one).collect()
}

/// What is asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: http::Method,
    pub(crate) service: &'static str,
    pub(crate) body: String,
}

impl Asked {
    /// The request of this name.
    pub(crate) fn named(name: &str, role_arn: Option<&str>) -> Result<Self, String> {
        let post = |service, body| Self { method: http::Method::POST, service, body };
        match name {
            "get-caller-identity" => Ok(post("sts", "Action=GetCallerIdentity&Version=2011-06-15".into())),
            "assume-role" => {
                let arn = escaped(role_arn.ok_or("assume-role needs --role-arn")?);
                let body = format!("Action=AssumeRole&Version=2011-06-15&RoleSessionName=load&RoleArn={arn}");
                Ok(post("sts", body))
            }
            "list-buckets" => Ok(Self { method: http::Method::GET, service: "s3", body: String::new() }),
            other => Err(format!(
                "{other} is none of get-caller-identity, assume-role, list-buckets, create-role, instance-credentials"
            )),
        }
    }

    /// CreateRole, with a trust policy that nobody satisfies.
    pub(crate) fn create_role(name: &str) -> Self {
        let trust = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}]}"#;
        let body = format!(
            "Action=CreateRole&Version=2010-05-08&RoleName={name}&AssumeRolePolicyDocument={}",
            escaped(trust)
        );
        Self { method: http::Method::POST, service: "iam", body }
    }

    /// The bytes of the signed request.
    pub(crate) fn signed(&self, host: &str, credentials: &Credentials) -> Result<Vec<u8>, String> {
        self.signed_by(&credentials.signer(&credentials.access_key_id), host)
    }

    /// The bytes of the request, signed in the name of another key.
    pub(crate) fn signed_by(&self, signer: &Signer<'_>, host: &str) -> Result<Vec<u8>, String> {
        let mut builder = http::Request::builder().method(self.method.clone()).uri("/").header("host", host);
        if !self.body.is_empty() {
            builder = builder.header("content-type", "application/x-www-form-urlencoded");
        }
        let payload = PayloadHash::of(self.body.as_bytes());
        if self.service == "s3" {
            builder = builder.header("x-amz-content-sha256", payload.to_text());
        }
        let (mut parts, ()) = builder.body(()).map_err(|cause| cause.to_string())?.into_parts();
        let signer = Signer { service: self.service, ..*signer };
        signer.sign(&mut parts, &payload, now()).map_err(|cause| cause.to_string())?;
        let mut bytes = format!("{} / HTTP/1.1\r\n", self.method).into_bytes();
        for (name, value) in &parts.headers {
            bytes.extend_from_slice(name.as_str().as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value.as_bytes());
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(
            format!("content-length: {}\r\n\r\n{}", self.body.len(), self.body).as_bytes(),
        );
        Ok(bytes)
    }
}

#[expect(clippy::disallowed_methods, reason = "the program is where the clock is read")]
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Timestamp(i64::try_from(since).unwrap_or(i64::MAX))
}
