//! Lists in pieces: `NextToken` and `MaxResults`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::{InvalidInput, OrganizationsError};

/// How many items a page has when the request does not say.
const DEFAULT_MAX_RESULTS: usize = 20;

/// Which page of a list was asked for.
pub(crate) struct Paging {
    after: Option<String>,
    max_results: usize,
}

/// A page of a list, and where the next one starts.
pub(crate) type Page<T> = (Vec<T>, Option<String>);

impl Paging {
    /// The page that `NextToken` and `MaxResults` ask for.
    ///
    /// # Errors
    /// When the token is none that an earlier answer gave.
    pub(crate) fn new(
        next_token: Option<&str>,
        max_results: Option<i32>,
    ) -> Result<Self, OrganizationsError> {
        let invalid = || InvalidInput::NextToken;
        let after = match next_token {
            None => None,
            Some(token) => {
                let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| invalid())?;
                Some(String::from_utf8(bytes).map_err(|_| invalid())?)
            }
        };
        let max_results = max_results.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        Ok(Self { after, max_results: max_results.unwrap_or(DEFAULT_MAX_RESULTS) })
    }

    /// Takes the page out of `items`, which come in the order of their keys.
    pub(crate) fn take<T>(&self, items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> String) -> Page<T> {
        let mut page = Vec::new();
        let mut last = None;
        for item in items {
            let item_key = key(&item);
            if self.after.as_deref().is_some_and(|after| item_key.as_str() <= after) {
                continue;
            }
            if page.len() == self.max_results {
                return (page, last.map(|key: String| URL_SAFE_NO_PAD.encode(key)));
            }
            last = Some(item_key);
            page.push(item);
        }
        (page, None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_cover_the_list_once() {
        let mut token: Option<String> = None;
        let mut seen = Vec::new();
        loop {
            let paging = Paging::new(token.as_deref(), Some(2)).unwrap();
            let (items, next) = paging.take(0..5u32, |n| n.to_string());
            assert!(items.len() <= 2);
            seen.extend(items);
            match next {
                None => break,
                next => token = next,
            }
        }
        assert_eq!(seen, [0, 1, 2, 3, 4]);
        assert!(Paging::new(Some("!"), None).is_err());
    }
}
