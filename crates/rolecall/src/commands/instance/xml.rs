//! EC2's answers as a tree: small, and read once.

use quick_xml::Reader;
use quick_xml::events::Event;

/// An element with its text and its children.
#[derive(Debug, Default)]
pub(super) struct Element {
    name: String,
    text: String,
    children: Vec<Self>,
}

impl Element {
    /// The document's root; none when it is no XML.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
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

    /// The text of the child of this name.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        self.child(name).map(|child| child.text.as_str())
    }

    /// The child of this name.
    pub(super) fn child(&self, name: &str) -> Option<&Self> {
        self.children.iter().find(|child| child.name == name)
    }

    /// The items of the list of this name.
    pub(super) fn items(&self, name: &str) -> impl Iterator<Item = &Self> {
        self.child(name)
            .into_iter()
            .flat_map(|list| list.children.iter().filter(|child| child.name == "item"))
    }

    /// The texts of all elements of this name, wherever they are.
    pub(super) fn texts(&self, name: &str) -> Vec<String> {
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
