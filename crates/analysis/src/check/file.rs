//! The form of a file of tests: TOML.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rolecall_policy::PolicyKind;
use serde::Deserialize;
use toml::Spanned;

use super::place::{FileError, Places};

/// A file of tests, as it is written.
pub struct TestFile {
    /// Its name, as people gave it.
    pub(super) name: String,
    pub(super) text: String,
    pub(super) parsed: Parsed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Parsed {
    pub(super) account: Option<Spanned<String>>,
    pub(super) from: Option<PathBuf>,
    #[serde(default)]
    pub(super) users: BTreeMap<String, Spanned<Declared>>,
    #[serde(default)]
    pub(super) groups: BTreeMap<String, Spanned<Declared>>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, Spanned<Declared>>,
    #[serde(default)]
    pub(super) policies: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    pub(super) resource_policies: BTreeMap<String, Spanned<String>>,
    pub(super) organization: Option<Organization>,
    #[serde(default)]
    pub(super) test: Vec<Spanned<Test>>,
}

/// A user, group or role that is only supposed, or stands in place of the account's.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Declared {
    pub(super) path: Option<String>,
    #[serde(default)]
    pub(super) policies: Vec<Spanned<String>>,
    pub(super) boundary: Option<Spanned<String>>,
    pub(super) trust: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) groups: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Organization {
    pub(super) path: Option<String>,
    pub(super) service_control: Option<Vec<Vec<Spanned<String>>>>,
    pub(super) resource_control: Option<Vec<Vec<Spanned<String>>>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Test {
    pub(super) name: Option<String>,
    pub(super) principal: Spanned<List>,
    pub(super) except: Option<Spanned<List>>,
    pub(super) action: Option<Spanned<List>>,
    pub(super) resource: Option<Spanned<List>>,
    #[serde(default)]
    pub(super) context: BTreeMap<String, List>,
    pub(super) expect: Option<Expect>,
    pub(super) policy: Option<String>,
    pub(super) sid: Option<String>,
    pub(super) kind: Option<Kind>,
    pub(super) can_assume: Option<Spanned<List>>,
    pub(super) cannot_assume: Option<Spanned<List>>,
    pub(super) can_reach: Option<Spanned<List>>,
    pub(super) cannot_reach: Option<Spanned<List>>,
    #[serde(default)]
    pub(super) unknown_actions: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Expect {
    Allowed,
    Denied,
    ExplicitlyDenied,
    ImplicitlyDenied,
}

/// The kinds of policy by which something can be decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Identity,
    Resource,
    Trust,
    Boundary,
    ServiceControl,
    ResourceControl,
}

impl Kind {
    pub(super) fn policy_kind(self) -> PolicyKind {
        match self {
            Self::Identity => PolicyKind::Identity,
            Self::Resource => PolicyKind::Resource,
            Self::Trust => PolicyKind::Trust,
            Self::Boundary => PolicyKind::PermissionsBoundary,
            Self::ServiceControl => PolicyKind::ServiceControl,
            Self::ResourceControl => PolicyKind::ResourceControl,
        }
    }
}

/// One text, or several. A truth or a number is its text.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMany")]
pub(super) struct List(pub(super) Vec<String>);

#[derive(Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(Scalar),
    Many(Vec<Scalar>),
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Scalar {
    Text(String),
    Truth(bool),
    Number(i64),
}

impl From<OneOrMany> for List {
    fn from(given: OneOrMany) -> Self {
        let text = |scalar| match scalar {
            Scalar::Text(text) => text,
            Scalar::Truth(truth) => truth.to_string(),
            Scalar::Number(number) => number.to_string(),
        };
        Self(match given {
            OneOrMany::One(one) => vec![text(one)],
            OneOrMany::Many(many) => many.into_iter().map(text).collect(),
        })
    }
}

impl TestFile {
    /// Reads a file's text.
    ///
    /// # Errors
    /// The first thing that is wrong, and where.
    pub fn parse(name: &str, text: &str) -> Result<Self, FileError> {
        let places = Places { file: name, text };
        let parsed: Parsed = toml::from_str(text)
            .map_err(|error| places.wrong(error.span().unwrap_or_default(), error.message()))?;
        for test in &parsed.test {
            if let Some(message) = test.get_ref().contradiction() {
                return Err(places.wrong(test.span(), message));
            }
        }
        if parsed.test.is_empty() {
            return Err(places.wrong(0..0, "there is no [[test]] in it"));
        }
        Ok(Self { name: name.to_owned(), text: text.to_owned(), parsed })
    }

    /// The file with the account's details that it names, beside itself.
    #[must_use]
    pub fn from(&self) -> Option<PathBuf> {
        self.parsed.from.as_ref().map(|from| self.beside(from))
    }

    /// Whether it says of which account it is by itself.
    #[must_use]
    pub fn declares(&self) -> bool {
        let Parsed { users, roles, .. } = &self.parsed;
        !users.is_empty() || !roles.is_empty()
    }

    /// The resources that it asks about.
    #[must_use]
    pub fn resources(&self) -> BTreeSet<String> {
        let lists = self.parsed.test.iter().filter_map(|test| test.get_ref().resource.as_ref());
        lists.flat_map(|list| list.get_ref().0.iter().cloned()).collect()
    }

    /// A path that is given from where the file is.
    pub(super) fn beside(&self, path: &Path) -> PathBuf {
        Path::new(&self.name).parent().map_or_else(|| path.to_owned(), |directory| directory.join(path))
    }

    pub(super) fn places(&self) -> Places<'_> {
        Places { file: &self.name, text: &self.text }
    }
}

impl Test {
    /// What can't be meant.
    fn contradiction(&self) -> Option<&'static str> {
        let assumes = self.can_assume.is_some() || self.cannot_assume.is_some();
        let reaches = self.can_reach.is_some() || self.cannot_reach.is_some();
        match (&self.action, self.expect) {
            (Some(_), None) => Some("the test has an action and no `expect`"),
            (None, Some(_)) => Some("the test has `expect` and no `action`"),
            (None, None) if !assumes && !reaches => Some(
                "the test expects nothing: give `action` and `expect`, or `can_assume`, `cannot_assume`, `can_reach`, `cannot_reach`",
            ),
            (None, None) if self.policy.is_some() || self.sid.is_some() || self.kind.is_some() => {
                Some("`policy`, `sid` and `kind` go with `expect`")
            }
            _ => None,
        }
    }
}
