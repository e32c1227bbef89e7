//! The effective settings: file, then variables, then flags; each knows where it came from.

mod file;
mod table;

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

pub(crate) use file::FileError;
pub(crate) use table::{SETTINGS, Setting};

/// Where a setting's value came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Nothing set it.
    Default,
    /// The settings file, at this line.
    File(PathBuf, usize),
    /// An environment variable.
    Variable(String),
    /// A flag of the command line.
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path, line) => write!(f, "{}:{line}", path.display()),
            Self::Variable(name) => write!(f, "${name}"),
            Self::Flag(name) => write!(f, "--{name}"),
        }
    }
}

/// Why the settings can't be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SettingsError {
    /// The file can't be read or is no good.
    #[error(transparent)]
    File(#[from] FileError),
    /// A value is not what its setting takes.
    #[error("the setting {key} can't be {value:?} (from {origin}): {cause}")]
    Value {
        /// Which setting.
        key: &'static str,
        /// Its value.
        value: String,
        /// Where it came from.
        origin: Origin,
        /// What is wrong.
        cause: String,
    },
    /// A variable looks like a setting and is none.
    #[error("${0} names no setting; `rolecall config` lists them all")]
    UnknownVariable(String),
}

/// A setting's value and where it came from.
#[derive(Clone, Debug)]
pub(crate) struct Value {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// The effective settings.
#[derive(Clone, Debug)]
pub(crate) struct Settings(BTreeMap<&'static str, Value>);

/// What the command line says about settings: key and text, for those given.
pub(crate) type Flags = Vec<(&'static str, String)>;

impl Settings {
    /// Reads the file, the variables and the flags.
    ///
    /// # Errors
    /// [`SettingsError`], naming the file's line and column, the variable or the flag.
    pub(crate) fn load(
        file: Option<&Path>,
        variables: impl IntoIterator<Item = (String, String)>,
        flags: Flags,
    ) -> Result<Self, SettingsError> {
        let default = |s: &Setting| (s.key, Value { text: s.default.to_owned(), origin: Origin::Default });
        let mut values: BTreeMap<_, _> = SETTINGS.iter().map(default).collect();
        if let Some(path) = file {
            values.extend(file::read(path)?);
        }
        for (name, text) in variables {
            if let Some(key) = key_of_variable(&name)? {
                values.insert(key, Value { text, origin: Origin::Variable(name) });
            }
        }
        for (key, text) in flags {
            values.insert(key, Value { text, origin: Origin::Flag(key.to_owned()) });
        }
        Ok(Self(values))
    }

    /// All settings in the table's order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&'static Setting, &Value)> {
        SETTINGS.iter().filter_map(|setting| Some((setting, self.0.get(setting.key)?)))
    }

    /// The text of a setting; empty when it is unset.
    pub(crate) fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", |value| value.text.as_str())
    }

    /// A setting's value.
    ///
    /// # Errors
    /// When the text is none of the values that the setting takes.
    pub(crate) fn get<T: FromStr>(&self, key: &'static str) -> Result<T, SettingsError>
    where
        T::Err: fmt::Display,
    {
        let text = self.text(key);
        text.parse().map_err(|cause: T::Err| self.refuse(key, cause.to_string()))
    }

    /// The error that says what is wrong with a setting's value.
    pub(crate) fn refuse(&self, key: &'static str, cause: String) -> SettingsError {
        let origin = self.0.get(key).map_or(Origin::Default, |value| value.origin.clone());
        SettingsError::Value { key, value: self.text(key).to_owned(), origin, cause }
    }
}

/// Variables of the program that are no settings of the server.
const OTHER_VARIABLES: &[&str] = &[
    "ROLECALL_CONFIG",
    "ROLECALL_ROOT_ACCESS_KEY_ID",
    "ROLECALL_ROOT_SECRET_ACCESS_KEY",
    "ROLECALL_ROOT_PASSWORD",
    "ROLECALL_MASTER_KEY",
];

fn key_of_variable(name: &str) -> Result<Option<&'static str>, SettingsError> {
    if let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) {
        return Ok(Some(setting.key));
    }
    let family = [
        "STS",
        "HTTP",
        "LOG",
        "QUOTAS",
        "AUDIT",
        "IMDS",
        "METRICS",
        "INSTANCES",
        "DELEGATION",
        "OIDC",
        "ROLE_TEMPLATES",
    ];
    let rest = name.strip_prefix("ROLECALL_").unwrap_or_default();
    let looks_like_one = family.iter().any(|f| rest.strip_prefix(f).is_some_and(|r| r.starts_with('_')));
    if looks_like_one && !OTHER_VARIABLES.contains(&name) {
        return Err(SettingsError::UnknownVariable(name.to_owned()));
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(file: Option<&str>, variables: &[(&str, &str)], flags: Flags) -> Result<Settings, SettingsError> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("rolecall.toml");
        if let Some(text) = file {
            std::fs::write(&path, text).unwrap();
        }
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Settings::load(file.map(|_| path.as_path()), variables, flags)
    }

    #[test]
    fn a_flag_stands_over_a_variable_over_the_file() {
        let file = Some("listen = \"127.0.0.1:1\"\nregion = \"eu-west-1\"\naccount = \"1\"\n");
        let variables = [("ROLECALL_LISTEN", "127.0.0.1:2"), ("ROLECALL_REGION", "eu-west-2")];
        let settings = load(file, &variables, vec![("listen", "127.0.0.1:3".into())]).unwrap();
        assert_eq!(settings.text("listen"), "127.0.0.1:3");
        assert_eq!(settings.text("region"), "eu-west-2");
        assert_eq!(settings.text("account"), "1");
        assert_eq!(settings.text("data"), "./rolecall-data");
    }

    #[test]
    fn a_bad_value_says_where_it_came_from() {
        let settings = load(Some("[sts]\nmin_session_seconds = \"soon\"\n"), &[], vec![]).unwrap();
        let error = settings.get::<u32>("sts.min_session_seconds").unwrap_err().to_string();
        assert!(error.contains("sts.min_session_seconds") && error.contains("rolecall.toml:2"), "{error}");
    }

    #[test]
    fn a_misspelt_variable_is_told() {
        assert!(load(None, &[("ROLECALL_STS_MIN_SESSION", "1")], vec![]).is_err());
        assert!(load(None, &[("ROLECALL_HOME_OF_SOMEONE", "1")], vec![]).is_ok());
    }

    #[test]
    fn every_variable_is_its_own() {
        let mut names: Vec<_> = SETTINGS.iter().map(Setting::variable).collect();
        names.sort();
        names.dedup();
        assert_eq!(names.len(), SETTINGS.len());
    }
}
