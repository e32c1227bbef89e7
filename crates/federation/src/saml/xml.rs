//! XML as far as SAML needs it: a tree with namespaces, and strict limits. A document type declaration
//! is refused, so there are no entities to expand and none to fetch.

use std::collections::BTreeMap;
use std::sync::Arc;

use quick_xml::Reader;
use quick_xml::XmlVersion;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

/// The deepest nesting that is read.
const MAXIMUM_DEPTH: usize = 64;

const XML_NAMESPACE: &str = "http://www.w3.org/XML/1998/namespace";

/// The document is not well-formed, or not of the kind that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed;

/// The namespaces in scope, by prefix; the default one's is empty.
pub(super) type Scope = Arc<BTreeMap<String, String>>;

/// An element with all that canonical form needs.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) prefix: String,
    pub(super) local: String,
    pub(super) namespace: String,
    pub(super) attributes: Vec<Attribute>,
    pub(super) scope: Scope,
    pub(super) children: Vec<Node>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Attribute {
    pub(super) prefix: String,
    pub(super) local: String,
    pub(super) namespace: String,
    pub(super) value: String,
}

/// Comments are dropped: canonical form leaves them out, so they are under no signature, and text
/// around one is one text.
#[derive(Debug)]
pub(super) enum Node {
    Element(Element),
    Text(String),
    Instruction { target: String, content: String },
}

impl Element {
    pub(super) fn is(&self, namespace: &str, local: &str) -> bool {
        self.namespace == namespace && self.local == local
    }

    /// The attribute of that name in no namespace.
    pub(super) fn attribute(&self, local: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|one| one.namespace.is_empty() && one.local == local);
        found.map(|attribute| attribute.value.as_str())
    }

    pub(super) fn elements(&self) -> impl Iterator<Item = &Self> {
        self.children.iter().filter_map(|node| match node {
            Node::Element(element) => Some(element),
            Node::Text(_) | Node::Instruction { .. } => None,
        })
    }

    pub(super) fn children_named<'a>(
        &'a self,
        namespace: &'static str,
        local: &'static str,
    ) -> impl Iterator<Item = &'a Self> + use<'a> {
        self.elements().filter(move |element| element.is(namespace, local))
    }

    /// The child of that name, where there is exactly one.
    pub(super) fn only_child(&self, namespace: &'static str, local: &'static str) -> Option<&Self> {
        let mut children = self.children_named(namespace, local);
        let first = children.next()?;
        children.next().is_none().then_some(first)
    }

    /// All of its text, which must be its only content. Taking the whole of it is what makes a comment
    /// within a name harmless.
    pub(super) fn text(&self) -> Option<String> {
        let mut whole = String::new();
        for node in &self.children {
            match node {
                Node::Text(text) => whole.push_str(text),
                Node::Element(_) | Node::Instruction { .. } => return None,
            }
        }
        Some(whole)
    }

    /// The element and all below it.
    pub(super) fn descendants(&self) -> Vec<&Self> {
        let mut found = vec![self];
        let mut next = 0;
        while let Some(element) = found.get(next) {
            let below: Vec<&Self> = element.elements().collect();
            found.extend(below);
            next += 1;
        }
        found
    }
}

/// Reads a document of at most `maximum_elements` elements.
pub(super) fn parse(text: &str, maximum_elements: usize) -> Result<Element, Malformed> {
    if !text.chars().all(is_xml_character) {
        return Err(Malformed);
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut builder = Builder { open: Vec::new(), root: None, left: maximum_elements };
    loop {
        match reader.read_event().map_err(|_| Malformed)? {
            Event::Start(start) => builder.start(&start)?,
            Event::Empty(start) => {
                builder.start(&start)?;
                builder.end()?;
            }
            Event::End(_) => builder.end()?,
            Event::Text(text) => builder.text(&text.xml10_content())?,
            Event::CData(text) => builder.character_data(&text.xml10_content())?,
            Event::GeneralRef(reference) => {
                builder.character_data(resolve(&reference)?.encode_utf8(&mut [0; 4]))?
            }
            Event::PI(instruction) => builder.instruction(instruction.target(), instruction.content())?,
            Event::Decl(declaration) => check_declaration(&declaration)?,
            Event::Comment(_) => {}
            Event::DocType(_) => return Err(Malformed),
            Event::Eof => return builder.finish(),
        }
    }
}

struct Builder {
    open: Vec<Element>,
    root: Option<Element>,
    left: usize,
}

impl Builder {
    fn start(&mut self, start: &BytesStart<'_>) -> Result<(), Malformed> {
        self.left = self.left.checked_sub(1).ok_or(Malformed)?;
        if self.open.len() >= MAXIMUM_DEPTH || self.root.is_some() {
            return Err(Malformed);
        }
        let outer = self.open.last().map(|element| element.scope.clone()).unwrap_or_default();
        self.open.push(element(start, outer)?);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Malformed> {
        let closed = self.open.pop().ok_or(Malformed)?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(closed)),
            None => self.root = Some(closed),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Malformed> {
        // Outside the root there is only white space.
        if self.open.is_empty() && text.trim_matches([' ', '\t', '\r', '\n']).is_empty() {
            return Ok(());
        }
        self.character_data(text)
    }

    fn character_data(&mut self, text: &str) -> Result<(), Malformed> {
        let parent = self.open.last_mut().ok_or(Malformed)?;
        if let Some(Node::Text(whole)) = parent.children.last_mut() {
            whole.push_str(text);
        } else {
            parent.children.push(Node::Text(text.to_owned()));
        }
        Ok(())
    }

    fn instruction(&mut self, target: &str, content: &str) -> Result<(), Malformed> {
        if target.eq_ignore_ascii_case("xml") {
            return Err(Malformed);
        }
        if let Some(parent) = self.open.last_mut() {
            let content = content.trim_start().replace("\r\n", "\n").replace('\r', "\n");
            parent.children.push(Node::Instruction { target: target.to_owned(), content });
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, Malformed> {
        if self.open.is_empty() { self.root.ok_or(Malformed) } else { Err(Malformed) }
    }
}

fn element(start: &BytesStart<'_>, outer: Scope) -> Result<Element, Malformed> {
    let mut raw = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|_| Malformed)?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).map_err(|_| Malformed)?;
        let (prefix, local) = split_name(attribute.key.as_ref())?;
        if attribute.value.contains('<') {
            return Err(Malformed);
        }
        raw.push((prefix.to_owned(), local.to_owned(), value.into_owned()));
    }
    let scope = declared(&raw, outer)?;
    let name = start.name();
    let (prefix, local) = split_name(name.as_ref())?;
    let mut attributes = Vec::new();
    for (prefix, local, value) in raw.into_iter().filter(|(prefix, local, _)| !is_declaration(prefix, local))
    {
        // An attribute without a prefix is in no namespace, whatever the default one is.
        let namespace = if prefix.is_empty() { String::new() } else { resolved(&scope, &prefix)? };
        attributes.push(Attribute { prefix, local, namespace, value });
    }
    if has_repeated_names(&attributes) {
        return Err(Malformed);
    }
    let namespace = resolved(&scope, prefix)?;
    Ok(Element {
        prefix: prefix.to_owned(),
        local: local.to_owned(),
        namespace,
        attributes,
        scope,
        children: Vec::new(),
    })
}

/// The scope with the namespaces that an element's attributes declare.
fn declared(attributes: &[(String, String, String)], outer: Scope) -> Result<Scope, Malformed> {
    if !attributes.iter().any(|(prefix, local, _)| is_declaration(prefix, local)) {
        return Ok(outer);
    }
    let mut scope = BTreeMap::clone(&outer);
    for (prefix, local, uri) in attributes.iter().filter(|(prefix, local, _)| is_declaration(prefix, local)) {
        let declared = if prefix.is_empty() { "" } else { local.as_str() };
        // The prefixes `xml` and `xmlns` stand for themselves; no other prefix can be undeclared.
        let reserved = matches!(declared, "xml" | "xmlns") || uri == XML_NAMESPACE;
        if reserved || (uri.is_empty() && !declared.is_empty()) {
            return Err(Malformed);
        }
        scope.insert(declared.to_owned(), uri.clone());
    }
    Ok(Arc::new(scope))
}

fn is_declaration(prefix: &str, local: &str) -> bool {
    prefix == "xmlns" || (prefix.is_empty() && local == "xmlns")
}

fn resolved(scope: &Scope, prefix: &str) -> Result<String, Malformed> {
    match (prefix, scope.get(prefix)) {
        ("xml", _) => Ok(XML_NAMESPACE.to_owned()),
        (_, Some(uri)) => Ok(uri.clone()),
        ("", None) => Ok(String::new()),
        (_, None) => Err(Malformed),
    }
}

fn has_repeated_names(attributes: &[Attribute]) -> bool {
    attributes.iter().enumerate().any(|(index, one)| {
        let mut earlier = attributes.iter().take(index);
        earlier.any(|other| other.namespace == one.namespace && other.local == one.local)
    })
}

fn split_name(name: &str) -> Result<(&str, &str), Malformed> {
    let (prefix, local) = name.split_once(':').unwrap_or(("", name));
    let prefix_fits = !name.contains(':') || is_name(prefix);
    if prefix_fits && is_name(local) { Ok((prefix, local)) } else { Err(Malformed) }
}

/// Whether `name` has no colon, no white space and nothing else that ends a name.
fn is_name(name: &str) -> bool {
    let starts = |character: char| character.is_alphabetic() || character == '_';
    let goes_on = |character: char| starts(character) || character.is_numeric() || ".-·".contains(character);
    name.starts_with(starts) && name.chars().all(goes_on)
}

fn resolve(reference: &BytesRef<'_>) -> Result<char, Malformed> {
    if let Some(character) = reference.resolve_char_ref().map_err(|_| Malformed)? {
        return if is_xml_character(character) { Ok(character) } else { Err(Malformed) };
    }
    match reference.xml10_content().as_ref() {
        "amp" => Ok('&'),
        "lt" => Ok('<'),
        "gt" => Ok('>'),
        "quot" => Ok('"'),
        "apos" => Ok('\''),
        _ => Err(Malformed),
    }
}

fn check_declaration(declaration: &BytesDecl<'_>) -> Result<(), Malformed> {
    let encoding = declaration.encoding().transpose().map_err(|_| Malformed)?;
    let version = declaration.version().map_err(|_| Malformed)?;
    let utf8 = encoding.is_none_or(|name| name.eq_ignore_ascii_case("UTF-8"));
    if utf8 && version == "1.0" { Ok(()) } else { Err(Malformed) }
}

fn is_xml_character(character: char) -> bool {
    matches!(character, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..)
}
