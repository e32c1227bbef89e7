//! The session that a role gives: its credentials and its name.

use std::fmt;

use aws_sdk_sts::primitives::DateTimeFormat;
use aws_sdk_sts::types::{AssumedRoleUser, Credentials};
use serde::Serialize;

use crate::ClientError;

/// Temporary credentials and whose they are, in the form in which `aws sts assume-role` prints them.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct Session {
    pub(crate) credentials: SessionCredentials,
    pub(crate) assumed_role_user: SessionName,
}

/// The four parts of temporary credentials.
#[derive(Clone, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SessionCredentials {
    pub(crate) access_key_id: String,
    pub(crate) secret_access_key: String,
    pub(crate) session_token: String,
    /// ISO 8601.
    pub(crate) expiration: String,
}

/// Who one is while using them.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(crate) struct SessionName {
    pub(crate) assumed_role_id: String,
    pub(crate) arn: String,
}

impl Session {
    pub(crate) fn of_answer(
        operation: &'static str,
        credentials: Option<&Credentials>,
        user: Option<&AssumedRoleUser>,
    ) -> Result<Self, ClientError> {
        let missing = |missing| ClientError::Incomplete { operation, missing };
        let credentials = credentials.ok_or_else(|| missing("Credentials"))?;
        let user = user.ok_or_else(|| missing("AssumedRoleUser"))?;
        let expiration = credentials.expiration().fmt(DateTimeFormat::DateTime);
        Ok(Self {
            credentials: SessionCredentials {
                access_key_id: credentials.access_key_id().to_owned(),
                secret_access_key: credentials.secret_access_key().to_owned(),
                session_token: credentials.session_token().to_owned(),
                expiration: expiration.map_err(|_| missing("a valid Expiration"))?,
            },
            assumed_role_user: SessionName {
                assumed_role_id: user.assumed_role_id().to_owned(),
                arn: user.arn().to_owned(),
            },
        })
    }

    /// The account, which is the fifth field of the ARN.
    pub(crate) fn account(&self) -> &str {
        self.assumed_role_user.arn.split(':').nth(4).unwrap_or_default()
    }
}

impl SessionCredentials {
    /// The variables by which every AWS client takes temporary credentials.
    pub(crate) fn variables(&self) -> [(&'static str, &str); 4] {
        [
            ("AWS_ACCESS_KEY_ID", &self.access_key_id),
            ("AWS_SECRET_ACCESS_KEY", &self.secret_access_key),
            ("AWS_SESSION_TOKEN", &self.session_token),
            ("AWS_CREDENTIAL_EXPIRATION", &self.expiration),
        ]
    }
}

/// The secret and the token stay out of every debug print.
impl fmt::Debug for SessionCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCredentials")
            .field("access_key_id", &self.access_key_id)
            .field("expiration", &self.expiration)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("credentials", &self.credentials)
            .field("assumed_role_user", &self.assumed_role_user)
            .finish()
    }
}

#[cfg(test)]
pub(crate) fn example() -> Session {
    Session {
        credentials: SessionCredentials {
            access_key_id: "ASIAEXAMPLE".into(),
            secret_access_key: "sec/ret+key".into(),
            session_token: "tok'en==".into(),
            expiration: "2026-01-02T03:04:05Z".into(),
        },
        assumed_role_user: SessionName {
            assumed_role_id: "AROAEXAMPLE:s1".into(),
            arn: "arn:aws:sts::123456789012:assumed-role/robot/s1".into(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debug_print_holds_no_secret() {
        let print = format!("{:?}", example());
        assert!(print.contains("ASIAEXAMPLE"));
        assert!(!print.contains("sec/ret+key") && !print.contains("tok'en"), "{print}");
    }

    #[test]
    fn the_account_is_read_from_the_arn() {
        assert_eq!(example().account(), "123456789012");
    }
}
