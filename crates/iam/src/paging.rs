//! Lists in pieces: `Marker` and `MaxItems`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::IamError;

/// How many items a page has when the request does not say.
const DEFAULT_MAX_ITEMS: usize = 100;

/// Which page of a list was asked for.
pub(crate) struct Paging {
    after: Option<String>,
    max_items: usize,
}

/// A page of a list.
pub(crate) struct Page<T> {
    /// The items, in order.
    pub(crate) items: Vec<T>,
    /// Where the next page starts, if there is one.
    pub(crate) marker: Option<String>,
}

impl<T> Page<T> {
    /// Whether there are more pages.
    pub(crate) fn is_truncated(&self) -> bool {
        self.marker.is_some()
    }

    /// The same page of something made from each item.
    pub(crate) fn map<U>(self, make: impl FnMut(T) -> U) -> Page<U> {
        Page { items: self.items.into_iter().map(make).collect(), marker: self.marker }
    }
}

impl Paging {
    /// The page that `Marker` and `MaxItems` ask for.
    ///
    /// # Errors
    /// When the marker is none that an earlier answer gave.
    pub(crate) fn new(marker: Option<&str>, max_items: Option<i32>) -> Result<Self, IamError> {
        let invalid = || IamError::InvalidMarker;
        let after = match marker {
            None => None,
            Some(marker) => {
                let bytes = URL_SAFE_NO_PAD.decode(marker).map_err(|_| invalid())?;
                Some(String::from_utf8(bytes).map_err(|_| invalid())?)
            }
        };
        let max_items = max_items.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0);
        Ok(Self { after, max_items: max_items.unwrap_or(DEFAULT_MAX_ITEMS) })
    }

    /// Takes the page out of `items`, which come in the order of their keys; those before the page
    /// are passed over.
    pub(crate) fn take<T>(&self, items: impl IntoIterator<Item = T>, key: impl Fn(&T) -> String) -> Page<T> {
        let mut page = Page { items: Vec::new(), marker: None };
        let mut last = None;
        for item in items {
            let item_key = key(&item);
            if self.after.as_deref().is_some_and(|after| item_key.as_str() <= after) {
                continue;
            }
            if page.items.len() == self.max_items {
                page.marker = last.map(|key: String| URL_SAFE_NO_PAD.encode(key));
                return page;
            }
            last = Some(item_key);
            page.items.push(item);
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk(size: i32) -> Vec<Vec<u32>> {
        let mut marker: Option<String> = None;
        let mut pages = Vec::new();
        loop {
            let paging = Paging::new(marker.as_deref(), Some(size)).unwrap();
            let page = paging.take(0..5u32, |n| n.to_string());
            pages.push(page.items);
            match page.marker {
                None => return pages,
                next => marker = next,
            }
        }
    }

    #[test]
    fn pages_cover_the_list_once() {
        assert_eq!(walk(2), [vec![0, 1], vec![2, 3], vec![4]]);
        assert_eq!(walk(5), [vec![0, 1, 2, 3, 4]]);
    }

    #[test]
    fn a_made_up_marker_is_refused() {
        assert!(Paging::new(Some("!"), None).is_err());
    }
}
