//! Answers in XML as a tree, for those who ask: small, and read once.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An element with its text and its children.
#[derive(Debug, Default)]
pub struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// The document's root; none when it is no XML.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes).ok()?;
        let mut reader = Reader::from_str(text);
        let mut open: Vec<Self> = vec![Self::default()];
        loop {
            match reader.read_event().ok()? {
                Event::Start(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    open.push(Self { name, ..Self::default() });
                }
                Event::Empty(start) => {
                    let name = start.local_name().as_ref().to_owned();
                    open.last_mut()?.children.push(Self { name, ..Self::default() });
                }
                Event::End(_) => {
                    let done = open.pop()?;
                    open.last_mut()?.children.push(done);
                }
                Event::Text(text) => open.last_mut()?.text.push_str(&text),
                Event::GeneralRef(reference) => {
                    let named: &str = &reference;
                    let character = reference.resolve_char_ref().ok()?;
                    let resolved = quick_xml::escape::resolve_xml_entity(named);
                    match (character, resolved) {
                        (Some(character), _) => open.last_mut()?.text.push(character),
                        (None, Some(text)) => open.last_mut()?.text.push_str(text),
                        (None, None) => return None,
                    }
                }
                Event::Eof => return open.pop()?.children.pop(),
                _ => {}
            }
        }
    }

    /// Its name, without the name space.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its children, in their order.
    pub fn children(&self) -> impl Iterator<Item = &Self> {
        self.children.iter()
    }

    /// The text of the child of this name.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The child of this name.
    pub fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The children of this name, in their order.
    pub fn all<'e>(&'e self, name: &'e str) -> impl Iterator<Item = &'e Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    /// The members of the list of this name, as the query protocol writes lists.
    pub fn members(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.child(name).into_iter().flat_map(|list| list.all("member"))
    }

    /// Takes a page of a list apart: the members of `list` in `result`, and the marker of the next page.
    pub fn into_list(self, result: &str, list: &str) -> Option<(Vec<Self>, Option<String>)> {
        let page = self.into_child(result)?;
        let truncated = page.text("IsTruncated") == Some("true");
        let marker = page.text("Marker").filter(|_| truncated).map(str::to_owned);
        let members = page.into_child(list).map(|list| list.children).unwrap_or_default();
        Some((members, marker))
    }

    fn into_child(self, name: &str) -> Option<Self> {
        self.children.into_iter().find(|child| child.name == name)
    }

    /// The element's own text.
    pub fn own_text(&self) -> &str {
        &self.text
    }

    /// The items of the list of this name.
    pub fn items(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.child(name)
            .into_iter()
            .flat_map(|list| list.children.iter().filter(|child| child.name == "item"))
    }

    /// The texts of all elements of this name, wherever they are.
    pub fn texts(&self, name: &str) -> Vec<String> {
        let mut found: Vec<String> = self.children.iter().flat_map(|child| child.texts(name)).collect();
        if self.name == name {
            found.insert(0, self.text.clone());
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let xml = b"<?xml version=\"1.0\"?>\n<R xmlns=\"x\"><set><item><id>a&amp;b</id><e/></item><item><id>c</id></item></set></R>";
        let root = Element::parse(xml).unwrap();
        assert_eq!(root.items("set").filter_map(|item| item.text("id")).collect::<Vec<_>>(), ["a&b", "c"]);
        assert_eq!(root.texts("id"), ["a&b", "c"]);
        assert!(Element::parse(b"<a><b></a>").is_none());
    }
}
