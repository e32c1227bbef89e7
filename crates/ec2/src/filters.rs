//! Filters of the Describe operations: all must hold, any value of one will do, with `*` and `?`.

use rolecall_aws_model::ec2::Filter;
use rolecall_state::entities::Tags;

use crate::error::Ec2Error;

/// Whether `text` is matched by `pattern`; a backslash takes the next character as it is.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        let escaped = pattern.get(p) == Some(&b'\\') && p + 1 < pattern.len();
        let literal = if escaped { pattern.get(p + 1) } else { pattern.get(p) };
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(b'?') => (p, t) = (p + 1, t + 1),
            Some(_) if literal == text.get(t) => (p, t) = (p + if escaped { 2 } else { 1 }, t + 1),
            _ => match &mut star {
                Some((at, from)) => {
                    *from += 1;
                    (p, t) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|byte| *byte == b'*'))
}

/// What a filter finds on a resource.
pub(crate) trait Filtered {
    /// The values of the resource under a filter's name; none when there is no such filter.
    fn values(&self, name: &str) -> Option<Vec<String>>;

    /// The resource's tags.
    fn tags(&self) -> &Tags;
}

/// Whether all filters hold.
///
/// # Errors
/// `InvalidParameterValue` for a filter that there is none of.
pub(crate) fn holds(filters: &[Filter], resource: &impl Filtered) -> Result<bool, Ec2Error> {
    for filter in filters {
        let name = filter.name.as_deref().unwrap_or_default();
        let found = match (name, name.strip_prefix("tag:")) {
            (_, Some(key)) => {
                resource.tags().iter().filter(|tag| tag.key == key).map(|tag| tag.value.clone()).collect()
            }
            ("tag-key", _) => resource.tags().iter().map(|tag| tag.key.clone()).collect(),
            ("tag-value", _) => resource.tags().iter().map(|tag| tag.value.clone()).collect(),
            (name, None) => resource.values(name).ok_or_else(|| unknown(name))?,
        };
        let wanted = |value: &String| {
            filter.values.iter().any(|pattern| matches(pattern.as_bytes(), value.as_bytes()))
        };
        if !found.iter().any(wanted) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn unknown(name: &str) -> Ec2Error {
    Ec2Error::client("InvalidParameterValue", format!("The filter '{name}' is invalid"))
}

/// Those for which all filters hold.
///
/// # Errors
/// As [`holds`].
pub(crate) fn keep<T: Filtered>(
    filters: &[Filter],
    all: impl IntoIterator<Item = T>,
) -> Result<Vec<T>, Ec2Error> {
    let mut kept = Vec::new();
    for one in all {
        if holds(filters, &one)? {
            kept.push(one);
        }
    }
    Ok(kept)
}

/// A resource without tags whose filters are plain pairs: the fixed things of an account.
pub(crate) struct Fixed<'a, T> {
    pub(crate) value: T,
    pub(crate) pairs: Vec<(&'a str, String)>,
    tags: Tags,
}

impl<'a, T> Fixed<'a, T> {
    pub(crate) fn new(value: T, pairs: Vec<(&'a str, String)>) -> Self {
        Self::tagged(value, pairs, Tags::default())
    }

    /// One that has tags after all.
    pub(crate) fn tagged(value: T, pairs: Vec<(&'a str, String)>, tags: Tags) -> Self {
        Self { value, pairs, tags }
    }
}

impl<T> Filtered for Fixed<'_, T> {
    fn values(&self, name: &str) -> Option<Vec<String>> {
        let found: Vec<String> =
            self.pairs.iter().filter(|(known, _)| *known == name).map(|(_, value)| value.clone()).collect();
        if found.is_empty() { None } else { Some(found) }
    }

    fn tags(&self) -> &Tags {
        &self.tags
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_documented() {
        for (pattern, text, wanted) in [
            ("running", "running", true),
            ("run*", "running", true),
            ("*ing", "running", true),
            ("r?nning", "running", true),
            ("r?n", "running", false),
            ("*", "", true),
            ("a\\*b", "a*b", true),
            ("a\\*b", "axb", false),
            ("*a*b", "xxaxxab", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), wanted, "{pattern} {text}");
        }
    }
}
