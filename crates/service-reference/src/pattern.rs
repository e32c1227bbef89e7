//! Wildcards and case: how names are compared.

use std::cmp::Ordering;

/// Whether `pattern`, where `*` is any text and `?` any one character, matches all of `text`, whatever the case.
#[must_use]
pub fn glob_matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut at_pattern, mut at_text) = (0, 0);
    // Where to resume when what follows the last star did not match: only that star need be reconsidered.
    let mut retry: Option<(usize, usize)> = None;
    while let Some(&byte) = text.get(at_text) {
        match pattern.get(at_pattern) {
            Some(b'*') => {
                retry = Some((at_pattern, at_text));
                at_pattern += 1;
            }
            Some(&wanted) if wanted == b'?' || wanted.eq_ignore_ascii_case(&byte) => {
                at_pattern += 1;
                at_text += 1;
            }
            _ => {
                let Some((star, from)) = retry else { return false };
                retry = Some((star, from + 1));
                at_pattern = star + 1;
                at_text = from + 1;
            }
        }
    }
    pattern.iter().skip(at_pattern).all(|&byte| byte == b'*')
}

/// The order of two names when ASCII case does not count.
pub(crate) fn compare_ignoring_case(left: &str, right: &str) -> Ordering {
    let left = left.bytes().map(|byte| byte.to_ascii_lowercase());
    left.cmp(right.bytes().map(|byte| byte.to_ascii_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_and_question_marks_match_anywhere_whatever_the_case() {
        assert!(glob_matches("Get*", "getobject"));
        assert!(glob_matches("*Ob?ect*", "GetObjectAcl"));
        assert!(glob_matches("*", ""));
        assert!(!glob_matches("Get?", "Get"));
        assert!(!glob_matches("Get*Acl", "GetObject"));
        assert!(glob_matches("*a*b*c", "xxaxxbxbxcxc"));
    }

    #[test]
    fn a_hostile_pattern_costs_no_more_than_its_length_times_the_text() {
        let pattern = "*a".repeat(2_000);
        let text = "a".repeat(1_000) + "b";
        assert!(!glob_matches(&pattern, &text));
    }

    #[test]
    fn comparison_ignores_case_and_orders_prefixes_first() {
        assert_eq!(compare_ignoring_case("GetObject", "getOBJECT"), Ordering::Equal);
        assert_eq!(compare_ignoring_case("Get", "GetObject"), Ordering::Less);
        assert_eq!(compare_ignoring_case("b", "A"), Ordering::Greater);
    }
}
