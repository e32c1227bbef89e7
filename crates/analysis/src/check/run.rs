//! Running tests: every principal with every action on every resource.

use std::collections::BTreeSet;

use rolecall_access::Evidence;
use rolecall_policy::{Effect, Outcome};
use rolecall_service_reference::{self as reference, glob_matches};
use rolecall_sts::reach::Who;
use toml::Spanned;

use super::file::{Expect, List, Test, TestFile};
use super::place::FileError;
use super::{Failure, FileResult, TestResult};
use crate::question::{known_action, known_resource};
use crate::{Asker, Because, Question, World};

/// The most questions of one test.
const MOST_CHECKS: usize = 1_000_000;
/// The most failures of a test that are told of.
const MOST_FAILURES: usize = 20;
/// How wide explanations are.
const TEXT_WIDTH: usize = 96;

impl TestFile {
    /// Runs the tests.
    ///
    /// # Errors
    /// When one of them asks about somebody or something that is not there: it would check nothing.
    pub fn run(&self, world: &World) -> Result<FileResult, FileError> {
        let tests = self.parsed.test.iter();
        let tests = tests
            .map(|test| Running { file: self, world, test, result: self.named(test) }.run())
            .collect::<Result<_, _>>()?;
        Ok(FileResult { file: self.name.clone(), tests, unknown: world.unknown.clone() })
    }

    fn named(&self, test: &Spanned<Test>) -> TestResult {
        let (line, _) = self.places().of(test.span().start);
        let name = test.get_ref().name.clone().unwrap_or_else(|| test.get_ref().says());
        TestResult { name, line, checks: 0, failed: 0, failures: Vec::new() }
    }
}

impl Test {
    /// What a test without a name says.
    fn says(&self) -> String {
        let list = |list: &Spanned<List>| list.get_ref().0.join(", ");
        let mut parts = vec![list(&self.principal)];
        if let (Some(expect), Some(actions)) = (self.expect, &self.action) {
            let on = self.resource.as_ref().map_or_else(String::new, |given| format!(" on {}", list(given)));
            parts.push(format!("{} {}{on}", expect.word(), list(actions)));
        }
        let roles = [
            ("can assume", &self.can_assume),
            ("cannot assume", &self.cannot_assume),
            ("can reach", &self.can_reach),
            ("cannot reach", &self.cannot_reach),
        ];
        for (says, roles) in roles {
            parts.extend(roles.iter().map(|roles| format!("{says} {}", list(roles))));
        }
        parts.join(": ")
    }
}

impl Expect {
    fn word(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::ExplicitlyDenied => "explicitly denied",
            Self::ImplicitlyDenied => "implicitly denied",
        }
    }

    fn holds(self, outcome: Outcome) -> bool {
        match self {
            Self::Allowed => outcome == Outcome::Allowed,
            Self::Denied => outcome != Outcome::Allowed,
            Self::ExplicitlyDenied => outcome == Outcome::ExplicitlyDenied,
            Self::ImplicitlyDenied => outcome == Outcome::ImplicitlyDenied,
        }
    }
}

/// What is expected of one answer.
#[derive(Clone, Copy)]
struct Expected {
    expect: Expect,
    /// Whether the test's `policy`, `sid` and `kind` are meant, too.
    by: bool,
}

struct Running<'r> {
    file: &'r TestFile,
    world: &'r World,
    test: &'r Spanned<Test>,
    result: TestResult,
}

impl Running<'_> {
    fn run(mut self) -> Result<TestResult, FileError> {
        let test = self.test.get_ref();
        let askers = self.askers(test)?;
        if let (Some(actions), Some(expect)) = (&test.action, test.expect) {
            let (actions, resources) = (self.actions(actions)?, self.resources(test)?);
            self.bound(askers.len().saturating_mul(actions.len()).saturating_mul(resources.len()))?;
            let expected = Expected { expect, by: true };
            for asker in &askers {
                for action in &actions {
                    resources.iter().for_each(|one| self.check(asker, action, one, expected));
                }
            }
        }
        for (roles, expect) in [(&test.can_assume, Expect::Allowed), (&test.cannot_assume, Expect::Denied)] {
            let Some(roles) = roles else { continue };
            let arns = self.roles(roles)?.iter().map(|role| self.world.arn_of(role)).collect::<Vec<_>>();
            self.bound(askers.len().saturating_mul(arns.len()))?;
            for asker in &askers {
                let expected = Expected { expect, by: false };
                arns.iter().for_each(|arn| self.check(asker, "sts:AssumeRole", arn, expected));
            }
        }
        for (roles, wanted) in [(&test.can_reach, true), (&test.cannot_reach, false)] {
            let Some(roles) = roles else { continue };
            for role in self.roles(roles)? {
                self.reach(&askers, &role, wanted)?;
            }
        }
        Ok(self.result)
    }

    fn wrong<T>(&self, at: &Spanned<T>, message: impl Into<String>) -> FileError {
        self.file.places().wrong(at.span(), message)
    }

    fn bound(&self, checks: usize) -> Result<(), FileError> {
        match checks {
            0 => Err(self.wrong(self.test, "the test asks nothing")),
            1..=MOST_CHECKS => Ok(()),
            _ => {
                Err(self
                    .wrong(self.test, format!("the test asks {checks} questions, more than {MOST_CHECKS}")))
            }
        }
    }

    fn askers(&self, test: &Test) -> Result<Vec<Asker>, FileError> {
        let all = |list: &Spanned<List>| {
            let mut found = Vec::new();
            for text in &list.get_ref().0 {
                let meant = self.world.askers(text);
                found.extend(meant.map_err(|cause| self.wrong(list, cause.to_string()))?);
            }
            Ok::<_, FileError>(found)
        };
        let mut askers = all(&test.principal)?;
        if let Some(except) = &test.except {
            let left_out: BTreeSet<String> = all(except)?.iter().map(Asker::label).collect();
            askers.retain(|asker| !left_out.contains(&asker.label()));
        }
        match askers.is_empty() {
            true => Err(self.wrong(&test.principal, "nobody is left to ask about")),
            false => Ok(askers),
        }
    }

    fn actions(&self, list: &Spanned<List>) -> Result<Vec<String>, FileError> {
        let mut found = Vec::new();
        for text in &list.get_ref().0 {
            if text.contains(['*', '?']) {
                let expanded = reference::expand(text);
                if expanded.is_empty() {
                    return Err(self.wrong(list, format!("no action is known that {text} matches")));
                }
                found.extend(expanded.into_iter().map(reference::Action::full_name));
                continue;
            }
            if !self.test.get_ref().unknown_actions {
                known_action(text).map_err(|cause| self.wrong(list, cause.to_string()))?;
            }
            found.push(text.clone());
        }
        Ok(found)
    }

    fn resources(&self, test: &Test) -> Result<Vec<String>, FileError> {
        let Some(list) = &test.resource else { return Ok(vec!["*".to_owned()]) };
        for text in &list.get_ref().0 {
            known_resource(text).map_err(|cause| self.wrong(list, cause.to_string()))?;
        }
        match list.get_ref().0.is_empty() {
            true => Err(self.wrong(list, "there is no resource in the list")),
            false => Ok(list.get_ref().0.clone()),
        }
    }

    fn roles(&self, list: &Spanned<List>) -> Result<Vec<Who>, FileError> {
        let mut found = Vec::new();
        for text in &list.get_ref().0 {
            let roles = self.world.matching(text).into_iter().filter(|who| matches!(who, Who::Role(_)));
            let before = found.len();
            found.extend(roles);
            if found.len() == before {
                let meant = self.world.askers(text).err();
                let message = meant.map_or_else(|| format!("{text} is no role"), |cause| cause.to_string());
                return Err(self.wrong(list, message));
            }
        }
        Ok(found)
    }

    /// A pattern stands for all that it matches. So it is asked about as it is, and about whatever policies name within it:
    /// who may do it on one thing may do it, and who may not on one may not do it on all.
    fn check(&mut self, asker: &Asker, action: &str, resource: &str, expected: Expected) {
        self.result.checks += 1;
        let mut failure = self.judged(asker, action, resource, expected);
        if failure.is_none() && resource.contains(['*', '?']) {
            let (expect, against) = match expected.expect {
                Expect::Allowed => (Expect::Allowed, Effect::Deny),
                _ => (Expect::Denied, Effect::Allow),
            };
            let named = self.world.ask(asker, &self.question(action, resource));
            let named =
                named.map(|evidence| self.world.resources_named(&evidence, against)).unwrap_or_default();
            let mut within = named.iter().filter(|one| glob_matches(resource, one));
            failure = within.find_map(|one| self.judged(asker, action, one, Expected { expect, by: false }));
        }
        failure.into_iter().for_each(|failure| self.fail(failure));
    }

    fn question(&self, action: &str, resource: &str) -> Question {
        let context = self.test.get_ref().context.iter();
        let context = context.map(|(key, values)| (key.clone(), values.0.clone())).collect();
        Question { action: action.to_owned(), resource: resource.to_owned(), context }
    }

    /// What is wrong with an answer, if anything is.
    fn judged(&self, asker: &Asker, action: &str, resource: &str, expected: Expected) -> Option<Failure> {
        let (decided, because, explanation) = match self.world.ask(asker, &self.question(action, resource)) {
            Ok(evidence) => self.unexpected(&evidence, expected)?,
            Err(cause) => (None, None, cause.to_string()),
        };
        Some(Failure {
            principal: asker.label(),
            action: action.to_owned(),
            resource: resource.to_owned(),
            expected: self.expected(expected),
            decided,
            because,
            explanation,
        })
    }

    fn unexpected(
        &self,
        evidence: &Evidence,
        expected: Expected,
    ) -> Option<(Option<Outcome>, Option<Because>, String)> {
        let because = Because::of(evidence);
        let test = self.test.get_ref();
        let is = |wanted: &Option<String>, given: &Option<String>| wanted.is_none() || wanted == given;
        let kind = test.kind.is_none_or(|kind| because.kind == Some(kind.policy_kind()));
        let policy = test.policy.as_ref().is_none_or(|wanted| because.is_policy(wanted));
        let by = !expected.by || (kind && policy && is(&test.sid, &because.sid));
        if expected.expect.holds(evidence.outcome) && by {
            return None;
        }
        let explanation = match self.result.failures.len() < MOST_FAILURES {
            true => evidence.explain(|explanation| explanation.to_text(TEXT_WIDTH)),
            false => String::new(),
        };
        Some((Some(evidence.outcome), Some(because), explanation))
    }

    fn expected(&self, expected: Expected) -> String {
        let test = self.test.get_ref();
        let mut text = expected.expect.word().to_owned();
        if !expected.by {
            return text;
        }
        if let Some(kind) = test.kind {
            text.push_str(&format!(" by {}", kind.policy_kind().with_article()));
        }
        if let Some(policy) = &test.policy {
            text.push_str(&format!(" by policy {policy}"));
        }
        if let Some(sid) = &test.sid {
            text.push_str(&format!(" by statement {sid:?}"));
        }
        text
    }

    fn reach(&mut self, askers: &[Asker], role: &Who, wanted: bool) -> Result<(), FileError> {
        let Who::Role(entry) = role else { return Ok(()) };
        let reached = self.world.reached(std::slice::from_ref(entry));
        let reached = reached.map_err(|cause| self.wrong(self.test, cause.to_string()))?;
        if !reached.complete {
            return Err(self.wrong(self.test, "there is too much to ask about who may become whom"));
        }
        for asker in askers {
            self.result.checks += 1;
            let way = match asker {
                Asker::Principal(who) => reached.way(who, entry),
                _ => {
                    return Err(
                        self.wrong(&self.test.get_ref().principal, "only users and roles reach roles")
                    );
                }
            };
            if way.is_some() == wanted {
                continue;
            }
            let explanation = match way {
                Some(way) => format!("It can by {}.\n", way.join(" -> ")),
                None => "No chain of roles leads there.\n".to_owned(),
            };
            let expected = if wanted { "can reach it" } else { "cannot reach it" }.to_owned();
            self.fail(Failure {
                principal: asker.label(),
                action: "sts:AssumeRole".to_owned(),
                resource: self.world.arn_of(role),
                expected,
                decided: None,
                because: None,
                explanation,
            });
        }
        Ok(())
    }

    fn fail(&mut self, failure: Failure) {
        self.result.failed += 1;
        if self.result.failures.len() < MOST_FAILURES {
            self.result.failures.push(failure);
        }
    }
}
