//! The account's password policy: what a password must be, when it expires, which ones it may not repeat.

use serde::{Deserialize, Serialize};

use crate::password::PasswordHash;

/// The characters that count as symbols.
pub const SYMBOLS: &str = "!@#$%^&*()_+-=[]{}|'";

/// The longest password that IAM takes.
pub const MAXIMUM_LENGTH: usize = 128;

const SECONDS_PER_DAY: i64 = 86_400;

/// A password policy that an account has set, in the words of GetAccountPasswordPolicy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PasswordPolicy {
    /// At least how many characters: 6 to 128.
    pub minimum_password_length: u32,
    /// One of [`SYMBOLS`] at least.
    pub require_symbols: bool,
    /// One digit at least.
    pub require_numbers: bool,
    /// One of A to Z at least.
    pub require_uppercase_characters: bool,
    /// One of a to z at least.
    pub require_lowercase_characters: bool,
    /// Whether users may change their own passwords without further permission.
    pub allow_users_to_change_password: bool,
    /// After how many days a password expires: 1 to 1,095; absent where it never does.
    pub max_password_age: Option<u32>,
    /// How many earlier passwords may not come again: 1 to 24; absent where any may.
    pub password_reuse_prevention: Option<u32>,
    /// Whether only an administrator can renew an expired password; absent where never set.
    pub hard_expiry: Option<bool>,
}

impl Default for PasswordPolicy {
    /// What UpdateAccountPasswordPolicy sets for everything that it is not told.
    fn default() -> Self {
        Self {
            minimum_password_length: 6,
            require_symbols: false,
            require_numbers: false,
            require_uppercase_characters: false,
            require_lowercase_characters: false,
            allow_users_to_change_password: false,
            max_password_age: None,
            password_reuse_prevention: None,
            hard_expiry: None,
        }
    }
}

/// Why a password is refused (`PasswordPolicyViolation`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    /// Too few characters.
    #[error("Password should have a minimum length of {0}")]
    TooShort(u32),
    /// More than 128 characters.
    #[error("Password should have a maximum length of {MAXIMUM_LENGTH}")]
    TooLong,
    /// No letter A to Z.
    #[error("Password should have at least one uppercase letter")]
    NoUppercase,
    /// No letter a to z.
    #[error("Password should have at least one lowercase letter")]
    NoLowercase,
    /// No digit.
    #[error("Password should have at least one number")]
    NoNumber,
    /// None of [`SYMBOLS`].
    #[error("Password should have at least one symbol")]
    NoSymbol,
    /// Without a policy: fewer than three kinds of characters.
    #[error(
        "Password should have a mix of at least three of uppercase letters, lowercase letters, numbers, and symbols"
    )]
    TooUniform,
    /// Without a policy: the account's name or the user's address.
    #[error("Password should not be identical to your AWS account name or email address")]
    IsAccountName,
    /// One of the earlier passwords that may not come again.
    #[error("Policy constraint violation with password reuse prevention during password change")]
    Reused,
    /// A character outside Latin-1's printable range.
    #[error("Password contains characters that are not allowed")]
    NotAllowed,
}

impl PasswordPolicy {
    /// Whether passwords expire (GetAccountPasswordPolicy's `ExpirePasswords`).
    pub fn expire_passwords(&self) -> bool {
        self.max_password_age.is_some()
    }

    /// Checks what can be told from the password itself.
    ///
    /// # Errors
    /// The first rule that it breaks.
    // FIDELITY: whether AWS names one broken rule or all of them is not documented.
    pub fn check(&self, password: &str) -> Result<(), Violation> {
        check_characters(password)?;
        let kinds = Kinds::of(password);
        let length = password.chars().count();
        let rules = [
            (
                length >= self.minimum_password_length as usize,
                Violation::TooShort(self.minimum_password_length),
            ),
            (kinds.uppercase || !self.require_uppercase_characters, Violation::NoUppercase),
            (kinds.lowercase || !self.require_lowercase_characters, Violation::NoLowercase),
            (kinds.number || !self.require_numbers, Violation::NoNumber),
            (kinds.symbol || !self.require_symbols, Violation::NoSymbol),
        ];
        rules.into_iter().find(|(kept, _)| !kept).map_or(Ok(()), |(_, violation)| Err(violation))
    }

    /// Checks the password against the user's earlier ones, `history` newest first (the current one
    /// among them). Each comparison costs a password verification.
    ///
    /// # Errors
    /// [`Violation::Reused`].
    pub fn check_history(&self, password: &str, history: &[PasswordHash]) -> Result<(), Violation> {
        let remembered = self.password_reuse_prevention.unwrap_or(0) as usize;
        let reused = history.iter().take(remembered).any(|earlier| earlier.verify(password));
        if reused { Err(Violation::Reused) } else { Ok(()) }
    }

    /// When a password set at `set_at` expires, in seconds since 1970.
    pub fn expiration(&self, set_at: i64) -> Option<i64> {
        self.max_password_age.map(|days| set_at.saturating_add(i64::from(days) * SECONDS_PER_DAY))
    }

    /// Whether a password set at `set_at` has expired by `now`.
    pub fn is_expired(&self, set_at: i64, now: i64) -> bool {
        self.expiration(set_at).is_some_and(|expiration| now >= expiration)
    }
}

/// Checks a password in an account that has set no policy; `names` are the account's name and address.
///
/// # Errors
/// The first rule that it breaks.
// FIDELITY: the messages of `TooUniform` and `IsAccountName` are not on the public record.
pub fn check_without_policy(password: &str, names: &[&str]) -> Result<(), Violation> {
    check_characters(password)?;
    if password.chars().count() < 8 {
        return Err(Violation::TooShort(8));
    }
    let Kinds { uppercase, lowercase, number, symbol } = Kinds::of(password);
    if [uppercase, lowercase, number, symbol].into_iter().filter(|kind| *kind).count() < 3 {
        return Err(Violation::TooUniform);
    }
    if names.iter().any(|name| name.eq_ignore_ascii_case(password)) {
        return Err(Violation::IsAccountName);
    }
    Ok(())
}

/// IAM's pattern for passwords: tab, line feed, return, and U+0020 to U+00FF.
fn check_characters(password: &str) -> Result<(), Violation> {
    if password.chars().count() > MAXIMUM_LENGTH {
        return Err(Violation::TooLong);
    }
    let allowed = |character: char| matches!(character, '\t' | '\n' | '\r' | ' '..='\u{ff}');
    if password.chars().all(allowed) { Ok(()) } else { Err(Violation::NotAllowed) }
}

struct Kinds {
    uppercase: bool,
    lowercase: bool,
    number: bool,
    symbol: bool,
}

impl Kinds {
    fn of(password: &str) -> Self {
        let any = |kind: fn(char) -> bool| password.chars().any(kind);
        Self {
            uppercase: any(|character| character.is_ascii_uppercase()),
            lowercase: any(|character| character.is_ascii_lowercase()),
            number: any(|character| character.is_ascii_digit()),
            symbol: any(|character| SYMBOLS.contains(character)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::Cost;

    const STRICT: PasswordPolicy = PasswordPolicy {
        minimum_password_length: 8,
        require_symbols: true,
        require_numbers: true,
        require_uppercase_characters: true,
        require_lowercase_characters: true,
        allow_users_to_change_password: true,
        max_password_age: Some(90),
        password_reuse_prevention: Some(2),
        hard_expiry: Some(false),
    };

    #[test]
    fn each_rule_refuses_with_its_own_message() {
        let cases = [
            ("Aa1!xyz", "Password should have a minimum length of 8"),
            ("aa1!xyzw", "Password should have at least one uppercase letter"),
            ("AA1!XYZW", "Password should have at least one lowercase letter"),
            ("Aab!xyzw", "Password should have at least one number"),
            ("Aab1xyzw", "Password should have at least one symbol"),
            ("Aab1xyz.", "Password should have at least one symbol"),
        ];
        for (password, message) in cases {
            assert_eq!(STRICT.check(password).unwrap_err().to_string(), message, "{password}");
        }
        assert_eq!(STRICT.check("Aa1!xyzw"), Ok(()));
        assert_eq!(PasswordPolicy::default().check("aaaaaa"), Ok(()));
        assert_eq!(PasswordPolicy::default().check("aaaaa"), Err(Violation::TooShort(6)));
    }

    #[test]
    fn lengths_count_characters_and_end_at_128() {
        assert_eq!(PasswordPolicy::default().check(&"é".repeat(128)), Ok(()));
        assert_eq!(PasswordPolicy::default().check(&"a".repeat(129)), Err(Violation::TooLong));
        assert_eq!(PasswordPolicy::default().check("password\u{100}"), Err(Violation::NotAllowed));
        assert_eq!(PasswordPolicy::default().check("password\0"), Err(Violation::NotAllowed));
    }

    #[test]
    fn without_a_policy_three_kinds_of_eight_characters_are_needed() {
        assert_eq!(check_without_policy("Passw0rd", &[]), Ok(()));
        assert_eq!(check_without_policy("Passwor", &[]), Err(Violation::TooShort(8)));
        assert_eq!(check_without_policy("Password", &[]), Err(Violation::TooUniform));
        assert_eq!(check_without_policy("A1_admins", &["a1_ADMINS"]), Err(Violation::IsAccountName));
    }

    #[test]
    fn the_last_passwords_do_not_come_again() {
        let hash = |text| PasswordHash::new(text, Cost::Light, &|bytes| bytes.fill(3)).unwrap();
        let history = [hash("third"), hash("second"), hash("first")];
        assert_eq!(STRICT.check_history("third", &history), Err(Violation::Reused));
        assert_eq!(STRICT.check_history("second", &history), Err(Violation::Reused));
        assert_eq!(STRICT.check_history("first", &history), Ok(()));
        assert_eq!(PasswordPolicy::default().check_history("third", &history), Ok(()));
    }

    #[test]
    fn a_password_expires_on_its_last_day() {
        let end = 90 * 86_400;
        assert!(!STRICT.is_expired(0, end - 1));
        assert!(STRICT.is_expired(0, end));
        assert!(!PasswordPolicy::default().is_expired(0, i64::MAX));
    }
}
