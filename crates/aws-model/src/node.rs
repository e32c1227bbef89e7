//! A place in a request, whatever its protocol: a structure, a list, a map or a value is read from it.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::Value;

use crate::json_input::JsonInput;
use crate::query::QueryParams;

/// A place in a request.
#[derive(Clone)]
pub(crate) enum Node<'q> {
    /// In the parameters of a query: all that begin with this prefix.
    Query(&'q QueryParams, Cow<'q, str>),
    /// In a JSON document; none where nothing stands.
    Json(Option<&'q Value>),
    /// In the path or the query of a URL: the values of one name.
    Url(Vec<&'q str>),
    /// The root of an input whose members come from both.
    Rest(&'q JsonInput),
}

/// A value as it stands in the request.
pub(crate) enum Scalar<'q> {
    /// Text, of which numbers and the like are still to be read.
    Lexical(&'q str),
    /// A value with a JSON type.
    Json(&'q Value),
}

/// What must stand at a place, for the message when something else does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A value.
    Scalar,
    /// A structure or a map.
    Structure,
    /// A list.
    List,
}

impl<'q> Node<'q> {
    /// The value that stands at this very place.
    pub(crate) fn scalar(&self) -> Scalar<'q> {
        match self {
            Self::Query(params, prefix) => Scalar::Lexical(params.get(prefix).unwrap_or_default()),
            Self::Url(values) => Scalar::Lexical(values.first().copied().unwrap_or_default()),
            Self::Json(Some(value)) => Scalar::Json(value),
            Self::Json(None) | Self::Rest(_) => Scalar::Lexical(""),
        }
    }

    /// A member of the structure at this place.
    pub(crate) fn member(&self, name: &'static str) -> Self {
        match self {
            Self::Query(params, prefix) if prefix.is_empty() => Self::Query(params, Cow::Borrowed(name)),
            Self::Query(params, prefix) => Self::Query(params, Cow::Owned(format!("{prefix}.{name}"))),
            Self::Json(value) => Self::Json(value.and_then(|value| value.get(name))),
            Self::Url(_) => Self::Json(None),
            Self::Rest(input) => input.member(name),
        }
    }

    /// Whether anything stands at or below this place.
    pub(crate) fn is_present(&self) -> bool {
        match self {
            Self::Query(params, prefix) => params.has(prefix),
            Self::Json(value) => value.is_some_and(|value| !value.is_null()),
            Self::Url(values) => !values.is_empty(),
            Self::Rest(_) => true,
        }
    }

    /// Whether what stands here has this form, as far as the protocol tells forms apart.
    pub(crate) fn has_form(&self, form: Form) -> bool {
        match (self, form) {
            (Self::Json(Some(value)), Form::Structure) => value.is_object() || value.is_null(),
            (Self::Json(Some(value)), Form::List) => value.is_array() || value.is_null(),
            _ => true,
        }
    }

    /// The items of the list at this place, in the order of their numbers. Only numbers that are
    /// there count, so that a large one costs no more than a small one.
    pub(crate) fn items(&self, item: Option<&str>) -> Vec<Self> {
        match self {
            Self::Query(params, prefix) => numbered(params, prefix, item),
            Self::Json(value) => {
                let items = value.and_then(Value::as_array).into_iter().flatten();
                items.filter(|item| !item.is_null()).map(|item| Self::Json(Some(item))).collect()
            }
            Self::Url(values) => values.iter().map(|value| Self::Url(vec![value])).collect(),
            Self::Rest(_) => Vec::new(),
        }
    }

    /// The entries of the map at this place.
    pub(crate) fn entries(&self) -> Vec<(String, Self)> {
        match self {
            Self::Query(..) => self.items(Some("entry")).iter().filter_map(query_entry).collect(),
            Self::Json(value) => {
                let entries = value.and_then(Value::as_object).into_iter().flatten();
                entries.map(|(key, value)| (key.clone(), Self::Json(Some(value)))).collect()
            }
            Self::Url(_) | Self::Rest(_) => Vec::new(),
        }
    }
}

fn numbered<'q>(params: &'q QueryParams, prefix: &str, item: Option<&str>) -> Vec<Node<'q>> {
    let base = item.map_or_else(|| Cow::Borrowed(prefix), |item| Cow::Owned(format!("{prefix}.{item}")));
    let number = |rest: &str| rest.split('.').next()?.parse::<u32>().ok();
    let numbers: BTreeSet<u32> = params.below(&base).filter_map(number).collect();
    numbers.iter().map(|number| Node::Query(params, Cow::Owned(format!("{base}.{number}")))).collect()
}

fn query_entry<'q>(entry: &Node<'q>) -> Option<(String, Node<'q>)> {
    match entry.member("key").scalar() {
        Scalar::Lexical(key) => Some((key.to_owned(), entry.member("value"))),
        Scalar::Json(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_read_in_the_order_of_their_numbers() {
        let body = b"T.member.10=c&T.member.2=b&T.member.1=a&T.member.x=d&T.member.4294967295=e&T.member.4294967296=f";
        let params = QueryParams::parse(body).unwrap();
        let items = Node::Query(&params, "".into()).member("T").items(Some("member"));
        let text: Vec<_> = items
            .iter()
            .map(|item| match item.scalar() {
                Scalar::Lexical(text) => text,
                Scalar::Json(_) => "",
            })
            .collect();
        assert_eq!(text, ["a", "b", "c", "e"]);
    }
}
