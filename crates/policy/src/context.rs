//! The request context: condition keys and their values.
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/intro-structure.html#intro-structure-request>

use std::fmt;

/// The keys and values which a request carries. Keys are looked up ignoring case.
///
/// All text lives in one buffer, so that filling a context costs a handful of allocations however
/// many keys it has, and [`Context::clear`] lets one be used again at no cost.
#[derive(Clone, Default)]
pub struct Context {
    text: String,
    hashes: Vec<u64>,
    entries: Vec<Entry>,
    values: Vec<Range>,
}

#[derive(Clone, Copy, Default)]
struct Range {
    start: u32,
    end: u32,
}

impl Range {
    const fn moved(self, by: u32) -> Self {
        Self { start: self.start.saturating_add(by), end: self.end.saturating_add(by) }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    key: Range,
    values: Range,
    multivalued: bool,
}

impl Context {
    /// A context with no keys.
    #[must_use]
    pub const fn new() -> Self {
        Self { text: String::new(), hashes: Vec::new(), entries: Vec::new(), values: Vec::new() }
    }

    /// A context with room for this many keys and bytes of keys and values.
    #[must_use]
    pub fn with_capacity(keys: usize, bytes: usize) -> Self {
        Self {
            text: String::with_capacity(bytes),
            hashes: Vec::with_capacity(keys),
            entries: Vec::with_capacity(keys),
            values: Vec::with_capacity(keys),
        }
    }

    /// Forgets every key and keeps the memory.
    pub fn clear(&mut self) {
        self.text.clear();
        self.hashes.clear();
        self.entries.clear();
        self.values.clear();
    }

    /// Sets a key to one value, in place of what it had.
    pub fn set(&mut self, key: &str, value: &str) {
        let start = self.values.len();
        self.push_value(value);
        self.insert(key, start, false);
    }

    /// Sets a multivalued key, in place of what it had. No values at all is as if the key were absent.
    pub fn set_many<V: AsRef<str>>(&mut self, key: &str, values: impl IntoIterator<Item = V>) {
        let start = self.values.len();
        for value in values {
            self.push_value(value.as_ref());
        }
        self.insert(key, start, true);
    }

    /// Sets every key of `other`, in place of what it had.
    pub fn set_all(&mut self, other: &Self) {
        let (text, values) = (offset(self.text.len()), offset(self.values.len()));
        self.text.push_str(&other.text);
        self.values.extend(other.values.iter().map(|range| range.moved(text)));
        for (hash, entry) in other.hashes.iter().zip(&other.entries) {
            let moved = Entry { key: entry.key.moved(text), values: entry.values.moved(values), ..*entry };
            let slot = self.slot(*hash, other.slice(entry.key));
            match slot.and_then(|slot| self.entries.get_mut(slot)) {
                Some(own) => *own = moved,
                None => {
                    self.hashes.push(*hash);
                    self.entries.push(moved);
                }
            }
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) {
        if let Some(slot) = self.slot(key_hash(key), key) {
            self.hashes.remove(slot);
            self.entries.remove(slot);
        }
    }

    /// The values of a key, ignoring the key's case; `None` when it is absent or has no values.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Values<'_>> {
        self.get_hashed(key_hash(key), key)
    }

    /// Every key with its values, in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Values<'_>)> {
        self.entries.iter().map(|entry| (self.slice(entry.key), self.values_of(*entry)))
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no keys.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// [`Context::get`] with the key's hash at hand, as compiled conditions have it.
    #[inline]
    pub(crate) fn get_hashed(&self, hash: u64, key: &str) -> Option<Values<'_>> {
        let entry = *self.entries.get(self.slot(hash, key)?)?;
        Some(self.values_of(entry)).filter(|values| !values.is_empty())
    }

    #[inline]
    fn slot(&self, hash: u64, key: &str) -> Option<usize> {
        let found = self.hashes.iter().position(|candidate| *candidate == hash)?;
        let entry = self.entries.get(found)?;
        let own = self.slice(entry.key);
        if own == key || own.eq_ignore_ascii_case(key) {
            return Some(found);
        }
        // Two keys with one hash: look at all of them.
        self.entries.iter().position(|entry| self.slice(entry.key).eq_ignore_ascii_case(key))
    }

    fn insert(&mut self, key: &str, first_value: usize, multivalued: bool) {
        let hash = key_hash(key);
        let values = Range { start: offset(first_value), end: offset(self.values.len()) };
        if let Some(entry) = self.slot(hash, key).and_then(|slot| self.entries.get_mut(slot)) {
            entry.values = values;
            entry.multivalued = multivalued;
            return;
        }
        let key = self.push_text(key);
        self.hashes.push(hash);
        self.entries.push(Entry { key, values, multivalued });
    }

    fn push_value(&mut self, value: &str) {
        let range = self.push_text(value);
        self.values.push(range);
    }

    fn push_text(&mut self, text: &str) -> Range {
        let start = offset(self.text.len());
        self.text.push_str(text);
        Range { start, end: offset(self.text.len()) }
    }

    #[inline]
    fn slice(&self, range: Range) -> &str {
        self.text.get(range.start as usize..range.end as usize).unwrap_or_default()
    }

    #[inline]
    fn values_of(&self, entry: Entry) -> Values<'_> {
        let ranges = self.values.get(entry.values.start as usize..entry.values.end as usize);
        Values { text: &self.text, ranges: ranges.unwrap_or_default(), multivalued: entry.multivalued }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

impl<'k, 'v> FromIterator<(&'k str, &'v str)> for Context {
    fn from_iter<I: IntoIterator<Item = (&'k str, &'v str)>>(pairs: I) -> Self {
        let mut context = Self::new();
        for (key, value) in pairs {
            context.set(key, value);
        }
        context
    }
}

/// The values of one context key.
#[derive(Clone, Copy)]
pub struct Values<'c> {
    text: &'c str,
    ranges: &'c [Range],
    multivalued: bool,
}

impl<'c> Values<'c> {
    /// Each value in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'c str> + use<'c> {
        let text = self.text;
        self.ranges
            .iter()
            .map(move |range| text.get(range.start as usize..range.end as usize).unwrap_or_default())
    }

    /// How many values there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The value of a single-valued key; `None` for a multivalued one, which is no policy variable.
    #[must_use]
    pub fn single(&self) -> Option<&'c str> {
        if self.multivalued || self.ranges.len() != 1 { None } else { self.iter().next() }
    }
}

impl fmt::Debug for Values<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.single() {
            Some(value) => fmt::Debug::fmt(value, f),
            None => f.debug_list().entries(self.iter()).finish(),
        }
    }
}

fn offset(n: usize) -> u32 {
    // A context above 4 GiB can't be held; past that, keys have no values, which denies.
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A hash that is the same for keys that differ in ASCII case only. Equality is checked afterwards,
/// so that folding a little more than letters does no harm.
pub(crate) fn key_hash(key: &str) -> u64 {
    const FOLD: u64 = 0x2020_2020_2020_2020;
    const MULTIPLY: u64 = 0x9E37_79B9_7F4A_7C15;
    let mut hash = (key.len() as u64).wrapping_mul(MULTIPLY);
    let (words, rest) = key.as_bytes().as_chunks::<8>();
    for word in words {
        hash = mix(hash, u64::from_le_bytes(*word) | FOLD);
    }
    let last = rest.iter().fold(0_u64, |word, byte| (word << 8) | u64::from(*byte));
    mix(hash, last | FOLD)
}

const fn mix(hash: u64, word: u64) -> u64 {
    let mixed = (hash ^ word).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    mixed ^ (mixed >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_ignore_case_and_the_last_setting_stands() {
        let mut context = Context::new();
        context.set("aws:SourceIp", "203.0.113.7");
        context.set("AWS:SOURCEIP", "203.0.113.8");
        assert_eq!(context.len(), 1);
        assert_eq!(context.get("aws:sourceip").and_then(|values| values.single()), Some("203.0.113.8"));
    }

    #[test]
    fn all_keys_of_another_context_stand_over_its_own() {
        let mut context = Context::from_iter([("a", "1"), ("b", "2")]);
        let mut other = Context::from_iter([("B", "two"), ("c", "3")]);
        other.set_many("d", ["x", "y"]);
        context.set_all(&other);
        let shown = |key| context.get(key).map(|values| values.iter().collect::<Vec<_>>());
        assert_eq!(context.len(), 4);
        assert_eq!((shown("a"), shown("b")), (Some(vec!["1"]), Some(vec!["two"])));
        assert_eq!((shown("C"), shown("d")), (Some(vec!["3"]), Some(vec!["x", "y"])));
    }

    #[test]
    fn a_key_without_values_is_absent() {
        let mut context = Context::new();
        context.set_many("aws:TagKeys", [] as [&str; 0]);
        assert!(context.get("aws:TagKeys").is_none());
    }

    #[test]
    fn a_multivalued_key_is_no_single_value_even_with_one() {
        let mut context = Context::new();
        context.set_many("aws:TagKeys", ["owner"]);
        let values = context.get("aws:TagKeys").expect("set");
        assert_eq!((values.len(), values.single()), (1, None));
    }

    #[test]
    fn keys_with_the_same_hash_are_still_told_apart() {
        // '@' and '`' fold to the same byte of the hash.
        let context = Context::from_iter([("k@", "at"), ("k`", "tick")]);
        assert_eq!(context.get("k@").and_then(|values| values.single()), Some("at"));
        assert_eq!(context.get("k`").and_then(|values| values.single()), Some("tick"));
    }

    #[test]
    fn a_removed_key_is_gone_and_the_others_stay() {
        let mut context = Context::from_iter([("a", "1"), ("b", "2")]);
        context.remove("A");
        assert!(context.get("a").is_none());
        assert_eq!(context.get("b").and_then(|values| values.single()), Some("2"));
    }
}
