//! Pages of the Describe operations: an opaque token carries where the next one begins.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Ec2Error;

/// A page of results, and the token of the next.
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    pub(crate) next_token: Option<String>,
}

/// Takes the page that is asked for out of all results, each named by `key`, in their order.
///
/// # Errors
/// EC2's own for a number or a token that is not possible.
pub(crate) fn take<T>(
    all: Vec<T>,
    max_results: Option<i32>,
    next_token: Option<&str>,
    min: i32,
    key: impl Fn(&T) -> String,
) -> Result<Page<T>, Ec2Error> {
    let limit = match max_results {
        None => all.len(),
        Some(number) if (min..=1_000).contains(&number) => usize::try_from(number).unwrap_or(usize::MAX),
        // More than a thousand is taken as a thousand.
        Some(number) if number > 1_000 => 1_000,
        Some(number) => {
            let words = format!(
                "Value ( {number} ) for parameter maxResults is invalid. Expecting a value greater than or equal to {min}."
            );
            return Err(Ec2Error::client("InvalidParameterValue", words));
        }
    };
    let from = match next_token {
        None => 0,
        Some(token) => {
            let last = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
            let bad = || Ec2Error::client("InvalidNextToken", format!("The token '{token}' is invalid"));
            let last = last.ok_or_else(bad)?;
            // What the token names may be gone: the order of the keys still tells what comes next.
            all.iter().position(|item| key(item) > last).unwrap_or(all.len())
        }
    };
    let more = all.len() > from.saturating_add(limit);
    let items: Vec<T> = all.into_iter().skip(from).take(limit).collect();
    let next_token = items.last().filter(|_| more).map(|last| URL_SAFE_NO_PAD.encode(key(last)));
    Ok(Page { items, next_token })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pages_add_up(mut all in proptest::collection::btree_set("[a-z]{1,4}", 0..40), size in 5..12_i32) {
            let all: Vec<String> = std::mem::take(&mut all).into_iter().collect();
            let (mut seen, mut token) = (Vec::new(), None);
            loop {
                let page = take(all.clone(), Some(size), token.as_deref(), 5, String::clone).unwrap();
                seen.extend(page.items);
                token = page.next_token;
                if token.is_none() { break }
            }
            prop_assert_eq!(seen, all);
        }
    }

    #[test]
    fn numbers_and_tokens_that_make_no_sense_are_refused() {
        assert!(take(vec!["a".to_owned()], Some(4), None, 5, String::clone).is_err());
        assert!(take(vec!["a".to_owned()], None, Some("*"), 5, String::clone).is_err());
    }
}
