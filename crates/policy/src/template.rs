//! Text with policy variables and wildcards, taken apart.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>

use smallvec::SmallVec;

use crate::context::{Context, key_hash};
use crate::document::Version;

/// A piece of a [`Template`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Atom {
    /// A range of the template's literal text.
    Literal { start: u32, end: u32 },
    /// `*`: any run of characters.
    AnyRun,
    /// `?`: any one character.
    AnyOne,
    /// `${key}`, by its place among the template's variables.
    Variable(u32),
}

/// Text in which variables and, where they count, wildcards have been found.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    pub(crate) literal: Box<str>,
    pub(crate) atoms: Box<[Atom]>,
    pub(crate) variables: Box<[Variable]>,
}

/// A policy variable.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Variable {
    pub(crate) key: Box<str>,
    hash: u64,
    default: Option<Box<str>>,
}

/// Keys which have several values by their nature. Even with one value they are no variables.
const MULTIVALUED_KEYS: [&str; 7] = [
    "aws:CalledVia",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalServiceNamesList",
    "aws:ResourceOrgPaths",
    "aws:SourceOrgPaths",
    "aws:TagKeys",
    "sts:TransitiveTagKeys",
];

impl Variable {
    fn new(key: &str, default: Option<&str>) -> Self {
        Self { key: key.into(), hash: key_hash(key), default: default.map(Into::into) }
    }

    /// What the variable stands for in a request; `None` when the key is absent without a default, or multivalued.
    pub(crate) fn resolve<'a>(&'a self, context: &'a Context) -> Option<&'a str> {
        if MULTIVALUED_KEYS.iter().any(|key| self.key.eq_ignore_ascii_case(key)) {
            return None;
        }
        match context.get_hashed(self.hash, &self.key) {
            Some(values) => values.single(),
            None => self.default.as_deref(),
        }
    }
}

impl Template {
    /// Takes text apart. In version 2008 there are no variables; without `wildcards`, `*` and `?` are text.
    pub(crate) fn parse(text: &str, version: Version, wildcards: bool) -> Self {
        let mut builder = Builder::default();
        let mut rest = text;
        while let Some(at) = rest.bytes().position(|byte| matches!(byte, b'$' | b'*' | b'?')) {
            let (before, found) = rest.split_at_checked(at).unwrap_or((rest, ""));
            builder.literal(before);
            rest = builder.special(found, version, wildcards);
        }
        builder.literal(rest);
        builder.finish()
    }

    pub(crate) fn has_variables(&self) -> bool {
        !self.variables.is_empty()
    }

    pub(crate) fn literal(&self, start: u32, end: u32) -> &str {
        self.literal.get(start as usize..end as usize).unwrap_or_default()
    }

    pub(crate) fn variable(&self, index: u32) -> Option<&Variable> {
        self.variables.get(index as usize)
    }

    /// Writes the text with its variables filled in, wildcards as the bytes [`ANY_RUN`] and [`ANY_ONE`],
    /// which no text has. `None` when a variable has no value.
    pub(crate) fn expand(&self, context: &Context) -> Option<Expanded> {
        let mut text = Expanded::new();
        for atom in &self.atoms {
            match *atom {
                Atom::Literal { start, end } => text.extend_from_slice(self.literal(start, end).as_bytes()),
                Atom::AnyRun => text.push(ANY_RUN),
                Atom::AnyOne => text.push(ANY_ONE),
                Atom::Variable(index) => {
                    text.extend_from_slice(self.variable(index)?.resolve(context)?.as_bytes());
                }
            }
        }
        Some(text)
    }

    /// The first variable which has no value in a request.
    pub(crate) fn unresolved(&self, context: &Context) -> Option<&str> {
        self.variables
            .iter()
            .find(|variable| variable.resolve(context).is_none())
            .map(|variable| &*variable.key)
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        let variables: usize = self
            .variables
            .iter()
            .map(|variable| variable.key.len() + variable.default.as_deref().map_or(0, str::len))
            .sum();
        self.literal.len()
            + size_of_val::<[Atom]>(&self.atoms)
            + size_of_val::<[Variable]>(&self.variables)
            + variables
    }
}

/// Expanded text; on the stack unless it is very long.
pub(crate) type Expanded = SmallVec<[u8; 256]>;

/// Stands for `*` in expanded text. No UTF-8 text has this byte.
pub(crate) const ANY_RUN: u8 = 0xFF;
/// Stands for `?` in expanded text. No UTF-8 text has this byte.
pub(crate) const ANY_ONE: u8 = 0xFE;

/// Whether a text has a variable in this version of the language.
pub(crate) fn has_variable(text: &str, version: Version) -> bool {
    version == Version::V2012 && text.contains("${") && Template::parse(text, version, false).has_variables()
}

/// The keys of the variables in a text, in order.
pub(crate) fn variable_keys(text: &str, version: Version) -> Vec<String> {
    if !has_variable(text, version) {
        return Vec::new();
    }
    let template = Template::parse(text, version, false);
    template.variables.iter().map(|variable| variable.key.to_string()).collect()
}

#[derive(Default)]
struct Builder {
    literal: String,
    /// Where the literal text that is being collected started.
    pending: usize,
    atoms: Vec<Atom>,
    variables: Vec<Variable>,
}

impl Builder {
    fn literal(&mut self, text: &str) {
        self.literal.push_str(text);
    }

    fn atom(&mut self, atom: Atom) {
        self.flush();
        // Two stars in a row say no more than one.
        if atom != Atom::AnyRun || self.atoms.last() != Some(&Atom::AnyRun) {
            self.atoms.push(atom);
        }
    }

    fn flush(&mut self) {
        let (start, end) = (index(self.pending), index(self.literal.len()));
        self.pending = self.literal.len();
        if start < end {
            self.atoms.push(Atom::Literal { start, end });
        }
    }

    /// Takes in what starts with `$`, `*` or `?`, and gives what follows it.
    fn special<'a>(&mut self, text: &'a str, version: Version, wildcards: bool) -> &'a str {
        let rest = text.get(1..).unwrap_or_default();
        match text.as_bytes().first() {
            Some(b'*') if wildcards => self.atom(Atom::AnyRun),
            Some(b'?') if wildcards => self.atom(Atom::AnyOne),
            Some(b'$') if version == Version::V2012 => {
                if let Some((reference, after)) = reference(rest) {
                    self.reference(reference);
                    return after;
                }
                self.literal("$");
            }
            _ => self.literal(text.get(..1).unwrap_or_default()),
        }
        rest
    }

    fn reference(&mut self, reference: Reference<'_>) {
        match reference {
            Reference::Escape(character) => self.literal(character),
            Reference::Variable { key, default } => {
                let place = index(self.variables.len());
                self.variables.push(Variable::new(key, default));
                self.atom(Atom::Variable(place));
            }
        }
    }

    fn finish(mut self) -> Template {
        self.flush();
        Template { literal: self.literal.into(), atoms: self.atoms.into(), variables: self.variables.into() }
    }
}

enum Reference<'a> {
    Escape(&'a str),
    Variable { key: &'a str, default: Option<&'a str> },
}

/// Reads `{…}` after a `$`, and gives what follows it; `None` when it isn't a variable after all.
fn reference(text: &str) -> Option<(Reference<'_>, &str)> {
    let inner = text.strip_prefix('{')?;
    for escape in ["*", "?", "$"] {
        if let Some(after) = inner.strip_prefix(escape).and_then(|rest| rest.strip_prefix('}')) {
            return Some((Reference::Escape(escape), after));
        }
    }
    let end = inner.find(['}', ','])?;
    let (key, rest) = inner.split_at_checked(end)?;
    let key = key.trim();
    if key.is_empty() || key.contains(['{', '$', '*', '\'']) {
        return None;
    }
    if let Some(after) = rest.strip_prefix('}') {
        return Some((Reference::Variable { key, default: None }, after));
    }
    let (default, after) = rest.strip_prefix(',')?.trim_start().strip_prefix('\'')?.split_once('\'')?;
    let after = after.trim_start().strip_prefix('}')?;
    Some((Reference::Variable { key, default: Some(default) }, after))
}

fn index(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, version: Version) -> String {
        let template = Template::parse(text, version, true);
        let mut out = String::new();
        for atom in &template.atoms {
            match *atom {
                Atom::Literal { start, end } => out.push_str(&format!("[{}]", template.literal(start, end))),
                Atom::AnyRun => out.push('*'),
                Atom::AnyOne => out.push('?'),
                Atom::Variable(index) => {
                    let variable = template.variable(index).expect("a variable");
                    out.push_str(&format!(
                        "<{}|{}>",
                        variable.key,
                        variable.default.as_deref().unwrap_or("-")
                    ));
                }
            }
        }
        out
    }

    #[test]
    fn variables_defaults_and_escapes_are_found() {
        assert_eq!(shown("a/${aws:username}/*", Version::V2012), "[a/]<aws:username|->[/]*");
        assert_eq!(
            shown("${aws:PrincipalTag/my team, 'none, yet'}?", Version::V2012),
            "<aws:PrincipalTag/my team|none, yet>?"
        );
        assert_eq!(shown("x${*}y${?}z${$}{q}", Version::V2012), "[x*y?z${q}]");
        assert_eq!(shown("a**b", Version::V2012), "[a]*[b]");
    }

    #[test]
    fn in_version_2008_a_variable_is_text() {
        assert_eq!(shown("${aws:username}", Version::V2008), "[${aws:username}]");
        assert_eq!(shown("${*}", Version::V2008), "[${]*[}]");
    }

    #[test]
    fn what_is_not_closed_is_text() {
        for text in ["${aws:username", "$", "$$", "${}", "${a,}", "${a, 'b}", "${a, b}"] {
            assert!(!Template::parse(text, Version::V2012, true).has_variables(), "{text}");
        }
    }

    #[test]
    fn a_default_stands_in_for_an_absent_key_only() {
        let template = Template::parse("${k, 'd'}-${aws:TagKeys, 'd'}", Version::V2012, true);
        let mut context = Context::new();
        let resolve =
            |index: usize, context: &Context| template.variables[index].resolve(context).map(str::to_owned);
        assert_eq!(resolve(0, &context).as_deref(), Some("d"));
        context.set("K", "v");
        assert_eq!(resolve(0, &context).as_deref(), Some("v"));
        context.set_many("k", ["v", "w"]);
        assert_eq!(resolve(0, &context), None);
        assert_eq!(resolve(1, &context), None);
    }
}
