//! The managed policies that AWS publishes (`arn:aws:iam::aws:policy/…`), as compact data read on demand.
//!
//! Nothing is unpacked before the first call: the index (names, paths, dates, versions) unpacks as
//! a whole, documents in blocks of [`BLOCK_POLICIES`]. The data file comes from
//! `cargo run -p rolecall-managed-policies --example generate-managed-policies -- SOURCE TARGET`.
//!
//! FIDELITY: the source has each policy's default version only, without its original white space
//! and order of elements, and without AWS's unique ids. Older versions are therefore not listed, documents
//! are laid out as AWS's own policy pages show them, and ids are derived from the name.

mod container;
mod layout;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ring::digest;

pub use container::BLOCK_POLICIES;

static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();

/// One managed policy of AWS's, the same in every account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ManagedPolicy {
    /// Its name, such as `AmazonS3ReadOnlyAccess`.
    pub name: &'static str,
    /// Its path, such as `/` or `/service-role/`.
    pub path: &'static str,
    /// When AWS made it, in seconds since 1970.
    pub create_date: i64,
    /// When AWS last gave it a new default version, in seconds since 1970.
    pub update_date: i64,
    version: u32,
    position: usize,
}

impl ManagedPolicy {
    /// Its ARN in the partition `aws`.
    pub fn arn(&self) -> String {
        self.arn_in("aws")
    }

    /// Its ARN in `partition` (`aws`, `aws-cn`, `aws-us-gov`).
    pub fn arn_in(&self, partition: &str) -> String {
        format!("arn:{partition}:iam::aws:policy{}{}", self.path, self.name)
    }

    /// Its unique id (`ANPA…`, 21 characters): the same in every account and after every restart.
    pub fn policy_id(&self) -> String {
        // FIDELITY: AWS's own ids are not in the source; these only have their form.
        let digest = digest::digest(&digest::SHA256, self.name.as_bytes());
        let bits = digest.as_ref().iter().take(16).fold(0u128, |bits, byte| bits << 8 | u128::from(*byte));
        let letters = (0..17).map(|index| base32_letter((bits >> (index * 5)) as u8 & 31));
        "ANPA".chars().chain(letters).collect()
    }

    /// The default version's number: 3 for `v3`.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The default version's id, such as `v3`.
    pub fn default_version_id(&self) -> String {
        format!("v{}", self.version)
    }

    /// The default version's document, for the partition `aws`.
    pub fn document(&self) -> Arc<str> {
        Arc::from(layout::indented(self.compact()).as_str())
    }

    /// The default version's document with the ARNs of `partition`.
    pub fn document_in(&self, partition: &str) -> Arc<str> {
        // FIDELITY: the China and GovCloud partitions have their own sets of policies and documents;
        // only the ARNs are adapted here.
        if partition == "aws" {
            return self.document();
        }
        let adapted = self.compact().replace("arn:aws:", &format!("arn:{partition}:"));
        Arc::from(layout::indented(&adapted).as_str())
    }

    fn compact(&self) -> &'static str {
        catalogue().document(self.position)
    }

    fn key(&self) -> (&'static str, &'static str) {
        (self.path, self.name)
    }
}

/// All policies in the order of their ARNs.
pub fn all() -> &'static [ManagedPolicy] {
    &catalogue().policies
}

/// The policy with this ARN, of whichever partition, or `None` where AWS has none by it.
pub fn find(arn: &str) -> Option<&'static ManagedPolicy> {
    let (path, name) = path_and_name(arn)?;
    let policies = all();
    let position = policies.partition_point(|policy| by_arn(policy.key(), (path, name)).is_lt());
    policies.get(position).filter(|policy| policy.key() == (path, name))
}

/// Whether `arn` names the AWS-owned namespace, whether or not such a policy exists.
pub fn is_aws_managed(arn: &str) -> bool {
    path_and_name(arn).is_some()
}

/// Whether anything has been unpacked yet.
pub fn is_loaded() -> bool {
    CATALOGUE.get().is_some()
}

struct Catalogue {
    policies: Vec<ManagedPolicy>,
    blocks: Vec<Block>,
}

/// One packed run of documents, unpacked at the first use of any of them.
struct Block {
    packed: &'static [u8],
    text: OnceLock<Unpacked>,
}

struct Unpacked {
    text: String,
    documents: Vec<Range<usize>>,
}

impl Catalogue {
    fn document(&self, position: usize) -> &str {
        let block = self.blocks.get(position / BLOCK_POLICIES);
        let unpacked = block.map(|block| block.text.get_or_init(|| Unpacked::of(block.packed)));
        unpacked.and_then(|unpacked| unpacked.document(position % BLOCK_POLICIES)).unwrap_or_default()
    }
}

impl Unpacked {
    fn of(packed: &[u8]) -> Self {
        let text = container::unpack(packed);
        let mut documents = Vec::with_capacity(BLOCK_POLICIES);
        let mut start = 0;
        for line in text.lines() {
            documents.push(start..start + line.len());
            start += line.len() + 1;
        }
        Self { text, documents }
    }

    fn document(&self, index: usize) -> Option<&str> {
        self.text.get(self.documents.get(index)?.clone())
    }
}

fn catalogue() -> &'static Catalogue {
    static INDEX: OnceLock<String> = OnceLock::new();
    CATALOGUE.get_or_init(|| {
        let sections = container::sections(container::DATA);
        let index = INDEX.get_or_init(|| container::unpack(sections.index));
        let policies =
            index.lines().enumerate().filter_map(|(position, line)| parse(position, line)).collect();
        let block = |packed| Block { packed, text: OnceLock::new() };
        Catalogue { policies, blocks: sections.blocks.into_iter().map(block).collect() }
    })
}

/// One line of the index: name, path, creation, update, version, parted by tabs.
fn parse(position: usize, line: &'static str) -> Option<ManagedPolicy> {
    let mut fields = line.split('\t');
    Some(ManagedPolicy {
        name: fields.next()?,
        path: fields.next()?,
        create_date: fields.next()?.parse().ok()?,
        update_date: fields.next()?.parse().ok()?,
        version: fields.next()?.parse().ok()?,
        position,
    })
}

fn path_and_name(arn: &str) -> Option<(&str, &str)> {
    let mut fields = arn.splitn(6, ':');
    let (prefix, _partition, service) = (fields.next()?, fields.next()?, fields.next()?);
    let (region, account, resource) = (fields.next()?, fields.next()?, fields.next()?);
    if (prefix, service, region, account) != ("arn", "iam", "", "aws") {
        return None;
    }
    let full = resource.strip_prefix("policy")?;
    let slash = full.rfind('/')?;
    full.starts_with('/').then(|| full.split_at(slash + 1))
}

fn by_arn(left: (&str, &str), right: (&str, &str)) -> std::cmp::Ordering {
    left.0.bytes().chain(left.1.bytes()).cmp(right.0.bytes().chain(right.1.bytes()))
}

fn base32_letter(value: u8) -> char {
    char::from(if value < 26 { b'A' + value } else { b'2' + (value - 26) })
}

#[cfg(test)]
mod tests;
