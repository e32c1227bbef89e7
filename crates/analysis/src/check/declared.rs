//! What a file of tests supposes: users, groups, roles and policies of its own, beside or in place of the account's.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rolecall_account_details::Details;
use rolecall_policy::{Document, Grammar, PolicyKind};
use rolecall_state::arn::ArnParts;
use rolecall_state::entities::{AttachedPolicies, InlinePolicies, NameKey, Tag, Tags};
use rolecall_state::{AccountId, Partition, PolicyRef, Timestamp};
use toml::Spanned;

use super::file::{Declared, Organization, TestFile};
use super::place::FileError;
use crate::entities;
use crate::{Control, Controls, Given, World};

/// Reads a file beside the tests.
pub type ReadFile<'r> = &'r dyn Fn(&Path) -> std::io::Result<String>;

/// The account of a file that names none.
const ACCOUNT: &str = "123456789012";

impl TestFile {
    /// The account that the tests are about: what is known of it, with what the file supposes.
    ///
    /// # Errors
    /// When something that the file names is no good.
    pub fn world(
        &self,
        known: Option<Given>,
        now: Timestamp,
        read: ReadFile<'_>,
    ) -> Result<World, FileError> {
        let mut given = match known {
            Some(known) => known,
            None => self.nothing(now)?,
        };
        let files = Files { tests: self, read };
        files.policies(&mut given.details)?;
        files.groups(&mut given.details)?;
        files.users(&mut given.details)?;
        files.roles(&mut given.details)?;
        for (arn, text) in &self.parsed.resource_policies {
            let (name, document) = files.document(text, arn, PolicyKind::Resource)?;
            given.resource_policies.insert(arn.clone(), Control { name, document });
        }
        if let Some(organization) = &self.parsed.organization {
            given.controls = Some(files.controls(organization)?);
        }
        World::of(given).map_err(|cause| self.places().wrong(0..0, cause.to_string()))
    }

    fn nothing(&self, now: Timestamp) -> Result<Given, FileError> {
        let wrong = |text: &Spanned<String>| {
            self.places().wrong(text.span(), format!("{:?} is no account id", text.get_ref()))
        };
        let account: AccountId = match &self.parsed.account {
            Some(text) => text.get_ref().parse().map_err(|_| wrong(text))?,
            None => ACCOUNT.parse().map_err(|_| self.places().wrong(0..0, "there is no account"))?,
        };
        let details = Details::empty(account, Partition::Aws);
        Ok(Given { details, controls: None, resource_policies: BTreeMap::new(), now, unknown: Vec::new() })
    }
}

/// Puts an entity in the place of the one of its name.
fn put<T>(list: &mut Vec<T>, key: impl Fn(&T) -> NameKey, new: T) {
    let wanted = key(&new);
    list.retain(|one| key(one) != wanted);
    list.push(new);
}

struct Files<'f> {
    tests: &'f TestFile,
    read: ReadFile<'f>,
}

impl Files<'_> {
    fn wrong(&self, text: &Spanned<String>, message: impl Into<String>) -> FileError {
        self.tests.places().wrong(text.span(), message)
    }

    /// A policy's name and document: a text that begins with `{` is the document itself, any other a file beside the
    /// tests.
    fn document(
        &self,
        text: &Spanned<String>,
        of: &str,
        kind: PolicyKind,
    ) -> Result<(String, Arc<str>), FileError> {
        let written = text.get_ref();
        let (name, document) = if written.trim_start().starts_with('{') {
            (format!("{of} in {}", self.tests.name), written.clone())
        } else {
            let path = self.tests.beside(Path::new(written));
            let name = path.display().to_string();
            let read = (self.read)(&path).map_err(|cause| self.wrong(text, format!("{name}: {cause}")))?;
            (name, read)
        };
        let document: Arc<str> = document.into();
        Document::parse(document.clone(), Grammar::evaluated(kind))
            .map_err(|cause| self.wrong(text, format!("{name} is no policy: {cause}")))?;
        Ok((name, document))
    }

    fn policies(&self, details: &mut Details) -> Result<(), FileError> {
        for (written, text) in &self.tests.parsed.policies {
            let (path, name) = match ArnParts::parse(written) {
                Some(parts) => split(parts.resource.strip_prefix("policy").unwrap_or(parts.resource)),
                None => split(written),
            };
            let (_, document) = self.document(text, written, PolicyKind::Identity)?;
            let mut new = entities::policy(&name, &path, document);
            // Whoever has the account's own policy has this one in its place.
            if let Some(old) = details.policies.iter().find(|old| old.key() == new.key()) {
                (new.id, new.path) = (old.id.clone(), old.path.clone());
            }
            put(&mut details.policies, |one| one.key(), new);
        }
        Ok(())
    }

    fn groups(&self, details: &mut Details) -> Result<(), FileError> {
        for (name, declared) in &self.tests.parsed.groups {
            let mut new = entities::group(name);
            self.no("groups", "boundary", declared, |one| one.boundary.is_some())?;
            self.no("groups", "trust", declared, |one| one.trust.is_some())?;
            self.no("groups", "groups", declared, |one| !one.groups.is_empty())?;
            let of = format!("groups.{name}");
            (new.inline, new.attached) = self.held(declared.get_ref(), &of, details)?;
            if let Some(old) = details.groups.iter().find(|old| old.key() == new.key()) {
                new.id = old.id.clone();
            }
            put(&mut details.groups, |one| one.key(), new);
        }
        Ok(())
    }

    fn users(&self, details: &mut Details) -> Result<(), FileError> {
        for (written, declared) in &self.tests.parsed.users {
            self.no("users", "trust", declared, |one| one.trust.is_some())?;
            let declared = declared.get_ref();
            let (path, name) = split(written);
            let mut new = entities::user(&name, declared.path.as_deref().unwrap_or(&path));
            let of = format!("users.{written}");
            (new.inline, new.attached) = self.held(declared, &of, details)?;
            new.boundary = self.boundary(declared, &of, details)?;
            new.tags = tags(&declared.tags);
            for group in &declared.groups {
                let known = details.groups.iter().find(|one| one.key() == NameKey::of(group.get_ref()));
                let absent = || self.wrong(group, format!("there is no group {}", group.get_ref()));
                new.groups.insert(known.ok_or_else(absent)?.id.clone());
            }
            if let Some(old) = details.users.iter().find(|old| old.key() == new.key()) {
                new.id = old.id.clone();
            }
            put(&mut details.users, |one| one.key(), new);
        }
        Ok(())
    }

    fn roles(&self, details: &mut Details) -> Result<(), FileError> {
        for (written, declared) in &self.tests.parsed.roles {
            self.no("roles", "groups", declared, |one| !one.groups.is_empty())?;
            let declared = declared.get_ref();
            let (path, name) = split(written);
            let of = format!("roles.{written}");
            let trust = match &declared.trust {
                Some(text) => self.document(text, &format!("{of}.trust"), PolicyKind::Trust)?.1,
                None => r#"{"Version": "2012-10-17", "Statement": []}"#.into(),
            };
            let mut new = entities::role(&name, declared.path.as_deref().unwrap_or(&path), trust);
            (new.inline, new.attached) = self.held(declared, &of, details)?;
            new.boundary = self.boundary(declared, &of, details)?;
            new.tags = tags(&declared.tags);
            if let Some(old) = details.roles.iter().find(|old| old.key() == new.key()) {
                new.id = old.id.clone();
                if declared.trust.is_none() {
                    new.trust_policy = old.trust_policy.clone();
                }
            }
            put(&mut details.roles, |one| one.key(), new);
        }
        Ok(())
    }

    fn no(
        &self,
        table: &str,
        field: &str,
        declared: &Spanned<Declared>,
        has: impl Fn(&Declared) -> bool,
    ) -> Result<(), FileError> {
        match has(declared.get_ref()) {
            true => Err(self.tests.places().wrong(declared.span(), format!("[{table}] have no `{field}`"))),
            false => Ok(()),
        }
    }

    /// The policies that someone has: files, documents, and managed ones by ARN or by their name in `[policies]`.
    fn held(
        &self,
        declared: &Declared,
        of: &str,
        details: &Details,
    ) -> Result<(InlinePolicies, AttachedPolicies), FileError> {
        let (mut inline, mut attached) = (InlinePolicies::new(), AttachedPolicies::new());
        for (at, text) in declared.policies.iter().enumerate() {
            if let Some(reference) = self.managed(text, details)? {
                attached.insert(reference);
                continue;
            }
            let (name, document) =
                self.document(text, &format!("{of}.policies[{at}]"), PolicyKind::Identity)?;
            inline.insert(name, document);
        }
        Ok((inline, attached))
    }

    /// The managed policy that is meant; none when it is a document or a file.
    fn managed(&self, text: &Spanned<String>, details: &Details) -> Result<Option<PolicyRef>, FileError> {
        let written = text.get_ref();
        let absent = || self.wrong(text, format!("there is no policy {written}"));
        if written.starts_with("arn:") {
            let reference = PolicyRef::from_arn(written, details.account).ok_or_else(absent)?;
            let known = match &reference {
                PolicyRef::Customer(key) => details.policies.iter().any(|policy| policy.key() == *key),
                PolicyRef::Aws(_) => Details::knows_aws_policy(written),
            };
            return if known { Ok(Some(reference)) } else { Err(absent()) };
        }
        let key = NameKey::of(written);
        let known = details.policies.iter().any(|policy| policy.key() == key);
        Ok(known.then_some(PolicyRef::Customer(key)))
    }

    fn boundary(
        &self,
        declared: &Declared,
        of: &str,
        details: &mut Details,
    ) -> Result<Option<PolicyRef>, FileError> {
        let Some(text) = &declared.boundary else { return Ok(None) };
        if let Some(reference) = self.managed(text, details)? {
            return Ok(Some(reference));
        }
        let (name, document) = self.document(text, &format!("{of}.boundary"), PolicyKind::Identity)?;
        let new = entities::policy(&name, "/", document);
        let key = new.key();
        put(&mut details.policies, |one| one.key(), new);
        Ok(Some(PolicyRef::Customer(key)))
    }

    fn controls(&self, organization: &Organization) -> Result<Controls, FileError> {
        let Organization { path, service_control, resource_control } = organization;
        let levels = |levels: &Option<Vec<Vec<Spanned<String>>>>, field: &str, kind| {
            let Some(levels) = levels else { return Ok(None) };
            let level = |(at, level): (usize, &Vec<Spanned<String>>)| {
                let of = format!("organization.{field}[{at}]");
                let control = |text| {
                    let (name, document) = self.document(text, &of, kind)?;
                    Ok(Control { name, document })
                };
                level.iter().map(control).collect::<Result<Vec<_>, FileError>>()
            };
            levels.iter().enumerate().map(level).collect::<Result<Vec<_>, FileError>>().map(Some)
        };
        Ok(Controls {
            id: None,
            path: path.clone(),
            service: levels(service_control, "service_control", PolicyKind::ServiceControl)?,
            resource: levels(resource_control, "resource_control", PolicyKind::ResourceControl)?,
        })
    }
}

/// Path and name: `jobs/worker` is `worker` under `/jobs/`.
fn split(written: &str) -> (String, String) {
    match written.trim_start_matches('/').rsplit_once('/') {
        Some((path, name)) => (format!("/{path}/"), name.to_owned()),
        None => ("/".to_owned(), written.trim_start_matches('/').to_owned()),
    }
}

fn tags(given: &BTreeMap<String, String>) -> Tags {
    let mut tags = Tags::default();
    for (key, value) in given {
        tags.set_exactly(Tag { key: key.clone(), value: value.clone() });
    }
    tags
}
