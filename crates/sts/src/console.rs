//! Sessions of the console: whoever signs in with a password is the user itself, not someone lesser.

use rolecall_access::session::{Session, SessionKind, TemporaryCredentials, issue};
use rolecall_state::{AccessKeyId, AccountId, Entropy, Snapshot, Timestamp, Txn, UniqueId};

use crate::error::StsError;
use crate::mfa::{self, SecondFactor};

/// How long a console session lasts, in seconds: twelve hours, as AWS's.
pub const CONSOLE_SECONDS: i64 = 43_200;

/// Who signs in.
#[derive(Clone, Debug)]
pub struct SigningIn {
    /// The account.
    pub account: AccountId,
    /// The user; none for the root user.
    pub user: Option<UniqueId>,
}

impl SigningIn {
    /// The id under which MFA devices are held.
    fn holder(&self) -> UniqueId {
        self.user.clone().unwrap_or_else(|| UniqueId::from_stored(&self.account.to_string()))
    }

    /// Whether a second factor is asked for: the principal has a device.
    pub fn needs_code(&self, snapshot: &Snapshot) -> bool {
        let account = snapshot.account(self.account);
        account.is_some_and(|account| !account.mfa_devices_of(&self.holder()).is_empty())
    }

    /// Checks a code of any of the principal's devices, and notes it as used.
    ///
    /// # Errors
    /// When no device shows it about now.
    pub fn verify_code(&self, txn: &mut Txn, code: &str, now: Timestamp) -> Result<SecondFactor, StsError> {
        let holder = self.holder();
        let account = txn.snapshot().account(self.account);
        let devices = account.map(|account| account.mfa_devices_of(&holder)).unwrap_or_default();
        let names: Vec<String> = devices.into_iter().map(|device| device.name.clone()).collect();
        for name in names {
            let Some(device) = txn.read(|account| &account.mfa_devices, &name) else { continue };
            match mfa::verify_device(txn, (*device).clone(), code, now) {
                Err(StsError::AccessDenied(_)) => {}
                done => return done,
            }
        }
        Err(mfa::wrong_code())
    }

    /// The session. None when the key ring is empty.
    pub fn session(
        self,
        second_factor: Option<SecondFactor>,
        now: Timestamp,
        snapshot: &Snapshot,
        entropy: &dyn Entropy,
    ) -> Option<TemporaryCredentials> {
        let session = Session {
            key: AccessKeyId::temporary(self.account, entropy),
            account: self.account,
            kind: SessionKind::Console { user: self.user },
            issued: now,
            expires: now.plus_seconds(CONSOLE_SECONDS),
            policies: Vec::new(),
            policy_arns: Vec::new(),
            tags: Vec::new(),
            transitive_tag_keys: Vec::new(),
            source_identity: None,
            mfa: second_factor.map(SecondFactor::at),
            context: Vec::new(),
            chained: false,
            delegate: None,
        };
        issue(&session, snapshot.key_ring(), entropy)
    }
}
