//! What the models say of operations as a whole.

/// What the model says of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its name.
    pub name: &'static str,
    /// The action that stands for it in policies, such as `sts:AssumeRole`.
    pub action: &'static str,
    /// The HTTP method.
    pub method: &'static str,
    /// The path, with `{labels}`.
    pub uri: &'static str,
    /// The members of its input; none where the operation is not typed.
    pub input: &'static [&'static str],
    /// The error shapes that are documented for it.
    pub errors: &'static [&'static str],
    /// Whether its input and output are typed.
    pub is_typed: bool,
}

impl Facts {
    pub(crate) const UNKNOWN: Self =
        Self { name: "", action: "", method: "", uri: "", input: &[], errors: &[], is_typed: false };
}

/// The labels of `path` by the template `uri`, decoded; none when they don't agree.
pub(crate) fn labels(uri: &str, path: &str) -> Option<Vec<(String, String)>> {
    let mut labels = Vec::new();
    let mut wanted = uri.trim_matches('/').split('/');
    let mut given = path.trim_end_matches('/').strip_prefix('/').unwrap_or_default().split('/');
    loop {
        let (segment, value) = match (wanted.next(), given.next()) {
            (None, None) => return Some(labels),
            (Some(segment), Some(value)) => (segment, value),
            _ => return None,
        };
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(_) if value.is_empty() => return None,
            Some(label) => labels.push((label.to_owned(), percent_decoded(value)?)),
            None if segment == value => {}
            None => return None,
        }
    }
}

fn percent_decoded(segment: &str) -> Option<String> {
    // A plus in a path is a plus.
    let pairs = crate::query::decode_pairs(
        format!("={}", segment.replace('+', "%2B").replace('&', "%26")).as_bytes(),
    );
    pairs.ok()?.pop().map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_taken_from_paths() {
        let one = |value: &str| Some(vec![("analyzerName".to_owned(), value.to_owned())]);
        assert_eq!(labels("/analyzer/{analyzerName}", "/analyzer/a"), one("a"));
        assert_eq!(labels("/analyzer/{analyzerName}", "/analyzer/arn%3Aaws%2Fb+c&d"), one("arn:aws/b+c&d"));
        assert_eq!(labels("/analyzer", "/analyzer/"), Some(Vec::new()));
        for wrong in ["/analyzer", "/analyzer/", "/analyzer/a/b", "/other/a", "analyzer/a", "/analyzer/%zz"] {
            assert_eq!(labels("/analyzer/{analyzerName}", wrong), None, "{wrong}");
        }
    }
}
