//! Globs, matched without backtracking: between two stars, the leftmost match is as good as any.

use crate::context::Context;
use crate::template::{Atom, Template};

/// A pattern cut at its stars. What stands before the first is anchored at the start, what stands
/// after the last at the end; each piece between is looked for from where the one before it ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Glob {
    template: Template,
    /// How many bytes of literal text there are: no shorter text can match.
    shortest: u32,
}

impl Glob {
    pub(super) fn new(template: Template) -> Self {
        let shortest = u32::try_from(template.literal.len()).unwrap_or(u32::MAX);
        Self { template, shortest }
    }

    pub(super) const fn template(&self) -> &Template {
        &self.template
    }

    pub(super) fn literal_prefix(&self) -> &str {
        match self.template.atoms.first() {
            Some(Atom::Literal { start, end }) => self.template.literal(*start, *end),
            _ => "",
        }
    }

    pub(super) fn heap_bytes(&self) -> usize {
        self.template.heap_bytes()
    }

    pub(super) fn matches(&self, text: &[u8], context: &Context) -> bool {
        if text.len() < self.shortest as usize {
            return false;
        }
        let run = Run { template: &self.template, text, context };
        run.whole().unwrap_or(false)
    }
}

/// One matching of a template against a text. `None` is "does not match".
struct Run<'a> {
    template: &'a Template,
    text: &'a [u8],
    context: &'a Context,
}

impl Run<'_> {
    fn whole(&self) -> Option<bool> {
        let mut pieces = self.template.atoms.split(|atom| *atom == Atom::AnyRun);
        let first = pieces.next()?;
        let mut at = self.forward(first, 0)?;
        let Some(last) = pieces.next_back() else { return Some(at == self.text.len()) };
        // The end is cheap to look at and often decides.
        let end = self.backward(last, self.text.len())?;
        for piece in pieces {
            at = self.find(piece, at)?;
        }
        Some(at <= end)
    }

    /// Where a piece that starts at `at` ends.
    fn forward(&self, piece: &[Atom], mut at: usize) -> Option<usize> {
        for atom in piece {
            let rest = self.text.get(at..)?;
            at += match self.literal(*atom)? {
                Some(literal) if rest.starts_with(literal.as_bytes()) => literal.len(),
                Some(_) => return None,
                None => width(*rest.first()?),
            };
        }
        Some(at)
    }

    /// Where a piece that ends at `end` starts.
    fn backward(&self, piece: &[Atom], mut end: usize) -> Option<usize> {
        for atom in piece.iter().rev() {
            let before = self.text.get(..end)?;
            end -= match self.literal(*atom)? {
                Some(literal) if before.ends_with(literal.as_bytes()) => literal.len(),
                Some(_) => return None,
                None => last_width(before)?,
            };
        }
        Some(end)
    }

    /// Where the leftmost match of a piece from `at` on ends.
    fn find(&self, piece: &[Atom], mut at: usize) -> Option<usize> {
        let start = match piece.first() {
            None => return Some(at),
            Some(atom) => self.literal(*atom)?,
        };
        loop {
            if let Some(literal) = start {
                at += position(self.text.get(at..)?, literal.as_bytes())?;
            }
            if let Some(end) = self.forward(piece, at) {
                return Some(end);
            }
            at += width(*self.text.get(at)?);
        }
    }

    /// The text which an atom stands for; `Some(None)` for any one character.
    fn literal(&self, atom: Atom) -> Option<Option<&str>> {
        match atom {
            Atom::Literal { start, end } => Some(Some(self.template.literal(start, end))),
            Atom::Variable(index) => self.template.variable(index)?.resolve(self.context).map(Some),
            Atom::AnyOne | Atom::AnyRun => Some(None),
        }
    }
}

/// The length of the last character of UTF-8.
fn last_width(text: &[u8]) -> Option<usize> {
    text.iter().rev().position(|byte| byte & 0xC0 != 0x80).map(|before| before + 1)
}

/// Where a text has another. Short texts are looked through at once; long ones by a searcher whose time
/// is linear whatever they hold, and which takes longer to set up.
pub(crate) fn position(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let Some((first, rest)) = wanted.split_first() else { return Some(0) };
    if text.len() > 256 {
        return memchr::memmem::find(text, wanted);
    }
    let last = text.len().checked_sub(wanted.len())?;
    let starts = text.get(..=last)?;
    let mut at = 0;
    while let Some(found) = starts.get(at..).and_then(|starts| memchr::memchr(*first, starts)) {
        at += found + 1;
        if text.get(at..at + rest.len()) == Some(rest) {
            return Some(at - 1);
        }
    }
    None
}

/// The length of a character of UTF-8, by its first byte.
pub(crate) const fn width(first: u8) -> usize {
    match first {
        0..0xC0 => 1,
        0xC0..0xE0 => 2,
        0xE0..0xF0 => 3,
        _ => 4,
    }
}
