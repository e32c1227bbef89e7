//! Which patterns include which.

use rolecall_service_reference::glob_matches;

/// Whether everything that `special` matches is matched by `general`, case aside. Never wrongly true; for patterns
/// with wildcards in odd places it may be wrongly false.
pub(crate) fn covers_ignoring_case(general: &str, special: &str) -> bool {
    // A star of `special` can only be matched by a star of `general`, so it must not meet a question mark there.
    let question_meets_star = general.contains('?') && special.contains('*');
    !question_meets_star && glob_matches(general, special)
}

/// The same where case counts.
pub(crate) fn covers(general: &str, special: &str) -> bool {
    let same_case = |general: &str, special: &str| {
        let pieces: Vec<&str> = general.split(['*', '?']).collect();
        let mut rest = special;
        pieces.iter().all(|piece| match rest.find(piece) {
            Some(at) => {
                rest = rest.get(at + piece.len()..).unwrap_or_default();
                true
            }
            None => false,
        })
    };
    covers_ignoring_case(general, special)
        && same_case(general, special)
        && glob_matches(&mark_case(general), &mark_case(special))
}

/// Makes case visible to a comparison that ignores it, by writing a mark before each capital.
fn mark_case(text: &str) -> String {
    let mut marked = String::with_capacity(text.len() * 2);
    for character in text.chars() {
        if character.is_ascii_uppercase() {
            marked.push('\u{1}');
        }
        marked.push(character);
    }
    marked
}

pub(crate) fn has_wildcard(text: &str) -> bool {
    text.contains(['*', '?'])
}

/// The text with each policy variable as a star.
pub(crate) fn variables_as_stars(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        plain.push_str(before);
        plain.push('*');
        rest = after.split_once('}').map_or("", |(_, after)| after);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_covered_only_by_a_star() {
        assert!(covers_ignoring_case("iam:Get*", "iam:GetUser"));
        assert!(covers_ignoring_case("iam:*", "IAM:Get*"));
        assert!(covers_ignoring_case("*", "iam:*"));
        assert!(!covers_ignoring_case("iam:Get*", "iam:*"));
        assert!(!covers_ignoring_case("iam:Get?", "iam:Get*"));
        assert!(!covers_ignoring_case("iam:Get*", "iam:*CredentialReport"));
    }

    #[test]
    fn case_counts_in_resources() {
        assert!(covers("arn:aws:iam::1:role/jane*", "arn:aws:iam::1:role/jane-admin"));
        assert!(!covers("arn:aws:iam::1:role/jane*", "arn:aws:iam::1:role/Jane-admin"));
        assert!(covers("arn:aws:s3:::B/*", "arn:aws:s3:::B/K"));
    }
}
